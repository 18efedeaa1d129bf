"""Nobody acknowledged in time: who is to be called, in which order, until when, and who saw a number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from shapely.geometry import Point
from sqlalchemy.orm import Session

from alerts import acknowledging, actions, contacts, escalation, leader_queries, leader_rules
from alerts.events import AlertAcknowledged, AlertClosed
from alerts.leader_models import Contact, Escalation, EscalationCall
from alerts.leader_rules import Listed, Patience, Silence
from alerts.leader_tasks import end_acknowledged_escalations, end_escalations, look_after_leaders
from alerts.models import Alert
from api import problems
from api.routes import escalations as escalation_routes
from api.routes import leaders as leader_routes
from core.db import transaction
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.events import EventRecord
from staff.models import AuditEntry
from tests.alerts.groups import LEADER, Chat, community
from tests.serving import browser

WALL = datetime(2026, 11, 21, 2, 59, tzinfo=UTC)
START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
FIRST, SECOND, CITYWIDE = "081-111-1111", "082-222-2222", "083-333-3333"


@pytest.fixture
def flood(session: Session, town: Any) -> Any:
    """Zone A of a community with two people on its list, zone B of none; one person on the city's list."""
    return settle(session, town)


def settle(session: Session, town: Any) -> Any:
    town.zone("A")
    town.zone("B", at=0.01)
    town.area_id = community(session)
    session.execute(sa.text("UPDATE zone SET area_id = :area WHERE code = 'A'"), {"area": town.area_id})
    town.resident(Point(100.005, 8.405))
    town.ann, town.olu = town.account("ann", ["approver"]), town.account("olu", ["officer"])
    for area_id, name, phone in (
        (town.area_id, "ผู้ใหญ่เอก", FIRST), (town.area_id, "ป้าศรี", SECOND), (None, "ปลัดชัย", CITYWIDE)
    ):
        contacts.add_contact(session, area_id=area_id, name=name, phone=phone, position=None, account=town.olu)
    return town


def approved(session: Session, town: Any, severities: dict[str, int]) -> Alert:
    actions.consider(
        session, run_id=town.picture(severities), severity_by_code=severities, falling_by_code={},
        trigger_received_wall_at=WALL, is_without_data=False,
    )
    waiting = session.scalars(sa.select(Alert).where(Alert.state == "proposed").order_by(Alert.id.desc())).first()
    assert waiting is not None
    return actions.approve(session, waiting.id, waiting.revision, town.ann)


def to_call(session: Session) -> list[str | None]:
    """The names of whom officers see to be called now; None for a list on which nobody was reached."""
    found = escalation.tasks(session)
    return [None if task.contact is None else contacts.name_of(task.contact) for task in found]


def only(session: Session) -> Escalation:
    return session.scalars(sa.select(Escalation).execution_options(populate_existing=True)).one()


def note(session: Session, town: Any, outcome: str, **more: Any) -> Escalation:
    given = {"note": "", "call_id": None} | more
    return escalation.note_outcome(session, only(session).id, outcome, account=town.olu, **given)


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_list_is_called_for_all_silent_zones_of_an_area() -> None:
    """Each level has its patience, to the second; a level without one is never called about."""
    patience = Patience(1, {3: timedelta(minutes=5), 2: timedelta(minutes=15)})
    silences = [
        Silence(1, 3, zone_id=1, area_id=7, told_at=START), Silence(1, 3, zone_id=2, area_id=7, told_at=START),
        Silence(1, 3, zone_id=3, area_id=None, told_at=START), Silence(2, 2, zone_id=4, area_id=7, told_at=START),
        Silence(3, 1, zone_id=5, area_id=8, told_at=START - timedelta(days=1)),
    ]
    at = START + timedelta(minutes=5)
    assert leader_rules.overdue(silences, patience, now=at - timedelta(seconds=1)) == []
    assert leader_rules.overdue(silences, patience, now=at) == [(1, None), (1, 7)]
    assert leader_rules.overdue(silences, patience, now=START + timedelta(hours=9)) == [(1, None), (1, 7), (2, 7)]


