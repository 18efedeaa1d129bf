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


Handler = Callable[[Session, Any], None]


@dataclass(frozen=True)
class _Subscription:
    event_type: type[Event]
    handler: Handler
    queue: str
    is_serial: bool


_subscriptions: dict[str, _Subscription] = {}
_is_every_room_here = False


def every_room_is_here() -> None:
    """All rooms' subscribers are registered in this process: what it publishes is handed over without a detour."""
    global _is_every_room_here
    _is_every_room_here = True


def subscribes(
    event_type: type[Event], *, by: str, queue: str = "events", is_serial: bool = False
) -> Callable[[Handler], Handler]:
    """The decorated `handler(session, event)` runs once for each event of this type, in a transaction of its own.

    `by` names the subscriber (`flood.redraw_after_level_change`) and must never change. `is_serial` lets only one run
    of this subscriber happen at a time, in the order of the events.
    """

    def register(handler: Handler) -> Handler:
        _subscriptions[by] = _Subscription(event_type, handler, queue, is_serial)
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
    payload = _adapter(type(event)).dump_python(event, mode="json")
    record = EventRecord(name=event.name, payload=payload, occurred_at=clock.now())
    session.add(record)
    session.flush()
    notice = json.dumps({"id": record.id, "name": event.name, "data": payload}, ensure_ascii=False)
    if len(notice.encode()) > PAYLOAD_LIMIT_BYTES:
        notice = json.dumps({"id": record.id, "name": event.name, "data": {}})
    session.execute(sa.select(sa.func.pg_notify(LIVE_CHANNEL, notice)))
    if _is_every_room_here:
        _enqueue_hand_overs(session, record)
    else:
        queue = jobs.URGENT if event.is_urgent else fan_out.queue
        jobs.enqueue(session, fan_out, queue=queue, event_id=record.id)
    return record.id


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
    _enqueue_hand_overs(session, session.get_one(EventRecord, event_id))


def _enqueue_hand_overs(session: Session, record: EventRecord) -> None:
    """Each subscriber of the event has a job of its own, so that one that fails delays no other."""
    for subscriber, subscription in _subscriptions.items():
        if subscription.event_type.name == record.name:
            jobs.enqueue(
                session,
                hand_over,
                queue=subscription.queue,
                lock=subscriber if subscription.is_serial else None,
                event_id=record.id,
                subscriber=subscriber,
            )


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
    subscription.handler(session, _adapter(subscription.event_type).validate_python(record.payload))


def deliver_now(event_id: int) -> None:
    """Every subscriber has handled the event before this returns; for tests and for replay, without a worker."""
    with transaction() as session:
        record = session.get_one(EventRecord, event_id)
        names = [n for n, s in _subscriptions.items() if s.event_type.name == record.name]
    for name in names:
        with transaction() as session:
            hand_over.run(session, event_id=event_id, subscriber=name)
