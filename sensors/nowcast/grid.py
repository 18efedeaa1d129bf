"""From irregular readings to a regular grid on which nothing knows what comes later.

A grid point takes the newest reading of the step that ends there; where there is none it holds the last value, for a
stated time and no longer. A straight line between two readings would know the later one: a forecast judged on such
points looks better than the same forecast on duty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInputError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
HOUR_S = 3600.0
STEPS_S = (60.0, 120.0, 300.0, 600.0, 900.0, 1200.0, 1800.0, 3600.0)
HOLD_INTERVALS = 3  # As long as a silent datastream is not yet called stale (sensors.rules.STALE_AFTER_INTERVALS).


@dataclass(frozen=True)
class Readings:
    """Trusted readings of one datastream: epoch seconds, ascending, and values in the datastream's unit."""

    times_s: Array
    values: Array


@dataclass(frozen=True)
class History:
    """A gauge's levels on a regular grid, with the rain and the levels upstream that are known at the same times.

    Point i lies at `start_s + i * step_s`. `level` and `upstream` are in their datastreams' units, `rain_mm` is what
    fell in the step that ends at the point. NaN is a gap. `is_measured` tells points with a reading of their own from
    held ones: only these are origins and truths.
    """

    start_s: float
    step_s: float
    level: Array
    is_measured: Mask
    rain_mm: Mapping[str, Array] = field(default_factory=dict)
    upstream: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {len(self.is_measured), *map(len, self.rain_mm.values()), *map(len, self.upstream.values())}
        if lengths != {len(self.level)}:
            raise InvalidInputError("The series of a history have different lengths.")

    def __len__(self) -> int:
        return len(self.level)

    @property
    def times_s(self) -> Array:
        """The epoch second of each point."""
        return self.start_s + self.step_s * np.arange(len(self), dtype=np.float64)

    def steps(self, hours: float) -> int:
        """How many steps these hours are, at least one."""
        return max(1, round(hours * HOUR_S / self.step_s))

    def between(self, first: int, end: int) -> History:
        """The points from `first` up to, not with, `end`; both as in a slice of non-negative numbers."""
        return replace(
            self,
            start_s=self.start_s + first * self.step_s,
            level=self.level[first:end],
            is_measured=self.is_measured[first:end],
            rain_mm={name: series[first:end] for name, series in self.rain_mm.items()},
            upstream={name: series[first:end] for name, series in self.upstream.items()},
        )

    def changes(self, horizon_h: float) -> Array:
        """The change from each point over the horizon; NaN unless a reading of its own stands at both ends."""
        ahead = self.steps(horizon_h)
        measured = np.where(self.is_measured, self.level, np.nan)
        changes = np.full(len(self), np.nan)
        if ahead < len(self):
            changes[:-ahead] = measured[ahead:] - measured[:-ahead]
        return changes


def grid_step_s(times_s: Array) -> float:
    """The step for readings at these ascending times: the usual step nearest to their median interval, in ratio.

    Raises InvalidInputError for fewer than two readings.
    """
    if len(times_s) < 2:
        raise InvalidInputError("A grid needs at least two readings.")
    median_s = max(1.0, float(np.median(np.diff(times_s))))
    return min(STEPS_S, key=lambda step_s: abs(math.log(step_s / median_s)))


def history(
    target: Readings,
    *,
    rain: Mapping[str, Readings] | None = None,
    upstream: Mapping[str, Readings] | None = None,
    step_s: float | None = None,
    hold_s: float | None = None,
    until_s: float | None = None,
) -> History:
    """The readings on one grid, from the target's first reading to `until_s` (nothing: its last reading).

    `step_s`: nothing takes `grid_step_s`. `hold_s`: how old a level may be and still stand at a point, nothing: three
    steps. Rain is never held: what fell in a step without a report is not known, and NaN.
    """
    step_s = step_s or grid_step_s(target.times_s)
    hold_s = HOLD_INTERVALS * step_s if hold_s is None else hold_s
    start_s = math.ceil(float(target.times_s[0]) / step_s) * step_s
    end_s = float(target.times_s[-1]) if until_s is None else until_s
    points_s = start_s + step_s * np.arange(max(0, math.floor((end_s - start_s) / step_s)) + 1, dtype=np.float64)
    level, age_s = _held(target, points_s)
    return History(
        start_s=start_s,
        step_s=step_s,
        level=np.where(age_s <= hold_s, level, np.nan),
        is_measured=age_s < step_s,
        rain_mm={name: _fallen_mm(readings, points_s, step_s) for name, readings in (rain or {}).items()},
        upstream={name: _not_older(readings, points_s, hold_s) for name, readings in (upstream or {}).items()},
    )


def _held(readings: Readings, points_s: Array) -> tuple[Array, Array]:
    newest = np.searchsorted(readings.times_s, points_s, side="right") - 1
    known = newest >= 0
    values = np.where(known, readings.values[np.maximum(newest, 0)], np.nan)
    age_s = np.where(known, points_s - readings.times_s[np.maximum(newest, 0)], np.inf)
    return values, age_s


def _not_older(readings: Readings, points_s: Array, hold_s: float) -> Array:
    if not len(readings.times_s):
        return np.full(len(points_s), np.nan)
    values, age_s = _held(readings, points_s)
    return np.where(age_s <= hold_s, values, np.nan)


def _fallen_mm(readings: Readings, points_s: Array, step_s: float) -> Array:
    point = np.ceil((readings.times_s - points_s[0]) / step_s).astype(np.int64)
    inside = (point >= 0) & (point < len(points_s))
    fallen = np.bincount(point[inside], readings.values[inside], minlength=len(points_s))
    reports = np.bincount(point[inside], minlength=len(points_s))
    return np.where(reports > 0, fallen, np.nan)


def ascending(rows: Sequence[tuple[float, float]]) -> Readings:
    """Readings of (epoch second, value) rows in any order; of two at one time the later row stands, NaN is left out."""
    kept = sorted({time_s: value for time_s, value in rows if math.isfinite(value)}.items())
    return Readings(
        np.array([time_s for time_s, _ in kept], dtype=np.float64),
        np.array([value for _, value in kept], dtype=np.float64),
    )
