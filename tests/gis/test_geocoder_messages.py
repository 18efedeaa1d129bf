"""What residents of Nakhon Si Thammarat might write, by hand: read with the city's open data and the registers."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from gis import crs
from gis.citypack.importer import import_city
from gis.gazetteer import queries
from gis.gazetteer.geocode import Candidate, geocode
from gis.gazetteer.index import Gazetteer
from gis.points import LonLat

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the open data is not beside the project: {DATA}")


@pytest.fixture(scope="module")
def nakhon(module_session: Session) -> Gazetteer:
    """The city's names and the country's units."""
    import_city(module_session, DATA / "cities" / "nakhon-si-thammarat")
    return queries.load(module_session)


def _first(nakhon: Gazetteer, text: str) -> Candidate:
    found = geocode(nakhon, text).candidates
    assert found, f"nothing found in: {text}"
    return found[0]


@pytest.mark.parametrize(
    ("text", "lat", "lon", "widest_m"),
    [
        # Soi and roads.
        ("น้ำท่วมหน้าบ้าน ซอยราชดำเนิน 24 ใกล้ รร.อนุบาล ต.ในเมือง", 8.4327, 99.9617, 400),
        ("ซ.ราชดำเนิน 24 น้ำเข้าบ้านแล้วค่ะ😭", 8.4327, 99.9617, 400),
        ("ราชดำเนินซอย24 รถเข้าไม่ได้", 8.4327, 99.9617, 400),
        ("ช่วยที น้ำขึ้นไวมาก ซอย กะโรม 12", 8.4337, 99.9500, 400),
        ("ไฟดับ ซ.กะโรม๑๔", 8.4346, 99.9490, 500),
        ("flood at Soi Karome 12, please help", 8.4337, 99.9500, 400),
        ("ราชดำเนิน ซ.9 น้ำรอระบาย", 8.4453, 99.9610, 900),
        ("ท่อแตก ถ.พัฒนาการคูขวาง ซอย 50", 8.4293, 99.9719, 900),
        ("ถ.กะโรม น้ำท่วมทั้งเส้น", 8.4336, 99.9409, 3_000),
        # Landmarks.
        ("หน้าวัดสวนป่าน น้ำสูงถึงเข่าแล้วค่ะ", 8.4176, 99.9649, 500),
        ("ตรงข้าม รพ.มหาราช น้ำท่วมรถ", 8.3910, 99.9747, 500),
        ("ใกล้รพมหาราช", 8.3910, 99.9747, 600),
        ("หลังโรงเรียนเบญจมฯ ต้นไม้ล้ม", 8.4381, 99.9223, 600),
        ("รร.เบญจมราชูทิศ ประตูหลัง", 8.4381, 99.9223, 600),
        ("แถวๆ ตลาดแขก น้ำเริ่มขัง", 8.4334, 99.9646, 1_200),
        ("วัดพระมหาธาตุ น้ำท่วมลานจอดรถ", 8.4111, 99.9664, 600),
        ("water is rising near Wat Phra Mahathat", 8.4111, 99.9664, 600),
        ("วัดศาลามีไชย ท่อตัน", 8.3830, 99.9717, 600),
        ("ข้างวัดเพชรจิก มีงูเข้าบ้าน", 8.3966, 99.9700, 900),
        ("วัดหัวอิด น้ำท่วมเมรุ", 8.4312, 99.9541, 600),
        ("หน้าเรือนจำ ข้างวัดชายนา", 8.4047, 99.9661, 600),
        ("วัดท้าวโครต ซอยข้างวัด น้ำขัง", 8.4035, 99.9677, 900),
        ("สภ.เมืองนครศรีธรรมราช มีรถจอดขวาง", 8.4316, 99.9627, 500),
        ("ตลาดสดศาลามีชัย แผงไฟไหม้", 8.3812, 99.9736, 600),
        ("มัสยิดซอลาฮุดดีน น้ำขัง", 8.4326, 99.9610, 700),
        # Communities and villages.
        ("ชุมชนป่าโล่ง หลังวัดชะเมา", 8.4464, 99.9599, 1_500),
        ("ชช.ท่าโพธิ์ น้ำเข้าบ้าน 3 หลัง", 8.4469, 99.9650, 1_500),
        ("ชุมชน ท้าวโคตร ขอเรือด่วน", 8.4041, 99.9699, 1_500),
        ("บ่อนไก่ ชุมชนบุญนารอบ", 8.4177, 99.9690, 1_500),
        ("123/45 หมู่ 3 ต.นาเคียน อ.เมือง จ.นครศรีธรรมราช", 8.4520, 99.9190, 8_000),
        ("บ้านคลองลาว ม.6 มะม่วงสองต้น", 8.4023, 99.9563, 8_000),
        # Sub-districts.
        ("ต.คลัง น้ำท่วมหมดเลย", 8.4340, 99.9660, 8_000),
        ("อยู่ตำบลปากพูน อำเภอเมือง น้ำเริ่มเอ่อ", 8.5290, 99.9970, 10_000),
        ("โพธิ์เสด็จ น้ำป่ามาแล้ว", 8.4300, 99.9350, 8_000),
        ("ต โพธิ์เสด็จ อ เมือง", 8.4280, 99.9200, 8_000),
        ("Tha Wang subdistrict flooded", 8.4490, 99.9610, 8_000),
        # Numbers.
        ("8.4363, 99.9627 น้ำท่วม", 8.4363, 99.9627, 100),
        ("พิกัด ๘.๔๓๖๓, ๙๙.๙๖๒๗", 8.4363, 99.9627, 100),
        ("8°26'10.7\"N 99°57'45.7\"E", 8.4363, 99.9627, 100),
        ("https://www.google.com/maps?q=8.4363,99.9627&z=17", 8.4363, 99.9627, 100),
        ("https://www.google.com/maps/place/x/@8.40,99.90,15z/data=!4m5!3d8.4363!4d99.9627", 8.4363, 99.9627, 100),
        ("แถวบ้านผม CXP7+GF นครศรี", 8.4363, 99.9637, 200),
        # Names that the map has only in English, and Thai ones in Latin letters.
        ("ถ ศรีปราชญ์ ท่อตัน น้ำเน่า", 8.4365, 99.9636, 4_000),
        ("ถนนกาญจนาภิเษก ต้นไม้ล้ม", 8.4647, 99.9606, 2_500),
        ("หน้า รพ.คริสเตียน น้ำท่วมทางลาด", 8.4367, 99.9640, 600),
        ("Soi Ratchadamnoen 32 no street light", 8.4232, 99.9636, 900),
        ("wat mahathat front gate, water coming up", 8.4111, 99.9664, 600),
        # Around the city.
        ("ติดอยู่ที่โรงพยาบาลท่าศาลา ถนนขาด", 8.6635, 99.9221, 800),
        ("หอพักแถวมหาวิทยาลัยวลัยลักษณ์", 8.6408, 99.8953, 1_500),
        ("โรงเรียนบ้านคันธง ต.ปากนคร น้ำดื่มหมด", 8.4065, 99.9953, 600),
        # Short names, words around names.
        ("คูขวาง 106 เสียงดัง", 8.4086, 99.9738, 1_500),
        ("ไสขัน ม.3 โพธิ์เสด็จ", 8.4290, 99.9270, 3_000),
        ("ชช.ท่าโพธิ์ น้ำเข้าบ้านแล้ว 12 หลัง", 8.4469, 99.9650, 1_500),
        # What is no place of the report.
        ("ผมคนสงขลา รถเสียหน้าวัดสวนป่าน", 8.4176, 99.9649, 500),
        ("นายสมชาย ท่าช้าง แจ้งว่า ซ.กะโรม 12 น้ำท่วม", 8.4337, 99.9500, 400),
        ("กำลังไปภูเก็ต แต่ติดน้ำท่วมที่วัดหัวอิฐ", 8.4312, 99.9541, 500),
        ("โทร 0812345678 ซ.กะโรม 8 เสาไฟเอียง เมื่อ 20.30 น.", 8.4346, 99.9520, 500),
    ],
)  # fmt: skip
def test_a_residents_words_lead_to_the_place(
    nakhon: Gazetteer, text: str, lat: float, lon: float, widest_m: float
) -> None:
    """The first candidate's radius holds the place, and is no wider than the words allow."""
    first = _first(nakhon, text)
    assert crs.distance_m(first.place, LonLat(lon=lon, lat=lat)) <= first.radius_m
    assert first.radius_m <= widest_m


