"""Broken city packs are refused with a sentence that names file, row and cause, and nothing is imported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.citypack.importer import import_city
from gis.citypack.layers import LayerRows
from gis.errors import CityPackError
from gis.points import LonLat
from tests.gis.held import areas_at
from tests.gis.packs import Pack, feature, line, point

ROAD = line((100.001, 8.001), (100.002, 8.002))
CLASS = 'columns = { class = "highway" }'


def refusal(session: Session, folder: Path) -> str:
    """The words with which the pack is refused, after which the database holds what it held before."""
    tables = ("city", "layer", "area", "road", "facility", "waterway", "building", "terrain")
    counts = [session.scalar(sa.text(f"SELECT count(*) FROM {table}")) for table in tables]  # noqa: S608 - our own names
    with pytest.raises(CityPackError) as refused:
        import_city(session, folder)
    assert counts == [session.scalar(sa.text(f"SELECT count(*) FROM {table}")) for table in tables]  # noqa: S608 - our own names
    return refused.value.detail


# --- the manifest --------------------------------------------------------------------------------------------------


def test_a_folder_without_manifest_says_which_ones_are_shipped(session: Session, tmp_path: Path) -> None:
    """Somebody who points at the wrong folder learns what would have worked."""
    said = refusal(session, tmp_path)
    assert "city.toml" in said
    assert "nakhon-si-thammarat" in said
    assert "no such file or folder" in refusal(session, tmp_path / "nowhere")


def test_broken_toml_names_the_line(session: Session, pack: Pack) -> None:
    """A missing quote is found without reading the whole file."""
    folder = pack.close()
    (folder / "city.toml").write_text('format = "faonam-city/1"\nslug = "tiny\n', encoding="utf-8")
    assert "line 2" in refusal(session, folder)


def test_wrong_words_in_the_manifest_are_all_listed(session: Session, pack: Pack) -> None:
    """Every fault of the manifest is told at once: unknown settings, an unknown trust, a missing licence."""
    folder = pack.close()
    text = (folder / "city.toml").read_text(encoding="utf-8")
    text = text.replace('trust = "simulated"', 'trust = "maybe"').replace('licence = "CC0"', 'lisence = "CC0"')
    (folder / "city.toml").write_text(text, encoding="utf-8")
    said = refusal(session, folder)
    assert "layer 'boundary'" in said
    assert "'trust' must be one of real, derived, simulated" in said
    assert "there is no setting 'lisence'" in said
    assert "'licence' is missing" in said


def test_an_unknown_layer_kind_is_named(session: Session, pack: Pack) -> None:
    """A kind that no room registered is an error, not a layer that is silently left out."""
    pack.add("unicorns", [feature(point(100.01, 8.01))])
    assert "layer 'unicorns': no part of Faonam knows the kind 'unicorns'" in refusal(session, pack.close())


def test_a_file_outside_the_folder_is_refused(session: Session, pack: Pack) -> None:
    """A pack reads nothing but its own folder."""
    pack.declare("roads", "../../etc/passwd")
    assert "outside the pack's folder" in refusal(session, pack.close())


def test_a_missing_layer_file_is_named(session: Session, pack: Pack) -> None:
    """The file that is not there is named, and the other layers are still checked."""
    pack.declare("roads", "streets.geojson")
    pack.add("facilities", [feature(point(8.01, 100.01), kind="school")])
    said = refusal(session, pack.close())
    assert "streets.geojson: the file is missing" in said
    assert "facilities.geojson, row 1: longitude and latitude are swapped" in said


def test_a_city_without_a_boundary_is_refused(session: Session, pack: Pack) -> None:
    """Without a boundary nobody could say what lies outside."""
    pack.extra = ""
    pack.add("roads", [feature(ROAD, highway="primary")], options=CLASS)
    assert "exactly one layer of the kind 'boundary'" in refusal(session, pack.close())


# --- coordinate systems --------------------------------------------------------------------------------------------


def test_an_unknown_coordinate_system_is_named(session: Session, pack: Pack) -> None:
    """A number that EPSG does not know is told as such."""
    pack.add("roads", [feature(ROAD, highway="primary")], options=CLASS + '\ncrs = "EPSG:999999"')
    assert "roads.geojson: the coordinate system 'EPSG:999999' is not known" in refusal(session, pack.close())


def test_a_file_that_contradicts_the_manifest_is_refused(session: Session, pack: Pack) -> None:
    """The file says UTM, the manifest says degrees: the importer does not guess which is right."""
    metres = line((610_400.0, 884_600.0), (610_500.0, 884_700.0))
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32647"}}
    pack.add("roads", [feature(metres, highway="primary")], options=CLASS + '\ncrs = "EPSG:4326"', crs=crs)
    said = refusal(session, pack.close())
    assert "roads.geojson: the file says EPSG:32647, the manifest EPSG:4326" in said


def test_metres_that_are_taken_for_degrees_are_told(session: Session, pack: Pack) -> None:
    """Coordinates in metres without a word about it: the sentence says metres, and which row."""
    roads = [feature(ROAD, highway="primary"), feature(line((610_400, 884_600), (610_500, 884_700)), highway="primary")]
    pack.add("roads", roads, options=CLASS)
    said = refusal(session, pack.close())
    assert "roads.geojson, row 2: the coordinates (610400, 884600) look like metres" in said


def test_degrees_that_are_taken_for_metres_are_told(session: Session, pack: Pack) -> None:
    """The manifest promises metres, the file holds degrees."""
    pack.add("roads", [feature(ROAD, highway="primary")], options=CLASS + '\ncrs = "EPSG:32647"')
    assert "EPSG:32647 is in metres, but its coordinates look like degrees" in refusal(session, pack.close())


def test_metres_that_are_declared_land_in_the_right_place(session: Session, pack: Pack) -> None:
    """A layer in UTM is stored in degrees, where it was surveyed."""
    metres = line((611_000.0, 885_000.0), (611_100.0, 885_100.0))
    pack.add("roads", [feature(metres, highway="primary")], options=CLASS + '\ncrs = "EPSG:32647"')
    import_city(session, pack.close())
    lon, lat, length_m = session.execute(
        sa.text("SELECT ST_X(ST_StartPoint(geom)), ST_Y(ST_StartPoint(geom)), length_m FROM road")
    ).one()
    assert (lon, lat) == (pytest.approx(100.0075, abs=1e-3), pytest.approx(8.0046, abs=2e-3))
    assert length_m == pytest.approx(141.4, abs=0.1)


# --- shapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        (line((8.001, 100.001), (8.002, 100.002)), "longitude and latitude are swapped"),
        (None, "no geometry"),
        ({"type": "LineString", "coordinates": []}, "no geometry"),
        (line((100.5, 8.5), (100.51, 8.51)), "outside the city's extent and a margin of 2,000 m"),
        (point(100.01, 8.01), "takes LineString or MultiLineString, not Point"),
    ],
)
def test_a_row_that_cannot_be_a_street_of_this_city_is_named(
    session: Session, pack: Pack, geometry: dict[str, object] | None, said: str
) -> None:
    """Each fault is told with file and row, and the good rows beside it are not imported either."""
    pack.add("roads", [feature(ROAD, highway="primary"), feature(geometry, highway="primary")], options=CLASS)
    refused = refusal(session, pack.close())
    assert "roads.geojson, row 2: " in refused
    assert said in refused


def test_a_swapped_boundary_is_told_as_swapped(session: Session, pack: Pack) -> None:
    """Even where nothing says where the city should be, a Thai city at 8 east 100 north is swapped."""
    pack.extra = ""
    ring = [[lat, lon] for lon, lat in [(100.0, 8.0), (100.02, 8.0), (100.02, 8.02), (100.0, 8.0)]]
    pack.add("boundary", [feature({"type": "Polygon", "coordinates": [ring]})])
    assert "boundary.geojson, row 1: longitude and latitude are swapped" in refusal(session, pack.close())


def test_a_boundary_far_from_the_stated_centre_is_refused(session: Session, pack: Pack) -> None:
    """The centre in the manifest guards against somebody else's boundary."""
    pack.head += "centre = { lon = 101.0, lat = 8.0 }\n"
    assert "km from the centre" in refusal(session, pack.close())


