"""What goes wrong leaves as RFC 9457 problem documents, and nothing half done stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import psycopg
import pytest
import sqlalchemy as sa
from fastapi import APIRouter, Body, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

from api import lost_page, problems
from api.deps import SessionDep
from core import errors
from core.db import transaction

Adds = Callable[[APIRouter], None]


class Level(BaseModel):
    """A reading as a device would send it."""

    level_m_msl: float
    gauge: str


class FloodedError(errors.ConflictError):
    """The gauge house is under water."""


router = APIRouter()


@router.post("/test/fail-at-commit", status_code=201)
def fail_at_commit(session: SessionDep) -> str:
    session.execute(sa.text("INSERT INTO promise VALUES (1), (1)"))
    return "created"


@router.post("/test/level")
def level(given: Level) -> str:
    return given.gauge


@router.get("/test/conflict")
def conflict() -> str:
    raise FloodedError("Gauge G1 is closed until Monday.", revision=3)


@router.get("/test/bug")
def bug() -> str:
    raise ZeroDivisionError("secret inside")


@router.get("/test/lock")
def lock(session: SessionDep) -> str:
    session.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
    session.execute(sa.text("LOCK TABLE promise"))
    return "locked"


@router.post("/test/swallow")
async def swallow(given: Annotated[bytes, Body(media_type="application/octet-stream")]) -> int:
    return len(given)


@pytest.fixture
def client(browser: TestClient, add_routes: Adds) -> TestClient:
    with transaction() as session:
        session.execute(sa.text("CREATE TABLE promise (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
    add_routes(router)
    return browser


def test_a_failing_commit_answers_500(client: TestClient) -> None:
    """The answer goes out after the commit: what could not be kept is never called created."""
    answer = client.post("/test/fail-at-commit")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    with transaction() as session:
        assert session.scalar(sa.text("SELECT count(*) FROM promise")) == 0


def test_a_domain_error_is_a_problem_with_its_own_title(client: TestClient) -> None:
    """Type and status come from the parent class, the title from the docstring, the sentence from the case."""
    answer = client.get("/test/conflict")
    assert answer.status_code == 409
    assert answer.json() == {
        "type": "urn:faonam:problem:conflict",
        "title": "The gauge house is under water.",
        "title_th": "ข้อมูลเปลี่ยนไปแล้วตั้งแต่ที่เปิดดู หรือสถานะไม่อนุญาตให้ทำ",
        "status": 409,
        "detail": "Gauge G1 is closed until Monday.",
        "instance": "/test/conflict",
        "facts": {"revision": 3},
    }


def test_wrong_fields_are_named_one_by_one(client: TestClient) -> None:
    """A device's maker reads which field is wrong and why."""
    answer = client.post("/test/level", json={"level_m_msl": "high"})
    assert answer.status_code == 422
    body = answer.json()
    assert body["type"] == "urn:faonam:problem:invalid-input"
    assert {one["field"] for one in body["errors"]} == {"level_m_msl", "gauge"}
    assert "gauge: Field required." in body["detail"]


def test_text_that_is_not_json_is_a_problem_too(client: TestClient) -> None:
    """Broken JSON answers 422 with a sentence, not a stack trace."""
    answer = client.post("/test/level", content=b"{not json", headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_bug_answers_500_without_its_inside(client: TestClient) -> None:
    """The client learns that it failed, the log learns why, and the security headers are there."""
    answer = client.get("/test/bug")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_an_unknown_address_is_a_problem(client: TestClient) -> None:
    """Unknown paths and wrong methods answer in the same form."""
    missing = client.get("/api/v1/nothing")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:faonam:problem:not-found")
    wrong = client.put("/api/v1/session")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "urn:faonam:problem:method-not-allowed")


@pytest.mark.parametrize("address", ["/nope", "/crew/x", "/city.html/x", "/%2e%2e/etc/"])
def test_a_person_who_is_lost_is_told_the_way(client: TestClient, address: str) -> None:
    """A browser shows a page in Thai and English with the ways on; programs get the problem as before."""
    asked = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = client.get(address, headers=asked, follow_redirects=False)
    assert page.status_code == 404
    assert "ไม่มีหน้านี้" in page.text
    assert 'href="/city#reports"' in page.text
    assert "<script" not in page.text
    assert client.get(address).headers["content-type"] == "application/problem+json"


def test_a_page_with_a_slash_at_its_end_is_the_page(client: TestClient) -> None:
    """A number copied with a slash leads to its page; no address leads to another host."""
    asked = {"accept": "text/html"}
    moved = client.get("/t/2569-000007/", headers=asked, follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (308, "/t/2569-000007")
    assert client.get("/api/v1/nothing", headers=asked).json()["status"] == 404
    assert [lost_page.page_meant(path) for path in ("//elsewhere.example/", "/nope/", "/city")] == [None, None, None]


def test_waiting_for_a_lock_too_long_is_503(client: TestClient) -> None:
    """The database lives; the officer is told to try again."""
    with transaction() as session:
        session.execute(sa.text("LOCK TABLE promise"))
        answer = client.get("/test/lock")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:faonam:problem:database-busy"
    assert answer.headers["retry-after"] == "2"


def test_a_killed_backend_heals(client: TestClient, database: sa.Engine) -> None:
    """After the database dropped every connection the next request succeeds again."""
    assert client.get("/readyz").status_code == 200
    database.dispose()
    with transaction() as session:
        session.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("connection refused"),
        sa.exc.OperationalError("SELECT", {}, psycopg.OperationalError("gone")),
        sa.exc.TimeoutError("QueuePool limit reached"),
    ],
)
def test_a_database_that_is_away_is_503(error: Exception) -> None:
    """No screen shows a stack trace while the database restarts; it is told to come back in two seconds."""
    answer = problems.of_exception(error, instance="/x")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert b"database-down" in answer.body


def test_every_error_of_core_has_its_words_in_both_languages() -> None:
    """No error can leave without a Thai and an English title."""
    for kind in problems.STATUS:
        body = problems.of_error(kind("A sentence."), instance="/x").body
        assert b"title_th" in body


def test_a_body_that_is_too_large_is_refused(client: TestClient, app: FastAPI) -> None:
    """1 MiB is the limit, whether the length is said or not; nothing is kept in memory beyond it."""
    said = client.post("/test/swallow", content=b"x" * 1_100_000)
    assert said.status_code == 413

    def unsaid() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    answer = client.post("/test/swallow", content=unsaid())
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:faonam:problem:too-large"
    assert client.post("/test/swallow", content=b"x" * 1_000_000).status_code == 200
