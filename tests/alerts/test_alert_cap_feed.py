"""The public feed over HTTP: what others may read, how little they have to fetch, and what they never see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import etree

from alerts.cap import read
from alerts.cap.feed import ATOM
from alerts.cap_models import CapDocument
from alerts.models import Alert
from api import problems
from api.routes import cap_feed
from core.db import transaction

BEGIN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
XML = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{name}</identifier>
<sender>faonam.demo</sender><sent>2026-11-21T10:00:00+07:00</sent><status>{status}</status><msgType>{kind}</msgType>
<scope>Public</scope>{references}<info><language>th-TH</language><category>Met</category><event>น้ำท่วม</event>
<urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty><senderName>เทศบาล</senderName>
<headline>เตือนภัย {name}</headline><description>น้ำมา</description></info></alert>"""
NOTHING: dict[str, Any] = {}
ALERT = {
    **{"id": 1, "number": "A1", "event_id": 1, "kind": "alert", "level": 2, "state": "active", "revision": 1},
    **{"depth_class": 0, "words_version": 1, "policy_version": 1, "proposed_at": BEGIN, "revised_at": BEGIN},
    **{"evidence": [], "texts": NOTHING, "audience_count": 0, "audience_hash": "", "audience_by_language": NOTHING},
    **{"vulnerable_count": 0, "suppressed_by_reason": NOTHING, "references": []},
}


@pytest.fixture
def client(database: sa.Engine, frozen_clock: Callable[[datetime], None], town_of: Any) -> TestClient:
    """A committed town, and its feed alone."""
    with transaction() as session:
        town_of(session)
        session.add(Alert(**ALERT))
    app = FastAPI()
    problems.add_problems(app)
    app.include_router(cap_feed.router)
    return TestClient(app, base_url="https://water.example.org")


def publish(name: str, *, hour: float, lasts_h: float = 6, kind: str = "Alert", **changes: Any) -> None:
    """A document of this name, sent so many hours after the beginning."""
    sent_at = BEGIN + timedelta(hours=hour)
    references = changes.get("references", [])
    named = " ".join(f"faonam.demo,{one},2026-11-21T10:00:00+07:00" for one in references)
    xml = XML.format(
        name=name,
        kind=kind,
        status=changes.get("status", "Test"),
        references=f"<references>{named}</references>" if named else "",
    )
    values = {"status": "Test", "references": [], "incidents": ["e"], "problems": []} | changes
    with transaction() as session:
        session.add(
            CapDocument(
                identifier=name,
                alert_id=1,
                message_type=kind,
                sent_at=sent_at,
                expires_at=sent_at + timedelta(hours=lasts_h),
                xml=xml,
                **values,
            )
        )


def entries(client: TestClient) -> list[str]:
    root = etree.fromstring(client.get("/cap/feed.atom").content)
    return [entry.findtext(f"{{{ATOM}}}title") or "" for entry in root.findall(f"{{{ATOM}}}entry")]


def test_the_feed_holds_what_is_in_force(client: TestClient, frozen_clock: Callable[[datetime], None]) -> None:
    """Newest first, status said; neither replaced, expired, unsound, to come, nor an exercise; by the clock alone."""
    publish("m1", hour=0)
    publish("m2", hour=1, lasts_h=2)
    publish("m3", hour=1.5, kind="Update", references=["m1"])
    publish("x", hour=1.6, status="Exercise", kind="Update", references=["m2"])
    publish("bad", hour=1.7, kind="Update", references=["m2"], problems=[{"field": "area", "problem": "It is not."}])
    publish("later", hour=2.5)
    frozen_clock(BEGIN + timedelta(hours=2))
    assert entries(client) == ["[TEST] เตือนภัย m3", "[TEST] เตือนภัย m2"]
    frozen_clock(BEGIN + timedelta(hours=3))
    assert entries(client) == ["[TEST] เตือนภัย later", "[TEST] เตือนภัย m3"]
    frozen_clock(BEGIN + timedelta(days=2))
    assert entries(client) == []
    for name in ("x", "bad", "nobody", "../etc/passwd"):
        assert client.get(f"/cap/{name}.xml").status_code == 404


def test_the_feed_is_atom_that_others_can_follow(client: TestClient) -> None:
    """Our own reader finds the documents by the feed's links, and each as it was published; nothing else is told."""
    publish("m1", hour=0)
    answer = client.get("/cap/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert answer.headers["access-control-allow-origin"] == "*"
    reading = read(answer.content, source="https://water.example.org/cap/feed.atom")
    assert reading.links == ("https://water.example.org/cap/m1.xml",)
    root = etree.fromstring(answer.content)
    assert {link.get("rel") for link in root.findall(f"{{{ATOM}}}link")} == {"self", "alternate"}
    assert "จำลอง" in (root.findtext(f"{{{ATOM}}}title") or "")
    for name in ("id", "updated", "author"):
        assert root.find(f"{{{ATOM}}}{name}") is not None
    document = client.get(reading.links[0])
    assert document.headers["content-type"].startswith("application/cap+xml")
    with transaction() as session:
        stored = session.get_one(CapDocument, "m1").xml.encode()
    assert document.content == stored
    assert read(document.content, source="m1").messages[0].identifier == "m1"
    head = client.head("/cap/feed.atom")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == answer.headers["etag"]


def test_who_has_it_already_is_told_so(client: TestClient, frozen_clock: Callable[[datetime], None]) -> None:
    """304 by tag and by time; a new message and the end of one are changes."""
    publish("m1", hour=0, lasts_h=2)
    frozen_clock(BEGIN + timedelta(hours=1))
    first = client.get("/cap/feed.atom")
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    assert parsedate_to_datetime(modified) == min(BEGIN, datetime.now(UTC).replace(microsecond=0))
    for headers in ({"If-None-Match": tag}, {"If-None-Match": f'"x", W/{tag}'}, {"If-None-Match": "*"}):
        answer = client.get("/cap/feed.atom", headers=headers)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert client.get("/cap/feed.atom", headers={"If-Modified-Since": modified}).status_code == 304
    another = {"If-None-Match": '"x"', "If-Modified-Since": modified}
    assert client.get("/cap/feed.atom", headers=another).status_code == 200
    for nonsense in ("", "yesterday", "Sat, 99 Nov 2026 99:00:00 GMT"):
        assert client.get("/cap/feed.atom", headers={"If-Modified-Since": nonsense}).status_code == 200
    document_tag = client.get("/cap/m1.xml").headers["etag"]
    assert client.get("/cap/m1.xml", headers={"If-None-Match": document_tag}).status_code == 304
    frozen_clock(BEGIN + timedelta(hours=2))
    over = client.get("/cap/feed.atom", headers={"If-None-Match": tag})
    assert over.status_code == 200
    assert parsedate_to_datetime(over.headers["last-modified"]) >= parsedate_to_datetime(modified)