def test_the_next_is_the_first_who_was_not_called() -> None:
    """In the list's order, past wrong numbers, to its end."""
    listed = [Listed(5, 1, is_wrong=False), Listed(4, 0, is_wrong=False), Listed(6, 2, is_wrong=True)]
    assert leader_rules.next_to_call(listed, set()) == listed[1]
    assert leader_rules.next_to_call(listed, {4}) == listed[0]
    assert leader_rules.next_to_call(listed, {4, 5}) is None


def test_what_comes_with_faonam() -> None:
    """Danger waits 5 minutes, a warning 15, a watch for ever."""
    assert escalation.shipped().after == {3: timedelta(minutes=5), 2: timedelta(minutes=15)}


# ── Calling through ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_five_minutes_of_silence_somebody_is_to_be_called(
    session: Session, flood: Any, frozen_clock: Any
) -> None:
    """A community's list for its zone, the city's for a zone without one; once, however often the clock's job runs."""
    alert = approved(session, flood, {"A": 3, "B": 3})
    frozen_clock(START + timedelta(minutes=5, seconds=-1))
    look_after_leaders.run(session)
    assert to_call(session) == []
    frozen_clock(START + timedelta(minutes=5))
    for _ in range(3):
        look_after_leaders.run(session)
    assert sorted(map(str, to_call(session))) == ["ปลัดชัย", "ผู้ใหญ่เอก"]
    assert set(escalation.states_by_area(session, alert.id)) == {flood.area_id, None}
    told = session.scalars(sa.select(EventRecord.payload).where(EventRecord.name == "alerts.escalation_changed")).all()
    assert [one["state"] for one in told] == ["calling", "calling"]


@pytest.mark.parametrize("outcome", ["no_answer", "wrong_number"])
def test_without_an_answer_the_next_of_the_list_is_called(
    session: Session, flood: Any, frozen_clock: Any, outcome: str
) -> None:
    """To its end; then officers see that nobody was reached. A wrong number is called for no later alert either."""
    approved(session, flood, {"A": 3, "B": 0})
    frozen_clock(START + timedelta(minutes=5))
    look_after_leaders.run(session)
    note(session, flood, outcome, note="ไม่มีคนรับ")
    assert to_call(session) == ["ป้าศรี"]
    note(session, flood, outcome)
    assert to_call(session) == [None]
    assert only(session).state == "exhausted"
    with pytest.raises(ConflictError):
        note(session, flood, "reached")
    (task,) = escalation.tasks(session)
    assert [(one.name, one.outcome, one.note) for one in task.noted] == [
        ("ผู้ใหญ่เอก", outcome, "ไม่มีคนรับ"), ("ป้าศรี", outcome, None)
    ]
    wrong = [one.is_wrong for one in contacts.listed(session, flood.area_id)]
    assert wrong == [outcome == "wrong_number"] * 2


def test_who_was_reached_has_acknowledged_for_the_zones(session: Session, flood: Any, frozen_clock: Any) -> None:
    """By phone, through the officer who called; nobody else of the list is called."""
    alert = approved(session, flood, {"A": 3, "B": 0})
    frozen_clock(START + timedelta(minutes=7))
    look_after_leaders.run(session)
    assert note(session, flood, "reached").state == "reached"
    assert to_call(session) == []
    (answer,) = leader_queries.zone_answers(session, alert)
    assert answer.acknowledgement is not None
    assert (answer.acknowledgement.way, answer.acknowledgement.account_id) == ("phone", flood.olu.id)
    look_after_leaders.run(session)
    assert to_call(session) == []


