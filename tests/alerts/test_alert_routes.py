"""Alerts over HTTP, with real commits: who may, what is answered, what two browsers at once can do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from shapely.geometry import Point

from alerts import tasks
from alerts.cap import checking
from alerts.models import Alert, AlertRecipient
from api import problems
from api.routes import alerts as routes
from core import events
from core.db import transaction
from flood.events import FloodRedrawn
from line.events import ChunksAccepted, PostbackReceived, seal_line_user
from line.models import OutboxChunk
from tests.serving import browser

WALL = datetime(2026, 11, 21, 2, 59, tzinfo=UTC)
INSIDE = Point(100.005, 8.405)
LOOKED = {"revision": 1, "typed_name": "ชุมชนA"}


@pytest.fixture
def app() -> FastAPI:
    """The alerts' routes alone."""
    app = FastAPI()
    problems.add_problems(app)
    app.include_router(routes.router, prefix="/api/v1")
    return app


@pytest.fixture
def city(database: sa.Engine, frozen_clock: Any, town_of: Any) -> int:
    """A committed town with one zone, three residents and four accounts."""
    with transaction() as session:
        town = town_of(session)
        town.zone("A")
        for language in ("th", "en", "ms"):
            town.resident(INSIDE, language=language)
        for username, roles in (
            ("ann", ["approver"]),
            ("bob", ["approver"]),
            ("olu", ["officer"]),
            ("vic", ["viewer"]),
        ):
            town.account(username, roles)
        run_id = town.picture({"A": 3})
    return int(run_id)


def flood_is_drawn(run_id: int, severity: int = 3) -> None:
    with transaction() as session:
        event = FloodRedrawn(
            run_id=run_id,
            trigger_received_wall_at=WALL,
            severity_by_zone={"A": severity},
            falling_by_zone={},
            is_without_data=False,
        )
        event_id = events.publish(session, event)
    events.deliver_now(event_id)
    events.deliver_now(event_id)


def test_proposal_is_read_approved_and_delivered(city: int, app: FastAPI) -> None:
    """The whole way by HTTP and events: proposed once, seen, approved, accepted, active, with its CAP."""
    flood_is_drawn(city)
    ann = browser(app, "ann")
    (alert,) = ann.get("/api/v1/alerts").json()["alerts"]
    assert (alert["state"], alert["level"], alert["audience"]["count"]) == ("proposed", 3, 3)
    assert alert["texts"]["th"]["title"]
    url = f"/api/v1/alerts/{alert['id']}"
    assert ann.get(f"{url}/cap.xml").status_code == 404
    assert browser(app, "vic").post(f"{url}/approve", json=LOOKED).status_code == 403
    assert browser(app, "olu").post(f"{url}/approve", json=LOOKED).status_code == 403
    assert ann.post(f"{url}/approve", json=LOOKED).json()["state"] == "sending"
    document = ann.get(f"{url}/cap.xml")
    assert document.headers["content-type"].startswith("application/cap+xml")
    assert checking.problems(document.content) == []
    area = ann.get(f"{url}/area").json()
    assert area["features"][0]["geometry"]["type"] == "MultiPolygon"
    with transaction() as session:
        for chunk in session.scalars(sa.select(OutboxChunk)):
            chunk.state, chunk.accepted_wall_at = "accepted", WALL
            accepted = ChunksAccepted((chunk.id,), chunk.subject, chunk.kind, chunk.recipient_count, WALL)
            last = events.publish(session, accepted)
    events.deliver_now(last)
    seen = ann.get(url).json()
    assert seen["state"] == "active"
    none = {"queued": 0, "failed": 0, "unknown": 0, "cancelled": 0}
    assert seen["delivery"].pop("channels") == [
        {"channel": "line", "accepted": 3, **none}, {"channel": "cap_feed", "accepted": 1, **none},
    ]  # fmt: skip
    assert seen["delivery"] == {
        "queued": 0,
        "accepted": 3,
        "failed": 0,
        "unknown": 0,
        "cancelled": 0,
        "recipients": 3,
        "accepted_recipients": 3,
    }
    assert ann.get(f"{url}/ledger").json()["counts"] == {"accepted": 3}


def test_double_click_from_two_tabs_sends_once(city: int, app: FastAPI) -> None:
    """Six requests at the same moment, by two people: one approval, one sending, everybody once."""
    flood_is_drawn(city)
    with transaction() as session:
        alert_id = session.scalar(sa.select(Alert.id))
    tabs = [browser(app, name) for name in ("ann", "ann", "ann", "bob", "bob", "ann")]
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda tab: tab.post(f"/api/v1/alerts/{alert_id}/approve", json=LOOKED).status_code, tabs)
        )
    assert set(answers) <= {200, 409}
    assert 200 in answers
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.sum(OutboxChunk.recipient_count))) == 3
        assert session.scalar(sa.select(sa.func.count()).select_from(AlertRecipient)) == 3


