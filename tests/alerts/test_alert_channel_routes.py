"""Subscribers and the list of exercises over HTTP: who may, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from shapely.geometry import Point

from api import problems
from api.routes import alerts as alert_routes
from api.routes import channels as routes
from api.routes import line_webhook
from core.db import transaction
from line import quota
from line.models import InboxEvent
from line.rules import signature
from tests.serving import browser

INSIDE = Point(100.005, 8.405)
SCHOOL = {"name": "School", "kind": "mail", "address": "office@school.example"}


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    problems.add_problems(app)
    for one in (alert_routes.router, routes.router):
        app.include_router(one, prefix="/api/v1")
    app.include_router(line_webhook.router)
    return app


@pytest.fixture
def members(database: sa.Engine, frozen_clock: Any, town_of: Any) -> list[int]:
    """The numbers of two members of a committed town with five accounts."""
    with transaction() as session:
        town = town_of(session)
        town.zone("A")
        found = [town.resident(INSIDE, language=language) for language in ("th", "en")]
        for username, roles in (
            ("ann", ["approver"]), ("bob", ["approver"]), ("olu", ["officer"]), ("adm", ["admin"]), ("vic", ["viewer"]),
        ):  # fmt: skip
            town.account(username, roles)
    return found


def deeds() -> list[tuple[str, str]]:
    with transaction() as session:
        rows = session.execute(sa.text("SELECT action, subject FROM audit_entry ORDER BY id")).all()
        return [(row.action, row.subject) for row in rows if not row.action.startswith("session")]


def test_admins_keep_subscribers(app: FastAPI, members: list[int]) -> None:
    """Added, listed without the address, removed; each deed on record; nobody else may even look."""
    admin = browser(app, "adm")
    made = admin.post("/api/v1/alert-subscribers", json=SCHOOL)
    assert (made.status_code, made.json()["secret"]) == (201, None)
    hook = {"name": "Radio", "kind": "webhook", "address": "http://127.0.0.1:9/word", "language": "en"}
    assert admin.post("/api/v1/alert-subscribers", json=hook).json()["secret"].startswith("whsec_")
    listed = admin.get("/api/v1/alert-subscribers")
    assert [one["shown"] for one in listed.json()["subscribers"]] == ["127.0.0.1", "o…@school.example"]
    assert "office" not in listed.text
    assert "word" not in listed.text
    assert admin.post("/api/v1/alert-subscribers", json=SCHOOL).status_code == 409
    odd = SCHOOL | {"name": "Other", "address": "a b@c.de"}
    assert admin.post("/api/v1/alert-subscribers", json=odd).status_code == 422
    number = made.json()["id"]
    assert admin.delete(f"/api/v1/alert-subscribers/{number}").status_code == 204
    assert admin.delete(f"/api/v1/alert-subscribers/{number}").status_code == 404
    assert [action for action, _ in deeds()] == ["subscriber.added"] * 2 + ["subscriber.removed"]
    for username in ("olu", "ann", "vic"):
        other = browser(app, username)
        assert other.get("/api/v1/alert-subscribers").status_code == 403
        assert other.post("/api/v1/alert-subscribers", json=SCHOOL).status_code == 403


def test_officers_keep_the_list_of_exercises(app: FastAPI, members: list[int]) -> None:
    """By member number, each look and deed on record; not for viewers."""
    officer, member = browser(app, "olu"), members[0]
    for _ in range(2):
        assert officer.post("/api/v1/exercise-list", json={"member": member}).status_code == 204
    assert officer.post("/api/v1/exercise-list", json={"member": 999}).status_code == 404
    assert officer.post("/api/v1/exercise-list", json={"member": 2**63}).status_code == 422
    [found] = officer.get("/api/v1/exercise-list").json()["participants"]
    assert found["member"] == member
    assert browser(app, "vic").post("/api/v1/exercise-list", json={"member": member}).status_code == 403
    assert officer.delete(f"/api/v1/exercise-list/{member}").status_code == 204
    assert officer.delete(f"/api/v1/exercise-list/{member}").status_code == 404
    assert deeds() == [
        ("exercise_list.added", f"resident:{member}"), ("exercise_list.read", "exercise_list"),
        ("exercise_list.removed", f"resident:{member}"),
    ]  # fmt: skip


def test_an_exercise_from_draft_to_the_blackhole(app: FastAPI, members: list[int]) -> None:
    """Drafted, checked and approved by hand: the desk sees whom it reaches, and by which channel it went."""
    officer = browser(app, "olu")
    officer.post("/api/v1/exercise-list", json={"member": members[1]})
    with transaction() as session:
        zone_id = session.scalar(sa.text("SELECT id FROM zone"))
        quota.keep(session, 0, 0)
    wanted = {"level": 2, "zone_ids": [zone_id], "is_exercise": True, "is_proposed": True}
    alert_id = officer.post("/api/v1/alerts", json=wanted).json()["id"]
    shown = officer.get(f"/api/v1/alerts/{alert_id}/preview").json()
    assert (shown["count"], shown["suppressed_by_reason"]) == (1, {"not_on_exercise_list": 1})
    assert shown["quota"] is None
    revision = {"revision": shown["revision"]}
    approved = browser(app, "bob").post(f"/api/v1/alerts/{alert_id}/approve", json=revision)
    assert approved.status_code == 200, approved.text
    [line] = approved.json()["delivery"]["channels"]
    assert line == {"channel": "blackhole", "queued": 1, "accepted": 0, "failed": 0, "unknown": 0, "cancelled": 0}


def test_a_quota_that_is_too_small_is_said_before_and_refused_at_approval(app: FastAPI, members: list[int]) -> None:
    """The preview says what is left; the approval is a problem with the number missing; raised, it goes out."""
    officer = browser(app, "olu")
    with transaction() as session:
        zone_id = session.scalar(sa.text("SELECT id FROM zone"))
        quota.keep(session, 100, 99)
    made = officer.post("/api/v1/alerts", json={"level": 2, "zone_ids": [zone_id], "is_proposed": True}).json()
    shown = officer.get(f"/api/v1/alerts/{made['id']}/preview").json()
    assert {name: shown["quota"][name] for name in ("left", "messages", "missing", "is_enough")} == {
        "left": 1, "messages": 2, "missing": 1, "is_enough": False,
    }  # fmt: skip
    approver = browser(app, "ann")
    refused = approver.post(f"/api/v1/alerts/{made['id']}/approve", json={"revision": shown["revision"]})
    assert refused.status_code == 409
    assert "1 are missing" in refused.json()["detail"]
    with transaction() as session:
        quota.keep(session, 200, 99)
    approved = approver.post(f"/api/v1/alerts/{made['id']}/approve", json={"revision": shown["revision"]})
    assert approved.json()["state"] == "sending"


def test_the_channel_of_exercises_may_only_bring_taps(
    app: FastAPI, members: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed by its own secret: a tap on an exercise's button is kept, a cry for help there is not; others get 401."""
    monkeypatch.setenv("LINE_EXERCISE_SECRET", "of-exercises")
    person = {"type": "user", "userId": "U1"}
    said = {"type": "message", "webhookEventId": "m", "source": person, "message": {"type": "text", "text": "help"}}
    tap = {"type": "postback", "webhookEventId": "t", "source": person, "postback": {"data": "exercise:1:help"}}
    raw = json.dumps({"events": [said, tap]}).encode()
    client = TestClient(app)
    for secret, status in (("of-exercises", 200), ("of-others", 401)):
        headers = {"x-line-signature": signature(raw, channel_secret=secret)}
        assert client.post("/line/webhook", content=raw, headers=headers).status_code == status
    with transaction() as session:
        assert list(session.scalars(sa.select(InboxEvent.webhook_event_id))) == ["t"]
