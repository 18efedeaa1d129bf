"""Observations that clients publish: each becomes one, or is kept as refused with the reason, to be tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core import clock
from core.errors import ConflictError, FaonamError, ForbiddenError, InvalidInputError, NotFoundError
from core.settings import settings
from sensors import changes
from sensors.actions import keep_refused_message
from sensors.inbox import Kept, Message
from sensors.models import ReadingRefused
from sensors.payloads import message_text_of, whole_payload
from sensors.quarantine import UNSTORABLE_REASON
from sensors.retrying import takes_again
from sensors.rules import Refused
from sensors.sensorthings.actions import observe_posted
from sensors.sensorthings.errors import (
    CopiesExhaustedError,
    NoSuchEntityError,
    NotAnObjectError,
    NotJsonError,
    NowhereError,
    OutOfRangeError,
    OwnedError,
    TooLargeError,
    TopicError,
    UnknownPropertyError,
)
from sensors.sensorthings.messages import posted_observation

SOURCE = "sensorthings_mqtt"
NOT_ALLOWED, NOT_WHOLE = "not_allowed", "not_whole"
EMBEDDED, OF_THE_CITY = "embedded", "of_the_city"
CLOSED = "closed"

# The most exact class wins.
REASONS: dict[type[FaonamError], str] = {
    ForbiddenError: NOT_ALLOWED,
    OwnedError: "station_owns",
    TopicError: "no_such_topic",
    TooLargeError: "too_large",
    NotJsonError: "not_json",
    NotAnObjectError: "not_an_object",
    UnknownPropertyError: "unknown_property",
    NoSuchEntityError: "no_such_entity",
    NotFoundError: "no_such_entity",
    NowhereError: "no_location",
    OutOfRangeError: "out_of_range",
    CopiesExhaustedError: "too_many_at_one_time",
    ConflictError: "changed_meanwhile",
    InvalidInputError: "malformed",
}


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


def keep_unstorable_posted(session: Session, kept: Kept, *, inbox: str) -> None:
    """A message that the database could not take stands in quarantine as it came, once."""
    if kept.id > changes.newest_taken(session, inbox):
        _keep(session, kept.message, Refused(UNSTORABLE_REASON, "The database could not take it."))
        changes.note_taken(session, inbox, kept.id)


@takes_again(SOURCE)
def take_again(session: Session, row: ReadingRefused) -> str | None:
    """The refused message is an observation, as if it came now; returns why not where it is still refused.

    It must be allowed by today's settings, and for the broker by which it came. Where it says no time it was observed
    when it came at first.
    """
    # A command line in a shell of its own does not know that the house was closed: its default opens nothing.
    if row.raw.get("writes", CLOSED) == CLOSED and not settings().says_who_writes_sta:
        return NOT_ALLOWED
    payload = whole_payload(str(row.raw.get("message", "\N{REPLACEMENT CHARACTER}")))
    if payload is None:
        return NOT_WHOLE
    came_at = min(row.received_at, clock.now())
    came_by = row.raw.get("broker", OF_THE_CITY)  # Rows from before this was kept came from anybody.
    refused = _refused(session, row.raw["topic"], payload, came_by=came_by, came_at=came_at)
    return None if refused is None else refused.reason


def _fault(session: Session, message: Message) -> str | None:
    refused = _refused(session, message.topic, message.payload, came_by=_broker(), came_at=_came_at(message))
    if refused is None:
        return None
    _keep(session, message, refused)
    return refused.reason


def _refused(session: Session, topic: str, payload: bytes, *, came_by: str, came_at: datetime) -> Refused | None:
    """Why the message is no observation; None where it has become one."""
    try:
        _check_allowed(came_by)
        observe_posted(session, posted_observation(topic, payload), now=came_at)
    except (ForbiddenError, NotFoundError, ConflictError, InvalidInputError) as fault:
        reason = next(REASONS[kind] for kind in type(fault).__mro__ if kind in REASONS)
        return Refused(reason, fault.detail)
    return None


def _check_allowed(came_by: str) -> None:
    """Who reaches this machine's broker alone counts as this machine; who reaches the city's is anybody."""
    if not settings().has_open_sta_messages or (came_by != EMBEDDED and settings().sta_writes != "open"):
        raise ForbiddenError("Observations are not taken by MQTT here.")


def _broker() -> str:
    return EMBEDDED if settings().mqtt_url is None else OF_THE_CITY


def _came_at(message: Message) -> datetime:
    """By the city's clock: however long the database has been away since."""
    return clock.now() - (clock.wall_now() - message.received_wall_at)


def _keep(session: Session, message: Message, refused: Refused) -> None:
    said = {
        "topic": message.topic, "message": message_text_of(message.payload), "detail": refused.detail,
        "broker": _broker(), "writes": settings().sta_writes,
    }
    keep_refused_message(
        session, said, reason=refused.reason, source=SOURCE, received_at=_came_at(message),
        received_wall_at=message.received_wall_at,
    )
