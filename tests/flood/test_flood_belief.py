"""A level that no water can have draws none: its gauge is left out and named, and nothing pretends that all is dry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from flood import actions, belief, queries
from flood.belief import Site
from flood.ground import unused_gauges
from flood.rules import GaugeSite, Level

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def site(*, ground_m: float = 2.0, bank_m: float | None = None, danger_m: float | None = None) -> Site:
    return Site(GaugeSite(1, "A", 0.0, 0.0, bank_m, danger_m, "msl"), ground_m)


def level(level_m: float, *, at: datetime = NOW, trend: float = 0.0) -> Level:
    return Level(1, "A", level_m, at, 0, False, None, trend_m_per_h=trend)


def doubt(level_m: float, where: Site, drawn: dict[str, Any] | None = None) -> str | None:
    return belief.judged([level(level_m)], {1: where}, drawn={"1": drawn} if drawn else {})[0].doubt


@pytest.mark.parametrize(
    ("level_m", "expected"), [(2.5, None), (7.9, None), (900.0, "above-ground"), (-30.0, "below-ground"), (-20.0, None)]
)
def test_a_level_far_from_its_ground_is_not_believed(level_m: float, expected: str | None) -> None:
    """In a city at 2 m no water stands at 900 m; a deep river may run metres under its banks."""
    assert doubt(level_m, site()) == expected


@pytest.mark.parametrize("marks", [{"bank_m": 900.0}, {"danger_m": 250.0}])
def test_nothing_is_believed_of_a_gauge_whose_marks_are_of_another_zero(marks: dict[str, float]) -> None:
    """A bank at 900 m keeps the city dry at any level: that is as wrong as water everywhere."""
    assert doubt(2.0, site(**marks)) == "bank-off-ground"


def test_where_no_ground_is_known_nothing_contradicts_a_level() -> None:
    """Ignorance of the ground is no doubt of the gauge."""
    assert doubt(900.0, site(ground_m=float("nan"), bank_m=899.0)) is None


@given(rise_m=st.floats(0, 30), minutes=st.integers(0, 600))
def test_a_jump_is_what_no_stream_does(rise_m: float, minutes: int) -> None:
    """Three metres may come between two readings, more only at four metres an hour; up or down."""
    before = {"level_m_msl": 0.0, "observed_at": (NOW - timedelta(minutes=minutes)).isoformat(), "doubt": None}
    where = site(ground_m=float("nan"))
    has_jumped = rise_m > 3.0 + 4.0 * minutes / 60
    assert (doubt(rise_m, where, before) == "jumped") is has_jumped
    assert (doubt(-rise_m, where, before) == "jumped") is has_jumped


def test_a_jump_is_held_against_the_last_level_that_was_believed() -> None:
    """The first wrong level does not make the second one right; one that stays for hours is believed at last."""
    where, levels = {1: site(ground_m=float("nan"))}, {}
    doubts = []
    for minutes in (0, 10, 20, 60, 300):
        now = level(0.0 if minutes == 0 else 20.0, at=NOW + timedelta(minutes=minutes))
        judged = belief.judged([now], where, drawn=levels)[0]
        levels = {"1": actions._as_json(judged)}
        doubts.append(judged.doubt)
    assert doubts == [None, "jumped", "jumped", "jumped", None]


def test_a_level_of_900_m_draws_no_water_and_is_named(town: Any) -> None:
    """The other gauge draws the picture alone, less surely; the first is in it with its level and the doubt."""
    town.water(a=1.0, b=1.0)
    sure = actions.draw(town.session, now=town.now).confidence
    town.let_any_level_pass("gauge-a")
    town.later(10)
    town.water(a=900.0, b=1.0)
    run = actions.draw(town.session, now=town.now)
    assert run.method == "canal-network"
    assert run.levels[str(town.stations["a"])]["doubt"] == "above-ground"
    assert run.levels[str(town.stations["a"])]["level_m_msl"] == 900.0
    assert run.levels[str(town.stations["b"])]["doubt"] is None
    assert run.confidence < sure
    assert queries.polygons(town.session, run.id) == []
    west = next(zone for zone in queries.current_zones(town.session) if zone.code == "Z-west")
    assert (west.severity, west.wet_share) == (0, 0.0)


def test_without_any_level_that_is_believed_the_picture_says_no_data(town: Any) -> None:
    """No picture from no gauge: it names what is not believed, depths are unknown, and severities stay."""
    town.water(a=2.6, b=2.6)
    before = actions.draw(town.session, now=town.now)
    severities = {code: zone.severity for code, zone in queries.settled_by_code(town.session, before.id).items()}
    assert max(severities.values()) == 3
    town.let_any_level_pass("gauge-a", "gauge-b")
    town.later(10)
    town.water(a=900.0, b=901.0)
    run = actions.draw(town.session, now=town.now)
    assert run.method == "no-data"
    assert run.reason is not None
    assert "not believed: gauge-a (900.00 m), gauge-b (901.00 m)" in run.reason
    assert queries.depth_at(town.session, town.place(600, 650)) is None
    after = {code: zone.severity for code, zone in queries.settled_by_code(town.session, run.id).items()}
    assert after == severities


def test_a_gauge_with_a_bank_of_another_zero_shapes_no_zone_and_is_told(town: Any) -> None:
    """Zones are drawn from the gauges' marks: a danger level of 900 m would make the hills a zone."""
    shapes = "SELECT code, ST_Area(geom::geography) FROM zone WHERE NOT is_retired ORDER BY code"
    before = town.session.execute(sa.text(shapes)).all()
    town.session.execute(sa.text("UPDATE station SET bank_m_msl = 900 WHERE code = 'gauge-b'"))
    town.session.execute(sa.text("UPDATE datastream SET danger_m_msl = 901 WHERE code = 'gauge-b'"))
    actions.make_zones(town.session)
    after = town.session.execute(sa.text(shapes)).all()
    assert sum(area for _, area in after) <= sum(area for _, area in before) * 1.01
    doubted, beside = unused_gauges(town.session)
    assert [one.gauge.code for one in doubted] == ["gauge-b"]
    assert beside == []
    town.water(a=2.6, b=2.6)
    run = actions.draw(town.session, now=town.now)
    assert run.levels[str(town.stations["b"])]["doubt"] == "bank-off-ground"


