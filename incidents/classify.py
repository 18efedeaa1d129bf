"""Which of the city's categories a resident's words speak of: a weighted lexicon over normalised Thai. Pure.

Words inside longer words that match too are not counted twice ("ไฟ" in "ไฟดับ"). What nothing matches is asked about:
the resident's tap is the answer, the three best are only offered.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_TONES = "\u0e48\u0e49\u0e4a\u0e4b"
_NIKHAHIT_AA = re.compile(f"\u0e4d([{_TONES}]?)\u0e32")
_TONE_AFTER_AM = re.compile(f"\u0e33([{_TONES}])")
_DOUBLE_E = re.compile("\u0e40\u0e40")
_MARK_TWICE = re.compile("([\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])\\1+")
_LETTER_THRICE = re.compile(r"(.)\1{2,}")
_SPACE_IN_THAI = re.compile("(?<=[\u0e00-\u0e7f])\\s+(?=[\u0e00-\u0e7f])")
_SPACES = re.compile(r"\s+")
_ANY_TONE = re.compile(f"[{_TONES}\u0e4c]")
_THAI = re.compile("[\u0e01-\u0e4e]")

TONELESS_WORTH = 0.7
TONELESS_FROM_LETTERS = 5
OFFERED = 3


def normalise(text: str) -> str:
    """The text as the lexicon is written: NFC, no invisible letters, usual order of vowels and tones, no gaps in Thai.

    นํ้า and นำ้ become น้ำ; เเ becomes แ; ช่วยด้วยยยย becomes ช่วยด้วย; น้ำ ท่วม becomes น้ำท่วม.
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).casefold().replace("ๆ", " ").replace("\u2019", "'")
    plain = _NIKHAHIT_AA.sub("\\1\u0e33", plain)
    plain = _TONE_AFTER_AM.sub("\\1\u0e33", plain)
    plain = _DOUBLE_E.sub("\u0e41", plain)
    plain = _MARK_TWICE.sub(r"\1", plain)
    plain = _LETTER_THRICE.sub(r"\1", plain)
    return _SPACES.sub(" ", _SPACE_IN_THAI.sub("", plain)).strip()


def is_thai(text: str) -> bool:
    """The text holds at least two Thai letters or marks."""
    return len(_THAI.findall(text)) >= 2


@dataclass(frozen=True)
class Match:
    """A category that the words speak of: its score and the words that make it."""

    category_code: str
    score: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    word: str
    weights: tuple[tuple[str, float], ...]
    is_toneless: bool


class Lexicon:
    """The words of every category, ready to be looked for; built once from data, then only read."""

    def __init__(self, words: Mapping[str, Mapping[str, float]]) -> None:
        toned: dict[str, dict[str, float]] = {}
        for category_code, weights in words.items():
            for word, weight in weights.items():
                toned.setdefault(normalise(word), {})[category_code] = weight
        self._toned = _longest_first(toned, is_toneless=False)
        toneless: dict[str, dict[str, float]] = {}
        for word, weights in toned.items():
            bare = _ANY_TONE.sub("", word)
            if len(bare) >= TONELESS_FROM_LETTERS and is_thai(bare) and bare not in toned:
                for category_code, weight in weights.items():
                    toneless.setdefault(bare, {})[category_code] = weight * TONELESS_WORTH
        self._toneless = _longest_first(toneless, is_toneless=True)

    def rank(self, text: str) -> list[Match]:
        """Every category that the text speaks of, best first. Equal scores keep the order of their codes."""
        plain = normalise(text)
        scores: dict[str, float] = {}
        found: dict[str, list[str]] = {}
        for entry in _found(plain, self._toned) or _found(_ANY_TONE.sub("", plain), self._toneless):
            for category_code, weight in entry.weights:
                scores[category_code] = scores.get(category_code, 0.0) + weight
                found.setdefault(category_code, []).append(entry.word)
        matches = [Match(code, round(score, 3), tuple(found[code])) for code, score in scores.items()]
        return sorted(matches, key=lambda m: (-m.score, m.category_code))

    def top(self, text: str) -> list[Match]:
        """The three categories to offer; empty where the words say nothing and the resident must be asked."""
        return self.rank(text)[:OFFERED]


def _longest_first(words: Mapping[str, Mapping[str, float]], *, is_toneless: bool) -> tuple[_Entry, ...]:
    entries = [_Entry(word, tuple(weights.items()), is_toneless) for word, weights in words.items() if word]
    return tuple(sorted(entries, key=lambda e: (-len(e.word), e.word)))


def _found(plain: str, entries: Sequence[_Entry]) -> list[_Entry]:
    """The entries in the text, each once, longer ones first; letters taken by one are not read again."""
    left = plain
    found = []
    for entry in entries:
        if _occurs(entry.word, left):
            found.append(entry)
            left = left.replace(entry.word, "\n")
    return found


def _occurs(word: str, text: str) -> bool:
    if not word.isascii():
        return word in text
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}", text) is not None


@dataclass(frozen=True)
class EmergencyWords:
    """The words that leave the conversation for help at once, by category, and phrases in which they mean nothing."""

    words: Mapping[str, Sequence[str]]
    unless: Sequence[str]

    def category_of(self, text: str) -> str | None:
        """The category of the first emergency that the text cries, None where it cries none."""
        plain = normalise(text)
        for phrase in self.unless:
            plain = plain.replace(normalise(phrase), "\n")
        for category_code, words in self.words.items():
            if any(_occurs(normalise(word), plain) for word in words):
                return category_code
        return None
