"""The open data as files."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import geopandas
import pyogrio
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidInputError, NotFoundError
from gis import exports
from gis.citypack.importer import import_city
from tests.gis.packs import Pack, feature, line, point


@pytest.fixture
def city(session: Session, pack: Pack) -> Session:
    """The tiny city with a street and a school."""
    pack.add("roads", [feature(line((100.008, 8.009), (100.012, 8.011)), highway="primary", name_th="ถนนหนึ่ง")],
             options='columns = { class = "highway" }')
    pack.add("facilities", [feature(point(100.01, 8.01), kind="school", name_th="โรงเรียนหนึ่ง")])
    import_city(session, pack.close())
    return session


def test_a_geopackage_holds_every_public_layer_and_where_it_came_from(city: Session, tmp_path: Path) -> None:
    """Each layer is a table, Thai names and all; the provenance is in the file's own metadata tables."""
    out = tmp_path / "city.gpkg"
    told: list[str] = []
    counts = exports.write_geopackage(city, out, layers=exports.LAYERS, run_id=None, tell=told.append)
    assert {name for name, _ in pyogrio.list_layers(out)} == set(exports.LAYERS)
    assert counts["roads"] == counts["facilities"] == 1
    assert told == list(exports.LAYERS)
    assert list(geopandas.read_file(out, layer="roads")["name_th"]) == ["ถนนหนึ่ง"]
    connection = sqlite3.connect(out)
    noted = json.loads(connection.execute("SELECT metadata FROM gpkg_metadata").fetchone()[0])
    connection.close()
    assert noted["city"] == "tiny"
    told_of_roads = next(layer for layer in noted["layers"] if layer["name"] == "roads")
    assert (told_of_roads["source"], told_of_roads["licence"], told_of_roads["trust"]) == ("a test", "CC0", "simulated")
    assert sorted(path.name for path in tmp_path.glob("*city*")) == ["city.gpkg"]


def test_pmtiles_hold_the_layers_and_where_they_came_from(city: Session, tmp_path: Path) -> None:
    """GDAL reads the file back: tiles to zoom 15, and the provenance in its description."""
    out = tmp_path / "city.pmtiles"
    exports.write_pmtiles(city, out, layers=["roads", "facilities"], run_id=None, tell=lambda what: None)
    assert out.read_bytes().startswith(b"PMTiles\x03")
    told = pyogrio.read_info(out)
    assert told["features"] >= 2
    assert "licence" in json.dumps(told["dataset_metadata"])
    assert {"roads", "facilities"} <= set(geopandas.read_file(out)["layer"])


def test_a_wrong_wish_leaves_no_file(city: Session, tmp_path: Path) -> None:
    """An unknown layer (residents among them), a missing folder and an empty export are one sentence each."""
    out = tmp_path / "x.gpkg"
    for layers in (["home"], ["roads", "resident"], []):
        with pytest.raises(InvalidInputError, match="There is no layer"):
            exports.write_geopackage(city, out, layers=layers, run_id=None, tell=lambda what: None)
    with pytest.raises(InvalidInputError, match="no folder"):
        exports.write_geopackage(city, tmp_path / "no" / "x.gpkg", layers=["roads"], run_id=None, tell=lambda w: None)
    with pytest.raises(InvalidInputError, match="hold nothing"):
        exports.write_pmtiles(
            city, out.with_suffix(".pmtiles"), layers=["flood_polygons"], run_id=None, tell=lambda what: None
        )
    assert not any(tmp_path.glob("*x*"))


def test_a_picture_that_is_not_there_is_no_dry_city(city: Session, tmp_path: Path) -> None:
    """An unknown number would give a file without any water, which reads as a city without a flood."""
    with pytest.raises(NotFoundError, match="There is no picture of the flood 77"):
        exports.write_geopackage(
            city, tmp_path / "x.gpkg", layers=["flood_polygons"], run_id=77, tell=lambda what: None
        )
    assert not any(tmp_path.glob("*x*"))


def test_a_past_picture_has_the_columns_of_the_one_of_now(city: Session, tmp_path: Path) -> None:
    """A file of another moment is read by the same program, and says that it is not of now."""
    runs = [
        city.execute(sa.text(
            "WITH run AS (INSERT INTO flood_run (computed_at, valid_at, computed_wall_at, method, levels, wall_s, "
            "confidence) VALUES (now(), now(), now(), 'canal-network', '{}', 0, 1) RETURNING id) "
            "INSERT INTO flood_polygon (run_id, depth_class, geom) SELECT id, 1, "
            "ST_Multi(ST_MakeEnvelope(100, 8, 100.01, 8.01, 4326)) FROM run RETURNING run_id"
        )).scalar_one()
        for _ in range(2)
    ]
    found = {}
    for run_id in (None, *runs):
        out = tmp_path / f"{run_id}.gpkg"
        exports.write_geopackage(city, out, layers=["flood_polygons"], run_id=run_id, tell=lambda what: None)
        found[run_id] = geopandas.read_file(out, layer="flood_polygons")
    assert [list(rows["run_id"]) for rows in found.values()] == [[runs[1]], [runs[0]], [runs[1]]]
    assert [list(rows["is_current"]) for rows in found.values()] == [[True], [False], [True]]
    assert len({tuple(rows.columns) for rows in found.values()}) == 1


def test_a_file_s_name_says_what_is_in_it(city: Session, tmp_path: Path) -> None:
    """A GeoPackage called city.csv would be opened by the wrong program."""
    with pytest.raises(InvalidInputError, match=r"city.csv: name a file that ends in .gpkg"):
        exports.write_geopackage(city, tmp_path / "city.csv", layers=["roads"], run_id=None, tell=lambda what: None)