def test_two_officers_never_note_different_calls_by_mistake(session: Session, flood: Any, frozen_clock: Any) -> None:
    """The second to note the same call hears so, and the next person is still to be called."""
    approved(session, flood, {"A": 3, "B": 0})
    frozen_clock(START + timedelta(minutes=5))
    look_after_leaders.run(session)
    first = session.scalars(sa.select(EscalationCall.id)).one()
    note(session, flood, "no_answer", call_id=first)
    with pytest.raises(ConflictError):
        note(session, flood, "no_answer", call_id=first)
    assert to_call(session) == ["ป้าศรี"]


def test_an_acknowledgement_ends_the_calling(session: Session, flood: Any, frozen_clock: Any) -> None:
    """Seen at once, and on record when the event is handled; a zone of another area does not count for it."""
    alert = approved(session, flood, {"A": 3, "B": 3})
    frozen_clock(START + timedelta(minutes=5))
    look_after_leaders.run(session)
    zone_a = next(one.zone_id for one in leader_queries.zone_answers(session, alert) if one.code == "A")
    acknowledging.acknowledge(session, alert.id, [zone_a], way="words", line_user_id=LEADER)
    assert to_call(session) == ["ปลัดชัย"]
    end_acknowledged_escalations(session, AlertAcknowledged(alert.id, 1, 2))
    assert escalation.states_by_area(session, alert.id) == {flood.area_id: "acknowledged", None: "calling"}


@pytest.mark.parametrize("end", ["event", "clock"])
def test_nobody_is_called_about_an_alert_that_is_over(
    session: Session, flood: Any, frozen_clock: Any, end: str
) -> None:
    """At its end, and by the clock alone where no event came."""
    alert = approved(session, flood, {"A": 3, "B": 0})
    frozen_clock(START + timedelta(minutes=5))
    look_after_leaders.run(session)
    assert alert.expires_at is not None
    if end == "event":
        end_escalations(session, AlertClosed(alert.id, "ended"))
    else:
        frozen_clock(alert.expires_at)
        assert to_call(session) == []
        look_after_leaders.run(session)
    assert only(session).state == "stopped"
    with pytest.raises(ConflictError):
        note(session, flood, "reached")


def test_leaders_who_acknowledged_are_not_called(session: Session, flood: Any, frozen_clock: Any) -> None:
    """Neither are those of an alert whose level has no patience to lose."""
    alert = approved(session, flood, {"A": 3, "B": 0})
    zones = [one.zone_id for one in leader_queries.zone_answers(session, alert)]
    acknowledging.acknowledge(session, alert.id, zones, way="button", line_user_id=LEADER)
    frozen_clock(START + timedelta(hours=1))
    assert escalation.call_overdue(session) == 0


def test_what_was_held_for_the_morning_is_waited_for_from_then(
    session: Session, flood: Any, frozen_clock: Any
) -> None:
    """Nobody is called at six about an alert that was approved in the night and went out at six."""
    alert = approved(session, flood, {"A": 3, "B": 0})
    morning = START + timedelta(hours=3)
    session.execute(sa.text("ALTER TABLE alert_thread DISABLE TRIGGER only_grows"))
    session.execute(sa.text("UPDATE alert_thread SET happened_at = :at WHERE kind = 'sending'"), {"at": morning})
    frozen_clock(morning + timedelta(minutes=4))
    assert escalation.call_overdue(session) == 0
    frozen_clock(morning + timedelta(minutes=5))
    assert escalation.call_overdue(session) == 1
    assert alert.approved_at == START


def test_a_policy_is_changed_by_a_new_version(session: Session, flood: Any, frozen_clock: Any) -> None:
    """The old one stays on record; nonsense is refused."""
    made = escalation.set_patience(session, {1: None, 2: 15, 3: 2}, account=flood.olu)
    assert (made.version, made.after) == (2, {2: timedelta(minutes=15), 3: timedelta(minutes=2)})
    for nonsense in ({}, {1: None, 2: 15}, {1: None, 2: 0, 3: 5}, {1: None, 2: 15, 3: 100_000}):
        with pytest.raises(InvalidInputError):
            escalation.set_patience(session, nonsense, account=flood.olu)
    approved(session, flood, {"A": 3, "B": 0})
    frozen_clock(START + timedelta(minutes=2))
    assert escalation.call_overdue(session) == 1


