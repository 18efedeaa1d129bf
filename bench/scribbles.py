"""Reports as people type them, made from places' own names: misspelt, written short, among things that are no place.

The noise is modelled on how Thai is mistyped (marks left out, letters of one sound taken for one another, neighbours
swapped, gaps where none belong), and knows nothing of how the geocoder reads.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import shapely

from gis import crs
from gis.gazetteer.entries import TYPE_WORDS, Entry
from gis.points import LonLat

_NUMBER = "0123456789๐๑๒๓๔๕๖๗๘๙/"
_TONES = "่้๊๋็์"
_ALIKE = ("รล", "ณน", "ศส", "ษส", "ไใ", "ทธ", "พภ", "ญย", "ขค", "ฏต", "ิี", "ุู")
_SHORT = {
    "ถนน": ("ถ.", "ถ. ", "ถ "), "ซอย": ("ซ.", "ซ. ", "ซ"), "โรงเรียน": ("รร.", "ร.ร.", "รร "),
    "โรงพยาบาล": ("รพ.", "รพ "), "ตำบล": ("ต.", "ต. ", "ต "), "ชุมชน": ("ชช.", "ชุมชน "), "บ้าน": ("บ.", "บ้าน"),
    "สถานีตำรวจภูธร": ("สภ.",), "อำเภอ": ("อ.", "อ. "),
}
_LEFT_OUT = ("ถนน", "ซอย", "ชุมชน", "บ้าน")
_OPENINGS = (
    "น้ำท่วมถึงเข่าแล้วค่ะ", "ไฟดับทั้งแถบ", "ช่วยด้วยค่ะ น้ำเข้าบ้าน", "ท่อตัน น้ำขัง", "ต้นไม้ล้มขวางทาง", "ขยะเหม็นมากครับ",
    "รถเล็กผ่านไม่ได้", "สวัสดีครับ ขอแจ้งเรื่องน้ำรอระบาย", "มีผู้ป่วยติดเตียงต้องการความช่วยเหลือ", "น้ำประปาไม่ไหล", "ฝาท่อหาย",
    "เมื่อไหร่จะมาดูคะ", "ด่วนมาก", "สายไฟห้อยลงมา", "flooded street", "😭😭 น้ำขึ้นเร็วมาก",
)
_BEFORE = ("ที่", "แถว", "แถวๆ", "บริเวณ", "หน้า", "หลัง", "ตรงข้าม", "ข้าง", "ใกล้", "ใกล้ๆ", "อยู่", "ตรง", "", "", "")
_DISTRACTORS = (
    "ผมคนสงขลาครับ", "มาจากภูเก็ตไม่คุ้นทาง", "ติดต่อนายสมชาย ใจดี โทร 081-234-5678", "เมื่อวาน 20.30 น. ก็เป็น",
    "แจ้ง 1669 ไปแล้ว", "คุณวิภา เป็นคนแจ้ง", "รถทะเบียนสุราษฎร์ธานีจอดขวางอยู่ด้วย", "มี 3 คนติดอยู่", "น้ำสูง 50 ซม.",
    "ขอบคุณครับ🙏", "จ้าาา", "รอมา 2 วันแล้ว", "ญาติอยู่เชียงใหม่เป็นห่วงมาก", "ค่าน้ำก็แพง", "", "", "", "",
)


@dataclass(frozen=True)
class Scribble:
    """A report, the place it is about, and how far from there the place's name still holds, metres."""

    text: str
    truth: LonLat
    extent_m: float
    about: str


def scribbles(entries: Sequence[Entry], *, count: int, seed: int) -> list[Scribble]:
    """So many reports, each about one of the entries, drawn from `seed`.

    Of a name that several of them bear the report also says in which community it is, as people have to.
    """
    bearers = Counter(entry.name_th for entry in entries)
    communities = [entry for entry in entries if entry.kind == "community"]
    draw = random.Random(seed)  # noqa: S311 - a seeded draw is what a bench needs.
    drawn = [draw.choice(entries) for _ in range(count)]
    return [_scribble(one, _hint(one, communities) if bearers[one.name_th] > 1 else "", draw) for one in drawn]


def _hint(entry: Entry, communities: Sequence[Entry]) -> str:
    """The community that is nearest to the entry."""
    near = min(communities, key=lambda c: crs.distance_m(_at(c), _at(entry)), default=None)
    return f" {near.name_th}" if near is not None else ""


def _at(entry: Entry) -> LonLat:
    assert entry.place is not None  # noqa: S101 - only entries with a place are drawn.
    return entry.place



