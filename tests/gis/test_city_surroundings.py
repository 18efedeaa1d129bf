"""Points against the land around the city: its province and 5 km, the outlines of its sub-districts, its own file."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.citypack.importer import ImportReport, import_city
from gis.errors import CityPackError
from tests.gis.packs import Pack, feature, point


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A GeoJSON polygon."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.fixture
def country(pack: Pack) -> Pack:
    """The tiny city in a province that reaches 0.1 degrees east of it, with two sub-districts side by side."""
    pack.add("provinces", [feature(box(99.9, 7.9, 100.1, 8.1), code="TH80", name_th="จังหวัดเล็ก")])
    pack.add(
        "subdistricts", [
            feature(box(100.0, 8.0, 100.01, 8.02), code="TH800101", name_th="คลัง"),
            feature(box(100.01, 8.0, 100.02, 8.02), code="TH800102", name_th="ท่าวัง"),
        ],
    )
    return pack


def warnings(report: ImportReport, name: str) -> str:
    return " ".join(next(layer for layer in report.layers if layer.name == name).warnings)


def test_a_point_outside_the_province_and_5_km_is_refused(session: Session, country: Pack) -> None:
    """A hospital 6 km beyond the province's edge is a slip, one 4 km beyond may be a simplified edge."""
    spots = [point(100.01, 8.01), point(100.136, 8.01), point(100.155, 8.01)]
    country.add("facilities", [feature(spot, kind="clinic") for spot in spots], options="margin_m = 50000")
    with pytest.raises(CityPackError) as refused:
        import_city(session, country.close())
    assert refused.value.findings == (
        "facilities.geojson, row 3: it lies outside the city's province and 5 km (near 100.15500, 8.01000).",
    )


def test_what_is_dropped_anyway_is_counted_when_it_lies_outside_the_province(session: Session, country: Pack) -> None:
    """Where only the city's part is kept, a point in Bangkok is no fault, but told."""
    schools = [feature(point(100.01, 8.01), kind="school"), feature(point(100.5, 13.75), kind="school")]
    country.add("facilities", schools, options='keep = "extent"')
    report = import_city(session, country.close())
    assert "1 rows lie outside the city's province and 5 km (row 2 near 100.50000, 13.75000)" in warnings(
        report, "facilities"
    )
    assert session.scalar(sa.text("SELECT count(*) FROM facility")) == 1


def test_a_name_that_contradicts_its_outline_is_a_warning(session: Session, country: Pack) -> None:
    """The outlines are simplified: the point is taken, and whoever imports it learns of the contradiction."""
    schools = [
        feature(point(100.005, 8.01), kind="school", tambon="ต.คลัง"),
        feature(point(100.005, 8.012), kind="school", tambon="ท่าวัง"),
    ]
    country.add("facilities", schools, options='attributes = ["tambon"]')
    told = warnings(import_city(session, country.close()), "facilities")
    assert told == (
        "facilities.geojson, row 2, column tambon: it says 'ท่าวัง', but its point lies in the outline of 'คลัง'."
    )
    assert session.scalar(sa.text("SELECT count(*) FROM facility")) == 2


def test_a_village_outside_its_province_or_sub_district_is_told(session: Session, country: Pack) -> None:
    """Seven in metres, 24 in Bangkok, some in the next sub-district: the units are kept, their wrong points are not."""
    rows = (
        "80010101,บ้านหนึ่ง,100.005,8.01\n80010102,บ้านสอง,610400,884600\n80010103,บ้านสาม,100.5,13.75\n"
        "80010104,บ้านสี่,100.05,8.01\n80010105,บ้านห้า,8.01,100.005\n80010106,บ้านหก,100.005,8.01\n"
    )
    country.add_csv("admin_units", "code,name_th,lon,lat\n" + rows)
    told = warnings(import_city(session, country.close()), "admin_units")
    assert "row 3, column lon/lat: the coordinates (610400, 884600) look like metres" in told
    assert "row 4, column lon/lat: (100.5, 13.75) lies outside its province and 5 km; the unit has no point." in told
    assert "row 5, column lon/lat: its point lies outside the outline of sub-district 800101, of its code." in told
    assert "row 6, column lon/lat: longitude and latitude are swapped" in told
    assert "2 rows share one point (2, 7 …)." in told
    places = session.execute(sa.text("SELECT code, place IS NOT NULL FROM admin_unit WHERE kind = 'village'")).all()
    assert {code for code, has_place in places if has_place} == {"80010101", "80010104", "80010106"}
    assert len(places) == 6


def test_a_serial_number_is_no_code_of_a_province(session: Session, country: Pack) -> None:
    """kongvut's provinces are numbered 1 to 77: number 63 is not the province 63."""
    country.extra = country.extra.replace('file = "provinces.geojson"', 'file = "serial.geojson"')
    (country.folder / "serial.geojson").write_text(
        (country.folder / "provinces.geojson").read_text(encoding="utf-8").replace("TH80", "1"), encoding="utf-8"
    )
    with pytest.raises(CityPackError, match=r"row 1, column code: '1' is no code of the kind province"):
        import_city(session, country.close())
