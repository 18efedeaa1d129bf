"""From a tap on a phone to the answer on it: stand-in, webhook, inbox, events, outbox, sender, chat."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

import residents.tasks  # noqa: F401 - subscribes.
from api.routes import line_webhook
from core.db import transaction
from core.settings import settings
from core.words import words
from line import client, content, outbox, receiver
from line.client import LineSender
from line.errors import ContentGoneError, LineRefusedError
from line.models import OutboxChunk
from line.rules import signature
from line.sender import Sender
from residents import queries, rules

if TYPE_CHECKING:
    from tests.line.conftest import StandinServer

WHO = "U" + "c" * 32


@pytest.fixture
def city(standin: StandinServer) -> Iterator[None]:
    """The city's webhook answers, and has answered once: a first connection to the database is no reader's to time."""
    app = FastAPI()
    app.include_router(line_webhook.router)
    config = uvicorn.Config(app, port=settings().api_port, log_level="error", ws="none", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        assert _verify().is_success
        yield
    finally:
        server.should_exit = True
        thread.join()


def _verify() -> httpx.Response:
    """LINE's own question whether the webhook answers: a signed call without events."""
    raw = b'{"destination": "U0", "events": []}'
    secret = settings().line.channel_secret
    assert secret is not None
    headers = {"x-line-signature": signature(raw, channel_secret=secret.get_secret_value())}
    return httpx.post(f"{settings().api_url}/line/webhook", content=raw, headers=headers, timeout=30)


def work() -> None:
    """The receiver and the sender have done what waited."""
    while receiver.serve().count:
        pass

    async def send() -> None:
        async with LineSender() as line:
            sender = Sender(line)
            running = asyncio.create_task(sender.run())
            while await asyncio.to_thread(_is_open):
                await asyncio.sleep(0.02)
            sender.stop()
            await running

    asyncio.run(send())


def _is_open() -> bool:
    with transaction() as session:
        return session.scalar(sa.select(sa.exists().where(OutboxChunk.state.in_(["queued", "sending"])))) is True


def chat(standin: StandinServer) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = standin.admin.get(f"/users/{WHO}/messages").json()["messages"]
    return [bubble["message"] for bubble in messages]


def test_follow_home_and_goodbye(standin: StandinServer, city: None) -> None:
    """A new friend is welcomed by a free reply in the profile's language, sets a home by a pin, and leaves."""
    answer = standin.admin.post(f"/users/{WHO}/follow", json={"display_name": "Ann", "language": "en-GB"}).json()
    assert answer["webhook"]["status"] == 200
    work()
    (welcome,) = chat(standin)
    assert welcome["text"] == words("residents", "welcome", language="en")
    home = next(i["action"] for i in welcome["quickReply"]["items"] if i["action"].get("data") == "home:ask")
    standin.admin.post(f"/users/{WHO}/send", json={"type": "postback", "data": home["data"]})
    work()
    assert chat(standin)[-1]["quickReply"]["items"][0]["action"]["type"] == "location"
    standin.admin.post(f"/users/{WHO}/send", json={"type": "location", "latitude": 8.43, "longitude": 99.96})
    work()
    assert chat(standin)[-1]["text"] == words("residents", "home-saved", language="en")
    with transaction() as session:
        resident = queries.by_line_user(session, WHO)
        assert resident is not None
        assert queries.home_of(session, resident.id) is not None
        assert resident.consent_version == rules.CONSENT_VERSION
        kinds = session.scalars(sa.select(OutboxChunk.kind)).all()
    assert set(kinds) == {"reply"}
    standin.admin.post(f"/users/{WHO}/unfollow")
    work()
    with transaction() as session:
        resident = queries.by_line_user(session, WHO)
        assert resident is not None
        assert not resident.is_reachable


def test_pictures_from_the_data_host(standin: StandinServer) -> None:
    """A picture is fetched by its id; one that is gone, is no picture, or has no real id is an error in words."""
    standin.register(1)
    place = f"/users/U{0:032x}/send"
    sent = [
        standin.admin.post(place, data={"type": "image"}, files={"file": ("a", picture)}).json()["message_id"]
        for picture in (b"\xff\xd8\xff jpeg", b"\x89PNG\r\n\x1a\n png", b"<html>")
    ]
    assert content.fetch_photo(sent[0]) == b"\xff\xd8\xff jpeg"
    assert content.fetch_photo(sent[1]).endswith(b"png")
    with pytest.raises(LineRefusedError):
        content.fetch_photo(sent[2])
    with pytest.raises(ContentGoneError):
        content.fetch_photo("123")
    with pytest.raises(LineRefusedError):
        content.fetch_photo("../quota")


def test_a_groups_name_is_asked_for_and_a_push_reaches_its_members(standin: StandinServer) -> None:
    """What officers read of a group; a room, and a group that we are not in, has none. What is pushed is read there."""
    standin.register(2)
    members = [f"U{number:032x}" for number in range(2)]
    group = standin.admin.post("/chats", json={"name": "บ้านเรา", "user_ids": members}).json()["chat_id"]
    assert client.group_name(group) == "บ้านเรา"
    assert client.group_name("C" + "f" * 32) is None
    with transaction() as session:
        outbox.enqueue(
            session, subject="group_call:1", kind="push", to=[group], priority=1,
            messages=[{"type": "text", "text": "อยู่ที่ไหน"}],
        )
    work()
    with transaction() as session:
        assert session.scalars(sa.select(OutboxChunk.state)).all() == ["accepted"]