@pytest.mark.parametrize(
    "text",
    [
        "ช่วยด้วย น้ำท่วมสูงมาก ออกไม่ได้", "น้ำท่วมหน้าบ้านค่ะ", "ไฟดับมาสองวันแล้ว", "หมู่บ้านเราน้ำท่วม",
        "วัง", "วัด", "โรงเรียน", "ธาตุ", "คลอง", "มีคนติดอยู่ในบ้าน 3 คน", "นายสมชาย ท่าช้าง แจ้งไฟดับ",
        "ผมคนสงขลาครับ", "555 ขอบคุณค่ะ", "🙏🙏", "ทนไม่ไหวแล้ว", "ขยะไม่เก็บ ถ.ชนเกษม",
        "https://maps.app.goo.gl/AbCdEf123", "ท่อระบายน้ำอุดตันหน้าปากซอย", "ถนนหน้าบ้านเป็นหลุมลึก",
        "แจ้งไปหลายครั้งแล้ว", "บ้านเลขที่ 123/4 หมู่ 5 น้ำเข้าบ้านแล้ว", "นามสกุล ท่าศาลา บ้านผมน้ำเข้าแล้ว",
        "รถทะเบียน กข 4103 นครศรีธรรมราช จอดขวาง", "มาเปลี่ยนหลอดไฟข้างบ้านหน่อย", "จมทั้งตำบลครับ",
        "ขยะกองเต็มหน้าตลาด เหม็นมาก", "น้ำมาแรงมากค่ะ ตอนนี้ถึงเอวแล้ว จะทำยังไงดี", "ขอถุงยังชีพด้วยครับ ยังไม่ได้รับ",
    ],
)  # fmt: skip
def test_words_that_name_no_place_are_not_sure_of_one(nakhon: Gazetteer, text: str) -> None:
    """A clear "don't know", or at the least no confidence: never a wrong point that somebody acts on."""
    answer = geocode(nakhon, text)
    assert [c for c in answer.candidates if c.confidence > 0.5] == []
    assert answer.candidates or answer.reason in {"no-name", "elsewhere", "closed-link"}


