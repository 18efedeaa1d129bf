"""House numbers in words, over a made-up town and over streets numbered by a rule."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis import crs
from gis.gazetteer.entries import Entry
from gis.gazetteer.geocode import Answer, Candidate, geocode
from gis.gazetteer.houses import (
    EXACT_RADIUS_M,
    FIELD_M,
    GROUP_RADIUS_M,
    MOST_PACE_M,
    NUMBERS_BEYOND,
    SETBACK_M,
    Address,
    House,
    HouseNumber,
    house_spot,
    houses_on,
    numbers_of,
)
from gis.gazetteer.index import Extent, Gazetteer, build
from gis.points import LonLat

CENTRE = LonLat(lon=100.0, lat=8.0)
EXTENT = Extent("เทศบาลเมืองรุ่งเรือง", "Rung Rueang", CENTRE, (99.95, 7.95, 100.05, 8.05), "8001", "80")
DEGREE_M = 111_000.0
ROAD = [(100.0, 8.0 + n / 1000) for n in range(21)]


def _road(name: str, code: str, *places: tuple[float, float], name_en: str = "") -> Entry:
    line = shapely.MultiLineString([places])
    middle = line.interpolate(0.5, normalized=True)
    place = LonLat(lon=middle.x, lat=middle.y)
    return Entry("road", code, name, name_en, place, line.length * DEGREE_M / 2 + 30, line=line, is_local=True)


def _lat_of(number: float) -> float:
    """The street's rule: five and a half metres a number, from its southern end."""
    return 8.0 + number / 20_000


def _address(number: str, street: str, lon: float, lat: float) -> Address:
    return Address(number, street, "", LonLat(lon=lon, lat=lat))


def _on_main(number: str) -> Address:
    base = numbers_of(number)[0].base
    return _address(number, "ถ.รุ่งเรืองสุข", 100.0001 if base % 2 else 99.9999, _lat_of(base))


ENTRIES = [
    _road("ถนนรุ่งเรืองสุข", "r1", *ROAD, name_en="Rung Rueang Suk Road"),
    _road("ถนนรุ่งเรืองสุข 2", "s2", (100.0, 8.002), (100.002, 8.002)),
    _road("ถนนรุ่งเรืองสุข 4", "s4", (100.0, 8.004), (100.002, 8.004)),
    _road("ถนนรุ่งเรืองสุข 12", "s12", (100.0, 8.012), (100.002, 8.012)),
    _road("ซอย 9/1", "n9", (100.01, 8.0), (100.01, 8.001)),
    _road("ถนนสายธารทอง", "r2", (99.99, 8.01), (100.01, 8.01), name_en="Sai Than Thong Road"),
    _road("ถนนบ่อน้ำเก่า", "r3", (99.98, 8.0), (99.98, 8.02)),
]
ADDRESSES = [
    *(_on_main(str(number)) for number in (1, 3, 9, 41, 101, 301, 2, 4, 10, 40, 200)),
    _on_main("123"), _on_main("124/2"), _on_main("124/1"), _on_main("232-236"),
    _address("5", "ซอยรุ่งเรืองสุข 4", 100.001, 8.0041), _address("7", "รุ่งเรืองสุข ซอย 4", 100.0015, 8.0041),
    _address("3", "ซอย 9/1", 100.0101, 8.0005),
    # Given out as the houses were built, here and there along the road.
    *(_address(str(n), "ถนนบ่อน้ำเก่า", 99.9801, 8.0 + at / 1000)
      for n, at in zip(range(1, 21, 2), (3, 17, 5, 12, 1, 15, 8, 2, 19, 6), strict=True)),
]  # fmt: skip


@pytest.fixture(scope="module")
def town() -> Gazetteer:
    """A road with numbered houses, some soi of it, one of them with houses; a road that has none; one in no order."""
    return build(ENTRIES, city=EXTENT, addresses=ADDRESSES)


