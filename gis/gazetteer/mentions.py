"""The names in a text: found by how they sound, the longest first, misspelt ones by likeness. Pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rapidfuzz.distance import OSA, Indel
from rapidfuzz.fuzz import partial_ratio_alignment

from gis.gazetteer.index import Gazetteer, Key
from gis.gazetteer.normal import fold, sound, thai_normal

# Likeness (1 - edits / letters) from which a misspelt name is taken for one of ours, with and without its type word.
LIKE_WITH_CUE, LIKE_BARE, LIKE_BARE_FROM = 0.72, 0.8, 7
TRIGRAM_SHARE, COMPARED, COMPARED_OF_KIND = 0.34, 6, 400
# A name of which people write only the beginning (โรงเรียนเบญจมฯ): so many letters, and such a share of it.
BEGUN_LETTERS, BEGUN_SHARE, BEGUN_LIKENESS, BEGUN_AROUND = 5, 0.4, 0.78, 12
# A name that more units bear says nothing of where it is.
FEW_BEAR = 4
# A type word of fewer letters may be a piece of another word.
SHORT_LETTERS = 3
_DIGITS = re.compile("[0-9]")
_LETTERS = re.compile("[^0-9]{3,}")

_NUMBER = re.compile(r" ?(ซอย(?:ที)?|soi )?(?:road |rd |street )? ?([0-9]+(?:/[0-9]+)?)")
_SOI = re.compile(r"ซอย(?:ที)?([0-9]+(?:/[0-9]+)?)|(?<![a-z])soi ([0-9]+(?:/[0-9]+)?)")
_MOO = re.compile(r"(?:หมู(?:ที|บานที)?|(?<![a-z])(?:moo|mu|village no) )([0-9]{1,2})(?![0-9/])")
# A person or where somebody comes from is no place of the report.
_PERSON = re.compile(
    r"(?:(?<!ปู)นาย|นางสาว|(?<![ก-๛])นาง|(?<!ขอบ)คุณ|น\.\s?ส\.|ด\.\s?[ชญ]\.|พี่|ลุง|ป้า|(?<![หทข])น้อง|กำนัน|ผู้ใหญ่บ้าน|"
    r"(?<![ก-๛])ครู|หมอ|(?<![ก-๛])ชื่อ(?!ถนน|ซอย|วัด|บ้าน)|Mr\.?\s|Mrs\.?\s|Khun\s)\s?(?:ชื่อ)?[ก-ฮเ-ไA-Z][^\s,]*(?:\s[ก-ฮเ-ไA-Z][^\s,0-9]*)?"
)
_FROM_ELSEWHERE = re.compile(
    r"(?:คน|ชาว|ย้ายมาจาก|มาจาก|เดินทางจาก|กลับจาก|เพิ่งมาจาก|ทะเบียน|ญาติที่|ญาติอยู่|ลูกหลานอยู่|"
    r"(?:เดินทาง|กำลัง|จะ|รถ|ทาง|กลับ)ไป|มุ่งหน้า|ข่าวที่|เหมือนที่|from\s|go to\s|going to\s)"
    r"\s?(?:จังหวัด|จ\.\s?|อำเภอ|อ\.\s?)?$"
)
_TITLES = (
    "นาย", "นาง", "คุณ", "ส.", "พี่", "ลุง", "ป้า", "น้อง", "กำนัน", "ผู้ใหญ่", "ครู", "หมอ", "ชื่อ", "ด.", "Mr", "Khun",
)
_NEAR = ("ใกล้", "แถว", "ละแวก", "บริเวณ", "ย่าน", "เลย", "ก่อนถึง", "ถัดจาก", "ไม่ไกลจาก", "near", "around", "past")
_BESIDE = ("หน้า", "หลัง", "ข้าง", "ตรงข้าม", "ตรงกันข้าม", "ติด", "ปาก", "ท้าย", "opposite", "behind", "front of", "next to")
_CROSSES = re.compile(r"แยก|ตัดกับ|ตัดถนน|ตัด ถ|หัวมุม|จุดตัด|corner|intersection|junction|cross")


class Mention(NamedTuple):
    """A name in the text, by its letters there. `key` may mean several entries.

    `families` are those of the type word before it (none: it stands bare), `likeness` 1 for a name that sounds the
    same; `number` a soi's; `relation` near or beside where such a word stands before it; `is_bounded` where it stands
    between gaps; `is_doubtful` in a person's name or where somebody comes from.
    """

    start: int
    end: int
    key: int
    families: tuple[str, ...]
    matched: str
    likeness: float = 1.0
    number: str = ""
    relation: str = ""
    is_bounded: bool = False
    is_doubtful: bool = False


@dataclass(slots=True)
class Reading:
    """What was read in a text: `normal` and its letters' places in `text`, names, soi and moo that have no name.

    `kinds` are the families of facilities that it speaks of without a name, with the words;
    `provinces` the codes of those that it names, or whose districts.
    """

    text: str
    normal: str
    mentions: list[Mention] = field(default_factory=list)
    sois: list[tuple[str, int]] = field(default_factory=list)
    moos: list[int] = field(default_factory=list)
    kinds: list[tuple[str, str]] = field(default_factory=list)
    provinces: set[str] = field(default_factory=set)
    is_crossing: bool = False


class _Places:
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


def read(gazetteer: Gazetteer, text: str) -> Reading:
    """Every name of the gazetteer in the text, each letter used once, and the numbers of soi and villages."""
    text = unicodedata.normalize("NFC", text)
    normal = thai_normal(text)
    reading = Reading(text, normal)
    heard = sound(normal)
    places = _Places(text, normal)
    hits, cues = _hits(gazetteer, heard, places)
    chosen = _longest(hits)
    persons = _persons(text)
    reading.mentions = [_mention(gazetteer, reading, places, hit, persons) for hit in chosen]
    misspelt = list(_misspelt(gazetteer, reading, places, heard, cues))
    reading.mentions += misspelt
    _read_numbers(reading, heard)
    reading.provinces = _provinces(gazetteer, reading.mentions)
    reading.is_crossing = _CROSSES.search(text) is not None
    return reading


def _provinces(gazetteer: Gazetteer, mentions: Sequence[Mention]) -> set[str]:
    units = [named.entry for m in mentions if not m.is_doubtful for named in gazetteer.keys[m.key].places[:FEW_BEAR]
             if named.kind == "province" or (named.kind == "district" and len(gazetteer.keys[m.key].places) < FEW_BEAR)]
    return {gazetteer.entries[index].province for index in units}


# --- exact names ---------------------------------------------------------------------------------------------------

_Hit = tuple[int, int, int, int, tuple[str, ...]]  # start with the type word, start, end, key, families
_Cues = dict[int, tuple[int, tuple[str, ...]]]


def _hits(gazetteer: Gazetteer, heard: str, places: _Places) -> tuple[list[_Hit], _Cues]:
    """Names that may stand where they do, and the longest type word that ends at each letter."""
    found = []
    cues: _Cues = {}
    for last, (letters, key, families, is_bare, is_latin) in gazetteer.automaton.iter(heard):
        start, end = last - letters + 1, last + 1
        if is_latin and ((heard[start - 1 : start].isascii() and heard[start - 1 : start].isalpha())
                         or (heard[end : end + 1].isascii() and heard[end : end + 1].isalpha())):
            continue
        if families:
            known = cues.get(end)
            if known is None or known[0] > start:
                cues[end] = (start, families)
        if key >= 0:
            found.append((start, end, key, is_bare))
    hits: list[_Hit] = []
    for start, end, key, is_bare in found:
        cue = cues.get(start)
        if cue is None and heard[start - 1 : start] == " ":
            cue = cues.get(start - 1)
        if cue is None or (cue[0] == start and cue[1]):
            if is_bare or _is_counted(gazetteer, heard, key, end):
                hits.append((start, start, end, key, ()))
            continue
        cue_start, families = cue
        of_key = gazetteer.keys[key].families
        is_short = start - cue_start < SHORT_LETTERS
        fits = tuple(f for f in families if f in of_key or (f == "soi" and "road" in of_key))
        if fits and is_short and not (is_bare or _is_counted(gazetteer, heard, key, end)):
            continue
        if fits and gazetteer.keys[key].is_junk and not (
            _is_counted(gazetteer, heard, key, end) or _is_one_word(places, cue_start, end)
        ):
            continue
        if fits:
            hits.append((cue_start, start, end, key, fits))
        elif is_bare:
            hits.append((start, start, end, key, ()) if is_short else (cue_start, start, end, key, families))
    return hits, cues


def _is_counted(gazetteer: Gazetteer, heard: str, key: int, end: int) -> bool:
    """The name is an everyday word, but the number behind it is one of its streets' (เทศบาล 12)."""
    street = gazetteer.streets.get(gazetteer.keys[key].text)
    numbered = _NUMBER.match(heard, end) if street is not None else None
    return numbered is not None and street is not None and numbered[2] in street.sois


