"""Misspelt names in a text: by likeness to what stands behind a type word, before a soi's number, or anywhere. Pure."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import partial_ratio_alignment

from gis.gazetteer.entries import FACILITY_FAMILIES
from gis.gazetteer.index import Gazetteer
from gis.gazetteer.normal import sound, thai_normal
from gis.gazetteer.reading import NUMBER, Mention, Places, Reading, fits, is_weak, mention_at
from gis.gazetteer.spoken import beginnings, heard_at_start, heard_before

# Likeness (1 - edits / letters) from which a misspelt name is taken for one of ours, with and without its type word.
LIKE_WITH_CUE, LIKE_BARE, LIKE_BARE_FROM = 0.72, 0.8, 7
TRIGRAM_SHARE, COMPARED, COMPARED_OF_KIND = 0.34, 6, 400
# A name of which people write only the beginning (โรงเรียนเบญจมฯ): so many letters, and such a share of it.
BEGUN_LETTERS, BEGUN_SHARE, BEGUN_LIKENESS, BEGUN_AROUND = 5, 0.4, 0.78, 2
# As they sound, what follows a type word that stands for the thing itself: "ทั้งตำบลครับ".
_NO_NAMES = tuple(
    sound(thai_normal(word))
    for word in ("ครับ", "คับ", "ค่ะ", "คะ", "แล้ว", "เรา", "นี้", "นั้น", "ผม", "ฉัน", "ไม่", "เลย", "ถูก", "ท่วม", "น้ำท่วม")
)
# No syllable begins with one of these.
NO_BEGINNING = frozenset("ะัาำิึุๅ")
# With so many letters of an exact name no likeness is looked for elsewhere in the text.
PRECISE_LETTERS = 6
# A type word of fewer letters may be a piece of another word.
SHORT_LETTERS = 3
_DIGITS = re.compile("[0-9]")
_LETTERS = re.compile("[^0-9]{3,}")
# A number that may be a soi's: no part of a longer one (a time, a telephone's).
_NUMBERS = re.compile(f"(?<![0-9])(?<![0-9][ /]){NUMBER.pattern}(?![0-9]| [0-9])")

# The Latin words that a type word may follow.
_LATIN_WORDS, SPOKEN_WORDS = re.compile("(?:[a-z]+ )+$"), 3
SPOKEN_WITHIN = 40  # Letters that a name as it sounds may take.

_Cues = Mapping[int, tuple[int, tuple[str, ...]]]
_Found = tuple[int, int, float]  # The key, how many letters, how alike.


def misspelt(gazetteer: Gazetteer, reading: Reading, places: Places, cues: _Cues) -> None:
    """The reading also has the names that are only like one of ours.

    They are looked for behind each type word that no name follows, before the number of a soi, and where nothing
    precise was found, anywhere. A name of far away that stands bare gives way to one of the city's own that is like it.
    """
    strong = [m for m in reading.mentions if not is_weak(gazetteer, m)]
    found = [*_behind_cues(gazetteer, reading, places, cues, strong)]
    spoken = _before_latin_cues(gazetteer, reading, places, cues, strong)
    found += [m for m in spoken if not any(_share(m, other) for other in found)]
    found += _before_numbers(gazetteer, reading, places, [*strong, *found])
    has_precise = bool(found) or any(
        fits(gazetteer.keys[m.key], m.families) or len(gazetteer.keys[m.key].text) >= PRECISE_LETTERS for m in strong
    )
    if not has_precise:
        found += _anywhere(gazetteer, reading, places, strong)
    reading.mentions = [m for m in reading.mentions if not any(_share(m, one) for one in found)] + found


def _share(one: Mention, other: Mention) -> bool:
    return one.start < other.end and other.start < one.end


# --- behind a type word --------------------------------------------------------------------------------------------


def _behind_cues(
    gazetteer: Gazetteer, reading: Reading, places: Places, cues: _Cues, strong: Sequence[Mention]
) -> Iterator[Mention]:
    """Names behind type words; a facility's type word without any is kept among the reading's `kinds`."""
    heard = reading.heard
    cued = [(m.start, m.end) for m in strong if fits(gazetteer.keys[m.key], m.families)]
    exact = [(m.start, m.end) for m in strong]
    starts = {start for start, _ in cued}
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
        first, last = places.span(start, end)
        rest = _LETTERS.match(heard, begin, min(begin + 32, limit))
        found: _Found | None = None
        if rest and not heard.startswith(_NO_NAMES, begin):
            found = _like_prefix(gazetteer, rest[0], families) or _begun(gazetteer, rest[0], families)
            if found is None and not places.is_end_of_word(start, end):
                found = _spoken(gazetteer, reading.text[last : last + SPOKEN_WITHIN], families)
        if found is None:
            if reading.text[last : last + 1].isalnum():  # Another name is not the only one of its kind.
                reading.has_unknown_name |= _is_of_small_place(families) and not heard.startswith(_NO_NAMES, begin)
            else:
                reading.kinds += [(f, reading.text[first:last]) for f in families if f in gazetteer.only]
            continue
        key, letters, likeness = found
        cued.append((start, begin + letters))
        span = (start, begin, _through_word(gazetteer, heard, key, begin + letters))
        yield mention_at(gazetteer, reading, places, span=span, key=key, families=families, likeness=likeness)


def _is_of_small_place(families: tuple[str, ...]) -> bool:
    return not FACILITY_FAMILIES.isdisjoint(families) or "soi" in families or "community" in families


def _spoken(gazetteer: Gazetteer, text: str, families: tuple[str, ...]) -> _Found | None:
    """The name in the other script that the text begins with as it sounds."""
    said = text.lstrip(" .").partition("\n")[0]
    asked = {*families, "road"} if "soi" in families else set(families)
    for start in beginnings(said):
        found = heard_at_start(gazetteer.spoken, said[start:], asked)
        if found is not None:
            return found.key, len(thai_normal(said[: start + found.letters])), found.likeness
    return None


def _before_latin_cues(
    gazetteer: Gazetteer, reading: Reading, places: Places, cues: _Cues, strong: Sequence[Mention]
) -> Iterator[Mention]:
    """Names that no map spells so, before a type word (Pak Nakhon Rd): one that stands there as it is, is no other."""
    for start, families in {cue for cue in cues.values() if reading.heard[cue[0]].isascii()}:
        words = _LATIN_WORDS.search(reading.heard, 0, start)
        if words is None:
            continue
        found = heard_before(gazetteer.spoken, words[0].split()[-SPOKEN_WORDS:], families)
        end = words.start() + len(words[0].rstrip())
        exact = [m.end - m.start for m in strong if m.end == end and fits(gazetteer.keys[m.key], families)]
        if found is not None and found.letters > max(exact, default=0):
            span = (end - found.letters, end - found.letters, end)
            yield mention_at(
                gazetteer, reading, places, span=span, key=found.key, families=families, likeness=found.likeness
            )


def _through_word(gazetteer: Gazetteer, heard: str, key: int, end: int) -> int:
    """The end of the name moved behind a last letter or two, where they part it from the number of its soi."""
    street = gazetteer.streets.get(gazetteer.keys[key].text)
    if street is None:
        return end
    for later in (end, end + 1, end + 2):
        numbered = NUMBER.match(heard, later)
        if numbered and numbered[2] in street.sois and not _DIGITS.search(heard, end, later):
            return later
    return end


def _like_prefix(gazetteer: Gazetteer, heard: str, families: tuple[str, ...]) -> _Found | None:
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


def _begun(gazetteer: Gazetteer, heard: str, families: tuple[str, ...]) -> _Found | None:
    """The one key of the families whose first letters stand behind the type word, if they are enough of it."""
    fitting = []
    for family in families:
        ordered = gazetteer.ordered.get(family, [])
        at = bisect_right(ordered, (heard, -1))
        # The longest beginning that is shared stands right before or right behind.
        around = ordered[max(0, at - BEGUN_AROUND) : at + BEGUN_AROUND]
        fitting += [(_shared(heard, text), text, key) for text, key in around]
    most = max((letters for letters, _, _ in fitting), default=0)
    best = min(((len(text), text, key) for letters, text, key in fitting if letters == most), default=None)
    if best is None or most < BEGUN_LETTERS or most < BEGUN_SHARE * best[0]:
        return None
    begun = [{named.entry for named in gazetteer.keys[key].named} for letters, _, key in fitting if letters == most]
    # Several ways to write one name are that one name.
    return (best[2], most, BEGUN_LIKENESS) if set.intersection(*begun) else None


def _shared(one: str, other: str) -> int:
    """How many first letters the two share."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