@pytest.fixture(scope="module")
def bare_town() -> Gazetteer:
    """The same town without any house number."""
    return build(ENTRIES, city=EXTENT)


def _first(town: Gazetteer, text: str) -> Candidate:
    found = geocode(town, text).candidates
    assert found, f"nothing found in: {text}"
    return found[0]


def _away_m(found: Candidate, number: float, *, lon: float = 100.0) -> float:
    return crs.distance_m(found.place, LonLat(lon=lon, lat=_lat_of(number)))


# --- a number and its street ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["น้ำเข้าบ้านเลขที่ 10 ถ.รุ่งเรืองสุข ค่ะ", "เลขที่ ๑๐ ถนนรุ่งเรืองสุข", "ถ.รุ่งเรืองสุข บ้านเลขที่ 10 ไฟดับ", "10 ถ.รุ่งเรืองสุข",
     "๑๐ หมู่ 3 ถนนรุ่งเรืองสุข", "No. 10 Rung Rueang Suk Road", "10 Rung Rueang Suk Rd, water is rising",
     "house no.10 ถ รุ่งเรืองสุข"],
)  # fmt: skip
def test_a_known_house_is_its_own_point(town: Gazetteer, text: str) -> None:
    """However the number is given to its street, a house that the data know is there, in a small circle."""
    first = _first(town, text)
    assert (first.kind, first.code, first.is_approximate) == ("house", "r1#10", False)
    assert _away_m(first, 10, lon=99.9999) < 1
    assert first.radius_m == EXACT_RADIUS_M


def test_the_whole_road_stands_behind_the_house(town: Gazetteer) -> None:
    """Who doubts the number still has the road that was named."""
    assert [c.code for c in geocode(town, "บ้านเลขที่ 10 ถ.รุ่งเรืองสุข").candidates] == ["r1#10", "r1"]


def test_a_house_between_two_known_ones_is_told_as_approximate(town: Gazetteer) -> None:
    """25 lies on the road half the way from 9 to 41, and label, flag and radius say what that is worth."""
    first = _first(town, "บ้านเลขที่ 25 ถ.รุ่งเรืองสุข")
    assert (first.kind, first.code, first.is_approximate) == ("house", "r1#25", True)
    assert _away_m(first, 25) < 1
    half_m = 16 / 20_000 * DEGREE_M
    assert half_m < first.radius_m < half_m + SETBACK_M + 2
    assert (first.label_th, first.label_en) == (
        "บ้านเลขที่ 25 ถนนรุ่งเรืองสุข (โดยประมาณ)", "25 Rung Rueang Suk Road (approximate)"
    )


def test_the_wider_the_gap_the_wider_the_circle(town: Gazetteer) -> None:
    """Between 2 and 4 a house is known to some metres, between 41 and 101 to half of 330 m."""
    narrow, wide, widest = (_first(town, f"เลขที่ {n} ถ.รุ่งเรืองสุข").radius_m for n in (5, 25, 71))
    assert narrow < wide < widest


def test_odd_and_even_stand_on_their_own_sides(town: Gazetteer) -> None:
    """Number 42 is counted from 40 to the next even ones although 41 stands right across the road."""
    first = _first(town, "เลขที่ 42 ถ.รุ่งเรืองสุข")
    assert first.is_approximate
    assert _away_m(first, 42) < 1
    assert first.radius_m > 300  # From 40 to 124 no even number is known.


def test_beyond_the_last_known_number_only_a_step_is_taken(town: Gazetteer, bare_town: Gazetteer) -> None:
    """Ten numbers beyond 301 are followed, with a radius for any usual plot; further on it is the whole road."""
    near, far = f"เลขที่ {301 + NUMBERS_BEYOND} ถ.รุ่งเรืองสุข", f"เลขที่ {303 + NUMBERS_BEYOND} ถ.รุ่งเรืองสุข"
    first = _first(town, near)
    assert first.is_approximate
    assert _away_m(first, 301 + NUMBERS_BEYOND) < 1
    assert first.radius_m <= MOST_PACE_M * NUMBERS_BEYOND + FIELD_M + SETBACK_M
    assert geocode(town, far) == geocode(bare_town, far)


