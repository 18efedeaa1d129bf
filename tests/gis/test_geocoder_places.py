"""Reading places over a made-up town: what wins, what is doubted, what is interpolated, what is left unknown."""

from __future__ import annotations

import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis import crs
from gis.gazetteer import pluscode
from gis.gazetteer.clues import clues_in
from gis.gazetteer.entries import Entry
from gis.gazetteer.files import unit_entry
from gis.gazetteer.geocode import Answer, geocode
from gis.gazetteer.index import Extent, Gazetteer, build
from gis.points import LonLat

CENTRE = LonLat(lon=100.0, lat=8.0)
DEGREE_M = 111_000.0


def _road(name: str, code: str, *places: tuple[float, float], name_en: str = "") -> Entry:
    line = shapely.MultiLineString([places])
    middle = line.interpolate(0.5, normalized=True)
    return Entry(
        "road", code, name, name_en, LonLat(lon=middle.x, lat=middle.y), line.length * DEGREE_M / 2 + 30, line=line,
        is_local=True,
    )


def _spot(kind: str, name: str, code: str, lon: float, lat: float, **more: object) -> Entry:
    return Entry(kind, code, name, "", LonLat(lon=lon, lat=lat), 200.0, is_local=True, **more)  # type: ignore[arg-type]  # passed through


@pytest.fixture(scope="module")
def town() -> Gazetteer:
    """A road with soi 2, 4 and 12, one that crosses it, temples, two villages of one name, units here and afar."""
    road = [(100.0, 8.0 + n / 1000) for n in range(21)]
    mamuang = {"subdistrict": "800114", "district": "8001", "province": "80"}
    entries = [
        _road("ถนนรุ่งเรืองสุข", "r1", *road),
        _road("ถนนรุ่งเรืองสุข 2", "s2", (100.0, 8.002), (100.002, 8.002)),
        _road("ถนนรุ่งเรืองสุข 4", "s4", (100.0, 8.004), (100.002, 8.004)),
        _road("ถนนรุ่งเรืองสุข 12", "s12", (100.0, 8.012), (100.002, 8.012)),
        _road("ถนนสายธารทอง", "r2", (99.99, 8.01), (100.01, 8.01), name_en="Sai Than Thong Road"),
        _road("Sipraj Road", "r3", (99.99, 7.97), (99.99, 7.99)),
        _road("ซอย 9", "n9a", (100.03, 8.0), (100.03, 8.002)),
        # The same soi number far away: a long line whose middle is nowhere near it.
        _road("ซอย 9", "n9b", (99.96, 7.96), (99.96, 8.04)),
        _spot("community", "ชุมชนปลายนาใหม่", "c2", 100.031, 8.004),
        _spot("temple", "วัดบ้านหวานเย็น", "t1", 100.001, 8.006),
        _spot("temple", "วัดทุ่งดอกคูน", "t2", 99.985, 7.99),
        _spot("community", "ชุมชนริมธารใส", "c1", 100.015, 8.015),
        _spot("village", "บ้านคลองลาว", "80011401", 99.97, 7.98, **mamuang, moo=1),
        _spot("village", "บ้านคลองลาว", "80011406", 99.98, 7.98, **mamuang, moo=6),
        *(
            unit_entry(kind=kind, code=code, name_th=name, name_en="", place=LonLat(lon=lon, lat=lat))
            for kind, code, name, lon, lat in [
                ("subdistrict", "800101", "ในเมือง", 100.0, 8.0), ("subdistrict", "800114", "มะม่วงสองต้น", 99.975, 7.98),
                ("subdistrict", "400101", "ในเมือง", 102.8, 16.4), ("subdistrict", "310101", "ในเมือง", 103.1, 15.0),
                ("district", "8001", "เมืองรุ่งเรือง", 100.0, 8.0), ("district", "4001", "เมืองขอนแก่น", 102.8, 16.4),
                ("province", "80", "รุ่งเรือง", 100.0, 8.2), ("province", "40", "ขอนแก่น", 102.8, 16.4),
                ("province", "90", "สงขลา", 100.6, 7.2),
                ("subdistrict", "550106", "เรือง", 100.8, 18.8), ("subdistrict", "510701", "บ้านธิ", 99.1, 18.6),
                ("subdistrict", "103403", "รุ่งเรือง", 100.6, 13.7), ("subdistrict", "700103", "บางใหญ่", 100.5, 13.8),
                ("subdistrict", "103404", "บางใหญ่", 100.6, 13.7),
            ]
        ),
    ]  # fmt: skip
    extent = Extent("เทศบาลเมืองรุ่งเรือง", "Rung Rueang", CENTRE, (99.95, 7.95, 100.05, 8.05), "8001", "80")
    return build(entries, city=extent)


