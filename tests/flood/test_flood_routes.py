"""What the officer's map gets."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import shapely
from sqlalchemy.orm import Session

from api.routes import flood as routes
from core.settings import ROOT, data_dir
from flood import actions
from gis.points import LonLat
from staff.rules import AccountRef

OFFICER = AccountRef(id=1, username="o", display_name="o", roles=frozenset({"officer"}), crew_code=None)


def test_the_picture_comes_as_geojson(town: Any) -> None:
    """Polygons carry their class, levels their gauges; coordinates have 6 decimals at most."""
    town.water(a=2.6, b=2.6)
    run = actions.draw(town.session, now=town.now)
    picture = routes.read_current_flood(town.session, OFFICER)
    assert picture.run_id == run.id
    assert {feature["properties"]["depth_class"] for feature in picture.polygons.features} == {1, 2, 3}
    first = picture.polygons.features[0]["geometry"]["coordinates"][0][0][0]
    assert all(len(str(number).split(".")[1]) <= 6 for number in first)
    assert [level["code"] for level in picture.levels] == ["gauge-a", "gauge-b"]
    json.loads(picture.model_dump_json())


def test_the_picture_says_where_its_ground_ends(town: Any) -> None:
    """Beyond the terrain nothing is known: the picture outlines it, and every spot in the outline has a depth."""
    town.water(a=2.6, b=2.6)
    actions.draw(town.session, now=town.now)
    ground = shapely.geometry.shape(routes.read_current_flood(town.session, OFFICER).ground)
    for east_m, is_known in ((605, True), (-200, False)):
        spot = town.place(east_m, 625)
        depth = routes.read_depth(town.session, OFFICER, lon=spot.lon, lat=spot.lat)
        assert (depth.depth_m is not None, ground.contains(shapely.Point(spot.lon, spot.lat))) == (is_known, is_known)


def test_zones_come_with_their_exposure(town: Any) -> None:
    """Each zone says how severe it is, who stands in the water, and out of how many."""
    town.water(a=2.8, b=2.8)
    actions.draw(town.session, now=town.now)
    features = routes.read_zones(town.session, OFFICER).features
    west = next(f["properties"] for f in features if f["properties"]["code"] == "Z-west")
    assert west["severity"] == 3
    assert 0 < west["homes"] <= west["totals"]["homes"]
    assert west["people"] == round(west["homes"] * 2.3)
    assert west["people_method"] == "member homes x 2.3 (assumed)"
    assert west["depth_p90_m"] > west["depth_p50_m"] > 0


def test_depth_at_a_spot(town: Any) -> None:
    """A spot has a depth and the picture it comes from."""
    town.water(a=2.6, b=2.6)
    run = actions.draw(town.session, now=town.now)
    spot = town.place(605, 625)
    depth = routes.read_depth(town.session, OFFICER, lon=spot.lon, lat=spot.lat)
    assert depth.depth_m == pytest.approx(0.55, abs=0.01)
    assert depth.likely_m > depth.depth_m
    assert depth.chance > 0.9
    assert depth.run_id == run.id


def test_a_depth_that_is_not_known_says_why_and_is_never_dry(town: Any) -> None:
    """Before a picture, off the ground, in an older picture whose depths are gone or cut off: each by its own word."""
    spot, off = town.place(605, 625), town.place(-500, -500)

    def unknown(run_id: int | None, place: Any = spot) -> str | None:
        depth = routes.read_depth(town.session, OFFICER, lon=place.lon, lat=place.lat, run_id=run_id)
        assert (depth.depth_m is None) == (depth.likely_m is None) == (depth.chance is None)
        assert (depth.unknown is None) == (depth.depth_m is not None)
        return depth.unknown

    assert unknown(None) == "no-picture"
    town.water(a=2.6, b=2.6)
    run = actions.draw(town.session, now=town.now)
    assert unknown(run.id) is None
    assert unknown(run.id, off) == "no-ground"
    assert unknown(run.id, LonLat(lon=0, lat=0)) == "no-ground"  # Where the city's metres mean nothing.
    assert routes.read_run(town.session, OFFICER, run.id).has_depths
    path = data_dir() / str(run.depth_path)
    path.write_bytes(path.read_bytes()[:300])
    assert unknown(run.id) == "not-kept"
    path.unlink()
    assert unknown(run.id) == "not-kept"
    picture = routes.read_run(town.session, OFFICER, run.id)
    assert not picture.has_depths
    assert picture.polygons.features
    town.later(60)
    silent = actions.draw(town.session, now=town.now)
    assert silent.method == "no-data"
    assert unknown(None) == "no-data"


def test_an_hour_to_come_whose_depths_are_gone_is_not_known(town: Any) -> None:
    """Only the newest looks ahead keep their depths; an older one is asked for without an error, and says so."""
    town.water(a=2.6, b=2.6)
    basis = actions.draw(town.session, now=town.now)
    ahead = actions.look_ahead(town.session, basis_run_id=basis.id, horizon_min=60, now=town.now)
    assert ahead is not None
    (data_dir() / str(ahead.depth_path)).unlink()
    spot = town.place(605, 625)
    depth = routes.read_depth(town.session, OFFICER, lon=spot.lon, lat=spot.lat, run_id=ahead.id)
    assert (depth.depth_m, depth.unknown, depth.run_id) == (None, "not-kept", ahead.id)


def test_a_level_that_is_not_believed_comes_with_its_doubt(town: Any) -> None:
    """The desk names the gauge that the picture was drawn without."""
    town.let_any_level_pass("gauge-a")
    town.water(a=900.0, b=2.6)
    actions.draw(town.session, now=town.now)
    levels = routes.read_current_flood(town.session, OFFICER).levels
    assert [(level["code"], level["doubt"]) for level in levels] == [("gauge-a", "above-ground"), ("gauge-b", None)]


def test_hours_to_come_are_read_like_the_present(town: Any) -> None:
    """A picture of an hour to come has its own polygons, zones and depths, and is set beside that of now."""
    town.water(a=2.3, b=2.3)
    town.later(20)
    town.water(a=2.5, b=2.5)
    run = actions.draw(town.session, now=town.now)
    ahead = actions.look_ahead(town.session, basis_run_id=run.id, horizon_min=120, now=town.now)
    assert ahead is not None
    assert [card.run_id for card in routes.list_runs(town.session, OFFICER).runs] == [run.id, ahead.id]
    picture = routes.read_run(town.session, OFFICER, ahead.id)
    assert (picture.run_id, picture.horizon_min, picture.valid_at) == (ahead.id, 120, ahead.valid_at)
    assert picture.polygons.features
    zones = routes.read_run_zones(town.session, OFFICER, ahead.id).features
    spot = town.place(605, 625)
    now, then = (
        routes.read_depth(town.session, OFFICER, lon=spot.lon, lat=spot.lat, run_id=one) for one in (None, ahead.id)
    )
    assert (now.run_id, then.run_id) == (run.id, ahead.id)
    assert now.depth_m < then.depth_m < then.likely_m
    assert 0.5 <= now.chance <= then.chance <= 1
    compared = routes.compare_runs(town.session, OFFICER, run.id, ahead.id)
    west = next(zone for zone in compared.zones if zone.code == "Z-west")
    there = next(feature["properties"] for feature in zones if feature["properties"]["code"] == "Z-west")
    assert west.homes[1] == there["homes"] >= west.homes[0]


def test_before_the_first_picture_there_is_no_data(session: Session) -> None:
    """Without any picture the map is told so, and does not fail."""
    picture = routes.read_current_flood(session, OFFICER)
    assert (picture.run_id, picture.method, picture.polygons.features) == (None, "no-data", [])
    assert routes.read_depth(session, OFFICER, lon=99.9, lat=8.4).depth_m is None


def test_the_api_loads_no_heavy_library() -> None:
    """Routes, queries and models of the flood load none of the raster libraries."""
    heavy = "{'rasterio', 'cv2', 'geopandas', 'numba', 'scipy', 'pandas'}"
    code = f"import sys, api.routes.flood; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, check=True)
    assert found.stdout.strip() == "set()"
