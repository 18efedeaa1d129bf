"""A past record in event time: every reading through quality, interval learning and its gate's rule, ticks between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sensors.quality.parameters import Parameters
from sensors.quality.state import State
from sensors.quality.stream import judge
from sensors.records.rows import Row
from sensors.replay.plan import Gate, level_m, quality_of
from sensors.watch.dry_run import observe
from sensors.watch.interval import Learnt, learn, pace_of
from sensors.watch.machine import advance, tick
from sensors.watch.signals import Reading
from sensors.watch.state import Change, WatchState

# Floods of a street last 45 min in the middle (docs/decisions/0022), so rules are looked at every 5 min.
TICK = timedelta(minutes=5)


@dataclass(frozen=True)
class Moment:
    """Something happened at event time `at` at a gate: its changes, which may be none."""

    at: datetime
    gate: str
    changes: tuple[Change, ...]


def played(gates: Sequence[Gate]) -> Iterator[Moment]:
    """Each reading and each tick of all gates in event time; a tick comes after the readings of its moment."""
    rows = sorted(((row, gate) for gate in gates for row in gate.rows), key=lambda one: one[0].at)
    if not rows:
        return
    states = {gate.name: (WatchState(), Learnt()) for gate in gates}
    quality = {gate.name: (State(), quality_of(gate)) for gate in gates}
    due_at = rows[0][0].at + TICK
    for row, gate in rows:
        while due_at < row.at:
            yield from _ticked(gates, states, due_at)
            due_at += TICK
        state, learnt = states[gate.name]
        learnt = learn(learnt, observed_at=row.at, received_at=row.at)
        reading = _reading(row, learnt, *quality[gate.name])
        state, changes = advance(state, observe(gate.rule, [reading]), gate.rule.timing)
        states[gate.name] = (state, learnt)
        yield Moment(at=row.at, gate=gate.name, changes=changes)


def _reading(row: Row, learnt: Learnt, state: State, parameters: Parameters) -> Reading:
    """The reading as the watch hears it: with the flag that it has when it comes, before its successor is known."""
    at_s, level = row.at.timestamp(), level_m(row)
    worth = judge(state, at_s, level, at_s, parameters)
    return Reading(stream=row.station, at=row.at, value=level, flag=worth.flag, pace=pace_of(learnt, declared_s=None))


def _ticked(
    gates: Sequence[Gate], states: dict[str, tuple[WatchState, Learnt]], now: datetime
) -> Iterator[Moment]:
    for gate in gates:
        state, learnt = states[gate.name]
        if state.observed_at is None:
            continue  # The record of this gate has not begun: that is no silence.
        state, changes = tick(state, now, gate.rule.timing)
        states[gate.name] = (state, learnt)
        if changes:
            yield Moment(at=now, gate=gate.name, changes=changes)