# --- before the number of a soi ------------------------------------------------------------------------------------


def _before_numbers(
    gazetteer: Gazetteer, reading: Reading, places: Places, known: Sequence[Mention]
) -> Iterator[Mention]:
    """Streets that count a soi of the number and whose name is like the letters before it (เทศบล 12).

    A shorter name that stands bare within those letters gives way.
    """
    for number in _NUMBERS.finditer(reading.heard):
        end = number.start()
        if any(m.number and m.start < number.end() and end <= m.end for m in known):
            continue
        kept = [m for m in known if m.start < end and (m.number or fits(gazetteer.keys[m.key], m.families))]
        letters = reading.heard[max([m.end for m in kept] + [end - 32, 0]) : end]
        best = max(_like_suffix(gazetteer, letters, number[2]), default=None)
        if best is None or any(m.start < end - best[1] < m.end for m in known):
            continue
        likeness, cut, key = best
        span = (end - cut, end - cut, end)
        yield mention_at(gazetteer, reading, places, span=span, key=key, families=(), likeness=likeness)


def _like_suffix(gazetteer: Gazetteer, letters: str, number: str) -> Iterator[tuple[float, int, int]]:
    """How alike, how many letters, and the key, of each street with a soi of the number that the letters may end in."""
    for key in gazetteer.counted.get(number, ()):
        text = gazetteer.keys[key].text
        for cut in (len(text), len(text) - 1, len(text) + 1):
            if cut > len(letters) or _DIGITS.search(letters, len(letters) - cut):
                continue
            likeness = OSA.normalized_similarity(text, letters[-cut:], score_cutoff=LIKE_WITH_CUE)
            if likeness >= LIKE_WITH_CUE:
                yield likeness, cut, key
        ending = _ending(text, letters)
        if ending:
            yield BEGUN_LIKENESS, ending, key


