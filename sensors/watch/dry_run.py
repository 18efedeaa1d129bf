"""These readings, this rule: these changes. The same evaluators and the same machine as in service."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from sensors.rules import Flag, WaterState
from sensors.watch.documents import Kind, Rule
from sensors.watch.machine import advance, tick
from sensors.watch.signals import (
    ForecastPoint,
    Reading,
    seen_by_witnesses,
    seen_forecast,
    seen_level,
    seen_quorum,
    seen_rain,
    seen_rise,
    seen_silence,
    seen_upstream,
)
from sensors.watch.state import Change, Observation, WatchState


def observe(rule: Rule, readings: Sequence[Reading]) -> Observation:
    """What the rule sees at the newest of these readings, which comes last; earlier ones reach back `rule.window_s`.

    Not for forecasts: those are seen by `observe_forecast`.
    """
    match rule.kind:
        case Kind.LEVEL:
            return seen_level(_with_witnesses(rule, readings), rule.only_limits)
        case Kind.RATE_OF_RISE:
            return seen_rise(readings, rule.only_limits, within_s=rule.within_s)
        case Kind.RAIN_SUM:
            return seen_rain(readings, rule.rain, interval_s=rule.interval_s)
        case Kind.UPSTREAM:
            return seen_upstream(
                readings, rule.only_limits, lag_s=rule.lag_s, change_within_s=rule.change_within_s
            )
        case Kind.QUORUM:
            return seen_quorum(readings, dict(rule.limits), needed=rule.needed, fresh_s=rule.fresh_s)
        case Kind.SILENCE | Kind.FORECAST_CROSSING:
            return seen_silence(readings[-1])


def _with_witnesses(rule: Rule, readings: Sequence[Reading]) -> Reading:
    if not rule.witnesses:
        return readings[-1]
    return replace(readings[-1], second_state=seen_by_witnesses(readings, rule.witnesses))


def observe_forecast(rule: Rule, points: Sequence[ForecastPoint]) -> Observation:
    """What a rule of forecasts sees in the points of one forecast."""
    return seen_forecast(
        points, rule.only_limits, within_h=rule.within_h, least_confidence=rule.least_confidence
    )


@dataclass(frozen=True)
class Trial:
    """What a rule would have done with some readings: what it saw, what it changed, and what no machine would have.

    `naive_crossings` counts how often what the good readings reach changes from one to the next.
    """

    observations: tuple[Observation, ...]
    changes: tuple[Change, ...]
    naive_crossings: int


def dry_run(
    rule: Rule, readings: Sequence[Reading | ForecastPoint], ticks: Sequence[datetime]
) -> list[Change]:
    """The changes that these readings bring under this rule, in event time, whatever order they are given in.

    Of readings of a stream at one moment the first given counts; a tick at the moment of a reading comes after it.
    """
    return list(trial(rule, readings, ticks).changes)


def trial(rule: Rule, readings: Sequence[Reading | ForecastPoint], ticks: Sequence[datetime]) -> Trial:
    """As `dry_run`, with what the rule saw and the naive crossings beside it."""
    observations = tuple(_observations(rule, readings))
    return Trial(observations, tuple(_changes(rule, observations, ticks)), _naive_crossings(observations))


def window(rule: Rule, by_stream: Mapping[str, Sequence[Reading]], newest: Reading) -> list[Reading]:
    """What `observe` needs of the rule's inputs (each in order of time) to see what `newest` says, which comes last."""
    if not rule.window_s:
        return [newest]
    since = newest.at - timedelta(seconds=rule.window_s)
    found: list[Reading] = []
    for stream in rule.inputs:
        known = by_stream.get(stream, ())
        first, last = bisect.bisect_left(known, since, key=_at), bisect.bisect_right(known, newest.at, key=_at)
        found += [one for one in known[first:last] if (one.stream, one.at) != (newest.stream, newest.at)]
    return [*sorted(found, key=_at), newest]


def visits(rule: Rule, by_stream: Mapping[str, Sequence[Reading]]) -> float:
    """About how many readings a trial looks at, one for each window that it is in."""
    known = [one for stream in rule.inputs for one in by_stream.get(stream, ())]
    if not known:
        return 0.0
    span_s = max((max(map(_at, known)) - min(map(_at, known))).total_seconds(), 1.0)
    in_window = max(len(known) * min(rule.window_s / span_s, 1.0), 1.0)
    return sum(len(by_stream.get(stream, ())) for stream in rule.streams) * in_window


def by_stream(rule: Rule, given: Sequence[Reading | ForecastPoint]) -> dict[str, list[Reading]]:
    """The readings of the rule's inputs, each stream's in order of time and one a moment."""
    found: dict[str, dict[datetime, Reading]] = {stream: {} for stream in rule.inputs}
    for one in given:
        if isinstance(one, Reading) and one.stream in found:
            found[one.stream].setdefault(one.at, one)
    return {stream: sorted(readings.values(), key=_at) for stream, readings in found.items()}


def _at(reading: Reading) -> datetime:
    return reading.at


def _changes(rule: Rule, observations: Sequence[Observation], ticks: Sequence[datetime]) -> Iterator[Change]:
    due = sorted(ticks)
    state, ticked = WatchState(), 0
    for observation in observations:
        reached = bisect.bisect_left(due, observation.at)
        for now in due[ticked:reached]:
            state, more = tick(state, now, rule.timing)
            yield from more
        ticked = max(ticked, reached)
        state, more = advance(state, observation, rule.timing)
        yield from more
    for now in due[ticked:]:
        state, more = tick(state, now, rule.timing)
        yield from more


def _naive_crossings(observations: Sequence[Observation]) -> int:
    reached = [one.reached for one in observations if one.flag is Flag.GOOD]
    return sum(before != after for before, after in pairwise([WaterState.NORMAL, *reached]))


def _observations(rule: Rule, given: Sequence[Reading | ForecastPoint]) -> Iterator[Observation]:
    if rule.kind is Kind.FORECAST_CROSSING:
        points = sorted(
            (one for one in given if isinstance(one, ForecastPoint) and one.stream in rule.streams),
            key=lambda one: one.issued_at,
        )
        for _, of_one in groupby(points, key=lambda one: one.issued_at):
            yield observe_forecast(rule, list(of_one))
        return
    known = by_stream(rule, given)
    for newest in sorted((one for stream in rule.streams for one in known[stream]), key=_at):
        yield observe(rule, window(rule, known, newest))
