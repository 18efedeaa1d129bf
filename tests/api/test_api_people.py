"""Members as officers see them: by number, needs only for helpers and never unseen, erased only on purpose."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core import clock, sealing
from core.db import transaction
from gis.points import LonLat
from residents import actions, codes, household, queries
from residents.models_rights import NeedLook
from staff.models import AuditEntry

SignsIn = Callable[[str], TestClient]
ME = "U" + "3c" * 16


@pytest.fixture
def number(app: FastAPI) -> int:
    """A member with a home whose household needs oxygen."""
    with transaction() as session:
        household.load_needs(session)
        resident = actions.resident_of(session, ME)
        shown = actions.Shown(text="…", language="th", way="liff")
        actions.give_consent(session, resident, version="2026-1", at=clock.now(), shown=shown)
        actions.write_consent(session, resident, purpose="needs", is_given=True, at=clock.now(), shown=shown)
        home = actions.set_home(session, resident.id, LonLat(lon=99.96, lat=8.43))
        household.say_needs(session, resident, home_id=home.id, codes=["oxygen"], at=clock.now())
        return resident.id


def test_needs_are_seen_by_helpers_only_and_never_unseen(number: int, signed_in: SignsIn) -> None:
    """Officer and dispatcher may look, with a reason; who, when, whose and why is kept; nobody else may."""
    for role in ("viewer", "approver", "admin"):
        assert signed_in(role).post(f"/api/v1/residents/{number}/needs", json={"reason": "x"}).status_code == 403
    helper = signed_in("dispatcher")
    assert helper.post(f"/api/v1/residents/{number}/needs", json={"reason": " \u200b "}).status_code == 422
    assert helper.post(f"/api/v1/residents/{number}/needs", json={}).status_code == 422
    assert helper.post("/api/v1/residents/999999/needs", json={"reason": "x"}).status_code == 404
    seen = helper.post(f"/api/v1/residents/{number}/needs", json={"reason": "อพยพคุณสมหญิง"})
    assert seen.json()["homes"][0]["needs"] == ["oxygen"]
    with transaction() as session:
        (look,) = session.scalars(sa.select(NeedLook)).all()
        assert (look.resident_id, sealing.unseal(look.reason_sealed or b"")) == (number, "อพยพคุณสมหญิง")
        audit = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "needs.looked_at")).one()
        assert (audit.username, audit.subject, audit.detail) == ("dispatcher", f"resident:{number}", {})
        assert [one.username for one in queries.looks_at(session, number)] == ["dispatcher"]
    looks = signed_in("admin").get(f"/api/v1/residents/{number}/looks").json()["looks"]
    assert looks[0]["reason"] == "อพยพคุณสมหญิง"


def test_lists_say_nobody(number: int, signed_in: SignsIn) -> None:
    """A list of members has numbers and flags; a LINE id, a name, a phone or a place stands in none."""
    officer = signed_in("officer")
    confirmed = officer.post(
        f"/api/v1/residents/{number}/identity", json={"name": "สมหญิง\u202e ใจดี", "phone": "089-123 4567"}
    ).json()
    assert (confirmed["name"], confirmed["phone"], confirmed["identity_checked_by"]) == (
        "สมหญิง ใจดี", "0891234567", "officer:officer",
    )  # fmt: skip
    listed = officer.get("/api/v1/residents")
    assert [one["number"] for one in listed.json()["members"]] == [number]
    for secret in (ME, "สมหญิง", "0891234567", "99.96"):
        assert secret not in listed.text
    assert ME not in officer.get(f"/api/v1/residents/{number}").text
    for bad in ({"name": "\u200b"}, {"name": "x", "phone": "me"}, {"name": "x" * 100_000}):
        assert officer.post(f"/api/v1/residents/{number}/identity", json=bad).status_code == 422


def test_groups_open_by_a_code(number: int, signed_in: SignsIn) -> None:
    """An officer makes a group and hands over a code; whoever types it belongs to it, until an officer ends that."""
    officer = signed_in("officer")
    group = officer.post(
        "/api/v1/resident-groups", json={"name_th": "ผู้นำ", "name_en": "Leaders", "is_leaders": True}
    ).json()
    code = officer.post("/api/v1/resident-codes", json={"purpose": "group", "group_id": group["id"]}).json()["code"]
    assert len(code) == 9
    with transaction() as session:
        resident = queries.resident(session, number)
        opened = codes.use_code(session, resident, code)
        assert opened.group is not None
        assert code.replace("-", "").encode() not in session.scalars(sa.text("SELECT code_hash FROM handed_code")).all()
    assert officer.get("/api/v1/resident-groups").json()["groups"][0]["members"] == 1
    assert officer.get(f"/api/v1/residents?group={group['id']}").json()["members"][0]["number"] == number
    assert officer.delete(f"/api/v1/resident-groups/{group['id']}/members/{number}").status_code == 204
    assert officer.get(f"/api/v1/residents?group={group['id']}").json()["members"] == []
    assert officer.post("/api/v1/resident-codes", json={"purpose": "group", "group_id": 99}).status_code == 404
    assert officer.post("/api/v1/resident-codes", json={"purpose": "identity"}).status_code == 422


def test_an_erasure_is_ordered_on_purpose(number: int, signed_in: SignsIn) -> None:
    """The number has to stand there twice; the order waits as a job, is in the audit log, and gives a receipt once."""
    officer = signed_in("officer")
    path = f"/api/v1/residents/{number}/erasure"
    assert officer.post(path, json={"number": number + 1}).status_code == 409
    ordered = officer.post(path, json={"number": number})
    assert (ordered.status_code, len(ordered.json()["receipt"])) == (202, 12)
    with transaction() as session:
        jobs = session.scalars(sa.text("SELECT args FROM procrastinate_jobs WHERE task_name LIKE 'residents.erase%'"))
        assert jobs.all() == [{"erasure_id": ordered.json()["id"]}]
    listed = signed_in("admin").get("/api/v1/erasures").json()["erasures"]
    assert [(one["way"], one["done_at"]) for one in listed] == [("officer", None)]
