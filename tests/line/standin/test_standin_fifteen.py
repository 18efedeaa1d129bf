"""The fifteen checks that a stand-in for LINE must be able to fail."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import time
import uuid

import httpx
import pytest

from core.settings import settings
from line.rules import is_genuine
from line.standin import schemas

from .conftest import City, Served, user

HELLO = [{"type": "text", "text": "น้ำจะท่วม"}]
RATE_TEXT = "The API rate limit has been exceeded. Try again later."
SEND = ("push", "multicast", "narrowcast", "broadcast")
needs_contract = pytest.mark.skipif(not schemas.CONTRACT.exists(), reason="LINE's contract files are not at hand")


def body_of(kind: str, to: list[str], messages: list[object] | None = None) -> dict[str, object]:
    """A right request of this kind."""
    whom = {"push": {"to": to[0]}, "multicast": {"to": to}}.get(kind, {})
    return {**whom, "messages": messages or HELLO}


def send(standin: Served, kind: str, to: list[str], *, key: str | None = None, **more: object) -> httpx.Response:
    headers = {"X-Line-Retry-Key": key} if key else {}
    return standin.line.post(f"/v2/bot/message/{kind}", json=body_of(kind, to) | more, headers=headers)


@needs_contract
def test_check_1_bearer_token(standin: Served) -> None:
    """Without the channel's token every operation but the token endpoints answers 401 in LINE's words."""
    for clause in schemas.clauses().values():
        if clause.path.startswith(("/oauth2/", "/v2/oauth/")):
            continue
        for bearer in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
            answer = httpx.request(clause.method, standin.url + clause.path, headers=bearer, trust_env=False)
            assert answer.status_code == 401, clause.path
            words = answer.json()["message"]
            assert words.startswith("Authentication failed due to the following reason:")


@needs_contract
def test_check_2_shape(standin: Served) -> None:
    """A body that the expanded contract or the rules by hand refuse: 400, LINE's wording, the property's path."""
    flex = {"type": "flex", "altText": "ก", "contents": {"type": "bubble", "body": {"type": "box", "layout": "x"}}}
    for message, path in [
        ({"type": "text"}, "messages[0].text"),
        ({"type": "foo"}, "messages[0].type"),
        (flex, "messages[0].contents.body.contents"),
        ({"type": "text", "text": "ก", "quickreply": {}}, "messages[0].quickreply"),
        ({"type": "text", "text": "ก" * 5001}, "messages[0].text"),
    ]:
        for kind in SEND:
            answer = standin.line.post(f"/v2/bot/message/{kind}", json=body_of(kind, [user(0)], [message]))
            assert answer.status_code == 400
            found = answer.json()
            assert found["message"] == f"The request body has {len(found['details'])} error(s)"
            assert path in [detail["property"] for detail in found["details"]]


def test_check_3_retry_key(standin: Served) -> None:
    """A key is good once in 24 h on the four sending endpoints: then 409 with the accepted id; anywhere else 400."""
    people = standin.load(60)
    for kind in SEND:
        key = str(uuid.uuid4())
        first = send(standin, kind, people, key=key)
        assert first.status_code in {200, 202}
        again = [send(standin, kind, people, key=key), send(standin, kind, people[1:], key=key)]
        for answer in again:
            assert answer.status_code == 409
            assert answer.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
            assert answer.json()["message"] == "The retry key is already accepted"
            assert answer.json().get("sentMessages") == first.json().get("sentMessages")
        standin.move_clock(24 * 3600 + 1)
        assert send(standin, kind, people, key=key).status_code == first.status_code
    for path in ("/v2/bot/message/reply", "/v2/bot/richmenu", "/v2/bot/message/validate/push"):
        answer = standin.line.post(path, json={}, headers={"X-Line-Retry-Key": str(uuid.uuid4())})
        assert answer.status_code == 400
    assert send(standin, "push", people, key="no-uuid").status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "count", "seconds"),
    [
        ("POST", "/v2/bot/message/multicast", 200, 1),
        ("POST", "/v2/bot/message/push", 2000, 1),
        ("POST", "/v2/bot/message/narrowcast", 60, 3600),
        ("POST", "/v2/bot/message/broadcast", 60, 3600),
        ("GET", "/v2/bot/insight/followers", 60, 3600),
        ("POST", "/v2/bot/channel/webhook/test", 60, 3600),
        ("GET", "/v2/bot/channel/webhook/endpoint", 1000, 60),
        ("PUT", "/v2/bot/channel/webhook/endpoint", 1000, 60),
        ("POST", "/v2/bot/richmenu", 100, 3600),
        ("DELETE", "/v2/bot/richmenu/richmenu-0", 100, 3600),
        ("POST", "/v2/bot/richmenu/batch", 3, 3600),
        ("GET", "/v2/bot/richmenu/list", 10, 1),
        ("POST", "/v2/bot/chat/loading/start", 100, 1),
        ("POST", "/v2/bot/audienceGroup/upload", 60, 60),
        ("GET", "/v2/bot/audienceGroup/list", 60, 60),
        ("POST", "/oauth2/v3/token", 370, 1),
    ],
)
def test_check_4_rates(standin: Served, method: str, path: str, count: int, seconds: int) -> None:
    """Each method and path has a bucket of its own on the stand-in's clock; an empty one answers 429, LINE's words."""
    standin.stop_clock()

    def ask() -> httpx.Response:
        return standin.line.request(method, path)

    assert all(ask().status_code != 429 for _ in range(count))
    beyond = ask()
    assert (beyond.status_code, beyond.json()) == (429, {"message": RATE_TEXT})
    assert "retry-after" not in beyond.headers
    assert standin.line.get("/v2/bot/info").status_code == 200
    standin.move_clock(1.01 * seconds / count)
    assert [ask().status_code == 429 for _ in range(2)] == [False, True]
    standin.move_clock(seconds)
    assert sum(ask().status_code != 429 for _ in range(min(count, 70) + 1)) == min(count, 70) + (count > 70)


def test_check_5_quota(standin: Served) -> None:
    """The month's allowance counts people: bubbles, replies and blocked ones are free; 429 has its own words."""
    people = standin.load(10)
    standin.admin.post(f"/users/{people[9]}/unfollow")
    standin.admin.post("/quota", json={"limit": 25})
    assert send(standin, "multicast", people, messages=HELLO * 5).status_code == 200
    assert send(standin, "broadcast", people).status_code == 200
    chat_id = standin.admin.post("/chats", json={"user_ids": people[:5]}).json()["chat_id"]
    assert send(standin, "push", [chat_id]).status_code == 200
    used = standin.line.get("/v2/bot/message/quota/consumption").json()
    assert used == {"totalUsage": 9 + 9 + 5}
    over = send(standin, "multicast", people[:3])
    assert (over.status_code, over.json()) == (429, {"message": "You have reached your monthly limit."})
    token = standin.admin.post(f"/users/{people[0]}/send", json={"type": "text", "text": "?"}).json()["reply_token"]
    reply = standin.line.post("/v2/bot/message/reply", json={"replyToken": token, "messages": HELLO})
    assert reply.status_code == 200
    assert send(standin, "multicast", people[:2]).status_code == 200
    standin.move_clock(32 * 86_400)
    assert standin.line.get("/v2/bot/message/quota/consumption").json() == {"totalUsage": 0}


