"""What officers see of an alert that LINE did not take, or not certainly, and of one that was stopped on its way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from shapely.geometry import Point
from sqlalchemy.orm import Session

from alerts import actions, ledger, tasks, thread
from alerts.models import Alert
from core import clock
from line import queries as line_queries
from line.events import ChunkGivenUp, QuotaUsedUp
from line.models import OutboxChunk

LANGUAGES = ("th", "en", "ms", "my")


@pytest.fixture
def sent(session: Session, town: Any) -> Alert:
    """Danger in a zone of four residents, each of another language, is on its way in four chunks."""
    town.zone("A")
    for language in LANGUAGES:
        town.resident(Point(100.005, 8.405), language=language)
    actions.consider(
        session, run_id=town.picture({"A": 3}), severity_by_code={"A": 3}, falling_by_code={},
        trigger_received_wall_at=clock.wall_now(), is_without_data=False,
    )  # fmt: skip
    alert = session.scalars(sa.select(Alert)).one()
    town.officer = town.account("somchai")
    return actions.approve(session, alert.id, alert.revision, town.officer)


def chunks(session: Session) -> list[OutboxChunk]:
    return list(session.scalars(sa.select(OutboxChunk).order_by(OutboxChunk.id)))


def are(session: Session, *states: str) -> None:
    """The chunks stand in these states, each tried unless it waits."""
    for chunk, state in zip(chunks(session), states, strict=True):
        chunk.state, chunk.attempts = state, 0 if state == "queued" else 1
    session.flush()


def seen(session: Session, alert: Alert) -> dict[str, int]:
    """Residents by what became of their chunk."""
    return {state: residents for state, (_, residents) in ledger.chunk_states(session, [alert.id])[alert.id].items()}


def test_unknown_is_shown_as_unknown(session: Session, sent: Alert) -> None:
    """23 h without an answer: unknown on the alert, in the ledger and in the thread; the alert does not wait for it."""
    are(session, "accepted", "accepted", "accepted", "queued")
    last = chunks(session)[-1]
    last.attempts, last.first_attempt_wall_at = 4, clock.wall_now() - timedelta(hours=23, minutes=1)
    session.flush()
    (row,) = line_queries.give_up_the_old(session)
    tasks.note_given_up(
        session, ChunkGivenUp(row.id, row.subject, row.kind, row.recipient_count, row.state, row.error or "")
    )
    assert seen(session, sent) == {"accepted": 3, "unknown": 1}
    assert ledger.counts(session, sent.id) == {"accepted": 3, "unknown": 1}
    assert (sent.state, thread.of_event(session, sent.event_id)[-2].detail["state"]) == ("active", "unknown")


def test_cancelled_in_mid_send_adds_up(session: Session, sent: Alert, town: Any) -> None:
    """Told, on its way, perhaps told, stopped: together the audience; the all-clear is for all but the stopped."""
    are(session, "accepted", "sending", "queued", "queued")
    chunks(session)[2].attempts = 1  # Tried, and not answered: who knows.
    session.flush()
    actions.cancel(session, sent.id, "the gauge was wrong", town.officer)
    session.expire_all()
    assert seen(session, sent) == {"accepted": 1, "sending": 1, "unknown": 1, "cancelled": 1}
    clear = session.scalars(sa.select(Alert).where(Alert.kind == "all_clear")).one()
    assert clear.audience_count == 3


def test_thread_says_that_the_allowance_is_used_up(session: Session, sent: Alert) -> None:
    """An alert that stands still in mid-send says why, to whoever looks at it."""
    tasks.note_quota_used_up(session, QuotaUsedUp(until_wall_at=clock.wall_now()))
    assert thread.of_event(session, sent.event_id)[-1].kind == "quota_used_up"
