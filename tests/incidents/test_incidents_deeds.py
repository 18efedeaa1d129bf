"""Deeds of the inbox: the same with many incidents, whose work it is, and what an incident is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from core.db import transaction
from gis.points import LonLat
from incidents import actions, bulk, merging, telling
from incidents.bulk import Chosen, Deed
from incidents.category_models import CategoryCorrection
from incidents.models import Incident, ReporterNotice
from incidents.rules import NewReport
from incidents.teaching import labelled_texts
from line.models import OutboxChunk
from tests.accounts import PASSWORD, add_account
from tests.incidents.conftest import add_talker, fill_town

SignIn = Callable[[str], TestClient]
URL = "/api/v1/inbox/deeds"


@pytest.fixture
def ids(database: sa.Engine, frozen_clock: object) -> list[int]:
    """Three incidents of one resident, far from one another."""
    with transaction() as session:
        fill_town(session)
        for role in ("viewer", "officer", "dispatcher"):
            add_account(session, role, roles=[role])
        talker = add_talker(session, 1, home=None)
        told = [
            NewReport(text, "road", LonLat(lon=lon, lat=8.43), "pin", resident_id=talker.resident.id)
            for lon, text in ((99.945, "ถนนเป็นหลุม"), (99.96, "น้ำท่วมถนนสูงแล้ว"), (99.975, "ถนนทรุด"))
        ]
        return [actions.receive_report(session, new)[1].id for new in told]


@pytest.fixture
def signed_in(ids: list[int]) -> Iterator[SignIn]:
    """A browser with that account's cookie and CSRF token."""
    with TestClient(create_app(), raise_server_exceptions=False) as browser:

        def sign_in(name: str) -> TestClient:
            answer = browser.post("/api/v1/session", json={"username": name, "password": PASSWORD})
            browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
            return browser

        yield sign_in


def _states(ids: list[int]) -> list[str]:
    with transaction() as session:
        return [session.get_one(Incident, id_).state for id_ in ids]


def test_many_are_accepted_at_once_and_each_that_cannot_says_why(signed_in: SignIn, ids: list[int]) -> None:
    """One was changed meanwhile, one does not exist: the others are done all the same, nothing of those two."""
    with transaction() as session:
        actions.change_state(session, ids[2], "rejected", by="colleague", reason="ซ้ำ")
    chosen = [{"id": id_, "seen": "new"} for id_ in (*ids, 999_999)]
    answer = signed_in("officer").post(URL, json={"action": "accept", "incidents": chosen}).json()
    assert answer["done"] == ids[:2]
    assert [one["id"] for one in answer["refused"]] == [ids[2], 999_999]
    assert "ไม่รับ" in answer["refused"][0]["why"]["th"]
    assert [one["state"] for one in answer["refused"]] == ["rejected", None]
    assert answer["refused"][1]["number"] == ""
    assert _states(ids) == ["accepted", "accepted", "rejected"]


def test_a_reporter_of_many_hears_in_one_message(signed_in: SignIn, ids: list[int], frozen_clock: object) -> None:
    """Three incidents finished with one press are one message, with the one reason."""
    body = {"action": "done", "incidents": [{"id": id_} for id_ in ids], "reason": "ซ่อมแล้วทั้งสาย"}
    assert signed_in("officer").post(URL, json=body).json()["done"] == ids
    assert _states(ids) == ["done"] * 3
    with transaction() as session:
        session.execute(sa.update(ReporterNotice).values(due_at=sa.func.now() - timedelta(days=400)))
        assert telling.tell_due(session) == 1
        pushed = session.scalars(sa.select(OutboxChunk).where(OutboxChunk.kind == "push")).all()
        assert len(pushed) == 1
        assert str(pushed[0].messages).count("ซ่อมแล้วทั้งสาย") == 3
    again = signed_in("officer").post(URL, json=body).json()
    assert (again["done"], len(again["refused"])) == ([], 3)


def test_a_fault_in_the_middle_leaves_nothing_half_done(ids: list[int]) -> None:
    """What one incident refuses is undone for it; a fault that nobody foresaw undoes all of them."""

    def accept_and_fail() -> None:
        with transaction() as session:
            bulk.change_each(session, [Chosen(id_, None) for id_ in ids], Deed("accept", ""), by="officer")
            bulk.change_each(session, [Chosen(ids[1], None)], Deed("unheard of", ""), by="officer")

    with pytest.raises(KeyError):
        accept_and_fail()
    assert _states(ids) == ["new"] * 3


@pytest.mark.parametrize(
    "body",
    [
        {"action": "reject"}, {"action": "send_on", "reason": "x"}, {"action": "agency", "to": "works"},
        {"action": "accept", "to": "works"}, {"action": "category"}, {"action": "delete"},
    ],
)
def test_what_is_not_wholly_said_is_refused(signed_in: SignIn, ids: list[int], body: dict[str, str]) -> None:
    """A rejection without a reason, nobody to send on to, an agency where none is asked for."""
    officer = signed_in("officer")
    assert officer.post(URL, json={**body, "incidents": [{"id": ids[0]}]}).status_code == 422
    assert officer.post(URL, json={"action": "accept", "incidents": []}).status_code == 422
    too_many = [{"id": number} for number in range(1, 202)]
    assert officer.post(URL, json={"action": "accept", "incidents": too_many}).status_code == 422
    assert signed_in("viewer").post(URL, json={"action": "accept", "incidents": [{"id": 1}]}).status_code == 403


