"""LINE's allowance of the month, as the stand-in says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alerts.channels import tasks
from core.db import transaction
from line import client, messages, outbox, quota
from line.errors import LineUnavailableError
from line.models import OutboxChunk

if TYPE_CHECKING:
    from tests.line.conftest import StandinServer

HELLO = [messages.text("น้ำจะท่วม")]


def look() -> quota.Quota | None:
    with transaction() as session:
        tasks.look_at_quota.run(session)
        return quota.known(session)


def test_limit_and_use_are_what_line_says(standin: StandinServer) -> None:
    """Unlimited, limited, and used by those who were told; what LINE does not say now is as it was."""
    assert quota.ask() == (None, 0)
    to = standin.register(7)
    standin.admin.post("/quota", json={"limit": 500}).raise_for_status()
    body = {"to": to, "messages": HELLO}
    assert client.call("POST", "/v2/bot/message/multicast", json=body).status_code == 200
    found = look()
    assert found is not None
    assert (found.limit, found.used) == (500, 7)
    standin.break_next("error_500_before", count=2)
    with pytest.raises(LineUnavailableError):
        quota.ask()
    assert look() == found


def test_what_was_pledged_since_counts_as_used(standin: StandinServer) -> None:
    """What waits, and what went out after LINE was asked, is spoken for; replies and other channels are not."""
    look()
    with transaction() as session:
        for kind, to in (("multicast", ["U1", "U2", "U3"]), ("push", ["U4"]), ("reply", ["token", "U5"])):
            outbox.enqueue(session, subject="incident:1", kind=kind, to=to, messages=HELLO, priority=1)
        outbox.enqueue(
            session, subject="incident:1", kind="push", to=["U6"], messages=HELLO, priority=1, channel="blackhole"
        )
    with transaction() as session:
        said = quota.known(session)
        assert said is not None
        assert quota.pledged(session, since_wall_at=said.asked_wall_at) == 4
        for chunk in session.query(OutboxChunk).filter(OutboxChunk.kind == "multicast"):
            chunk.state, chunk.accepted_wall_at = "accepted", said.asked_wall_at
        session.flush()
        assert quota.pledged(session, since_wall_at=said.asked_wall_at) == 1