# ── Numbers are people's data ────────────────────────────────────────────────────────────────────────────────────────


def test_numbers_are_sealed_and_each_look_is_logged(session: Session, flood: Any) -> None:
    """In the table nobody reads a name or a number; the audit log says who asked for one."""
    first = contacts.listed(session, flood.area_id)[0]
    assert b"0811111111" not in bytes(first.phone_sealed)
    assert "ผู้ใหญ่".encode() not in bytes(first.name_sealed)
    assert contacts.look_at_phone(session, first.id, account=flood.olu) == "0811111111"
    last = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None
    assert (last.action, last.subject) == ("contact.looked_at", f"contact:{first.id}")
    with pytest.raises(NotFoundError):
        contacts.look_at_phone(session, first.id + 99, account=flood.olu)


def test_a_list_keeps_its_order(session: Session, flood: Any) -> None:
    """Somebody put first moves the others back; the same number is on it once, and words are no number."""
    add: dict[str, Any] = {"area_id": flood.area_id, "account": flood.olu}
    contacts.add_contact(session, name="กำนัน", phone="+66 89 999 9999", position=0, **add)
    names = [contacts.name_of(one) for one in contacts.listed(session, flood.area_id)]
    assert names == ["กำนัน", "ผู้ใหญ่เอก", "ป้าศรี"]
    with pytest.raises(ConflictError):
        contacts.add_contact(session, name="อีกคน", phone="0811111111", position=None, **add)
    with pytest.raises(InvalidInputError):
        contacts.add_contact(session, name="อีกคน", phone="โทรมา", position=None, **add)


def test_a_number_that_goes_while_it_is_called_makes_the_next_one_due(
    session: Session, flood: Any, frozen_clock: Any
) -> None:
    """Taken off by an officer, or forgotten with its person."""
    approved(session, flood, {"A": 3, "B": 0})
    frozen_clock(START + timedelta(minutes=5))
    look_after_leaders.run(session)
    escalation.remove_contact(session, contacts.listed(session, flood.area_id)[0].id, account=flood.olu)
    assert to_call(session) == ["ป้าศรี"]
    assert escalation.forget(session, {"ป้าศรี", SECOND}) == 1
    # The community's list is empty now: the city's is called through.
    assert to_call(session) == ["ปลัดชัย"]
    assert session.scalar(sa.select(sa.func.count()).select_from(Contact)) == 1


# ── Over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def app() -> FastAPI:
    """The routes of leaders and of calls alone."""
    app = FastAPI()
    problems.add_problems(app)
    for routes in (leader_routes, escalation_routes):
        app.include_router(routes.router, prefix="/api/v1")
    return app