def test_a_trend_does_not_carry_a_level_where_no_water_stands(town: Any) -> None:
    """What is believed now may be none in five hours; it is left out of that hour's picture, and named there."""
    town.water(a=2.0, b=2.0)
    town.later(30)
    town.water(a=6.0, b=2.0)
    basis = actions.draw(town.session, now=town.now)
    assert basis.levels[str(town.stations["a"])]["doubt"] is None
    run = actions.look_ahead(town.session, basis_run_id=basis.id, horizon_min=300, now=town.now)
    assert run is not None
    assert run.levels[str(town.stations["a"])]["doubt"] == "above-ground"
    assert run.levels[str(town.stations["b"])]["doubt"] is None
    here, other = (queries.spot_at(town.session, run, town.place(x_m, 650)) for x_m in (105, 1095))
    assert here is not None
    assert other is not None
    assert here.depth_m == pytest.approx(other.depth_m, abs=0.5)


def test_a_terrain_that_is_gone_leaves_no_picture_that_seems_of_now(town: Any, terrain_file: Any) -> None:
    """The disk lost the terrain: the picture says no data and why, and the job does not fail for ever."""
    from flood import tasks

    town.water(a=2.6, b=2.6)
    actions.draw(town.session, now=town.now)
    terrain_file.unlink()
    town.session.execute(sa.text("UPDATE terrain SET version = version + 1"))
    town.later(10)
    town.water(a=2.7, b=2.6)
    tasks._draw(town.session, actions.UNTRIGGERED)
    run = queries.current_run(town.session)
    assert run is not None
    assert run.method == "no-data"
    assert run.reason is not None
    assert "the terrain cannot be read" in run.reason
