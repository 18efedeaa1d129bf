"""Articles and questions over HTTP: who may, what is answered, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from answers import handing
from core import clock
from core.db import transaction
from line.models import OutboxChunk
from residents import actions as residents_actions
from staff.models import AuditEntry
from tests.answers.conftest import write_articles
from tests.incidents.conftest import line_id

SignIn = Callable[[str], TestClient]
ARTICLE: dict[str, Any] = {
    "code": "passport", "language": "th", "title": "ทำพาสปอร์ต", "short_answer": "ทำที่ศูนย์ราชการ",
    "asked_as": ["หนังสือเดินทาง"],
    "source_title": "คำตอบเจ้าหน้าที่", "source_dated": "2026-11-21", "review_on": "2027-05-21",
}


@pytest.fixture
def question_id(app: object, frozen_clock: object) -> int:
    """A resident waits for an officer's answer."""
    with transaction() as session:
        write_articles(session)
        resident = residents_actions.resident_of(session, line_id(1))
        question = handing.note_question(session, resident.id, "ทำพาสปอร์ตที่ไหน", now=clock.now())
        return handing.hand_over(session, question, now=clock.now()).id


@pytest.mark.parametrize("role", ["viewer", "approver", "dispatcher"])
def test_only_those_who_answer_may_read_what_residents_ask(signed_in: SignIn, question_id: int, role: str) -> None:
    """Questions are people's words: 403 for whoever does not answer them, 401 for who is not signed in."""
    nobody = signed_in(role)
    for path in ("/api/v1/questions", f"/api/v1/questions/{question_id}", "/api/v1/articles"):
        assert nobody.get(path).status_code == 403
    nobody.cookies.clear()
    assert nobody.get("/api/v1/questions").status_code == 401


def test_a_question_is_read_answered_once_and_closed(signed_in: SignIn, question_id: int) -> None:
    """The list, the conversation, the answer; the second answer on the same state is a conflict and sends nothing."""
    officer = signed_in("officer")
    listed = officer.get("/api/v1/questions").json()
    assert (listed["waiting"], [one["words"] for one in listed["questions"]]) == (1, ["ทำพาสปอร์ตที่ไหน"])
    shown = officer.get(f"/api/v1/questions/{question_id}").json()
    assert "line_user_id" not in str(shown)
    address = f"/api/v1/questions/{question_id}/answer"
    given = {
        "text": "ที่ศูนย์ราชการ", "after_answer_id": shown["last_answer_id"],
        "after_question_id": shown["last_question_id"],
    }
    answered = officer.post(address, json=given)
    assert (answered.status_code, answered.json()["state"]) == (200, "answered")
    assert officer.post(address, json=given).status_code == 409
    closed = officer.post(f"/api/v1/questions/{question_id}/close")
    assert (closed.json()["state"], closed.json()["closed_by"]) == ("closed", "officer")
    late = officer.post(address, json=given | {"after_answer_id": answered.json()["last_answer_id"]})
    assert late.status_code == 409
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(OutboxChunk)) == 1
        done = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [one for one in done if one.startswith("question.")] == ["question.answered", "question.closed"]


def test_a_question_is_not_closed_over_words_that_nobody_has_read(signed_in: SignIn, question_id: int) -> None:
    """Who closes while the resident writes is told so, and the question waits on."""
    officer = signed_in("officer")
    address = f"/api/v1/questions/{question_id}"
    read = {"after_question_id": officer.get(address).json()["last_question_id"]}
    with transaction() as session:
        resident = residents_actions.resident_of(session, line_id(1))
        more = handing.note_question(session, resident.id, "มีลูกเล็กไปด้วยได้ไหม", now=clock.now())
        handing.hand_over(session, more, now=clock.now())
    assert officer.post(f"{address}/close", json=read).status_code == 409
    shown = officer.get(address).json()
    assert shown["state"] == "waiting"
    read = {"after_question_id": shown["last_question_id"]}
    assert officer.post(f"{address}/close", json=read).json()["state"] == "closed"


@pytest.mark.parametrize("text", ["", "\u200b", "ก" * 2001])
def test_an_answer_that_nobody_could_read_is_refused(signed_in: SignIn, question_id: int, text: str) -> None:
    """422 in a sentence, and the question still waits."""
    officer = signed_in("officer")
    given = {"text": text, "after_answer_id": 0, "after_question_id": 0}
    answer = officer.post(f"/api/v1/questions/{question_id}/answer", json=given)
    assert answer.status_code == 422
    assert officer.get("/api/v1/questions").json()["waiting"] == 1
    assert officer.get("/api/v1/questions/999999").status_code == 404


def test_an_article_is_written_changed_withdrawn(signed_in: SignIn, question_id: int) -> None:
    """Each step is a version; who writes on an old one is told; the question's suggestions find it at once."""
    officer = signed_in("officer")
    written = officer.post("/api/v1/articles", json=ARTICLE)
    assert (written.status_code, written.json()["state"]) == (201, "current")
    assert officer.post("/api/v1/articles", json=ARTICLE).status_code == 409
    suggested = officer.get(f"/api/v1/questions/{question_id}").json()["suggestions"]
    assert [one["title"] for one in suggested] == ["ทำพาสปอร์ต"]
    address = f"/api/v1/articles/{written.json()['id']}"
    changed = officer.put(address, json=ARTICLE | {"based_on": 1, "valid_until": "2026-11-20"}).json()
    assert (changed["state"], [one["number"] for one in changed["versions"]]) == ("expired", [2, 1])
    assert officer.put(address, json=ARTICLE | {"based_on": 1}).status_code == 409
    withdrawn = officer.post(f"{address}/withdraw", json={"based_on": 2}).json()
    assert withdrawn["state"] == "withdrawn"
    assert officer.get(f"/api/v1/questions/{question_id}").json()["suggestions"] == []
    states = {one["code"]: one["state"] for one in officer.get("/api/v1/articles").json()["articles"]}
    assert (states["passport"], states["relief"], states["waste"]) == ("withdrawn", "expired", "current")
    first = officer.get("/api/v1/articles?limit=1").json()["articles"][0]["id"]
    assert first not in [one["id"] for one in officer.get(f"/api/v1/articles?after={first}").json()["articles"]]


@pytest.mark.parametrize(
    "change",
    [{"body": "<script>x</script>"}, {"source_url": "javascript:x"}, {"title": "\u200b"}, {"code": "../x"},
     {"source_dated": "เมื่อวาน"}, {"title": "ก" * 99_000}, {"language": "de"}],
)  # fmt: skip
def test_an_article_that_cannot_be_shown_is_refused(
    signed_in: SignIn, question_id: int, change: dict[str, str]
) -> None:
    """422, and nothing is written."""
    officer = signed_in("officer")
    before = len(officer.get("/api/v1/articles").json()["articles"])
    assert officer.post("/api/v1/articles", json=ARTICLE | change).status_code == 422
    assert len(officer.get("/api/v1/articles").json()["articles"]) == before
