"""What a recipe has learnt, as plain numbers: weights, or trees. Neither needs scikit-learn to speak or to be kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensors.nowcast.features import Design
from sensors.nowcast.grid import Array


@dataclass(frozen=True)
class Linear:
    """change = intercept + features · weights, kept within the changes that were seen in fitting."""

    names: tuple[str, ...]
    weights: tuple[float, ...]
    intercept: float
    least: float
    most: float

    def changes(self, design: Design) -> Array:
        """The expected change from each row on, NaN where a needed feature is NaN."""
        total = self.intercept + columns(design, self.names) @ np.asarray(self.weights, dtype=np.float64)
        bounded: Array = np.clip(total, self.least, self.most)
        return bounded


@dataclass(frozen=True)
class Trees:
    """change = shrink · (base + the sum of one leaf of each tree); all trees' nodes in one list.

    A node sends a row to `left` where its feature is at most `threshold`, else to `right`; a leaf sends it to itself.
    """

    names: tuple[str, ...]
    shrink: float
    base: float
    roots: tuple[int, ...]
    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]
    depth: int

    def changes(self, design: Design) -> Array:
        """The expected change from each row on, NaN where a needed feature is NaN."""
        values = columns(design, self.names)
        feature, threshold = np.asarray(self.feature), np.asarray(self.threshold)
        left, right = np.asarray(self.left), np.asarray(self.right)
        nodes = np.tile(np.asarray(self.roots), (len(values), 1))
        row = np.arange(len(values))[:, None]
        for _ in range(self.depth):
            nodes = np.where(values[row, feature[nodes]] <= threshold[nodes], left[nodes], right[nodes])
        total = self.shrink * (self.base + np.asarray(self.value)[nodes].sum(axis=1))
        return np.where(np.isfinite(values).all(axis=1), total, np.nan)


Predictor = Linear | Trees


def columns(design: Design, names: tuple[str, ...]) -> Array:
    """The named columns of a design, in this order."""
    return design.values[:, [design.names.index(name) for name in names]]
