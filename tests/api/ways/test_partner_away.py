"""Partners who do not listen: told again in order, paused, shown, and nobody else waits for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from core import jobs
from core.db import transaction
from core.events import EventRecord
from incidents import actions
from incidents.exchange import hook_queries, hooks, tasks
from incidents.exchange.errors import HookAwayError
from incidents.exchange.hook_client import HookClient
from tests.api.ways.partners import (
    attempt,
    forget,
    gather,
    hook_seen,
    register,
    tell_all,
    tell_one,
    walk_on,
)
from tests.api.ways.receiver import Receiver, listening

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

pytestmark = pytest.mark.usefixtures("time_goes_on")


@pytest.mark.parametrize("status", [500, 503, 429, 404, 302])
def test_what_is_not_taken_is_told_again_in_order_under_the_same_id(
    ways: Ways, receiver: Receiver, status: int
) -> None:
    """Nothing overtakes what failed; a redirect is not followed; then all is told and the partner is well."""
    number = ways.reported()
    walk_on(number, "accepted")
    (hook_id,) = gather()
    receiver.answers = [status, status]
    assert [attempt(hook_id) for _ in range(2)] == [f"partner does not take webhooks: HTTP {status}"] * 2
    assert (hook_seen().failures, hook_seen().fault, hook_seen().paused_wall_at) == (2, f"HTTP {status}", None)
    while attempt(hook_id) == "more":
        pass
    assert receiver.told() == [("POST", number, "")] * 3 + [("PATCH", number, "รับเรื่อง")]
    assert len({one.event_id for one in receiver.heard}) == 2
    assert {one.path for one in receiver.heard} == {"/hook/their-secret-word"}
    assert (hook_seen().failures, hook_seen().fault, hook_seen().waiting) == (0, "", 0)


def test_what_a_partner_refuses_is_not_told_again_and_holds_up_nothing(ways: Ways, receiver: Receiver) -> None:
    """400 or 422 will be the same tomorrow: it is counted, and the next line is told."""
    first, second = ways.reported(), ways.reported()
    (hook_id,) = gather()
    receiver.answers = [422]
    while attempt(hook_id) == "more":
        pass
    assert receiver.told() == [("POST", first, ""), ("POST", second, "")]
    assert (hook_seen().refused, hook_seen().waiting, hook_seen().failures) == (1, 0, 0)


def test_a_dead_partner_is_paused_shown_and_taken_up_again(ways: Ways, receiver: Receiver) -> None:
    """After the last attempt nothing is sent until an operator resumes; then it is told all that happened meanwhile."""
    number = ways.reported()
    (hook_id,) = gather()
    receiver.answers = [500] * hooks.MOST_FAILURES
    tries = [attempt(hook_id) for _ in range(hooks.MOST_FAILURES)]
    assert tries == ["partner does not take webhooks: HTTP 500"] * (hooks.MOST_FAILURES - 1) + ["done"]
    assert hook_seen().paused_wall_at is not None
    with transaction() as session:
        news = session.scalars(sa.select(EventRecord).order_by(EventRecord.id.desc()).limit(1)).one()
        assert (news.name, news.payload) == ("incidents.partner_paused", {"partner": "partner"})
    heard = len(receiver.heard)
    walk_on(number, "accepted")
    assert gather() == []
    assert attempt(hook_id) == "done"
    assert len(receiver.heard) == heard
    with transaction() as session:
        hooks.resume(session, "partner")
    tell_all()
    assert receiver.told()[heard:] == [("POST", number, ""), ("PATCH", number, "รับเรื่อง")]
    assert (hook_seen().paused_wall_at, hook_seen().fault) == (None, "")


def test_a_partner_that_is_gone_is_paused_at_once(ways: Ways, receiver: Receiver) -> None:
    """410 says that nobody will listen there again."""
    ways.reported()
    (hook_id,) = gather()
    receiver.answers = [410]
    assert attempt(hook_id) == "done"
    assert (hook_seen().paused_wall_at is not None, hook_seen().fault) == (True, "HTTP 410")


def test_a_partner_that_answers_too_slowly_counts_as_away(ways: Ways, receiver: Receiver) -> None:
    """The deadline is one for all of the call, so that nobody holds a worker."""
    ways.reported()
    (hook_id,) = gather()
    receiver.slow_s = 1.0
    hurried = HookClient(is_live=False, deadline_s=0.2)
    with pytest.raises(HookAwayError, match="TimeoutError"), transaction() as session:
        hooks.tell_next(session, hook_id, hurried)
    assert hook_seen().failures == 1


def test_one_dead_partner_does_not_hold_up_another(ways: Ways, receiver: Receiver) -> None:
    """Each has a job of its own."""
    with listening() as other:
        other.secret = register("works", other)
        number = ways.reported(service_code="drain")
        receiver.answers = [500]
        outcomes = {attempt(hook_id) for hook_id in gather()}
        assert outcomes == {"partner does not take webhooks: HTTP 500", "more"}
        assert other.told() == [("POST", number, "")]
        forget("works")


def test_a_line_that_was_committed_late_is_told(ways: Ways, receiver: Receiver) -> None:
    """A slow transaction's line has a lower number than one that was gathered before it."""
    number = ways.reported()
    tell_all()
    with transaction() as slow:
        incident_id = slow.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one()
        actions.change_state(slow, incident_id, "accepted", by="officer", reason="")
        other = ways.reported()
        tell_all()
    tell_all()
    assert receiver.told() == [("POST", number, ""), ("POST", other, ""), ("PATCH", number, "รับเรื่อง")]


