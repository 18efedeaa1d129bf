"""Reporters hear of every change, in one message where several come together, by night only what cannot wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from incidents import cards, policy, promise_queries, queries, rules
from incidents.models import Incident, IncidentChange, ReporterNotice
from incidents.promise_queries import NewsRow
from incidents.queries import Reporter
from line import outbox
from residents import queries as residents_queries
from residents.models import Resident

# After danger alerts (0) and emergencies' answers (1).
CASE_UPDATE_PRIORITY = 2
MOST_AT_ONCE = 500


def note_change(
    session: Session, incident: Incident, change: IncidentChange, *, note: Mapping[str, str], now: datetime
) -> None:
    """Every reporter will hear of the change once; who has blocked the account is counted, and not written to.

    `note` is a sentence of the city's by language. A message that is due within the time in which changes are gathered
    takes this change along.
    """
    note_for(session, queries.reporters(session, incident.id), incident, change, note=note, now=now)


def note_for(
    session: Session,
    reporters: Sequence[Reporter],
    incident: Incident,
    change: IncidentChange,
    *,
    note: Mapping[str, str],
    now: datetime,
) -> None:
    """These residents will hear of the change once, whichever incident they reported."""
    city = policy.shipped()
    tier = queries.category(session, incident.category_code).tier
    own_due_at = rules.told_at(now, tier=tier, policy=city)
    for reporter in reporters:
        soon_at = min(own_due_at, now + city.bundle_ordinary)
        waiting_at = promise_queries.earliest_notice_at(session, reporter.resident_id, until=soon_at)
        is_held = own_due_at > now + city.bundle_ordinary
        session.add(
            ReporterNotice(
                change_id=change.id, resident_id=reporter.resident_id, incident_id=incident.id,
                state="waiting" if reporter.is_reachable else "unreachable",
                note_th=note.get("th", ""), note_en=note.get("en", ""),
                due_at=own_due_at if waiting_at is None or is_held else waiting_at,
            )
        )
    session.flush()


def tell_nobody(session: Session, incident_id: int, *, after: int) -> None:
    """No reporter hears of what happened to the incident after this line of its history, in the same transaction."""
    session.flush()
    session.execute(
        sa.delete(ReporterNotice).where(ReporterNotice.incident_id == incident_id, ReporterNotice.change_id > after)
    )


def tell_due(session: Session) -> int:
    """Who waits for news that are due has one message with all of them; how many residents. Twice is as once."""
    now = clock.now()
    residents = promise_queries.residents_to_tell(session, now=now, limit=MOST_AT_ONCE)
    for resident_id in residents:
        _tell(session, resident_id, due_by=now + policy.shipped().bundle_ordinary)
    return len(residents)


def _tell(session: Session, resident_id: int, *, due_by: datetime) -> None:
    news = promise_queries.news_of(session, resident_id, due_by=due_by)
    if not news:
        return
    resident = session.get_one(Resident, resident_id)
    line_id = residents_queries.line_ids(session, [resident_id]).get(resident_id)
    if not resident.is_reachable or line_id is None:
        _end(session, news, state="unreachable", chunk_id=None)
        return
    chunk_id = outbox.enqueue(
        session, subject=_subject(news), kind="push", to=[line_id], messages=[cards.news(news, resident.language)],
        priority=CASE_UPDATE_PRIORITY,
    )
    _end(session, news, state="handed", chunk_id=chunk_id)


def _subject(news: Sequence[NewsRow]) -> str:
    """`incident:45`, and where one message tells of several, `incidents:45,46`."""
    ids = list(dict.fromkeys(row.incident_id for row in news))
    return f"incident:{ids[0]}" if len(ids) == 1 else f"incidents:{','.join(map(str, ids))}"


def _end(session: Session, news: Sequence[NewsRow], *, state: str, chunk_id: int | None) -> None:
    resident_id = news[0].resident_id
    session.execute(
        sa.update(ReporterNotice)
        .where(ReporterNotice.resident_id == resident_id, ReporterNotice.change_id.in_([n.change_id for n in news]))
        .values(state=state, chunk_id=chunk_id)
    )


@dataclass(frozen=True)
class TakenAlong:
    """News that go out with an answer, free of charge by its reply token; `messages` is empty where there are none."""

    news: tuple[NewsRow, ...]
    messages: list[dict[str, Any]]


NOTHING = TakenAlong((), [])


def take_along(session: Session, resident_id: int, language: str) -> TakenAlong:
    """All that waits for a resident who has just spoken, by night too: who writes is awake."""
    news = promise_queries.news_of(session, resident_id, due_by=None)
    return TakenAlong(tuple(news), [cards.news(news, language)] if news else [])


def note_taken(session: Session, taken: TakenAlong, *, chunk_id: int) -> None:
    """The news that went along with an answer are told."""
    if taken.news:
        _end(session, taken.news, state="handed", chunk_id=chunk_id)
