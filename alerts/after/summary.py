"""What is known of an event when it is looked back at: one value, from which screens and reports are made."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from alerts import ledger, thread
from alerts import queries as alerts
from alerts.after import outcome, queries, timeline
from alerts.after.entries import Entry
from alerts.after.models import EventOutcome
from alerts.after.outcome import Facts, Judged, Score
from alerts.after.queries import Event, ZoneName
from alerts.models import Alert


@dataclass(frozen=True)
class ZoneAfter:
    """A zone and what became of it; `word` and `note` are the officer's, None and empty where none was said."""

    zone: ZoneName
    judged: Judged
    word: str | None
    note: str


@dataclass(frozen=True)
class Reach:
    """Whom one message of the event was for, and what became of it, as the ledger counts it."""

    alert_id: int
    number: str
    kind: str
    level: int
    state: str
    approved_at: datetime | None
    audience: int
    by_language: dict[str, int]
    unreached_by_reason: dict[str, int]
    ledger: dict[str, int]
    answers: dict[str, int]

    @property
    def accepted(self) -> int:
        """People whose message LINE took; it does not say who read it."""
        return self.ledger.get("accepted", 0)


@dataclass(frozen=True)
class Summary:
    """An event looked back at. `people_told` counts each person once, however many messages they got."""

    event: Event
    zones: tuple[ZoneAfter, ...]
    score: Score
    reach: tuple[Reach, ...]
    people_told: int
    entries: tuple[Entry, ...]
    names: dict[int, ZoneName]

    @property
    def asks_for(self) -> tuple[int, ...]:
        """The zones of which an officer is asked what became of them: of an event that is over, and not said yet."""
        is_over = self.event.ended_at is not None
        return tuple(one.zone.id for one in self.zones if is_over and one.word is None)


def summary(session: Session, event_id: int, *, now: datetime) -> Summary:
    """The event as it stands at `now`. Raises NotFoundError."""
    event = queries.event(session, event_id, now=now)
    known = _known(session, event, now=now)
    rows = queries.alerts(session, event_id)
    zones = alerts.zones(session, [row.id for row in rows])
    warned = {zone.zone_id for found in zones.values() for zone in found}
    names = queries.zone_names(session, warned | known.facts.keys())
    after = tuple(_zones_after(known, names))
    concerned = warned | {one.zone.id for one in after}
    return Summary(
        event=event, zones=after, score=outcome.score(one.judged for one in after), reach=_reach(session, rows),
        people_told=queries.people_told(session, event_id),
        names={zone_id: name for zone_id, name in names.items() if zone_id in concerned},
        entries=timeline.in_order(
            _of_gauges(session, event, concerned, now=now),
            (entry for one in after for entry in timeline.of_water(one.zone, known.facts[one.zone.id].stretches)),
            (timeline.of_report(one, names[one.zone_id]) for one in known.reports if one.zone_id in concerned),
            _of_thread(session, event_id, rows, {
                alert_id: [zone.zone_id for zone in found] for alert_id, found in zones.items()
            }),
        ),
    )


@dataclass(frozen=True)
class _Known:
    """What is known of each zone that was warned, wet or spoken of."""

    facts: dict[int, Facts]
    words: dict[int, EventOutcome]
    reports: list[queries.Report]


def _known(session: Session, event: Event, *, now: datetime) -> _Known:
    from_at, until_at = event.window(now)
    spans = queries.spans(session, event.id, now=now)
    words = queries.words_of_officers(session, event.id)
    elsewhere = queries.warned_elsewhere(session, event.id, from_at=from_at, until_at=until_at) - spans.keys()
    pictures = queries.pictures(session, from_at=from_at, until_at=until_at)
    reports = [
        one for one in queries.reports(session, from_at=from_at, until_at=until_at) if one.zone_id not in elsewhere
    ]
    seen = (pictures.keys() | {one.zone_id for one in reports}) - elsewhere
    facts = {
        zone_id: Facts(
            spans=spans.get(zone_id, ()), stretches=outcome.stretches_of(pictures.get(zone_id, [])),
            reported_at=tuple(one.at for one in reports if one.zone_id == zone_id),
            word=queries.word_of(words.get(zone_id)),
            flooded_at=words[zone_id].flooded_at if zone_id in words else None,
        )
        for zone_id in spans.keys() | words.keys() | seen
    }
    return _Known(facts=facts, words=words, reports=reports)


def _zones_after(known: _Known, names: dict[int, ZoneName]) -> Iterator[ZoneAfter]:
    for zone_id, name in names.items():
        judged = outcome.judged(known.facts[zone_id]) if zone_id in known.facts else None
        if judged is not None:
            word = known.words.get(zone_id)
            yield ZoneAfter(
                zone=name, judged=judged, word=word.outcome if word else None, note=word.note if word else ""
            )


def _of_gauges(session: Session, event: Event, zone_ids: Collection[int], *, now: datetime) -> Iterator[Entry]:
    from_at, until_at = event.window(now)
    changes = queries.gauge_changes(session, zone_ids, from_at=from_at, until_at=until_at)
    return (timeline.of_gauge(one) for one in changes)


def _of_thread(
    session: Session, event_id: int, rows: Sequence[Alert], zone_ids: Mapping[int, Sequence[int]]
) -> Iterator[Entry]:
    by_id = {row.id: row for row in rows}
    for row in thread.of_event(session, event_id):
        number = row.alert_id or 0
        entry = timeline.of_thread(row, by_id.get(number), zone_ids=zone_ids.get(number, ()))
        if entry is not None:
            yield entry


def _reach(session: Session, rows: Sequence[Alert]) -> tuple[Reach, ...]:
    answers = ledger.answers(session, [row.id for row in rows]) if rows else {}
    return tuple(
        Reach(
            alert_id=row.id, number=row.number, kind=row.kind, level=row.level, state=row.state,
            approved_at=row.approved_at, audience=row.audience_count, by_language=dict(row.audience_by_language),
            unreached_by_reason=dict(row.suppressed_by_reason),
            ledger=ledger.counts(session, row.id) if row.approved_at else {}, answers=answers[row.id],
        )
        for row in rows
    )