def test_an_invalid_polygon_is_told_with_the_reason(session: Session, pack: Pack) -> None:
    """A bow-tie is refused with the place where it crosses itself; `repair = true` mends it and counts."""
    bow = [[100.001, 8.001], [100.002, 8.002], [100.002, 8.001], [100.001, 8.002], [100.001, 8.001]]
    pack.add("buildings", [feature({"type": "Polygon", "coordinates": [bow]})])
    folder = pack.close()
    assert "buildings.geojson, row 1: the geometry is not valid (Self-intersection" in refusal(session, folder)
    manifest = folder / "city.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8") + "\nrepair = true\n", encoding="utf-8")
    report = import_city(session, folder)
    assert [layer.repaired for layer in report.layers if layer.kind == "buildings"] == [1]


# --- columns -------------------------------------------------------------------------------------------------------


def test_a_column_that_the_file_lacks_is_named(session: Session, pack: Pack) -> None:
    """The manifest maps to a column that is not there: the sentence names it and lists what there is."""
    pack.add("roads", [feature(ROAD, highway="primary", name="a")], options='columns = { class = "road_type" }')
    said = refusal(session, pack.close())
    assert "roads.geojson, column road_type: the manifest names it for 'class', but the file has: highway, name" in said


def test_a_field_that_the_kind_lacks_is_named(session: Session, pack: Pack) -> None:
    """A mapping to a field that roads do not have is a misspelling."""
    pack.add("roads", [feature(ROAD, highway="primary")], options='columns = { class = "highway", colour = "highway" }')
    assert "'colour', which is no field of roads" in refusal(session, pack.close())


