"""Water at a gauge, written as levels by the minute, played through quality, watch, settling and the alert rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from alerts import policy
from alerts.replaying import Replayed, every_level, replayed
from sensors.records.rows import Record, Row
from sensors.replay.plan import Gate, gates
from sensors.replay.run import played
from sensors.rules import WaterState
from sensors.watch.documents import CANAL_DEAD_BAND_M
from sensors.watch.signals import Limits
from sensors.watch.state import Timing
from tests.sensors.watch.water import START

LIMITS = Limits(watch=2.0, warning=3.0, danger=4.0)
CALM_M = 1.2
POLICY = every_level(policy.shipped())


def gate_of(levels: Iterable[tuple[float, float]]) -> Gate:
    """A gate with the limits 2, 3 and 4 m and these (minute, level in metres)."""
    rows = tuple(
        Row(
            station="gate", at=START + timedelta(minutes=minute), value=level_m, unit="m",
            official=LIMITS.reached(level_m),
        )
        for minute, level_m in levels
    )
    record = Record(rows=rows, bad=(), lines=len(rows), repeats=0, conflicts=())
    (gate,) = gates(record, [], timing=Timing())
    rule = replace(
        gate.rule, limits={"gate": replace(LIMITS, dead_band=CANAL_DEAD_BAND_M)},
        timing=replace(gate.rule.timing, top=WaterState.DANGER),
    )
    return replace(gate, official=LIMITS, rule=rule)


def told_of(levels: Iterable[tuple[float, float]]) -> Replayed:
    """What residents of the gate's zone are told."""
    gate = gate_of(levels)
    changes = [change for moment in played([gate]) for change in moment.changes]
    return replayed(gate, changes, policy=POLICY)
