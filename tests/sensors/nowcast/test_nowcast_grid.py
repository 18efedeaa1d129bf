"""Irregular readings on a regular grid, and features that look back only."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InvalidInputError
from sensors.nowcast.features import design, trailing_mean
from sensors.nowcast.grid import History, Readings, ascending, grid_step_s, history


def readings(*rows: tuple[float, float]) -> Readings:
    return ascending(rows)


@pytest.mark.parametrize(("interval_s", "step_s"), [(890.0, 900.0), (610.0, 600.0), (45.0, 60.0), (9000.0, 3600.0)])
def test_the_step_is_the_usual_one_nearest_to_the_median_interval(interval_s: float, step_s: float) -> None:
    """One long silence does not make the grid coarse."""
    times_s = np.append(np.arange(20) * interval_s, 30 * interval_s)
    assert grid_step_s(times_s) == step_s


def test_one_reading_makes_no_grid() -> None:
    """There is no interval between fewer than two readings."""
    with pytest.raises(InvalidInputError, match="two readings"):
        grid_step_s(np.array([0.0]))


def test_a_gap_longer_than_the_limit_stays_a_gap() -> None:
    """A level is held for the stated time, then it is unknown; nothing is drawn across the gap."""
    grid = history(readings((0.0, 1.0), (600.0, 2.0), (6000.0, 5.0)), step_s=600.0, hold_s=1200.0)
    assert grid.level[:5].tolist() == [1.0, 2.0, 2.0, 2.0, pytest.approx(np.nan, nan_ok=True)]
    assert np.isnan(grid.level[4:10]).all()
    assert grid.level[10] == 5.0
    assert np.flatnonzero(grid.is_measured).tolist() == [0, 1, 10]


def test_a_point_between_two_readings_does_not_know_the_later_one() -> None:
    """A held level is the earlier reading, not a mean of both."""
    grid = history(readings((0.0, 1.0), (1800.0, 4.0)), step_s=600.0, hold_s=3600.0)
    assert grid.level.tolist() == [1.0, 1.0, 1.0, 4.0]


def test_rain_without_a_report_is_unknown_not_dry() -> None:
    """Rain is summed into its step and never held."""
    rain = readings((300.0, 1.0), (600.0, 2.0), (1800.0, 0.0))
    grid = history(readings((0.0, 1.0), (1800.0, 1.0)), rain={"R": rain}, step_s=600.0, hold_s=3600.0)
    assert grid.rain_mm["R"][1] == 3.0
    assert np.isnan(grid.rain_mm["R"][2])
    assert grid.rain_mm["R"][3] == 0.0


def test_a_gauge_without_a_reading_is_nowhere_known() -> None:
    """An upstream gauge that never spoke is NaN throughout."""
    grid = history(readings((0.0, 1.0), (600.0, 1.0)), upstream={"U": readings()}, step_s=600.0)
    assert np.isnan(grid.upstream["U"]).all()


def test_a_change_needs_a_reading_at_both_ends() -> None:
    """A held level is no truth."""
    grid = history(readings((0.0, 1.0), (3600.0, 2.0), (9000.0, 9.0)), step_s=1800.0, hold_s=3600.0)
    assert grid.changes(1.0)[0] == 1.0
    assert np.isnan(grid.changes(1.0)[1:]).all()


def test_series_of_different_lengths_are_refused() -> None:
    """A history is one grid."""
    with pytest.raises(InvalidInputError, match="lengths"):
        History(0.0, 600.0, np.zeros(3), np.ones(3, dtype=bool), rain_mm={"R": np.zeros(2)})


def test_features_look_back_only(river: History) -> None:
    """Whatever comes after an origin, its features are the same."""
    cut = len(river) // 2
    whole = design(river, rain=("R",), upstream=("U",))
    before = design(river.between(0, cut), rain=("R",), upstream=("U",))
    np.testing.assert_array_equal(before.values, whole.values[:cut])


def test_a_mean_needs_its_share() -> None:
    """A mean of too few known points is unknown."""
    series = np.array([1.0, np.nan, np.nan, 3.0])
    assert np.isnan(trailing_mean(series, 4, share=0.75)).all()
    assert trailing_mean(series, 4, share=0.5)[3] == 2.0
