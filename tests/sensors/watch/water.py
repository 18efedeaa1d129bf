"""Readings and ticks written as minutes and levels, so that a test reads like the water it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sensors.rules import Flag, WaterState
from sensors.watch.machine import advance, tick
from sensors.watch.signals import Limits, Reading, seen_level
from sensors.watch.state import Change, ChangeKind, Observation, Pace, Timing, WatchState

START = datetime(2026, 11, 25, tzinfo=UTC)
LIMITS = Limits(watch=2.0, warning=3.0, danger=4.0, dead_band=0.10)
TEN_MIN = Pace(interval_s=600.0, late_after_s=1800.0, lost_after_s=3600.0)


def at(minute: float) -> datetime:
    """The moment so many minutes after the start."""
    return START + timedelta(minutes=minute)


def seen(
    minute: float, level: float | None, *, flag: Flag = Flag.GOOD, second: WaterState | None = None,
    pace: Pace | None = TEN_MIN,
) -> Observation:
    """A level at a minute against the limits 2, 3 and 4 m with a dead band of 10 cm."""
    return seen_level(
        Reading(stream="g", at=at(minute), value=level, flag=flag, second_state=second, pace=pace), LIMITS
    )


def follow(
    given: Sequence[Observation | float], rule: Timing | None = None, *, state: WatchState | None = None
) -> tuple[WatchState, list[Change]]:
    """The state and all changes after observations and ticks (a bare number is a tick at that minute)."""
    state, changes = state or WatchState(), list[Change]()
    for one in given:
        if isinstance(one, Observation):
            state, more = advance(state, one, rule or Timing())
        else:
            state, more = tick(state, at(one), rule or Timing())
        changes.extend(more)
    return state, changes


def kinds(changes: Sequence[Change]) -> list[ChangeKind]:
    """What changed, in order."""
    return [change.kind for change in changes]


def told(changes: Sequence[Change]) -> list[ChangeKind]:
    """What is told, in order."""
    return [change.kind for change in changes if change.is_announced]