def test_the_step_goes_on_as_the_numbers_do_at_both_ends() -> None:
    """Before 21 and behind 31 the road is followed at the pace between them, whichever way its line was drawn."""
    for places in (ROAD, ROAD[::-1]):
        town = build([_road("ถนนรุ่งเรืองสุข", "r1", *places)], city=EXTENT, addresses=[_on_main("21"), _on_main("31")])
        for number in (15, 37):
            assert _away_m(_first(town, f"เลขที่ {number} ถ.รุ่งเรืองสุข"), number) < 1


@pytest.mark.parametrize(("text", "base"), [("123/45 ถ.รุ่งเรืองสุข", 123), ("บ้านเลขที่ 124/9 ถ.รุ่งเรืองสุข", 124)])
def test_a_divided_number_stands_where_its_house_does(town: Gazetteer, text: str, base: int) -> None:
    """123/45 is a door of house 123, which is known; so is 124/9 beside 124/1 and 124/2."""
    first = _first(town, text)
    assert first.is_approximate
    assert _away_m(first, base, lon=100.0001 if base % 2 else 99.9999) < 1
    assert first.radius_m == GROUP_RADIUS_M


def test_a_known_door_is_exact_and_so_is_every_house_of_a_range(town: Gazetteer) -> None:
    """124/1 is in the data itself, 234 within "232-236"."""
    assert not _first(town, "124/1 ถ.รุ่งเรืองสุข").is_approximate
    assert not _first(town, "เลขที่ 234 ถ.รุ่งเรืองสุข").is_approximate


@pytest.mark.parametrize(
    "text",
    ["หมู่ 10 ถ.รุ่งเรืองสุข", "เสาไฟเลขที่ 10 ถ.รุ่งเรืองสุข ดับ", "วันที่ 10/2 ถ.รุ่งเรืองสุข น้ำท่วม", "ทั้ง 2 ถนนรุ่งเรืองสุข",
     "โทร 081-234-0010 ถ.รุ่งเรืองสุข", "เมื่อ 20.10 ถ.รุ่งเรืองสุข", "0812340010 ถ.รุ่งเรืองสุข", "น้ำสูง 10 ซม. ถ.รุ่งเรืองสุข",
     "น้ำสูง 40 ถ.รุ่งเรืองสุข", "ปี 2566 ถ.รุ่งเรืองสุข", "เลขที่ 0 ถ.รุ่งเรืองสุข", "ถ.รุ่งเรืองสุข มี 10 คน", "pole no. 10 ถ.รุ่งเรืองสุข"],
)  # fmt: skip
def test_other_numbers_are_no_house(town: Gazetteer, bare_town: Gazetteer, text: str) -> None:
    """A village, a lamp post, a date, a time, a telephone, a depth: the road as it was before."""
    assert geocode(town, text) == geocode(bare_town, text)


def test_a_number_belongs_to_the_street_it_stands_by(town: Gazetteer) -> None:
    """Of two named streets the one right behind the number has the house."""
    found = geocode(town, "จากถนนสายธารทองไปบ้านเลขที่ 40 ถนนรุ่งเรืองสุข").candidates
    assert found[0].code == "r1#40"
    other = geocode(town, "บ้านเลขที่ 40 ถนนสายธารทอง ใกล้ถนนรุ่งเรืองสุข").candidates
    assert "house" not in [candidate.kind for candidate in other]


def test_near_a_house_is_not_in_it(town: Gazetteer) -> None:
    """What is said to be near or opposite a house lies around it."""
    beside, near = (_first(town, f"{word}บ้านเลขที่ 10 ถ.รุ่งเรืองสุข") for word in ("ตรงข้าม", "ใกล้"))
    assert EXACT_RADIUS_M < beside.radius_m < near.radius_m


