"""Real series of gauges and rain, read where they lie beside the project, and the same with faults of known kinds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import SetupError
from core.settings import ROOT
from sensors.records.calder import read_calder
from sensors.records.jakarta import read_jakarta
from sensors.records.rows import Row

SENSORS = ROOT.parent / "shared" / "data" / "sensors"
SENTINEL = -999.0
FEWEST = 200  # Readings of a series: with fewer no test has anything to say.
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """One stream in order of time: epoch seconds and values, metres for a level, millimetres for rain."""

    name: str
    is_rain: bool
    at_s: Floats
    values: Floats


def real_series() -> list[Series]:
    """The Calder's five levels and four rains and Jakarta's gates, each time once.

    Raises SetupError where the records do not lie beside the project.
    """
    if not SENSORS.is_dir():
        raise SetupError("The bench needs past records of gauges: shared/data/sensors beside the project.")
    series = [_calder(path) for path in sorted((SENSORS / "calder_ea").glob("*.csv"))] + _jakarta()
    return [one for one in series if len(one.values) >= FEWEST]


def _calder(path: Path) -> Series:
    rows = read_calder(path).rows
    return _series(rows[0].station, rows, is_rain=rows[0].unit != "m", per_unit=1.0)


def _jakarta() -> list[Series]:
    stations = read_jakarta(SENSORS / "jakarta_bpbd").stations()
    return [_series(name, rows, is_rain=False, per_unit=1000.0) for name, rows in sorted(stations.items())]


def _series(name: str, rows: Sequence[Row], *, is_rain: bool, per_unit: float) -> Series:
    times_s = np.array([row.at.timestamp() for row in rows])
    return Series(name, is_rain, times_s, np.array([row.value / per_unit for row in rows]))


def with_faults(series: Series, rng: np.random.Generator) -> Series:
    """The series with noise, spikes, a step, a stuck stretch, missing stretches, sentinels, NaN, infinity, repeats."""
    count, values = len(series.values), series.values.copy()
    unit = 10.0 if series.is_rain else 1.0
    if rng.random() < 0.5:
        values += rng.normal(0.0, 0.002 * unit, count)
    begin = int(rng.integers(count // 2))
    values[begin:] += rng.uniform(0.6, 1.5) * unit
    begin = int(rng.integers(count - FEWEST // 2))
    values[begin : begin + FEWEST // 2] = values[begin]
    spikes = rng.random(count) < 0.001
    values[spikes] += rng.choice([-1.0, 1.0], spikes.sum()) * rng.uniform(0.2, 6.0, spikes.sum()) * unit
    for fault, share in ((SENTINEL, 0.0003), (np.nan, 0.0005), (np.inf, 0.0001)):
        values[rng.random(count) < share] = fault
    kept = np.ones(count, dtype=bool)
    for begin in rng.integers(count, size=3):
        kept[begin : begin + int(rng.integers(2, 60))] = False
    times = np.where(rng.random(count) < 0.0003, 2, 1)[kept]  # A repeat has the time and the value of its reading.
    return replace(series, at_s=np.repeat(series.at_s[kept], times), values=np.repeat(values[kept], times))


def many_series(count: int, *, seed: int) -> Iterator[Series]:
    """The real series, then the same with faults again and again, until `count` values have been given."""
    rng, real, left = np.random.default_rng(seed), real_series(), count
    yield from real
    left -= sum(len(one.values) for one in real)
    while left > 0:
        for one in real:
            faulty = with_faults(one, rng)
            cut = replace(faulty, at_s=faulty.at_s[: max(left, 0)], values=faulty.values[: max(left, 0)])
            left -= len(cut.values)
            if len(cut.values) >= 3:  # ioos_qc's flat line needs as many.
                yield cut