def test_changed_audience_answers_409_and_keeps_the_new_revision(city: int, app: FastAPI, town_of: Any) -> None:
    """The officer is told to look again, and what there is to look at is the new revision."""
    flood_is_drawn(city)
    with transaction() as session:
        alert_id = session.scalar(sa.select(Alert.id))
        session.execute(sa.text("UPDATE resident SET is_reachable = false WHERE language = 'ms'"))
    ann = browser(app, "ann")
    refused = ann.post(f"/api/v1/alerts/{alert_id}/approve", json=LOOKED)
    assert refused.status_code == 409
    assert "Look again" in refused.json()["detail"]
    seen = ann.get(f"/api/v1/alerts/{alert_id}").json()
    assert (seen["state"], seen["revision"], seen["audience"]["count"]) == ("proposed", 2, 2)
    assert seen["audience"]["unreachable"] == 1
    assert ann.post(f"/api/v1/alerts/{alert_id}/approve", json=LOOKED | {"revision": 2}).status_code == 200


def test_active_alert_is_shown_expired_by_the_clock(city: int, app: FastAPI, frozen_clock: Any) -> None:
    """No job is needed for an alert to end: past its time it reads expired."""
    flood_is_drawn(city)
    ann = browser(app, "ann")
    (alert,) = ann.get("/api/v1/alerts").json()["alerts"]
    with transaction() as session:
        session.execute(sa.text("UPDATE resident SET is_reachable = false"))
    assert ann.post(f"/api/v1/alerts/{alert['id']}/approve", json=LOOKED).status_code == 409
    assert ann.post(f"/api/v1/alerts/{alert['id']}/approve", json=LOOKED | {"revision": 2}).json()["state"] == "active"
    frozen_clock(datetime(2026, 11, 21, 9, 0, tzinfo=UTC))
    assert ann.get(f"/api/v1/alerts/{alert['id']}").json()["state"] == "expired"


def test_officer_declines_or_clears_only_as_allowed(city: int, app: FastAPI) -> None:
    """Declining is the approver's; an all-clear may be asked by an officer and is approved by somebody else."""
    flood_is_drawn(city)
    olu, ann = browser(app, "olu"), browser(app, "ann")
    (alert,) = olu.get("/api/v1/alerts").json()["alerts"]
    url = f"/api/v1/alerts/{alert['id']}"
    assert olu.post(f"{url}/decline", json={"reason": "no"}).status_code == 403
    assert ann.post(f"{url}/decline", json={"reason": " "}).status_code == 422
    assert olu.post(f"{url}/all-clear").status_code == 409
    ann.post(f"{url}/approve", json=LOOKED)
    clear = olu.post(f"{url}/all-clear").json()
    assert (clear["kind"], clear["state"], clear["proposed_by"]) == ("all_clear", "proposed", "Olu")
    assert ann.post(f"/api/v1/alerts/{clear['id']}/approve", json=LOOKED).status_code == 200
    assert ann.get(url).json()["state"] == "ended"


def test_safe_answer_is_kept_and_thanked(city: int, app: FastAPI) -> None:
    """A resident's tap on "I am safe" stands beside their row; a stranger's, or another button, does nothing."""
    flood_is_drawn(city)
    ann = browser(app, "ann")
    (alert,) = ann.get("/api/v1/alerts").json()["alerts"]
    ann.post(f"/api/v1/alerts/{alert['id']}/approve", json=LOOKED)
    for user, data in (
        (f"U{1:032x}", f"safe:{alert['id']}"),
        ("U" + "f" * 32, f"safe:{alert['id']}"),
        (f"U{2:032x}", "x"),
    ):
        with transaction() as session:
            tap = PostbackReceived("e" + user + data, seal_line_user(user), "token", data, {}, WALL)
            tasks.note_safe(session, tap)
    assert ann.get(f"/api/v1/alerts/{alert['id']}").json()["answers"] == {"safe": 1}
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).where(OutboxChunk.kind == "reply")) == 1


def test_the_preview_counts_what_is_then_sent(city: int, app: FastAPI) -> None:
    """By zone, language and reason, who cannot be told, and each text as LINE gets it: the same numbers go out."""
    with transaction() as session:
        session.execute(sa.text("UPDATE resident SET is_reachable = false WHERE language = 'ms'"))
    flood_is_drawn(city)
    ann = browser(app, "ann")
    (alert,) = ann.get("/api/v1/alerts").json()["alerts"]
    url = f"/api/v1/alerts/{alert['id']}"
    shown = ann.get(f"{url}/preview").json()
    assert (shown["count"], shown["by_language"], shown["messages"]) == (2, {"th": 1, "en": 1}, 2)
    assert [(zone["name"]["th"], zone["count"]) for zone in shown["by_zone"]] == [("ชุมชนA", 2)]
    assert shown["by_reason"] == {"home": 2}
    assert shown["suppressed_by_reason"] == {"unreachable": 1}
    assert ann.post(f"{url}/approve", json=LOOKED).json()["state"] == "sending"
    with transaction() as session:
        sent = session.scalars(sa.select(OutboxChunk).order_by(OutboxChunk.id)).all()
        assert sum(chunk.recipient_count for chunk in sent) == shown["count"]
        assert sorted((chunk.messages for chunk in sent), key=str) == sorted(
            (shown["samples"][language] for language in ("th", "en")), key=str
        )
    assert ann.get(f"{url}/preview").json()["count"] == 2
    assert TestClient(app).get(f"{url}/preview").status_code == 401
