"""Hours to come: levels carried on by their trends, drawn as pictures beside those of what is."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.settings import data_dir
from flood import actions, queries, rules, tasks
from flood.errors import NoSuchRunError
from flood.models import FloodRun, ZoneState
from flood.rules import Level

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def level(trend_m_per_h: float) -> Level:
    return Level(
        station_id=1, code="g", level_m_msl=2.0, observed_at=AT, state=2, is_stale=False, received_wall_at=AT,
        trend_m_per_h=trend_m_per_h,
    )


def test_a_rise_goes_on_and_dies_down() -> None:
    """The level rises with its trend at first, ever less, and never beyond what the trend can add in all."""
    ahead = [rules.level_ahead(level(0.4), hours=hours)[0].level_m_msl for hours in (0.01, 1, 3, 6, 100)]
    assert ahead[0] == pytest.approx(2.004, abs=1e-4)
    rises = [b - a for a, b in itertools.pairwise(ahead)]
    assert all(rise > 0 for rise in rises)
    assert ahead[-1] == pytest.approx(2.0 + 0.4 * rules.TREND_LASTS_H)


def test_a_falling_level_falls_on() -> None:
    """What falls is carried on as what rises."""
    up, down = (rules.level_ahead(level(trend), hours=2)[0].level_m_msl - 2.0 for trend in (0.3, -0.3))
    assert up == pytest.approx(-down)


def test_doubt_grows_with_the_hours_and_the_pace() -> None:
    """The farther ahead and the faster the water moves, the less is claimed."""
    sigmas = [rules.level_ahead(level(0.2), hours=hours)[1] for hours in (1, 2, 4, 6)]
    assert sigmas == sorted(sigmas)
    assert rules.level_ahead(level(0.5), hours=3)[1] > rules.level_ahead(level(0.0), hours=3)[1] > 0


def test_a_gauge_ahead_has_no_state_of_its_own() -> None:
    """A threshold that was passed is no reason to call a zone to come severe."""
    assert rules.level_ahead(level(-1.0), hours=3)[0].state == 0


def rising(town: Any) -> FloodRun:
    """The canal has risen by 0.3 m in the last half hour and stands 0.4 m over its banks; the picture of that."""
    for a_m in (2.1, 2.2, 2.3, 2.4):
        town.water(a=a_m, b=a_m)
        town.later(10)
    town.water(a=2.4, b=2.4)
    return actions.draw(town.session, now=town.now)


def look_ahead(town: Any, run: FloodRun, horizon_min: int) -> FloodRun | None:
    return actions.look_ahead(town.session, basis_run_id=run.id, horizon_min=horizon_min, now=town.now)


def test_a_picture_of_hours_to_come_is_none_of_what_is(town: Any) -> None:
    """It has its own number, time and zones, and neither depth, roads, zones nor the newest picture change by it."""
    run = rising(town)
    place = town.place(605, 625)
    before = queries.depth_at(town.session, place), queries.current_zones(town.session)
    events = town.session.scalar(sa.text("SELECT count(*) FROM event"))
    ahead = look_ahead(town, run, 120)
    assert ahead is not None
    assert ahead.valid_at == run.valid_at + timedelta(hours=2)
    assert (ahead.horizon_min, ahead.basis_run_id) == (120, run.id)
    assert queries.current_run(town.session) == run
    assert (queries.depth_at(town.session, place), queries.current_zones(town.session)) == before
    assert town.session.scalar(sa.text("SELECT count(*) FROM event")) == events
    there = queries.spot_at(town.session, ahead, place)
    assert there is not None
    assert before[0] is not None
    assert there.depth_m > before[0]


def test_looking_ahead_twice_is_once(town: Any) -> None:
    """The same hour of the same picture is drawn once."""
    run = rising(town)
    assert look_ahead(town, run, 60) is not None
    assert look_ahead(town, run, 60) is None
    assert town.session.scalar(sa.select(sa.func.count()).where(FloodRun.horizon_min > 0)) == 1


def test_confidence_fades_ahead(town: Any) -> None:
    """A picture of hours to come is trusted less than that of now, and the later the less."""
    run = rising(town)
    near, far = look_ahead(town, run, 60), look_ahead(town, run, 360)
    assert near is not None
    assert far is not None
    assert run.confidence > near.confidence > far.confidence > 0
    zones = town.session.scalars(sa.select(ZoneState.confidence).where(ZoneState.run_id == far.id)).all()
    assert zones
    assert max(zones) < run.confidence


def test_old_depths_of_hours_to_come_are_let_go_alone(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking ahead often never pushes out the depths of what was."""
    monkeypatch.setattr(actions, "AHEAD_KEPT_WHOLE", 2)
    run = rising(town)
    ahead = [look_ahead(town, run, minutes) for minutes in (60, 120, 180)]
    kept = [(data_dir() / str(one.depth_path)).exists() for one in ahead if one is not None]
    assert kept == [False, True, True]
    assert (data_dir() / str(run.depth_path)).exists()
    first = ahead[0]
    assert first is not None
    assert queries.spot_at(town.session, first, town.place(605, 625)) is None


def test_hours_are_looked_at_after_a_picture_and_not_too_often(town: Any) -> None:
    """Each hour to come is a job of its own; within half an hour of city time none is asked for again."""
    run = rising(town)
    redrawn = actions.FloodRedrawn(
        run_id=run.id, trigger_received_wall_at=None, severity_by_zone={}, falling_by_zone={}, is_without_data=False
    )
    waiting = sa.text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'flood.look_ahead'")
    tasks.look_ahead_after_redraw(town.session, redrawn)
    assert town.session.scalar(waiting) == len(rules.HORIZONS_MIN)
    look_ahead(town, run, 60)
    tasks.look_ahead_after_redraw(town.session, redrawn)
    assert town.session.scalar(waiting) == len(rules.HORIZONS_MIN)


def test_a_picture_that_never_was_is_told(town: Any) -> None:
    """Nothing is drawn ahead of, nor read from, a number that no picture has."""
    with pytest.raises(NoSuchRunError, match="no flood picture 999"):
        actions.look_ahead(town.session, basis_run_id=999, horizon_min=60, now=town.now)


def test_pictures_on_the_time_line(town: Any) -> None:
    """What was comes newest first, then the newest look ahead hour by hour; two pictures are compared zone by zone."""
    run = rising(town)
    look_ahead(town, run, 60)
    town.later(30)
    town.water(a=2.6, b=2.6)
    later = actions.draw(town.session, now=town.now)
    for minutes in (120, 60):
        look_ahead(town, later, minutes)
    line = queries.runs(town.session, limit=10)
    assert [(card.horizon_min, card.basis_run_id) for card in line] == [
        (0, None), (0, None), (60, later.id), (120, later.id)
    ]
    assert [card.id for card in line[:2]] == [later.id, run.id]
    changes = queries.changes_between(town.session, run_id=run.id, other_run_id=later.id)
    assert [change.code for change in changes] == ["Z-east", "Z-west"]
    assert all(change.other_homes >= change.homes and change.other_wet_share >= change.wet_share for change in changes)
