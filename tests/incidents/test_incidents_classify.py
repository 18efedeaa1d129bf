"""The lexicon: misspelt Thai is read, unknown words are asked about, emergencies are heard and not overheard."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from incidents import catalogue
from incidents.classify import Lexicon, is_thai, normalise

TRAFFY = Path(__file__).resolve().parents[3] / "shared" / "data" / "complaints" / "traffy_bangkok_2023-05.csv"


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon({category.code: category.words for category in catalogue.shipped().file.category})


def test_there_are_24_categories_with_words_and_known_groups() -> None:
    """The city's 24 categories all have a name in two languages, words, a tier and a promise."""
    categories = catalogue.shipped().file.category
    assert len(categories) == 24
    assert len({category.code for category in categories}) == 24
    assert all(category.words and category.name_th and category.name_en for category in categories)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("นํ้าท่วม", "น้ำท่วม"),
        ("นำ้ท่วม", "น้ำท่วม"),
        ("น้ำ ท่วม", "น้ำท่วม"),
        ("น้้ำท่วม", "น้ำท่วม"),
        ("เเม่น้ำ", "แม่น้ำ"),
        ("ช่วยด้วยยยยย", "ช่วยด้วย"),
        ("น้ำ\u200bท่วม", "น้ำท่วม"),
        ("FLOOD  in  soi", "flood in soi"),
    ],
)
def test_misspelt_thai_is_read_as_it_was_meant(typed: str, meant: str) -> None:
    """Order of tone and vowel, doubled marks, gaps and invisible letters make no difference."""
    assert meant == normalise(typed)


def test_normalising_twice_is_the_same_as_once() -> None:
    """What was normalised stays as it is."""
    for text in ("นํ้า ท่วมมมม เเล้ว", "ช่วยด้วยๆๆ", "a  b"):
        assert normalise(text) == normalise(normalise(text))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("น้ำเข้าบ้านแล้ว สูงถึงหัวเข่า", "flooded_home"),
        ("น้ำท่วมถนนหน้าตลาด รถเล็กผ่านไม่ได้", "flooded_road"),
        ("ท่อระบายน้ำอุดตันหน้าซอย 4", "drain"),
        ("มีผักตบชวาลอยเต็มคลอง", "canal"),
        ("ต้นไม้ใหญ่ล้มทับรั้ว", "fallen_tree"),
        ("ไฟถนนดับทั้งซอย มืดมาก", "street_light"),
        ("สายสื่อสารห้อยต่ำมาก", "power_line"),
        ("ถนนเป็นหลุมบ่อ รถล้ม", "road"),
        ("ท่อประปาแตกน้ำพุ่ง", "water_supply"),
        ("ขยะล้นถัง ไม่มีรถมาเก็บ", "waste"),
        ("หมาจรจัดไล่กัดคน", "animals"),
        ("ขอเรือรับผู้ป่วยติดเตียง ออกจากบ้านไม่ได้", "rescue"),
        ("ไม่มีน้ำดื่ม ไม่มีอาหาร มาสองวัน", "supplies"),
        ("ขอกระสอบทรายกั้นน้ำ", "flood_defence"),
        ("ร้านคาราโอเกะเสียงดังตอนตีสอง", "noise"),
        ("The road is flooded near the school", "flooded_road"),
        ("help my house is flooded", "flooded_home"),
        ("there is water in our house", "flooded_home"),
        ("power outage in our soi since morning", "power_line"),
        ("a tree fell on the road", "fallen_tree"),
        ("burst pipe in front of my house", "water_supply"),
        ("rubbish everywhere, it smells", "waste"),
        ("the drain is clogged", "drain"),
        ("street light is broken", "street_light"),
        ("we need a boat", "rescue"),
        ("rumah saya banjir", "flooded_home"),
        ("pokok tumbang", "fallen_tree"),
        ("ရေကြီးနေတယ်", "flooded_road"),
    ],
)
def test_own_sentences_find_their_category_first(lexicon: Lexicon, text: str, code: str) -> None:
    """Plain sentences of residents find their category in the first place."""
    assert code == lexicon.top(text)[0].category_code


def test_three_at_most_are_offered_with_the_words_that_speak_for_them(lexicon: Lexicon) -> None:
    """Each offer shows why; longer words are not counted again by the words inside them."""
    top = lexicon.top("ต้นไม้ล้มทับสายไฟ ไฟดับ ขวางถนน")
    assert len(top) == 3
    assert sorted(top, key=lambda m: -m.score) == top
    tree = next(match for match in top if match.category_code == "fallen_tree")
    assert tree.words == ("ต้นไม้ล้ม",)


def test_words_that_say_nothing_are_asked_about(lexicon: Lexicon) -> None:
    """No category is made up for words that no lexicon knows."""
    assert lexicon.top("วันนี้วันอะไร") == []
    assert lexicon.top("zzz") == []
    assert lexicon.top("") == []


