"""The watch over the gauges of a batch, and over all of them as time goes by: states kept, changes told once."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy.orm import Session

from core import clock, events
from sensors import batches
from sensors.events import GaugeConditionChanged, LevelStateChanged
from sensors.judging import Row
from sensors.memory import Memory, memory_of
from sensors.models import LevelStateChange
from sensors.queries import Stream, streams_by_code, watched_streams
from sensors.rulebook import following
from sensors.rulebook.book import Rulebook, current_book
from sensors.rulebook.following import HeardNow
from sensors.rulebook.hearing import Need, hear
from sensors.rulebook.standing import has_only_aged
from sensors.rules import Thresholds
from sensors.watch.documents import Rule, level_rule
from sensors.watch.dry_run import observe, window
from sensors.watch.interval import learn, pace_of
from sensors.watch.machine import advance, tick
from sensors.watch.signals import Limits, Reading
from sensors.watch.state import Change, ChangeKind, Pace, WatchState

OF_THE_WATER = frozenset({ChangeKind.RAISED, ChangeKind.LOWERED})
OF_THE_GAUGE = frozenset({ChangeKind.LATE, ChangeKind.LOST, ChangeKind.UNTRUSTED, ChangeKind.RETURNED})


@dataclass(frozen=True)
class _Told:
    """A change at a gauge, and the real time at which what caused it arrived."""

    stream: Stream
    rule: Rule
    change: Change
    received_wall_at: datetime


def follow(
    session: Session, rows: Sequence[Row], streams: dict[int, Stream], memories: dict[int, Memory]
) -> None:
    """The watch has heard these new readings, which are in the order of datastream and time; their pace is learnt."""
    book = current_book(session)
    own = {one: list(of_stream) for one, of_stream in groupby(rows, key=lambda row: row.datastream_id)}
    past = _heard_by_witnesses(session, own, streams, book)
    shown: dict[int, WatchState] = {}
    told: list[_Told] = []
    for_rules: dict[str, list[HeardNow]] = {}
    for datastream_id, heard_rows in own.items():
        stream, memory = streams[datastream_id], memories[datastream_id]
        for row in heard_rows:
            memory.pace = learn(memory.pace, observed_at=row.observed_at, received_at=row.received_at)
        rule = level_rule_of(stream, book)
        if rule is None and stream.code not in book.fed_by:
            continue
        pace = pace_of(memory.pace, declared_s=stream.interval_s)
        heard = [HeardNow(_reading(row, stream, pace), row.received_wall_at) for row in heard_rows]
        if stream.code in book.fed_by:
            for_rules[stream.code] = heard
        if rule is None:
            continue
        for one in heard:
            memory.watch, changes = advance(
                memory.watch, observe(rule, window(rule, past, one.reading)), rule.timing
            )
            told += [_Told(stream, rule, change, one.received_wall_at) for change in changes]
            if changes:
                shown[datastream_id] = memory.watch
    _keep(session, shown, told)
    following.follow(session, book, for_rules)


def hear_again(session: Session, row: Row, stream: Stream, memory: Memory) -> None:
    """The watch takes its newest reading by the flag that it has now; an older one, which it is past, changes nothing.

    What the reading has raised already stays until the water is seen below: a false all-clear costs more than late.
    """
    if memory.watch.observed_at != row.observed_at:
        return
    memory.watch = replace(memory.watch, observed_at=row.observed_at - timedelta.resolution)
    follow(session, [row], {stream.id: stream}, {stream.id: memory})


def tick_all(session: Session, *, now: datetime) -> int:
    """What the passing of time alone has changed is told: silence, durations run out, ends; returns how many changes.

    Gauges whose readings are just being stored are left out; the next tick has them.
    """
    book = current_book(session)
    of_officers = streams_by_code(session, book.level) if book.level else {}
    streams = {stream.id: stream for stream in (*watched_streams(session), *of_officers.values())}
    shown: dict[int, WatchState] = {}
    written: dict[int, tuple[datetime | None, bytes]] = {}
    told: list[_Told] = []
    wall = clock.wall_now()
    for datastream_id, (newest_at, document) in batches.lock_free_documents(session, streams).items():
        stream, memory = streams[datastream_id], memory_of(newest_at, document)
        rule = level_rule_of(stream, book)
        if rule is None:
            continue
        before = memory.watch
        memory.watch, changes = tick(before, now, rule.timing)
        if not has_only_aged(before, memory.watch):  # Else the next tick finds out the same.
            written[datastream_id] = (newest_at, memory.document())
        if changes:
            shown[datastream_id] = memory.watch
        told += [_Told(stream, rule, change, wall) for change in changes]
    if written:
        batches.remember(session, written)
    _keep(session, shown, told)
    return len(told) + following.tick_rules(session, book, now=now)


def level_rule_of(stream: Stream, book: Rulebook) -> Rule | None:
    """The rule of a gauge's level: an officer's where there is one, else that of its thresholds, else none."""
    known = book.level.get(stream.code)
    if known is not None or stream.thresholds is None:
        return known
    return rule_of(stream.code, stream.thresholds)


@functools.lru_cache(maxsize=4096)
def rule_of(code: str, thresholds: Thresholds) -> Rule:
    """The level rule of a gauge by its thresholds."""
    limits = Limits(
        watch=thresholds.watch_m_msl, warning=thresholds.warning_m_msl, danger=thresholds.danger_m_msl,
        dead_band=thresholds.dead_band_m,
    )
    rule = level_rule(code, limits)
    return replace(rule, timing=replace(rule.timing, readings_up=thresholds.good_readings_needed))


def _reading(row: Row, stream: Stream, pace: Pace) -> Reading:
    return Reading(stream=stream.code, at=row.observed_at, value=row.value, flag=row.flag, pace=pace)


def _heard_by_witnesses(
    session: Session, own: dict[int, list[Row]], streams: dict[int, Stream], book: Rulebook
) -> Mapping[str, Sequence[Reading]]:
    """What the witnesses of these gauges have said; nothing is asked where no rule names one."""
    needs = [
        Need(book.level[streams[one].code], rows[0].observed_at, rows[-1].observed_at)
        for one, rows in own.items() if streams[one].code in book.level
    ]
    return hear(session, needs)


def _keep(session: Session, shown: dict[int, WatchState], told: Sequence[_Told]) -> None:
    if shown:
        batches.keep_states(session, shown)
    for one in told:
        session.add(_history(one))
        if one.change.kind in OF_THE_WATER:
            events.publish(session, _of_the_water(one))
        elif one.change.kind in OF_THE_GAUGE:
            events.publish(session, _of_the_gauge(one))


def _history(told: _Told) -> LevelStateChange:
    change = told.change
    return LevelStateChange(
        datastream_id=told.stream.id, observed_at=change.at, from_state=int(change.from_state),
        to_state=int(change.to_state), level_m_msl=change.value, received_wall_at=told.received_wall_at,
        kind=str(change.kind), condition=int(change.condition), is_announced=change.is_announced,
        rule_version=told.rule.version,
    )


def _of_the_water(told: _Told) -> LevelStateChanged:
    change = told.change
    return LevelStateChanged(
        datastream_id=told.stream.id, station_id=told.stream.station_id, from_state=int(change.from_state),
        to_state=int(change.to_state), level_m_msl=change.value, observed_at=change.at,
        received_wall_at=told.received_wall_at,
    )


def _of_the_gauge(told: _Told) -> GaugeConditionChanged:
    change = told.change
    return GaugeConditionChanged(
        datastream_id=told.stream.id, station_id=told.stream.station_id, condition=int(change.condition),
        observed_at=change.at,
    )