def _is_one_word(places: _Places, start: int, end: int) -> bool:
    """No gap is in it and none of its neighbour's letters follow: "บ้านถนน" is a village, "บ้าน ถนนใหญ่" is not."""
    first, last = places.span(start, end)
    return " " not in places.text[first:last] and not places.text[last : last + 1].isalnum()


def _rank(hit: _Hit) -> tuple[int, int]:
    """The longer first, type word and all; of equal ones that with a type word, unless that may be no word at all."""
    cue_start, start, end, _, families = hit
    return cue_start - end, -99 if families and start - cue_start >= SHORT_LETTERS else start - end


def _longest(hits: Sequence[_Hit]) -> list[_Hit]:
    """Of names that share letters the longest stays, in the order of the text."""
    taken: list[tuple[int, int]] = []
    chosen = []
    for hit in sorted(hits, key=_rank):
        if all(hit[2] <= start or hit[1] >= end for start, end in taken):
            taken.append((hit[0], hit[2]))
            chosen.append(hit)
    return sorted(chosen)


def _mention(
    gazetteer: Gazetteer, reading: Reading, places: _Places, hit: _Hit, persons: Sequence[tuple[int, int]]
) -> Mention:
    cue_start, start, end, key, families = hit
    numbered = _NUMBER.match(reading.normal, end) if _takes_number(gazetteer.keys[key]) else None
    number = numbered[2] if numbered else ""
    first, last = places.span(cue_start, numbered.end() if numbered else end)
    before = reading.text[max(0, first - 24) : first]
    is_person = not families and any(a < first < b for a, b in persons)
    return Mention(
        start=start, end=numbered.end() if numbered else end, key=key, families=_with_soi(families, numbered),
        matched=reading.text[first:last], number=number, relation=_relation(before),
        is_bounded=_is_bounded(reading.text, first, last),
        is_doubtful=is_person or _FROM_ELSEWHERE.search(before) is not None,
    )


