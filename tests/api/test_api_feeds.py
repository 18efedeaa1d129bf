"""Feeds over HTTP: their ways in, and how they do."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core.db import transaction
from sensors.feeds_store import actions, polling, queries
from staff.models import AuditEntry
from tests.sensors.feeds_house.declared import KEY, a_feed, add_gauge, stream

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
ROW = {"datastream": "s", "observed_at": NOW.isoformat(), "value": 1.25, "unit": "m"}


@pytest.fixture
def browser(app: FastAPI, frozen_clock: Callable[..., None], browser: TestClient) -> TestClient:
    """A browser in which nobody is signed in, and a city with three feeds."""
    with transaction() as session:
        add_gauge(session, "G1")
        actions.declare_feed(session, a_feed("plain", "http_json"))
        actions.declare_feed(session, a_feed("files", "csv", streams=[stream("G1"), stream("G9", "G9")], key=None))
        actions.declare_feed(session, a_feed("asked", "http_json", url="http://127.0.0.1:1/rows", key=None))
    return browser


def _push(browser: TestClient, content: object, key: str | None = KEY, code: str = "plain") -> Any:
    headers = {"X-Device-Key": key} if key is not None else {}
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return browser.post(f"/api/v1/feeds/{code}", content=body, headers=headers)


def test_a_feed_signs_in_with_its_key(browser: TestClient) -> None:
    """No key, a wrong key and an unknown feed are 401 and leave nothing behind; the right key stores."""
    assert _push(browser, [ROW], key=None).json()["type"] == "urn:faonam:problem:device-key-missing"
    for answer in (_push(browser, [ROW], key="wrong"), _push(browser, [ROW], code="nowhere")):
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:faonam:problem:device-key-unknown")
    answer = _push(browser, [ROW, ROW | {"datastream": "G1"}, ROW])
    assert answer.status_code == 200
    assert [(row["status"], row["reason"]) for row in answer.json()["rows"]] == [
        ("stored", None), ("refused", "unknown_stream"), ("repeated", None),
    ]
    assert (answer.json()["stored"], answer.json()["refused"]) == (1, 1)
    assert "is switched off" not in answer.text


def test_what_a_feed_sends_may_be_anything(browser: TestClient) -> None:
    """A web page is answered as a row that is none, a body over a megabyte not at all."""
    assert _push(browser, b"<html>").json()["rows"][0]["reason"] == "html"
    assert _push(browser, b" " * 1_000_001).status_code in (413, 422)


def test_an_officer_brings_a_file(signed_in: Callable[[str], TestClient], browser: TestClient) -> None:
    """Each cell is answered in order and the file audited; nobody else may, and no feed of another kind takes one."""
    text = b"datetime,station,value (m)\n2026-11-21T02:50:00Z,G1,1.1\n2026-11-21T02:55:00Z,G1,high\n"
    text += b"2026-11-21T02:55:00Z,G9,1.0\n"
    assert browser.post("/api/v1/feeds/files/csv", content=text).status_code == 401
    assert signed_in("viewer").post("/api/v1/feeds/files/csv", content=text).status_code == 403
    officer = signed_in("officer")
    answer = officer.post("/api/v1/feeds/files/csv", content=text)
    assert [(row["status"], row["reason"]) for row in answer.json()["rows"]] == [
        ("stored", None), ("refused", "not_a_number"), ("refused", "unknown_datastream"),
    ]
    assert [row["words"] and row["words"]["th"] for row in answer.json()["rows"]] == [
        None, "ค่าที่ได้ไม่ใช่ตัวเลข", "ไม่มีชุดข้อมูลวัดตามที่ตั้งค่าไว้",
    ]
    assert officer.post("/api/v1/feeds/plain/csv", content=text).status_code == 422
    assert officer.post("/api/v1/feeds/nowhere/csv", content=text).status_code == 404
    with transaction() as session:
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "feed.file_taken")).one()
    assert (entry.subject, entry.detail) == ("feed:files", {"stored": 1, "refused": 2, "bytes": len(text)})


def test_officers_see_how_feeds_do(signed_in: Callable[[str], TestClient], browser: TestClient) -> None:
    """State, lag and error in Thai and English words; what is declared and does not exist is named; no key is."""
    assert browser.get("/api/v1/feeds").status_code == 401
    _push(browser, b"<html>")
    answer = signed_in("viewer").get("/api/v1/feeds")
    feeds = {feed["code"]: feed for feed in answer.json()["feeds"]}
    assert [feed["code"] for feed in answer.json()["feeds"]] == ["plain", "asked", "files"]
    assert (feeds["plain"]["condition"], feeds["asked"]["condition"]) == ("failing", "waiting")
    error = next(line for line in feeds["plain"]["lines"] if line["key"] == "feed-error-html")
    assert error["th"] == "แหล่งข้อมูลตอบเป็นหน้าเว็บแทนข้อมูล"
    assert error["en"] == "The source answered with a web page instead of data"
    assert (feeds["asked"]["host"], feeds["asked"]["is_asked"]) == ("127.0.0.1", True)
    assert feeds["files"]["missing_datastreams"] == ["G9"]
    assert KEY not in answer.text


def test_officers_see_when_a_failing_feed_is_asked_again(
    signed_in: Callable[[str], TestClient], browser: TestClient
) -> None:
    """It is asked in a round of the worker after it has rested, and never said to be asked at once."""

    def said() -> str:
        feeds = {feed["code"]: feed for feed in signed_in("viewer").get("/api/v1/feeds").json()["feeds"]}
        return str(feeds["asked"]["lines"][-1]["en"])

    assert said() == "Is asked in the worker's next round, every 30 seconds"
    with transaction() as session:
        spec = queries.spec_by_code(session, "asked")
    assert spec is not None
    heard = []
    for _ in range(4):
        with transaction() as session:
            polling.ask(session, spec.id)
        heard.append(said())
    # It rests 15 to 30 s, then twice as long each time, and then for the next full or half minute.
    assert heard[0] in {"Is asked again in less than a minute", "Is asked again in about 1 minute"}
    assert heard[3] in {f"Is asked again in about {minutes} minutes" for minutes in (2, 3, 4, 5)}


def test_a_feed_can_be_asked_now(signed_in: Callable[[str], TestClient], browser: TestClient) -> None:
    """The job waits in the queue when the answer goes out; a feed that sends by itself cannot be asked."""
    assert signed_in("viewer").post("/api/v1/feeds/asked/poll").status_code == 403
    officer = signed_in("officer")
    assert officer.post("/api/v1/feeds/asked/poll").status_code == 202
    assert officer.post("/api/v1/feeds/plain/poll").status_code == 422
    assert officer.post("/api/v1/feeds/nowhere/poll").status_code == 404
    with transaction() as session:
        waiting = session.execute(sa.text("SELECT task_name FROM procrastinate_jobs")).scalars().all()
    assert waiting == ["sensors.poll_feed"]


def test_a_field_twice_is_refused_and_kept(browser: TestClient) -> None:
    """Which of two values a feed means nobody knows: neither is stored."""
    body = b'{"rows": [{"cm": 152, "cm": 160}]}'
    answer = browser.post("/api/v1/feeds/plain", content=body, headers={"X-Device-Key": KEY}).json()
    assert (answer["stored"], answer["refused"], answer["rows"][0]["reason"]) == (0, 1, "malformed")
    assert "twice" in answer["rows"][0]["detail"]
