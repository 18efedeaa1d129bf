"""Rules beyond the gauges' own levels, followed as readings, forecasts and time go by; each change is told once.

A rule's state is locked from the first look to the commit, after the memories of the batch's streams and in the order
of codes, so that batches never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from core import clock, events
from core.db import driver_connection
from sensors.events import RuleStateChanged
from sensors.queries import streams_by_code
from sensors.rulebook.book import Rulebook, current_book
from sensors.rulebook.hearing import Need, hear
from sensors.rulebook.models import WatchRuleChange
from sensors.rulebook.standing import Standing, has_only_aged, standing_of, stepped, ticked
from sensors.watch.documents import Kind, Rule
from sensors.watch.dry_run import observe, observe_forecast, window
from sensors.watch.machine import Changes, tick
from sensors.watch.signals import ForecastPoint, Reading
from sensors.watch.state import Change, ChangeKind

OF_THE_GAUGE = frozenset({ChangeKind.LATE, ChangeKind.LOST, ChangeKind.UNTRUSTED, ChangeKind.RETURNED})
SPEAKS_OF_SILENCE = frozenset({Kind.SILENCE, Kind.FORECAST_CROSSING})


@dataclass(frozen=True)
class HeardNow:
    """A new reading of a stream that rules look at, and the real time at which it arrived."""

    reading: Reading
    received_wall_at: datetime


@dataclass(frozen=True)
class _Told:
    rule: Rule
    change: Change
    received_wall_at: datetime


def follow(session: Session, book: Rulebook, heard: Mapping[str, Sequence[HeardNow]]) -> int:
    """The rules have heard these new readings, each stream's in order of time; returns how many changes came of it.

    What is older than the newest that a rule knows changes nothing by itself; the next reading looks back at it.
    """
    fed = {rule.code: rule for stream in heard for rule in book.fed_by.get(stream, ())}
    if not fed:
        return 0
    standings = _locked(session, fed)
    news = {code: _news(fed[code], standing, heard) for code, standing in standings.items()}
    past = hear(
        session,
        [Need(fed[code], new[0].reading.at, new[-1].reading.at) for code, new in news.items() if new],
    )
    after: dict[str, Standing] = {}
    told: list[_Told] = []
    for code, standing in standings.items():
        rule, now = fed[code], standing
        for one in news[code]:
            now, changes = stepped(now, observe(rule, window(rule, past, one.reading)), rule)
            told += _told(rule, changes, one.received_wall_at)
        if now is not standing:
            after[code] = now
    _keep(session, fed, after, told)
    return len(told)


def follow_forecast(session: Session, points: Sequence[ForecastPoint]) -> int:
    """Rules of forecasts have seen these newly stored ones; returns how many changes came of it.

    A forecast drives its own rules only: it never cancels what a threshold has raised. One that is not newer than the
    newest known changes nothing.
    """
    streams = {point.stream for point in points}
    rules = {
        rule.code: rule for rule in current_book(session).others.values()
        if rule.kind is Kind.FORECAST_CROSSING and rule.streams[0] in streams
    }
    if not rules:
        return 0
    after: dict[str, Standing] = {}
    told: list[_Told] = []
    wall = clock.wall_now()
    in_order = sorted(points, key=lambda point: (point.stream, point.issued_at))
    for code, standing in _locked(session, rules).items():
        rule, now = rules[code], standing
        own = [point for point in in_order if point.stream == rule.streams[0]]
        for _, of_one in groupby(own, key=lambda point: point.issued_at):
            now, changes = stepped(now, observe_forecast(rule, list(of_one)), rule)
            told += _told(rule, changes, wall)
        if now is not standing:
            after[code] = now
    _keep(session, rules, after, told)
    return len(told)


def tick_rules(session: Session, book: Rulebook, *, now: datetime) -> int:
    """What time alone has changed of these rules is kept and told; those that are just being fed wait for the next."""
    if not book.others:
        return 0
    after: dict[str, Standing] = {}
    told: list[_Told] = []
    wall = clock.wall_now()
    for code, standing in _standings(session, book.others, _LOCK + " SKIP LOCKED").items():
        rule = book.others[code]
        state, changes = tick(standing.state, now, rule.timing)
        next_one = ticked(standing, state)
        if not has_only_aged(standing.state, state):  # Else the next tick finds out the same.
            after[code] = next_one
        told += _told(rule, changes, wall)
    _keep(session, book.others, after, told)
    return len(told)


def _news(rule: Rule, standing: Standing, heard: Mapping[str, Sequence[HeardNow]]) -> list[HeardNow]:
    known_at = standing.state.observed_at
    drivers = [one for stream in rule.streams for one in heard.get(stream, ())]
    new = [one for one in drivers if known_at is None or one.reading.at >= known_at]
    return sorted(new, key=lambda one: one.reading.at)


def _told(rule: Rule, changes: Changes, wall: datetime) -> list[_Told]:
    return [_Told(rule, change, wall) for change in changes]


# --- where rules stand -----------------------------------------------------------------------------------------------

_LOCK = (
    "SELECT rule_code, document FROM watch_rule_state WHERE rule_code = ANY(%b) ORDER BY rule_code FOR UPDATE"
)
_KEEP = """
    UPDATE watch_rule_state AS s
    SET rule_version = n.version, state = n.state, since_at = n.since, condition = n.condition, document = n.document
    FROM unnest(CAST(%b AS text[]), CAST(%b AS int[]), CAST(%b AS smallint[]), CAST(%b AS timestamptz[]),
                CAST(%b AS smallint[]), CAST(%b AS bytea[])) AS n(code, version, state, since, condition, document)
    WHERE s.rule_code = n.code
    """


def _locked(session: Session, rules: Mapping[str, Rule]) -> dict[str, Standing]:
    """Where each of the rules stands; one that was retired meanwhile is absent."""
    return _standings(session, rules, _LOCK)


def _standings(session: Session, rules: Iterable[str], statement: str) -> dict[str, Standing]:
    with driver_connection(session).cursor(binary=True) as cursor:
        found = cursor.execute(statement, [sorted(rules)]).fetchall()
    return {code: standing_of(document) for code, document in found}


def _keep(
    session: Session, rules: Mapping[str, Rule], after: Mapping[str, Standing], told: Sequence[_Told]
) -> None:
    if after:
        states = [one.state for one in after.values()]
        columns = [
            list(after), [rules[code].version for code in after], [int(one.state) for one in states],
            [one.since_at for one in states], [int(one.condition) for one in states],
            [one.document() for one in after.values()],
        ]
        with driver_connection(session).cursor(binary=True) as cursor:
            cursor.execute(_KEEP, columns)
    if told:
        stations = _stations(session, told)
        for one in told:
            _tell(session, one, stations.get(_about(one.rule) or ""))


def _tell(session: Session, told: _Told, station_id: int | None) -> None:
    rule, change = told.rule, told.change
    # The gauge's own watch tells of its silence; a rule that looks at its water would say it a second time.
    is_echo = change.kind in OF_THE_GAUGE and rule.kind not in SPEAKS_OF_SILENCE
    session.add(
        WatchRuleChange(
            rule_code=rule.code, rule_version=rule.version, observed_at=change.at, kind=str(change.kind),
            from_state=int(change.from_state), to_state=int(change.to_state), condition=int(change.condition),
            is_announced=change.is_announced and not is_echo, value=change.value,
            received_wall_at=told.received_wall_at,
        )
    )
    if is_echo:
        return
    events.publish(
        session,
        RuleStateChanged(
            rule_code=rule.code, rule_version=rule.version, rule_kind=str(rule.kind), change=str(change.kind),
            station_id=station_id, from_state=int(change.from_state), to_state=int(change.to_state),
            condition=int(change.condition), is_announced=change.is_announced, value=change.value,
            observed_at=change.at, received_wall_at=told.received_wall_at,
        ),
    )


def _stations(session: Session, told: Sequence[_Told]) -> dict[str, int]:
    codes = {about for one in told if (about := _about(one.rule)) is not None}
    return {code: stream.station_id for code, stream in streams_by_code(session, codes).items()}


def _about(rule: Rule) -> str | None:
    """The stream whose place the rule speaks of; a quorum speaks of all of its."""
    if rule.kind is Kind.QUORUM:
        return None
    return rule.about or rule.streams[0]