# --- soi and house in one text -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["บ้านเลขที่ 5 ซ.รุ่งเรืองสุข 4", "5 ซอย 4 ถ.รุ่งเรืองสุข", "เลขที่ 5 ถ.รุ่งเรืองสุข ซอย 4"])
def test_a_house_is_in_the_soi_that_has_houses(town: Gazetteer, text: str) -> None:
    """House 5 of soi 4 is meant, not one of the road."""
    first = _first(town, text)
    assert (first.kind, first.code) == ("house", "s4#5")
    assert crs.distance_m(first.place, LonLat(lon=100.001, lat=8.0041)) < 1


def test_a_soi_that_is_only_a_number_has_houses_too(town: Gazetteer) -> None:
    """3 ซอย 9/1 is house 3 there."""
    assert _first(town, "3 ซอย 9/1 ท่อตัน").code == "n9#3"


@pytest.mark.parametrize("soi", ["ซอยรุ่งเรืองสุข 12", "ซอยรุ่งเรืองสุข 8", "ซอยรุ่งเรืองสุข 99"])
def test_a_soi_without_houses_wins_over_the_number(town: Gazetteer, bare_town: Gazetteer, soi: str) -> None:
    """Known, between known ones, or unknown: the house is in there, and never that of the road."""
    assert geocode(town, f"บ้านเลขที่ 10 {soi}") == geocode(bare_town, f"บ้านเลขที่ 10 {soi}")


def test_a_street_that_is_only_its_soi_has_no_houses_of_its_own() -> None:
    """House 5 of "ถนนบ้านสวน" is not that of whichever numbered one comes first."""
    roads = [_road(f"ถนนบ้านสวนใหญ่ {n}", f"b{n}", (100.0, 8.0 + n / 500), (100.004, 8.0 + n / 500)) for n in (1, 2)]
    town = build(roads, city=EXTENT, addresses=[_address("5", "ถนนบ้านสวนใหญ่ 1", 100.002, 8.0021)])
    assert [c.kind for c in geocode(town, "บ้านเลขที่ 5 ถนนบ้านสวนใหญ่").candidates] == ["road"]
    assert _first(town, "บ้านเลขที่ 5 ถนนบ้านสวนใหญ่ 1").code == "b1#5"


# --- what a number is worth ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["บ้านเลขที่ 10 ถนนสายธารทอง", "12/3 ถ.สายธารทอง น้ำท่วม", "No. 4 Sai Than Thong Road"])
def test_without_known_houses_nothing_changes(town: Gazetteer, bare_town: Gazetteer, text: str) -> None:
    """A street that has no numbers is the street, whatever its neighbours have."""
    assert geocode(town, text) == geocode(bare_town, text)


@pytest.mark.parametrize("street", ["ถ.รุ่งเรืองสุข", "รุ่งเรืองสุข", "ถรุ่งเรอืงสุข", "Rung Rueang Suk Road"])
@pytest.mark.parametrize("number", ["เลขที่ 25", "25/3", "เลขที่ 123/4", "เลขที่ 305"])
def test_a_number_that_is_not_known_makes_nothing_surer(town: Gazetteer, street: str, number: str) -> None:
    """A house between others, or a door of one, has at most the confidence that its street's name alone has."""
    alone = _first(town, f"น้ำท่วม {street} ค่ะ").confidence
    assert _first(town, f"น้ำท่วม {number} {street} ค่ะ").confidence <= alone


def test_a_number_that_the_street_has_vouches_for_it(town: Gazetteer) -> None:
    """A bare name is surer with a house that stands there; a misspelt one stays what it was."""
    alone, told = (_first(town, f"ท่อตัน {n}รุ่งเรืองสุข") for n in ("", "บ้านเลขที่ 10 "))
    assert (told.kind, told.confidence > alone.confidence) == ("house", True)
    misspelt = [_first(town, f"ท่อตัน {n}ถ.รุ่งเรอืงสุข").confidence for n in ("", "บ้านเลขที่ 10 ")]
    assert misspelt[1] <= misspelt[0]


