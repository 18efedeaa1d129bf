"""What two texts about the city have in common and where they contradict one another. Pure; Thai first.

Agreement is counted in letter groups of three, since Thai has no spaces and people misspell; those that many texts of
the neighbourhood share tell little. Numbers that name a place (soi, house, room, kilometre, pole) agree or contradict.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from incidents.classify import normalise

_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_NOT_LETTERS = re.compile(r"[^\u0e01-\u0e4ea-z0-9\u1000-\u109f]+")
GRAM = 3
KIND_WORTH = 0.25
MOST_LETTERS = 2000

# Names of a place by number: what introduces it, then the number. Thai after `normalise`, which keeps other spaces.
_NUMBERED = {
    "room": re.compile(r"(?:ห้อง|room)\s*(?:ที่|เลขที่|หมายเลข)?\s*(\d{1,4}(?:/\d{1,4})?)"),
    "house": re.compile(
        r"(?:เลขที่|house no\.?|house|no\.)\s*(\d{1,4}(?:/\d{1,4})?)|(?<![\d/])(\d{1,4}/\d{1,4})(?![\d/])"
    ),
    "soi": re.compile(r"(?:ซอย|ซ\.|soi)\s*[^\d\s]{0,24}\s?(\d{1,3}(?:/\d{1,3})?)"),
    "km": re.compile(r"(?:กม\.?|กิโลเมตรที่|หลักกิโลที่|km\.?)\s*(\d{1,3}(?:[.+]\d{1,3})?)"),
    "pole": re.compile(r"(?:เสา(?:ไฟฟ้า|ไฟ)?(?:ต้นที่|หมายเลข|เบอร์|เลขที่)|pole(?: no\.?| number)?)\s*(\d{1,6})"),
    "moo": re.compile(r"(?:หมู่ที่|หมู่|ม\.|moo)\s*(\d{1,2})(?!\d)"),
    "floor": re.compile(r"(?:ชั้น|floor)\s*(?:ที่)?\s*(\d{1,2})"),
}
# What stands after a word for "in front of" or "near" names the place: so many letters of it are compared.
_BESIDE = re.compile(
    r"(?:ตรงข้ามกับ|ตรงข้าม|เยื้องกับ|เยื้อง|ด้านหน้า|หน้าปาก|หน้า|ข้างๆ|ข้าง|ใกล้กับ|ใกล้|แถวๆ|แถว|ติดกับ|หลัง|ตรง|"
    r"in front of|opposite|next to|near|beside|behind)\s*([\u0e01-\u0e4ea-z0-9]{3,24})"
)
LANDMARK_ALIKE = 0.5
# Words that stand for the same side or stretch; two of one row in two texts contradict one another.
_SIDES = (
    (("ขาเข้า", "inbound"), ("ขาออก", "outbound")),
    (("ฝั่งซ้าย", "เลนซ้าย", "ด้านซ้าย", "left side"), ("ฝั่งขวา", "เลนขวา", "ด้านขวา", "right side")),
    (("ปากซอย", "ต้นซอย", "หน้าซอย"), ("กลางซอย",), ("ท้ายซอย", "สุดซอย", "ในสุด")),
)


@dataclass(frozen=True)
class Vocabulary:
    """Phrases by what they say of an earlier report: `another` thing, the same `again`, or nothing (`common`)."""

    another: tuple[str, ...]
    again: tuple[str, ...]
    common: tuple[str, ...]

    @classmethod
    def of(cls, *, another: Iterable[str], again: Iterable[str], common: Iterable[str]) -> Vocabulary:
        """The phrases normalised as texts are, longer ones first."""
        return cls(_ready(another), _ready(again), _ready(common))


def _ready(phrases: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({normalise(phrase) for phrase in phrases}, key=lambda p: (-len(p), p)))


@dataclass(frozen=True)
class Wording:
    """What a text tells: letter groups of what is its own, landmarks and numbers that name its place, its phrases."""

    grams: frozenset[str]
    landmarks: tuple[frozenset[str], ...]
    numbers: tuple[tuple[str, frozenset[str]], ...]
    sides: tuple[frozenset[int], ...]
    says_another: bool
    says_again: bool


def wording(text: str, vocabulary: Vocabulary) -> Wording:
    """The text as it is compared; only its first `MOST_LETTERS` are read."""
    return _wording(text[:MOST_LETTERS], vocabulary)


@functools.lru_cache(maxsize=20_000)
def _wording(text: str, vocabulary: Vocabulary) -> Wording:
    plain = normalise(text.translate(_THAI_DIGITS))
    left, says_another = _without(plain, vocabulary.another)
    left, says_again = _without(left, vocabulary.again)
    numbers = tuple(
        (name, found)
        for name, pattern in _NUMBERED.items()
        if (found := frozenset(next(filter(None, groups), "") for groups in _groups(pattern, plain)))
    )
    sides = tuple(
        frozenset(place for place, words in enumerate(row) if any(word in plain for word in words)) for row in _SIDES
    )
    named = (_grams(_without(name, vocabulary.common)[0]) for name in _BESIDE.findall(left))
    landmarks = tuple(grams for grams in named if grams)
    return Wording(_grams(_without(left, vocabulary.common)[0]), landmarks, numbers, sides, says_another, says_again)


def _groups(pattern: re.Pattern[str], text: str) -> list[tuple[str, ...]]:
    return [match.groups(default="") for match in pattern.finditer(text)]


def _without(text: str, phrases: Sequence[str]) -> tuple[str, bool]:
    left = text
    for phrase in phrases:
        if phrase in left:
            left = left.replace(phrase, " ")
    return left, left != text


def _grams(text: str) -> frozenset[str]:
    """Groups of three letters inside what stands together; a shorter piece of two letters or more is one by itself."""
    found: set[str] = set()
    for piece in _NOT_LETTERS.split(text):
        if len(piece) >= GRAM:
            found.update(piece[start : start + GRAM] for start in range(len(piece) - GRAM + 1))
        elif len(piece) == GRAM - 1:
            found.add(piece)
    return frozenset(found)


@functools.lru_cache(maxsize=200)
def grams_of(words: tuple[str, ...]) -> frozenset[str]:
    """The letter groups of these words, such as a category's own: whoever reports of that kind writes them."""
    return frozenset().union(*(_grams(normalise(word)) for word in words))


