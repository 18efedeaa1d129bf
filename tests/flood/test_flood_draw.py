"""The picture of a small city on a real database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import db, events
from core.events import EventRecord
from core.settings import data_dir
from flood import actions, queries, tasks
from flood.depths import read_planes
from flood.errors import MixedDatumsError, NoTerrainError
from flood.models import FloodRun, Zone, ZonePart, ZoneState
from gis.points import LonLat
from sensors.events import LevelStateChanged, ReadingsStored


def draw(town: Any) -> FloodRun:
    return actions.draw(town.session, now=town.now)


def states(session: Session, run: FloodRun) -> dict[str, ZoneState]:
    rows = session.execute(sa.select(Zone.code, ZoneState).join(Zone, Zone.id == ZoneState.zone_id)
                           .where(ZoneState.run_id == run.id))
    return {row.code: row.ZoneState for row in rows}


def area_m2(session: Session, run: FloodRun) -> float:
    return float(session.scalar(sa.text(
        "SELECT coalesce(sum(ST_Area(geom::geography)), 0) FROM flood_polygon WHERE run_id = :id"), {"id": run.id}))


def test_zones_are_the_ground_that_can_flood(town: Any) -> None:
    """Each community has one zone, valid, subdivided, without overlap; making them twice changes none."""
    zones = town.session.scalars(sa.select(Zone).order_by(Zone.code)).all()
    assert [zone.code for zone in zones] == ["Z-east", "Z-west"]
    assert town.session.scalar(sa.text("SELECT bool_and(ST_IsValid(geom)) FROM zone"))
    overlap = "SELECT ST_Area(ST_Intersection(a.geom, b.geom)) FROM zone a, zone b WHERE a.id < b.id"
    assert town.session.scalar(sa.text(overlap)) == pytest.approx(0, abs=1e-12)
    parts = town.session.scalar(sa.select(sa.func.count()).select_from(ZonePart))
    assert actions.make_zones(town.session) == 2
    town.session.expire_all()
    assert [zone.version for zone in town.session.scalars(sa.select(Zone))] == [1, 1]
    assert town.session.scalar(sa.select(sa.func.count()).select_from(ZonePart)) == parts


def test_a_canal_below_its_banks_floods_nothing(town: Any) -> None:
    """With both gauges below their banks no ground is wet and no zone counts anybody."""
    town.water(a=1.0, b=1.0)
    run = draw(town)
    assert area_m2(town.session, run) == 0
    assert {(s.severity, s.homes, s.people) for s in states(town.session, run).values()} == {(0, 0, 0)}
    assert queries.depth_at(town.session, town.place(205, 635)) == 0.0


def test_depth_is_surface_less_ground(town: Any) -> None:
    """Where the canal stands 0.6 m over its bank, ground near it lies so deep, less the slope of ground and water."""
    town.water(a=2.6, b=2.6)
    run = draw(town)
    assert run.method == "canal-network"
    assert queries.depth_at(town.session, town.place(605, 625)) == pytest.approx(0.6 - 20 / 500 - 20 * 5e-4, abs=0.01)
    assert queries.depth_at(town.session, town.place(605, 15)) == 0.0
    assert read_planes(data_dir() / run.depth_path).shape == (3, 120, 120)


def test_nothing_is_known_outside_the_terrain(town: Any) -> None:
    """A place off the terrain has no depth, which is not the same as dry."""
    town.water(a=2.6, b=2.6)
    draw(town)
    assert queries.depth_at(town.session, town.place(-500, 605)) is None


def test_the_basin_behind_the_levee_stays_dry(town: Any) -> None:
    """Low ground that a closed levee surrounds is dry although it lies below the water."""
    town.water(a=2.6, b=2.6)
    draw(town)
    assert queries.depth_at(town.session, town.place(900, 800)) == 0.0


def test_classes_do_not_overlap_and_are_valid(town: Any) -> None:
    """Depth classes are valid, share no area, and their sum is the flooded area."""
    town.water(a=3.2, b=2.4)
    run = draw(town)
    valid, apart, together = town.session.execute(sa.text(
        "SELECT bool_and(ST_IsValid(geom)), sum(ST_Area(geom)), ST_Area(ST_Union(geom)) FROM flood_polygon "
        "WHERE run_id = :id"), {"id": run.id}).one()
    assert valid
    assert apart == pytest.approx(together, rel=1e-6)
    assert len(queries.polygons(town.session, run.id)) == 4


def test_a_higher_level_never_gives_less_water(town: Any) -> None:
    """When one gauge rises, flooded area and homes grow or stay."""
    last = (-1.0, -1)
    for level_m in (1.9, 2.1, 2.3, 2.7, 3.4):
        town.water(a=level_m, b=2.2)
        run = draw(town)
        found = (area_m2(town.session, run), sum(s.homes for s in states(town.session, run).values()))
        assert found[0] >= last[0]
        assert found[1] >= last[1]
        last = found
        town.later(10)


def test_exposure_equals_a_direct_count(town: Any) -> None:
    """Homes, members and vulnerable homes of a zone are those inside it (ST_Intersects) whose spot is under water."""
    town.water(a=2.6, b=2.4)
    run = draw(town)
    rows = town.session.execute(sa.text(
        "SELECT z.code, h.resident_id, h.is_vulnerable, ST_X(h.geom), ST_Y(h.geom) FROM zone z "
        "JOIN home h ON ST_Intersects(z.geom, h.geom)")).all()
    wet = [row for row in rows if queries.depth_at(town.session, LonLat(lon=row[3], lat=row[4])) > 0]
    for code, state in states(town.session, run).items():
        mine = [row for row in wet if row[0] == code]
        assert (state.homes, state.members, state.vulnerable_homes) == (
            len(mine), len({row[1] for row in mine}), sum(row[2] for row in mine))
        assert state.totals["homes"] == sum(row[0] == code for row in rows)
    assert wet


def test_registered_people_count_where_they_live(town: Any) -> None:
    """Where a register tells how many people live where, they count instead of members' homes, out of all of them."""
    session = town.session
    layer = session.scalar(sa.text(
        "INSERT INTO layer (name, kind, source, licence, trust, row_count, version, imported_at, legend) "
        "VALUES ('people', 'people', 't', 't', 'derived', 3, 1, now(), CAST(:legend AS jsonb)) RETURNING id"),
        {"legend": '{"outside": 12, "unlocated": 5}'})
    for (x_m, y_m), people in (((205, 635), 40), ((205, 15), 25), ((5000, 5000), 9)):
        spot = town.place(x_m, y_m)
        session.execute(sa.text(
            "INSERT INTO population_point (layer_id, unit_code, method, people, geom) VALUES "
            "(:layer, 'u', 'buildings', :people, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"),
            {"layer": layer, "people": people, "lon": spot.lon, "lat": spot.lat})
    town.water(a=2.6, b=2.6)
    run = draw(town)
    west, east = (states(session, run)[code] for code in ("Z-west", "Z-east"))
    assert (west.people, west.totals["people"]) == (40, 65)
    assert west.people_method == "registered people, spread over homes and streets (register)"
    assert east.people_method == "member homes x 2.3 (assumed)"
    beside = session.scalar(sa.text(
        "SELECT count(*) FROM home h WHERE NOT EXISTS (SELECT FROM zone z WHERE ST_Intersects(z.geom, h.geom))"))
    assert run.not_counted == {"homes": beside, "people": 9, "people_outside": 12, "people_unlocated": 5}


