"""The roll-call: the newest answer of each counts, by zone, for the whole event; the silent are asked once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from shapely.geometry import Point
from sqlalchemy.orm import Session

import incidents.actions
import incidents.tasks
from alerts import actions, drafting, personal, rollcall, tasks
from alerts.errors import AlertStateError
from alerts.models import Alert
from alerts.models_texts import AlertAnswer, HelpOffer
from api import problems
from api.routes import rollcall as routes
from core import clock, sealing
from core.db import transaction
from gis.points import LonLat
from incidents import warned
from incidents.models import Agency
from line import outbox
from line.events import PostbackReceived, seal_line_user
from line.models import OutboxChunk
from residents.erasure import Person
from tests.serving import browser

INSIDE_A, INSIDE_B = Point(100.005, 8.405), Point(100.015, 8.405)


def user_of(session: Session, resident_id: int) -> str:
    sealed = session.scalar(sa.text("SELECT line_user_sealed FROM resident WHERE id = :id"), {"id": resident_id})
    return sealing.unseal(bytes(sealed))


def named_in(chunk: OutboxChunk) -> list[str]:
    return list(outbox.recipients(together=chunk.to_sealed, each=chunk.to_each_sealed))


def tap(session: Session, resident_id: int, data: str) -> None:
    event = PostbackReceived("e", seal_line_user(user_of(session, resident_id)), "token", data, {}, clock.now())
    tasks.note_safe(session, event)


def consider(session: Session, town: Any, severities: dict[str, int]) -> Alert:
    actions.consider(
        session,
        run_id=town.picture(severities),
        severity_by_code=severities,
        falling_by_code={},
        trigger_received_wall_at=None,
        is_without_data=False,
    )
    return session.scalars(sa.select(Alert).order_by(Alert.id.desc())).first()  # type: ignore[return-value]  # is there.


def rolls(session: Session, alert_id: int) -> dict[int | None, tuple[int, ...]]:
    return {
        one.zone_id: (one.told, one.safe, one.help, one.can_help, one.silent, one.vulnerable_silent)
        for one in rollcall.by_zone(session, alert_id)
    }


def replies(session: Session) -> list[dict[str, Any]]:
    rows = session.scalars(sa.select(OutboxChunk).where(OutboxChunk.kind == "reply").order_by(OutboxChunk.id))
    return [row.messages[0] for row in rows]


@pytest.fixture
def told(session: Session, town: Any, frozen_clock: Any) -> Any:
    """Two zones; three people in A, one of them vulnerable, two in B; a danger that went out to them."""
    town.a, town.b = town.zone("A"), town.zone("B", at=0.01)
    town.in_a = [town.resident(INSIDE_A, vulnerable=n == 0, language=("th", "my", "ms")[n]) for n in range(3)]
    town.in_b = [town.resident(INSIDE_B, language="en") for _ in range(2)]
    town.outside = town.resident(Point(100.5, 8.5))
    town.officer = town.account("somchai")
    town.alert = consider(session, town, {"A": 3, "B": 3})
    actions.approve(session, town.alert.id, town.alert.revision, town.officer)
    return town


def test_answers_count_by_zone(session: Session, told: Any) -> None:
    """Safe, help and silent add up to who was told; a stranger's answer and one from outside count nowhere."""
    alert_id = told.alert.id
    assert rolls(session, alert_id) == {told.a: (3, 0, 0, 0, 3, 1), told.b: (2, 0, 0, 0, 2, 0)}
    tap(session, told.in_a[0], f"safe:{alert_id}")
    tap(session, told.in_a[1], f"help:{alert_id}")
    tap(session, told.in_b[0], f"canhelp:{alert_id}")
    tap(session, told.outside, f"safe:{alert_id}")
    for odd in ("safe:x", f"safe:{10**20}", "other:1", f"safe:{alert_id}:boat", f"canhelp:{alert_id}:tank"):
        tap(session, told.in_a[2], odd)
    assert rolls(session, alert_id) == {told.a: (3, 1, 1, 0, 1, 0), told.b: (2, 1, 0, 1, 1, 0)}


def test_second_thoughts_count(session: Session, told: Any) -> None:
    """A call for help after "safe" counts; "safe" after a call counts, marked, and the resident hears what stays."""
    alert_id = told.alert.id
    tap(session, told.in_a[1], f"safe:{alert_id}")
    tap(session, told.in_a[1], f"help:{alert_id}")
    assert rolls(session, alert_id)[told.a] == (3, 0, 1, 0, 2, 1)
    tap(session, told.in_a[1], f"safe:{alert_id}")
    (in_a, _) = rollcall.by_zone(session, alert_id)
    assert (in_a.safe, in_a.safe_after_call, in_a.help) == (1, 1, 0)
    thanked, after_call = replies(session)
    assert "199" in thanked["text"]
    assert after_call["text"] != thanked["text"]
    assert "ဖွင့်ထား" in after_call["text"]


