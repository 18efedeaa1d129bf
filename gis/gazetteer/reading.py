"""What is read in a text: names by their letters there, and what the words around them say of them. Pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from rapidfuzz.distance import Indel

from gis.gazetteer.index import SAME_PROVINCE, Gazetteer, Key
from gis.gazetteer.normal import fold

_LANE, _ROAD = "(?:soi|alley|lane) ", "(?:road|rd|street) "
NUMBER = re.compile(rf" ?(ซอย(?:ที)?|{_LANE})?(?:{_ROAD})?(?:{_LANE})? ?([0-9]+(?:/[0-9]+)?)")
# A person or where somebody comes from is no place of the report.
_PERSON = re.compile(
    r"(?:(?<!ปู)นาย|นางสาว|(?<![ก-๛])นาง|(?<!ขอบ)คุณ|น\.\s?ส\.|ด\.\s?[ชญ]\.|พี่|ลุง|ป้า|(?<![หทข])น้อง|กำนัน|ผู้ใหญ่บ้าน|"
    r"(?<![ก-๛])ครู|หมอ|นามสกุล|(?<![ก-๛])ชื่อ(?!ถนน|ซอย|วัด|บ้าน)|Mr\.?\s|Mrs\.?\s|Khun\s)\s?(?:ชื่อ)?[ก-ฮเ-ไA-Z][^\s,]*(?:\s[ก-ฮเ-ไA-Z][^\s,0-9]*)?"
)
_FROM_ELSEWHERE = re.compile(
    r"(?:คน|ชาว|ย้ายมาจาก|มาจาก|เดินทางจาก|กลับจาก|เพิ่งมาจาก|ทะเบียน(?:\s?\d?[ก-ฮ]{1,3}[\s-]?\d{1,4}\s?)?|ญาติที่|ญาติอยู่|ลูกหลานอยู่|"
    r"(?:เดินทาง|กำลัง|จะ|รถ|ทาง|กลับ)ไป(?:เที่ยว)?|ไปเที่ยว|มุ่งหน้า|ข่าวที่|เหมือนที่|from\s|go to\s|going to\s)"
    r"\s?(?:จังหวัด|จ\.\s?|อำเภอ|อ\.\s?)?$"
)
_TITLES = (
    "นาย", "นาง", "คุณ", "ส.", "พี่", "ลุง", "ป้า", "น้อง", "กำนัน", "ผู้ใหญ่", "นามสกุล", "ครู", "หมอ", "ชื่อ", "ด.", "Mr", "Khun",
)
_NEAR = ("ใกล้", "แถว", "ละแวก", "บริเวณ", "ย่าน", "เลย", "ก่อนถึง", "ถัดจาก", "ไม่ไกลจาก", "near", "around", "past")
_BESIDE = ("หน้า", "หลัง", "ข้าง", "ตรงข้าม", "ตรงกันข้าม", "ติด", "ปาก", "ท้าย", "opposite", "behind", "front of", "next to")
_BEFORE = 24  # How many letters before a name may say something of it.


class Mention(NamedTuple):
    """A name in the text, by its letters there. `key` may mean several entries.

    `families` are those of the type word before it (none: it stands bare), `cue` that word as it sounds; `likeness` 1
    for a name that sounds the same; `number` a soi's; `relation` near or beside where such a word stands before it;
    `is_bounded` where it stands between gaps; `is_doubtful` in a person's name or where somebody comes from.
    """

    start: int
    end: int
    key: int
    families: tuple[str, ...]
    matched: str
    cue: str = ""
    likeness: float = 1.0
    number: str = ""
    relation: str = ""
    is_bounded: bool = False
    is_doubtful: bool = False


@dataclass(slots=True)
class Reading:
    """What was read in a text: `normal` and how it sounds (`heard`), names, soi and moo that have no name.

    `kinds` are the families of facilities that it speaks of without a name, with the words; `provinces` the codes of
    those that it names, or whose districts; `persons` from where to where in `text` people's names stand.
    `has_unknown_name` where a type word of a small place is followed by what may be a name, and none is known.
    """

    text: str
    normal: str
    heard: str
    persons: tuple[tuple[int, int], ...]
    mentions: list[Mention] = field(default_factory=list)
    sois: list[tuple[str, int]] = field(default_factory=list)
    moos: list[int] = field(default_factory=list)
    kinds: list[tuple[str, str]] = field(default_factory=list)
    provinces: set[str] = field(default_factory=set)
    is_crossing: bool = False
    has_unknown_name: bool = False


class Places:
    """Where each letter of a normal form stood in the text."""

    def __init__(self, text: str, normal: str) -> None:
        self.text = text
        self._blocks = [
            (op.dest_start, op.src_start, op.tag == "equal") for op in Indel.opcodes(fold(text), normal)
        ]
        self._starts = [block[0] for block in self._blocks]

    def source(self, at: int) -> int:
        """Where the letter `at` of the normal form stood, or what it was written short for."""
        if not self._blocks:
            return 0
        dest, src, is_equal = self._blocks[max(bisect_right(self._starts, at) - 1, 0)]
        return src + at - dest if is_equal else src

    def span(self, start: int, end: int) -> tuple[int, int]:
        """From and to where the letters stood, with the marks over the last one."""
        first, last = self.source(start), self.source(end - 1) + 1
        while last < len(self.text) and unicodedata.category(self.text[last]) == "Mn":
            last += 1
        return first, max(last, first)

    def is_end_of_word(self, start: int, end: int) -> bool:
        """The letters end a word that began before them, and a gap follows: บ้าน in "น้ำเข้าบ้าน ที่…"."""
        first, last = self.span(start, end)
        return _is_thai(self.text[first - 1 : first]) and self.text[last : last + 1].isspace()


def _is_thai(letter: str) -> bool:
    return "ก" <= letter <= "์" and letter not in "ๆฯ"


def mention_at(
    gazetteer: Gazetteer, reading: Reading, places: Places, *, span: tuple[int, int, int], key: int,
    families: tuple[str, ...], likeness: float = 1.0,
) -> Mention:
    """The key as it stands at `span` (start of its type word, start, end) of the normal form, with its soi's number."""
    cue_start, start, end = span
    numbered = NUMBER.match(reading.normal, end) if "road" in gazetteer.keys[key].families else None
    end = numbered.end() if numbered else end
    first, last = places.span(cue_start, end)
    before = reading.text[max(0, first - _BEFORE) : first]
    is_person = not families and any(a < first < b for a, b in reading.persons)
    return Mention(
        start=start, end=end, key=key, families=(*families, "soi") if numbered and numbered[1] else families,
        matched=reading.text[first:last], cue=reading.heard[cue_start:start].strip(), likeness=likeness,
        number=numbered[2] if numbered else "", relation=relation_before(reading.text, first),
        is_bounded=_is_bounded(reading.text, first, last),
        is_doubtful=is_person or _FROM_ELSEWHERE.search(before) is not None,
    )


def persons_in(text: str) -> tuple[tuple[int, int], ...]:
    """From where to where people's names stand in the text, title and all."""
    if not any(title in text for title in _TITLES):
        return ()
    return tuple(found.span() for found in _PERSON.finditer(text))


def relation_before(text: str, first: int) -> str:
    """What the words before the letter `first` say of what begins there: near, beside, or nothing."""
    tail = text[max(0, first - _BEFORE) : first].rstrip(" ๆ")
    if tail.endswith(_NEAR):
        return "near"
    return "beside" if tail.endswith(_BESIDE) else ""


def _is_bounded(text: str, first: int, last: int) -> bool:
    return not text[last : last + 1].isalnum() and (not first or not text[first - 1 : first].isalnum())


def fits(key: Key, families: tuple[str, ...]) -> bool:
    """The type word is one that goes with the name."""
    return not key.families.isdisjoint(families) or ("soi" in families and "road" in key.families)


def is_weak(gazetteer: Gazetteer, mention: Mention) -> bool:
    """The name stands bare and is only one of places far away: more likely a piece of other words."""
    key = gazetteer.keys[mention.key]
    return key.odds < SAME_PROVINCE and not fits(key, mention.families)
