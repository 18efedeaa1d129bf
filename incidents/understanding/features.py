"""A text as numbers: hashed runs of 2 to 5 letters, hashed words, and the words of the lexicon that stand in it. Pure.

Hashing keeps no letters: what a model holds of the texts it learnt from is numbers, from which no name can be read.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from incidents.classify import Lexicon, normalise
from incidents.understanding.segments import words_of

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

LETTERS = (2, 3, 4, 5)
LETTER_BITS = 15
LETTER_PLACES = 2**LETTER_BITS
WORD_PLACES = 2**14
ENTRY_PLACES = 2**14
PLACES = LETTER_PLACES + WORD_PLACES + ENTRY_PLACES
MOST_LETTERS = 1500  # 99 in 100 complaints are shorter; what a text is about stands at its beginning.
# A word of the lexicon weighs the same in a long text as in a short one, unlike letters and words.
ENTRY_WORTH = 0.06
SHARE_WORTH = 0.3
_MIX = np.uint64(0x9E3779B97F4A7C15)
_STEP = np.uint64(1_000_003)


@dataclass(frozen=True)
class Features:
    """The places of the hashed space that a text fills, each once, and how heavily; `shares` are the lexicon's points.

    `letters` is how many of the places are runs of letters, they stand first; `words` how many after them are words.
    """

    places: Places
    weights: Floats
    letters: int
    words: int
    shares: Floats


@dataclass(frozen=True)
class Reader:
    """Reads texts for a model: `codes` are the categories in its order; without a lexicon only letters and words."""

    codes: tuple[str, ...]
    lexicon: Lexicon | None

    def features(self, text: str) -> Features:
        """The features of the first 1,500 letters, after `normalise`."""
        plain = normalise(text[: 2 * MOST_LETTERS])[:MOST_LETTERS]
        letters = _counted(_runs(plain))
        words = _counted(_spoken(words_of(plain)) + LETTER_PLACES)
        entries, shares = self._from_lexicon(plain)
        return Features(
            places=np.concatenate([letters[0], words[0], entries[0]]),
            weights=np.concatenate([letters[1], words[1], entries[1]]),
            letters=len(letters[0]),
            words=len(words[0]),
            shares=shares,
        )

    def _from_lexicon(self, plain: str) -> tuple[tuple[Places, Floats], Floats]:
        shares = np.zeros(len(self.codes), dtype=np.float32)
        if self.lexicon is None:
            return (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)), shares
        found: dict[int, float] = {}
        for word, weights in self.lexicon.entries(plain):
            place = LETTER_PLACES + WORD_PLACES + zlib.crc32(word.encode()) % ENTRY_PLACES
            found[place] = found.get(place, 0.0) + max(map(abs, weights.values())) * ENTRY_WORTH
            for code, weight in weights.items():
                if code in self.codes:
                    shares[self.codes.index(code)] += weight
        total = float(shares.sum())
        places = np.array(list(found), dtype=np.int64)
        return (places, np.array(list(found.values()), dtype=np.float32)), shares * (SHARE_WORTH / max(total, 1.0))


def weighed(read: Features, rarity: Floats) -> Floats:
    """The weights of the places: letters and words times their rarity and each of length 1, so that neither drowns."""
    heavy = read.weights.copy()
    for begin, end in ((0, read.letters), (read.letters, read.letters + read.words)):
        part = heavy[begin:end] * rarity[read.places[begin:end]]
        length = math.sqrt(float(np.dot(part, part)))
        heavy[begin:end] = part / length if length else part
    return heavy


def rarity_of(texts: Sequence[Features]) -> Floats:
    """How rare each place is among the texts: 1 + the logarithm of how few of them fill it."""
    filled = np.zeros(PLACES)
    for read in texts:
        filled[read.places] += 1
    return (np.log((1 + len(texts)) / (1 + filled)) + 1).astype(np.float32)


def _runs(plain: str) -> Places:
    codes = np.frombuffer(f" {plain} ".encode("utf-32-le", errors="replace"), dtype=np.uint32).astype(np.uint64)
    found = []
    for letters in LETTERS:
        starts = len(codes) - letters + 1
        if starts < 1:
            break
        key = np.full(starts, letters, dtype=np.uint64)
        for offset in range(letters):
            key = key * _STEP + codes[offset : starts + offset]
        found.append(((key * _MIX) >> np.uint64(64 - LETTER_BITS)).astype(np.int64))
    return np.concatenate(found)


def _spoken(words: Sequence[str]) -> Places:
    said = [word for word in words if not word.isspace()]
    pairs = [f"{one} {two}" for one, two in itertools.pairwise(said)]
    keys = (zlib.crc32(word.encode(errors="replace")) for word in (*said, *pairs))
    return np.array([key % WORD_PLACES for key in keys], dtype=np.int64)


def _counted(places: Places) -> tuple[Places, Floats]:
    once, times = np.unique(places, return_counts=True)
    return once, (1 + np.log(times)).astype(np.float32)