def _with_soi(families: tuple[str, ...], numbered: re.Match[str] | None) -> tuple[str, ...]:
    return (*families, "soi") if numbered and numbered[1] else families


def _takes_number(key: Key) -> bool:
    return "road" in key.families


def _persons(text: str) -> list[tuple[int, int]]:
    if not any(title in text for title in _TITLES):
        return []
    return [found.span() for found in _PERSON.finditer(text)]


def _relation(before: str) -> str:
    tail = before.rstrip(" ๆ")
    if tail.endswith(_NEAR):
        return "near"
    return "beside" if tail.endswith(_BESIDE) else ""


def _is_bounded(text: str, first: int, last: int) -> bool:
    return not text[first - 1 : first].isalnum() and not text[last : last + 1].isalnum() if first else (
        not text[last : last + 1].isalnum()
    )


# --- numbers -------------------------------------------------------------------------------------------------------


def _read_numbers(reading: Reading, heard: str) -> None:
    used = [(mention.start, mention.end) for mention in reading.mentions if mention.number]
    for found in _SOI.finditer(heard):
        if not any(start <= found.start() < end for start, end in used):
            reading.sois.append((found[1] or found[2], found.start()))
    reading.moos = [int(found[1]) for found in _MOO.finditer(reading.normal)]


# --- misspelt names ------------------------------------------------------------------------------------------------