def test_check_6_friends_blocked_and_strangers(standin: Served) -> None:
    """Who blocked the account or never was a friend: 200 and nothing delivered, 404 for the profile, not followed."""
    people = standin.load(2)
    standin.admin.post("/users", json=[{"user_id": user(5), "is_friend": False}])
    standin.admin.post(f"/users/{people[1]}/unfollow")
    everyone = [people[0], people[1], user(5), user(99)]
    assert send(standin, "multicast", everyone).status_code == 200
    for person in everyone:
        assert send(standin, "push", [person]).status_code == 200
    assert [d["user_id"] for d in standin.deliveries()] == [people[0], people[0]]
    statuses = [standin.line.get(f"/v2/bot/profile/{person}").status_code for person in everyone]
    assert statuses == [200, 404, 404, 404]
    assert standin.line.get("/v2/bot/followers/ids").json() == {"userIds": [people[0]]}


def test_check_7_delivery_log(standin: Served) -> None:
    """For each user: which request, under which unit, with what bytes."""
    people = standin.load(3)
    answer = send(standin, "multicast", people, customAggregationUnits=["zone_1"])
    log = standin.deliveries()
    assert [d["user_id"] for d in log] == people
    kept = json.dumps(HELLO, ensure_ascii=False, sort_keys=True).encode()
    for delivery in log:
        assert delivery["request_id"] == answer.headers["x-line-request-id"]
        assert (delivery["unit"], delivery["kind"], delivery["bytes"]) == ("zone_1", "multicast", len(kept))
        assert delivery["messages_hash"] == hashlib.sha256(kept).hexdigest()
    assert send(standin, "push", people, customAggregationUnits=["NST-07"]).status_code == 400


