"""The thread of an event: everything that happened in it, from the first watch to the all-clear, in order."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts.after.models import EventOutcome
from alerts.models import AlertThread
from core import clock
from staff.rules import AccountRef


def note(
    session: Session, *, event_id: int, alert_id: int | None, kind: str, by: AccountRef | None = None, **detail: object
) -> None:
    """What happened stands in the event's thread, with who did it and when; nobody changes it afterwards.

    `detail` is plain JSON and holds nothing of residents.
    """
    session.add(
        AlertThread(
            event_id=event_id,
            alert_id=alert_id,
            happened_at=clock.now(),
            happened_wall_at=clock.wall_now(),
            kind=kind,
            account_id=by.id if by else None,
            detail=detail,
        )
    )
    session.flush()


def join(session: Session, event_id: int, *, into_event_id: int) -> None:
    """What happened in two events that turn out to be one flood is one thread, and what officers said of them too."""
    for table in (AlertThread, EventOutcome):
        session.execute(sa.update(table).where(table.event_id == event_id).values(event_id=into_event_id))


def of_event(session: Session, event_id: int) -> Sequence[AlertThread]:
    """Everything that happened in the event, oldest first."""
    rows = sa.select(AlertThread).where(AlertThread.event_id == event_id).order_by(AlertThread.id)
    return session.scalars(rows).all()
