"""A linear model over a text's features, and how sure its guesses are. Pure: numpy alone speaks it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from incidents.understanding.features import Features, Floats, Reader, weighed

OFFERED = 3


@dataclass(frozen=True)
class Guess:
    """A category, and the share of texts guessed so that are of it."""

    category_code: str
    confidence: float


@dataclass(frozen=True)
class Sureness:
    """From scores to shares: the logistic of `base` + `of_score` times the score + `of_lead` times its lead.

    The lead of a score is what it has before the best of the others: below 0 for all but the first.
    """

    base: float
    of_score: float
    of_lead: float

    def share(self, *, score: float, lead: float) -> float:
        """The share of texts with such a score that are of the category."""
        return float(1 / (1 + np.exp(-(self.base + self.of_score * score + self.of_lead * lead))))


@dataclass(frozen=True, eq=False)
class Weights:
    """What was learnt: a row of weights for each place of the features, then one for each share of the lexicon.

    `first` is how sure the best guess is, `others` how sure the second and third are.
    """

    codes: tuple[str, ...]
    rarity: Floats
    places: Floats
    shares: Floats
    bias: Floats
    first: Sureness
    others: Sureness

    def scores(self, read: Features) -> Floats:
        """A score for each category, around 1 where the text is of it and -1 where it is not."""
        return weighed(read, self.rarity) @ self.places[read.places] + read.shares @ self.shares + self.bias

    def guesses(self, read: Features) -> list[Guess]:
        """The three best, best first; none is surer than the one before it."""
        scores = self.scores(read)
        order = np.argsort(-scores, kind="stable")
        found: list[Guess] = []
        for rank, at in enumerate(order[:OFFERED]):
            sureness = self.others if rank else self.first
            share = sureness.share(score=float(scores[at]), lead=lead_of(scores, int(at)))
            found.append(Guess(self.codes[at], min(share, found[-1].confidence) if found else share))
        return found


def lead_of(scores: npt.NDArray[np.floating], at: int) -> float:
    """What the score at this place has before the best of the others."""
    rest = np.delete(scores, at)
    return float(scores[at] - rest.max()) if len(rest) else float(scores[at])


@dataclass(frozen=True, eq=False)
class Understanding:
    """A reader and the weights that go with it."""

    reader: Reader
    weights: Weights

    def guesses(self, text: str) -> list[Guess]:
        """The three categories that the text is most likely of, with how sure each is; none without any words."""
        read = self.reader.features(text)
        return self.weights.guesses(read) if _says_something(text) else []


def _says_something(text: str) -> bool:
    return sum(letter.isalpha() for letter in text[:200]) >= 2