def test_check_8_webhooks(standin: Served, city: City) -> None:
    """Signed over the raw bytes; 2.1 s is too late; what was not taken comes again with the same id."""
    standin.load(1)
    city.answers = [(200, 2.1), (500, 0.0)]
    told = standin.admin.post(f"/users/{user(0)}/send", json={"type": "text", "text": "น้ำ"}).json()
    assert told["webhook"]["error"] == "request_timeout"
    events = city.wait_for(3)
    assert {event["webhookEventId"] for event in events} == {told["webhook_event_id"]}
    assert [event["deliveryContext"]["isRedelivery"] for event in events] == [False, True, True]
    secret = settings().line.channel_secret
    assert secret is not None
    for body, signature in zip(city.bodies, city.signatures, strict=True):
        assert is_genuine(body, signature, channel_secret=secret.get_secret_value())
        dumped = json.dumps(json.loads(body)).encode()
        assert not is_genuine(dumped, signature, channel_secret=secret.get_secret_value())
    counts = standin.admin.get("/webhooks").json()
    assert (counts["request_timeout"], counts["error_status_code"]) == (1, 1)


def test_check_8_webhooks_out_of_order_and_duplicated(standin: Served, city: City) -> None:
    """Events can be held and let go reversed, shuffled by a seed, or together; one can come twice."""
    standin.load(1)
    place = f"/users/{user(0)}/send"

    def said(order: str, seed: int = 0) -> list[str]:
        city.bodies.clear()
        standin.admin.post("/webhooks/hold").raise_for_status()
        for number in range(5):
            standin.admin.post(place, json={"type": "text", "text": str(number)})
        standin.admin.post("/webhooks/release", json={"order": order, "seed": seed}).raise_for_status()
        return [event["message"]["text"] for event in city.events()]

    assert said("kept") == ["0", "1", "2", "3", "4"]
    assert said("reversed") == ["4", "3", "2", "1", "0"]
    shuffled = ["0", "1", "2", "3", "4"]
    random.Random(7).shuffle(shuffled)
    assert said("shuffled", seed=7) == shuffled
    assert said("together") == ["0", "1", "2", "3", "4"]
    assert len(city.bodies) == 1
    city.bodies.clear()
    standin.admin.post(place, json={"type": "text", "text": "twice", "is_duplicated": True})
    assert len({event["webhookEventId"] for event in city.events()}) == 1
    assert len(city.events()) == 2


def test_check_9_content_and_unsend(standin: Served, city: City) -> None:
    """A photo is fetched from the data host alone, until its sender takes it back."""
    standin.load(1)
    picture = {"type": "image", "content_base64": base64.b64encode(b"\xff\xd8\xffphoto").decode()}
    message_id = standin.admin.post(f"/users/{user(0)}/send", json=picture).json()["message_id"]
    path = f"/v2/bot/message/{message_id}/content"
    assert standin.line.get(f"/_data{path}").content == b"\xff\xd8\xffphoto"
    assert standin.line.get(path, headers={"Host": "api-data.line.me"}).status_code == 200
    assert standin.line.get(f"/_api{path}").status_code == 404
    assert standin.line.get(path, headers={"Host": "api.line.me"}).status_code == 404
    assert standin.line.get("/_data/v2/bot/info").status_code == 404
    assert standin.line.get("/_api/v2/bot/info").status_code == 200
    standin.admin.post(f"/users/{user(0)}/send", json={"type": "unsend", "messageId": message_id})
    assert standin.line.get(f"/_data{path}").status_code == 404
    assert city.events()[-1]["unsend"] == {"messageId": message_id}