def test_an_unknown_column_is_refused_where_the_file_speaks_our_language(session: Session, pack: Pack) -> None:
    """A slip in a column's name would silently lose what stands under it; open data with a mapping may bring more."""
    pack.add("waterways", [feature(ROAD, kind="canal", widht_m=4)])
    pack.add("roads", [feature(ROAD, highway="primary", surface="asphalt")], options=CLASS)
    said = refusal(session, pack.close())
    assert "waterways.geojson, column widht_m: there is no such field of waterways" in said
    assert "surface" not in said


def test_a_missing_required_column_is_named(session: Session, pack: Pack) -> None:
    """Streets need a class."""
    pack.add("roads", [feature(ROAD, name="a")])
    assert "roads.geojson, column class: this required column is missing" in refusal(session, pack.close())


def test_values_of_the_wrong_kind_are_named_by_row_and_column(
    session: Session, pack: Pack, loaded: list[LayerRows]
) -> None:
    """A word where a number belongs, an empty code, a truth that is neither 0 nor 1: each with its row."""
    pack.add_csv("wells", "code,depth_m,is_open,lon,lat\na,deep,1,100.01,8.01\n,2.0,perhaps,100.01,8.01\n")
    said = refusal(session, pack.close())
    assert "wells.csv, row 2, column depth_m: 'deep' is not a number" in said
    assert "wells.csv, row 3, column code: it is empty, but required" in said
    assert "wells.csv, row 3, column is_open: 'perhaps' is not 0 or 1" in said
    assert loaded == []


def test_duplicate_codes_name_both_rows(session: Session, pack: Pack, loaded: list[LayerRows]) -> None:
    """Two rows with one code are two things that would overwrite each other."""
    pack.add_csv("wells", "code,lon,lat\na,100.01,8.01\nb,100.01,8.01\na,100.012,8.01\n")
    said = refusal(session, pack.close())
    assert "wells.csv, row 4, column code: 'a' is there twice: row 2 has it already" in said


def test_a_csv_with_words_for_coordinates_or_without_them_is_told(
    session: Session, pack: Pack, loaded: list[LayerRows]
) -> None:
    """A longitude that is no number is named by row; a file without coordinates by file."""
    pack.add_csv("wells", "code,lon,lat\na,east,8.01\n")
    folder = pack.close()
    assert "wells.csv, row 2, column lon: 'east' is not a number" in refusal(session, folder)
    (folder / "wells.csv").write_text("code,x,y\na,100.01,8.01\n", encoding="utf-8")
    assert "wells.csv: there are no longitude and latitude columns" in refusal(session, folder)


def test_a_file_in_an_older_thai_encoding_says_how_to_read_it(
    session: Session, pack: Pack, loaded: list[LayerRows]
) -> None:
    """A cp874 file is refused with the setting that reads it, and then it is read."""
    pack.add_csv("wells", "", options="")
    (pack.folder / "wells.csv").write_bytes("code,lon,lat\nบ่อ,100.01,8.01\n".encode("cp874"))
    folder = pack.close()
    assert 'encoding = "cp874"' in refusal(session, folder)
    manifest = folder / "city.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8") + '\nencoding = "cp874"\n', encoding="utf-8")
    import_city(session, folder)
    assert loaded[0].column("code") == ["บ่อ"]


