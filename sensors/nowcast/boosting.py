"""Gradient boosting of the change, by scikit-learn; the only file of the nowcast that imports it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from sensors.nowcast.linear import INNER_SHARE, Rows, shrinkage
from sensors.nowcast.predictors import Trees

SEED = 2569
# Small trees: a gauge has seen few floods, and a leaf of 40 origins is half a day at 15 minutes.
SETTINGS = {
    "max_iter": 80,
    "learning_rate": 0.06,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 40,
    "l2_regularization": 5.0,
}


def boosting(rows: Rows) -> Trees:
    """Trees on all features, shrunk by what later rows say of trees of the earlier; same rows, same trees."""
    cut = round(INNER_SHARE * len(rows))
    late = rows.later(cut)
    shrink = shrinkage(_grown(rows.earlier(cut)).predict(late.values), late.changes)
    return _as_trees(_grown(rows), names=rows.names, shrink=shrink)


def _grown(rows: Rows) -> Any:
    trees = HistGradientBoostingRegressor(**SETTINGS, early_stopping=False, random_state=SEED)
    return trees.fit(rows.values, rows.changes)


def _as_trees(grown: Any, *, names: tuple[str, ...], shrink: float) -> Trees:
    """The nodes as plain numbers. scikit-learn has no public way to them; a test compares the two predictions."""
    forest = [one[0].nodes for one in grown._predictors]
    starts = np.cumsum([0, *map(len, forest)])[:-1]
    nodes = np.concatenate(forest)
    own = np.arange(len(nodes))
    start = np.repeat(starts, [len(tree) for tree in forest])
    is_leaf = nodes["is_leaf"].astype(bool)
    return Trees(
        names=names,
        shrink=shrink,
        base=float(np.ravel(grown._baseline_prediction)[0]),
        roots=_integers(starts),
        feature=_integers(np.where(is_leaf, 0, nodes["feature_idx"])),
        threshold=tuple(np.nan_to_num(np.where(is_leaf, 0.0, nodes["num_threshold"])).tolist()),
        left=_integers(np.where(is_leaf, own, start + nodes["left"])),
        right=_integers(np.where(is_leaf, own, start + nodes["right"])),
        value=tuple(np.where(is_leaf, nodes["value"], 0.0).tolist()),
        depth=int(nodes["depth"].max()),
    )


def _integers(numbers: NDArray[Any]) -> tuple[int, ...]:
    return tuple(int(number) for number in numbers)
