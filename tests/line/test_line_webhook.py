"""Webhook calls are verified over their raw bytes, kept raw, told upwards once and in order."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from core import sealing
from core.db import transaction
from core.errors import UnauthenticatedError
from core.events import Event, EventRecord
from core.settings import settings
from line import events, facts, receiver, rules, webhook
from line.models import InboxEvent, WebhookRefusal

if TYPE_CHECKING:
    from tests.line.conftest import StandinServer

WHO = "U" + "1" * 32


def channel_secret() -> str:
    secret = settings().line.channel_secret
    assert secret is not None
    return secret.get_secret_value()


def signed(body: Any) -> tuple[bytes, str]:
    raw = json.dumps(body, ensure_ascii=False).encode()
    return raw, rules.signature(raw, channel_secret=channel_secret())


def event(kind: str, number: int, **parts: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "mode": "active",
        "timestamp": 1_795_000_000_000 + number,
        "source": {"type": "user", "userId": WHO},
        "webhookEventId": f"E{number}",
        "deliveryContext": {"isRedelivery": False},
        **parts,
    }


def said(number: int, text: str = "น้ำท่วม") -> dict[str, Any]:
    return event("message", number, replyToken=f"t{number}", message={"type": "text", "id": f"{number}", "text": text})


def accept(session: Session, *given_events: Any) -> int:
    raw, _ = signed({"destination": "U" + "0" * 32, "events": list(given_events)})
    return webhook.keep(session, [raw], is_urgent=lambda _: False)


def told(session: Session) -> list[Event]:
    """What is told until nobody waits any more."""
    facts_told: list[Event] = []
    while receiver.take(session, lambda _, fact: facts_told.append(fact)).count:
        pass
    return facts_told


def messages(session: Session) -> list[events.MessageReceived]:
    return [fact for fact in told(session) if isinstance(fact, events.MessageReceived)]


def test_signature_is_over_the_raw_bytes() -> None:
    """A body written anew (other key order, escaped Thai) no longer fits its signature."""
    raw, signature = signed({"events": [said(1)], "destination": "x"})
    assert webhook.is_genuine(raw, signature)
    body = json.loads(raw)
    assert not webhook.is_genuine(json.dumps(body).encode(), signature)
    assert not webhook.is_genuine(json.dumps(body, sort_keys=True, ensure_ascii=False).encode(), signature)
    assert not webhook.is_genuine(raw, None)
    assert not webhook.is_genuine(raw, "")
    assert not webhook.is_genuine(raw, "ไม่ใช่")


def test_known_signature() -> None:
    """The signature is base64 of HMAC-SHA-256, as RFC 4231's first test case has it."""
    key = "\x0b" * 20
    expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    signature = rules.signature(b"Hi There", channel_secret=key)
    assert base64.b64decode(signature).hex() == expected


def test_same_event_twice_is_once(session: Session) -> None:
    """webhookEventId is unique: a redelivered event changes nothing."""
    assert accept(session, said(1)) == 1
    assert accept(session, said(1) | {"deliveryContext": {"isRedelivery": True}}, said(2)) == 1
    assert [fact.name for fact in told(session)] == ["line.message_received"] * 2
    assert told(session) == []


def test_odd_events_do_not_hurt_their_neighbours(session: Session) -> None:
    """Unknown types and events with missing parts are kept and passed over; the good ones beside them are told."""
    odd: list[Any] = [
        event("sunrise", 2),
        event("message", 3),
        event("message", 4, message={"type": "text"}),
        event("postback", 5, postback={}),
        {"type": "message"},
        {},
        "text",
        None,
        event("message", 6, message={"type": "text", "id": "6"}, source={"type": "group", "groupId": "C1"}),
        said(7) | {"source": {}},
        said(8) | {"mode": "standby"},
        said(9) | {"timestamp": "soon"},
        said(10) | {"type": 5},
    ]
    assert accept(session, said(1), *odd, said(99)) == 15
    assert sorted(fact.webhook_event_id for fact in messages(session)) == ["E1", "E9", "E99"]
    kept = session.scalars(sa.select(InboxEvent)).all()
    assert len(kept) == 15
    assert all(row.handled_at is not None for row in kept)


def test_what_the_database_cannot_hold(session: Session) -> None:
    """NUL, half surrogates and numbers without a value come from nobody's keyboard, but they stop nothing."""
    raw = (
        b'{"destination":"x","events":[{"type":"message","mode":"active","timestamp":1795000000000,"webhookEventId":"A\\u0000",'
        b'"source":{"type":"user","userId":"U1"},"message":{"type":"text","id":"1","text":"\\ud800 a\\u0000b","n":NaN,'
        b'"m":1e999}}]}'
    )
    assert webhook.keep(session, [raw], is_urgent=lambda _: False) == 1
    (fact,) = messages(session)
    assert fact.message["text"].endswith("b")


def test_signed_nonsense_is_kept(session: Session) -> None:
    """A signed body that is no LINE call at all is kept, not lost and not a fault."""
    for raw in (b"{", b"[]", b'{"events": 5}', b"\xff"):
        assert webhook.keep(session, [raw], is_urgent=lambda _: False) == 1
    assert told(session) == []