@pytest.mark.parametrize(
    ("fault", "status", "is_delivered"),
    [
        ("error_500_before", 500, False),
        ("error_500_after", 500, True),
        ("rate_429", 429, False),
        ("quota_429", 429, False),
        ("concurrency_429", 429, False),
        ("forbidden_403", 403, False),
        ("reset", None, False),
        ("reset_after", None, True),
        ("accept_then_timeout", None, True),
    ],
)
def test_check_10_faults(standin: Served, fault: str, status: int | None, is_delivered: bool) -> None:
    """Each fault befalls as many requests as asked, and the log tells whether the message went out all the same."""
    people = standin.load(1)
    standin.admin.post("/faults", json={"kind": fault, "endpoint": "multicast"})
    assert send(standin, "push", people).status_code == 200
    try:
        answer = standin.line.post("/v2/bot/message/multicast", json=body_of("multicast", people), timeout=1.0)
    except httpx.TransportError:
        assert status is None
    else:
        assert answer.status_code == status
    assert len(standin.deliveries()) == 1 + is_delivered
    assert send(standin, "multicast", people).status_code == 200


@pytest.mark.parametrize("ms", [1900, 2100])
def test_check_10_slow_answers(standin: Served, ms: int) -> None:
    """An answer can take 1.9 s or 2.1 s."""
    people = standin.load(1)
    standin.admin.post("/faults", json={"kind": "slow_ms", "ms": ms, "endpoint": "getProfile"})
    began = time.monotonic()
    assert standin.line.get(f"/v2/bot/profile/{people[0]}").status_code == 200
    assert ms / 1000 <= time.monotonic() - began < ms / 1000 + 1.5


def test_check_11_reply_tokens(standin: Served) -> None:
    """A reply token is good once and for a minute; afterwards LINE's own words."""
    standin.load(1)

    def token() -> str:
        said = standin.admin.post(f"/users/{user(0)}/send", json={"type": "text", "text": "?"}).json()
        return str(said["reply_token"])

    def reply(given: str) -> httpx.Response:
        return standin.line.post("/v2/bot/message/reply", json={"replyToken": given, "messages": HELLO})

    first = token()
    assert len(reply(first).json()["sentMessages"]) == 1
    for given in (first, "unknown"):
        assert (reply(given).status_code, reply(given).json()) == (400, {"message": "Invalid reply token"})
    late = token()
    standin.move_clock(61)
    assert reply(late).status_code == 400


def test_check_12_rich_menu_of_a_user(standin: Served) -> None:
    """A user sees the menu linked to them, else the default one; a menu without a picture is linked to nobody."""
    standin.load(2)
    area = {"bounds": {"x": 0, "y": 0, "width": 2500, "height": 843}, "action": {"type": "message", "text": "แจ้งเหตุ"}}
    menu = {
        "size": {"width": 2500, "height": 843}, "selected": True, "name": "m", "chatBarText": "แจ้งเรื่องน้ำท่วม",
        "areas": [area],
    }
    ids = [standin.line.post("/v2/bot/richmenu", json=menu | {"name": name}).json()["richMenuId"] for name in "ab"]
    assert standin.line.post(f"/v2/bot/user/{user(0)}/richmenu/{ids[0]}").status_code == 400
    for menu_id in ids:
        image = {"content": b"\x89PNG\r\n\x1a\n", "headers": {"Content-Type": "image/png"}}
        assert standin.line.post(f"/_data/v2/bot/richmenu/{menu_id}/content", **image).status_code == 200
    standin.line.post(f"/v2/bot/user/all/richmenu/{ids[1]}").raise_for_status()
    standin.line.post(f"/v2/bot/user/{user(0)}/richmenu/{ids[0]}").raise_for_status()
    assert standin.line.get(f"/v2/bot/user/{user(1)}/richmenu").status_code == 404
    shown = [standin.admin.get(f"/users/{user(n)}/rich-menu").json() for n in range(2)]
    assert [menu["name"] for menu in shown] == ["a", "b"]
    assert shown[0]["areas"][0]["label"] == "แจ้งเหตุ"
    standin.line.delete(f"/v2/bot/richmenu/{ids[0]}").raise_for_status()
    assert standin.admin.get(f"/users/{user(0)}/rich-menu").json()["name"] == "b"


