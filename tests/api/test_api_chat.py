"""What residents do by chat, as officers see it: counts of what is held, blocks with their reason, ratings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core import clock, sealing
from core.db import transaction
from incidents import actions as incident_actions
from incidents import group_calls
from incidents.after_models import IncidentRating
from incidents.models import Incident
from line.events import CriedInGroup, seal_line_user
from line.models import InboxEvent
from residents import actions
from staff.models import AuditEntry

SignsIn = Callable[[str], TestClient]
ME = "U" + "4d" * 16
SECRET = "คำที่ใครก็ไม่ควรเห็น"


@pytest.fixture
def number(app: FastAPI) -> int:
    """A member of whom two messages are held."""
    with transaction() as session:
        resident = actions.resident_of(session, ME)
        for word in range(3):
            session.add(
                InboxEvent(
                    webhook_event_id=f"e{word}", event_type="message", raw_sealed=sealing.seal(SECRET),
                    happened_at=clock.now(), received_at=clock.now(), received_wall_at=clock.wall_now(),
                    user_hash=sealing.fingerprint(ME), handled_at=clock.now(),
                    held_at=clock.now() if word else None, held_for="pace" if word else None,
                )
            )
        return resident.id


def test_officers_see_how_much_is_held_and_never_what(number: int, signed_in: SignsIn) -> None:
    """The member's number and a count; neither words nor LINE id. Who may not act on members sees nothing."""
    for role in ("viewer", "dispatcher", "approver"):
        assert signed_in(role).get("/api/v1/chat/held").status_code == 403
    listed = signed_in("officer").get("/api/v1/chat/held")
    (held,) = listed.json()["held"]
    assert (held["number"], held["messages"], held["held_for"], held["blocked_until"]) == (number, 2, "pace", None)
    assert ME not in listed.text
    assert SECRET not in listed.text


def test_what_is_held_is_let_through_once(number: int, signed_in: SignsIn) -> None:
    """It waits for the receiver again, the list is empty, and the audit log says who let how much through."""
    officer = signed_in("officer")
    assert officer.post(f"/api/v1/residents/{number}/let-through").json() == {"messages": 2}
    assert officer.post(f"/api/v1/residents/{number}/let-through").json() == {"messages": 0}
    assert officer.get("/api/v1/chat/held").json() == {"held": []}
    with transaction() as session:
        waiting = session.scalars(sa.select(InboxEvent.webhook_event_id).where(InboxEvent.handled_at.is_(None)))
        assert sorted(waiting) == ["e1", "e2"]
        (audit,) = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "resident.let_through"))
        assert (audit.subject, audit.detail) == (f"resident:{number}", {"messages": 2})


def test_a_member_is_blocked_and_heard_again(number: int, signed_in: SignsIn) -> None:
    """With a reason and an end, both ways in the history; the audit log has the number and no words."""
    block, undo = f"/api/v1/residents/{number}/block", f"/api/v1/residents/{number}/unblock"
    for role in ("viewer", "dispatcher", "approver"):
        assert signed_in(role).post(block, json={"hours": 2, "reason": "x"}).status_code == 403
    officer = signed_in("officer")
    for wrong in ({"hours": 0, "reason": "x"}, {"hours": 721, "reason": "x"}, {"hours": 2, "reason": ""}, {"hours": 2}):
        assert officer.post(block, json=wrong).status_code == 422
    assert officer.post("/api/v1/residents/999999/block", json={"hours": 2, "reason": "x"}).status_code == 404
    made = officer.post(block, json={"hours": 2, "reason": "ส่งคำหยาบซ้ำๆ"})
    assert made.status_code == 201
    assert officer.get("/api/v1/chat/held").json()["held"][0]["blocked_until"] == made.json()["blocks"][0]["until"]
    assert officer.post(f"/api/v1/residents/{number}/let-through").status_code == 409
    (ended,) = officer.post(undo, json={"reason": "ขอโทษแล้ว"}).json()["blocks"]
    assert (ended["reason"], ended["lift_reason"]) == ("ส่งคำหยาบซ้ำๆ", "ขอโทษแล้ว")
    assert officer.post(undo, json={"reason": "x"}).status_code == 409
    with transaction() as session:
        audits = session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == f"resident:{number}")).all()
        assert [(one.action, one.detail) for one in audits] == [("resident.blocked", {}), ("resident.unblocked", {})]


def test_ratings_are_read_by_those_who_act(number: int, signed_in: SignsIn) -> None:
    """Stars and words of reporters, without a name; viewers and crews read no resident's words."""
    with transaction() as session:
        incident_actions.load_categories(session)
        incident = Incident(
            number="2569-000001", category_code="waste", state="done", place="SRID=4326;POINT(99.96 8.43)",
            place_source="pin", place_label_th="", place_label_en="", summary="x", report_count=1,
            last_report_at=clock.now(), opened_at=clock.now(), promised_at=clock.now(),
        )
        session.add(incident)
        session.flush()
        session.add(
            IncidentRating(
                incident_id=incident.id, resident_id=number, stars=4, words="มาเร็วดี", rated_at=clock.now()
            )
        )
        address = f"/api/v1/incidents/{incident.id}/ratings"
    assert signed_in("viewer").get(address).status_code == 403
    (rating,) = signed_in("dispatcher").get(address).json()["ratings"]
    assert (rating["stars"], rating["words"], sorted(rating)) == (4, "มาเร็วดี", ["rated_at", "stars", "words"])


def test_a_strangers_cry_in_a_group_is_read_answered_and_logged(app: FastAPI, signed_in: SignsIn) -> None:
    """The list holds no words; who reads and who answers stands in the audit log; second comes too late."""
    with transaction() as session:
        event = CriedInGroup("e1", None, None, SECRET, clock.now(), seal_line_user("C" + "1" * 32))
        group_calls.note(session, event)
    assert signed_in("viewer").get("/api/v1/group-calls").status_code == 403
    officer = signed_in("officer")
    listed = officer.get("/api/v1/group-calls")
    (call,) = listed.json()["calls"]
    assert (call["cries"], call["group"]) == (1, None)
    assert SECRET not in listed.text
    assert officer.get(f"/api/v1/group-calls/{call['id']}").json()["cries"][0]["text"] == SECRET
    assert officer.get("/api/v1/group-calls/99999").status_code == 404
    place = f"/api/v1/group-calls/{call['id']}"
    assert officer.post(f"{place}/answer", json={"text": ""}).status_code == 422
    assert officer.post(f"{place}/answer", json={"text": "อยู่ที่ไหน"}).json() == {"calls": []}
    late = officer.post(f"{place}/looked-at", json={})
    assert (late.status_code, late.json()["detail_th"]) == (409, "มีผู้อื่นดูแลเรื่องนี้แล้ว")
    with transaction() as session:
        actions_kept = session.scalars(
            sa.select(AuditEntry.action).where(AuditEntry.subject == f"group_call:{call['id']}").order_by(AuditEntry.id)
        ).all()
    assert actions_kept == ["group_call.read", "group_call.answered"]