def test_empty_call(session: Session) -> None:
    """The console's Verify button sends no events: nothing happens, and that is right."""
    assert accept(session) == 0


def test_people_are_sealed(session: Session) -> None:
    """Neither the inbox nor what is told holds a readable LINE id, and no event is kept of what somebody said."""
    accept(session, said(1))
    (fact,) = messages(session)
    assert WHO not in repr(fact)
    assert events.open_line_user(fact.line_user_id_sealed) == WHO
    (kept,) = session.scalars(sa.select(InboxEvent)).all()
    assert WHO.encode() not in kept.raw_sealed
    assert WHO in sealing.unseal(kept.raw_sealed)
    assert session.scalars(sa.select(EventRecord)).all() == []


def test_order_is_that_of_the_timestamps(session: Session) -> None:
    """What happened first is told first, in whatever order it came."""
    accept(session, said(3), said(1), said(2))
    assert [fact.webhook_event_id for fact in messages(session)] == ["E1", "E2", "E3"]


def test_each_kind_becomes_its_fact(session: Session) -> None:
    """Message, postback, follow, unfollow and unsend each have a fact of their own."""
    accept(
        session,
        said(1),
        event("postback", 2, replyToken="t", postback={"data": "a=1", "params": {"date": "2026-11-21"}}),
        event("follow", 3, replyToken="t", follow={"isUnblocked": True}),
        event("unfollow", 4),
        event("unsend", 5, unsend={"messageId": "1"}),
    )
    told_facts = told(session)
    assert [fact.name for fact in told_facts] == [
        "line.message_received",
        "line.postback_received",
        "line.followed",
        "line.unfollowed",
        "line.message_unsent",
    ]
    assert isinstance(told_facts[1], events.PostbackReceived)
    assert told_facts[1].params == {"date": "2026-11-21"}
    assert isinstance(told_facts[2], events.Followed)
    assert told_facts[2].is_unblocked is True


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
SHAPES = st.recursive(SCALARS, lambda c: st.lists(c) | st.dictionaries(st.text(), c), max_leaves=12)


@given(SHAPES)
def test_no_shape_of_an_event_is_a_fault(shape: Any) -> None:
    """Whatever JSON stands where an event should be, reading it gives a fact or nothing."""
    for fields in ({"type": "message", "message": shape}, {"type": "postback", "postback": shape}, {"type": shape}):
        facts.fact_of(fields, webhook_event_id="1", line_user_id=WHO, happened_at=datetime.now().astimezone())
    rules.line_user_of({"source": shape})
    rules.happened_at(shape, otherwise=datetime.now().astimezone())


def city() -> FastAPI:
    from api.routes import line_webhook

    app = FastAPI()
    app.include_router(line_webhook.router)

    @app.exception_handler(UnauthenticatedError)
    async def unauthenticated(*_: Any) -> Any:
        from fastapi.responses import JSONResponse

        return JSONResponse({}, status_code=401)

    return app


def test_refused_calls_leave_a_count(database: sa.Engine, frozen_clock: Callable[[datetime], None]) -> None:
    """401 without a good signature, and of those calls only their number is kept; the header's case does not matter."""

    async def scene() -> None:
        transport = httpx.ASGITransport(app=city())
        async with httpx.AsyncClient(transport=transport, base_url="http://city") as client:
            raw, signature = signed({"destination": "x", "events": []})
            for headers, status in [
                ({}, 401),
                ({"x-line-signature": "wrong"}, 401),
                ({"X-Line-Signature": signature}, 200),
                ({"x-line-signature": signature}, 200),
                ({"X-LINE-SIGNATURE": signature}, 200),
            ]:
                answer = await client.post("/line/webhook", content=raw, headers=headers)
                assert answer.status_code == status

    asyncio.run(scene())
    with transaction() as session:
        assert session.scalar(sa.select(WebhookRefusal.count)) == 2
        assert session.scalars(sa.select(InboxEvent)).all() == []


def test_the_standin_redelivers_and_nothing_is_doubled(
    standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A city that was down hears of it again, with the same id; what it then takes twice it keeps once."""
    import threading
    import time

    import uvicorn

    (who,) = standin.register(1)
    down = standin.admin.post(f"/users/{who}/send", json={"type": "text", "text": "น้ำมาแล้ว"}).json()
    assert down["webhook"]["error"] == "could_not_connect"
    config = uvicorn.Config(city(), port=settings().api_port, log_level="error", ws="none", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with transaction() as session:
                if session.scalar(sa.select(sa.func.count()).select_from(InboxEvent)):
                    break
            time.sleep(0.05)
        answer = standin.admin.post(
            f"/users/{who}/send", json={"type": "postback", "data": "x", "is_duplicated": True}
        ).json()
        assert answer["webhook"]["status"] == 200
        assert answer["webhook"]["ms"] < 1000
    finally:
        server.should_exit = True
        thread.join()
    with transaction() as session:
        kept = session.scalars(sa.select(InboxEvent.webhook_event_id)).all()
    assert sorted(kept) == sorted([down["webhook_event_id"], answer["webhook_event_id"]])
    counts = standin.admin.get("/webhooks").json()
    assert counts["redelivered"] == 1
    assert counts["gave_up"] == 0
