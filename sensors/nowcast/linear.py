"""Persistence, the damped trend and ridge regression: the expected change as a weighted sum of features.

Ridge is its closed form (Hoerl and Kennard, Technometrics 12, 1970), five lines of numpy: a fitted model is a list of
weights, which JSON keeps, and whoever predicts with it needs no scikit-learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sensors.nowcast.features import Design
from sensors.nowcast.grid import Array
from sensors.nowcast.predictors import Linear, Predictor

# How much of the scaled features' variance the penalty is; 0.01 to 1 was measured in 0023.
PENALTIES = (0.03, 0.1, 0.3, 1.0)
INNER_SHARE = 0.6  # A recipe settles its own choices on the later 40 % of its rows, fitted on the earlier 60 %.
TREND_WINDOWS_H = (1.0, 3.0)
KEPT_PER_H = (0.02, 0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 0.97)


@dataclass(frozen=True)
class Rows:
    """What a recipe learns from: whole rows of features in order of time, and the change over the horizon.

    `gap` rows lie between an origin and its truth at most: so many are left out before any later row is judged.
    """

    names: tuple[str, ...]
    values: Array
    changes: Array
    horizon_h: float
    gap: int

    def __len__(self) -> int:
        return len(self.changes)

    def earlier(self, row: int) -> Rows:
        """The rows whose truth was known at this row."""
        end = max(0, row - self.gap)
        return Rows(self.names, self.values[:end], self.changes[:end], self.horizon_h, self.gap)

    def later(self, row: int) -> Rows:
        """The rows from this one on."""
        return Rows(self.names, self.values[row:], self.changes[row:], self.horizon_h, self.gap)

    def only(self, names: tuple[str, ...]) -> Rows:
        """The same rows with these features alone."""
        values = self.values[:, [self.names.index(name) for name in names]]
        return Rows(names, values, self.changes, self.horizon_h, self.gap)


Recipe = Callable[[Rows], Predictor]


def persistence(rows: Rows) -> Linear:
    """The level stays as it is."""
    return Linear((), (), 0.0, 0.0, 0.0)


def damped_trend(rows: Rows) -> Linear:
    """The slope of the last hours goes on and fades: of the window and the fading, what errs least on the rows.

    With the share k of a slope kept per hour the change over h hours is slope · (1 - k^h) / -ln k, the continuous form
    of the damped trend (Gardner and McKenzie, Management Science 31, 1985).
    """
    tried = [
        (f"level:-{window_h:g}h", _faded_h(rows.horizon_h, kept) / window_h)
        for window_h in TREND_WINDOWS_H
        for kept in KEPT_PER_H
    ]
    name, weight = min(tried, key=lambda one: _mean_square(rows.only((one[0],)).values[:, 0] * one[1] - rows.changes))
    return Linear((name,), (weight,), 0.0, float(rows.changes.min()), float(rows.changes.max()))


def _faded_h(horizon_h: float, kept: float) -> float:
    return (1.0 - math.pow(kept, horizon_h)) / -math.log(kept)


def ridge(rows: Rows) -> Linear:
    """Ridge on the features, with or without the hour of the tide, whichever penalty errs least on later rows.

    The change is shrunk by what the later rows say of it: a model that says nothing becomes persistence, and so errs
    no more than persistence does.
    """
    cut = round(INNER_SHARE * len(rows))
    early, late = rows.earlier(cut), rows.later(cut)
    without = tuple(name for name in rows.names if not name.startswith("hour:"))
    tried = [(names, penalty) for names in (rows.names, without) for penalty in PENALTIES]
    seen = Design(late.names, late.values)
    said = [_solved(early.only(names), penalty, 1.0).changes(seen) for names, penalty in tried]
    shrinks = [shrinkage(said_changes, late.changes) for said_changes in said]
    errors = [_mean_square(shrink * one - late.changes) for shrink, one in zip(shrinks, said, strict=True)]
    best = int(np.argmin(errors))
    names, penalty = tried[best]
    return _solved(rows.only(names), penalty, shrinks[best])


def shrinkage(said: Array, true: Array) -> float:
    """The factor in 0..1 by which the said changes err least in the square."""
    power = float(said @ said)
    return min(1.0, max(0.0, float(said @ true) / power)) if power > 0.0 else 0.0


def _solved(rows: Rows, penalty: float, shrink: float) -> Linear:
    mean, spread = rows.values.mean(axis=0), rows.values.std(axis=0)
    spread = np.where(spread > 1e-9, spread, np.inf)  # A feature that never changed has no say.
    scaled = (rows.values - mean) / spread
    square = scaled.T @ scaled + penalty * len(rows) * np.eye(scaled.shape[1])
    weights = shrink * np.linalg.solve(square, scaled.T @ rows.changes) / spread
    return Linear(
        names=rows.names,
        weights=tuple(weights.tolist()),
        intercept=-float(mean @ weights),
        least=float(rows.changes.min()),
        most=float(rows.changes.max()),
    )


def _mean_square(errors: Array) -> float:
    return float(np.mean(errors**2))
