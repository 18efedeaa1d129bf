"""Rules of LINE's beyond the fifteen checks: narrowcasts, audiences, menus, groups, tokens, figures, odd requests."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import uuid
from typing import Any

import httpx
import pytest

from line.standin import app, schemas
from line.standin.clockwork import Clock

from .conftest import City, Served, served, user

HELLO = [{"type": "text", "text": "ข่าว"}]
EARLIER = """
CREATE TABLE user (no INTEGER PRIMARY KEY, user_id TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL, language TEXT,
    state TEXT NOT NULL, spoke_entry INTEGER NOT NULL DEFAULT 0);
CREATE TABLE request (no INTEGER PRIMARY KEY, request_id TEXT NOT NULL, kind TEXT NOT NULL, retry_key TEXT UNIQUE,
    unit TEXT, at TEXT NOT NULL, wall_at TEXT NOT NULL, aged_s REAL NOT NULL, messages TEXT NOT NULL,
    messages_hash TEXT NOT NULL, text TEXT NOT NULL, recipients INTEGER NOT NULL, delivered INTEGER NOT NULL);
CREATE TABLE entry (id INTEGER PRIMARY KEY AUTOINCREMENT, user_no INTEGER NOT NULL, request_no INTEGER, at TEXT,
    wall_at TEXT, said TEXT);
CREATE TABLE reply_token (token TEXT PRIMARY KEY, user_no INTEGER NOT NULL, aged_s REAL NOT NULL,
    is_used INTEGER NOT NULL DEFAULT 0);
