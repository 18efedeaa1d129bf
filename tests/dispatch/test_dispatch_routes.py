"""The API of incidents, jobs and crews: shapes as the screens expect them, roles checked, photos behind the sign-in."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from core.db import transaction
from dispatch import suggestions
from gis.models import City
from staff.models import AuditEntry
from tests.accounts import PASSWORD, add_account

if TYPE_CHECKING:
    from tests.dispatch.conftest import Town

SQUARE = "((99.9 7.9, 100.1 7.9, 100.1 8.1, 99.9 8.1, 99.9 7.9))"
JPEG = (
    b"\xff\xd8\xff\xe1" + struct.pack(">H", 12) + b"Exif\x00\x00GPS!"
    b"\xff\xdb" + struct.pack(">H", 67) + bytes(65) + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\x34\xff\xd9"
)  # fmt: skip
Ask = Callable[[str], TestClient]


@pytest.fixture
def job_id(database: sa.Engine, frozen_clock: object, build_town: Callable[..., Town]) -> int:
    """A town with one job, its crews ranked, and an account for each role."""
    with transaction() as session:
        town = build_town(session)
        session.add(
            City(
                slug="t", name_th="เมือง", name_en="Town", boundary=f"SRID=4326;MULTIPOLYGON({SQUARE})",
                extent=f"SRID=4326;POLYGON{SQUARE}", centre="SRID=4326;POINT(100 8)", metric_srid=32647, datum="msl",
                imported_at=town.now, is_simulated=True,
            )
        )  # fmt: skip
        for role, crew_code in (("viewer", None), ("officer", None), ("dispatcher", None), ("crew", "pump-1")):
            add_account(session, role, roles=[role], crew_code=crew_code)
        job = town.job(by=town.resident())
        suggestions.draw_suggestions(session)
        return job.id


@pytest.fixture
def as_(job_id: int) -> Iterator[Ask]:
    """`as_("crew")`: a browser signed in as that role."""
    app = create_app()
    with TestClient(app) as client:

        def sign_in(role: str) -> TestClient:
            client.headers.pop("X-CSRF-Token", None)
            answer = client.post("/api/v1/session", json={"username": role, "password": PASSWORD})
            client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
            return client

        yield sign_in


def _event(kind: str, note: str | None = None) -> dict[str, Any]:
    return {"client_event_id": str(uuid.uuid4()), "kind": kind, "at": "2026-11-21T03:00:00Z", "note": note}


def test_a_job_through_the_api(as_: Ask, job_id: int) -> None:
    """Look, suggest, assign, tell, finish: what the console and a crew's phone do, in JSON as agreed."""
    client = as_("dispatcher")
    job = client.get("/api/v1/jobs").json()["jobs"][0]
    assert (job["id"], job["state"], job["crew"]) == (job_id, "open", None)
    assert {"name", "value", "weight", "text"} == set(job["terms"][0])
    assert job["terms"][0]["text"]["th"]
    first = client.get(f"/api/v1/jobs/{job_id}/suggestions").json()["suggestions"][0]
    assert first["route"]["type"] == "LineString"
    assert first["reason"]["th"].startswith("ถึงใน")
    assigned = client.post(f"/api/v1/jobs/{job_id}/assign", json={"crew_code": "pump-1"})
    assert assigned.status_code == 200
    assert assigned.json()["crew"]["code"] == "pump-1"
    client = as_("crew")
    assert [mine["id"] for mine in client.get("/api/v1/crew/jobs").json()["jobs"]] == [job_id]
    finish = _event("finish", "เสร็จแล้ว")
    first_answer = client.post(f"/api/v1/jobs/{job_id}/events", json=finish).json()
    again = client.post(f"/api/v1/jobs/{job_id}/events", json=finish).json()
    assert (first_answer["state"], first_answer["is_repeated"]) == ("done", False)
    assert (again["state"], again["is_repeated"]) == ("done", True)
    incident = as_("officer").get("/api/v1/incidents").json()["incidents"][0]
    assert (incident["state"], incident["job_id"]) == ("done", job_id)


def test_two_dispatchers_do_not_send_two_crews(as_: Ask, job_id: int) -> None:
    """Who gives a job away that a colleague gave away a moment ago is told to whom; who has seen it may change it."""
    client = as_("dispatcher")
    url = f"/api/v1/jobs/{job_id}/assign"
    first, other = [one["properties"]["code"] for one in client.get("/api/v1/crews").json()["features"]][:2]
    assert client.post(url, json={"crew_code": first, "seen": {"code": None}}).status_code == 200
    late = client.post(url, json={"crew_code": other, "seen": {"code": None}})
    assert late.status_code == 409
    assert "มีผู้อื่นมอบหมาย" in late.json()["detail_th"]
    changed = client.post(url, json={"crew_code": other, "seen": {"code": first}})
    assert (changed.status_code, changed.json()["crew"]["code"]) == (200, other)


