"""Facts in the past tense: stored in the caller's transaction, delivered by a job, handled once per subscriber.

A room defines its events as frozen dataclasses in `events.py`; rooms above subscribe in their `tasks.py`. News so
travels up while imports go down only. Each event is also announced on the `live` channel for the screens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import pydantic
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock, jobs
from core.db import Base, transaction
from core.errors import SetupError

LIVE_CHANNEL = "live"
PAYLOAD_LIMIT_BYTES = 7000  # NOTIFY carries 8000 bytes at most; larger facts are announced by id only.


@dataclass(frozen=True)
class Event:
    """A fact in the past tense. `name` is `room.what_happened`; the fields are plain values that survive JSON.

    An urgent one may mean that people must be warned; whoever warns subscribes to it in the queue `jobs.URGENT`.
    """

    name: ClassVar[str]
    is_urgent: ClassVar[bool] = False


class EventRecord(Base):
    """What happened, in order; never changed."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    name: Mapped[str]
    payload: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class EventHandled(Base):
    """Which subscriber has handled which event: twice is the same as once."""

    __tablename__ = "event_handled"

    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    subscriber: Mapped[str] = mapped_column(primary_key=True)


# Kept and called out in one statement: a storm tells of many.
_PUBLISH = sa.text("""
    WITH told AS (
        INSERT INTO event (name, payload, occurred_at) VALUES (:name, CAST(:payload AS jsonb), :occurred_at)
        RETURNING id
    )
    SELECT id, pg_notify(:channel, json_build_object('id', id, 'name', CAST(:name AS text),
                                                     'data', CAST(:announced AS json))::text)
    FROM told
""")

Handler = Callable[[Session, Any], None]
Concerns = Callable[[Any], bool]


@dataclass(frozen=True)
class _Subscription:
    event_type: type[Event]
    handler: Handler
    queue: str
    is_serial: bool
    concerns: Concerns | None


_subscriptions: dict[str, _Subscription] = {}
_is_every_room_here = False


def every_room_is_here() -> None:
    """All rooms' subscribers are registered in this process: what it publishes is handed over without a detour."""
    global _is_every_room_here
    _is_every_room_here = True


def subscribes(
    event_type: type[Event], *, by: str, queue: str = "events", is_serial: bool = False,
    concerns: Concerns | None = None,
) -> Callable[[Handler], Handler]:
    """The decorated `handler(session, event)` runs once for each event of this type, in a transaction of its own.

    `by` names the subscriber (`flood.redraw_after_level_change`) and must never change. `is_serial` lets only one run
    of this subscriber happen at a time, in the order of the events. Where `concerns(event)` is false there is no run.
    """

    def register(handler: Handler) -> Handler:
        _subscriptions[by] = _Subscription(event_type, handler, queue, is_serial, concerns)
        return handler

    return register


def check_queues(names: Iterable[str]) -> None:
    """Raises SetupError that names a queue into which no job and no subscriber of this process ever puts work."""
    known = {task.queue for task in jobs.app.tasks.values()} | {one.queue for one in _subscriptions.values()}
    for name in names:
        if name not in known:
            raise SetupError(f"There is no queue '{name}'; there are {', '.join(sorted(known - {'builtin'}))}.")


_adapters: dict[str, pydantic.TypeAdapter[Any]] = {}


def _adapter(event_type: type[Event]) -> pydantic.TypeAdapter[Any]:
    if event_type.name not in _adapters:
        _adapters[event_type.name] = pydantic.TypeAdapter(event_type)
    return _adapters[event_type.name]


def publish(session: Session, event: Event) -> int:
    """The fact is stored with the caller's transaction, its delivery enqueued, and the screens told at commit.

    Returns the event's id.
    """
    payload = json.dumps(_adapter(type(event)).dump_python(event, mode="json"), ensure_ascii=False)
    session.flush()
    event_id: int = session.execute(
        _PUBLISH,
        {
            "name": event.name,
            "payload": payload,
            "occurred_at": clock.now(),
            "announced": payload if len(payload.encode()) <= PAYLOAD_LIMIT_BYTES else "{}",
            "channel": LIVE_CHANNEL,
        },
    ).one()[0]
    if _is_every_room_here:
        _enqueue_hand_overs(session, event_id, event)
    else:
        queue = jobs.URGENT if event.is_urgent else fan_out.queue
        jobs.enqueue(session, fan_out, queue=queue, event_id=event_id)
    return event_id


def tell(session: Session, event: Event) -> None:
    """Every subscriber has handled the fact in the caller's transaction, and nothing of it is kept here.

    For a fact whose teller keeps it already and marks it as told in the same transaction: what a person said stands in
    one place only, and thousands of them cost no job each. Raises what a subscriber raises.
    """
    for subscription in _subscriptions.values():
        if subscription.event_type is type(event):
            subscription.handler(session, event)


@jobs.job(name="events.fan_out", queue="events")
def fan_out(session: Session, *, event_id: int) -> None:
    """Each subscriber of an event from a process that does not know them has its job."""
    record = session.get_one(EventRecord, event_id)
    for one in _subscriptions.values():
        if one.event_type.name == record.name:
            _enqueue_hand_overs(session, event_id, _event_of(record, one.event_type))
            return


def _enqueue_hand_overs(session: Session, event_id: int, event: Event) -> None:
    """Each subscriber of the event has a job of its own, so that one that fails delays no other."""
    for subscriber in _concerned(event):
        subscription = _subscriptions[subscriber]
        jobs.enqueue(
            session,
            hand_over,
            queue=subscription.queue,
            lock=subscriber if subscription.is_serial else None,
            event_id=event_id,
            subscriber=subscriber,
        )


def _concerned(event: Event) -> list[str]:
    """The subscribers that handle the event."""
    return [
        subscriber
        for subscriber, one in _subscriptions.items()
        if one.event_type is type(event) and (one.concerns is None or one.concerns(event))
    ]


def _event_of(record: EventRecord, event_type: type[Event]) -> Any:
    return _adapter(event_type).validate_python(record.payload)


@jobs.job(name="events.hand_over", queue="events")
def hand_over(session: Session, *, event_id: int, subscriber: str) -> None:
    """The subscriber has handled the event, exactly once, in the transaction that says so."""
    claimed = session.execute(
        postgresql.insert(EventHandled)
        .values(event_id=event_id, subscriber=subscriber)
        .on_conflict_do_nothing()
        .returning(EventHandled.event_id)
    ).scalar_one_or_none()
    if claimed is None:
        return
    record = session.get_one(EventRecord, event_id)
    subscription = _subscriptions[subscriber]
    subscription.handler(session, _event_of(record, subscription.event_type))


def deliver_now(event_id: int) -> None:
    """Every subscriber has handled the event before this returns; for tests and for replay, without a worker."""
    with transaction() as session:
        record = session.get_one(EventRecord, event_id)
        told = {s.event_type for s in _subscriptions.values() if s.event_type.name == record.name}
        names = [name for event_type in told for name in _concerned(_event_of(record, event_type))]
    for name in names:
        with transaction() as session:
            hand_over.run(session, event_id=event_id, subscriber=name)
