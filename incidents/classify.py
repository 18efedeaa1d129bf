"""Which of the city's categories a resident's words speak of: a weighted lexicon over normalised Thai. Pure.

Words inside longer words that match too are not counted twice ("ไฟ" in "ไฟดับ"); a word of weight 0 only keeps its
letters from the others ("สะพานควาย" is no bridge). What nothing matches is asked about:
the resident's tap is the answer, the three best are only offered.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import ahocorasick

from incidents.understanding.segments import edges_of, words_of

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
_LATIN = re.compile("[a-z0-9]")
_BELONGS_BEFORE = re.compile("[\u0e30-\u0e3a\u0e45\u0e47-\u0e4e]")
_BELONGS_AFTER = re.compile("[\u0e40-\u0e44]")

TONELESS_WORTH = 0.7
TONELESS_FROM_LETTERS = 5
SHORT_LETTERS = 4  # As many as ป้าย; a longer word is seldom a part of another by chance.
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


class _Automaton:
    """Words looked for all at once; `of` gives each one's weights by category."""

    def __init__(self, of: Mapping[str, Mapping[str, float]]) -> None:
        self._of = of
        self._found = ahocorasick.Automaton()
        for word in of:
            self._found.add_word(word, word)
        self._found.make_automaton()

    def entries(self, plain: str, *, edges: Container[int]) -> list[tuple[str, Mapping[str, float]]]:
        """The words in the text, each once, longer ones first; letters taken by one are not read again."""
        if not self._of:
            return []
        spans = [(end + 1 - len(word), end + 1, word) for end, word in self._found.iter(plain)]
        taken = bytearray(len(plain))
        chosen: dict[str, Mapping[str, float]] = {}
        for begin, end, word in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
            if any(taken[begin:end]) or not _stands(plain, begin, end, edges):
                continue
            taken[begin:end] = b"\x01" * (end - begin)
            chosen.setdefault(word, self._of[word])
        return list(chosen.items())


class Lexicon:
    """The words of every category, ready to be looked for; built once from data, then only read."""

    def __init__(self, words: Mapping[str, Mapping[str, float]]) -> None:
        toned: dict[str, dict[str, float]] = {}
        for category_code, weights in words.items():
            for word, weight in weights.items():
                if plain := normalise(word):
                    toned.setdefault(plain, {})[category_code] = weight
        self._toned = _Automaton(toned)
        toneless: dict[str, dict[str, float]] = {}
        for word, weights in toned.items():
            bare = _ANY_TONE.sub("", word)
            if len(bare) >= TONELESS_FROM_LETTERS and is_thai(bare) and bare not in toned:
                for category_code, weight in weights.items():
                    toneless.setdefault(bare, {})[category_code] = weight * TONELESS_WORTH
        self._toneless = _Automaton(toneless)

    def rank(self, text: str) -> list[Match]:
        """Every category that the text speaks of, best first. Equal scores keep the order of their codes."""
        return self.rank_plain(normalise(text))

    def rank_plain(self, plain: str) -> list[Match]:
        """The same of a text that `normalise` has read already."""
        scores: dict[str, float] = {}
        found: dict[str, list[str]] = {}
        for word, weights in self.entries(plain):
            for category_code, weight in weights.items():
                if weight:
                    scores[category_code] = scores.get(category_code, 0.0) + weight
                    found.setdefault(category_code, []).append(word)
        matches = [Match(code, round(score, 3), tuple(found[code])) for code, score in scores.items()]
        return sorted(matches, key=lambda m: (-m.score, m.category_code))

    def entries(self, plain: str) -> list[tuple[str, Mapping[str, float]]]:
        """The words of the lexicon in a normalised text with their weights; toneless where none has its tones."""
        entries = self._toned.entries(plain, edges=edges_of(words_of(plain)))
        if any(weight for _, weights in entries for weight in weights.values()):
            return entries
        bare = _ANY_TONE.sub("", plain)
        return self._toneless.entries(bare, edges=())

    def top(self, text: str) -> list[Match]:
        """The three categories to offer; empty where the words say nothing and the resident must be asked."""
        return self.rank(text)[:OFFERED]


def _stands(text: str, begin: int, end: int, edges: Container[int]) -> bool:
    """The letters are a word there: no vowel or mark of theirs lies outside, and a short one is no part of a longer."""
    if _LATIN.match(text[begin]):
        return begin == 0 or not _LATIN.match(text[begin - 1])
    if (end < len(text) and _BELONGS_BEFORE.match(text[end])) or (begin and _BELONGS_AFTER.match(text[begin - 1])):
        return False
    return end - begin > SHORT_LETTERS or not is_thai(text[begin:end]) or (begin in edges and end in edges)


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
        for phrase in self._meaningless:
            plain = plain.replace(phrase, "\n")
        return next((code for word, code in self._cries if word in plain and _occurs(word, plain)), None)

    @functools.cached_property
    def _meaningless(self) -> tuple[str, ...]:
        return tuple(normalise(phrase) for phrase in self.unless)

    @functools.cached_property
    def _cries(self) -> tuple[tuple[str, str], ...]:
        return tuple((normalise(word), code) for code, words in self.words.items() for word in words)
