"""How far a forecast may be off: conformal intervals that learn from every error of what was shown, once it is known.

A score is an error divided by the error that is usual at this activity of the water and this expected change. The band
at an origin runs between two quantiles of the newest scores (split-conformal prediction, Vovk et al. 2005), and each
tail's quantile moves after every error: outwards by a little when the truth lay beyond, inwards by much less when not
(adaptive conformal inference, Gibbs and Candes 2021). Why this one of 16 that were measured: 0023.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from sensors.nowcast.features import lagged, trailing_mean
from sensors.nowcast.forecast import Band
from sensors.nowcast.grid import Array, History, Mask

NOMINALS = (0.8, 0.9)
NEWEST_SCORES = 500
PACE = 0.01  # How far a tail moves after an error, as in Gibbs and Candes (gamma).
STRETCH = 2.0  # Beyond the widest score a band grows by this share of its width per unit of tail.
TAIL_MOST = 0.5
ACTIVITY_H, ACTIVITY_SHARE = 3.0, 0.3
FLOOR_SHARE = 0.2  # The usual error is never taken smaller than this share of the mean error.
LEAST_BEGUN, MOST_BEGUN = 40, 60  # How many scores a fit begins with: fewer are too narrow, more too old (0023).
SEED_SHARE = 1 / 3  # The earliest scores only fill the pool, the later ones move the tails too.


@dataclass(frozen=True)
class Scale:
    """The usual error = base + per_activity · activity + per_change · |expected change|, never below `floor`."""

    base: float
    per_activity: float
    per_change: float
    floor: float
    usual_activity: float

    def errors(self, said: Array, activity: Array) -> Array:
        """The usual error of each said change; unknown activity counts as the usual one."""
        known = np.where(np.isfinite(activity), activity, self.usual_activity)
        usual: Array = np.maximum(self.floor, self.base + self.per_activity * known + self.per_change * np.abs(said))
        return usual


@dataclass(frozen=True)
class Doubt:
    """What is known of a model's errors up to `until_s`: their scale, the newest scores, the tails of each nominal."""

    scale: Scale
    scores: tuple[float, ...]
    tails: tuple[tuple[float, float], ...]
    until_s: float


@dataclass(frozen=True)
class Said:
    """What a model said at ascending origins, and what came: NaN where it is not known.

    What it said where not `is_inside` its experience is never shown, and nothing is learnt from it.
    """

    times_s: Array
    changes: Array
    true: Array
    activity: Array
    is_inside: Mask
    horizon_s: float

    def where(self, chosen: Mask | NDArray[np.intp] | slice) -> Said:
        """The chosen origins."""
        return Said(
            times_s=self.times_s[chosen],
            changes=self.changes[chosen],
            true=self.true[chosen],
            activity=self.activity[chosen],
            is_inside=self.is_inside[chosen],
            horizon_s=self.horizon_s,
        )


def activity(history: History) -> Array:
    """How much the level moved per step over the last hours, at each point."""
    moved = np.abs(history.level - lagged(history.level, 1))
    return trailing_mean(moved, history.steps(ACTIVITY_H), share=ACTIVITY_SHARE)


def learn_doubt(said: Said) -> Doubt:
    """What these forecasts, made by a model that had not seen their truths, tell of the model's errors.

    All of them tell the scale; the scores are those of the newest moments inside its experience, as what is shown later
    is inside. Where too few are, nothing is known of the inside alone, and the newest of all count.
    """
    scale = _scale(said, np.abs(said.true - said.changes))
    counted = said.is_inside if said.is_inside.sum() >= LEAST_BEGUN else np.ones(len(said.times_s), dtype=np.bool_)
    counts = said.where(np.flatnonzero(counted)[-MOST_BEGUN:])
    seeds = max(1, round(SEED_SHARE * len(counts.times_s)))
    first = counts.where(slice(0, seeds))
    scores = (first.true - first.changes) / scale.errors(first.changes, first.activity)
    tails = tuple(((1.0 - nominal) / 2.0,) * 2 for nominal in NOMINALS)
    begun = Doubt(scale, tuple(scores.tolist()), tails, float(first.times_s[-1]))
    rest = counts.where(slice(seeds, None))
    _, learnt = bands_along(begun, replace(rest, is_inside=np.ones(len(rest.times_s), dtype=np.bool_)))
    return replace(learnt, until_s=float(said.times_s[-1]) + said.horizon_s)