def _codes(answer: Answer) -> list[str]:
    return [candidate.code for candidate in answer.candidates]


def test_a_soi_that_no_map_shows_lies_between_its_neighbours(town: Gazetteer) -> None:
    """Soi 8 is half the way from 4 to 12, on the road, and its radius says how far that may be wrong."""
    first = geocode(town, "น้ำท่วม ถ.รุ่งเรืองสุข ซอย 8").candidates[0]
    assert first.kind == "soi"
    assert crs.distance_m(first.place, LonLat(lon=100.0, lat=8.008)) < 30
    assert 250 < first.radius_m < 1_000


def test_a_soi_far_beyond_the_last_known_one_is_only_its_road(town: Gazetteer) -> None:
    """Nothing is interpolated where nothing is near: the whole road is named, with its whole radius."""
    first = geocode(town, "ซอยรุ่งเรืองสุข 99").candidates[0]
    assert (first.kind, first.code) == ("road", "r1")
    assert first.radius_m > 1_000


@pytest.mark.parametrize("text", ["รุ่งเรอืงสุข 4", "ตรงถรุงเรืองศุก4", "แถวรุ่งเรืองสุ ซอย 4", "รุ่เงรืองสุข๔"])
def test_a_misspelt_road_is_known_by_the_soi_that_it_counts(town: Gazetteer, text: str) -> None:
    """A number that is one of a road's soi vouches for a name that is only like the road's."""
    first = geocode(town, f"{text} น้ำท่วม คุณวิภาแจ้ง โทร 081-234-5678 เมื่อ 20.30 น.").candidates[0]
    assert first.code == "s4"


def test_a_number_that_is_a_time_or_a_telephones_is_no_soi(town: Gazetteer) -> None:
    """Of "รุ่งเรืองสุ 04.30" nothing is soi 4."""
    found = geocode(town, "รุ่งเรืองสุ 04.30 โทร 081 4 5678").candidates
    assert "s4" not in [candidate.code for candidate in found]


@pytest.mark.parametrize(
    "text", ["ขอแจ้งเรื่องน้ำรอระบาย", "น้ำเข้าบ้าน ที่นี่", "หลังบ้านที่เป็นคลอง", "ทะเลาะกันเรื่องขยะ"]
)
def test_everyday_words_that_sound_like_a_far_place_are_none(town: Gazetteer, text: str) -> None:
    """A far name without its type word has to stand there letter for letter, tone marks and all."""
    assert geocode(town, text).candidates == ()


def test_a_name_of_far_away_gives_way_to_the_citys_own_that_is_like_it(town: Gazetteer) -> None:
    """ "รุ่งเรือง" is a sub-district of Bangkok, but with more letters of it a misspelt road of the city."""
    assert geocode(town, "น้ำท่วมรุ่งเรืองสูข ลึกมาก").candidates[0].code == "r1"


def test_a_name_ends_where_its_syllable_ends(town: Gazetteer) -> None:
    """What goes on with a vowel of its own is another word; what is only drawn out is the same."""
    assert geocode(town, "ชุมชนริมธารใสสส").candidates[0].code == "c1"
    assert geocode(town, "จังหวัดสงขลิ").candidates == ()


