"""Which names of the city may be meant by words in the other script: "Sipraj Road" by ถนนศรีปราชญ์. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from rapidfuzz.distance import OSA

from gis.gazetteer.entries import ADMIN_KINDS, Entry, forms_of, named_without_type
from gis.gazetteer.latin import skeleton
from gis.gazetteer.normal import sound

# Skeletons of fewer sounds are alike by chance; alike by less they are other names (assumed).
LEAST_SOUNDS, LIKE_SPOKEN, EQUAL_BELOW = 3, 0.8, 4
# A word of a longer Latin name stands for it where few others have it.
WORD_LETTERS, SHARED_BY_FEW = 6, 2
# What a name is worth that was only heard so, in its own script never seen.
SPOKEN_LIKENESS = 0.85

# Words in a name for what many are: they stand in another order, or not at all, in the other script.
_OF_MANY_TH, _OF_MANY_EN = ("เทศบาล", "วัด", "บ้าน"), frozenset({"municipal", "wat", "ban", "temple"})
# What English puts before "road" or "street" that is no name.
_EVERYDAY = frozenset({
    "a", "an", "the", "this", "that", "my", "our", "your", "main", "whole", "small", "big", "side", "back", "front",
    "other", "old", "new", "flooded", "flooding", "wet", "busy", "dark", "on", "in", "at", "of", "to", "from",
    "and", "near", "along", "across", "same", "next"
})
_HANGING = frozenset("ะัาำิีึืฺุูๅ็่้๊๋์ํ๎")

Spoken = Mapping[tuple[str, bool], Sequence[tuple[str, int]]]


class Heard(NamedTuple):
    """The key that was heard, how many letters of the text it takes, and how alike (0 to 1)."""

    key: int
    letters: int
    likeness: float


def spoken(entries: Iterable[Entry], keys: Mapping[str, int]) -> Spoken:
    """The skeletons of the entries' names with their keys, by family and by whether the name is in Latin letters.

    Latin names are those of entries that have no Thai one: any other is found by that.
    """
    found: dict[tuple[str, bool], dict[tuple[str, int], None]] = defaultdict(dict)
    words: list[tuple[str, str, int]] = []
    for entry in entries:
        for text in _names(entry):
            key = keys.get(sound(text)) if text.isascii() else _key_of(entry, keys)
            sounds = skeleton(text).sounds
            if key is not None and len(sounds) >= LEAST_SOUNDS:
                found[(entry.family, text.isascii())][(sounds, key)] = None
                if text.isascii() and not _OF_MANY_EN.isdisjoint(text.split()):
                    own = " ".join(word for word in text.split() if word not in _OF_MANY_EN)
                    if len(skeleton(own).sounds) >= EQUAL_BELOW:
                        found[(entry.family, True)][(skeleton(own).sounds, key)] = None
                words += [(entry.family, word, key) for word in text.split() if " " in text and text.isascii()]
    told = Counter((family, word) for family, word, _ in set(words))
    for family, word, key in words:
        if len(word) >= WORD_LETTERS and told[(family, word)] < SHARED_BY_FEW:
            sounds = skeleton(word).sounds
            if len(sounds) >= EQUAL_BELOW:
                found[(family, True)][(sounds, key)] = None
    return {kind: list(those) for kind, those in found.items()}


def with_thai_names(entries: Sequence[Entry]) -> list[Entry]:
    """The entries; a road that has no Thai name also by that of a place which sounds the same.

    Streets are called after the community or temple that they lead to: Boonarob Road is ถนนบุญนารอบ.
    """
    heard: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.is_local and entry.kind not in ADMIN_KINDS and entry.name_th and not entry.name_th.isascii():
            heard[skeleton(named_without_type(entry)).sounds].add(named_without_type(entry))
    return [_with_thai_name(entry, heard) if entry.is_local and entry.family == "road" else entry for entry in entries]


def _with_thai_name(entry: Entry, heard: Mapping[str, set[str]]) -> Entry:
    if entry.name_th and not entry.name_th.isascii():
        return entry
    sounds = {skeleton(form.stem).sounds for form in forms_of(entry) if form.stem.isascii() and not form.number}
    names = sorted(name for one in sounds if len(one) >= EQUAL_BELOW for name in heard.get(one, ()))
    return replace(entry, aliases=(*entry.aliases, *names)) if names else entry


def _names(entry: Entry) -> Iterator[str]:
    if not entry.name_th or entry.name_th.isascii():
        yield from sorted({form.stem for form in forms_of(entry) if form.stem.isascii()})
        return
    name = named_without_type(entry)
    yield name
    if entry.family == "temple":  # วัดพระมหาธาตุ วรมหาวิหาร is Wat Mahathat.
        yield name.removeprefix("พระ").partition(" ")[0]


def _key_of(entry: Entry, keys: Mapping[str, int]) -> int | None:
    return next((keys[sound(f.stem)] for f in forms_of(entry) if not f.stem.isascii() and sound(f.stem) in keys), None)


def heard_at_start(names: Spoken, text: str, families: Iterable[str]) -> Heard | None:
    """The name in the other script that the text begins with as it sounds; the likeliest of the families."""
    said = skeleton(text)
    best: Heard | None = None
    for family in families:
        for sounds, key in names.get((family, not text.isascii()), ()):
            likeness, taken = _like_start(sounds, said.sounds)
            end = _through_syllable(text, said.ends[taken - 1]) if likeness else 0
            is_piece = len(sounds) < EQUAL_BELOW and text[end : end + 1].isalpha()
            if likeness and not is_piece and (best is None or likeness * SPOKEN_LIKENESS > best.likeness):
                best = Heard(key, end, likeness * SPOKEN_LIKENESS)
    return best


def beginnings(text: str) -> Iterator[int]:
    """Where a name may begin: at the start, and behind words for what many are (เทศบาลวัด… of a school)."""
    start = 0
    yield start
    while word := next((w for w in _OF_MANY_TH if text.startswith(w, start)), None):
        start += len(word)
        yield start


def _through_syllable(text: str, end: int) -> int:
    """The end moved behind the vowels and marks of the last sound; in Latin letters behind its word."""
    while end < len(text) and (text[end] in _HANGING or (text[end].isascii() and text[end].isalpha())):
        end += 1
    return end


def heard_before(names: Spoken, words: Sequence[str], families: Iterable[str]) -> Heard | None:
    """The name that the last of these Latin words are as they sound, `letters` of them: "Pak Nakhon" (Rd)."""
    best: Heard | None = None
    for count in range(1, len(words) + 1):
        phrase = " ".join(words[-count:])
        if _EVERYDAY.issuperset(words[-count:]):
            continue
        said = skeleton(phrase).sounds
        for kind in ((family, is_latin) for family in families for is_latin in (False, True)):
            for sounds, key in names.get(kind, ()):
                if sounds == said and (best is None or len(phrase) > best.letters):
                    best = Heard(key, len(phrase), SPOKEN_LIKENESS)
    return best


def _like_start(sounds: str, said: str) -> tuple[float, int]:
    """How alike the name is to the first sounds that were said, and how many of these it takes."""
    best = (0.0, 0)
    for taken in (len(sounds), len(sounds) - 1, len(sounds) + 1):
        if not 0 < taken <= len(said):
            continue
        first = said[: taken - 1] + ("T" if said[taken - 1] in "CS" else said[taken - 1])
        likeness = OSA.normalized_similarity(sounds, first, score_cutoff=LIKE_SPOKEN)
        if len(sounds) < EQUAL_BELOW and likeness < 1.0:
            continue
        best = max(best, (likeness, taken), key=lambda one: one[0])
    return best