def _scale(said: Said, errors: Array) -> Scale:
    usual = float(np.nanmedian(said.activity)) if np.isfinite(said.activity).any() else 0.0
    known = np.where(np.isfinite(said.activity), said.activity, usual)
    columns = np.column_stack([np.ones(len(errors)), known, np.abs(said.changes)])
    spread = np.where(columns.std(axis=0) > 0.0, columns.std(axis=0), 1.0)
    weights, _ = nnls(columns / spread, errors)
    base, per_activity, per_change = (weights / spread).tolist()
    mean = float(errors.mean())
    floor = FLOOR_SHARE * mean if mean > 0.0 else 1.0  # Errors of nought have scores of nought, whatever the scale.
    return Scale(base, per_activity, per_change, floor, usual)


def bands_along(doubt: Doubt, said: Said) -> tuple[Array, Doubt]:
    """The bands at each origin and what is known afterwards; an error counts once its horizon is over, not before.

    The bands are an array of (origin, nominal, low and high), as changes from the origin's level.
    """
    walk = _Walk(doubt)
    usual = doubt.scale.errors(said.changes, said.activity)
    scores = ((said.true - said.changes) / usual).tolist()
    due_s, times_s = (said.times_s + said.horizon_s).tolist(), said.times_s.tolist()
    ends = np.empty((len(scores), len(NOMINALS), 2))
    given: list[list[tuple[float, float]]] = []
    known = 0
    for origin, time_s in enumerate(times_s):
        while known < origin and due_s[known] <= time_s:
            if said.is_inside[known]:
                walk.learn(scores[known], given[known])
            known += 1
        given.append(walk.bands())
        ends[origin] = given[-1]
    return said.changes[:, None, None] + ends * usual[:, None, None], walk.doubt(doubt)


class _Walk:
    def __init__(self, doubt: Doubt) -> None:
        self._scores = list(doubt.scores)
        self._ranked = sorted(self._scores)
        self._tails = [list(tails) for tails in doubt.tails]

    def bands(self) -> list[tuple[float, float]]:
        """The scores between which each nominal lies, wider ones around narrower ones, the expected level inside."""
        low, high, bands = 0.0, 0.0, []
        for below, above in self._tails:
            first, last = _quantile(self._ranked, max(below, 0.0)), _quantile(self._ranked, 1.0 - max(above, 0.0))
            width = last - first
            low = min(low, first - STRETCH * max(-below, 0.0) * width)
            high = max(high, last + STRETCH * max(-above, 0.0) * width)
            bands.append((low, high))
        return bands

    def learn(self, score: float, given: Sequence[tuple[float, float]]) -> None:
        """The tails have moved by this error and the newest scores hold it."""
        if not math.isfinite(score):
            return
        for tails, nominal, (low, high) in zip(self._tails, NOMINALS, given, strict=True):
            wanted = (1.0 - nominal) / 2.0
            tails[0] = _bounded(tails[0] + PACE * (wanted - (score < low)))
            tails[1] = _bounded(tails[1] + PACE * (wanted - (score > high)))
        self._scores.append(score)
        bisect.insort(self._ranked, score)
        if len(self._scores) > NEWEST_SCORES:
            del self._ranked[bisect.bisect_left(self._ranked, self._scores.pop(0))]

    def doubt(self, begun: Doubt) -> Doubt:
        tails = tuple((below, above) for below, above in self._tails)
        return replace(begun, scores=tuple(self._scores), tails=tails)


def _bounded(tail: float) -> float:
    return min(TAIL_MOST, max(-TAIL_MOST, tail))


def _quantile(ranked: Sequence[float], share: float) -> float:
    place = share * (len(ranked) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (place - low) * (ranked[high] - ranked[low])


def as_bands(ends: Array, *, level: float) -> tuple[Band, ...]:
    """The bands of one origin, in levels."""
    return tuple(
        Band(nominal, level + float(low), level + float(high))
        for nominal, (low, high) in zip(NOMINALS, ends, strict=True)
    )
