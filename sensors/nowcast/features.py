"""What a forecaster sees at an origin: differences of the level, rain that fell, levels upstream, the hour of the tide.

A feature knows nothing later than its origin, and a row that has a NaN is never used, in fitting or on duty: who has no
rain today falls to the model without rain (`fitted`), not to a guess of the rain.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sensors.nowcast.grid import HOUR_S, Array, History, Mask

LAGS_H = (0.5, 1.0, 2.0, 3.0, 6.0)
MEAN_H, MEAN_SHARE = 24.0, 0.5  # The mean of a day is known where half of the day is.
RAIN_WINDOWS_H = ((0.0, 1.0), (1.0, 3.0), (3.0, 6.0), (6.0, 12.0))
RAIN_SHARE = 0.9  # A sum of rain is known where 90 % of its steps are; it is scaled up to the whole window.
UPSTREAM_LAGS_H = (1.0, 3.0)
# The sun's and the moon's half days and days, hours: S2, M2, K1, O1 (NOAA CO-OPS, harmonic constituents).
TIDES_H = (12.0, 12.4206, 23.9345, 25.8193)


@dataclass(frozen=True)
class Design:
    """One row per grid point, one named column per feature. `group:detail` names a column, the group its source."""

    names: tuple[str, ...]
    values: Array

    @property
    def is_whole(self) -> Mask:
        """The rows without a NaN."""
        whole: Mask = np.asarray(np.isfinite(self.values).all(axis=1))
        return whole

    def rows(self, first: int, end: int) -> Design:
        """The rows from `first` up to, not with, `end`."""
        return Design(self.names, self.values[first:end])


def design(history: History, *, rain: tuple[str, ...] = (), upstream: tuple[str, ...] = ()) -> Design:
    """The features at every point: of the level, of the named rain gauges (their mean) and the named gauges above."""
    columns = {**_own(history), **_tide(history)}
    if rain:
        columns |= _rain(history, rain)
    for name in upstream:
        columns |= _above(history, name)
    return Design(tuple(columns), np.column_stack(list(columns.values())))


def slope_per_h(history: History, window_h: float) -> Array:
    """The mean change per hour over the window that ends at each point."""
    return (history.level - lagged(history.level, history.steps(window_h))) / window_h


def lagged(series: Array, steps: int) -> Array:
    """The series as it was `steps` earlier; NaN before its beginning."""
    moved = np.full(len(series), np.nan)
    if steps < len(series):
        moved[steps:] = series[: len(series) - steps]
    return moved


def trailing_mean(series: Array, steps: int, *, share: float) -> Array:
    """The mean of the last `steps` points, this one with them; NaN where less than `share` of them is known."""
    known = np.isfinite(series)
    total = _trailing_sum(np.where(known, series, 0.0), steps)
    number = _trailing_sum(known.astype(np.float64), steps)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number >= share * steps, total / number, np.nan)


def _trailing_sum(series: Array, steps: int) -> Array:
    summed = np.concatenate([[0.0], np.cumsum(series)])
    ends = np.arange(1, len(series) + 1)
    total: Array = summed[ends] - summed[np.maximum(ends - steps, 0)]
    return total


def _own(history: History) -> dict[str, Array]:
    level = history.level
    columns = {"level:now": level, "level:step": level - lagged(level, 1)}
    columns |= {f"level:-{lag_h:g}h": level - lagged(level, history.steps(lag_h)) for lag_h in LAGS_H}
    mean = trailing_mean(level, history.steps(MEAN_H), share=MEAN_SHARE)
    return columns | {f"level:-mean{MEAN_H:g}h": level - mean}


def _tide(history: History) -> dict[str, Array]:
    turns = {period_h: 2.0 * np.pi * history.times_s / (period_h * HOUR_S) for period_h in TIDES_H}
    return {
        f"hour:{wave}{period_h:g}h": function(turn)
        for period_h, turn in turns.items()
        for wave, function in (("sin", np.sin), ("cos", np.cos))
    }


def mean_rain_mm(series: Mapping[str, Array], names: tuple[str, ...]) -> Array:
    """What fell in each step, as the mean of the named gauges that reported; NaN where none did."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # "Mean of empty slice" is what NaN says here.
        mean: Array = np.nanmean(np.vstack([series[name] for name in names]), axis=0)
    return mean


def _rain(history: History, names: tuple[str, ...]) -> dict[str, Array]:
    fallen_mm = mean_rain_mm(history.rain_mm, names)
    columns = {}
    for newest_h, oldest_h in RAIN_WINDOWS_H:
        steps = history.steps(oldest_h - newest_h)
        mean = trailing_mean(fallen_mm, steps, share=RAIN_SHARE)
        columns[f"rain:{newest_h:g}-{oldest_h:g}h"] = lagged(mean, round(newest_h * HOUR_S / history.step_s)) * steps
    return columns


def _above(history: History, name: str) -> dict[str, Array]:
    level = history.upstream[name]
    columns = {f"upstream:{name}:now": level}
    for lag_h in UPSTREAM_LAGS_H:
        columns[f"upstream:{name}:-{lag_h:g}h"] = level - lagged(level, history.steps(lag_h))
    return columns