def test_numbers_in_no_order_are_not_counted_between(town: Gazetteer, bare_town: Gazetteer) -> None:
    """Where numbers were given out as houses were built, the known ones are known and others are somewhere."""
    assert _first(town, "เลขที่ 7 ถ.บ่อน้ำเก่า").code == "r3#7"
    ordered = build(ENTRIES, city=EXTENT, addresses=[a for a in ADDRESSES if a.house_number != "7"])
    assert geocode(ordered, "เลขที่ 7 ถ.บ่อน้ำเก่า") == geocode(bare_town, "เลขที่ 7 ถ.บ่อน้ำเก่า")


def test_between_two_that_stand_the_wrong_way_round_nothing_is_counted() -> None:
    """Of a road in order one house may be out of it: next to that one nothing is said, elsewhere it is."""
    known = [_on_main(str(number)) for number in (1, 3, 5, 7, 9, 25, 27, 31, 33)]
    stray = _address("21", "ถนนรุ่งเรืองสุข", 100.0001, _lat_of(40))
    town = build(ENTRIES, city=EXTENT, addresses=[*known, stray])
    assert _first(town, "เลขที่ 23 ถ.รุ่งเรืองสุข").kind == "road"
    assert _first(town, "เลขที่ 29 ถ.รุ่งเรืองสุข").kind == "house"


def test_across_a_gap_of_the_road_the_circle_holds_both_ends() -> None:
    """Where the map lacks the bridge between two pieces, a number between them may be on either."""
    line = shapely.MultiLineString([[(100.0, 8.0), (100.0, 8.004)], [(100.0, 8.008), (100.0, 8.012)]])
    road = Entry("road", "r1", "ถนนรุ่งเรืองสุข", "", LonLat(lon=100.0, lat=8.004), 900.0, line=line, is_local=True)
    town = build([road], city=EXTENT, addresses=[_on_main("71"), _on_main("171")])
    first = _first(town, "เลขที่ 101 ถ.รุ่งเรืองสุข")
    assert first.kind == "house"
    assert max(_away_m(first, 71), _away_m(first, 171)) <= first.radius_m
    assert line.distance(shapely.Point(first.place.lon, first.place.lat)) < 1e-6


def test_an_address_far_from_its_street_is_on_another_of_that_name() -> None:
    """A house a kilometre off the only road of the name is none of that road's."""
    stray = build(ENTRIES, city=EXTENT, addresses=[_address("10", "ถนนรุ่งเรืองสุข", 100.01, 8.005)])
    assert stray.houses == {}


def test_houses_of_one_number_far_apart_are_a_circle_around_them() -> None:
    """Two houses 200 m apart that both say 10 are not one point."""
    two = [_address("10", "ถนนรุ่งเรืองสุข", 100.0, lat) for lat in (8.005, 8.0068)]
    first = _first(build(ENTRIES, city=EXTENT, addresses=two), "เลขที่ 10 ถ.รุ่งเรืองสุข")
    assert first.is_approximate
    assert first.radius_m > 95


@pytest.mark.parametrize(
    ("written", "numbers"),
    [("12", [(12, 0)]), ("๑๒/๓", [(12, 3)]), (" No. 007 ", [(7, 0)]), ("บ้านเลขที่ 12ก", [(12, 0)]),
     ("12;14", [(12, 0), (14, 0)]), ("232-236", [(232, 0), (234, 0), (236, 0)]), ("7-8", [(7, 0), (8, 0)]),
     ("10-900", [(10, 0)]), ("123/4-6", [(123, 4)]),
     ("Lot 34", []), ("1420 Kabisig", []), ("0", []), ("", []), ("12/", []), ("many", []), ("123456", [])],
)  # fmt: skip
def test_what_is_a_house_number(written: str, numbers: list[tuple[int, int]]) -> None:
    """Thai digits, divisions, lists and ranges are; words and what would be a telephone's are not."""
    assert [tuple(number) for number in numbers_of(written)] == numbers


