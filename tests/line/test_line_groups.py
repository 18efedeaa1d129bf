"""Groups on LINE: what the city hears there, how many read what is pushed into one, and that it is counted so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import sealing
from core.db import transaction
from line import client, messages, outbox, webhook
from line.events import LeftGroup, MembersLeftGroup, PressedInGroup, SpokenInGroup, open_line_user
from line.facts import group_fact_of
from line.models import InboxEvent, OutboxChunk
from tests.line.test_line_sender import send_all

if TYPE_CHECKING:
    from tests.line.conftest import StandinServer

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
GROUP, WHO = "C" + "1" * 32, "U" + "a" * 32


@pytest.fixture(autouse=True)
def closed_reader() -> Iterator[None]:
    """What is read from LINE leaves no connection open."""
    yield
    client._reader(trust_env=False).close()
    client._reader.cache_clear()


def fact(event: dict[str, Any], *, user: str | None = WHO, source: Any = None) -> Any:
    whole = {"source": source or {"type": "group", "groupId": GROUP}, **event}
    return group_fact_of(whole, webhook_event_id="w", line_user_id=user, is_urgent=False, happened_at=NOW)


def test_what_is_said_and_tapped_in_a_group_is_told_with_where_and_by_whom() -> None:
    """Ids travel sealed; who is missing where LINE leaves it out."""
    said = fact({"type": "message", "replyToken": "t", "message": {"type": "text", "id": "1", "text": "รับทราบ"}})
    assert isinstance(said, SpokenInGroup)
    assert (open_line_user(said.group_id_sealed), said.text, said.reply_token) == (GROUP, "รับทราบ", "t")
    assert said.line_user_id_sealed is not None
    assert open_line_user(said.line_user_id_sealed) == WHO
    tapped = fact({"type": "postback", "postback": {"data": "ack:7"}}, user=None)
    assert isinstance(tapped, PressedInGroup)
    assert (tapped.data, tapped.line_user_id_sealed, tapped.reply_token) == ("ack:7", None, None)


def test_who_leaves_a_group_and_that_we_have() -> None:
    """An odd member among them is left out, the others are told."""
    left = fact({"type": "memberLeft", "left": {"members": [{"userId": WHO}, {"type": "user"}, 7]}}, user=None)
    assert isinstance(left, MembersLeftGroup)
    assert [open_line_user(one) for one in left.line_user_ids_sealed] == [WHO]
    assert isinstance(fact({"type": "leave"}, user=None), LeftGroup)


def test_who_leaves_with_others_is_kept_apart_from_them(session: Session) -> None:
    """Each under a hash of their own, so that each can be forgotten; twice is once, odd members harm nobody."""
    others = "U" + "b" * 32
    members = [{"type": "user", "userId": WHO}, {"type": "user", "userId": others}, "?"]
    source = {"type": "group", "groupId": GROUP}
    event = {"type": "memberLeft", "webhookEventId": "w1", "source": source, "left": {"members": members}}
    for _ in range(2):
        webhook.keep(session, [json.dumps({"events": [event]}).encode()], is_urgent=lambda _: False)
    kept = {bytes(one.user_hash): one for one in session.scalars(sa.select(InboxEvent))}
    assert len(kept) == 3
    assert WHO in sealing.unseal(kept[sealing.fingerprint(WHO)].raw_sealed)
    assert WHO not in sealing.unseal(kept[sealing.fingerprint(others)].raw_sealed)
    assert {one.event_type for one in kept.values()} == {"group.memberLeft"}


@pytest.mark.parametrize(
    ("event", "source"),
    [
        ({"type": "message", "message": {"type": "image", "id": "1"}}, None), ({"type": "leave"}, {"type": "group"}),
        ({"type": "memberLeft", "left": {}}, None), ({"type": "postback", "postback": {}}, None),
        ({"type": "leave"}, {"type": "user", "userId": WHO}), ({"type": "memberJoined"}, None), ({"type": "x"}, None),
    ],
)  # fmt: skip
def test_anything_else_tells_nothing(event: dict[str, Any], source: Any) -> None:
    """Pictures, odd shapes and what names no group are passed over."""
    assert fact(event, source=source) is None


def test_a_push_into_a_group_costs_its_members(standin: StandinServer) -> None:
    """Each member reads it once; the chunk counts them as LINE's quota does."""
    people = standin.register(7)
    group = standin.admin.post("/chats", json={"user_ids": people[:5], "chat_id": GROUP}).json()["chat_id"]
    readers = client.group_size(group)
    assert readers == 5
    before = consumption()
    with transaction() as session:
        outbox.enqueue(
            session, subject="leaders:1", kind="push", to=[group], messages=[messages.text("น้ำมา")], priority=1,
            readers=readers,
        )
    send_all()
    assert standin.told() == Counter(people[:5])
    assert consumption() - before == 5
    with transaction() as session:
        chunk = session.scalars(sa.select(OutboxChunk)).one()
        assert (chunk.state, chunk.recipient_count) == ("accepted", 5)


def consumption() -> int:
    """How many messages LINE has counted this month."""
    answer = client.call("GET", "/v2/bot/message/quota/consumption")
    return int(answer.json()["totalUsage"])


def test_a_group_that_put_us_out_has_no_size(standin: StandinServer) -> None:
    """Neither has one in which we never were."""
    standin.admin.post("/chats", json={"user_ids": standin.register(2), "chat_id": GROUP})
    standin.admin.delete(f"/chats/{GROUP}")
    assert client.group_size(GROUP) is None
    assert client.group_size("R" + "3" * 32) is None