def test_polygons_agree_with_the_grid(town: Any) -> None:
    """Simplified outlines hold nearly the homes that the grid says are wet (5 % may stand on a smoothed border)."""
    town.water(a=2.6, b=2.4)
    run = draw(town)
    inside = town.session.scalar(sa.text(
        "SELECT count(DISTINCT h.id) FROM home h JOIN flood_polygon p ON ST_Intersects(p.geom, h.geom) "
        "WHERE p.run_id = :id"), {"id": run.id})
    counted = sum(state.homes for state in states(town.session, run).values())
    assert inside == pytest.approx(counted, rel=0.05)


def test_roads_under_water_are_known_and_bridges_are_not(town: Any) -> None:
    """The road along the canal is flooded with its depth; the bridge and the road on the hill are not."""
    town.water(a=2.6, b=2.6)
    run = draw(town)
    codes = {row.id: row.code for row in town.session.execute(sa.text("SELECT id, code FROM road"))}
    roads = {codes[road_id]: depth_m for road_id, depth_m in queries.flooded_roads(town.session)}
    assert set(roads) == {"along"}
    assert roads["along"] == pytest.approx(0.55, abs=0.02)
    west = states(town.session, run)["Z-west"]
    assert west.roads_over_km["0.2"] == pytest.approx(0.6, abs=0.02)
    assert west.facilities == {"school": 1}