# --- by a rule -----------------------------------------------------------------------------------------------------

# In the inside of sharper bends plots that are narrower than deep lie in no order along the road.
_TURNS = st.lists(st.floats(-0.25, 0.25), min_size=3, max_size=8)
_PLOTS = st.lists(st.floats(8.0, 2 * MOST_PACE_M - 1), min_size=8, max_size=40)


def _street(turns: Sequence[float]) -> shapely.LineString:
    """A road that turns by so many radians after every 120 m."""
    headings = list(itertools.accumulate(turns))
    east = itertools.accumulate((120 * math.cos(heading) for heading in headings), initial=0.0)
    north = itertools.accumulate((120 * math.sin(heading) for heading in headings), initial=0.0)
    return shapely.LineString(list(zip(east, north, strict=True)))


def _beside(line: shapely.LineString, along_m: float, aside_m: float) -> tuple[float, float]:
    at, ahead = line.interpolate(along_m), line.interpolate(along_m + 0.5)
    length_m = math.hypot(ahead.x - at.x, ahead.y - at.y)
    return at.x - (ahead.y - at.y) / length_m * aside_m, at.y + (ahead.x - at.x) / length_m * aside_m


@given(turns=_TURNS, plots=st.tuples(_PLOTS, _PLOTS), draw=st.randoms(use_true_random=False), is_reversed=st.booleans())
def test_on_a_street_with_a_rule_every_number_is_within_its_radius_and_in_its_order(
    turns: list[float], plots: tuple[list[float], list[float]], draw: random.Random, is_reversed: bool
) -> None:
    """Whatever houses of a crooked street are known, the others lie within their radius of the truth and in order."""
    line = _street(turns)
    truth: dict[int, tuple[float, float]] = {}
    for parity, widths_m in enumerate(plots):
        ends_m = [at for at in itertools.accumulate(widths_m) if at < line.length - 1]
        for n, at in enumerate(ends_m):
            truth[2 * n + 2 - parity] = _beside(line, at, draw.uniform(4, 15) * (1 if parity else -1))
    known = [number for number in truth if draw.random() < 0.4]
    shown = shapely.LineString(shapely.get_coordinates(line)[::-1]) if is_reversed else line
    houses = houses_on(shown, [House(HouseNumber(number), *truth[number]) for number in known])
    along_m: dict[int, list[float]] = {0: [], 1: []}
    for number in sorted(truth):
        found = house_spot(houses, HouseNumber(number))
        if found is None:
            continue
        x, y = truth[number]
        assert math.hypot(found.spot.x - x, found.spot.y - y) <= found.spot.radius_m
        assert found.is_exact == (number in known)
        along_m[number % 2].append(line.project(shapely.Point(found.spot.x, found.spot.y)))
    for side in along_m.values():
        assert all(later >= earlier - 1e-6 for earlier, later in itertools.pairwise(side))


_PIECES = st.lists(
    st.sampled_from(
        ["เลขที่", "บ้านเลขที่ ", "ถ.", "ซอย ", "รุ่งเรืองสุข", "สายธารทอง", "10", "123/45", " ", "หมู่ ", "No.", "/", "4", "x"]
    ),
    max_size=14,
)


@given(pieces=_PIECES)
def test_no_order_of_numbers_and_streets_breaks_it(town: Gazetteer, bare_town: Gazetteer, pieces: list[str]) -> None:
    """Any text gives ranked answers; what is no house in them is what the town without numbers would answer."""
    answer = geocode(town, "".join(pieces))
    confidences = [candidate.confidence for candidate in answer.candidates]
    assert confidences == sorted(confidences, reverse=True)
    others = [c.code for c in answer.candidates if c.kind != "house"]
    assert others == [c.code for c in _asked(bare_town, pieces).candidates][: len(others)]


def _asked(gazetteer: Gazetteer, pieces: Sequence[str]) -> Answer:
    return geocode(gazetteer, "".join(pieces))