def _scribble(entry: Entry, hint: str, draw: random.Random) -> Scribble:
    name = _spoilt(_shortened(_with_type(entry, draw), draw), draw)
    words = [draw.choice(_OPENINGS), f"{draw.choice(_BEFORE)}{name}{hint}", draw.choice(_DISTRACTORS)]
    if draw.random() < 0.5:
        words = [words[1], words[0], words[2]]
    gap = draw.choice((" ", " ", " ", "\n", ""))
    return Scribble(gap.join(word for word in words if word), _somewhere(entry, draw), entry.radius_m, entry.name_th)


def _with_type(entry: Entry, draw: random.Random) -> str:
    """The name with its type word, unless it has one."""
    word = TYPE_WORDS.get(entry.kind, ("",))[0]
    name = entry.name_th
    is_named = not word or name.isascii() or name.replace(" ", "").startswith((word, "ซอย", "ตลาด", "ถ."))
    if draw.random() < 0.15:
        return next((name.removeprefix(w) for w in _LEFT_OUT if name.startswith(w) and len(name) - len(w) > 5), name)
    return name if is_named else f"{word}{name}"


def _shortened(name: str, draw: random.Random) -> str:
    if draw.random() < 0.4:
        for word, shorts in _SHORT.items():
            if name.startswith(word):
                return draw.choice(shorts) + name.removeprefix(word)
    return name


def _spoilt(name: str, draw: random.Random) -> str:
    """The name with none, one or two slips of the hand or the ear."""
    for slip in draw.choices(_SLIPS, k=draw.choices((0, 1, 2), weights=(3, 5, 2))[0]):
        name = slip(name, draw)
    return name


def _without_a_tone(name: str, draw: random.Random) -> str:
    places = [n for n, letter in enumerate(name) if letter in _TONES]
    at = draw.choice(places) if places else None
    return name if at is None else name[:at] + name[at + 1 :]


def _with_another_tone(name: str, draw: random.Random) -> str:
    places = [n for n, letter in enumerate(name) if letter in _TONES[:2]]
    at = draw.choice(places) if places else None
    return name if at is None else name[:at] + draw.choice(_TONES[:2]) + name[at + 1 :]


def _with_a_letter_alike(name: str, draw: random.Random) -> str:
    pairs = [(n, a, b) for n, letter in enumerate(name) for a, b in map(tuple, _ALIKE) if letter in (a, b)]
    if not pairs:
        return name
    at, one, other = draw.choice(pairs)
    return name[:at] + (other if name[at] == one else one) + name[at + 1 :]


def _with_two_swapped(name: str, draw: random.Random) -> str:
    at = _a_letter(name, draw)
    is_letter = at is not None and at + 1 < len(name) and name[at + 1] not in _NUMBER
    return name if at is None or not is_letter else name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def _without_a_letter(name: str, draw: random.Random) -> str:
    at = _a_letter(name, draw)
    return name if at is None else name[:at] + name[at + 1 :]


def _a_letter(name: str, draw: random.Random) -> int | None:
    """Somewhere in the later half: of a number no slip could be made good."""
    places = [n for n in range(max(1, len(name) // 2), len(name)) if name[n] not in _NUMBER]
    return draw.choice(places) if places else None


def _with_a_gap(name: str, draw: random.Random) -> str:
    places = [n for n in range(2, len(name) - 1) if "ก" <= name[n] <= "ฮ" or name[n] in "เแโไใ"]
    at = draw.choice(places) if places else None
    return name if at is None else f"{name[:at]} {name[at:]}"


def _without_gaps(name: str, draw: random.Random) -> str:
    return name.replace(" ", "")


def _with_thai_digits(name: str, draw: random.Random) -> str:
    return name.translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))


def _with_an_invisible_letter(name: str, draw: random.Random) -> str:
    at = draw.randrange(1, max(2, len(name)))
    return f"{name[:at]}\u200b{name[at:]}"


_SLIPS: tuple[Callable[[str, random.Random], str], ...] = (
    _without_a_tone, _without_a_tone, _with_another_tone, _with_a_letter_alike, _with_a_letter_alike, _with_two_swapped,
    _without_a_letter, _with_a_gap, _without_gaps, _with_thai_digits, _with_an_invisible_letter,
)


def _somewhere(entry: Entry, draw: random.Random) -> LonLat:
    """Where the reporter stands: anywhere along a line, at the point of anything else."""
    if entry.line is None:
        return _at(entry)
    parts = shapely.get_parts(entry.line)
    part = parts[draw.choices(range(len(parts)), weights=shapely.length(parts).tolist())[0]]
    point = shapely.line_interpolate_point(part, draw.random(), normalized=True)
    return LonLat(lon=float(point.x), lat=float(point.y))