def test_a_stale_gauge_lowers_confidence_and_is_left_out(town: Any) -> None:
    """A gauge that fell silent no longer shapes the water; the picture is less sure."""
    town.water(a=2.6, b=3.4)
    both = draw(town)
    town.later(60)
    town.water(a=2.6)
    one = draw(town)
    assert one.confidence < both.confidence
    assert [entry["is_stale"] for entry in one.levels.values()] == [False, True]
    assert area_m2(town.session, one) < area_m2(town.session, both)


def test_silence_is_not_safety(town: Any) -> None:
    """Without any fresh gauge the picture says no data, and every zone keeps its severity; depths are unknown."""
    town.water(a=2.8, b=2.8)
    flooded = states(town.session, draw(town))
    town.later(240)
    run = draw(town)
    assert run.method == "no-data"
    assert run.confidence == 0
    assert {code: s.severity for code, s in states(town.session, run).items()} == {
        code: s.severity for code, s in flooded.items()}
    assert queries.flooded_roads(town.session)
    assert queries.depth_at(town.session, town.place(605, 625)) is None


def test_severity_rises_at_once_and_falls_slowly(town: Any) -> None:
    """Danger comes with the first picture; it goes after three lower pictures over half an hour, not before."""
    town.water(a=2.8, b=2.8)
    assert states(town.session, draw(town))["Z-west"].severity == 3
    seen = []
    for _ in range(4):
        town.later(15)
        town.water(a=1.6, b=1.6)
        seen.append(states(town.session, draw(town))["Z-west"].severity)
    assert seen == [3, 3, 2, 2]


def test_gauges_with_different_zeros_are_refused_by_name(town: Any) -> None:
    """A gauge in staff centimetres next to one above mean sea level stops the picture, and both are named."""
    town.water(a=2.6, b=2.6)
    town.session.execute(sa.text("UPDATE datastream SET datum = 'staff zero' WHERE code = 'gauge-b'"))
    with pytest.raises(MixedDatumsError, match=r"gauge-a .*gauge-b"):
        draw(town)


def test_mixed_datums_leave_a_picture_that_says_so(town: Any) -> None:
    """The job that meets mixed datums does not fail for ever: the picture says no data and why."""
    town.water(a=2.6, b=2.6)
    town.session.execute(sa.text("UPDATE datastream SET datum = 'staff zero' WHERE code = 'gauge-b'"))
    tasks.redraw_after_readings(town.session, ReadingsStored(count=2, latest_at=town.now))
    run = queries.current_run(town.session)
    assert run.method == "no-data"
    assert "gauge-b" in run.reason


