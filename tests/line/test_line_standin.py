"""The stand-in refuses what LINE refuses, and its delivery log can be trusted."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.settings import settings
from line import messages
from line.standin import schemas
from line.standin.app import create_app

HELLO = [{"type": "text", "text": "น้ำจะท่วม"}]
TEXT = {"type": "text", "text": "x"}
BUBBLE = {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": "ก"}]}}


def user(n: int) -> str:
    return f"U{n:032x}"


def people(count: int) -> list[dict[str, Any]]:
    return [{"user_id": user(n), "display_name": f"คน {n}", "language": "th"} for n in range(count)]


@asynccontextmanager
async def standin(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(folder)
    token = settings().line.channel_access_token
    assert token is not None
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client,
    ):
        yield client


@pytest.fixture
def on_standin(tmp_path: Path) -> Iterator[Callable[[Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]]], None]]:
    def play(scene: Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            async with standin(tmp_path) as client:
                await scene(client)

        asyncio.run(whole())

    return play


async def multicast(
    client: httpx.AsyncClient, to: list[str], body: Any = None, key: str | None = None
) -> httpx.Response:
    headers = {"X-Line-Retry-Key": key or str(uuid.uuid4())}
    return await client.post("/v2/bot/message/multicast", json={"to": to, "messages": body or HELLO}, headers=headers)


async def log_of(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/_standin/deliveries")
    return [json.loads(line) for line in answer.text.splitlines()]


def with_quick_reply(action: dict[str, Any], count: int = 1) -> dict[str, Any]:
    return TEXT | {"quickReply": {"items": [{"type": "action", "action": action}] * count}}


SAY = {"type": "message", "label": "ก", "text": "ก"}
UNFIT = {
    "text without text": {"type": "text"},
    "empty text": {"type": "text", "text": " "},
    "text of 5,001 UTF-16 units": {"type": "text", "text": "ก" * 5001},
    "unknown type": {"type": "foo"},
    "misspelt property": TEXT | {"quickreply": {"items": []}},
    "flex without altText": {"type": "flex", "contents": BUBBLE},
    "bubble without blocks": {"type": "flex", "altText": "ก", "contents": {"type": "bubble"}},
    "template without altText": {
        "type": "template",
        "template": {"type": "confirm", "text": "ก", "actions": [SAY, SAY]},
    },
    "location off the globe": {"type": "location", "title": "ก", "address": "ก", "latitude": 199, "longitude": 1},
    "picture over http": {"type": "image", "originalContentUrl": "http://a/b.jpg", "previewImageUrl": "http://a/b.jpg"},
    "14 quick replies": with_quick_reply(SAY, 14),
    "quick reply without label": with_quick_reply({"type": "message", "text": "ก"}),
    "label of 21 letters": with_quick_reply(SAY | {"label": "ก" * 21}),
    "uri action without uri": with_quick_reply({"type": "uri", "label": "ก"}),
    "postback data of 301": with_quick_reply({"type": "postback", "label": "ก", "data": "x" * 301}),
    "flex text without text": {
        "type": "flex",
        "altText": "ก",
        "contents": {
            "type": "bubble",
            "body": {"type": "box", "layout": "vertical", "contents": [{"type": "text"}]},
        },
    },
}
NEEDS_CONTRACT = {
    "layout diagonal": {
        "type": "flex",
        "altText": "ก",
        "contents": {"type": "bubble", "body": {"type": "box", "layout": "diagonal", "contents": []}},
    },
    "button without action": {
        "type": "flex",
        "altText": "ก",
        "contents": {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": [{"type": "button"}]}},
    },
}


@pytest.mark.parametrize("case", [*UNFIT, *NEEDS_CONTRACT])
def test_unfit_messages_are_refused_with_the_path(case: str, on_standin: Callable[..., None]) -> None:
    """A message that LINE would refuse is refused here, with 400, LINE's wording and the property's path."""
    if case in NEEDS_CONTRACT and not schemas.CONTRACT.exists():
        pytest.skip("LINE's contract files are not at hand")

    async def scene(client: httpx.AsyncClient) -> None:
        answer = await multicast(client, [user(1)], [(UNFIT | NEEDS_CONTRACT)[case]])
        assert answer.status_code == 400
        body = answer.json()
        assert body["message"].startswith("The request body has ")
        assert all(d["property"].startswith("messages[0]") for d in body["details"])

    on_standin(scene)


def test_number_of_messages_and_recipients(on_standin: Callable[..., None]) -> None:
    """1 to 5 messages; 1 to 500 well-formed user ids, none twice; nothing of a refused request is delivered."""

    async def scene(client: httpx.AsyncClient) -> None:
        await client.post("/_standin/users", json=people(501))
        everyone = [user(n) for n in range(501)]
        for to, body in [
            (everyone, HELLO),
            ([], HELLO),
            ([user(1), user(1)], HELLO),
            (["someone"], HELLO),
            (["C" + "0" * 32], HELLO),
            ([user(1)], HELLO * 6),
        ]:
            assert (await multicast(client, to, body)).status_code == 400
        assert (await client.post("/v2/bot/message/push", json={"to": user(1), "messages": []})).status_code == 400
        assert await log_of(client) == []
        assert (await multicast(client, everyone[:500], HELLO * 5)).status_code == 200
        assert len(await log_of(client)) == 500

    on_standin(scene)


def test_our_own_builders_pass(on_standin: Callable[..., None]) -> None:
    """Whatever line.messages builds, the stand-in (LINE's contract and the rules by hand) takes."""
    quick = messages.quick_reply(
        messages.ask_location("ส่งตำแหน่ง"),
        messages.ask_camera("ถ่ายรูป"),
        messages.ask_camera_roll("เลือกรูป"),
        messages.postback("ข้าม", "report:skip", display_text="ข้าม"),
        messages.say("ยกเลิก", "ยกเลิก"),
    )
    built = [
        messages.text("น้ำกำลังขึ้น 🌊", quick=quick),
        *(
            messages.alert_card(
                level=level,
                level_label="อันตราย",
                title="น้ำท่วม",
                body=["ยกของขึ้นที่สูง", "ไปที่ศูนย์พักพิง"],
                footnote="ถึง 18:00 น.",
                actions=[messages.open_uri("โทร 1669", "tel:1669"), messages.postback("ขอความช่วยเหลือ", "help:1")],
            )
            for level in (0, 1, 3)
        ),
    ]

    async def scene(client: httpx.AsyncClient) -> None:
        answer = await multicast(client, [user(1)], built)
        assert (answer.status_code, answer.json()) == (200, {})

    on_standin(scene)


def test_token_is_needed(on_standin: Callable[..., None]) -> None:
    """Without the channel's token: 401, LINE's wording."""

    async def scene(client: httpx.AsyncClient) -> None:
        answer = await client.post("/v2/bot/message/push", json={}, headers={"Authorization": "Bearer wrong"})
        assert answer.status_code == 401
        assert answer.json()["message"].startswith("Authentication failed due to the following reason:")

    on_standin(scene)


def test_retry_key(on_standin: Callable[..., None]) -> None:
    """A key is good once in 24 h: then 409 with the accepted id, for another body too; later it protects nothing."""

    async def scene(client: httpx.AsyncClient) -> None:
        await client.post("/_standin/users", json=people(2))
        key = str(uuid.uuid4())
        first = await multicast(client, [user(0)], key=key)
        again = await multicast(client, [user(1)], key=key)
        assert (first.status_code, again.status_code) == (200, 409)
        assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
        assert again.json() == {"message": "The retry key is already accepted"}
        assert [d["user_id"] for d in await log_of(client)] == [user(0)]
        await client.post("/_standin/clock", json={"advance_s": 86_401})
        assert (await multicast(client, [user(0)], key=key)).status_code == 200
        assert (await multicast(client, [user(0)], key="no-uuid")).status_code == 400
        reply = await client.post(
            "/v2/bot/message/reply",
            json={"replyToken": "x", "messages": HELLO},
            headers={"X-Line-Retry-Key": str(uuid.uuid4())},
        )
        assert reply.status_code == 400

    on_standin(scene)


def test_push_repeats_its_sent_messages(on_standin: Callable[..., None]) -> None:
    """A push answers with the ids of its messages, and so does its 409."""

    async def scene(client: httpx.AsyncClient) -> None:
        headers = {"X-Line-Retry-Key": str(uuid.uuid4())}
        body = {"to": user(1), "messages": HELLO}
        for status in (200, 409):
            answer = await client.post("/v2/bot/message/push", json=body, headers=headers)
            assert answer.status_code == status
            assert len(answer.json()["sentMessages"]) == 1

    on_standin(scene)


def test_blocked_and_strangers(on_standin: Callable[..., None]) -> None:
    """Who blocked the account or never was a friend yields 200 and gets nothing; the profile is 404."""

    async def scene(client: httpx.AsyncClient) -> None:
        await client.post("/_standin/users", json=people(2))
        await client.post(f"/_standin/users/{user(1)}/unfollow")
        assert (await multicast(client, [user(0), user(1), user(99)])).status_code == 200
        assert [d["user_id"] for d in await log_of(client)] == [user(0)]
        for n, status in ((0, 200), (1, 404), (99, 404)):
            assert (await client.get(f"/v2/bot/profile/{user(n)}")).status_code == status
        summary = (await client.get("/_standin/deliveries/summary")).json()
        assert (summary["deliveries"], summary["undelivered"], summary["users_more_than_once"]) == (1, 2, 0)

    on_standin(scene)


def test_quota_counts_recipients(on_standin: Callable[..., None]) -> None:
    """The allowance counts people, not requests; a request beyond it gets 429 with the quota's own words."""

    async def scene(client: httpx.AsyncClient) -> None:
        await client.post("/_standin/users", json=people(10))
        await client.post("/_standin/quota", json={"limit": 5})
        assert (await client.get("/v2/bot/message/quota")).json() == {"type": "limited", "value": 5}
        assert (await multicast(client, [user(n) for n in range(4)])).status_code == 200
        answer = await multicast(client, [user(n) for n in range(4)])
        assert (answer.status_code, answer.json()) == (429, {"message": "You have reached your monthly limit."})
        assert (await client.get("/v2/bot/message/quota/consumption")).json() == {"totalUsage": 4}

    on_standin(scene)


def test_rate(on_standin: Callable[..., None]) -> None:
    """After 200 multicasts in one moment: 429 with the rate's own words, until the bucket fills again."""

    async def scene(client: httpx.AsyncClient) -> None:
        await client.post("/_standin/clock", json={"is_stopped": True})
        answers = [await multicast(client, [user(1)]) for _ in range(203)]
        assert [a.status_code for a in answers] == [200] * 200 + [429] * 3
        assert answers[-1].json() == {"message": "The API rate limit has been exceeded. Try again later."}
        await client.post("/_standin/clock", json={"advance_s": 0.011})
        assert [(await multicast(client, [user(1)])).status_code for _ in range(3)] == [200, 200, 429]

    on_standin(scene)


def test_chat_shows_both_sides(on_standin: Callable[..., None]) -> None:
    """The chat of a user holds what the city sent and what the user said, in order, and goes on from a bubble id."""

    async def scene(client: httpx.AsyncClient) -> None:
        await client.post("/_standin/users", json=people(1))
        place = f"/_standin/users/{user(0)}"
        await multicast(client, [user(0)], [*HELLO, {"type": "text", "text": "สอง"}])
        sent = (await client.post(f"{place}/send", json={"type": "text", "text": "ขอบคุณ"})).json()
        assert sent["webhook"]["error"] == "could_not_connect"  # Nobody plays the city in this test.
        chat = (await client.get(f"{place}/messages", params={"after": 0})).json()
        assert [b["direction"] for b in chat["messages"]] == ["out", "out", "in"]
        assert [b["message"]["text"] for b in chat["messages"]] == ["น้ำจะท่วม", "สอง", "ขอบคุณ"]
        rest = (await client.get(f"{place}/messages", params={"after": chat["messages"][0]["id"]})).json()
        assert rest["messages"] == chat["messages"][1:]
        newest = (await client.get(f"{place}/messages", params={"limit": 1})).json()
        assert newest["last_id"] == chat["last_id"]

    on_standin(scene)


def test_pictures_are_kept_until_unsent(on_standin: Callable[..., None]) -> None:
    """A picture that a resident sent can be fetched by its message id until the resident unsends it."""

    async def scene(client: httpx.AsyncClient) -> None:
        await client.post("/_standin/users", json=people(1))
        place = f"/_standin/users/{user(0)}/send"
        files = {"file": ("a.jpg", b"\xff\xd8\xff123", "image/jpeg")}
        message_id = (await client.post(place, data={"type": "image"}, files=files)).json()["message_id"]
        answer = await client.get(f"/v2/bot/message/{message_id}/content")
        assert (answer.content, answer.headers["content-type"]) == (b"\xff\xd8\xff123", "image/jpeg")
        await client.post(place, json={"type": "unsend", "messageId": message_id})
        assert (await client.get(f"/v2/bot/message/{message_id}/content")).status_code == 404

    on_standin(scene)


def test_odd_input_is_told_not_thrown(on_standin: Callable[..., None]) -> None:
    """A body that is no JSON or says nothing known is refused with a sentence."""

    async def scene(client: httpx.AsyncClient) -> None:
        await client.post("/_standin/users", json=people(1))
        place = f"/_standin/users/{user(0)}/send"
        for body in ({"type": "song"}, {"type": "text"}, {"type": "image", "content_base64": "!"}):
            answer = await client.post(place, json=body)
            assert answer.status_code == 400
            assert answer.json()["message"]
        assert (await client.post("/v2/bot/message/push", content=b"{")).status_code == 400
        assert (await client.get(f"/_standin/users/{user(7)}")).json() == {"message": "There is no such user."}

    on_standin(scene)
