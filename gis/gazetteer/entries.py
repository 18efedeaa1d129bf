"""What the gazetteer knows of a place, and the words that say what kind of place a name is."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import shapely

from gis.gazetteer.normal import thai_normal
from gis.points import LonLat

ADMIN_KINDS = ("province", "district", "subdistrict", "municipality")
# How far from its office or middle a unit reaches where no outline is known, metres: the radius of a circle of the
# mean area (province 6,660 km², district 550, sub-district 69), and a half more because the office is not the middle.
USUAL_RADIUS_M: Mapping[str, float] = {
    "province": 80_000.0, "district": 20_000.0, "subdistrict": 7_000.0, "municipality": 5_000.0, "village": 2_000.0,
    "community": 600.0,
}
# A facility is drawn as one point; its grounds, and what people call "at" it, reach as far as this, metres.
FACILITY_RADIUS_M = 200.0

# The words that stand before (in English also behind) a name of each family; the first is the one labels use.
TYPE_WORDS: Mapping[str, tuple[str, ...]] = {
    "road": ("ถนน", "สายถนน", "แยก", "สามแยก", "สี่แยก", "road", "rd", "thanon", "street"),
    "soi": ("ซอย", "ตรอก", "soi", "lane", "alley"),
    "waterway": ("คลอง", "ลำคลอง", "แม่น้ำ", "ลำน้ำ", "ห้วย", "khlong", "klong", "canal", "river", "mae nam"),
    "community": ("ชุมชน", "chumchon", "community"),
    "village": ("บ้าน", "หมู่บ้าน", "ban", "village"),
    "subdistrict": ("ตำบล", "แขวง", "tambon", "tumbon", "khwaeng", "subdistrict"),
    "district": ("อำเภอ", "เขต", "กิ่งอำเภอ", "amphoe", "amphur", "khet", "district"),
    "province": ("จังหวัด", "changwat", "province"),
    "municipality": (
        "เทศบาล", "เทศบาลนคร", "เทศบาลเมือง", "เทศบาลตำบล", "องค์การบริหารส่วนตำบล", "municipality",
    ),
    "temple": ("วัด", "สำนักสงฆ์", "wat", "temple"),
    "mosque": ("มัสยิด", "สุเหร่า", "mosque", "masjid"),
    "school": ("โรงเรียน", "โรงเรียนเทศบาล", "วิทยาลัย", "มหาวิทยาลัย", "school"),
    "hospital": ("โรงพยาบาล", "โรงพยาบาลส่งเสริมสุขภาพตำบล", "โรงบาล", "hospital"),
    "clinic": ("คลินิก", "ศูนย์สุขภาพ", "สถานีอนามัย", "อนามัย", "health centre", "clinic"),
    "market": ("ตลาด", "ตลาดสด", "ตลาดนัด", "หลาด", "market"),
    "police": ("สถานีตำรวจ", "สถานีตำรวจภูธร", "โรงพัก", "ป้อมตำรวจ", "police station"),
    "fire_station": ("สถานีดับเพลิง", "fire station"),
    "shelter": ("ศูนย์พักพิง", "shelter"),
    "government": ("สำนักงาน", "ที่ว่าการ", "ที่ทำการ", "office"),
    "bus_station": ("สถานีขนส่ง", "บขส", "bus station"),
    "courthouse": ("ศาล", "court"),
    "pharmacy": ("ร้านขายยา", "ร้านยา", "pharmacy"),
}
FACILITY_FAMILIES = frozenset(TYPE_WORDS) - {
    *ADMIN_KINDS, "road", "soi", "waterway", "community", "village"
}
FAMILY_OF_KIND = {"kindergarten": "school", "university": "school", "college": "school"}
# Names that are everyday words as well: without a type word they seldom mean the place.
_EVERYDAY = (
    "ในเมือง", "หน้าเมือง", "ตลาดใหม่", "ตลาดเก่า", "ชายทะเล", "ประตูน้ำ", "ท่าเรือ",
    "สะพาน", "ทางเข้า", "ทางเข้าหมู่บ้าน", "สถานี", "ท่าน้ำ", "สายกลาง", "ริมน้ำ", "หน้าวัด", "หลังวัด", "สี่แยก",
    "หลังสถานี", "ริมคลอง", "ท้ายคลอง", "ปากคลอง", "คลังสินค้า", "วัดเก่า", "ตลิ่งชัน",
)
EVERYDAY = frozenset(thai_normal(word) for word in _EVERYDAY)
# A name that is no more than this never stands alone.
_THINGS = ("วัง", "ธาตุ", "โรง", "เมือง", "กลาง", "เหนือ", "ใต้", "เก่า", "ใหม่", "ใหญ่")
JUNK = frozenset(map(thai_normal, [*_THINGS, *(word for words in TYPE_WORDS.values() for word in words)]))
_NORMAL_TYPES = {
    family: tuple(sorted({thai_normal(word) for word in words}, key=len, reverse=True))
    for family, words in TYPE_WORDS.items()
}
_NUMBER = re.compile(r"^(.*?[^0-9/ ])? ?([0-9]+(?:/[0-9]+)?)$")
_LATIN_TYPE = re.compile(r"\b(?:road|rd|thanon|street|soi|lane|alley)\b")
# What people make of a longer name: ม.ราชภัฏ, มทร.ศรีวิชัย, วัดพระธาตุ.
_SHORT_FOR = tuple(
    (thai_normal(long), thai_normal(short))
    for long, short in (
        ("มหาวิทยาลัยเทคโนโลยีราชมงคล", "มทร"), ("มหาวิทยาลัยราชภัฏ", "มรภ"), ("มหาวิทยาลัย", "ม"), ("พระมหาธาตุ", "พระธาตุ"),
    )
)
_SILENT = re.compile("[ก-ฮ][ิุ]?์")
_LATIN, _THAI_PART = re.compile("[a-z]{3}"), re.compile("[ก-๛][ก-๛ ]{4,}[ก-๛]")
_IN_BRACKETS = re.compile(r"^(.*)\((.+)\)\s*$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of the gazetteer; codes are DOPA's, "" where unknown; `line` (degrees) is a road's or canal's.

    The place lies within `radius_m` of every part of what it names. `is_local` says that it is the city's own.
    `moo` is a village's number in its sub-district. Without a place the entry only explains other names.
    """

    kind: str
    code: str
    name_th: str
    name_en: str
    place: LonLat | None
    radius_m: float
    aliases: tuple[str, ...] = ()
    subdistrict: str = ""
    district: str = ""
    province: str = ""
    moo: int | None = None
    line: shapely.MultiLineString | None = None
    is_local: bool = False

    @property
    def family(self) -> str:
        """Which type words go with its name."""
        return FAMILY_OF_KIND.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write an entry's name without its type word, in normal form.

    `number` is a soi's, "" for none; `needs_cue` where the rest says nothing without its type word. `is_whole` is
    False for a part of the name that people use for it.
    """

    stem: str
    number: str
    needs_cue: bool
    is_whole: bool


def forms_of(entry: Entry, *, towns: tuple[str, ...] = ()) -> Iterator[Form]:
    """Every way to write the entry's name; `towns` (normal forms) are names that people leave out at its end."""
    seen: set[tuple[str, str]] = set()
    for name, is_whole in _names(entry, towns):
        stem, number = _stem(name, entry.family)
        if (not stem and not number) or (stem, number) in seen:
            continue
        seen.add((stem, number))
        yield Form(stem, number, _is_weak(stem), is_whole)


