"""The names in a text: found by how they sound, the longest first, then the misspelt ones by likeness. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from gis.gazetteer.index import SAME_DISTRICT, Gazetteer
from gis.gazetteer.misspelt import misspelt
from gis.gazetteer.normal import as_written, sound, thai_normal
from gis.gazetteer.numerals import with_digits
from gis.gazetteer.reading import NUMBER, Mention, Places, Reading, mention_at, persons_in

# A name that more units bear says nothing of where it is.
FEW_BEAR = 4
# A type word of fewer letters may be a piece of another word.
SHORT_LETTERS = 3
# A name of fewer letters is a piece of any word: of "บ้านแล้ว" no บ้านแร่.
SHORT_NAME = 4
# As they sound: vowels that belong to the letter before them, and those that belong to the letter behind.
_OF_THE_LAST, _OF_THE_NEXT = frozenset("ะัาำิึุๅ"), frozenset("เแโไ")
_SOI = re.compile(r"ซอย(?:ที)?([0-9]+(?:/[0-9]+)?)|(?<![a-z])soi ([0-9]+(?:/[0-9]+)?)")
_MOO = re.compile(r"(?:หมู(?:ที|บานที)?|(?<![a-z])(?:moo|mu|village no) )([0-9]{1,2})(?![0-9/])")
_JOINS = frozenset(sound(thai_normal(word)) for word in ("ตัด", "ตัดกับ", "เชื่อม", "x"))
_CROSSES = re.compile(r"แยก|ปากซอย|ปากทาง|บรรจบ|ทะลุออก|ตัดกับ|ตัดถนน|ตัด ถ|หัวมุม|จุดตัด|corner|intersection|junction|cross")


def read(gazetteer: Gazetteer, text: str) -> Reading:
    """Every name of the gazetteer in the text, each letter used once, and the numbers of soi and villages."""
    text = with_digits(unicodedata.normalize("NFC", text))
    normal = thai_normal(text)
    reading = Reading(text, normal, sound(normal), persons_in(text))
    places = Places(text, normal)
    hits, cues = _hits(gazetteer, reading.heard, places)
    reading.mentions = [
        mention_at(gazetteer, reading, places, span=hit[:3], key=hit[3], families=hit[4]) for hit in _longest(hits)
    ]
    misspelt(gazetteer, reading, places, cues)
    reading.mentions = list(_with_doubt_passed_on(reading.mentions))
    _read_numbers(reading)
    reading.provinces = _provinces(gazetteer, reading.mentions)
    reading.is_crossing = _CROSSES.search(text) is not None or _is_between_streets(gazetteer, reading)
    return reading


def _is_between_streets(gazetteer: Gazetteer, reading: Reading) -> bool:
    """Nothing but a word that joins stands between two of the streets: ประตูลอดตัดพัฒนาการคูขวาง."""
    streets = [m for m in sorted(reading.mentions) if gazetteer.keys[m.key].text in gazetteer.streets]
    between = (reading.heard[a.end : b.start - len(b.cue)] for a, b in pairwise(streets))
    return any(words in _JOINS for words in between)


def _with_doubt_passed_on(mentions: Sequence[Mention]) -> Iterator[Mention]:
    """What stands right behind a doubtful name belongs to it: คนหาดใหญ่ จ.สงขลา."""
    last: Mention | None = None
    for mention in sorted(mentions):
        is_next = last is not None and 0 <= mention.start - len(mention.cue) - last.end <= 1
        if is_next and last is not None and last.is_doubtful:
            mention = mention._replace(is_doubtful=True)
        yield mention
        last = mention


def _provinces(gazetteer: Gazetteer, mentions: Sequence[Mention]) -> set[str]:
    units = [named.entry for m in mentions if not m.is_doubtful for named in gazetteer.keys[m.key].places[:FEW_BEAR]
             if named.kind == "province" or (named.kind == "district" and len(gazetteer.keys[m.key].places) < FEW_BEAR)]
    return {gazetteer.entries[index].province for index in units}


def _read_numbers(reading: Reading) -> None:
    used = [(mention.start, mention.end) for mention in reading.mentions if mention.number]
    for found in _SOI.finditer(reading.heard):
        if not any(start <= found.start() < end for start, end in used):
            reading.sois.append((found[1] or found[2], found.start()))
    reading.moos = [int(found[1]) for found in _MOO.finditer(reading.normal)]


# --- exact names ---------------------------------------------------------------------------------------------------

_Hit = tuple[int, int, int, int, tuple[str, ...]]  # start with the type word, start, end, key, families
_Cues = dict[int, tuple[int, tuple[str, ...]]]


def _hits(gazetteer: Gazetteer, heard: str, places: Places) -> tuple[list[_Hit], _Cues]:
    """Names that may stand where they do, and the longest type word that ends at each letter."""
    found = []
    cues: _Cues = {}
    for last, (letters, key, families, is_bare, is_latin) in gazetteer.automaton.iter(heard):
        start, end = last - letters + 1, last + 1
        if _is_cut(heard, start, end, is_latin):
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
        hit = _with_cue(gazetteer, heard, places, (*cue, start, end, key, is_bare))
        if hit is not None:
            hits.append(hit)
    return hits, cues


def _is_cut(heard: str, start: int, end: int, is_latin: bool) -> bool:
    """A word goes on before or behind these letters, so that they are only a piece of it."""
    before, after = heard[start - 1 : start], heard[end : end + 1]
    if is_latin:
        return (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
    # A last vowel that is drawn out (ชะเมาาา) cuts nothing.
    return before in _OF_THE_NEXT or (after in _OF_THE_LAST and after != heard[end - 1])


def _with_cue(
    gazetteer: Gazetteer, heard: str, places: Places, found: tuple[int, tuple[str, ...], int, int, int, bool]
) -> _Hit | None:
    """The name with the type word before it, if that is one of its own; else bare, or nothing."""
    cue_start, families, start, end, number, is_bare = found
    key = gazetteer.keys[number]
    is_short = start - cue_start < SHORT_LETTERS
    fitting = tuple(f for f in families if f in key.families or (f == "soi" and "road" in key.families))
    is_far = gazetteer.city is None or key.odds < SAME_DISTRICT
    if fitting and is_far and places.is_end_of_word(cue_start, start):
        fitting = ()
    is_piece = len(key.text) < SHORT_NAME and _goes_on(places, end)
    if fitting and is_piece and not _is_written_so(gazetteer, places, number, (start, end)):
        return None
    if fitting and not (is_short or key.is_junk):
        return cue_start, start, end, number, fitting
    is_counted = _is_counted(gazetteer, heard, number, end)
    if fitting and is_short and not (is_bare or is_counted):
        return None
    if fitting and key.is_junk and not (is_counted or _is_one_word(places, cue_start, end)):
        return None
    if fitting:
        return cue_start, start, end, number, fitting
    # A type word of another kind: a road that is named after the temple, or the end of another word.
    return (start, start, end, number, () if is_short else families) if is_bare else None


def _is_counted(gazetteer: Gazetteer, heard: str, key: int, end: int) -> bool:
    """The name is an everyday word, but the number behind it is one of its streets' (เทศบาล 12)."""
    street = gazetteer.streets.get(gazetteer.keys[key].text)
    numbered = NUMBER.match(heard, end) if street is not None else None
    return numbered is not None and street is not None and numbered[2] in street.sois


def _is_written_so(gazetteer: Gazetteer, places: Places, key: int, span: tuple[int, int]) -> bool:
    """The city has a place of these very letters and tone marks: วัดแพร่ in "วัดแพร่ยุบ", no บ้านแร่ in "บ้านแล้ว"."""
    first, last = places.span(*span)
    written = as_written(places.text[first:last])
    entries = [gazetteer.entries[named.entry] for named in gazetteer.keys[key].named]
    return any(entry.is_local and as_written(entry.name_th).endswith(written) for entry in entries)


def _goes_on(places: Places, end: int) -> bool:
    """Letters follow without a gap."""
    last = places.span(end - 1, end)[1]
    return places.text[last : last + 1].isalnum()


def _is_one_word(places: Places, start: int, end: int) -> bool:
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
