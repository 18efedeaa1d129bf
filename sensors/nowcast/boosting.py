"""Gradient boosting of the change, by scikit-learn; the only file of the nowcast that imports it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from sensors.nowcast.features import Design
from sensors.nowcast.grid import Array
from sensors.nowcast.linear import INNER_SHARE, Rows, columns, shrinkage

SEED = 2569
# Small trees: a gauge has seen few floods, and a leaf of 40 origins is half a day at 15 minutes.
SETTINGS = {"max_iter": 80, "learning_rate": 0.06, "max_leaf_nodes": 8, "min_samples_leaf": 40, "l2_regularization": 5.0}


@dataclass(frozen=True)
class Boosted:
    """The change that small trees expect, shrunk by what rows later than their fitting said of them."""

    names: tuple[str, ...]
    estimator: HistGradientBoostingRegressor
    shrink: float

    def changes(self, design: Design) -> Array:
        """The expected change from each row on, NaN where a needed feature is NaN."""
        values = columns(design, self.names)
        whole = np.isfinite(values).all(axis=1)
        changes = np.full(len(values), np.nan)
        if whole.any():
            changes[whole] = self.shrink * self.estimator.predict(values[whole])
        return changes


def boosting(rows: Rows) -> Boosted:
    """Trees on all features; the same rows always give the same trees."""
    cut = round(INNER_SHARE * len(rows))
    late = rows.later(cut)
    shrink = shrinkage(_grown(rows.earlier(cut)).predict(late.values), late.changes)
    return Boosted(rows.names, _grown(rows), shrink)


def _grown(rows: Rows) -> HistGradientBoostingRegressor:
    trees = HistGradientBoostingRegressor(**SETTINGS, early_stopping=False, random_state=SEED)
    return trees.fit(rows.values, rows.changes)