"""


def narrowcast(standin: Served, **more: Any) -> dict[str, Any]:
    """Its progress, once it is over."""
    taken = standin.line.post("/v2/bot/message/narrowcast", json={"messages": HELLO, **more})
    assert taken.status_code == 202, taken.text
    standin.move_clock(5)
    asked = {"requestId": taken.headers["x-line-request-id"]}
    found: dict[str, Any] = standin.line.get("/v2/bot/message/progress/narrowcast", params=asked).json()
    return found


def audience(standin: Served, name: str, ids: list[str]) -> int:
    body = {"description": name, "audiences": [{"id": user_id} for user_id in ids]}
    found: int = standin.line.post("/v2/bot/audienceGroup/upload", json=body).json()["audienceGroupId"]
    return found


def test_narrowcast_reaches_whom_it_names(standin: Served) -> None:
    """Audiences combine by and, or, not; what LINE knows of people filters; fewer than 50 get nothing."""
    people = standin.load(200)
    standin.admin.post("/users", json=[{"user_id": u, "gender": "female", "age": "age_30"} for u in people[:80]])
    first, second = audience(standin, "a", people[:120]), audience(standin, "b", people[60:])
    few = audience(standin, "few", people[:3])

    def of(number: int) -> dict[str, Any]:
        return {"type": "audience", "audienceGroupId": number}

    for recipient, count in [
        (of(first), 120),
        ({"type": "operator", "and": [of(first), of(second)]}, 60),
        ({"type": "operator", "or": [of(first), of(second)]}, 200),
        ({"type": "operator", "and": [of(first), {"type": "operator", "not": of(second)}]}, 60),
    ]:
        found = narrowcast(standin, recipient=recipient)
        assert (found["phase"], found["successCount"]) == ("succeeded", count)
    women = {"demographic": {"type": "gender", "oneOf": ["female"]}}
    assert narrowcast(standin, filter=women)["successCount"] == 80
    middle = {"demographic": {"type": "age", "gte": "age_20", "lt": "age_50"}}
    assert narrowcast(standin, filter=middle, limit={"max": 70})["successCount"] == 70
    assert narrowcast(standin, recipient=of(few))["errorCode"] == 4
    old = {"demographic": {"type": "age", "gte": "age_70"}}
    assert narrowcast(standin, filter=old)["errorCode"] == 2
    assert {d["kind"] for d in standin.deliveries()} == {"narrowcast"}


def test_narrowcast_and_what_is_left_of_the_quota(standin: Served) -> None:
    """Beyond the allowance: 429, or as many as are left, or nobody, as the limit says; phases follow the clock."""
    standin.load(100)
    standin.admin.post("/quota", json={"limit": 30})
    body = {"messages": HELLO}
    assert standin.line.post("/v2/bot/message/narrowcast", json=body).status_code == 429
    whole = {"upToRemainingQuota": True, "forbidPartialDelivery": True}
    assert narrowcast(standin, limit=whole)["errorCode"] == 5
    assert standin.deliveries() == []
    assert narrowcast(standin, limit={"upToRemainingQuota": True})["successCount"] == 30
    standin.stop_clock()
    standin.admin.post("/quota", json={})
    taken = standin.line.post("/v2/bot/message/narrowcast", json=body)
    asked = {"requestId": taken.headers["x-line-request-id"]}
    phases = []
    for _ in range(3):
        phases.append(standin.line.get("/v2/bot/message/progress/narrowcast", params=asked).json()["phase"])
        standin.move_clock(1)
    assert phases == ["waiting", "sending", "succeeded"]


def test_audiences_have_limits(standin: Served) -> None:
    """Ten jobs at once, one name once, well-formed ids, 180 days of life."""
    standin.stop_clock()
    number = audience(standin, "Zone", [user(0)])
    more = {"audienceGroupId": number, "audiences": [{"id": user(1)}]}
    answers = [standin.line.put("/v2/bot/audienceGroup/upload", json=more).status_code for _ in range(10)]
    assert answers == [202] * 9 + [400]
    standin.move_clock(10)
    assert standin.line.put("/v2/bot/audienceGroup/upload", json=more).status_code == 202
    for body in (
        {"description": "zone"},
        {"description": ""},
        {"description": "x" * 121},
        {"description": "new", "audiences": [{"id": "U1"}]},
        {"description": "new", "audiences": [{"id": user(0)}] * 10_001},
    ):
        assert standin.line.post("/v2/bot/audienceGroup/upload", json=body).status_code == 400
    standin.move_clock(181 * 86_400)
    found = standin.line.get(f"/v2/bot/audienceGroup/{number}").json()["audienceGroup"]
    assert (found["status"], found["audienceCount"]) == ("EXPIRED", 2)
    assert standin.line.put("/v2/bot/audienceGroup/upload", json=more).status_code == 400


def test_groups(standin: Served, city: City) -> None:
    """The bot is put into a group, hears who speaks there, answers there, and leaves; then nothing reaches it."""
    people = standin.load(3)
    chat_id = standin.admin.post("/chats", json={"user_ids": people[:2]}).json()["chat_id"]
    standin.admin.post(f"/chats/{chat_id}/members", json={"user_ids": [people[2]]})
    said = {"type": "text", "text": "รหัส 1234", "chat_id": chat_id}
    token = standin.admin.post(f"/users/{people[0]}/send", json=said).json()["reply_token"]
    answer = {"replyToken": token, "messages": HELLO}
    assert standin.line.post("/v2/bot/message/reply", json=answer).status_code == 200
    assert [d["user_id"] for d in standin.deliveries()] == people
    assert {d["chat"] for d in standin.deliveries()} == {chat_id}
    assert standin.line.post(f"/v2/bot/group/{chat_id}/leave").status_code == 200
    push = {"to": chat_id, "messages": HELLO}
    refused = standin.line.post("/v2/bot/message/push", json=push)
    assert (refused.status_code, refused.json()) == (400, {"message": "Failed to send messages"})
    assert [event["type"] for event in city.events()] == ["join", "memberJoined", "message"]
    assert city.events()[2]["source"] == {"type": "group", "groupId": chat_id, "userId": people[0]}
    assert standin.admin.post(f"/users/{people[0]}/send", json=said).status_code == 400


def test_account_link(standin: Served, city: City) -> None:
    """A link token joins its own user once within ten minutes; a failed link bears no reply token."""
    people = standin.load(2)

    def linked(user_id: str, token: str) -> dict[str, Any]:
        standin.admin.post(f"/users/{user_id}/link", json={"link_token": token, "nonce": "n"}).raise_for_status()
        return city.events()[-1]

    def token() -> str:
        return str(standin.line.post(f"/v2/bot/user/{people[0]}/linkToken").json()["linkToken"])

    first = token()
    assert linked(people[0], first)["link"] == {"result": "ok", "nonce": "n"}
    failed = linked(people[0], first)
    assert (failed["link"]["result"], "replyToken" in failed) == ("failed", False)
    assert linked(people[1], token())["link"]["result"] == "failed"
    late = token()
    standin.move_clock(601)
    assert linked(people[0], late)["link"]["result"] == "failed"


def test_tokens_end(standin: Served) -> None:
    """A channel token opens the API until it is revoked or over; a wrong secret or assertion gives none."""
    channel_id = standin.admin.get("/channel").json()["channel_id"]
    wrong = {"grant_type": "client_credentials", "client_id": channel_id, "client_secret": "wrong"}
    for path in ("/v2/oauth/accessToken", "/oauth2/v3/token"):
        refused = httpx.post(standin.url + path, data=wrong, trust_env=False)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client")
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form = {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": "a.b.c"}
    assert httpx.post(f"{standin.url}/oauth2/v2.1/token", data=form, trust_env=False).status_code == 400
    standin.load(1)
    given = standin.admin.post(f"/users/{user(0)}/id-token", json={"client_id": "1"}).json()["access_token"]
    bearer = {"Authorization": f"Bearer {given}"}
    assert standin.line.get("/v2/bot/info", headers=bearer).status_code == 401  # A user's is no channel's.
    assert standin.line.get("/v2/profile", headers=bearer).json()["userId"] == user(0)
    assert standin.line.get("/friendship/v1/status", headers=bearer).json() == {"friendFlag": True}
    standin.move_clock(3601)
    assert standin.line.get("/v2/profile", headers=bearer).status_code == 401


def test_figures_of_few_are_hidden(standin: Served) -> None:
    """Under 20 people a figure is withheld; a day that is not over is unready."""
    people = standin.load(25)
    request_id = standin.line.post("/v2/bot/message/broadcast", json={"messages": HELLO}).headers["x-line-request-id"]
    path = f"/v2/bot/insight/message/event?requestId={request_id}"
    for seen, shown in ((19, None), (25, 25)):
        for user_id in people[:seen]:
            standin.admin.get(f"/users/{user_id}/messages")
        overview = standin.line.get(path).json()["overview"]
        assert (overview["delivered"], overview["uniqueImpression"]) == (25, shown)
    assert standin.line.get("/v2/bot/message/delivery/push?date=29991231").json() == {"status": "unready"}
    for query in ("date=2026", "date=20261340", ""):
        assert standin.line.get(f"/v2/bot/message/delivery/push?{query}").status_code == 400


def test_every_kind_of_event(standin: Served, city: City) -> None:
    """What a resident can do, and what only LINE tells, reaches the city as LINE's contract has it."""
    (who,) = standin.load(1)
    standin.admin.post("/users", json=[{"user_id": who, "phone": "+66812345678"}])
    standin.admin.post(f"/users/{who}/unfollow").raise_for_status()
    standin.admin.post(f"/users/{who}/follow").raise_for_status()
    for said in (
        {"type": "video", "content_type": "video/mp4", "content_base64": "AAAA", "duration": 900},
        {"type": "audio", "content_type": "audio/m4a", "content_base64": "AAAA"},
        {"type": "file", "content_type": "application/pdf", "content_base64": "AAAA", "fileName": "a.pdf"},
        {"type": "postback", "data": "d", "params": {"datetime": "2026-11-28T10:00"}},
        {"type": "richmenuswitch", "richMenuAliasId": "none", "data": "d"},
    ):
        standin.admin.post(f"/users/{who}/send", json=said).raise_for_status()
    push = {"to": hashlib.sha256(b"+66812345678").hexdigest(), "messages": HELLO}
    tag = {"X-Line-Delivery-Tag": "a-tag-of-the-city"}
    assert standin.line.post("/bot/pnp/push", json=push, headers=tag).status_code == 200
    events = city.wait_for(8)
    assert [event["type"] for event in events] == [
        "unfollow", "follow", "message", "message", "message", "postback", "postback", "delivery",
    ]
    assert events[1]["follow"] == {"isUnblocked": True}
    assert events[6]["postback"]["params"]["status"] == "RICHMENU_ALIAS_ID_NOTFOUND"
    assert events[7]["delivery"] == {"data": "a-tag-of-the-city"}