def _misspelt(
    gazetteer: Gazetteer, reading: Reading, places: _Places, heard: str, cues: _Cues
) -> Iterator[Mention]:
    """Names by likeness: behind each type word that no name follows, and, where nothing exact was found, anywhere."""
    cued = [(m.start, m.end) for m in reading.mentions if _fits(gazetteer.keys[m.key], m.families)]
    exact = [(m.start, m.end) for m in reading.mentions]
    starts = {start for start, _ in cued}
    has_precise = bool(cued) or any(len(gazetteer.keys[m.key].text) >= 6 for m in reading.mentions)
    for end, (start, families) in sorted(cues.items()):
        if end - start < SHORT_LETTERS or end in starts or heard[end : end + 1].isdigit():
            continue
        if any(s < end <= e or s <= start < e for s, e in cued):
            continue
        if heard[start].isascii() and heard[end : end + 1] != " ":
            continue
        if any(s <= start and end <= e for s, e in exact):
            continue
        begin = end + (heard[end : end + 1] == " ")
        limit = min((s for s, _ in cued if s > begin), default=len(heard))
        rest = _LETTERS.match(heard, begin, min(begin + 32, limit))
        found = _like_prefix(gazetteer, rest[0], families) or _begun(gazetteer, rest[0], families) if rest else None
        if found is None:
            first, last = places.span(start, end)
            if not reading.text[last : last + 1].isalnum():  # Another name is not the only one of its kind.
                reading.kinds += [(f, reading.text[first:last]) for f in families if f in gazetteer.only]
            continue
        key, letters, likeness = found
        has_precise = True
        cued.append((start, begin + letters))
        reading.mentions = [m for m in reading.mentions if m.end <= start or m.start >= begin + letters]
        yield _liked(gazetteer, reading, places, (start, begin, begin + letters), key, families, likeness)
    if not has_precise:
        taken = [(mention.start, mention.end) for mention in reading.mentions]
        yield from _anywhere(gazetteer, reading, places, heard, taken)


def _fits(key: Key, families: tuple[str, ...]) -> bool:
    return not key.families.isdisjoint(families) or ("soi" in families and "road" in key.families)


def _liked(
    gazetteer: Gazetteer, reading: Reading, places: _Places, span: tuple[int, int, int], key: int,
    families: tuple[str, ...], likeness: float,
) -> Mention:
    cue_start, start, end = span
    numbered = _NUMBER.match(reading.normal, end) if _takes_number(gazetteer.keys[key]) else None
    end = numbered.end() if numbered else end
    first, last = places.span(cue_start, end)
    before = reading.text[max(0, first - 24) : first]
    return Mention(
        start=start, end=end, key=key, families=_with_soi(families, numbered), matched=reading.text[first:last],
        likeness=likeness, number=numbered[2] if numbered else "", relation=_relation(before),
        is_bounded=_is_bounded(reading.text, first, last), is_doubtful=_FROM_ELSEWHERE.search(before) is not None,
    )


def _alike(gazetteer: Gazetteer, heard: str) -> list[int]:
    """The keys that share most of their trigrams with what was heard, the likeliest first."""
    votes: dict[int, int] = {}
    for trigram in {heard[n : n + 3] for n in range(len(heard) - 2)}:
        for key in gazetteer.trigrams.get(trigram, ()):
            votes[key] = votes.get(key, 0) + 1
    shares = [(count / (len(gazetteer.keys[key].text) - 2), count, key) for key, count in votes.items()]
    enough = [one for one in shares if one[0] >= TRIGRAM_SHARE]
    return [key for _, _, key in sorted(enough, reverse=True)[:COMPARED]]