def test_twenty_findings_are_listed_and_the_rest_counted(
    session: Session, pack: Pack, loaded: list[LayerRows]
) -> None:
    """A layer that is wrong in every row does not fill the screen."""
    rows = "".join(f"w{number},8.01,100.01\n" for number in range(50))
    pack.add_csv("wells", "code,lon,lat\n" + rows)
    said = refusal(session, pack.close()).splitlines()
    assert len(said) == 21
    assert said[-1] == "… and 30 more."


def test_broken_json_is_named(session: Session, pack: Pack) -> None:
    """A file that was cut off is told as unreadable."""
    pack.add("roads", [feature(ROAD, highway="primary")], options=CLASS)
    folder = pack.close()
    (folder / "roads.geojson").write_text('{"type": "FeatureCollection", "features": [', encoding="utf-8")
    assert "roads.geojson: it cannot be read" in refusal(session, folder)


# --- terrain -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"epsg": None}, "does not say its coordinate system"),
        ({"height_m": 25_000.0}, "cannot be metres above sea level"),
        ({"height_m": -9999.0, "nodata": None}, "declares no nodata value"),
        ({"height_m": -9999.0}, "every cell is nodata"),
        ({"epsg": 32648}, "covers only 0% of the municipality"),
    ],
)
def test_a_terrain_that_is_none_is_refused(
    session: Session, pack: Pack, write_terrain: Callable[..., Path], made: dict[str, float], said: str
) -> None:
    """System, nodata, heights and reach of an elevation model are checked before it is kept."""
    write_terrain(pack.folder / "terrain.tif", **made)
    pack.declare("terrain", "terrain.tif")
    refused = refusal(session, pack.close())
    assert refused.startswith("terrain.tif: ")
    assert said in refused


def test_a_terrain_is_kept_in_the_data_folder(
    session: Session, pack: Pack, write_terrain: Callable[..., Path]
) -> None:
    """The file is copied, so that the pack may go; its system and cell are known to the database."""
    write_terrain(pack.folder / "terrain.tif")
    pack.declare("terrain", "terrain.tif")
    import_city(session, pack.close())
    path, srid, cell_m, version = session.execute(sa.text("SELECT path, srid, cell_m, version FROM terrain")).one()
    assert Path(path).is_file()
    assert (srid, cell_m, version) == (32647, 50.0, 1)


# --- what a good import leaves -------------------------------------------------------------------------------------


def test_a_changed_community_keeps_its_id(session: Session, pack: Pack) -> None:
    """Areas are known by their code: what points to one points to the same after its name was corrected."""
    pack.add("roads", [feature(ROAD, highway="primary")], options=CLASS)
    pack.add_csv("communities", "code,name_th,lon,lat\nC1,หนึ่ง,100.005,8.01\nC2,สอง,100.015,8.01\n",
                 options='polygons = "voronoi"')
    folder = pack.close()
    import_city(session, folder)
    before = session.execute(sa.text("SELECT id, code FROM area ORDER BY id")).all()
    table = folder / "communities.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("หนึ่ง", "เอก"), encoding="utf-8")
    report = import_city(session, folder)
    assert before == session.execute(sa.text("SELECT id, code FROM area ORDER BY id")).all()
    assert session.scalar(sa.text("SELECT name_th FROM area WHERE code = 'C1'")) == "เอก"
    assert {layer.name: layer.version for layer in report.layers} == {"boundary": 1, "communities": 2, "roads": 1}


def test_communities_known_as_points_tile_the_municipality(session: Session, pack: Pack) -> None:
    """Cells cover the boundary without overlap, and each holds its point."""
    rows = "C1,หนึ่ง,100.005,8.01\nC2,สอง,100.015,8.005\nC3,สาม,100.01,8.015\n"
    pack.add_csv("communities", "code,name_th,lon,lat\n" + rows, options='polygons = "voronoi"')
    import_city(session, pack.close())
    total, union = session.execute(
        sa.text("SELECT sum(ST_Area(geom)), ST_Area(ST_Union(geom)) FROM area WHERE kind = 'community'")
    ).one()
    assert total == pytest.approx(4e-4, rel=1e-6)
    assert union == pytest.approx(4e-4, rel=1e-6)
    assert areas_at(session, LonLat(lon=100.015, lat=8.005))[0].code == "C2"