@pytest.mark.parametrize(("text", "code"), [("แขวงบางใหญ่", "103404"), ("ตำบลบางใหญ่", "700103"), ("ต.บางใหญ่", "700103")])
def test_khwaeng_and_khet_mean_bangkok(town: Gazetteer, text: str, code: str) -> None:
    """Of two sub-districts of a name the type word tells which: แขวง is Bangkok's, ตำบล any other province's."""
    assert geocode(town, text).candidates[0].code == code


def test_a_soi_of_two_places_is_the_one_beside_the_named_community(town: Gazetteer) -> None:
    """How near a long soi is counts from its line, not from a circle around its middle."""
    assert geocode(town, "ซอย 9 ชุมชนปลายนาใหม่").candidates[0].code == "n9a"


def test_without_a_city_a_bare_name_is_never_sure() -> None:
    """Of a whole country's names every other word is one; a type word or the units around it make it sure."""
    units = build([unit_entry(kind="subdistrict", code="550106", name_th="กระเบื้องดี", name_en="", place=CENTRE)])
    assert geocode(units, "กระเบื้องดีแตก").candidates[0].confidence < 0.5
    assert geocode(units, "ต.กระเบื้องดี").candidates[0].confidence > 0.8


@pytest.mark.parametrize(
    ("text", "code"),
    [("ถนนศรีปราชญ์ ท่อตัน", "r3"), ("หน้าวัดบ้านหวานเย็น", "t1"), ("near wat ban wan yen", "t1"), ("Sai Thaan Tong Rd", "r2"),
     ("Soi Rungruangsuk 4", "s4"), ("Rung Rueang Suk road", "r1")],
)  # fmt: skip
def test_a_name_is_heard_in_the_other_script(town: Gazetteer, text: str, code: str) -> None:
    """A road that the map names only in English is found by its Thai name, and Thai names by any romanisation."""
    assert geocode(town, text).candidates[0].code == code


def test_a_name_that_stands_there_is_no_other_that_sounds_alike() -> None:
    """Rosario Street is not Rizal Street, although romanisers' consonants of both are the same."""
    roads = [_road("", "z", (100.0, 8.0), (100.01, 8.0), name_en="Rizal Street"),
             _road("", "o", (100.0, 8.01), (100.01, 8.01), name_en="Rosario Street")]  # fmt: skip
    town = build(roads, city=Extent("เมือง", "Town", CENTRE, (99.95, 7.95, 100.05, 8.05)))
    assert [_codes(geocode(town, f"flood at {name} Street"))[0] for name in ("Rizal", "Rosario")] == ["z", "o"]


@pytest.mark.parametrize("text", ["ทำถนน สีประชดใจ", "ถนนหน้าบ้านเป็นหลุม", "the road is flooded", "my house on the street"])
def test_words_that_only_sound_like_a_name_are_none(town: Gazetteer, text: str) -> None:
    """A type word that ends another word, or stands for the thing itself, begins no name."""
    assert [c for c in geocode(town, text).candidates if c.confidence > 0.5] == []


@pytest.mark.parametrize(
    "text", ["ผมนามสกุล สายธารทอง น้ำเข้าบ้าน", "รถทะเบียน กข 4103 สงขลา จอดขวาง", "เป็นคนขอนแก่น จ.ขอนแก่น ค่ะ"]
)
def test_a_surname_a_registration_and_where_one_comes_from_are_no_places(town: Gazetteer, text: str) -> None:
    """Names that belong to a person or a car are not where the report is about."""
    assert [c for c in geocode(town, text).candidates if c.confidence > 0.5] == []


def test_a_number_of_a_village_rules_out_its_namesakes(town: Gazetteer) -> None:
    """A moo that is not the village's speaks against it, and for the one that has it."""
    assert geocode(town, "คลองลาว ม.6").candidates[0].code == "80011406"


def test_a_road_of_the_citys_name_elsewhere_is_another_road(town: Gazetteer) -> None:
    """A road far away that bears the name of one of ours neither widens it nor counts its soi."""
    far = Entry("road", "far", "ถนนสายธารทอง", "", LonLat(lon=101.0, lat=9.0), 900.0,
                line=shapely.MultiLineString([[(101.0, 9.0), (101.01, 9.0)]]))  # fmt: skip
    first = geocode(build([*town.entries, far], city=town.city), "ถนนสายธารทอง").candidates[0]
    assert (first.code, first.radius_m) == ("r2", geocode(town, "ถนนสายธารทอง").candidates[0].radius_m)


