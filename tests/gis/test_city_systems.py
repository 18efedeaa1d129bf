"""Coordinate systems and letters are found, never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from sqlalchemy.orm import Session

from gis import crs
from gis.citypack import encodings, systems
from gis.citypack.importer import import_city
from gis.citypack.layers import LayerRows
from gis.errors import CityPackError
from gis.points import LonLat
from tests.gis.packs import SQUARE, Pack, feature, point

MIDDLE = (100.01, 8.01)


def write_wells(
    pack: Pack, system: str, *, declared: bool, name: str = "บ่อ", encoding: str = "utf-8", cpg: bool = True
) -> None:
    """A Shapefile with one well in the middle of the tiny city."""
    frame = geopandas.GeoDataFrame({"code": [name]}, geometry=[shapely.Point(*MIDDLE)], crs="EPSG:4326")
    frame.to_crs(systems.system_of(system).definition).to_file(
        pack.folder / "wells.shp", engine="pyogrio", encoding=encoding
    )
    if not declared:
        (pack.folder / "wells.prj").unlink()
    if not cpg:
        (pack.folder / "wells.cpg").unlink()


def refusal(session: Session, folder: Path) -> str:
    """The words with which the pack is refused."""
    with pytest.raises(CityPackError) as refused:
        import_city(session, folder)
    return refused.value.detail


def away_m(rows: LayerRows) -> float:
    """How far the only point landed from where it was put."""
    (lon, lat), = rows.lonlats().tolist()
    return crs.distance_m(LonLat(lon=lon, lat=lat), LonLat(lon=MIDDLE[0], lat=MIDDLE[1]))


@pytest.mark.parametrize("system", ["EPSG:32647", "EPSG:24047"])
def test_metres_of_an_unnamed_system_are_asked_about(
    session: Session, pack: Pack, loaded: list[LayerRows], system: str
) -> None:
    """Two systems put the file near the city: the error says what to pass and what is at stake; passed, it lands."""
    write_wells(pack, system, declared=False)
    pack.declare("wells", "wells.shp")
    said = refusal(session, pack.close())
    assert 'crs = "EPSG:32647"' in said
    assert 'crs = "EPSG:24047"' in said
    assert "44" in said.split(" m apart")[0][-3:]
    pack.extra += f'\ncrs = "{system}"\n'
    report = import_city(session, pack.close())
    assert away_m(loaded[0]) < 0.01
    assert report.layers[-1].outcome == "taken"


def test_degrees_of_an_unnamed_datum_are_asked_about(session: Session, pack: Pack, loaded: list[LayerRows]) -> None:
    """Longitude and latitude on the old datum look like those of WGS 84: 400 m are not given away."""
    write_wells(pack, "EPSG:4326", declared=False)
    pack.declare("wells", "wells.shp")
    said = refusal(session, pack.close())
    assert 'crs = "EPSG:4326"' in said
    assert 'crs = "EPSG:4240"' in said


def test_the_only_system_that_fits_is_taken_and_told() -> None:
    """Far from Thailand no old Thai datum is in use: degrees are WGS 84."""
    box = (123.7, 13.0, 123.8, 13.2)
    from gis.citypack.findings import Frame

    frame = Frame(boundary=shapely.box(*box), extent=shapely.box(*box))
    assert [system.name for system in systems.found(box, frame)] == ["EPSG:4326"]
    assert systems.found((550_000.0, 1_440_000.0, 560_000.0, 1_450_000.0), frame) == []


def test_a_conversion_from_the_old_datum_is_recorded(session: Session, pack: Pack, loaded: list[LayerRows]) -> None:
    """Which conversion was used and how good it is stands with the layer."""
    import sqlalchemy as sa

    write_wells(pack, "EPSG:24047", declared=False)
    pack.declare("wells", "wells.shp", 'crs = "EPSG:24047"')
    import_city(session, pack.close())
    accuracy = session.scalar(sa.text("SELECT accuracy FROM layer WHERE kind = 'wells'"))
    assert "EPSG:1304" in str(accuracy)
    assert "5 m" in str(accuracy)


def test_metres_in_a_csv_say_which_systems_they_may_be(session: Session, pack: Pack, loaded: list[LayerRows]) -> None:
    """Village points in metres are refused with the settings that would read them."""
    pack.add_csv("wells", "code,lon,lat\na,611300,885400\n")
    said = refusal(session, pack.close())
    assert "row 2: the coordinates (611300, 885400) look like metres" in said
    assert 'crs = "EPSG:32647"' in said


@pytest.mark.parametrize(
    ("encoding", "cpg"), [("utf-8", True), ("utf-8", False), ("cp874", True), ("cp874", False)]
)
def test_thai_letters_of_a_shapefile_are_read_in_either_encoding(
    session: Session, pack: Pack, loaded: list[LayerRows], encoding: str, cpg: bool
) -> None:
    """With a .cpg as it says; without one UTF-8 and TIS-620 are told apart by strict decoding."""
    write_wells(pack, "EPSG:32647", declared=True, name="คลองท่าดี", encoding=encoding, cpg=cpg)
    pack.declare("wells", "wells.shp")
    import_city(session, pack.close())
    assert loaded[0].column("code") == ["คลองท่าดี"]


def test_letters_of_no_known_encoding_are_asked_about() -> None:
    """Bytes that are neither UTF-8 nor Thai are not read as something."""
    with pytest.raises(encodings.UnknownLettersError, match="encoding ="):
        encodings.found(["café".encode("latin-1")])
    assert encodings.found(["น้ำ".encode("cp874"), b"water"]) == "cp874"
    assert encodings.found(["น้ำ".encode(), b""]) == "utf-8"
    cut = "น้ำท่วม".encode()[:-1]
    assert encodings.read(cut, encodings.found([cut])) == "น้ำท่ว"


def test_a_city_across_two_zones_is_measured_in_one(session: Session, pack: Pack, loaded: list[LayerRows]) -> None:
    """A boundary over 102 degrees east: layers of either zone land right, and lengths are true to 0.1 %."""
    pack.extra = ""
    ring = [[101.97, 15.0], [102.05, 15.0], [102.05, 15.06], [101.97, 15.06], [101.97, 15.0]]
    pack.add("boundary", [feature({"type": "Polygon", "coordinates": [ring]})])
    spot = shapely.Point(102.04, 15.03)
    frame: Any = geopandas.GeoDataFrame({"code": ["a"]}, geometry=[spot], crs="EPSG:4326")
    frame.to_crs("EPSG:32647").to_file(pack.folder / "wells.gpkg", engine="pyogrio")
    pack.declare("wells", "wells.gpkg")
    import_city(session, pack.close())
    assert loaded[0].lonlats().tolist() == [[pytest.approx(102.04), pytest.approx(15.03)]]
    from gis import queries

    srid = queries.city(session).metric_srid
    one, other = LonLat(lon=101.98, lat=15.03), LonLat(lon=102.04, lat=15.03)
    drawn_m = crs.to_metric(shapely.LineString([(one.lon, one.lat), (other.lon, other.lat)]), srid).length
    assert drawn_m == pytest.approx(crs.distance_m(one, other), rel=0.001)


def test_a_boundary_too_wide_for_one_system_is_refused(session: Session, pack: Pack) -> None:
    """A region is no city: lengths at its ends would be wrong, and the sentence says by how much."""
    pack.extra = ""
    wide = [[97.0 if lon == 100.0 else 105.0, lat] for lon, lat in SQUARE]
    pack.add("boundary", [feature({"type": "Polygon", "coordinates": [wide]})])
    assert "no one metric system serves all of it" in refusal(session, pack.close())


def test_points_at_one_spot_are_told(session: Session, pack: Pack, loaded: list[LayerRows]) -> None:
    """Repeated points are taken with a warning that names both rows."""
    pack.add("wells", [feature(point(100.01, 8.01), code=code) for code in "ab"])
    report = import_city(session, pack.close())
    assert "row 2 at that of row 1" in report.layers[-1].warnings[0]
