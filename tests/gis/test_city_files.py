"""Files as they come in a hurry: half a Shapefile, a table in other letters, a file that is not what its name says."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from gis.citypack.importer import import_city
from gis.citypack.layers import LayerRows
from gis.errors import CityPackError
from tests.gis.packs import Pack, feature, line, point

ROAD = line((100.001, 8.001), (100.002, 8.002))
WELL = feature(point(100.01, 8.01), code="บ่อ", depth_m=1.5)


def refusal(session: Session, folder: Path) -> str:
    """The words with which the pack is refused."""
    with pytest.raises(CityPackError) as refused:
        import_city(session, folder)
    return refused.value.detail


def write_wells(path: Path, *wells: dict[str, Any], **options: Any) -> Path:
    """The wells in a file that GDAL writes."""
    import geopandas

    frame = geopandas.GeoDataFrame.from_features(list(wells) or [WELL], crs="EPSG:4326")
    frame.to_file(path, engine="pyogrio", **options)
    return path


# --- what a file may be --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '<OGRVRTDataSource><OGRVRTLayer name="roads"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer>'
        "</OGRVRTDataSource>",
        '{{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {} ! write '
        '--output-format=stream x"}}',
    ],
)
@pytest.mark.parametrize("name", ["roads.geojson", "roads.gpkg"])
def test_a_file_that_sends_gdal_elsewhere_is_refused(
    session: Session, pack: Pack, tmp_path: Path, text: str, name: str
) -> None:
    """A pack reads nothing but its own folder, not even through formats that name other files and addresses."""
    secret = tmp_path / "secret.geojson"
    secret.write_text(json.dumps({"type": "FeatureCollection", "features": [feature(ROAD, **{"class": "primary"})]}))
    (pack.folder / name).write_text(text.format(secret))
    pack.declare("roads", name)
    said = refusal(session, pack.close())
    assert said.startswith(f"{name}: it ")
    assert str(tmp_path) not in said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("roads.geojson", b"<html>404</html>", "it is no GeoJSON; it begins with '<html>404</html>'"),
        ("roads.gpkg", b"version https://git-lfs", "it is no GeoPackage; it begins with 'version https://git-lfs'"),
        ("roads.shp", b"\x1b[2Jboo", "it is no Shapefile; it begins with '\N{REPLACEMENT CHARACTER}[2Jboo'"),
        ("roads.geojson", b"", "it is no GeoJSON; it begins with ''"),
        ("roads.geojson", b'{"type": "FeatureColl', "it cannot be read, it may be cut off"),
    ],
)
def test_a_file_that_is_something_else_says_how_it_begins(
    session: Session, pack: Pack, name: str, content: bytes, said: str
) -> None:
    """An error page saved as data is recognised at a glance, and steers no terminal."""
    (pack.folder / name).write_bytes(content)
    pack.declare("roads", name)
    refused = refusal(session, pack.close())
    assert refused.startswith(f"{name}: {said}")
    assert "\x1b" not in refused


def test_a_geopackage_of_several_layers_asks_which(
    session: Session, pack: Pack, loaded: list[LayerRows], tmp_path: Path
) -> None:
    """The first layer is not taken for the one that was meant; a name that is not there lists those that are."""
    path = write_wells(pack.folder / "wells.gpkg", layer="old")
    write_wells(path, layer="new", mode="a")
    pack.declare("wells", "wells.gpkg")
    assert 'it holds 2 layers (old, new): say in the manifest which is meant, sublayer = "old"' in refusal(
        session, pack.close()
    )
    pack.extra += 'sublayer = "newest"\n'
    assert "it holds no layer 'newest', only old, new" in refusal(session, pack.close())
    pack.extra = pack.extra.replace("newest", "new")
    import_city(session, pack.close())
    assert len(loaded[0]) == 1


def test_a_geopackage_without_layers_is_told(session: Session, pack: Pack, loaded: list[LayerRows]) -> None:
    """An empty container holds no wells."""
    path = write_wells(pack.folder / "wells.gpkg")
    with sqlite3.connect(path) as database:
        database.executescript("DELETE FROM gpkg_contents; DELETE FROM gpkg_geometry_columns; DROP TABLE wells;")
    database.close()
    pack.declare("wells", "wells.gpkg")
    assert refusal(session, pack.close()) == "wells.gpkg: it holds no layer at all."


@pytest.mark.parametrize("suffix", [".shx", ".dbf"])
def test_half_a_shapefile_names_the_part_that_is_missing(
    session: Session, pack: Pack, loaded: list[LayerRows], suffix: str
) -> None:
    """Who copied only the .shp learns what belongs to it."""
    path = write_wells(pack.folder / "wells.shp", encoding="utf-8")
    path.with_suffix(suffix).unlink()
    pack.declare("wells", "wells.shp")
    assert f"wells.shp: its {suffix} is missing" in refusal(session, pack.close())


def test_a_table_with_fewer_rows_than_shapes_is_refused(
    session: Session, pack: Pack, loaded: list[LayerRows]
) -> None:
    """GDAL would leave out the shapes that have no row, and say nothing."""
    path = write_wells(pack.folder / "wells.shp", WELL, feature(point(100.011, 8.01), code="b", depth_m=2.0))
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[4:8] = (1).to_bytes(4, "little")
    path.with_suffix(".dbf").write_bytes(table)
    pack.declare("wells", "wells.shp")
    assert "its .dbf has 1 rows, its .shx 2 shapes" in refusal(session, pack.close())


def test_a_table_that_is_cut_off_is_refused(session: Session, pack: Pack, loaded: list[LayerRows]) -> None:
    """The head promises rows that are not there."""
    path = write_wells(pack.folder / "wells.shp").with_suffix(".dbf")
    path.write_bytes(path.read_bytes()[:-5])
    pack.declare("wells", "wells.shp")
    assert refusal(session, pack.close()) == "wells.shp: its .dbf is cut off."


@pytest.mark.parametrize("word", ["ISO-8859-1", "874", "windows-1252"])
def test_a_cpg_that_contradicts_the_letters_is_refused(
    session: Session, pack: Pack, loaded: list[LayerRows], word: str
) -> None:
    """UTF-8 read as Latin would give 'à¸š…' for every Thai name, without a word: the bytes prove what they are."""
    path = write_wells(pack.folder / "wells.shp", encoding="utf-8")
    path.with_suffix(".cpg").write_text(word)
    pack.declare("wells", "wells.shp")
    said = refusal(session, pack.close())
    assert "but its texts are UTF-8" in said
    pack.extra += 'encoding = "utf-8"\n'
    import_city(session, pack.close())
    assert loaded[0].column("code") == ["บ่อ"]


# --- shapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        ({"type": "LineString", "coordinates": [[100.001, 8.001]]}, "its shape cannot be read: point array"),
        ({"type": "LineString", "coordinates": [[100.001, 8.001]] * 2}, "the geometry is not valid (Too few points"),
    ],
)
def test_a_shape_that_is_none_names_its_row(
    session: Session, pack: Pack, geometry: dict[str, Any], said: str, recwarn: pytest.WarningsRecorder
) -> None:
    """Thousands of rows and one bad shape: the row is found, and no library talks into it."""
    pack.add("roads", [feature(ROAD, **{"class": "a"}), feature(geometry, **{"class": "b"})])
    assert f"roads.geojson, row 2: {said}" in refusal(session, pack.close())
    assert not recwarn.list


def test_a_ring_that_is_open_names_its_row(session: Session, pack: Pack) -> None:
    """GDAL's own doubts become part of the sentence, not lines of a library on the screen."""
    ring = [[100.001, 8.001], [100.002, 8.001], [100.002, 8.002]]
    pack.add("buildings", [feature({"type": "Polygon", "coordinates": [ring]}, kind="house")])
    assert "buildings.geojson, row 1: its shape cannot be read: Points of LinearRing" in refusal(session, pack.close())


