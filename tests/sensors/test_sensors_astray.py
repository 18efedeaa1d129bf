"""Messages on topics that nothing is taken from: so much of them is kept a minute, the rest is counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.queries import vitals
from bench.servers import free_port
from core import clock, db
from core.settings import settings
from sensors import gateway
from sensors.astray import KEPT_OF_ALL, KEPT_OF_CLIENT, Bound, Strays, not_kept_message, said_not_kept
from sensors.gateway import store_batch
from sensors.inbox import Inbox, Message, inbox_path
from sensors.models import ReadingRefused
from sensors.mqtt import connected
from sensors.payloads import MAX_KEPT_CHARS, message_text_of, whole_payload
from sensors.quarantine import keep_refused_message

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ASTRAY = Message("faonam/v1/nope", b"{}", AT)


def _admitted(bound: Bound, client: str, messages: int, *, now_s: float) -> int:
    return sum(bound.admits(client, now_s=now_s) for _ in range(messages))


def test_one_client_cannot_take_what_others_may_keep() -> None:
    """A client that floods is bounded by itself, and its neighbour with a typing error is still heard."""
    bound = Bound()
    assert _admitted(bound, "flood", 10_000, now_s=5.0) == KEPT_OF_CLIENT
    assert _admitted(bound, "typo", 3, now_s=6.0) == 3


def test_many_names_of_one_flooder_are_bounded_together() -> None:
    """Who calls itself otherwise for each message fills no more than all together may; nor does it fill our memory."""
    bound = Bound()
    assert sum(bound.admits(f"name {number}", now_s=5.0) for number in range(10_000)) == KEPT_OF_ALL
    assert len(bound.kept) <= KEPT_OF_ALL


def test_each_minute_begins_anew() -> None:
    """What was over the bound in one minute costs nothing in the next."""
    bound = Bound()
    assert _admitted(bound, "flood", 100, now_s=0.0) == KEPT_OF_CLIENT
    assert _admitted(bound, "flood", 100, now_s=59.9) == 0
    assert _admitted(bound, "flood", 100, now_s=60.0) == KEPT_OF_CLIENT


def test_what_is_not_kept_is_told_once_in_a_while() -> None:
    """However many messages are over the bound, one message says how many; where none is, nothing is said."""

    async def flood() -> list[Message]:
        told: list[Message] = []
        strays = Strays(told.append, tell_after_s=0.05)
        assert sum(strays.admitted("a", ASTRAY) is not None for _ in range(KEPT_OF_CLIENT + 7)) == KEPT_OF_CLIENT
        assert told == []
        await asyncio.sleep(0.1)
        strays.tell()
        assert strays.admitted("a", ASTRAY) is None
        strays.tell()
        return told

    told = asyncio.run(flood())
    assert [said_not_kept(message)["not_kept"] for message in told] == ["7", "1"]
    assert {said_not_kept(message)["topic"] for message in told} == {"faonam/v1/nope"}


def test_no_more_of_a_message_is_kept_than_quarantine_keeps() -> None:
    """A message of megabytes on a wrong topic takes 64 kB of the inbox, and is known to have been longer."""

    async def kept(payload: bytes) -> bytes:
        message = Strays(lambda told: None).admitted("a", Message("faonam/v1/nope", payload, AT))
        assert message is not None
        return message.payload

    long = asyncio.run(kept(b"1" * 5_000_000))
    assert len(long) == MAX_KEPT_CHARS + 1
    assert whole_payload(message_text_of(long)) is None
    assert asyncio.run(kept(b"{}")) == b"{}"


@asynccontextmanager
async def _device(port: int) -> AsyncIterator[aiomqtt.Client]:
    """A client that waits for the broker to be there."""
    for _ in range(200):
        try:
            async with connected(aiomqtt.Client("127.0.0.1", port)) as client:
                yield client
                return
        except aiomqtt.MqttError:
            await asyncio.sleep(0.05)
    pytest.fail("the embedded broker never came up")


def test_what_was_not_kept_an_hour_ago_is_no_figure_of_now(session: Session) -> None:
    """The figure is of the last hour, over all that was told in it."""
    for minutes, messages in ((90, 1_000), (30, 40), (1, 2)):
        at = clock.now() - timedelta(minutes=minutes)
        keep_refused_message(
            session, said_not_kept(not_kept_message(messages, topic="v1.1/x", at=at)), reason="too_many_astray",
            source="mqtt_astray", received_at=at, received_wall_at=at,
        )
    session.flush()
    assert vitals(session, now=clock.now()).astray_not_kept_hour == 42


def test_good_messages_of_a_flooder_are_all_kept_and_it_is_always_answered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: sa.Engine, frozen_clock: Callable[..., None]
) -> None:
    """The bound is on wrong topics alone; what it holds back is acknowledged, and counted."""
    monkeypatch.setenv("FAONAM_MQTT_PORT", str(free_port()))
    monkeypatch.setenv("FAONAM_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MQTT_URL", raising=False)
    settings.cache_clear()
    over = 25

    async def flood() -> None:
        stop = asyncio.Event()
        serving = asyncio.create_task(gateway.serve(stop))
        async with _device(settings().mqtt_port) as client:
            for number in range(KEPT_OF_CLIENT + over):
                await client.publish("faonam/v1/nope", b"{}", qos=1)
                await client.publish("faonam/v1/NEW/readings", json.dumps({"value": number}), qos=1)
        stop.set()
        await asyncio.wait_for(serving, 20)

    asyncio.run(flood())
    with Inbox(inbox_path()) as inbox:
        left = inbox.oldest(1_000)
        store_batch(left, inbox.name)
    with db.transaction() as session:
        counted = sa.select(ReadingRefused.reason, sa.func.count().label("rows")).group_by(ReadingRefused.reason)
        reasons = {row.reason: row.rows for row in session.execute(counted)}
        told = session.scalars(sa.select(ReadingRefused).where(ReadingRefused.reason == "too_many_astray")).one()
        figure = vitals(session, now=told.received_at).astray_not_kept_hour
    assert reasons == {"no_such_topic": KEPT_OF_CLIENT, "too_many_astray": 1, "malformed": KEPT_OF_CLIENT + over}
    assert (told.raw["not_kept"], told.raw["topic"], told.source) == (str(over), "faonam/v1/nope", "mqtt_astray")
    assert figure == over

