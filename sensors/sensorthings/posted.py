"""Observations that clients publish: each becomes one, or is kept as refused with the reason; never twice."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from core import clock
from core.errors import FaonamError, ForbiddenError, NotFoundError
from core.settings import settings
from sensors import changes
from sensors.actions import keep_refused_message
from sensors.inbox import Kept, Message
from sensors.sensorthings.actions import observe_posted
from sensors.sensorthings.messages import posted_observation

SOURCE = "sensorthings_mqtt"


def store_posted(session: Session, batch: Sequence[Kept], *, inbox: str) -> list[str]:
    """Each message, in the order of the inbox of this name, is an observation or refused; returns why some were.

    Those that an earlier transaction has stored are left alone, so that twice is the same as once.
    """
    newest = changes.newest_taken(session, inbox)
    fresh = [kept for kept in batch if kept.id > newest]
    if not fresh:
        return []
    faults = [_fault(session, kept.message) for kept in fresh]
    changes.note_taken(session, inbox, fresh[-1].id)
    return sorted({fault for fault in faults if fault is not None})


def _fault(session: Session, message: Message) -> str | None:
    try:
        if not settings().has_open_sta_messages:
            raise ForbiddenError("Observations are not taken by MQTT here.")
        draft = posted_observation(message.topic, message.payload)
        # What says no time was observed when the message came, however long the database has been away.
        observe_posted(session, draft, now=clock.now() - (clock.wall_now() - message.received_wall_at))
    except FaonamError as fault:
        reason = _reason(fault)
        text = message.payload.decode("utf-8", "replace")
        refused = {"topic": message.topic, "message": text, "detail": fault.detail}
        keep_refused_message(session, refused, reason=reason, source=SOURCE)
        return reason
    return None


def _reason(fault: FaonamError) -> str:
    if isinstance(fault, ForbiddenError):
        return "not_allowed"
    return "no_such_topic" if isinstance(fault, NotFoundError) else "malformed"
