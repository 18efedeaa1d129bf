"""A past record of gauges through the watch and then through the alert rules: what residents would have been told.

Each gauge is a zone of its own, as bad as the state of its water says; that severity settles as a zone's does between
pictures of the flood, and the rules decide on it. Pure: the record's own time is the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from alerts.after.desk import Desk, Picture, Told, shown
from alerts.rules import NEWS, Policy
from flood.rules import CALM_INTERVAL, FALL_AFTER, WATCH_INTERVAL, Settled, settle
from sensors.replay.plan import Gate, level_m
from sensors.rules import WaterState
from sensors.watch.signals import Limits
from sensors.watch.state import LEVELS, Change, Condition

ZONE = 1  # The gate's own.


@dataclass(frozen=True)
class Replayed:
    """One gate: how often its raw readings cross each limit upwards, and what residents were told instead."""

    gate: str
    readings: int
    naive_by_level: dict[int, int]
    told: tuple[Told, ...]
    proposed: int
    withdrawn: int
    extended: int

    @property
    def naive(self) -> int:
        """What somebody would be told who is told of every reading that crosses a limit upwards."""
        return sum(self.naive_by_level.values())

    def warnings(self, level: int | None = None) -> int:
        """Alerts and updates, of this level or of all."""
        return sum(one.kind != "all_clear" and level in (None, one.level) for one in self.told)

    def count(self, kind: str) -> int:
        """Messages of this kind: alert, update or all_clear."""
        return sum(one.kind == kind for one in self.told)


def every_level(policy: Policy) -> Policy:
    """The policy as if the city proposed each of its levels to residents, watch as well: like beside like."""
    return replace(policy, levels=tuple(replace(rule, is_proposed=rule.level != NEWS) for rule in policy.levels))


def replayed(gate: Gate, changes: Sequence[Change], *, policy: Policy) -> Replayed:
    """The gate's changes, in time order, as alerts; its readings as naive crossings."""
    desk, told = Desk(), list[Told]()
    for picture in pictures(changes, ends_at=gate.rows[-1].at):
        desk, more = shown(desk, picture, policy=policy)
        told.extend(more)
    return Replayed(
        gate=gate.name, readings=len(gate.rows), naive_by_level=naive_crossings(gate), told=tuple(told),
        proposed=desk.proposed, withdrawn=desk.withdrawn, extended=desk.extended,
    )


def naive_crossings(gate: Gate) -> dict[int, int]:
    """By level: how often a raw reading stands at its limit or above after one below; a record that begins so is one.

    Every reading counts, whatever its quality.
    """
    levels = [level_m(row) for row in gate.rows]
    return {int(level): _crossings(levels, limit) for level, limit in zip(LEVELS, _limits(gate.official), strict=True)}


def _limits(limits: Limits) -> tuple[float | None, float | None, float | None]:
    return limits.watch, limits.warning, limits.danger


def _crossings(levels_m: Sequence[float], limit_m: float | None) -> int:
    if limit_m is None:
        return 0
    reached = [level >= limit_m for level in levels_m]
    return sum(is_up and not was_up for was_up, is_up in zip([False, *reached], reached, strict=False))


def pictures(changes: Sequence[Change], *, ends_at: datetime) -> Iterator[Picture]:
    """The pictures of a zone whose severity is its gauge's state: at every change, and by time as the house draws them.

    By time none is drawn of calm water, of which every picture says the same.
    """
    settled = Settled(severity=0)
    moments = [list(same) for _, same in groupby(changes, key=lambda change: change.at)]
    until = [*(moment[0].at for moment in moments[1:]), ends_at + FALL_AFTER]
    for moment, next_at in zip(moments, until, strict=False):
        newest, at = moment[-1], moment[-1].at
        has_data = newest.condition is Condition.HEARD
        while at < next_at:
            settled = settle(settled, int(newest.to_state), now=at, has_data=has_data)
            yield _picture(settled, at=at, is_water_known=has_data)
            if settled.severity == WaterState.NORMAL:
                break
            at += WATCH_INTERVAL if newest.to_state > WaterState.NORMAL else CALM_INTERVAL


def _picture(settled: Settled, *, at: datetime, is_water_known: bool) -> Picture:
    falling = {} if settled.falling_to is None else {ZONE: settled.falling_to}
    return Picture(
        at=at, severity_by_zone={ZONE: settled.severity}, falling_by_zone=falling, is_water_known=is_water_known
    )