def test_without_a_city_the_named_province_says_which_district_is_meant() -> None:
    """Each province has an อำเภอเมือง and many a ในเมือง: the last word of the address decides."""
    names = [(f"{n}0", f"จังหวัดที่{n}") for n in range(1, 10)] + [(f"{n}1", f"จังหวัดรอง{n}") for n in range(1, 8)]
    units = [
        unit_entry(kind=kind, code=code + more, name_th=name, name_en="", place=LonLat(lon=99 + n / 4, lat=10 + n / 4))
        for n, (code, province) in enumerate([*names, ("40", "ขอนแก่น")])
        for kind, more, name in (("province", "", province), ("district", "01", f"เมือง{province}"),
                                 ("subdistrict", "0101", "ในเมือง"))
    ]  # fmt: skip
    gazetteer = build(units)
    first = geocode(gazetteer, "ต.ในเมือง อ.เมือง จ.ขอนแก่น").candidates[0]
    assert (first.kind, first.code, first.confidence > 0.8) == ("subdistrict", "400101", True)


def test_two_roads_are_their_crossing(town: Gazetteer) -> None:
    """แยก of two named roads is one small place."""
    first = geocode(town, "รถชนกัน แยกถนนรุ่งเรืองสุขตัดถนนสายธารทอง").candidates[0]
    assert first.kind == "crossing"
    assert crs.distance_m(first.place, LonLat(lon=100.0, lat=8.01)) < 5
    assert first.radius_m <= 100


def test_a_road_and_a_landmark_are_the_roadside_by_it(town: Gazetteer) -> None:
    """A long road is narrowed by what stands beside it."""
    found = geocode(town, "น้ำขัง ถ.รุ่งเรืองสุข หน้าวัดบ้านหวานเย็น").candidates[0]
    assert crs.distance_m(found.place, LonLat(lon=100.0, lat=8.006)) <= found.radius_m < 600


def test_a_landmark_far_from_the_named_road_lowers_both(town: Gazetteer) -> None:
    """Words that contradict each other are not sure of anything."""
    agreed = geocode(town, "ชุมชนริมธารใส").candidates[0].confidence
    against = geocode(town, "ชุมชนริมธารใส วัดทุ่งดอกคูน").candidates
    assert all(candidate.confidence < agreed for candidate in against)


def test_two_villages_of_one_name_are_two_candidates(town: Gazetteer) -> None:
    """คลองลาว is two villages: both are offered, neither for sure."""
    found = geocode(town, "คลองลาว").candidates
    assert {candidate.code for candidate in found[:2]} == {"80011401", "80011406"}
    assert found[0].confidence < 0.8


def test_the_moo_tells_villages_apart(town: Gazetteer) -> None:
    """หมู่ 6 of the named sub-district is one village."""
    assert _codes(geocode(town, "12/3 ม.6 ต.มะม่วงสองต้น"))[0] == "80011406"


def test_a_name_of_many_units_is_ranked_the_citys_own_first(town: Gazetteer) -> None:
    """ในเมือง alone is never one silent point."""
    found = geocode(town, "ในเมือง").candidates
    assert found[0].code == "800101"
    assert {"400101", "310101"} <= {candidate.code for candidate in found}
    assert found[0].confidence < 0.8


@pytest.mark.parametrize("text", ["ต.ในเมือง", "น้ำท่วม ต.ในเมือง ครับ", "ในเมือง"])
def test_a_name_of_many_places_is_said_to_be_one(text: str) -> None:
    """Units alone: of 22 sub-districts of one name none is guessed; the name and how many bear it are told instead."""
    answer = geocode(_provinces_of_one_name(22), text)
    assert answer.candidates == ()
    assert answer.reason == "many"
    assert answer.shared is not None
    assert (answer.shared.name in text, answer.shared.bearers) == (True, 22)