def _like_prefix(gazetteer: Gazetteer, heard: str, families: tuple[str, ...]) -> tuple[int, int, float] | None:
    """The key of one of the families that the words behind a type word begin with, how many letters, how alike."""
    best: tuple[float, int, int] | None = None
    for key in _of_kind(gazetteer, heard, families):
        text = gazetteer.keys[key].text
        for cut in (len(text), len(text) - 1, len(text) + 1):
            likeness = OSA.normalized_similarity(text, heard[:cut], score_cutoff=LIKE_WITH_CUE)
            if likeness >= LIKE_WITH_CUE and (best is None or likeness > best[0]):
                best = (likeness, min(cut, len(heard)), key)
    return (best[2], best[1], best[0]) if best else None


def _of_kind(gazetteer: Gazetteer, heard: str, families: tuple[str, ...]) -> list[int]:
    """The keys of the families to compare: all that begin alike where they are few, else those that share trigrams."""
    asked = {*families, "road"} if "soi" in families else set(families)
    few = [key for family in asked for key in gazetteer.of_kind.get((family, heard[:1]), ())]
    alike = [key for key in _alike(gazetteer, heard) if not asked.isdisjoint(gazetteer.keys[key].families)]
    return [*alike, *(few if len(few) <= COMPARED_OF_KIND else ())]


def _begun(gazetteer: Gazetteer, heard: str, families: tuple[str, ...]) -> tuple[int, int, float] | None:
    """The one key of the families whose first letters stand behind the type word, if they are enough of it."""
    at = bisect_right(gazetteer.ordered, (heard, -1))
    around = gazetteer.ordered[max(0, at - BEGUN_AROUND) : at + BEGUN_AROUND]
    fitting = [(_shared(heard, text), text, key) for text, key in around
               if not gazetteer.keys[key].families.isdisjoint(families)]
    most = max((letters for letters, _, _ in fitting), default=0)
    best = [(text, key) for letters, text, key in fitting if letters == most]
    if most < BEGUN_LETTERS or len(best) != 1 or most < BEGUN_SHARE * len(best[0][0]):
        return None
    return best[0][1], most, BEGUN_LIKENESS


def _shared(one: str, other: str) -> int:
    """How many first letters the two share."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _anywhere(
    gazetteer: Gazetteer, reading: Reading, places: _Places, heard: str, taken: Sequence[tuple[int, int]]
) -> Iterator[Mention]:
    masked = heard
    for start, end in taken:
        masked = masked[:start] + "\x00" * (end - start) + masked[end:]
    masked = _DIGITS.sub("\x00", masked)
    best: tuple[float, int, int, int] | None = None
    for key in _alike(gazetteer, masked):
        text = gazetteer.keys[key].text
        if len(text) < LIKE_BARE_FROM or not gazetteer.keys[key].is_bare:
            continue
        found = partial_ratio_alignment(text, masked, score_cutoff=70)
        if found is None:
            continue
        for start, end in ((0, 0), (0, -1), (1, 0)):
            span = (found.dest_start + start, found.dest_end + end)
            heard_there = masked[span[0] : span[1]]
            span = (span[0] + len(heard_there) - len(heard_there.lstrip("\x00")),
                    span[1] - len(heard_there) + len(heard_there.rstrip("\x00")))
            likeness = OSA.normalized_similarity(text, masked[span[0] : span[1]])
            if likeness >= LIKE_BARE and (best is None or likeness > best[0]):
                best = (likeness, key, *span)
    if best is not None:
        likeness, key, start, end = best
        yield _liked(gazetteer, reading, places, (start, start, end), key, (), likeness)
