"""From a resident's cry to the crew and back, event by event, with real commits and every subscriber of both rooms."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

import dispatch.tasks
import incidents.tasks
from core import clock, events
from core.db import transaction
from core.events import EventRecord
from dispatch import actions, queries
from dispatch.actions import CrewEvent
from incidents.models import Incident
from line.events import MessageReceived, PostbackReceived, seal_line_user
from line.models import OutboxChunk
from residents.models import Home
from staff.rules import AccountRef

if TYPE_CHECKING:
    from tests.dispatch.conftest import Town

FROZEN_AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
WHO = f"U{7:032x}"
BOAT = AccountRef(1, "boat", "Boat", frozenset({"crew"}), "boat-1")


def _deliver(after: int) -> int:
    """Every event after `after` and all that follow from them have been handled; the last one's id."""
    while True:
        with transaction() as session:
            waiting = session.scalars(sa.select(EventRecord.id).where(EventRecord.id > after).order_by(EventRecord.id))
            ids = waiting.all()
        if not ids:
            return after
        for event_id in ids:
            events.deliver_now(event_id)
        after = ids[-1]


def _tell() -> None:
    """Two minutes later every reporter has heard what there was to hear."""
    clock.freeze(lambda: FROZEN_AT + timedelta(minutes=2))
    with transaction() as session:
        incidents.tasks.tell_reporters.run(session)
    clock.freeze(lambda: FROZEN_AT)


def _publish(event: events.Event) -> None:
    with transaction() as session:
        events.publish(session, event)


def test_from_a_cry_for_help_to_the_finishing_message(
    database: sa.Engine, frozen_clock: object, build_town: Callable[[Session], Town]
) -> None:
    """Two cries open one rescue, crews are ranked, the boat finishes, the resident hears twice, once each."""
    assert dispatch.tasks.QUEUE
    with transaction() as session:
        town = build_town(session)
        home = Home(resident_id=town.resident(7), geom="SRID=4326;POINT(100.02 8.0)", is_vulnerable=True, label="home")
        session.add(home)
    message = {"id": "1", "type": "text", "text": "ช่วยด้วย น้ำท่วมถึงคอ มี 2 คน"}
    sealed = seal_line_user(WHO)
    _publish(MessageReceived("e1", sealed, "token-1", message, clock.now()))
    _publish(PostbackReceived("e2", sealed, "token-2", "help:4", {}, clock.now()))
    last = _deliver(0)
    with transaction() as session:
        dispatch.tasks.draw_suggestions.run(session)
    with transaction() as session:
        incident = session.scalars(sa.select(Incident)).one()
        job = queries.live_job_of(session, incident.id)
        assert job is not None
        assert (job.tier, incident.people, incident.category_code) == (1, 2, "rescue")
        assert next(term["value"] for term in job.terms if term["name"] == "vulnerable") == 0.6
        first = queries.suggestions(session, job.id)[0]
        assert (first.crew_code, first.is_excluded) == ("boat-1", False)
        actions.assign(session, job.id, "boat-1", by="dispatcher")
        job_id, incident_id = job.id, incident.id
    last = _deliver(last)
    _tell()
    with transaction() as session:
        finish = CrewEvent(uuid.uuid4(), "finish", clock.now(), "รับขึ้นเรือแล้ว 2 คน")
        actions.apply_event(session, job_id, finish, account=BOAT)
    _deliver(last)
    _tell()
    with transaction() as session:
        told = session.scalars(
            sa.select(OutboxChunk).where(OutboxChunk.subject == f"incident:{incident_id}").order_by(OutboxChunk.id)
        ).all()
        assert len(told) == 2
        assert "รับขึ้นเรือแล้ว" in told[1].messages[0]["text"]
        assert session.scalars(sa.select(Incident.state)).one() == "done"
        assert queries.job_row(session, job_id).state == "done"


def test_events_handled_twice_change_nothing_more(
    database: sa.Engine, frozen_clock: object, build_town: Callable[[Session], Town]
) -> None:
    """A worker that died after its commit and does the event again opens no second incident and says nothing twice."""
    with transaction() as session:
        town = build_town(session)
        session.add(
            Home(resident_id=town.resident(7), geom="SRID=4326;POINT(100.02 8.0)", is_vulnerable=False, label="home")
        )
    message = {"id": "1", "type": "text", "text": "ช่วยด้วย"}
    _publish(MessageReceived("e1", seal_line_user(WHO), "token-1", message, clock.now()))
    _deliver(0)

    def counts() -> list[int]:
        tables = (Incident, OutboxChunk, EventRecord)
        with transaction() as session:
            return [session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]

    before = counts()
    _deliver(0)
    assert counts() == before
