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
from sensors.nowcast_models import Nowcast, NowcastModel

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


def nowcast(town: Any, code: str, levels_m: dict[float, float], *, is_shown: bool = True) -> None:
    """The gauge has been forecast now: these levels by hours, each within 0.2 m in eight of ten cases."""
    datastream_id = town.session.scalar(sa.text("SELECT id FROM datastream WHERE code = :c"), {"c": f"gauge-{code}"})
    town.session.merge(
        NowcastModel(
            datastream_id=datastream_id, fitted_at=town.now, data_from=None, data_to=None, readings=0, step_s=300.0,
            choices=[], reason=None, document="{}",
        )
    )
    town.session.flush()
    for hours, level_m in levels_m.items():
        town.session.add(
            Nowcast(
                datastream_id=datastream_id, made_at=town.now, horizon_h=hours, at=town.now + timedelta(hours=hours),
                origin_m_msl=2.4, level_m_msl=level_m, low_m_msl=level_m - 0.2, high_m_msl=level_m + 0.2, nominal=0.8,
                forecaster="ridge", skill=0.5, skill_rising=0.5, is_shown=is_shown, why=[],
            )
        )
    town.session.flush()


def ahead_levels(town: Any, picture: FloodRun) -> dict[str, tuple[float, str]]:
    return {level["code"]: (level["level_m_msl"], level["ahead_by"]) for level in picture.levels.values()}


def test_a_forecast_that_may_be_shown_tells_the_hours_to_come(town: Any) -> None:
    """The gauge that has one is drawn by it, the other by its trend, and the picture says which is which."""
    run = rising(town)
    trend = look_ahead(town, run, 60)
    assert trend is not None
    by_trend = ahead_levels(town, trend)
    assert {by for _, by in by_trend.values()} == {"trend"}
    nowcast(town, "a", {1.0: 2.5, 3.0: 2.9})
    two = look_ahead(town, run, 120)
    assert two is not None
    told = ahead_levels(town, two)
    assert told["gauge-a"] == (pytest.approx(2.7), "ridge")
    assert told["gauge-b"][1] == "trend"
    assert all(level["ahead_by"] is None for level in run.levels.values())


@pytest.mark.parametrize(("is_shown", "minutes"), [(False, 0), (True, 31)])
def test_without_a_fresh_forecast_to_show_the_trend_goes_on(town: Any, is_shown: bool, minutes: int) -> None:
    """One without skill, or of half an hour ago, draws nothing: the trend does, as ever."""
    nowcast(town, "a", {1.0: 9.0, 3.0: 9.0}, is_shown=is_shown)
    town.later(minutes)
    run = rising(town)
    ahead = look_ahead(town, run, 120)
    assert ahead is not None
    assert {by for _, by in ahead_levels(town, ahead).values()} == {"trend"}


def test_a_forecast_has_the_doubt_of_its_band() -> None:
    """Eight of ten between 20 cm below and above are one standard deviation of 15.6 cm."""
    told, sigma_m = rules.level_told(
        level(0.0), expected_m_msl=2.3, low_m_msl=2.1, high_m_msl=2.5, nominal=0.8, forecaster="ridge"
    )
    assert (told.level_m_msl, told.state, told.ahead_by) == (2.3, 0, "ridge")
    assert sigma_m == pytest.approx(0.156, abs=5e-4)


def test_a_forecast_of_falling_water_lowers_nothing_that_is(town: Any) -> None:
    """Zones keep the severity of the levels of now, and no state, event or alert hears of the hours to come."""
    run = rising(town)
    events = town.session.scalar(sa.text("SELECT count(*) FROM event"))
    before = queries.current_zones(town.session), town.session.execute(sa.text("SELECT * FROM level_state")).all()
    nowcast(town, "a", {1.0: -1.0, 3.0: -1.0, 6.0: -1.0})
    nowcast(town, "b", {1.0: -1.0, 3.0: -1.0, 6.0: -1.0})
    dry = look_ahead(town, run, 180)
    assert dry is not None
    assert {level["level_m_msl"] for level in dry.levels.values()} == {-1.0}
    after = queries.current_zones(town.session), town.session.execute(sa.text("SELECT * FROM level_state")).all()
    assert after == before
    assert town.session.scalar(sa.text("SELECT count(*) FROM event")) == events
    town.water(a=2.4, b=2.4)
    again = actions.draw(town.session, now=town.now)
    assert {level["level_m_msl"] for level in again.levels.values()} == {2.4}