class Rarity:
    """How much a letter group tells where these texts come from: little where most of them have it.

    `kind_grams` are those of the words for this kind of thing, which say little of which one it is.
    """

    def __init__(self, wordings: Sequence[Wording], *, kind_grams: frozenset[str]) -> None:
        self._texts = len(wordings)
        self._having = Counter(gram for one in wordings for gram in one.grams)
        self._kind_grams = kind_grams
        self._weights: dict[str, float] = {}

    def weight(self, gram: str) -> float:
        """1 where nobody or one text has it, towards 0 where all of many have it."""
        known = self._weights.get(gram)
        if known is not None:
            return known
        others = max(0, self._having[gram] - 1)
        rare = 1 - math.log1p(others) / math.log1p(max(self._texts, 2))
        self._weights[gram] = rare * (KIND_WORTH if gram in self._kind_grams else 1.0)
        return self._weights[gram]


@dataclass(frozen=True)
class Agreement:
    """What two wordings share: weighted letter groups, as a share of the smaller one (0..1) and in all."""

    share: float
    shared: float
    comparable: float


def agreement(one: Wording, other: Wording, rarity: Rarity) -> Agreement:
    """How far two wordings agree; `comparable` is how much the shorter one tells at all."""
    shared = sum(rarity.weight(gram) for gram in one.grams & other.grams)
    least = min(sum(rarity.weight(gram) for gram in side.grams) for side in (one, other))
    return Agreement(shared / least if least > 0 else 0.0, shared, least)


def numbers_compared(one: Wording, other: Wording) -> tuple[frozenset[str], frozenset[str]]:
    """The kinds of numbers on which two wordings agree, and those on which they contradict one another."""
    theirs = dict(other.numbers)
    agreed: set[str] = set()
    against: set[str] = set()
    for name, numbers in one.numbers:
        if name in theirs:
            (agreed if numbers & theirs[name] else against).add(name)
    return frozenset(agreed), frozenset(against)


def landmarks_agree(one: Wording, other: Wording) -> bool | None:
    """Both name a landmark, and one of them is the same but for spelling; None where one names none."""
    if not one.landmarks or not other.landmarks:
        return None
    return any(len(a & b) >= LANDMARK_ALIKE * min(len(a), len(b)) for a in one.landmarks for b in other.landmarks)


def sides_contradict(one: Wording, other: Wording) -> bool:
    """One says the left, the other the right; one the mouth of the lane, the other its end."""
    return any(a and b and not a & b for a, b in zip(one.sides, other.sides, strict=True))