@pytest.mark.parametrize("kind", ["boundary", "buildings"])
def test_what_repair_leaves_of_a_shape_must_be_its_sort(session: Session, pack: Pack, kind: str) -> None:
    """A polygon that falls in on a line is no house and no city, however it is repaired."""
    spike = [[100.001, 8.001], [100.002, 8.001], [100.001, 8.001], [100.001, 8.001]]
    if kind == "boundary":
        pack.extra = ""
    pack.add(kind, [feature({"type": "Polygon", "coordinates": [spike]})], options="repair = true")
    assert f"{kind}.geojson, row 1: the geometry is not valid" in refusal(session, pack.close())


def test_a_repaired_house_leaves_its_spike_behind(session: Session, pack: Pack) -> None:
    """A house with a spike is repaired to the house alone: one row, a polygon."""
    ring = [
        [100.001, 8.001], [100.002, 8.001], [100.002, 8.002], [100.003, 8.003], [100.002, 8.002], [100.001, 8.002],
        [100.001, 8.001],
    ]
    pack.add("buildings", [feature({"type": "Polygon", "coordinates": [ring]}, kind="house")], options="repair = true")
    report = import_city(session, pack.close())
    assert [(layer.row_count, layer.repaired) for layer in report.layers if layer.kind == "buildings"] == [(1, 1)]


# --- coordinate systems --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["head", "tail"])
def test_a_crs_that_gdal_does_not_know_is_not_taken_for_degrees(session: Session, pack: Pack, place: str) -> None:
    """GDAL reads GeoJSON of an unknown system as WGS 84 and says nothing: found, never guessed."""
    member = '"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::999999"}}'
    rows = json.dumps([feature(ROAD, **{"class": "primary"})])
    order = (member, f'"features": {rows}') if place == "head" else (f'"features": {rows}', member)
    (pack.folder / "roads.geojson").write_text('{"type": "FeatureCollection", ' + ", ".join(order) + "}")
    pack.declare("roads", "roads.geojson")
    assert "the coordinate system 'urn:ogc:def:crs:EPSG::999999' is not known" in refusal(session, pack.close())


@pytest.mark.parametrize("system", ["EPSG:5773", "EPSG:4978"])
def test_a_system_without_a_map_is_named_for_what_it_is(session: Session, pack: Pack, system: str) -> None:
    """Heights alone, or space: nothing that could be moved to degrees, and no fault of pyproj's on the screen."""
    pack.add("roads", [feature(ROAD, **{"class": "primary"})], options=f'crs = "{system}"')
    assert "has no longitude and latitude, nor east and north" in refusal(session, pack.close())


def test_a_layer_that_lies_elsewhere_as_a_whole_is_one_sentence(session: Session, pack: Pack) -> None:
    """Five hundred rows in the wrong zone are one fault, and the sentence asks for the system and the boundary."""
    far = [feature(line((106.0 + n / 1000, 8.0), (106.0 + n / 1000, 8.01)), **{"class": "a"}) for n in range(50)]
    pack.add("roads", far)
    said = refusal(session, pack.close())
    assert said.count("roads.geojson") == 1
    assert "none of its 50 rows lies within the city's extent" in said
    assert "is its coordinate system, or the boundary, the right one?" in said
