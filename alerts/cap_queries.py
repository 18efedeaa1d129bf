"""What is read about CAP documents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, aliased

from alerts.cap_models import CapDocument
from alerts.models import Alert
from core.errors import NotFoundError

# An exercise would ask whoever reads the feed to act on it.
PUBLIC_STATUSES = ("Actual", "Test")


def of_alerts(session: Session, alert_ids: Collection[int]) -> Sequence[CapDocument]:
    """The documents of these alerts, oldest first."""
    return session.scalars(
        sa.select(CapDocument)
        .where(CapDocument.alert_id.in_(list(alert_ids)))
        .order_by(CapDocument.sent_at, CapDocument.identifier)
    ).all()


def of_event(session: Session, event_id: int) -> Sequence[CapDocument]:
    """The documents of the event's alerts, oldest first."""
    ids = session.scalars(sa.select(Alert.id).where(Alert.event_id == event_id)).all()
    return of_alerts(session, ids)


def _is_public(document: type[CapDocument], now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        document.status.in_(PUBLIC_STATUSES), document.problems == sa.text("'[]'::jsonb"), document.sent_at <= now
    )


def in_force(session: Session, *, now: datetime) -> Sequence[CapDocument]:
    """What the public feed holds now, the newest first: sound, neither expired nor replaced by something sound."""
    later = aliased(CapDocument)
    is_replaced = (
        sa.select(later.identifier)
        .where(later.references.contains(postgresql.array([CapDocument.identifier])))
        .where(_is_public(later, now))
        .exists()
    )
    return session.scalars(
        sa.select(CapDocument)
        .where(_is_public(CapDocument, now), CapDocument.expires_at > now, ~is_replaced)
        .order_by(CapDocument.sent_at.desc(), CapDocument.identifier.desc())
    ).all()


def changed_at(session: Session, *, now: datetime) -> datetime | None:
    """When the public feed last became another one: something was sent, or expired. None before the first."""
    turned_at = sa.case((CapDocument.expires_at <= now, CapDocument.expires_at), else_=CapDocument.sent_at)
    found: datetime | None = session.scalar(sa.select(sa.func.max(turned_at)).where(_is_public(CapDocument, now)))
    return found


def published(session: Session, identifier: str, *, now: datetime) -> CapDocument:
    """The published document of this identifier, also after it expired; raises NotFoundError."""
    found = session.scalar(
        sa.select(CapDocument).where(CapDocument.identifier == identifier, _is_public(CapDocument, now))
    )
    if found is None:
        raise NotFoundError("There is no such public message.")
    return found


def problems(session: Session, alert_ids: Collection[int]) -> dict[int, list[dict[str, str]]]:
    """Why documents of these alerts were not published: {identifier, field, problem}, by alert."""
    found: dict[int, list[dict[str, str]]] = {alert_id: [] for alert_id in alert_ids}
    for document in of_alerts(session, alert_ids):
        found[document.alert_id] += [{"identifier": document.identifier, **one} for one in document.problems]
    return found