def test_any_event_can_be_sent(standin: Served, city: City) -> None:
    """A test's own batch goes out signed and once, however odd its events are; an answer of 500 is its own affair."""
    city.answers = [(500, 0.0)]
    odd = [{"type": "song"}, {}, {"type": "message", "message": None}]
    assert standin.admin.post("/webhooks/send", json={"events": odd}).json()["status"] == 500
    assert city.events() == odd
    city.bodies.clear()  # They are against LINE's contract, and meant to be.


def test_the_webhook_is_called_on_this_machine_only(standin: Served, city: City) -> None:
    """Verify sends a signed call without events; an address beyond this machine is kept but never called."""
    assert standin.line.post("/v2/bot/channel/webhook/test", json={}).json()["success"] is True
    assert json.loads(city.bodies[-1])["events"] == []
    away = {"endpoint": "https://city.example/hook"}
    found = standin.line.post("/v2/bot/channel/webhook/test", json=away).json()
    assert (found["success"], found["reason"]) == (False, "COULD_NOT_CONNECT")
    for url in ("http://city.example/hook", "ftp://127.0.0.1/", "hook", "https://x/" + "y" * 500):
        answer = standin.line.put("/v2/bot/channel/webhook/endpoint", json={"endpoint": url})
        assert answer.status_code == 400, url