def test_who_can_help_is_asked_with_what(session: Session, told: Any) -> None:
    """A tap offers four things in the resident's language; each is kept once, and counted for the event."""
    alert_id = told.alert.id
    tap(session, told.in_b[0], f"canhelp:{alert_id}")
    (asked,) = replies(session)
    offered = [item["action"]["data"] for item in asked["quickReply"]["items"]]
    assert offered == [f"canhelp:{alert_id}:{kind}" for kind in rollcall.OFFERS]
    for data in (offered[0], offered[0], offered[2]):
        tap(session, told.in_b[0], data)
    tap(session, told.in_a[2], offered[0])
    assert rollcall.offers(session, alert_id) == {"boat": 2, "room": 1}
    assert rollcall.offers_of(session, told.in_b[0]) == {alert_id: ("boat", "room")}


def test_answers_of_an_updated_alert_count_for_the_event(session: Session, told: Any) -> None:
    """Who answered before the update has answered; the update's people without a home in its zones are told apart."""
    first = told.alert.id
    tap(session, told.in_a[0], f"safe:{first}")
    session.execute(
        sa.text("UPDATE home SET geom = 'SRID=4326;POINT(100.5 8.5)' WHERE resident_id = :r"), {"r": told.in_b[1]}
    )
    update = drafting.extend(session, first, told.officer)
    assert (update.kind, update.event_id) == ("update", first)
    actions.approve(session, update.id, update.revision, told.account("bob"))
    found = rolls(session, update.id)
    assert found[told.a][:2] == (3, 1)
    assert found[told.b][0] == 1
    assert found[None][0] == 1


def test_silent_are_asked_once(session: Session, told: Any) -> None:
    """Only who has not answered, in their language, with the three answers; asked again, nobody is written to."""
    alert_id = told.alert.id
    tap(session, told.in_a[0], f"safe:{alert_id}")
    session.execute(sa.text("UPDATE resident SET is_reachable = false WHERE id = :r"), {"r": told.in_b[1]})
    first = rollcall.remind_silent(session, alert_id, told.officer)
    again = rollcall.remind_silent(session, alert_id, told.officer)
    assert (first.recipients, again.chunk_ids) == (3, first.chunk_ids)
    chunks = session.scalars(sa.select(OutboxChunk).where(OutboxChunk.subject == f"rollcall:{alert_id}")).all()
    to = [user for chunk in chunks for user in named_in(chunk)]
    assert sorted(to) == sorted(user_of(session, one) for one in (told.in_a[1], told.in_a[2], told.in_b[0]))
    for chunk in chunks:
        buttons = [item["action"]["data"] for item in chunk.messages[0]["quickReply"]["items"]]
        assert buttons == [f"safe:{alert_id}", f"help:{alert_id}", f"canhelp:{alert_id}"]
        assert chunk.messages[0]["text"].startswith(("Example", "เทศบาล"))
        assert chunk.messages[0]["text"].count("199") == 1


def test_many_silent_are_asked_in_chunks_of_one_language(session: Session, town: Any, frozen_clock: Any) -> None:
    """Five hundred at most in each, every language by itself, everybody once."""
    town.zone("A")
    for n in range(503):
        town.resident(INSIDE_A, language="th" if n < 501 else "en")
    alert = consider(session, town, {"A": 3})
    actions.approve(session, alert.id, alert.revision, town.account("somchai"))
    assert rollcall.remind_silent(session, alert.id, town.account("bob")).recipients == 503
    chunks = session.scalars(sa.select(OutboxChunk).where(OutboxChunk.subject == f"rollcall:{alert.id}")).all()
    assert sorted(len(named_in(chunk)) for chunk in chunks) == [1, 2, 500]
    assert len({user for chunk in chunks for user in named_in(chunk)}) == 503
    for chunk in chunks:
        assert chunk.messages[0]["text"].startswith("Example" if len(named_in(chunk)) == 2 else "เทศบาล")


def test_nobody_is_asked_about_what_is_over(session: Session, told: Any) -> None:
    """An expired alert has no reminder; nor has an exercise (test_alert_exercise)."""
    told.alert.expires_at = clock.now() - timedelta(seconds=1)
    with pytest.raises(AlertStateError):
        rollcall.remind_silent(session, told.alert.id, told.officer)