def test_a_name_of_many_places_is_one_of_them_within_its_district() -> None:
    """What is asked for suffices: of the sub-districts the named district's own comes first, likelier than not."""
    candidates = geocode(_provinces_of_one_name(22), "ต.ในเมือง อ.แดนที่สิบสอง").candidates
    found = next(candidate for candidate in candidates if candidate.kind == "subdistrict")
    assert (found.code, found.confidence > 0.5) == ("120101", True)


def _provinces_of_one_name(count: int) -> Gazetteer:
    """As many provinces, the twelfth with a district that has a name of its own, each with a sub-district ในเมือง."""
    place = LonLat(lon=101.0, lat=15.0)
    codes = range(11, 11 + count)
    units = [("subdistrict", f"{n}0101", "ในเมือง", LonLat(lon=100.0 + n / 20, lat=15.0)) for n in codes]
    units += [("district", "1201", "แดนที่สิบสอง", place), ("province", "12", "จังหวัดสิบสอง", place)]
    return build(
        [unit_entry(kind=kind, code=code, name_th=name, name_en="", place=at) for kind, code, name, at in units]
    )


def test_the_named_province_decides(town: Gazetteer) -> None:
    """With จ.ขอนแก่น the sub-district there is meant."""
    assert _codes(geocode(town, "ต.ในเมือง อ.เมือง จ.ขอนแก่น"))[0] == "400101"


@pytest.mark.parametrize("text", ["วัง", "วัด", "คลอง", "โรง", "ธาตุ", "น้ำท่วมหน้าบ้าน", "5", "!!", "ถนน", "ซอย 777"])
def test_words_for_things_are_no_places(town: Gazetteer, text: str) -> None:
    """An everyday word never matches alone, whatever unit bears it."""
    assert geocode(town, text) == Answer((), "no-name")


def test_where_somebody_comes_from_is_no_place_of_the_report(town: Gazetteer) -> None:
    """คนสงขลา is a person; alone it is a clear "don't know", beside a place it changes nothing."""
    assert geocode(town, "ผมคนสงขลาครับ") == Answer((), "elsewhere")
    first = geocode(town, "ผมคนสงขลา รถเสียหน้าวัดทุ่งดอกคูน").candidates[0]
    assert (first.code, first.confidence > 0.8) == ("t2", True)


@pytest.mark.parametrize("slip", ["วัดทุ่งดอกคูณ", "วัดทุงดอกคูน", "วัดทุ่ง ดอกคูน", "วัดทุ่งดอกคนู", "วัดทุ่งดอคูน", "ทุ่งดอกคูนน"])
def test_a_slip_of_the_hand_still_leads_there(town: Gazetteer, slip: str) -> None:
    """Marks left out, letters of one sound, swapped or missing letters."""
    assert _codes(geocode(town, f"น้ำท่วม {slip} ค่ะ"))[0] == "t2"


def test_what_was_asked_near_ranks_higher(town: Gazetteer) -> None:
    """The villages of one name come in the order of nearness to where the asker looks."""
    for code, lon in (("80011401", 99.95), ("80011406", 100.02)):
        assert _codes(geocode(town, "คลองลาว", near=LonLat(lon=lon, lat=7.98)))[0] == code


@given(text=st.text(max_size=200))
def test_no_text_breaks_it_and_confidence_never_rises(town: Gazetteer, text: str) -> None:
    """Whatever is typed gives an answer or a reason, ranked, with a radius and a place on the earth."""
    answer = geocode(town, text)
    confidences = [candidate.confidence for candidate in answer.candidates]
    assert confidences == sorted(confidences, reverse=True)
    assert (answer.reason is None) == bool(answer.candidates)
    assert all(c.radius_m > 0 and 0 <= c.confidence <= 1 and math.isfinite(c.place.lon) for c in answer.candidates)