def test_roles_are_checked(as_: Ask, job_id: int) -> None:
    """A viewer assigns nothing and moves no incident; a dispatcher is no crew; nobody reads without signing in."""
    client = as_("viewer")
    assert client.post(f"/api/v1/jobs/{job_id}/assign", json={"crew_code": "pump-1"}).status_code == 403
    assert client.post("/api/v1/incidents/1/state", json={"to": "accepted"}).status_code == 403
    assert client.post(f"/api/v1/jobs/{job_id}/events", json=_event("finish")).status_code == 403
    assert as_("dispatcher").get("/api/v1/crew/jobs").status_code == 403
    client.cookies.clear()
    for path in ("jobs", "incidents", "crews", "photos/1.jpg", f"jobs/{job_id}/suggestions"):
        assert client.get(f"/api/v1/{path}").status_code == 401


def test_a_crew_reads_its_own_jobs_only(as_: Ask, job_id: int) -> None:
    """Another crew's job is closed to a crew, its own is open; those who direct see every job."""
    client = as_("crew")
    for path in (f"jobs/{job_id}", f"jobs/{job_id}/suggestions"):
        assert client.get(f"/api/v1/{path}").status_code == 403
    assert client.get("/api/v1/jobs").json() == {"jobs": []}
    assert client.get("/api/v1/jobs/999999").status_code == 404
    client = as_("dispatcher")
    client.post(f"/api/v1/jobs/{job_id}/assign", json={"crew_code": "pump-1"})
    for role in ("crew", "dispatcher", "officer"):
        client = as_(role)
        assert client.get(f"/api/v1/jobs/{job_id}").json()["id"] == job_id
        assert [job["id"] for job in client.get("/api/v1/jobs").json()["jobs"]] == [job_id]


def test_residents_words_are_for_those_who_act(as_: Ask) -> None:
    """An officer reads the reports, a viewer only sees the incident and its history; nobody sees who reported."""
    seen = as_("officer").get("/api/v1/incidents").json()["incidents"][0]
    detail = as_("officer").get(f"/api/v1/incidents/{seen['id']}").json()
    assert [report["text"] for report in detail["reports"]] == ["น้ำท่วม"]
    assert "resident_id" not in str(detail)
    assert as_("viewer").get(f"/api/v1/incidents/{seen['id']}").json()["reports"] == []


def test_an_officer_moves_an_incident_and_the_log_knows(as_: Ask) -> None:
    """A step that exists is made and logged; one that does not is a 409 with a sentence."""
    client = as_("officer")
    incident_id = client.get("/api/v1/incidents").json()["incidents"][0]["id"]
    moved = client.post(f"/api/v1/incidents/{incident_id}/state", json={"to": "accepted", "reason": "ok"})
    assert moved.json()["changes"][-1]["by"] == "officer"
    refused = client.post(f"/api/v1/incidents/{incident_id}/state", json={"to": "closed"})
    assert refused.status_code == 409
    assert "accepted" in refused.json()["detail"]
    with transaction() as session:
        logged = session.scalars(sa.select(AuditEntry.action).where(AuditEntry.subject == f"incident:{incident_id}"))
        assert logged.all() == ["incident.state_changed"]


def test_a_crews_photo_is_cleaned_and_kept_behind_the_sign_in(as_: Ask, job_id: int) -> None:
    """The picture is kept without EXIF, once for the same bytes; until reviewed only those who read words see it."""
    as_("dispatcher").post(f"/api/v1/jobs/{job_id}/assign", json={"crew_code": "pump-1"})
    client = as_("crew")
    url = f"/api/v1/jobs/{job_id}/photos"
    first = client.post(url, files={"file": ("a.jpg", JPEG, "image/jpeg")}).json()
    assert first == client.post(url, files={"file": ("a.jpg", JPEG, "image/jpeg")}).json()
    assert client.post(url, files={"file": ("a.svg", b"<svg/>", "image/jpeg")}).status_code == 422
    assert client.get(first["url"]).status_code == 403
    client = as_("dispatcher")
    picture = client.get(first["url"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert b"GPS!" not in picture.content
    assert client.get("/api/v1/photos/..%2f..%2fsecret.jpg").status_code == 404
    client.cookies.clear()
    assert client.get(first["url"]).status_code == 401


def test_crews_are_a_feature_collection(as_: Ask) -> None:
    """Crews stand on the map with their vehicle and job."""
    found = as_("viewer").get("/api/v1/crews").json()
    assert found["type"] == "FeatureCollection"
    assert {f["properties"]["code"] for f in found["features"]} == {"pump-1", "pump-2", "boat-1", "elec-1"}


def test_events_with_bad_fields_are_refused(as_: Ask, job_id: int) -> None:
    """A time without zone, an unknown kind, no id: 422, and nothing is stored."""
    client = as_("crew")
    for wrong in ({"at": "2026-11-21T03:00:00"}, {"kind": "dance"}, {"client_event_id": "x"}):
        answer = client.post(f"/api/v1/jobs/{job_id}/events", json=_event("finish") | wrong)
        assert answer.status_code == 422