def test_check_13_id_tokens(standin: Served) -> None:
    """An ID token names its user to its own channel, once, in time and for its nonce; else LINE says what is wrong."""
    standin.load(1)
    asked = {"client_id": "1234567890", "nonce": "n-1"}
    given = standin.admin.post(f"/users/{user(0)}/id-token", json=asked).json()["id_token"]

    def verify(**form: str) -> httpx.Response:
        return httpx.post(f"{standin.url}/oauth2/v2.1/verify", data=form, trust_env=False)

    claims = verify(id_token=given, client_id="1234567890", nonce="n-1", user_id=user(0)).json()
    assert (claims["sub"], claims["aud"], claims["nonce"]) == (user(0), "1234567890", "n-1")
    assert claims["iss"] == "https://access.line.me"
    head, _, signature = given.split(".")
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": user(9)}).encode()).rstrip(b"=").decode()
    for form, words in [
        ({"id_token": given, "client_id": "other"}, "Invalid IdToken Audience."),
        ({"id_token": given, "client_id": "1234567890", "nonce": "x"}, "Invalid IdToken Nonce."),
        ({"id_token": given, "client_id": "1234567890", "user_id": user(1)}, "Invalid IdToken Subject Identifier."),
        ({"id_token": f"{head}.{forged}.{signature}", "client_id": "1234567890"}, "Invalid IdToken."),
        ({"id_token": "x.y.z", "client_id": "1234567890"}, "Invalid IdToken."),
    ]:
        answer = verify(**form)
        assert answer.status_code == 400
        assert answer.json() == {"error": "invalid_request", "error_description": words}
    standin.move_clock(3601)
    assert verify(id_token=given, client_id="1234567890").json()["error_description"] == "IdToken expired."
    assert standin.line.get("/oauth2/v2.1/certs").json()["keys"][0]["crv"] == "P-256"


def test_check_14_admin(standin: Served) -> None:
    """Residents are loaded by number, the clock is moved and stopped, deliveries are dumped and forgotten."""
    assert standin.admin.post("/users/load", json={"count": 5000}).json() == {"registered": 5000}
    assert standin.admin.get("/health").json()["users"] == 5000
    standin.stop_clock()
    before = standin.admin.get("/clock").json()
    standin.move_clock(3600)
    after = standin.admin.get("/clock").json()
    assert after["advanced_s"] == pytest.approx(before["advanced_s"] + 3600, abs=2)
    assert after["is_stopped"] is True
    send(standin, "broadcast", [user(0)])
    assert len({d["user_id"] for d in standin.deliveries()}) == 5000
    assert standin.admin.delete("/deliveries").json() == {"deleted": 5000}
    assert standin.deliveries() == []


def test_check_15_a_person_plays_a_resident(standin: Served, city: City) -> None:
    """What a chat page needs: the chat both ways, a picture, a pin, a tap on menu or button, each told to the city."""
    standin.load(1)
    place, picture = f"/users/{user(0)}", base64.b64encode(b"\xff\xd8\xff").decode()
    send(standin, "push", [user(0)])
    for said in (
        {"type": "text", "text": "ขอบคุณ"},
        {"type": "image", "content_base64": picture, "imageSet": {"id": "1", "total": 2}},
        {"type": "location", "latitude": 8.43, "longitude": 99.96},
        {"type": "postback", "data": "home:ask", "displayText": "บ้านของฉัน"},
        {"type": "sticker"},
    ):
        standin.admin.post(f"{place}/send", json=said).raise_for_status()
    chat = standin.admin.get(f"{place}/messages").json()["messages"]
    assert [bubble["message"]["type"] for bubble in chat] == [
        "text", "text", "image", "location", "postback", "sticker",
    ]
    kinds = [event.get("message", event).get("type") for event in city.events()]
    assert kinds == ["text", "image", "location", "postback", "sticker"]
    assert city.events()[1]["message"]["imageSet"] == {"id": "1", "total": 2}