def test_tones_left_out_are_still_understood(lexicon: Lexicon) -> None:
    """Hasty typing without tone marks finds the category of longer words."""
    assert lexicon.top("ทอระบายนำ ตัน")[0].category_code == "drain"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ช่วยด้วยย น้ำขึ้นเร็วมาก", "rescue"),
        ("มีคนจมนำ้หน้าวัด", "rescue"),
        ("ติดอยู่บนหลังคา 3 คน", "rescue"),
        ("มีคนโดนไฟดูดตรงตลาด", "electric_danger"),
        ("แม่หมดสติ น้ำล้อมบ้าน", "medical"),
        ("ရေကြီးနေတယ် ကယ်ပါ", "rescue"),
        ("ရေထဲမှာ ပိတ်မိနေတယ်", "rescue"),
        ("air naik cepat, tolong saya", "rescue"),
        ("kami terperangkap di atas bumbung", "rescue"),
        ("please save us", "rescue"),
        ("We can\u2019t get out of the house", "rescue"),
        ("my father had a heart attack", "medical"),
        ("ไฟไหม้บ้านข้าง ๆ ครับ", "rescue"),
        ("เกิดเพลิงไหม้ตลาดสด", "rescue"),
        ("the house is on fire", "rescue"),
    ],
)
def test_emergency_words_are_heard(text: str, code: str) -> None:
    """Words of danger leave the conversation at once, misspelt or not."""
    assert code == catalogue.shipped().emergency.category_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "รถติดอยู่หน้าโรงเรียนทุกเช้า",
        "กลัวไฟดูดเด็กเดินผ่าน",
        "กิ่งไม้ติดอยู่บนสายไฟ",
        "น้ำท่วมถนน ระดับข้อเท้า",
        "tolong bersihkan sampah",
        "bantuan sosial",
        "สายไฟเก่า กลัวไฟไหม้บ้าน",
        "เผาขยะทุกเย็น ไฟไหม้หญ้า",
        "ขอความอนุเคราะห์ซ้อมเพลิงไหม้",
    ],
)
def test_ordinary_complaints_are_no_emergency(text: str) -> None:
    """Traffic jams, fears and stuck branches call no rescue."""
    assert catalogue.shipped().emergency.category_of(text) is None


def test_thai_is_told_from_other_text() -> None:
    """Two letters or marks make a Thai text; digits and other alphabets do not."""
    assert is_thai("น้ำ")
    assert is_thai("ok ครับ")
    assert not is_thai("hello")
    assert not is_thai("555")


def test_real_complaints_are_mostly_understood(lexicon: Lexicon) -> None:
    """On public complaints the right category is among three nine times in ten; false alarms are rare."""
    if not TRAFFY.exists():
        pytest.skip("the reference data are not on this machine")
    kinds = {
        "น้ำท่วม": {"flooded_road", "flooded_home"},
        "ถนน": {"road"},
        "ท่อระบายน้ำ": {"drain"},
        "คลอง": {"canal"},
        "สายไฟ": {"power_line", "electric_danger"},
        "สะพาน": {"bridge"},
        "แสงสว่าง": {"street_light"},
        "ทางเท้า": {"footpath"},
        "จราจร": {"traffic"},
        "กีดขวาง": {"obstruction"},
        "ความสะอาด": {"waste"},
        "เสียงรบกวน": {"noise"},
        "ต้นไม้": {"fallen_tree"},
        "สัตว์จรจัด": {"animals"},
        "PM2.5": {"air"},
        "ความปลอดภัย": {"safety"},
    }
    emergency = catalogue.shipped().emergency
    texts: dict[str, set[str]] = {}
    alarms = 0
    with TRAFFY.open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            alarms += emergency.category_of(row["text"]) is not None
            wanted = set().union(*(kinds.get(name.strip(), set()) for name in row["types"].split(",")))
            if wanted:
                texts[row["text"]] = wanted
    hits = sum(bool({m.category_code for m in lexicon.top(text)} & wanted) for text, wanted in texts.items())
    assert hits / len(texts) >= 0.90
    assert alarms / len(texts) < 0.005


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("น้ำไม่ไหลสามวันแล้ว", "water_supply"),
        ("น้ำในท่อไม่ไหล ท่อระบายน้ำอุดตัน", "drain"),
        ("ฝนตกแล้วน้ำไม่ไหลลงท่อ", "drain"),
        ("น้ำในคลองไม่ไหล", "canal"),
        ("ไฟดับทั้งหมู่บ้าน", "power_line"),
        ("ไฟทางดับ", "street_light"),
        ("ไฟไหม้บ้าน", "rescue"),
        ("ไฟไหม้หญ้าข้างทาง", "air"),
        ("ไฟแดงเสีย", "traffic"),
        ("สายไฟไหม้", "electric_danger"),
        ("ขี้เหยื้อเต็มหน้าตลาด", "waste"),
        ("หนนเป็นหลุม", "road"),
        ("ฟุดบาทพัง", "footpath"),
    ],
)
def test_words_that_look_alike_are_told_apart(lexicon: Lexicon, text: str, code: str) -> None:
    """What stands around a word decides: water that does not come, lights of a house, of a street, of a crossing."""
    assert code == lexicon.top(text)[0].category_code


@pytest.mark.parametrize("text", ["น้ำไม่ท่วมแล้ว", "นัดเจอกันที่สะพานควาย", "ตามกฎหมาย", "อยู่บ้านเรือนไทย", "มีดินดี"])
def test_a_word_inside_another_says_nothing(lexicon: Lexicon, text: str) -> None:
    """What is denied, a name, and a short word within a longer one speak of no category."""
    assert lexicon.top(text) == []