def test_over_http_from_a_code_to_the_last_call(
    app: FastAPI, database: sa.Engine, frozen_clock: Any, town_of: Any
) -> None:
    """An officer makes a group, leaders acknowledge in it, the silent area is called: with roles, numbers apart."""
    with transaction() as session:
        town = settle(session, town_of(session))
        town.account("vic", ["viewer"])
    olu, vic = browser(app, "olu"), browser(app, "vic")
    wanted = {"name_th": "ผู้นำบี", "name_en": "Leaders B", "zones": ["B"]}
    assert vic.post("/api/v1/leader-groups", json=wanted).status_code == 403
    assert olu.post("/api/v1/leader-groups", json=wanted | {"zones": []}).status_code == 422
    made = olu.post("/api/v1/leader-groups", json=wanted).json()
    assert (made["is_open"], made["zones"][0]["code"]) == (False, "B")
    with transaction() as session:
        assert len(Chat(session).say(made["code"])) == 1
        town.session = session
        alert_id = approved(session, town, {"A": 3, "B": 3}).id
    (listed,) = olu.get("/api/v1/leader-groups").json()["groups"]
    assert (listed["is_open"], listed["leaders"]) == (True, 1)
    assert "code" not in listed
    frozen_clock(START + timedelta(minutes=3))
    with transaction() as session:
        look_after_leaders.run(session)
    frozen_clock(START + timedelta(minutes=5))
    with transaction() as session:
        Chat(session).tap(f"ack:{alert_id}")
        look_after_leaders.run(session)
    seen = vic.get(f"/api/v1/alerts/{alert_id}/acknowledgements").json()
    assert (seen["zones_total"], seen["zones_acknowledged"], seen["median_minutes"]) == (2, 1, 2.0)
    by_code = {zone["zone"]["code"]: zone for zone in seen["zones"]}
    assert by_code["B"]["by"] == {"way": "button", "member": None, "account": None}
    assert by_code["B"]["group"]["en"] == "Leaders B"
    assert (by_code["A"]["group"], by_code["A"]["escalation"]) == (None, "calling")
    assert vic.get("/api/v1/escalations").status_code == 403
    (task,) = olu.get("/api/v1/escalations").json()["escalations"]
    assert task["call"]["name"] == "ผู้ใหญ่เอก"
    assert "081" not in str(task)
    look = olu.post(f"/api/v1/contact-list/{task['call']['contact_id']}/phone")
    assert look.json() == {"phone": "0811111111"}
    path = f"/api/v1/escalations/{task['id']}/outcome"
    assert olu.post(path, json={"outcome": "perhaps"}).status_code == 422
    assert olu.post(path, json={"outcome": "no_answer", "note": "ไม่รับสาย"}).json()["call"]["name"] == "ป้าศรี"
    assert olu.post(path, json={"outcome": "reached"}).json()["state"] == "reached"
    assert olu.post(path, json={"outcome": "reached"}).status_code == 409
    seen = olu.get(f"/api/v1/alerts/{alert_id}/acknowledgements").json()
    assert seen["zones_acknowledged"] == 2
    assert {zone["by"]["account"] for zone in seen["zones"]} == {None, "Olu"}
    assert olu.delete(f"/api/v1/leader-groups/{made['id']}").status_code == 204
    assert olu.get("/api/v1/leader-groups").json() == {"groups": []}
    assert olu.get("/api/v1/alerts/999/acknowledgements").status_code == 404


def test_lists_and_policy_over_http(app: FastAPI, database: sa.Engine, frozen_clock: Any, town_of: Any) -> None:
    """Officers keep the lists, an administrator the policy; a list shows no number."""
    with transaction() as session:
        settle(session, town_of(session)).account("root", ["admin"])
    olu, root = browser(app, "olu"), browser(app, "root")
    given = {"community": "C1", "name": "กำนัน", "phone": "089 999 9999", "position": 0}
    made = olu.post("/api/v1/contact-list", json=given)
    assert made.status_code == 201
    listed = olu.get("/api/v1/contact-list", params={"community": "C1"}).json()["contacts"]
    assert [one["name"] for one in listed] == ["กำนัน", "ผู้ใหญ่เอก", "ป้าศรี"]
    assert "phone" not in listed[0]
    assert olu.get("/api/v1/contact-list", params={"community": "none"}).status_code == 404
    assert olu.delete(f"/api/v1/contact-list/{made.json()['id']}").status_code == 204
    assert len(olu.get("/api/v1/contact-list").json()["contacts"]) == 1
    policy = {"minutes_by_level": {"1": None, "2": 10, "3": 4}}
    assert olu.post("/api/v1/escalation-policy", json=policy).status_code == 403
    assert root.post("/api/v1/escalation-policy", json=policy).json() == {"version": 2, **policy}
    assert olu.get("/api/v1/escalation-policy").json() == {"version": 2, **policy}
