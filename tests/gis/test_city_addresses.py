"""House numbers come in as a layer, from files and from extracts; a spot is told by the nearest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.settings import ROOT
from gis import crs
from gis.citypack.importer import ImportReport, LayerReport, import_city
from gis.gazetteer import queries
from gis.gazetteer.geocode import geocode
from gis.gazetteer.reverse import HOUSE_WITHIN_M, whereabouts
from gis.points import LonLat
from tests.gis.contents import contents
from tests.gis.extracts import small_town
from tests.gis.packs import Pack, feature, line, point

LEGAZPI = ROOT.parent / "shared" / "data" / "osm" / "legazpi.osm.pbf"
ROAD = line((100.001, 8.01), (100.019, 8.01))
HEADER = "house_number,street_th,street_en,lon,lat\n"


@pytest.fixture
def street(pack: Pack) -> Pack:
    """The tiny city with one named road."""
    named = {"code": "R1", "name_th": "ถนนรุ่งเรืองสุข", "name_en": "Rung Rueang Suk Road", "class": "primary"}
    pack.add("roads", [feature(ROAD, **named)])
    return pack


def _layer(report: ImportReport) -> LayerReport:
    return next(layer for layer in report.layers if layer.kind == "addresses")


def _stored(session: Session) -> list[tuple[str, str, str]]:
    rows = session.execute(sa.text("SELECT house_number, street_th, street_en FROM address ORDER BY id"))
    return [(row.house_number, row.street_th, row.street_en) for row in rows]


def test_houses_of_a_file_are_found_by_words(session: Session, street: Pack) -> None:
    """A CSV of numbers, streets and places is a layer; the geocoder knows its houses at once, and those between."""
    street.add_csv("addresses", HEADER + "2,ถนนรุ่งเรืองสุข,,100.002,8.0101\n๑๒,ถ.รุ่งเรืองสุข,,100.012,8.0101\n")
    assert _layer(import_city(session, street.close())).warnings == ()
    assert _stored(session) == [("2", "ถนนรุ่งเรืองสุข", "ถนนรุ่งเรืองสุข"), ("๑๒", "ถ.รุ่งเรืองสุข", "ถ.รุ่งเรืองสุข")]
    city = queries.load(session)
    known, between = (geocode(city, f"บ้านเลขที่ {n} ถ.รุ่งเรืองสุข").candidates[0] for n in (12, 8))
    assert crs.distance_m(known.place, LonLat(lon=100.012, lat=8.0101)) < 0.1
    assert not known.is_approximate
    assert crs.distance_m(between.place, LonLat(lon=100.008, lat=8.01)) < 2
    assert between.is_approximate


def test_a_house_is_where_the_middle_of_its_shape_is(session: Session, street: Pack) -> None:
    """Buildings, plots and points may stand in one layer."""
    ring = [[100.004, 8.011], [100.0042, 8.011], [100.0042, 8.0112], [100.004, 8.0112], [100.004, 8.011]]
    plot = {"type": "Polygon", "coordinates": [ring]}
    street.add("addresses", [
        feature(plot, code="a", house_number="4", street_en="Rung Rueang Suk Road"),
        feature(point(100.006, 8.0101), code="b", house_number="6/1", street_th="รุ่งเรืองสุข"),
    ])  # fmt: skip
    assert _layer(import_city(session, street.close())).row_count == 2
    places = session.execute(sa.text("SELECT ST_X(geom), ST_Y(geom) FROM address ORDER BY id")).all()
    assert [tuple(round(axis, 6) for axis in place) for place in places] == [(100.0041, 8.0111), (100.006, 8.0101)]


def test_rows_that_say_no_house_are_left_out_and_told(session: Session, street: Pack) -> None:
    """A number that is none and a street without a name cost their rows alone; row and cause stand with the layer."""
    street.add_csv(
        "addresses", HEADER + "2,ถนนรุ่งเรืองสุข,,100.002,8.0101\nLot 34,ถนนรุ่งเรืองสุข,,100.003,8.0101\n4,,,100.004,8.0101\n",
    )
    layer = _layer(import_city(session, street.close()))
    assert (layer.outcome, layer.row_count) == ("taken", 1)
    assert layer.warnings == (
        "addresses.csv, column street_th: no street is named in row 4; such rows are left out.",
        "addresses.csv, column house_number: there is no house number in row 3 'Lot 34'; such rows are left out.",
    )


def test_a_street_that_no_road_bears_is_told_and_its_houses_are_kept(session: Session, street: Pack) -> None:
    """The road may come with a later import, and the geocoder then knows them; until then only the spot does."""
    street.add_csv("addresses", HEADER + "7,ถนนยังไม่มี,Not Yet Road,100.01,8.005\n")
    layer = _layer(import_city(session, street.close()))
    assert layer.row_count == 1
    assert "no road of the city bears the street's name in row 2 'ถนนยังไม่มี'; such houses are kept" in layer.warnings[0]
    text = "บ้านเลขที่ 7 ถนนยังไม่มี"
    assert "house" not in [candidate.kind for candidate in geocode(queries.load(session), text).candidates]
    later = feature(line((100.001, 8.0051), (100.019, 8.0051)), name_th="ถนนยังไม่มี", **{"class": "residential"})
    body = {"type": "FeatureCollection", "features": [later]}
    (street.folder / "roads.geojson").write_text(json.dumps(body), encoding="utf-8")
    import_city(session, street.folder)
    assert geocode(queries.load(session), text).candidates[0].code.endswith("#7")


def test_a_layer_without_house_numbers_is_refused(session: Session, street: Pack) -> None:
    """Addresses without the column of numbers are another file: nothing of it is taken, the others are."""
    import_city(session, street.close())
    street.add_csv("addresses", "street_th,lon,lat\nถนนรุ่งเรืองสุข,100.002,8.0101\n")
    layer = _layer(import_city(session, street.close()))
    assert layer.outcome == "refused"
    assert "column house_number: this required column is missing" in layer.findings[0]


def test_houses_imported_again_are_the_same_rows(session: Session, street: Pack) -> None:
    """Twice is once, to the row; a changed number is version 2 of this layer alone."""
    street.add_csv("addresses", HEADER + "2,ถนนรุ่งเรืองสุข,,100.002,8.0101\n")
    folder = street.close()
    import_city(session, folder)
    before = contents(session)
    assert _layer(import_city(session, folder)).outcome == "unchanged"
    assert contents(session) == before
    (folder / "addresses.csv").write_text(HEADER + "2/1,ถนนรุ่งเรืองสุข,,100.002,8.0101\n", encoding="utf-8")
    report = import_city(session, folder)
    assert {layer.kind: layer.version for layer in report.layers if layer.outcome == "taken"} == {"addresses": 2}
    assert [row[0] for row in _stored(session)] == ["2/1"]


# --- from an extract -----------------------------------------------------------------------------------------------


def test_an_extract_brings_its_house_numbers_and_no_names_of_people(session: Session, tmp_path: Path) -> None:
    """Nodes, buildings and open ways with a number and a street; whoever lives there is not taken with them."""
    town = small_town()
    town.node((100.004, 8.0041), name="Somchai Family", **{"addr:housenumber": "2", "addr:street": "ถนนหนึ่ง"})
    town.ring((100.006, 8.006), (100.0062, 8.006), (100.0062, 8.0062), (100.006, 8.0062), building="house",
              addr__housenumber="6", addr__street="One", addr__street__th="ถนนหนึ่ง")  # fmt: skip
    town.way((100.008, 8.008), (100.0081, 8.0081), barrier="fence", addr__housenumber="8-10", addr__street="One")
    town.node((100.009, 8.009), **{"addr:housenumber": "9"})
    town.node((100.009, 8.0091), **{"addr:street": "One"})
    report = import_city(session, town.write(tmp_path / "town.osm.pbf"))
    assert (_layer(report).row_count, _layer(report).warnings) == (3, ())
    assert sorted(_stored(session)) == [
        ("2", "ถนนหนึ่ง", "ถนนหนึ่ง"), ("6", "ถนนหนึ่ง", "One"), ("8-10", "One", "One"),
    ]  # fmt: skip
    assert session.scalar(sa.text("SELECT count(*) FROM address a WHERE a::text LIKE '%Somchai%'")) == 0
    first = geocode(queries.load(session), "บ้านเลขที่ 10 ถนนหนึ่ง").candidates[0]
    assert (first.kind, first.is_approximate) == ("house", False)


def test_a_new_house_number_is_no_new_building(session: Session, tmp_path: Path) -> None:
    """Of an extract only the layer of numbers goes up a version."""
    path = small_town().write(tmp_path / "town.osm.pbf")
    import_city(session, path)
    town = small_town()
    town.node((100.004, 8.0041), **{"addr:housenumber": "2", "addr:street": "One"})
    report = import_city(session, town.write(path))
    assert {layer.name: layer.version for layer in report.layers if layer.outcome == "taken"} == {"addresses": 2}


@pytest.mark.skipif(not LEGAZPI.is_file(), reason=f"the extract of Legazpi is not at {LEGAZPI}")
def test_the_numbers_of_a_real_extract_are_taken_and_the_odd_ones_told(session: Session) -> None:
    """Of 18 objects with number and street 15 are houses; three say a lot, a name, a subdivision instead."""
    layer = _layer(import_city(session, LEGAZPI))
    assert layer.row_count == 15
    assert layer.warnings[0].startswith("legazpi.osm.pbf, column house_number: there is no house number in row ")
    assert all(word in layer.warnings[0] for word in ("'Lot 34'", "'1420 Kabisig'", "'Imperial Ridgeview Subdivision"))
    first = geocode(queries.load(session), "flood at No. 26 Rosario Street").candidates[0]
    assert (first.kind, first.is_approximate, first.label_en) == ("house", False, "26 Rosario Street")


# --- from a spot ---------------------------------------------------------------------------------------------------


def test_a_spot_is_told_by_the_nearest_house_within_forty_metres(session: Session, street: Pack) -> None:
    """30 m from number 2 and 80 m from number 4 it is number 2; 100 m from every house it is none."""
    street.add_csv("addresses", HEADER + "2,ถนนรุ่งเรืองสุข,Suk Road,100.002,8.01\n4,ถนนรุ่งเรืองสุข,,100.003,8.01\n")
    import_city(session, street.close())
    house = whereabouts(session, LonLat(lon=100.00227, lat=8.01)).house
    assert house is not None
    assert (house.house_number, house.street_th, house.street_en) == ("2", "ถนนรุ่งเรืองสุข", "Suk Road")
    assert 28 < house.away_m < 32 < HOUSE_WITHIN_M
    assert whereabouts(session, LonLat(lon=100.0025, lat=8.01)).house is None
