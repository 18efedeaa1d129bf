"""The generated demo city and its storm's water."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from cli.rooms import load_layers
from demo import packfiles, stations
from demo.city import generate
from demo.city.hydrology import Hydrology
from flood import actions, picture
from flood.ground import ground_of
from gis.citypack.importer import ImportReport, import_city
from gis.gazetteer import queries as gazetteer
from gis.gazetteer.geocode import geocode
from gis.gazetteer.houses import house_spot, houses_on


@pytest.fixture(scope="module")
def imported(module_session: Session, pack: Path) -> tuple[Session, ImportReport]:
    """A session on a database that holds the demo city while these tests run, and the import's report."""
    load_layers()
    return module_session, import_city(module_session, pack)


def test_the_demo_city_imports_whole_and_calls_itself_simulated(imported: tuple[Session, ImportReport]) -> None:
    """Every layer that the rooms know is there, in the numbers of a real town, and nothing in it passes for real."""
    session, report = imported
    counts = {layer.kind: layer.row_count for layer in report.layers}
    assert counts["homes"] == 44_000
    assert counts["gauges"] == 5
    assert counts["cameras"] == 2
    assert counts["communities"] == 32
    assert counts["crews"] >= 12
    assert 8 <= counts["agencies"] <= 10
    assert counts["buildings"] >= 5_000
    assert counts["addresses"] >= 5_000
    assert {layer.trust for layer in report.layers} == {"simulated"}
    assert session.scalar(sa.text("SELECT is_simulated FROM city"))
    assert session.scalar(sa.text("SELECT count(*) FROM road WHERE is_bridge")) > 10
    kinds = set(session.scalars(sa.text("SELECT DISTINCT kind FROM facility")))
    assert kinds >= {"school", "temple", "hospital", "market", "police", "fire_station", "shelter"}


def test_the_storm_floods_thousands_of_homes_and_leaves_most_of_the_city_dry(
    imported: tuple[Session, ImportReport], pack: Path
) -> None:
    """Water 0.3 to 1 m above the banks fills basins; before and after the storm none leaves its bed."""
    session, _ = imported
    assert actions.make_zones(session) > 10
    ground = ground_of(session)
    layers = [[row.columns for row in packfiles.rows([pack], kind)] for kind in ("gauges", "cameras")]
    water = Hydrology.of(*layers)

    def wet_homes(after_h: float) -> int:
        levels = {g.station_id: water.level_m_msl(g.code, after_h=after_h) for g in ground.terrain.gauges}
        depth_m = picture.picture_of(ground.terrain, levels).depth_m
        return int((depth_m[ground.homes.cell] > 0).sum())

    wet = {after_h: wet_homes(after_h) for after_h in (0.0, 1.5, 2.0, 2.5, 3.0, 5.0)}
    assert wet[0.0] == wet[1.5] == wet[5.0] == 0
    assert 200 < wet[2.0] < wet[2.5] < wet[3.0]
    assert 3_000 < wet[3.0] < 12_000


def test_the_same_seed_draws_the_same_city(pack: Path, tmp_path: Path) -> None:
    """A city can be drawn again, file by file, to the last byte."""
    again = generate.write_pack(tmp_path / "again")
    for path in sorted(pack.iterdir()):
        assert _digest(path) == _digest(again / path.name), path.name


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_house_numbers_are_odd_on_one_side_of_a_street_and_even_on_the_other(pack: Path) -> None:
    """Main roads and soi have numbers, some are missing, and those of one parity all stand on one hand of the road."""
    pieces: dict[str, list[shapely.LineString]] = {}
    for road in json.loads((pack / "roads.geojson").read_text(encoding="utf-8"))["features"]:
        line = shapely.LineString(road["geometry"]["coordinates"])
        pieces.setdefault(road["properties"]["name_th"], []).append(line)
    houses: dict[str, list[tuple[int, shapely.Point]]] = {}
    for row in (row.columns for row in packfiles.rows([pack], "addresses")):
        number = int(row["house_number"].partition("/")[0])
        place = shapely.Point(float(row["lon"]), float(row["lat"]))
        houses.setdefault(row["street_th"], []).append((number, place))
    assert {"ถนนท่าน้ำ", "ถนนตลาด", "ถนนเทศบาล 13"} <= set(houses)
    assert any(street.startswith("ซอย") for street in houses)
    for street, known in houses.items():
        assert {(number % 2, _is_left_of(pieces[street], place)) for number, place in known} <= {(1, True), (0, False)}
        numbers = {number for number, _ in known}
        assert len(known) < 100 or 0.6 < len(numbers) / max(numbers) < 0.95, street