def test_without_terrain_nothing_is_drawn(session: Session) -> None:
    """A city without terrain has no picture, and the job says nothing worse."""
    with pytest.raises(NoTerrainError):
        actions.draw(session, now=datetime.fromisoformat("2026-11-21T03:00+00:00"))
    tasks.notice_silence.run(session)
    assert queries.current_run(session) is None


def change(town: Any, code: str, *, to_state: int) -> LevelStateChanged:
    return LevelStateChanged(
        datastream_id=1, station_id=town.stations[code], from_state=0, to_state=to_state, level_m_msl=2.6,
        observed_at=town.now, received_wall_at=town.now,
    )


def count(session: Session) -> int:
    return int(session.scalar(sa.select(sa.func.count()).select_from(FloodRun)))


def test_a_level_change_is_drawn_once(town: Any) -> None:
    """A change of state is drawn at once; its twin, already in the picture, is not drawn again."""
    town.water(a=2.6, b=2.6)
    tasks.redraw_after_level_change(town.session, change(town, "a", to_state=3))
    tasks.redraw_after_level_change(town.session, change(town, "b", to_state=3))
    assert count(town.session) == 1
    redrawn = town.session.scalars(sa.select(EventRecord).where(EventRecord.name == "flood.redrawn")).one()
    assert datetime.fromisoformat(redrawn.payload["trigger_received_wall_at"]) == town.now
    assert redrawn.payload["severity_by_zone"] == {"Z-east": 3, "Z-west": 3}
    changed = "flood.zone_severity_changed"
    assert len(town.session.scalars(sa.select(EventRecord).where(EventRecord.name == changed)).all()) == 2


@pytest.mark.parametrize(("level_m", "minutes", "runs"), [(0.5, 5, 1), (0.5, 11, 2), (1.5, 3, 2), (1.5, 1, 1)])
def test_readings_redraw_as_often_as_the_water_is_worth(
    town: Any, level_m: float, minutes: float, runs: int
) -> None:
    """In calm every 10 minutes, from watch on every 2; and never without news."""
    stored = ReadingsStored(count=2, latest_at=town.now)
    town.water(a=level_m, b=level_m)
    tasks.redraw_after_readings(town.session, stored)
    town.later(minutes)
    tasks.redraw_after_readings(town.session, stored)
    assert count(town.session) == 1
    town.water(a=level_m + 0.01, b=level_m)
    tasks.redraw_after_readings(town.session, stored)
    assert count(town.session) == runs


def test_a_slow_machine_rests_between_pictures(town: Any) -> None:
    """Where a picture takes two minutes, the next by time comes four later; a changed state waits for nothing."""
    stored = ReadingsStored(count=2, latest_at=town.now)
    town.water(a=1.5, b=1.5)
    tasks.redraw_after_readings(town.session, stored)
    queries.current_run(town.session).wall_s = 120.0
    town.later(3.9)
    town.water(a=2.6, b=2.6)
    tasks.redraw_after_readings(town.session, stored)
    assert count(town.session) == 1
    tasks.redraw_after_level_change(town.session, change(town, "a", to_state=3))
    assert count(town.session) == 2
    queries.current_run(town.session).wall_s = 120.0
    town.later(4.1)
    town.water(a=2.7, b=2.7)
    tasks.redraw_after_readings(town.session, stored)
    assert count(town.session) == 3


def test_a_gauge_that_falls_silent_is_noticed(town: Any) -> None:
    """Silence sends no reading, and is drawn all the same."""
    town.water(a=1.5, b=1.5)
    tasks.notice_silence.run(town.session)
    assert count(town.session) == 0
    tasks.redraw_after_readings(town.session, ReadingsStored(count=2, latest_at=town.now))
    town.later(120)
    tasks.notice_silence.run(town.session)
    assert queries.current_run(town.session).method == "no-data"
    tasks.notice_silence.run(town.session)
    assert count(town.session) == 2