def test_the_memory_is_in_the_folder(tmp_path: Any) -> None:
    """Clock, allowance, menus and retry keys outlive the stand-in's process."""
    key = str(uuid.uuid4())
    body, headers = {"to": user(0), "messages": HELLO}, {"X-Line-Retry-Key": key}
    with served(tmp_path) as first:
        first.load(1)
        first.move_clock(86_000)
        first.admin.post("/quota", json={"limit": 7})
        accepted = first.line.post("/v2/bot/message/push", json=body, headers=headers)
    with served(tmp_path) as second:
        again = second.line.post("/v2/bot/message/push", json=body, headers=headers)
        assert again.headers["x-line-accepted-request-id"] == accepted.headers["x-line-request-id"]
        assert second.line.get("/v2/bot/message/quota").json() == {"type": "limited", "value": 7}
        assert second.admin.get("/clock").json()["advanced_s"] == pytest.approx(86_000, abs=1)


def test_a_folder_of_an_earlier_version_is_taken_over(tmp_path: Any) -> None:
    """Users and deliveries of a stand-in from before are there, and new ones come beside them."""
    db = sqlite3.connect(tmp_path / "line.sqlite")
    db.executescript(EARLIER)
    db.execute("INSERT INTO user VALUES (1, ?, 'คน', 'th', 'friend', 0)", (user(0),))
    db.execute("INSERT INTO request VALUES (1, 'r', 'push', NULL, NULL, 'a', 'w', 0, '[]', 'h', 't', 1, 1)")
    db.execute("INSERT INTO entry VALUES (1, 1, 1, NULL, NULL, NULL)")
    db.commit()
    db.close()
    with served(tmp_path) as found:
        assert found.line.get(f"/v2/bot/profile/{user(0)}").json()["displayName"] == "คน"
        assert found.line.post("/v2/bot/message/broadcast", json={"messages": HELLO}).status_code == 200
        assert [d["kind"] for d in found.deliveries()] == ["push", "broadcast"]


def test_unknown_addresses_and_methods(standin: Served) -> None:
    """What LINE does not have is 404, a method it does not take 405, a body beyond 2 MB 413; each in LINE's shape."""
    for method, path, status in [
        ("GET", "/v2/bot/nothing", 404),
        ("DELETE", "/v2/bot/message/push", 405),
        ("GET", "/v2/bot/richmenu/richmenu-0", 404),
        ("GET", "/v2/bot/group/C0/summary", 404),
    ]:
        answer = standin.line.request(method, path)
        assert answer.status_code == status
        assert isinstance(answer.json()["message"], str)
    assert standin.line.post("/v2/bot/message/push", content=b"x" * 2_000_001).status_code == 413


STRANGERS: list[Any] = [None, 0, -1, 1.5, "", "x", True, [], {}, [None], [[]], [{}], {"x": {}}, "ก" * 3000, [1, 2]]


@pytest.mark.skipif(not schemas.CONTRACT.exists(), reason="LINE's contract files are not at hand")
def test_no_body_breaks_an_operation(any_standin: Served) -> None:
    """Whatever stands in the place of any property, the answer is LINE's, never 500."""
    standin = any_standin
    for operation in app.OPERATIONS:
        if operation.takes != "json":
            continue
        properties = _properties(operation.clause(schemas.clauses()))
        whole = dict.fromkeys(properties, "x")
        standin.admin.post("/reset").raise_for_status()  # Full buckets.
        for name in properties:
            for stranger in STRANGERS[: 50 if operation.rate.seconds == 1 else 3]:
                answer = standin.line.request(operation.method, operation.path, json=whole | {name: stranger})
                assert answer.status_code < 500, (operation.name, name, stranger)


def _properties(clause: schemas.Clause | None) -> list[str]:
    assert clause is not None
    schema = clause.operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rpartition("/")[2]
    return list(clause.schemas[name]["properties"])


@pytest.mark.skipif(not schemas.CONTRACT.exists(), reason="LINE's contract files are not at hand")
def test_operations_are_the_contracts() -> None:
    """Every operation of the contract is there once, by its name, host and body; only LINE Login's are beyond it."""
    clauses = schemas.clauses()
    found = {(op.method, op.path): op for op in app.OPERATIONS}
    assert len(found) == len(app.OPERATIONS)
    beyond = {op.name for key, op in found.items() if key not in clauses}
    assert beyond == {
        "verifyIdToken", "getCerts", "getOpenIdConfiguration", "getOwnProfile", "getFriendshipStatus",
    }
    for key, clause in clauses.items():
        op = found[key]
        assert (op.name, op.is_on_data_host) == (clause.name, clause.is_on_data_host)
        assert (op.takes == "nothing") is ("requestBody" not in clause.operation)


def test_the_clock_stops_and_runs_on() -> None:
    """A stopped clock moves only when told; running on, it keeps what it was ahead."""
    real_s = [100.0]
    clock = Clock(real_s=lambda: real_s[0])
    clock.stop()
    real_s[0] = 160.0
    assert clock.now_s() == 100.0
    clock.advance(5)
    assert clock.now_s() == 105.0
    clock.resume()
    real_s[0] = 161.0
    assert clock.now_s() == 106.0
