"""ioos_qc as the oracle of our quality tests: where the two differ, the class of exception is known."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from bench import peers, quality
from bench.exceptions import classes_of
from bench.series import Floats, Series, with_faults

STEP_S, COUNT = 900.0, 3000


@pytest.fixture(scope="module", autouse=True)
def ioos_qc() -> None:
    """The peer is installed."""
    peers.fetch("ioos_qc")


def _times_s(count: int) -> Floats:
    return np.arange(count, dtype=np.float64) * STEP_S


def _water(rng: np.random.Generator) -> Series:
    """A level that wanders, to the millimetre, a reading every quarter of an hour."""
    level_m = np.round(1.0 + np.cumsum(rng.normal(0.0, 0.004, COUNT)), 3)
    return Series("water", is_rain=False, at_s=_times_s(COUNT), values=level_m)


def test_on_clean_water_both_sides_say_the_same() -> None:
    """Without a doubted value each test and the flag are ioos_qc's, value by value."""
    series = _water(np.random.default_rng(1))
    (one,) = quality.compared(series, quality.parameters_of(series))
    assert int((one.ours["flag"] > 1).sum()) > 0
    for name, flags in one.ours.items():
        assert flags.tolist() == one.prepared[name].tolist() == one.plain[name].tolist()


def test_a_lone_spike_is_the_documented_exception() -> None:
    """ioos_qc's own choice blames the spike and both neighbours, ours and its other method the spike alone."""
    values = np.full(50, 1.0) + 0.01 * (np.arange(50) % 3)
    values[20] += 0.9
    series = Series("spike", is_rain=False, at_s=_times_s(50), values=values)
    (one,) = quality.compared(series, quality.parameters_of(_water(np.random.default_rng(1))))
    assert np.flatnonzero(one.ours["spike"] > 1).tolist() == [20]
    assert np.flatnonzero(one.prepared["spike"] > 1).tolist() == [20]
    assert np.flatnonzero(one.plain["spike"] > 1).tolist() == [19, 20, 21]
    assert classes_of(one, one.plain)["spike"] == Counter({"neighbour of a spike: not blamed": 2})


@pytest.mark.parametrize("seed", range(3))
def test_with_faults_every_difference_has_its_class(seed: int) -> None:
    """Spikes, steps, stuck and missing stretches, sentinels, NaN, infinity, repeats: no difference is unexplained."""
    rng = np.random.default_rng(seed)
    series = with_faults(_water(rng), rng)
    stretches = list(quality.compared(series, quality.parameters_of(series)))
    assert sum(len(one.told) for one in stretches) == len(series.values)
    for theirs in ("prepared", "plain"):
        found: Counter[str] = Counter()
        for one in stretches:
            for classes in classes_of(one, getattr(one, theirs)).values():
                found.update(classes)
        assert found["unexplained"] == 0
        assert theirs == "prepared" or found.total() > 0
    same = [one.ours[name] == one.prepared[name] for one in stretches for name in one.ours]
    assert np.concatenate(same).mean() >= 0.99