def test_what_was_told_long_ago_is_forgotten_and_not_told_again(ways: Ways, receiver: Receiver) -> None:
    """Only lines too old to appear anew go; what waits stays, and is told."""
    ways.reported()
    tell_all()
    heard = len(receiver.heard)
    with transaction() as session:
        session.execute(
            sa.text("UPDATE partner_hook SET seen_change_id = seen_change_id + :many"), {"many": hook_queries.OVERLAP}
        )
    number = ways.reported()
    to_wake = gather()
    with transaction() as session:
        hook_queries.forget_told(session)
        left = session.scalars(sa.text("SELECT state FROM hook_delivery")).all()
    assert list(left) == ["waiting"]
    while tell_one(to_wake[0]):
        pass
    tell_all()
    assert receiver.told()[heard:] == [("POST", number, "")]


def test_a_job_that_was_lost_is_begun_anew(ways: Ways, receiver: Receiver) -> None:
    """One job a partner at a time; where none was seen for longer than any wait, it has been lost."""
    number = ways.reported()
    assert len(gather()) == 1
    assert gather() == []  # It waits already.
    with transaction() as session:
        session.execute(sa.text("UPDATE partner_hook SET woken_wall_at = now() - interval '7 hours'"))
    tell_all()
    assert receiver.told() == [("POST", number, "")]


def test_the_beat_and_the_jobs_tell_by_themselves_and_try_again(ways: Ways, receiver: Receiver) -> None:
    """A worker as the house runs it: one beat, one job a partner, and the queue's own retry after 2 s."""
    number = ways.reported()
    walk_on(number, "accepted", "in_progress")
    receiver.answers = [503]
    with transaction() as session:
        session.execute(sa.text("DELETE FROM procrastinate_jobs"))
        tasks.gather_for_partners.run(session)

    async def work_until_told() -> None:
        working = asyncio.create_task(jobs.work(queues=[tasks.tell_partner.queue], concurrency=2, name="tests"))
        while len(receiver.heard) < 4:
            assert not working.done()
            await asyncio.sleep(0.05)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    asyncio.run(asyncio.wait_for(work_until_told(), 60))
    expected = [("POST", number, "")] * 2 + [("PATCH", number, "รับเรื่อง"), ("PATCH", number, "กำลังดำเนินการ")]
    assert receiver.told() == expected