def _is_left_of(pieces: list[shapely.LineString], place: shapely.Point) -> bool:
    """The place lies to the left of the nearest piece, as that was drawn."""
    (start_x, start_y), (end_x, end_y) = min(pieces, key=place.distance).coords
    return bool((end_x - start_x) * (place.y - start_y) - (end_y - start_y) * (place.x - start_x) > 0)


def test_a_house_that_the_demo_city_lacks_is_found_between_its_neighbours(
    imported: tuple[Session, ImportReport],
) -> None:
    """Every third house is taken out of its street: nearly all are found within the radius that is then said."""
    city = gazetteer.load(imported[0])
    first = geocode(city, "น้ำเข้าบ้านเลขที่ 25 ถ.ท่าน้ำ").candidates[0]
    assert (first.kind, first.radius_m < 100) == ("house", True)
    asked = within = 0
    for houses in city.houses.values():
        every = [house for doors in houses.known.values() for house in doors]
        others = houses_on(houses.line, [house for at, house in enumerate(every) if at % 3])
        for house in every[::3]:
            found = house_spot(others, house.number)
            asked += 1
            spot = found.spot if found is not None else None
            within += spot is not None and math.hypot(spot.x - house.x, spot.y - house.y) <= spot.radius_m
    assert asked > 2_000
    assert within > 0.995 * asked


def test_members_are_as_many_tongues_as_a_southern_town(pack: Path) -> None:
    """Invented LINE ids have LINE's form and never repeat; about 93 % read Thai, 3 % need help."""
    rows = [row.columns for row in packfiles.rows([pack], "homes")]
    ids = {row["member_id"] for row in rows}
    assert len(ids) == len(rows)
    assert all(re.fullmatch(r"U[0-9a-f]{32}", member_id) for member_id in ids)
    thai = sum(row["language"] == "th" for row in rows) / len(rows)
    helpless = sum(int(row["is_vulnerable"]) for row in rows) / len(rows)
    assert thai == pytest.approx(0.93, abs=0.01)
    assert helpless == pytest.approx(0.03, abs=0.005)
    assert {row["language"] for row in rows} == {"th", "ms", "en", "my"}


def test_a_camera_sees_its_whole_storm_on_the_staff(pack: Path) -> None:
    """The staff reaches below the calm level and above the highest, and the pack's scene can be made again."""
    rows = [row.columns for row in packfiles.rows([pack], "cameras")]
    gauges = [row.columns for row in packfiles.rows([pack], "gauges")]
    water = Hydrology.of(gauges, rows)
    for row in rows:
        scene = stations.scene_of(row)
        levels = [water.level_m_msl(row["code"], after_h=after_h) for after_h in np.arange(0.0, 6.0, 0.1)]
        assert scene.low_m_msl < min(levels)
        assert max(levels) < scene.high_m_msl


def _station(code: str, bank_m: float) -> dict[str, object]:
    return {"code": code, "bank_m_msl": f"{bank_m:.2f}", "watch_m_msl": f"{bank_m - 1.0:.2f}"}


@given(banks_m=st.lists(st.floats(0.5, 40.0), min_size=2, max_size=8, unique_by=lambda bank: round(bank, 2)))
def test_in_any_city_the_lowest_station_floods_and_the_highest_does_not(banks_m: list[float]) -> None:
    """Whatever the city, the storm shows a flooded end and a dry end, and begins and ends below every watch level."""
    rows = [_station(str(number), bank) for number, bank in enumerate(banks_m)]
    water = Hydrology.of(rows)
    hours = np.arange(0.0, 6.0, 0.05)
    peak_m = {
        row["code"]: max(water.level_m_msl(str(row["code"]), after_h=h) for h in hours) - float(str(row["bank_m_msl"]))
        for row in rows
    }
    by_bank = sorted(rows, key=lambda row: float(str(row["bank_m_msl"])))
    assert peak_m[by_bank[0]["code"]] > 0.5
    assert peak_m[by_bank[-1]["code"]] < 0.0
    for row in rows:
        for after_h in (0.0, 6.0):
            assert water.level_m_msl(str(row["code"]), after_h=after_h) < float(str(row["watch_m_msl"]))


@given(after_h=st.floats(0.0, 6.0))
def test_water_rises_no_faster_than_a_canal_can(after_h: float) -> None:
    """Five minutes change a level by less than 0.2 m: no reading of the storm looks like a spike."""
    water = Hydrology.of([_station("up", 5.5), _station("down", 2.0)])
    for code in ("up", "down"):
        step_m = water.level_m_msl(code, after_h=after_h + 1 / 12) - water.level_m_msl(code, after_h=after_h)
        assert abs(step_m) < 0.21
