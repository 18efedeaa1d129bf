"""Which of some texts is about a question: BM25 over terms, with a share that says how much of the question it holds.

BM25 as in S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", Foundations and
Trends in Information Retrieval 3(4), 2009, equation 3.15: tf / (k1 ((1 - b) + b length / mean length) + tf) times the
term's weight, with K1 = 1.2 and B = 0.75 of the ranges given there (1.2 to 2 and 0.5 to 0.8). A term's weight is
ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative (as Lucene's BM25Similarity has it). Pure: numpy alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

K1 = 1.2
B = 0.75
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Found:
    """A text by its place in the list it came in, its BM25 score, and `share`: how much of the question it holds.

    The share is between 0 and 1: the weights of the asked terms that stand in the text, by those of all asked terms. A
    term that stands in no text weighs as one that stands in a single text does: what nobody wrote of counts.
    """

    place: int
    score: float
    share: float


@dataclass(frozen=True)
class Counted:
    """A text's terms by their numbers in a vocabulary, each once, with how often it stands there."""

    numbers: Numbers
    times: Floats
    length: float


class Vocabulary:
    """Terms by number. It only grows, so that texts counted before stay as they are."""

    def __init__(self) -> None:
        # A term that is new gets the next number, without a step in Python for each of a million terms.
        self._numbers: defaultdict[str, int] = defaultdict()
        self._numbers.default_factory = self._numbers.__len__

    def __len__(self) -> int:
        """How many terms there are."""
        return len(self._numbers)

    def number(self, term: str) -> int | None:
        """The term's number, None for a term of no text."""
        return self._numbers.get(term)

    def counted(self, terms: Sequence[str], times: Floats) -> Counted:
        """A text by its terms, each once, and how much each counts there."""
        numbers = np.fromiter(map(self._numbers.__getitem__, terms), dtype=np.int32, count=len(terms))
        return Counted(numbers=numbers, times=times, length=float(times.sum()))


class Index:
    """Texts ready to be searched; built once, then only read."""

    def __init__(self, vocabulary: Vocabulary, texts: Sequence[Counted]) -> None:
        self._vocabulary = vocabulary
        self._size = len(texts)
        lengths = np.array([text.length for text in texts] or [0.0], dtype=np.float32)
        terms = np.concatenate([text.numbers for text in texts]) if texts else np.zeros(0, dtype=np.int32)
        times = np.concatenate([text.times for text in texts]) if texts else np.zeros(0, dtype=np.float32)
        places = np.repeat(np.arange(self._size, dtype=np.int32), [len(text.numbers) for text in texts])
        order = np.argsort(terms, kind="stable")
        self._places = places[order]
        held_in = np.bincount(terms, minlength=len(vocabulary))
        self._begins = np.concatenate([[0], np.cumsum(held_in)])
        self._weights = np.log1p((self._size - held_in + 0.5) / (held_in + 0.5)).astype(np.float32)
        damping = K1 * ((1 - B) + B * lengths / max(float(lengths.mean()), 1e-9))
        heard = times / (damping[places] + times) if self._size else times
        self._scores = (heard * self._weights[terms])[order].astype(np.float32)
        self._unheard = float(np.log1p((self._size - 0.5) / 1.5)) if self._size else 1.0

    def holding(self, term: str) -> frozenset[int]:
        """The places of the texts that hold the term, whatever it counts there."""
        number = self._vocabulary.number(term)
        if number is None or number >= len(self._weights):
            return frozenset()
        return frozenset(self._places[self._begins[number] : self._begins[number + 1]].tolist())

    def search(self, terms: Sequence[str], *, most: int) -> list[Found]:
        """The texts that hold any of the terms, best first; equal scores keep the order of the texts."""
        scores = np.zeros(self._size, dtype=np.float32)
        held = np.zeros(self._size, dtype=np.float32)
        asked = 0.0
        for term in dict.fromkeys(terms):
            number = self._vocabulary.number(term)
            # The vocabulary may have grown since with texts of a newer index.
            if number is None or number >= len(self._weights):
                asked += self._unheard
                continue
            span = slice(self._begins[number], self._begins[number + 1])
            places = self._places[span]
            if len(places) == 0:
                asked += self._unheard
                continue
            weight = float(self._weights[number])
            asked += weight
            scores[places] += self._scores[span]
            held[places] += weight
        if not asked:
            return []
        best = np.argsort(-scores, kind="stable")[:most]
        return [
            Found(int(place), float(scores[place]), float(held[place]) / asked) for place in best if scores[place] > 0
        ]
