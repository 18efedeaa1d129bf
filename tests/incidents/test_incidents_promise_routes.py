"""The officers' door to agencies, promises and the calendar: who may, what is answered, what is refused in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from api.app import create_app
from core.db import transaction
from gis.points import LonLat
from incidents import actions
from incidents.rules import NewReport
from staff.models import AuditEntry
from tests.accounts import PASSWORD, add_account
from tests.incidents.conftest import add_talker

SignIn = Callable[[str], TestClient]


@pytest.fixture
def incident_id(database: sa.Engine, frozen_clock: object, fill: Callable[[Session], None]) -> int:
    """A flooded street that one resident has reported."""
    with transaction() as session:
        fill(session)
        for role in ("viewer", "officer", "admin"):
            add_account(session, role, roles=[role])
        talker = add_talker(session, 1, home=None)
        new = NewReport(
            text="น้ำท่วม", category_code="flooded_road", place=LonLat(lon=99.96, lat=8.43), place_source="pin",
            resident_id=talker.resident.id,
        )
        return actions.receive_report(session, new)[1].id


@pytest.fixture
def signed_in(incident_id: int) -> Iterator[SignIn]:
    """A browser with that account's cookie and CSRF token."""
    with TestClient(create_app(), raise_server_exceptions=False) as browser:

        def sign_in(role: str) -> TestClient:
            answer = browser.post("/api/v1/session", json={"username": role, "password": PASSWORD})
            browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
            return browser

        yield sign_in


def test_an_officer_sends_on_waits_resumes_and_keeps_alive(signed_in: SignIn, incident_id: int) -> None:
    """Each answer is the promise as it now stands; each deed is in the audit log without anybody's words."""
    officer = signed_in("officer")
    base = f"/api/v1/incidents/{incident_id}"
    before = officer.get(f"{base}/promise").json()
    assert [(agency["code"], agency["role"], agency["reason"]) for agency in before["agencies"]] == [
        ("works", "lead", "kind")
    ]
    assert (before["promise_hours"], before["promise_in"], before["is_waiting"], before["can_fade"]) == (
        24, "calendar", False, True,
    )
    assert "rescue" in [agency["code"] for agency in officer.get("/api/v1/agencies").json()["agencies"]]
    sent = officer.post(f"{base}/send-on", json={"to": "rescue", "reason": "ต้องใช้เรือ"})
    assert sent.json()["agencies"][0]["code"] == "rescue"
    assert officer.get(base).json()["state"] == "sent_on"
    waiting = officer.post(f"{base}/wait", json={"question": "ฝั่งไหน", "hours": 5}).json()
    assert (waiting["is_waiting"], waiting["pauses"][0]["question"]) == (True, "ฝั่งไหน")
    assert not officer.post(f"{base}/resume", json={"reason": "โทรถามแล้ว"}).json()["is_waiting"]
    assert officer.post(f"{base}/keep", json={"reason": "ยังเห็นน้ำ"}).status_code == 200
    history = officer.get(base).json()["changes"]
    assert [change["kind"] for change in history] == ["state", "state", "waiting", "resumed", "kept"]
    assert (history[1]["from_agency"]["code"], history[1]["to_agency"]["name"]["th"]) == ("works", "งาน rescue")
    with transaction() as session:
        logged = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [action for action in logged if action.startswith("incident.")] == [
        "incident.sent_on", "incident.waiting", "incident.resumed", "incident.kept",
    ]


def test_what_cannot_be_done_is_told_in_thai_too(signed_in: SignIn, incident_id: int) -> None:
    """409 with a sentence in both languages, and 404 and 422 where the agency or the reason is missing."""
    officer = signed_in("officer")
    base = f"/api/v1/incidents/{incident_id}"
    refused = officer.post(f"{base}/send-on", json={"to": "works", "reason": "x"})
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert refused.json()["detail"] == "It is with works already."
    assert refused.json()["detail_th"] == "เหตุนี้อยู่กับ งาน works อยู่แล้ว"
    assert "facts" not in refused.json()
    assert officer.post(f"{base}/send-on", json={"to": "nobody", "reason": "x"}).status_code == 404
    assert officer.post(f"{base}/send-on", json={"to": "rescue", "reason": ""}).status_code == 422
    assert officer.post(f"{base}/resume", json={"reason": "x"}).json()["detail_th"] == "เหตุนี้ไม่ได้รอผู้แจ้งอยู่"
    assert officer.post(f"{base}/state", json={"to": "sent_on"}).status_code == 422
    assert officer.post("/api/v1/incidents/999999/wait", json={"question": "x"}).status_code == 404


def test_who_was_slower_is_told_what_happened_meanwhile(signed_in: SignIn, incident_id: int) -> None:
    """The second officer saw `new` too: nothing changes, and the sentence names the state that it has now."""
    officer = signed_in("officer")
    change = {"to": "accepted", "seen": "new", "reason": ""}
    assert officer.post(f"/api/v1/incidents/{incident_id}/state", json=change).status_code == 200
    slower = officer.post(f"/api/v1/incidents/{incident_id}/state", json=change | {"to": "rejected"})
    assert slower.status_code == 409
    assert "มอบหมายแล้ว" in slower.json()["detail_th"]
    assert officer.get(f"/api/v1/incidents/{incident_id}").json()["state"] == "accepted"


def test_who_only_looks_changes_nothing_and_only_an_admin_the_calendar(signed_in: SignIn, incident_id: int) -> None:
    """A viewer reads; an officer does not open the office on New Year."""
    viewer = signed_in("viewer")
    assert viewer.get(f"/api/v1/incidents/{incident_id}/promise").status_code == 200
    for deed, body in (("send-on", {"to": "rescue", "reason": "x"}), ("keep", {"reason": "x"})):
        assert viewer.post(f"/api/v1/incidents/{incident_id}/{deed}", json=body).status_code == 403
    day = {"name": {"th": "เปิดทำการ", "en": "Open"}, "is_closed": False}
    assert signed_in("officer").put("/api/v1/calendar/holidays/2026-12-31", json=day).status_code == 403
    changed = signed_in("admin").put("/api/v1/calendar/holidays/2026-12-31", json=day).json()
    assert [h for h in changed["holidays"] if h["edited_by"] == "admin"] == [
        {"day": "2026-12-31", **day, "source": "city", "edited_by": "admin"}
    ]


def test_office_hours_that_overlap_or_go_backwards_are_refused(signed_in: SignIn) -> None:
    """Counted twice or never, they would make promises that nobody gave."""
    admin = signed_in("admin")

    def put(*hours: tuple[int, str, str]) -> int:
        rows = [{"weekday": weekday, "opens": opens, "closes": closes} for weekday, opens, closes in hours]
        return admin.put("/api/v1/calendar/hours", json={"hours": rows}).status_code

    assert put((1, "08:30", "12:00"), (1, "11:00", "16:30")) == 422
    assert put((1, "12:00", "08:30")) == 422
    assert put((8, "08:30", "12:00")) == 422
    assert put((1, "08:30+07:00", "12:00+07:00")) == 422
    assert put((1, "08:30", "12:00"), (1, "12:00", "16:30"), (6, "09:00", "12:00")) == 200
    assert [hours["weekday"] for hours in admin.get("/api/v1/calendar").json()["hours"]] == [1, 1, 6]