def test_what_was_merged_meanwhile_says_so_whatever_the_deed(signed_in: SignIn, ids: list[int]) -> None:
    """The officer reads that it was merged, not that what is closed cannot be accepted."""
    with transaction() as session:
        merging.merge_incidents(session, ids[0], ids[1], by="colleague", reason="")
        merged = session.scalars(sa.select(Incident.id).where(Incident.merged_into_id.is_not(None))).one()
    for body in ({"action": "accept"}, {"action": "send_on", "to": "rescue", "reason": "x"}, {"action": "done"}):
        chosen = [{"id": merged, "seen": "new"}]
        refused = signed_in("officer").post(URL, json={**body, "incidents": chosen}).json()["refused"]
        assert "รวมกับเหตุอื่น" in refused[0]["why"]["th"], body


def test_an_agency_is_put_right_before_anybody_has_begun(signed_in: SignIn, ids: list[int]) -> None:
    """The state stays, history has both agencies; who has accepted sends on instead; it is no handing on."""
    officer = signed_in("officer")
    body = {"action": "agency", "to": "rescue", "reason": "ต้องใช้เรือ", "incidents": [{"id": ids[0]}, {"id": ids[1]}]}
    officer.post(URL, json={"action": "accept", "incidents": [{"id": ids[1]}]})
    answer = officer.post(URL, json=body).json()
    assert (answer["done"], [one["id"] for one in answer["refused"]]) == ([ids[0]], [ids[1]])
    shown = officer.get(f"/api/v1/incidents/{ids[0]}").json()
    assert (shown["state"], shown["agency"]["code"]) == ("new", "rescue")
    change = shown["changes"][-1]
    assert (change["kind"], change["from_agency"]["code"], change["to_agency"]["code"]) == ("agency", "works", "rescue")
    assert officer.post(URL, json=body | {"to": "works"}).json()["done"] == [ids[0]]


def test_a_category_put_right_takes_agency_promise_and_lesson_along(signed_in: SignIn, ids: list[int]) -> None:
    """A hole that is a flood: the flood's hours from when it was opened, its agency, told once, taught to the model."""
    officer = signed_in("officer")
    base = f"/api/v1/incidents/{ids[1]}"
    before = officer.get(base).json()
    guessed = officer.get(f"{base}/guesses").json()["guesses"]
    assert "flooded_road" in [one["category"]["code"] for one in guessed]
    after = officer.post(f"{base}/category", json={"category": "rescue", "reason": "มีคนติดอยู่"}).json()
    assert (after["category"]["code"], after["agency"]["code"], after["tier"]) == ("rescue", "rescue", 1)
    assert after["promised_at"] < before["promised_at"]
    assert after["changes"][-1]["kind"] == "category"
    assert after["changes"][-1]["reason"].endswith(": มีคนติดอยู่")
    again = officer.post(f"{base}/category", json={"category": "rescue"})
    assert (again.status_code, "อยู่แล้ว" in again.json()["detail_th"]) == (409, True)
    assert officer.post(f"{base}/category", json={"category": "nothing"}).status_code == 404
    with transaction() as session:
        taught = session.scalars(sa.select(CategoryCorrection.category_code)).all()
        lessons = {one.text: one.codes for one in labelled_texts(session, since=None)[1]}
        notices = session.scalar(sa.select(sa.func.count()).select_from(ReporterNotice))
    assert list(taught) == ["rescue"]
    assert lessons["น้ำท่วมถนนสูงแล้ว"] == ("rescue",)
    assert notices == 1
    assert signed_in("viewer").get(f"{base}/guesses").status_code == 403
    assert signed_in("viewer").post(f"{base}/category", json={"category": "road"}).status_code == 403


def test_who_has_begun_goes_on_and_what_was_broken_stays_broken(signed_in: SignIn, ids: list[int]) -> None:
    """An accepted incident keeps its lead, the new kind's agency comes beside; a kept breach is not taken back."""
    officer = signed_in("officer")
    base = f"/api/v1/incidents/{ids[0]}"
    officer.post(f"{base}/state", json={"to": "accepted"})
    officer.post(f"{base}/category", json={"category": "rescue"})
    agencies = officer.get(f"{base}/promise").json()["agencies"]
    assert (agencies[0]["code"], agencies[0]["role"]) == ("works", "lead")
    with transaction() as session:
        session.execute(
            sa.text("INSERT INTO promise_mark VALUES (:id, 'breached', now(), now(), 'works')"), {"id": ids[0]}
        )
    after = officer.post(f"{base}/category", json={"category": "road"}).json()
    assert after["is_overdue"]