def test_old_depth_files_go(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest depth files stay in the data folder, and those of other databases are left alone."""
    other = data_dir() / "flood" / "run_1_another1.npy"
    town.water(a=2.6, b=2.6)
    first = draw(town)
    other.touch()
    monkeypatch.setattr(actions, "PICTURES_KEPT_WHOLE", 1)
    last = draw(town)
    assert not (data_dir() / first.depth_path).exists()
    assert (data_dir() / last.depth_path).exists()
    assert other.exists()
    other.unlink()


def test_a_new_shape_is_a_new_version(town: Any) -> None:
    """When the terrain's levels change, the zone keeps its code and gets a new version; its old parts stay."""
    town.session.execute(sa.text("UPDATE datastream SET danger_m_msl = 1.7, warning_m_msl = 1.65"))
    actions.make_zones(town.session)
    town.session.expire_all()
    assert [zone.version for zone in town.session.scalars(sa.select(Zone))] == [2, 2]
    assert set(town.session.scalars(sa.select(ZonePart.version))) == {1, 2}


def test_a_zone_without_community_is_retired(town: Any) -> None:
    """A zone whose community is gone is no longer drawn, and its history stays."""
    town.water(a=2.6, b=2.6)
    draw(town)
    town.session.execute(sa.text("DELETE FROM area WHERE code = 'east'"))
    actions.make_zones(town.session)
    town.later(5)
    town.water(a=2.6, b=2.6)
    assert set(states(town.session, draw(town))) == {"Z-west"}
    assert [zone.code for zone in queries.current_zones(town.session)] == ["Z-west"]


def test_news_of_a_gauge_becomes_a_picture(committed_town: Any) -> None:
    """A change of level, delivered as a job delivers it, leaves one committed picture and its news."""
    with db.transaction() as session:
        committed_town(session).water(a=2.6, b=2.6)
    with db.transaction() as session:
        changed = sa.select(EventRecord.id).where(EventRecord.name == "sensors.level_state_changed")
        changes = session.scalars(changed).all()
    assert len(changes) == 2
    for event_id in [*changes, *changes]:
        events.deliver_now(event_id)
    with db.transaction() as session:
        assert count(session) == 1
        run = queries.current_run(session)
        received = session.scalar(sa.text("SELECT min(received_wall_at) FROM level_state_change"))
        assert run.trigger_received_wall_at == received
        assert len(session.scalars(sa.select(EventRecord).where(EventRecord.name == "flood.redrawn")).all()) == 1


def test_a_new_home_counts_in_the_next_picture(town: Any) -> None:
    """A resident who registers a home during the flood is counted at once."""
    town.water(a=2.6, b=2.6)
    before = states(town.session, draw(town))["Z-west"]
    spot = town.place(205, 625)
    town.session.execute(sa.text(
        "INSERT INTO home (resident_id, geom, is_vulnerable, label) VALUES "
        "(1, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), true, '')"), {"lon": spot.lon, "lat": spot.lat})
    after = states(town.session, draw(town))["Z-west"]
    assert (after.homes, after.vulnerable_homes) == (before.homes + 1, before.vulnerable_homes + 1)


def test_wet_roads_stay_as_long_as_the_depths(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that still knows every depth also knows its roads, however many hours to come were drawn since."""
    monkeypatch.setattr(actions, "PICTURES_KEPT_WHOLE", 2)
    monkeypatch.setattr(actions, "AHEAD_KEPT_WHOLE", 1)
    drawn = []
    for _ in range(3):
        town.later(10)
        town.water(a=2.6, b=2.6)
        drawn.append(actions.draw(town.session, now=town.now).id)
        for horizon_min in (60, 120):
            actions.look_ahead(town.session, basis_run_id=drawn[-1], horizon_min=horizon_min, now=town.now)
    with_roads = town.session.scalars(sa.text("SELECT DISTINCT run_id FROM flood_road ORDER BY run_id")).all()
    assert with_roads == [drawn[1], drawn[2], drawn[2] + 2]
