"""Where a model has been: a moment unlike all that it was fitted on is one of which its skill says nothing.

The area of applicability of Meyer and Pebesma (Methods in Ecology and Evolution 12, 2021): features are scaled by their
spread, and a moment lies inside if its nearest fitted row is no farther than rows of one block of time are from those
of the others, outliers left out. All features weigh alike: what trees hold important is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from sensors.nowcast.features import Design
from sensors.nowcast.grid import Array, Mask
from sensors.nowcast.predictors import columns

MOST_KNOWN = 1000  # Of more rows every n-th is kept: the document of a gauge stays within a few hundred kB.
BLOCKS = 5
DIGITS = 3  # Of a scaled feature; the threshold is taken from the rounded rows.
UNMOVED = 1e-9


@dataclass(frozen=True)
class Experience:
    """The rows that a model was fitted on, scaled, and how far from the nearest of them it may still speak.

    `steady` are features that never moved, and their value: when they do, nothing is known of it.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    known: tuple[tuple[float, ...], ...]
    farthest: float
    steady: tuple[tuple[str, float], ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """The features without which nothing can be said of a moment."""
        return (*self.names, *(name for name, _ in self.steady))

    def holds(self, design: Design) -> Mask:
        """The rows that lie inside; one with a NaN does not."""
        inside = np.ones(len(design.values), dtype=np.bool_)
        for name, value in self.steady:
            inside &= np.abs(columns(design, (name,))[:, 0] - value) <= UNMOVED
        if not self.names:
            return inside
        scaled = (columns(design, self.names) - self.mean) / self.spread
        inside &= np.isfinite(scaled).all(axis=1)
        nearest = _distances(scaled[inside], np.asarray(self.known)).min(axis=1)
        inside[inside] = nearest <= self.farthest
        return inside


def learn_experience(names: tuple[str, ...], values: Array) -> Experience:
    """What the rows (of these features, in order of time) held; the hour of the tide always turns, and is left out."""
    told = [column for column, name in enumerate(names) if not name.startswith("hour:")]
    mean, spread = values.mean(axis=0), values.std(axis=0)
    moved = [column for column in told if spread[column] > UNMOVED]
    some = values[:: max(1, -(-len(values) // MOST_KNOWN))][:, moved]
    known = np.round((some - mean[moved]) / spread[moved], DIGITS)
    return Experience(
        names=tuple(names[column] for column in moved),
        mean=tuple(mean[moved].tolist()),
        spread=tuple(spread[moved].tolist()),
        known=tuple(map(tuple, known.tolist())),
        farthest=_farthest(known) if moved else 0.0,
        steady=tuple((names[column], float(mean[column])) for column in told if column not in moved),
    )


def _farthest(known: Array) -> float:
    """The greatest distance of a row from the nearest in another block, beyond the upper whisker none is counted."""
    block = np.arange(len(known)) * BLOCKS // len(known)
    nearest = np.concatenate(
        [_distances(known[block == one], known[block != one]).min(axis=1) for one in np.unique(block)]
    )
    first, third = np.quantile(nearest, [0.25, 0.75])
    return float(nearest[nearest <= third + 1.5 * (third - first)].max())


def _distances(rows: Array, others: Array) -> Array:
    distances: Array = cdist(rows, others)
    return distances