def _ending(name: str, letters: str) -> int:
    """How many last letters of the street's name the letters end in, if that is enough of it (คูขวาง 74)."""
    for count in range(len(name) - 1, max(BEGUN_LETTERS, math.ceil(BEGUN_SHARE * len(name))) - 1, -1):
        if name[-count] not in NO_BEGINNING and name[-count - 1] not in "เแโไ" and letters.endswith(name[-count:]):
            return count
    return 0


# --- anywhere ------------------------------------------------------------------------------------------------------


def _alike(gazetteer: Gazetteer, heard: str) -> list[int]:
    """The keys that share most of their trigrams with what was heard, the likeliest first."""
    votes: dict[int, int] = {}
    for trigram in {heard[n : n + 3] for n in range(len(heard) - 2)}:
        for key in gazetteer.trigrams.get(trigram, ()):
            votes[key] = votes.get(key, 0) + 1
    shares = [(count / (len(gazetteer.keys[key].text) - 2), count, key) for key, count in votes.items()]
    enough = [one for one in shares if one[0] >= TRIGRAM_SHARE]
    return [key for _, _, key in sorted(enough, reverse=True)[:COMPARED]]


def _anywhere(
    gazetteer: Gazetteer, reading: Reading, places: Places, taken: Sequence[Mention]
) -> Iterator[Mention]:
    masked = reading.heard
    for mention in taken:
        masked = masked[: mention.start] + "\x00" * (mention.end - mention.start) + masked[mention.end :]
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
        yield mention_at(gazetteer, reading, places, span=(start, start, end), key=key, families=(), likeness=likeness)
