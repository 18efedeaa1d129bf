"""Two numbers with two decimals: coordinates where they lie in the city, and never levels, prices or times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis import crs
from gis.gazetteer.entries import Entry
from gis.gazetteer.geocode import geocode
from gis.gazetteer.index import Extent, Gazetteer, build
from gis.points import LonLat
from incidents.rules import TOLD_CONFIDENCE

WEST, SOUTH, EAST, NORTH = 99.90, 8.35, 100.02, 8.52
TEMPLE = Entry("temple", "t1", "วัดทุ่งดอกคูน", "", LonLat(lon=99.95, lat=8.40), 200.0, is_local=True)
EXTENT = Extent("เทศบาลเมืองรุ่งเรือง", "Rung Rueang", LonLat(lon=99.96, lat=8.43), (WEST, SOUTH, EAST, NORTH))


@pytest.fixture(scope="module")
def town() -> Gazetteer:
    """A town about as large as its coordinates are read, with one temple."""
    return build([TEMPLE], city=EXTENT)


@pytest.mark.parametrize(
    "text",
    [
        "พิกัด 8.43 99.96", "พิกัด: ๘.๔๓, ๙๙.๙๖ ค่ะ", "GPS 8.43,99.96", "lat 8.43 lon 99.96", "ละติจูด 8.43 ลองจิจูด 99.96",
        "lon 99.96 lat 8.43", "8.43N 99.96E", "N 8.43, E 99.96", "geo:8.43,99.96",
        "https://maps.google.com/?q=8.43,99.96",
        "https://www.google.com/maps/@8.43,99.96,15z", "พิกัด 8.43, 99.963", "8.43 องศาเหนือ 99.96 องศาตะวันออก",
        "8.43° N, 99.96° E", "พิกัดบ้านยาย (8.43 , 99.96)",
    ],
)  # fmt: skip
def test_what_is_called_coordinates_is_read_with_the_radius_of_its_decimals(town: Gazetteer, text: str) -> None:
    """The place, known to half of the last decimal (some 800 m), and surer than a guess."""
    first = geocode(town, text).candidates[0]
    assert first.kind == "coordinates"
    assert crs.distance_m(first.place, LonLat(lon=99.96, lat=8.43)) < 350
    assert 550 < first.radius_m <= 800
    assert first.confidence >= TOLD_CONFIDENCE


@pytest.mark.parametrize("text", ["8.43, 99.96", "น้ำท่วมตรง 8.43 99.96 ครับ", "99.96, 8.43", "8.43/99.96", "8.43;99.96"])
def test_two_bare_numbers_in_the_city_may_be_a_place(town: Gazetteer, text: str) -> None:
    """Read in either order, and never so sure that a place would be taken from them without asking."""
    (first,) = geocode(town, text).candidates
    assert (first.place, first.label_th) == (LonLat(lon=99.96, lat=8.43), "8.43, 99.96")
    assert 0.2 <= first.confidence < TOLD_CONFIDENCE


@given(lon=st.floats(WEST + 0.01, EAST - 0.01), lat=st.floats(SOUTH + 0.01, NORTH - 0.01))
def test_the_true_place_lies_within_the_radius(town: Gazetteer, lon: float, lat: float) -> None:
    """What rounding to two decimals hides is told."""
    first = geocode(town, f"พิกัด {lat:.2f} {lon:.2f}").candidates[0]
    assert crs.distance_m(first.place, LonLat(lon=lon, lat=lat)) <= first.radius_m


@pytest.mark.parametrize(
    "text",
    [
        "2.41, 3.50 m", "ระดับน้ำ 2.41, 3.50", "8.30-9.45 น.", "8.30, 9.45 น.", "เวลา 8.43 99.96", "8.43, 99.96 บาท",
        "ราคา 8.43, 99.96", "ระดับ 8.43, 99.96 ม.", "สูง 8.43 99.96 เมตร", "8.43 99.96 m", "1.20, 8.43, 99.96",
        "8.43, 99.96, 12.50", "108.43, 99.96", "8.43.99.96", "1,008.43 99.96", "8.43%, 99.96%", "8.4, 99.9", "8, 99",
        "-8.43, 99.96", "13.75, 100.50", "8.43, 8.44", "8.43 บาท 99.96 บาท",
        "8.43, 099.96", "ค่าน้ำ 8.43 99.96", "8.43 99.96 น.", "8.43 หน่วย 99.96 บาท",
    ],
)  # fmt: skip
def test_levels_prices_times_and_rows_of_numbers_are_no_place(town: Gazetteer, text: str) -> None:
    """Numbers with a unit, in a row, with fewer decimals or outside the city say nothing of where it is."""
    assert geocode(town, text).candidates == ()


def test_without_a_city_two_decimals_are_no_place() -> None:
    """Anywhere in a country two such numbers may be anything."""
    assert geocode(build([TEMPLE]), "พิกัด 8.43 99.96").candidates == ()


def test_a_named_place_is_more_than_two_bare_numbers(town: Gazetteer) -> None:
    """Bare numbers never push a place aside that the text names."""
    assert geocode(town, "หน้าวัดทุ่งดอกคูน 8.43 99.96").candidates[0].code == "t1"
