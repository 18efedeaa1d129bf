"""Events: stored with the change, delivered once per subscriber, gone with a rollback."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import db, events, jobs


@dataclass(frozen=True)
class WaterRose(events.Event):
    """The water rose, in a test."""

    name: ClassVar[str] = "tests.water_rose"
    level_m_msl: float


@dataclass(frozen=True)
class BankBroke(events.Event):
    """Something that people must be warned of, in a test."""

    name: ClassVar[str] = "tests.bank_broke"
    is_urgent: ClassVar[bool] = True


@dataclass(frozen=True)
class Unheard(events.Event):
    """Something that nobody subscribes to."""

    name: ClassVar[str] = "tests.unheard"


@dataclass(frozen=True)
class CanalFilled(events.Event):
    """A canal holds so much; only a full one concerns anybody."""

    name: ClassVar[str] = "tests.canal_filled"
    share: float


# The job that a worker of any queue takes next.
_NEXT_JOBS_EVENT = sa.text("SELECT (args->>'event_id')::bigint FROM procrastinate_fetch_job_v2(NULL, NULL)")

seen: list[float] = []


@events.subscribes(WaterRose, by="tests.note")
def _note(session: Session, event: WaterRose) -> None:
    seen.append(event.level_m_msl)


@events.subscribes(BankBroke, by="tests.warn", queue=jobs.URGENT)
def _warn(session: Session, event: BankBroke) -> None:
    seen.append(0.0)


@events.subscribes(CanalFilled, by="tests.drain", concerns=lambda event: event.share >= 1.0)
def _drain(session: Session, event: CanalFilled) -> None:
    seen.append(event.share)


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


def _waiting_jobs(session: Session) -> int:
    return int(session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs")) or 0)


def test_a_rollback_takes_back_the_event_and_its_job(database: sa.Engine) -> None:
    """What was not committed never happened: no event, no job."""

    def fail_after_publishing() -> None:
        with db.transaction() as session:
            events.publish(session, WaterRose(level_m_msl=2.4))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_publishing()
    with db.transaction() as session:
        assert _waiting_jobs(session) == 0
        assert session.scalar(sa.select(sa.func.count(events.EventRecord.id))) == 0


def test_an_event_is_handled_once_however_often_it_is_delivered(database: sa.Engine) -> None:
    """Delivering twice is the same as once."""
    with db.transaction() as session:
        event_id = events.publish(session, WaterRose(level_m_msl=2.4))
    events.deliver_now(event_id)
    events.deliver_now(event_id)
    assert seen == [2.4]


def test_what_concerns_nobody_is_handed_to_nobody(database: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscriber that an event does not concern has no job of it, and is not run; others of its kind are."""
    monkeypatch.setattr(events, "_is_every_room_here", False)
    for share in (0.4, 1.0):
        with db.transaction() as session:
            event_id = events.publish(session, CanalFilled(share=share))
        with db.transaction() as session:
            events.fan_out.run(session, event_id=event_id)
            handed = session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name"),
                                    {"name": events.hand_over.name})
            assert handed == int(share)
        events.deliver_now(event_id)
    assert seen == [1.0]


def test_a_committed_event_leaves_one_job(database: sa.Engine) -> None:
    """The fan-out waits as a job in the same database."""
    with db.transaction() as session:
        events.publish(session, WaterRose(level_m_msl=1.0))
    with db.transaction() as session:
        assert _waiting_jobs(session) == 1


def test_a_process_that_knows_every_room_hands_over_without_a_detour(
    database: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker leaves the subscriber's own job, and none where nobody listens."""
    monkeypatch.setattr(events, "_is_every_room_here", False)
    events.every_room_is_here()
    with db.transaction() as session:
        events.publish(session, WaterRose(level_m_msl=1.0))
        events.publish(session, Unheard())
    with db.transaction() as session:
        assert session.scalars(sa.text("SELECT task_name FROM procrastinate_jobs")).all() == ["events.hand_over"]


@pytest.mark.parametrize("knows_every_room", [True, False])
def test_what_may_end_in_a_warning_goes_first(
    database: sa.Engine, monkeypatch: pytest.MonkeyPatch, knows_every_room: bool
) -> None:
    """An urgent event overtakes those that waited before it, on both ways to its subscribers."""
    monkeypatch.setattr(events, "_is_every_room_here", knows_every_room)
    with db.transaction() as session:
        events.publish(session, WaterRose(level_m_msl=1.0))
        urgent = events.publish(session, BankBroke())
    with db.transaction() as session:
        assert session.scalar(_NEXT_JOBS_EVENT) == urgent


def test_a_worker_of_no_queue_in_particular_does_every_kind_of_work(database: sa.Engine) -> None:
    """Whoever starts one worker by hand misses nothing, least of all what is urgent."""
    with db.transaction() as session:
        events.publish(session, WaterRose(level_m_msl=1.0))
        events.publish(session, BankBroke())

    async def work_until_both_are_handled() -> None:
        working = asyncio.create_task(jobs.work(queues=[], concurrency=1, name="tests"))
        while len(seen) < 2:
            assert not working.done()
            await asyncio.sleep(0.02)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    asyncio.run(asyncio.wait_for(work_until_both_are_handled(), 60))
    assert seen == [0.0, 1.0]  # The urgent one first.