def test_a_name_of_many_places_gives_several_candidates_the_citys_own_first(nakhon: Gazetteer) -> None:
    """ในเมือง is 22 sub-districts: the city's comes first, unsure, and others stand behind it."""
    found = geocode(nakhon, "ในเมือง").candidates
    assert found[0].code in {"800101", "nakhon-si-thammarat"}
    assert found[0].confidence < 0.8
    assert len(found) > 2


def test_two_villages_of_one_name_are_two_candidates(nakhon: Gazetteer) -> None:
    """คลองลาว is villages 1 and 6 of one sub-district, a kilometre apart: both are offered, and the moo decides."""
    found = geocode(nakhon, "คลองลาว").candidates
    assert {"80011401", "80011406"} <= {candidate.code for candidate in found}
    assert all(candidate.confidence < 0.8 for candidate in found)
    first = _first(nakhon, "บ้านคลองลาว หมู่ 6 ต.มะม่วงสองต้น")
    assert (first.code, round(first.place.lon, 5)) == ("80011406", 99.95627)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ต.ในเมือง อ.เมือง จ.ขอนแก่น", "400101"),
        ("ต.ในเมือง อ.เมืองขอนแก่น", "400101"),
        ("น้ำท่วมขัง ต.บ้านใหม่ อ.เมืองปทุมธานี", "130102"),
        ("ตำบลหาดใหญ่ อำเภอหาดใหญ่ จังหวัดสงขลา", "901101"),
    ],
)
def test_a_named_province_wins_over_the_citys_own(nakhon: Gazetteer, text: str, code: str) -> None:
    """Who says another province means it."""
    assert _first(nakhon, text).code == code


def test_another_citys_road_is_not_ours(nakhon: Gazetteer) -> None:
    """A road of our name in another province is not surely ours."""
    found = geocode(nakhon, "ถนนราชดำเนิน อ.เมือง จ.สงขลา").candidates
    assert all(c.confidence < 0.8 for c in found if c.kind == "road")
