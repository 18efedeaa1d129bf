"""A rule tried on what was measured, before it counts: what it would have changed, and what it would have been fed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low

from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from sensors.queries import streams_by_code
from sensors.rulebook.hearing import read_spans
from sensors.rulebook.keeping import check_streams
from sensors.rules import STALE_AFTER_INTERVALS, Flag
from sensors.watch.documents import Kind, Rule
from sensors.watch.dry_run import Trial, by_stream, trial, visits
from sensors.watch.interval import Learnt, pace_of
from sensors.watch.signals import Reading
from sensors.watch.state import ChangeKind, Observation

MOST_READINGS = 200_000
MOST_VISITS = 10_000_000.0  # Each costs some 0.2 µs: two seconds of one processor.
MOST_DAYS = 31
TICK_EVERY_S = 60.0  # The watch ticks every few seconds; a minute finds the same changes, at most a minute later.
MOST_TICKS = 50_000
OF_THE_WATER = frozenset({ChangeKind.RAISED, ChangeKind.LOWERED})
MOST_POINTS = 1500
SHORTEST_BREAK = timedelta(minutes=30)


@dataclass(frozen=True)
class Point:
    """What the rule saw at one time, for a picture."""

    at: datetime
    value: float


@dataclass(frozen=True)
class Span:
    """A stretch of time, both ends in it."""

    from_at: datetime
    to_at: datetime


def try_on_record(session: Session, rule: Rule, *, since: datetime, until: datetime) -> tuple[Trial, int]:
    """The rule tried on the stored readings of this time, each gauge at its declared pace; and how many those are.

    Raises InvalidInputError where the time is too long or holds too many readings.
    """
    if not timedelta(0) < until - since <= timedelta(days=MOST_DAYS):
        raise InvalidInputError(f"The field 'until' must lie after 'since', by at most {MOST_DAYS} days.")
    if rule.kind is Kind.FORECAST_CROSSING:
        raise InvalidInputError("The field 'kind': a rule of forecasts cannot be tried on readings.")
    check_streams(session, rule)
    known = streams_by_code(session, rule.inputs)
    paces = {code: pace_of(Learnt(), declared_s=stream.interval_s) for code, stream in known.items()}
    each = MOST_READINGS // len(rule.inputs)
    found = read_spans(session, dict.fromkeys(rule.inputs, (since, until)), most=each + 1)
    if any(len(told) > each for told in found.values()):
        raise InvalidInputError(f"There are more than {MOST_READINGS:,} readings; choose a shorter time.")
    readings = [
        Reading(stream=one.stream, at=one.at, value=one.value, flag=one.flag, pace=paces[one.stream])
        for told in found.values() for one in told
    ]
    return try_on(rule, readings, until=until), len(readings)


def try_on(rule: Rule, readings: Sequence[Reading], *, until: datetime | None = None) -> Trial:
    """The rule tried on these readings, ticked from the first to `until` (or the last).

    Raises InvalidInputError where that would take too long.
    """
    if len(readings) > MOST_READINGS:
        raise InvalidInputError(f"There are more than {MOST_READINGS:,} readings; choose a shorter time.")
    if visits(rule, by_stream(rule, readings)) > MOST_VISITS:
        raise InvalidInputError("The rule looks back too far over too many readings; choose a shorter time.")
    return trial(rule, readings, ticks_of(readings, until=until))


def ticks_of(readings: Sequence[Reading], *, until: datetime | None) -> list[datetime]:
    """A tick a minute from the first reading to `until` (or the last); fewer where that would be too many."""
    if not readings:
        return []
    times = [one.at for one in readings]
    first_at = min(times)
    span_s = ((until or max(times)) - first_at).total_seconds()
    every_s = max(TICK_EVERY_S, span_s / MOST_TICKS)
    return [first_at + timedelta(seconds=every_s * step) for step in range(1, int(span_s // every_s) + 1)]


def heard_spans(told: Trial) -> list[Span]:
    """From when to when the rule heard its streams without a break, oldest first; between and around was silence.

    A break is longer than three of the usual (median) steps between two readings, and than half an hour.
    """
    times = [one.at for one in told.observations if one.flag is not Flag.MISSING]
    steps = [after - before for before, after in pairwise(times) if after > before]
    usual = median_low(steps) if steps else timedelta(0)
    broken_after = max(STALE_AFTER_INTERVALS * usual, SHORTEST_BREAK)
    spans: list[Span] = []
    for at in times:
        if spans and at - spans[-1].to_at <= broken_after:
            spans[-1] = Span(spans[-1].from_at, at)
        else:
            spans.append(Span(at, at))
    return spans


def changes_of_state(told: Trial) -> int:
    """How often the state itself changed: what stands beside the naive crossings."""
    return sum(change.kind in OF_THE_WATER for change in told.changes)


def picture_points(told: Trial) -> list[Point]:
    """At most `MOST_POINTS` of what the rule saw: of each stretch its lowest and its highest, so that peaks stay."""
    seen = [one for one in told.observations if one.value is not None]
    if len(seen) <= MOST_POINTS:
        return [_point(one) for one in seen]
    per_stretch = -(-len(seen) // (MOST_POINTS // 2))
    points = []
    for first in range(0, len(seen), per_stretch):
        stretch = seen[first : first + per_stretch]
        ends = {id(one): one for one in (min(stretch, key=_value), max(stretch, key=_value))}
        points += [_point(one) for one in sorted(ends.values(), key=lambda one: one.at)]
    return points


def _value(seen: Observation) -> float:
    return seen.value if seen.value is not None else 0.0


def _point(seen: Observation) -> Point:
    return Point(at=seen.at, value=_value(seen))