def test_erased_person_leaves_no_answer_and_no_reminder(session: Session, told: Any) -> None:
    """Answers, offers and a waiting reminder forget the person; the others are still reminded."""
    alert_id, gone = told.alert.id, told.in_b[0]
    tap(session, told.in_b[1], f"canhelp:{alert_id}:boat")
    rollcall.remind_silent(session, alert_id, told.officer)
    user = user_of(session, gone)
    tap(session, gone, f"canhelp:{alert_id}:boat")
    personal.forget(session, Person(gone, user, (), frozenset()))
    for table in (AlertAnswer, HelpOffer):
        assert gone not in session.scalars(sa.select(table.resident_id)).all()
    for chunk in session.scalars(sa.select(OutboxChunk).where(OutboxChunk.subject.startswith("rollcall:"))):
        assert user not in named_in(chunk)
    assert rollcall.offers(session, alert_id) == {"boat": 1}


def test_call_for_help_comes_from_the_warned_home(session: Session, told: Any) -> None:
    """Of two homes the report is at the one that the alert was for; without an alert, at the one called home."""
    pair = told.resident(Point(100.5, 8.5), INSIDE_B)
    update = drafting.extend(session, told.alert.id, told.officer)
    actions.approve(session, update.id, update.revision, told.account("bob"))
    assert warned.home_of(session, f"help:{update.id}", pair) == LonLat(lon=INSIDE_B.x, lat=INSIDE_B.y)
    for odd in (f"safe:{update.id}", "help:x", "help:4711", f"help:{10**30}"):
        assert warned.home_of(session, odd, pair) is None
    assert warned.home_of(session, f"help:{update.id}", told.outside) is None
    incidents.actions.load_categories(session)
    session.add(Agency(code="rescue", name_th="กู้ภัย", name_en="rescue", categories=["*"], trust="simulated"))
    event = PostbackReceived(
        "e1", seal_line_user(user_of(session, pair)), "token", f"help:{update.id}", {}, clock.now()
    )
    incidents.tasks.hear_button(session, event)
    place, category = session.execute(
        sa.text("SELECT ST_AsText(place), category_code FROM report WHERE resident_id = :r"), {"r": pair}
    ).one()
    assert (place, category) == (f"POINT({INSIDE_B.x} {INSIDE_B.y})", "rescue")


def test_roll_call_over_http(database: sa.Engine, frozen_clock: Any, town_of: Any) -> None:
    """Everybody signed in sees the numbers; silent homes only who sends somebody there, and every look is logged."""
    app = FastAPI()
    problems.add_problems(app)
    app.include_router(routes.router, prefix="/api/v1")
    with transaction() as session:
        town = town_of(session)
        town.zone("A")
        silent = town.resident(INSIDE_A, vulnerable=True)
        answered = town.resident(INSIDE_A, vulnerable=True)
        for username, roles in (("ann", ["approver"]), ("vic", ["viewer"])):
            town.account(username, roles)
        alert = consider(session, town, {"A": 3})
        actions.approve(session, alert.id, alert.revision, town.account("bob"))
        tap(session, answered, f"safe:{alert.id}")
        alert_id = alert.id
    ann, vic = browser(app, "ann"), browser(app, "vic")
    url = f"/api/v1/alerts/{alert_id}"
    found = vic.get(f"{url}/roll-call").json()
    assert found["total"] == {
        "told": 2, "safe": 1, "safe_after_call": 0, "help": 0, "can_help": 0, "silent": 1, "vulnerable_silent": 1
    }  # fmt: skip
    assert (found["zones"][0]["code"], found["reminder"], found["offers"]) == ("A", None, {})
    assert vic.get(f"{url}/roll-call/silent").status_code == 403
    homes = ann.get(f"{url}/roll-call/silent", params={"limit": 1}).json()
    assert [home["resident_id"] for home in homes["homes"]] == [silent]
    assert ann.get(f"{url}/roll-call/silent", params={"after": homes["next_after"]}).json()["homes"] == []
    with transaction() as session:
        looks = session.scalar(sa.text("SELECT count(*) FROM audit_entry WHERE action = 'alert.silent_homes_read'"))
    assert looks == 2
    assert vic.post(f"{url}/remind-silent").status_code == 403
    assert ann.post(f"{url}/remind-silent").json()["recipients"] == 1
    assert ann.post(f"{url}/remind-silent").json()["recipients"] == 1
    assert vic.get(f"{url}/roll-call").json()["reminder"]["asked_by"] == "Ann"
    assert ann.get("/api/v1/alerts/4711/roll-call").status_code == 404