@given(lon=st.floats(97.5, 105.5), lat=st.floats(5.7, 20.4))
def test_coordinates_in_a_text_are_the_place_in_either_order(lon: float, lat: float) -> None:
    """People write latitude first; the other order is read where only that lies in Thailand."""
    for pair in (f"{lat:.5f}, {lon:.5f}", f"พิกัด {lon:.5f} {lat:.5f}", f"https://maps.google.com/?q={lat:.5f},{lon:.5f}"):
        (clue,) = clues_in(pair, reference=None)
        assert crs.distance_m(clue.place, LonLat(lon=lon, lat=lat)) <= clue.radius_m


@given(lon=st.floats(98.0, 103.0), lat=st.floats(6.0, 19.0))
def test_coordinates_are_read_in_every_form_that_people_write(lon: float, lat: float) -> None:
    """With labels, in degrees and minutes, in Thai words and digits, in a route's link, on the army's grid."""
    zone = 47 if lon < 102 else 48
    east, north = crs.transformer(4326, 32600 + zone).transform(lon, lat)
    lat_s, lon_s = round(lat * 3600), round(lon * 3600)
    digits = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
    for text in (
        f"lat {lat:.5f} long {lon:.5f} ค่ะ", f"ลองจิจูด {lon:.5f} ละติจูด {lat:.5f}", f"Lat: {lat:.5f}, Lng: {lon:.5f}",
        f"{int(lat)} {lat % 1 * 60:.3f} N, {int(lon)} {lon % 1 * 60:.3f} E",
        f"https://www.google.com/maps/dir//{lat:.5f},{lon:.5f}/@8.43,99.95,13z",
        f"UTM {zone}P {east:.0f} {north:.0f}",
        f"{lat_s // 3600} องศา {lat_s % 3600 // 60} ลิปดา {lat_s % 60} พิลิปดา เหนือ {lon_s // 3600} องศา "
        f"{lon_s % 3600 // 60} ลิปดา {lon_s % 60} พิลิปดา ตะวันออก".translate(digits),
    ):
        first = clues_in(text, reference=None)[0]
        assert crs.distance_m(first.place, LonLat(lon=lon, lat=lat)) <= first.radius_m


@given(lon=st.floats(-179.0, 179.0), lat=st.floats(-80.0, 80.0))
def test_a_short_plus_code_is_the_cell_nearest_to_the_reference(lon: float, lat: float) -> None:
    """The code without its first four letters means the place next to who reads it."""
    letters = _encode(lon, lat)
    reference = LonLat(lon=lon + 0.3, lat=lat - 0.3)
    ((_, cell),) = pluscode.codes_in(f"แถว {letters[4:8]}+{letters[8:]} ครับ", reference=reference)
    assert abs(cell.lon - lon) < 0.0002
    assert abs(cell.lat - lat) < 0.0002


def test_a_short_plus_code_is_completed_by_the_place_it_names() -> None:
    """Without a city the unit behind the code says which degree it lies in; without one nothing is guessed."""
    place = LonLat(lon=99.9, lat=8.4)
    units = build([unit_entry(kind="province", code="80", name_th="รุ่งเรือง", name_en="", place=place)])
    first = geocode(units, "CXP7+GF รุ่งเรือง").candidates[0]
    assert crs.distance_m(first.place, LonLat(lon=99.96369, lat=8.43631)) < 20
    assert geocode(units, "CXP7+GF").candidates == ()


def test_a_known_plus_code_is_decoded() -> None:
    """8FVC2222+22 is 47.0000625 N, 8.0000625 E (the specification's own example)."""
    cell = pluscode.cell_of("8FVC222222")
    assert (round(cell.lat, 7), round(cell.lon, 7)) == (47.0000625, 8.0000625)


def _encode(lon: float, lat: float) -> str:
    alphabet = "23456789CFGHJMPQRVWX"
    letters, north, east = "", lat + 90.0, lon + 180.0
    for size in (20.0, 1.0, 0.05, 0.0025, 0.000125):
        row, column = min(int(north / size), 19), min(int(east / size), 19)
        letters += alphabet[row] + alphabet[column]
        north, east = north - row * size, east - column * size
    return letters