def _names(entry: Entry, towns: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    for name in (entry.name_th, entry.name_en, *entry.aliases):
        if not name:
            continue
        bracketed = _IN_BRACKETS.match(name)
        for part in (bracketed.groups() if bracketed else ()):
            yield thai_normal(part), False
        plain = thai_normal(name)
        yield plain, True
        if "์" in name:  # โพธิ์ is written โพ by many.
            yield thai_normal(_SILENT.sub("", name)), False
        if not plain.isascii() and _LATIN.search(plain):  # "Hospital Tha Sala - โรงพยาบาลท่าศาลา"
            yield from ((thai_normal(part), False) for part in _THAI_PART.findall(name))
        if entry.kind in ADMIN_KINDS or (not plain.isascii() and entry.family == "road"):
            continue
        stems = [plain, *(plain.removesuffix(t) for t in towns if plain.endswith(t) and len(plain) - len(t) >= 6)]
        yield from ((stem, False) for stem in stems[1:])
        for long, short in _SHORT_FOR:
            yield from ((stem.replace(long, short, 1), False) for stem in stems if long in stem and stem != long)
        first, _, rest = name.strip().partition(" ")
        if rest and not first.isascii() and len(thai_normal(first)) >= 7:
            yield thai_normal(first), False
        if entry.family == "community" and "-" in name:
            yield from ((thai_normal(part), False) for part in name.split("-"))


def _stem(name: str, family: str) -> tuple[str, str]:
    number = ""
    families = ("road", "soi") if family == "road" else (family,)
    if family == "road":
        if name[-1:].isascii():
            name = " ".join(_LATIN_TYPE.sub(" ", name).split())
        numbered = _NUMBER.match(name)
        if numbered:
            name, number = numbered[1] or "", numbered[2]
    return without_type(name, families), number


def without_type(name: str, families: tuple[str, ...]) -> str:
    """The normal form `name` without the type word of one of the families at its start, or in English at its end."""
    for word in _words_of(families):
        if name.startswith(word) and (not word.isascii() or name[len(word) : len(word) + 1] in ("", " ")):
            return name[len(word) :].strip()
        if word.isascii() and name.endswith(f" {word}"):
            return name[: -len(word)].strip()
    return name


@functools.cache
def _words_of(families: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({w for family in families for w in _NORMAL_TYPES.get(family, ())}, key=len, reverse=True))


def named_without_type(entry: Entry) -> str:
    """The entry's Thai name as it is written, without its type word and the number of a soi."""
    families = ("road", "soi") if entry.family == "road" else (entry.family,)
    words = sorted((word for family in families for word in TYPE_WORDS.get(family, ())), key=len, reverse=True)
    name = entry.name_th.strip()
    name = next((name[len(word) :] for word in words if name.startswith(word)), name)
    return name.rstrip("0123456789๐๑๒๓๔๕๖๗๘๙/ ").strip()


def _is_weak(stem: str) -> bool:
    """The name says nothing without its type word: too short, a number, or a word for things."""
    return len(stem) < 4 or stem in JUNK or stem.isdigit()


# What is written so short that only a name right behind it tells it from a piece of another word.
SHORT_WORDS = {"รพ": "hospital", "รร": "school", "ถ": "road", "ซ": "soi", "ต": "subdistrict"}


def type_words() -> Iterator[tuple[str, str]]:
    """Every type word in normal form with its family."""
    for family, words in _NORMAL_TYPES.items():
        for word in words:
            yield word, family
    yield from SHORT_WORDS.items()
