"""Our changes beside naive crossings of the official limits and beside the official status: found, missed, how late."""

from __future__ import annotations

import bisect
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sensors.replay.plan import Gate, level_m
from sensors.rules import WaterState
from sensors.watch.state import LEVELS, Change, ChangeKind

LEAST_FEWER = 0.40  # The bar: so many fewer first alarms than naive crossings, and no official Siaga 2 or 1 missed.
GRAVE = (WaterState.WARNING, WaterState.DANGER)
STATE_KINDS = frozenset({ChangeKind.RAISED, ChangeKind.LOWERED})
GAUGE_KINDS = frozenset({ChangeKind.LATE, ChangeKind.LOST, ChangeKind.UNTRUSTED, ChangeKind.RETURNED})


@dataclass(frozen=True)
class Episode:
    """A time in which the official status was at a level or above: from its first row to the first row below it."""

    level: WaterState
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True)
class Answer:
    """What we said in an official episode: raised (then how late), told as unconfirmed, or missed.

    `up_min` is how many minutes after the official status ours came, None where ours stood already (`is_standing`) or
    never came; `down_min` how many minutes after the episode's end ours came down.
    """

    episode: Episode
    is_raised: bool
    is_standing: bool
    is_unconfirmed: bool
    up_min: float | None
    down_min: float | None

    @property
    def is_missed(self) -> bool:
        """We said nothing at all of this episode."""
        return not (self.is_raised or self.is_unconfirmed)


@dataclass(frozen=True)
class Compared:
    """One gate: counts of naive crossings and of our changes, and our answer to each official episode."""

    gate: str
    readings: int
    naive_first: int
    naive_all: int
    our_first: int
    told_first: int
    our_all: int
    told_water: int
    told_gauge: int
    answers: tuple[Answer, ...]

    def grave(self) -> list[Answer]:
        """Our answers to the official episodes of Siaga 2 and 1."""
        return [answer for answer in self.answers if answer.episode.level in GRAVE]


def compare(gate: Gate, changes: Sequence[Change]) -> Compared:
    """The gate's record beside our changes, in time order."""
    naive = [gate.official.reached(level_m(row)) for row in gate.rows]
    ups = [change for change in changes if change.kind is ChangeKind.RAISED]
    firsts = [change for change in ups if change.from_state is WaterState.NORMAL]
    return Compared(
        gate=gate.name, readings=len(gate.rows), naive_first=_crossings(naive),
        naive_all=sum(before != after for before, after in zip([WaterState.NORMAL, *naive], naive, strict=False)),
        our_first=len(firsts), told_first=sum(change.is_announced for change in firsts),
        our_all=sum(change.kind in STATE_KINDS for change in changes),
        told_water=sum(change.is_announced and change.kind not in GAUGE_KINDS for change in changes),
        told_gauge=sum(change.is_announced and change.kind in GAUGE_KINDS for change in changes),
        answers=tuple(_answer(episode, changes) for level in LEVELS for episode in episodes(gate, level)),
    )


def episodes(gate: Gate, level: WaterState) -> list[Episode]:
    """The episodes of this official level, in time order; none where the record has no official status."""
    found = []
    start_at: datetime | None = None
    for row in gate.rows:
        is_at_level = row.official is not None and row.official >= level
        if is_at_level and start_at is None:
            start_at = row.at
        if start_at is not None and not is_at_level:
            found.append(Episode(level=level, start_at=start_at, end_at=row.at))
            start_at = None
    if start_at is not None:
        found.append(Episode(level=level, start_at=start_at, end_at=gate.rows[-1].at))
    return found


def median_min(minutes: Sequence[float | None]) -> float | None:
    """The median of what is known, None where nothing is."""
    known = [one for one in minutes if one is not None]
    return statistics.median(known) if known else None


def fewer(naive: int, ours: int) -> float | None:
    """Which share of the naive crossings we spare; None where there was none."""
    return 1 - ours / naive if naive else None


def holds(gates: Sequence[Compared]) -> bool:
    """At least 40 % fewer first alarms than naive crossings (where there were any), and no grave episode missed."""
    spared = fewer(sum(gate.naive_first for gate in gates), sum(gate.our_first for gate in gates))
    return (spared is None or spared >= LEAST_FEWER) and not any(
        answer.is_missed for gate in gates for answer in gate.grave()
    )


def _crossings(states: Sequence[WaterState]) -> int:
    """How often the first limit was passed upwards, reading by reading; a record that begins above it counts one."""
    return sum(
        before is WaterState.NORMAL and after > WaterState.NORMAL
        for before, after in zip([WaterState.NORMAL, *states], states, strict=False)
    )


def _answer(episode: Episode, changes: Sequence[Change]) -> Answer:
    steps = [change for change in changes if change.kind in STATE_KINDS]
    times = [change.at for change in steps]
    first = bisect.bisect_left(times, episode.start_at)
    standing = steps[first - 1].to_state if first else WaterState.NORMAL
    reaching = [step for step in steps[first:] if step.at <= episode.end_at and step.to_state >= episode.level]
    is_standing = standing >= episode.level
    is_raised = is_standing or bool(reaching)
    is_unconfirmed = any(
        change.kind is ChangeKind.UNCONFIRMED and change.to_state >= episode.level
        and episode.start_at <= change.at <= episode.end_at
        for change in changes
    )
    down_at = next((s.at for s in steps if s.at >= episode.end_at and s.to_state < episode.level), None)
    return Answer(
        episode=episode, is_raised=is_raised, is_standing=is_standing, is_unconfirmed=is_unconfirmed,
        up_min=None if is_standing or not reaching else _minutes(episode.start_at, reaching[0].at),
        down_min=None if not is_raised or down_at is None else _minutes(episode.end_at, down_at),
    )


def _minutes(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / 60