def test_areas_made_of_points_may_not_be_called_real(session: Session, pack: Pack) -> None:
    """What is derived says so."""
    pack.add_csv("communities", "code,name_th,lon,lat\nC1,หนึ่ง,100.005,8.01\n", options='polygons = "voronoi"')
    pack.extra = pack.extra.replace('trust = "simulated"\npolygons', 'trust = "real"\npolygons')
    assert "their trust is 'derived'" in refusal(session, pack.close())


def test_rows_outside_are_dropped_only_where_the_manifest_says_so(session: Session, pack: Pack) -> None:
    """`keep = "extent"` leaves far rows out and counts them in the report."""
    far = feature(line((100.5, 8.5), (100.51, 8.51)), highway="primary")
    pack.add("roads", [feature(ROAD, highway="primary"), far], options=CLASS + '\nkeep = "extent"')
    report = import_city(session, pack.close())
    roads = next(layer for layer in report.layers if layer.kind == "roads")
    assert (roads.row_count, roads.dropped) == (1, 1)


def test_an_overlay_adds_layers_to_its_city_only(
    session: Session, pack: Pack, loaded: list[LayerRows], tmp_path: Path
) -> None:
    """`extends` needs the very city it was made for; its layers stand beside the city's own."""
    overlay = Pack(tmp_path, head='extends = "tiny"\n')
    overlay.add_csv("wells", "code,depth_m,is_open,lon,lat\na,2.5,1,100.01,8.01\n")
    folder = overlay.close()
    assert "extends the city 'tiny', but the database holds no city yet" in refusal(session, folder)
    import_city(session, pack.close())
    report = import_city(session, folder)
    assert report.slug == "tiny"
    assert loaded[0].rows[0].fields == {"code": "a", "depth_m": 2.5, "is_open": True}
    assert loaded[0].rows[0].number == 2
    assert session.scalar(sa.text("SELECT count(*) FROM layer")) == 2


def test_another_city_needs_another_database(session: Session, pack: Pack) -> None:
    """One database holds one city; a second one never mixes with it, and how to get another is said."""
    folder = pack.close()
    import_city(session, folder)
    manifest = folder / "city.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"tiny"', '"other"'), encoding="utf-8")
    refused = refusal(session, folder)
    assert "the database holds the city 'tiny'; 'other' needs a database of its own: name an" in refused
    assert "an empty one in DATABASE_URL" in refused
    assert "another folder in FAONAM_DATA_DIR" in refused


def test_a_loader_that_refuses_takes_everything_back(session: Session, pack: Pack) -> None:
    """A row that only the room itself can judge: the error names the file, and the city is gone again."""
    from core.errors import InvalidInputError
    from gis.citypack import layers

    def refuse(session: Session, rows: LayerRows) -> int:
        raise InvalidInputError("Row 2: the well is dry.")

    layers.register(layers.LayerKind("wells", {"code": layers.Column()}, "Point", refuse))
    pack.add_csv("wells", "code,lon,lat\na,100.01,8.01\n")
    try:
        assert refusal(session, pack.close()) == "wells.csv: Row 2: the well is dry."
    finally:
        layers._kinds.pop("wells")


def test_shapes_with_geopackage_and_shapefile_give_the_same_rows(
    session: Session, pack: Pack, loaded: list[LayerRows], tmp_path: Path
) -> None:
    """GeoPackage and Shapefile are read like GeoJSON, with the system that the file itself declares."""
    import geopandas

    body = {"type": "FeatureCollection", "features": [feature(point(100.01, 8.01), code="a", depth_m=1.5)]}
    frame = geopandas.GeoDataFrame.from_features(body["features"], crs="EPSG:4326").to_crs("EPSG:32647")
    frame.to_file(pack.folder / "wells.gpkg", engine="pyogrio")
    pack.declare("wells", "wells.gpkg")
    import_city(session, pack.close())
    (lon, lat), = loaded[0].lonlats().tolist()
    assert (lon, lat) == (pytest.approx(100.01), pytest.approx(8.01))
    assert loaded[0].column("depth_m") == [1.5]
    assert json.dumps(loaded[0].column("code")) == '["a"]'
