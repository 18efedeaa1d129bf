"""These readings, this rule: these changes. The same evaluators and the same machine as in service."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sensors.watch.documents import Kind, Rule
from sensors.watch.machine import advance, tick
from sensors.watch.signals import (
    ForecastPoint,
    Reading,
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
            return seen_level(readings[-1], rule.only_limits)
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


def observe_forecast(rule: Rule, points: Sequence[ForecastPoint]) -> Observation:
    """What a rule of forecasts sees in the points of one forecast."""
    return seen_forecast(
        points, rule.only_limits, within_h=rule.within_h, least_confidence=rule.least_confidence
    )


def dry_run(
    rule: Rule, readings: Sequence[Reading | ForecastPoint], ticks: Sequence[datetime]
) -> list[Change]:
    """The changes that these readings bring under this rule, in event time, whatever order they are given in.

    Of readings at one moment the first given counts; a tick at the moment of a reading comes after it.
    """
    due = sorted(ticks)
    state, changes, ticked = WatchState(), list[Change](), 0
    for observation in _observations(rule, readings):
        reached = bisect.bisect_left(due, observation.at)
        for now in due[ticked:reached]:
            state, more = tick(state, now, rule.timing)
            changes.extend(more)
        ticked = max(ticked, reached)
        state, more = advance(state, observation, rule.timing)
        changes.extend(more)
    for now in due[ticked:]:
        state, more = tick(state, now, rule.timing)
        changes.extend(more)
    return changes


def _observations(rule: Rule, given: Sequence[Reading | ForecastPoint]) -> Iterator[Observation]:
    if rule.kind is Kind.FORECAST_CROSSING:
        points = sorted(
            (one for one in given if isinstance(one, ForecastPoint) and one.stream in rule.streams),
            key=lambda one: one.issued_at,
        )
        for _, of_one in groupby(points, key=lambda one: one.issued_at):
            yield observe_forecast(rule, list(of_one))
        return
    readings = sorted(
        (one for one in given if isinstance(one, Reading) and one.stream in rule.streams), key=lambda one: one.at
    )
    times = [one.at for one in readings]
    for place, newest in enumerate(readings):
        first = bisect.bisect_left(times, newest.at - timedelta(seconds=rule.window_s))
        last = bisect.bisect_right(times, newest.at) if rule.kind is Kind.QUORUM else place + 1
        yield observe(rule, readings[min(first, place) : last])
