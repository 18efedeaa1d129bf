"""Why our flag and ioos_qc's differ on a value: the classes of docs/decisions/0021-quality-of-readings.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.series import Floats
from sensors.quality.parameters import Parameters
from sensors.quality.stream import Judgement, Tests

Flags = NDArray[np.uint8]
Bools = NDArray[np.bool_]
FEWEST = 3  # Readings that ioos_qc's flat line needs.


@dataclass(frozen=True)
class Compared:
    """A stretch between two gaps by us and by ioos_qc, prepared, plain, and with its other method for spikes."""

    at_s: Floats
    parameters: Parameters
    told: Sequence[Judgement]
    ours: Mapping[str, Flags]
    prepared: Mapping[str, Flags]
    plain: Mapping[str, Flags]
    spike_differential: Flags

    @cached_property
    def unfit(self) -> Bools:
        """Which values fail on their own or are told twice: neighbours of nothing."""
        return unfit(self.told)

    @cached_property
    def doubted(self) -> Bools:
        """Which values raised RATE or SPIKE."""
        return np.array([bool(one.tests & (Tests.RATE | Tests.SPIKE)) for one in self.told])


def unfit(told: Sequence[Judgement]) -> Bools:
    """Which of them fail on their own or are told twice."""
    absent = Tests.MISSING | Tests.SENTINEL | Tests.REPEATED
    failed = Tests.RANGE | Tests.DATUM | Tests.NOT_FINITE
    return np.array([bool(one.tests & absent or one.failed & failed) for one in told])


def classes_of(one: Compared, theirs: Mapping[str, Flags]) -> dict[str, Counter[str]]:
    """For each test and for the flag, how many values on which the sides differ belong to which class."""
    of_test = {"range": _of_value, "spike": _of_spike, "rate": _of_rate, "flat": _of_flat}
    why: dict[str, dict[int, str]] = {}
    for name, explain in of_test.items():
        differ = np.flatnonzero(one.ours[name] != theirs[name]).tolist()
        why[name] = {index: _of_value(one, index, otherwise=None) or explain(one, index) for index in differ}
    differ = np.flatnonzero(one.ours["flag"] != theirs["flag"]).tolist()
    why["flag"] = {index: _of_flag(why, index) for index in differ}
    return {name: Counter(classes.values()) for name, classes in why.items()}


def _of_flag(why: Mapping[str, Mapping[int, str]], index: int) -> str:
    found = (f"{name}: {classes[index]}" for name, classes in why.items() if index in classes)
    return next(found, "unexplained")


def _of_value(one: Compared, index: int, otherwise: str | None = "unexplained") -> str:
    tests, failed = one.told[index].tests, one.told[index].failed
    if Tests.REPEATED in tests:
        return "told twice: no reading of its own"
    if Tests.SENTINEL in tests:
        return "sentinel: missing, not a value out of range"
    if Tests.NOT_FINITE in failed:
        return "infinite: fails, not missing"
    if failed & (Tests.RANGE | Tests.DATUM):
        return "fails on its own: compared with no neighbour"
    return otherwise or ""


def _of_spike(one: Compared, index: int) -> str:
    before, after = index - 1, min(index + 1, len(one.told) - 1)
    if one.unfit[before] or one.unfit[after]:
        return "beside a value that fails on its own or is told twice"
    if one.ours["spike"][index] == one.spike_differential[index]:
        is_beside = one.ours["spike"][before] > 1 or one.ours["spike"][after] > 1
        return "neighbour of a spike: not blamed" if is_beside else "side of a step or slope: no peak"
    if one.doubted[max(index - 2, 0) : index].any():
        return "beside a doubted value: compared with the neighbour before it"
    return "unexplained"


def _of_rate(one: Compared, index: int) -> str:
    if index == 0:
        return "first after a gap: compared across it, by its time"
    if one.unfit[index - 1]:
        return "after a value that fails on its own or is told twice: compared with the neighbour before it"
    if one.doubted[index - 1] or one.doubted[max(index - 2, 0)]:
        return "after a doubted value: compared with the neighbour before it"
    return "unexplained"


def _of_flat(one: Compared, index: int) -> str:
    at_s, window_s = one.at_s, one.parameters.window_s
    if len(at_s) < FEWEST:
        return "fewer than three readings: ioos_qc calls all of them good"
    steps_s = float(np.median(np.diff(at_s)))
    begin = min(int(np.searchsorted(at_s, at_s[index] - window_s)), index - int(window_s // steps_s))
    window = slice(max(begin - 1, 0), index + 1)
    if one.unfit[window].any():
        return "a value in the window fails on its own or is told twice: passed over"
    if (np.diff(at_s[window]) != steps_s).any():
        return "uneven steps: seconds, not a number of readings"
    return "unexplained"
