"""What labelled and made-up texts teach: one ridge regression for all categories, judged by leaving one out. Pure.

A ridge over features is solved by the texts' likeness to each other, in seconds for some thousand texts, and tells for
each text what it would have said without it, which is what confidence is learnt from. It loads scikit-learn, for the
logistic curve of confidence; the house does that in a process of its own (`incidents.understanding.child`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from incidents.understanding.features import PLACES, Features, Reader, rarity_of, weighed
from incidents.understanding.model import OFFERED, Sureness, Weights, lead_of
from incidents.understanding.sayings import Labelled

Matrix = npt.NDArray[np.float64]

STIFFNESS = 0.1
MADE_UP_WORTH = 0.02  # Of a made-up text beside one that a person labelled.
ALONE_WORTH = 0.002  # Of one where nobody labelled any: then the lexicon's shares keep the say.
LEAST_JUDGED = 200  # With fewer labelled texts confidence is learnt from the made-up ones.


@dataclass(frozen=True)
class Read:
    """Labelled texts that have been read: their features, and for each text and category whether it is of it."""

    features: tuple[Features, ...]
    is_of: npt.NDArray[np.bool_]

    def only(self, chosen: Sequence[int]) -> Read:
        """The texts at these places."""
        return Read(tuple(self.features[at] for at in chosen), self.is_of[list(chosen)])


def nothing_read(codes: tuple[str, ...]) -> Read:
    """No texts at all."""
    return Read((), np.zeros((0, len(codes)), dtype=np.bool_))


def read(texts: Sequence[Labelled], reader: Reader) -> Read:
    """The texts, read once; a label that the reader's categories lack is left out."""
    is_of = np.array([[code in text.codes for code in reader.codes] for text in texts], dtype=np.bool_)
    return Read(tuple(reader.features(text.text) for text in texts), is_of.reshape(len(texts), len(reader.codes)))


def learn_from_sayings(halves: tuple[Read, Read], *, codes: tuple[str, ...]) -> Weights:
    """The weights that made-up texts teach, as sure as those of one half are right on sayings they have not seen."""
    one, other = halves
    nothing = nothing_read(codes)
    taught = learn(nothing, one, codes=codes)
    scores = np.array([taught.scores(read) for read in other.features], dtype=np.float64)
    first, others = _sureness(scores, other.is_of)
    both = Read(one.features + other.features, np.concatenate([one.is_of, other.is_of]))
    return replace(learn(nothing, both, codes=codes), first=first, others=others)


def learn(labelled: Read, made_up: Read, *, codes: tuple[str, ...]) -> Weights:
    """The weights that both teach. Made-up texts weigh less, and decide alone where nobody has labelled any."""
    features = (*labelled.features, *made_up.features)
    rarity = rarity_of(features)
    places, shares = _matrix(features, rarity), np.array([one.shares for one in features], dtype=np.float64)
    made_up_worth = MADE_UP_WORTH if labelled.features else ALONE_WORTH
    worth = np.concatenate([np.ones(len(labelled.features)), np.full(len(made_up.features), made_up_worth)])
    wanted = np.where(np.concatenate([labelled.is_of, made_up.is_of]), 1.0, -1.0)
    bias = np.average(wanted, axis=0, weights=worth)
    likeness = (places @ places.T).toarray() + shares @ shares.T
    inverse = np.linalg.inv(likeness + np.diag(STIFFNESS / worth))
    dual = inverse @ (wanted - bias)
    without_it = wanted - dual / np.diag(inverse)[:, None]
    judged = slice(0, len(labelled.features)) if len(labelled.features) >= LEAST_JUDGED else slice(None)
    first, others = _sureness(without_it[judged], wanted[judged] > 0)
    return Weights(
        codes=codes, rarity=rarity, places=(places.T @ dual).astype(np.float32),
        shares=(shares.T @ dual).astype(np.float32), bias=bias.astype(np.float32), first=first, others=others,
    )


def _matrix(features: Sequence[Features], rarity: npt.NDArray[np.float32]) -> csr_matrix:
    weights = [weighed(one, rarity).astype(np.float64) for one in features]
    ends = np.cumsum([0, *(len(one) for one in weights)])
    columns = np.concatenate([one.places for one in features])
    return csr_matrix((np.concatenate(weights), columns, ends), shape=(len(features), PLACES))


def _sureness(scores: Matrix, is_of: npt.NDArray[np.bool_]) -> tuple[Sureness, Sureness]:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :OFFERED]
    rows = [
        (rank, scores[at, place], lead_of(scores[at], int(place)), bool(is_of[at, place]))
        for at in range(len(scores)) for rank, place in enumerate(order[at])
    ]
    return _logistic([row for row in rows if row[0] == 0]), _logistic([row for row in rows if row[0] > 0])


def _logistic(rows: Sequence[tuple[int, float, float, bool]]) -> Sureness:
    from sklearn.linear_model import LogisticRegression

    right = np.array([row[3] for row in rows])
    if right.all() or not right.any():  # Nothing to tell apart: the share is what was seen, with one doubt.
        share = (right.sum() + 1) / (len(right) + 2)
        return Sureness(float(np.log(share / (1 - share))), 0.0, 0.0)
    fitted = LogisticRegression(C=100.0).fit(np.array([row[1:3] for row in rows]), right)
    return Sureness(float(fitted.intercept_[0]), *map(float, fitted.coef_[0]))
