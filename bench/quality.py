"""Quality of 1,000,000 readings, one by one, against ioos_qc over whole series with the same parameters.

Real series and the same with faults of known kinds (`bench.series`). Two comparisons: with ioos_qc *prepared*, given
only values that do not fail on their own, each once, between two gaps, and its spike test "differential"; and with
ioos_qc *plain*, given every value between two gaps, sentinels masked, and its own choice "average". The first has the
bar. In both, each value on which the sides differ belongs to a class that is counted, or is unexplained.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench import peers
from bench.exceptions import Compared, classes_of, unfit
from bench.measure import OURS, Result, WrongWorkError, check, rounded, take_turns
from bench.series import SENTINEL, Floats, Series, many_series
from core.progress import step
from sensors.quality.parameters import Clock, Datum, FlatLine, Parameters, Range, Rate, Spike
from sensors.quality.state import State
from sensors.quality.stream import Judgement, Tests, judge

VALUES, ROUNDS = 1_000_000, 3
DELAY_S = 5.0
WINDOW, ONE_BY_ONE = 30, 100  # ioos_qc for one new value is given the last 30; so many are timed.
HOUR_S = 3600.0
WAYS = ("prepared", "plain")
TESTS = {"range": Tests.RANGE, "spike": Tests.SPIKE, "rate": Tests.RATE, "flat": Tests.FLAT}
BAR = {"ioos_qc one by one": 0.01}
MOST = {"us_per_value": 5.0, "unexplained": 0.0}
LEAST = {f"agreement_{name}": 0.99 for name in (*TESTS, "flag")}
Flags = NDArray[np.uint8]


@dataclass(frozen=True)
class _Work:
    series: Series
    parameters: Parameters
    readings: list[tuple[float, float]]


def measure(*, seed: int) -> Result:
    """All series judged by both sides in turn; the seconds are those of one value."""
    peers.fetch("ioos_qc")
    with step("reading the series"):
        works = [_work(one) for one in many_series(VALUES, seed=seed)]
        count = sum(len(work.readings) for work in works)
        check(count == VALUES, f"there are {count} values.")
    with step("comparing the sides"):
        found = _compared(works)
    with step(f"{count} values") as tell:
        taken = take_turns(
            {
                OURS: _per_value(lambda: [_judge_all(work) for work in works], count),
                "ioos_qc whole series": _per_value(lambda: [_ioos(work) for work in works], count),
                "ioos_qc one by one": _per_value(lambda: _ioos_one_by_one(works[0]), ONE_BY_ONE),
            },
            rounds=ROUNDS,
            tell=tell,
        )
    figures = {"us_per_value": rounded(taken[OURS].typical_s * 1e6), **found.figures}
    facts = {"values": count, "seed": seed, **found.facts}
    beside = {name: timing for name, timing in taken.items() if name != OURS}
    return Result("quality", facts, taken[OURS], beside, BAR, figures=figures, most=MOST, least=LEAST)


def _work(series: Series) -> _Work:
    return _Work(series, parameters_of(series), list(zip(series.at_s.tolist(), series.values.tolist(), strict=True)))


def parameters_of(series: Series) -> Parameters:
    """Every test on. The spans come from the series itself, so that real values lie outside them too."""
    finite = series.values[np.isfinite(series.values) & (series.values != SENTINEL)]
    low, high = (float(one) for one in np.quantile(finite, [0.005, 0.995]))
    unit = 10.0 if series.is_rain else 1.0
    return Parameters(
        version=1,
        range=Range(fail_min=low - unit, fail_max=high + unit, suspect_min=low, suspect_max=high),
        rate=Rate(suspect_per_s=unit / 600, fail_per_s=3 * unit / 600),
        spike=Spike(suspect=0.3 * unit, fail=unit),
        flat_line=FlatLine(tolerance=0.005 * unit, suspect_after_s=6 * HOUR_S, fail_after_s=24 * HOUR_S),
        gap_s=2 * HOUR_S,
        clock=Clock(ahead_suspect_s=300.0, ahead_fail_s=900.0, too_old_s=30 * 24 * HOUR_S),
        datum=Datum(bank=high, bed=low - 1.0, far=1000.0, below_bed=1000.0, above_bank=1000.0),
        sentinels=frozenset({SENTINEL}),
    )


# --- The sides


def _judge_all(work: _Work) -> State:
    state, parameters = State(), work.parameters
    for at_s, value in work.readings:
        judge(state, at_s, value, at_s + DELAY_S, parameters)
    return state


def _told(work: _Work) -> list[Judgement]:
    """What is told of each reading in the end, its revision included."""
    state, told = State(), list[Judgement]()
    index_at: dict[float, int] = {}
    for at_s, value in work.readings:
        judged = judge(state, at_s, value, at_s + DELAY_S, work.parameters)
        if judged.revision is not None:
            told[index_at[judged.revision.at_s]] = Judgement(*judged.revision[1:])
        index_at.setdefault(at_s, len(told))
        told.append(judged)
    return told


def _ioos(work: _Work) -> dict[str, Flags]:
    return _ioos_flags(work.series.values, work.series.at_s, work.parameters, method="average")


def _ioos_flags(values: Floats, at_s: Floats, chosen: Parameters, *, method: str) -> dict[str, Flags]:
    from ioos_qc import qartod

    span, rate, spike, flat = chosen.range, chosen.rate, chosen.spike, chosen.flat_line
    if span is None or rate is None or spike is None or flat is None:
        raise WrongWorkError("Only with every test on do the sides the same.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It divides by the zero between two equal times.
        flags = {
            "range": qartod.gross_range_test(
                values, (span.fail_min, span.fail_max), (span.suspect_min, span.suspect_max)
            ),
            "spike": qartod.spike_test(values, spike.suspect, spike.fail, method=method),
            "rate": qartod.rate_of_change_test(values, at_s, rate.suspect_per_s, rate.fail_per_s),
            "flat": qartod.flat_line_test(values, at_s, flat.suspect_after_s, flat.fail_after_s, flat.tolerance),
        }
        flags["flag"] = qartod.qartod_compare(list(flags.values()))
    return {name: np.ma.filled(one, 9).astype(np.uint8) for name, one in flags.items()}


def _ioos_one_by_one(work: _Work) -> None:
    """What a stream costs by whole-series tests: the last 30 values again for every new one."""
    series = work.series
    for end in range(WINDOW, WINDOW + ONE_BY_ONE):
        window = slice(end - WINDOW, end)
        _ioos_flags(series.values[window], series.at_s[window], work.parameters, method="average")


def _per_value(work: Callable[[], object], count: int) -> Callable[[], float]:
    def turn() -> float:
        began_s = time.perf_counter()
        work()
        return (time.perf_counter() - began_s) / count

    return turn


# --- What the sides say


@dataclass(frozen=True)
class _Found:
    figures: Mapping[str, float]
    facts: Mapping[str, object]


def _compared(works: Sequence[_Work]) -> _Found:
    same, raised = {way: Counter[str]() for way in WAYS}, Counter[str]()
    exceptions = {way: {name: Counter[str]() for name in (*TESTS, "flag")} for way in WAYS}
    for one in (stretch for work in works for stretch in compared(work.series, work.parameters)):
        for way, theirs in (("prepared", one.prepared), ("plain", one.plain)):
            for name, classes in classes_of(one, theirs).items():
                exceptions[way][name].update(classes)
                same[way][name] += int((one.ours[name] == theirs[name]).sum())
                raised[f"{name} {way}"] += int((theirs[name] > 1).sum())
                raised[f"{name} ours and {way}"] += int(((one.ours[name] > 1) & (one.ours[name] == theirs[name])).sum())
        raised.update({f"{name} ours": int((flags > 1).sum()) for name, flags in one.ours.items()})
    count = sum(len(work.readings) for work in works)
    shares = {way: {name: round(hits / count, 5) for name, hits in same[way].items()} for way in WAYS}
    told = {
        way: {name: dict(classes.most_common()) for name, classes in by_test.items()}
        for way, by_test in exceptions.items()
    }
    unexplained = sum(classes["unexplained"] for by_test in exceptions.values() for classes in by_test.values())
    return _Found(
        {**{f"agreement_{name}": share for name, share in shares["prepared"].items()}, "unexplained": unexplained},
        {"raised": dict(sorted(raised.items())), "agreement_plain": shares["plain"], "exceptions": told},
    )


def compared(series: Series, parameters: Parameters) -> Iterator[Compared]:
    """The series by both sides, from gap to gap: 1, 3, 4 or 9 for each test and the flag; no test made counts as 1."""
    told = _told(_Work(series, parameters, list(zip(series.at_s.tolist(), series.values.tolist(), strict=True))))
    gaps = np.flatnonzero(np.diff(series.at_s) > parameters.limits.gap_s) + 1
    for part in np.split(np.arange(len(told)), gaps):
        within = slice(int(part[0]), int(part[-1]) + 1)
        at_s, values = series.at_s[within], series.values[within]
        masked = np.where(values == SENTINEL, np.nan, values)
        differential = _evaluated(_ioos_flags(masked, at_s, parameters, method="differential"))
        fit = ~unfit(told[within])
        yield Compared(
            at_s=at_s,
            parameters=parameters,
            told=told[within],
            ours=_verdicts(told[within]),
            plain=_evaluated(_ioos_flags(masked, at_s, parameters, method="average")),
            spike_differential=differential["spike"],
            prepared=_prepared(masked, at_s, parameters, fit=fit, by_all=differential),
        )


def _prepared(
    values: Floats, at_s: Floats, parameters: Parameters, *, fit: NDArray[np.bool_], by_all: Mapping[str, Flags]
) -> dict[str, Flags]:
    """Of fit values what ioos_qc says of them alone; of the others whether they are missing or out of range."""
    flags = {name: np.where(by_all["range"] == 9, 9, 1).astype(np.uint8) for name in TESTS}
    flags["range"], flags["flag"] = by_all["range"].copy(), by_all["range"].copy()
    if fit.any():
        of_fit = _evaluated(_ioos_flags(values[fit], at_s[fit], parameters, method="differential"))
        for name, of_test in of_fit.items():
            flags[name][fit] = of_test
    return flags


def _evaluated(flags: Mapping[str, Flags]) -> dict[str, Flags]:
    return {name: np.where(one == 2, 1, one).astype(np.uint8) for name, one in flags.items()}


def _verdicts(told: Sequence[Judgement]) -> dict[str, Flags]:
    by_test = {name: [_verdict(one, test) for one in told] for name, test in TESTS.items()}
    by_test["flag"] = [int(one.flag) for one in told]
    return _evaluated({name: np.array(flags, dtype=np.uint8) for name, flags in by_test.items()})


def _verdict(one: Judgement, test: Tests) -> int:
    if one.tests & (Tests.MISSING | Tests.SENTINEL):
        return 9
    return 4 if test in one.failed else 3 if test in one.tests else 1
