"""Nothing goes back: neither to a partner what it did, nor in again what it was told."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core.db import transaction
from incidents import actions
from incidents.exchange import keys
from tests.api.ways.partners import (
    ask,
    count,
    forget,
    register,
    tell_all,
    walk_on,
)
from tests.api.ways.receiver import Heard, Receiver, listening

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

pytestmark = pytest.mark.usefixtures("time_goes_on")


def test_what_a_partner_did_is_told_to_others_and_not_to_itself(ways: Ways, receiver: Receiver) -> None:
    """Neither its own report nor its own step; what an officer does with its report is told under its number."""
    with listening() as second:
        second.secret = register("works", second)
        spot = ways.spot()
        made = ask(ways, "new-issue/v1", latitude=spot["lat"], longitude=spot["long"], category_name_th="ท่อระบายน้ำ",
                     description="ท่อตัน")
        number = made["results"]["ticket_id"]
        step = {"ticket_id": number, "note": "รับ", "state_name": "รับเรื่อง"}
        assert ask(ways, "update-issue/v1", method="PATCH", **step)["status"] == "success"
        walk_on(number, "in_progress")
        tell_all()
        assert receiver.told() == [("PATCH", number, "กำลังดำเนินการ")]
        expected = [("POST", number, ""), ("PATCH", number, "รับเรื่อง"), ("PATCH", number, "กำลังดำเนินการ")]
        assert second.told() == expected
        forget("works")


def test_a_report_that_joined_anothers_is_told_under_both_numbers(ways: Ways, receiver: Receiver) -> None:
    """The partner was given a number of its own for it, and follows that one."""
    spot = ways.spot()
    number = ways.reported(description="หลุมใหญ่กลางถนน", **spot)
    joined = ask(ways, "new-issue/v1", latitude=spot["lat"], longitude=spot["long"], type_name="Road",
                   category_name_th="ถนน", description="หลุมใหญ่กลางถนน")["results"]["ticket_id"]
    assert joined.startswith(f"{number}-")
    walk_on(number, "accepted")
    tell_all()
    assert receiver.told() == [("POST", number, ""), ("PATCH", number, "รับเรื่อง"), ("PATCH", joined, "รับเรื่อง")]


def test_what_came_from_traffy_does_not_go_back_to_traffy(ways: Ways) -> None:
    """An address that belongs to Traffy's own key hears nothing of its tickets, whoever moves them; others do."""
    with transaction() as session:
        ways.keys["fondue"] = keys.make_key(session, name="fondue", scopes=["traffy-hook", "traffy-read"])
    with listening() as theirs, listening() as other:
        theirs.secret, other.secret = register("fondue", theirs), register("partner", other)
        spot = ways.spot()
        ticket = {
            "timestamp": "2026-11-21 09:30:00.000000", "ticket_id": "T-HOOKS", "description": "ไฟดับ", "type": "แสงสว่าง",
            "latitude": float(spot["lat"]), "longitude": float(spot["long"]), "orgs": [],
        }
        address = f"/traffy/hook/{ways.keys['fondue']}"
        assert ways.client.post(address, json=ticket).json()["results"] == {"is_new": True}
        step = {"timestamp": "2026-11-21 11:00:00.000000", "ticket_id": "T-HOOKS", "status": "รับเรื่อง", "note": "x"}
        assert ways.client.patch(address, json=step).json()["results"] == {"is_new": True}
        with transaction() as session:
            number = session.execute(
                sa.text("SELECT i.number FROM foreign_id f JOIN incident i ON i.id = f.incident_id "
                        "WHERE f.system = 'traffy' AND f.foreign_id = 'T-HOOKS'")
            ).scalar_one()
        walk_on(number, "in_progress")
        mine = ways.reported()
        tell_all()
        assert theirs.told() == [("POST", mine, "")]
        assert [call for call in other.told() if call[1] == number][-1] == ("PATCH", number, "กำลังดำเนินการ")
        # Our own webhook, sent to where Traffy's come in: it is known.
        reports = count("report")
        for one in theirs.heard + other.heard:
            answer = ways.client.request(one.method, address, json=one.body)
            assert answer.json()["results"] == {"is_new": False}, one
        assert count("report") == reports
        for name in ("fondue", "partner"):
            forget(name)


_ECHOES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "as it came": lambda body: body,
    "with our number as its own": lambda body: {
        **{name: value for name, value in body.items() if name != "ticket_id"}, "client_ticket_id": body["ticket_id"],
    },
    "as new": lambda body: {name: value for name, value in body.items() if name != "ticket_id"},
    "with the state by name": lambda body: {**body, "state_name": body.get("status")},
    "without its time": lambda body: {
        **{name: value for name, value in body.items() if name != "timestamp"}, "state_name": body.get("status"),
    },
    "with words of its own": lambda body: {**body, "state_name": body.get("status"), "note": "ส่งกลับ"},
}


@pytest.mark.parametrize("seed", range(6))
def test_echoing_webhooks_make_nothing(ways: Ways, receiver: Receiver, seed: int) -> None:
    """Whatever officers do, and however a partner sends back what it hears, at once or late, twice or in disorder:
    there is no report, no step and no call more than without it.
    """
    chance = random.Random(seed)
    later: list[Heard] = []
    answered: list[str] = []

    def echo(heard: Heard) -> None:
        path = "new-issue/v1" if heard.method == "POST" else "update-issue/v1"
        changed = _ECHOES[chance.choice(sorted(_ECHOES))](heard.body)
        answered.append(ask(ways, path, method=heard.method, **changed)["status"])

    def on_call(heard: Heard) -> None:
        later.extend([heard] * chance.randrange(3))
        if chance.random() < 0.5:
            echo(heard)  # Before the partner has answered.

    receiver.on_call = on_call
    numbers = [ways.reported(description=f"หลุม {seed} {turn}") for turn in range(3)]
    before = count("report"), count("incident")
    made = 3
    for _ in range(24):
        number = chance.choice(numbers)
        with transaction() as session:
            asked = sa.text("SELECT id, state FROM incident WHERE number = :n")
            row = session.execute(asked, {"n": number}).one()
            following = {
                "new": ["accepted"], "accepted": ["in_progress"], "in_progress": ["done", "accepted"],
                "done": ["reopened", "closed"], "closed": ["reopened"], "reopened": ["accepted"],
            }[row.state]
            actions.change_state(session, row.id, chance.choice(following), by="officer", reason="")
        made += 1
        if chance.random() < 0.6:
            tell_all()
        chance.shuffle(later)
        while later and chance.random() < 0.4:
            echo(later.pop())
    tell_all()
    chance.shuffle(later)
    for heard in later:
        echo(heard)
    tell_all()
    assert len(answered) > 20
    assert (count("report"), count("incident")) == before
    with transaction() as session:
        by_partner = session.execute(
            sa.text("SELECT count(*) FROM incident_change h JOIN incident i ON i.id = h.incident_id "
                    "WHERE i.number = ANY(:numbers) AND h.changed_by = 'exchange:partner'"), {"numbers": numbers},
        ).scalar_one()
    assert by_partner == 0
    assert len(receiver.heard) == made
    assert len({one.event_id for one in receiver.heard}) == made


def test_an_honest_step_after_ours_is_no_echo(ways: Ways, receiver: Receiver) -> None:
    """We told of an end, it was opened again, the partner ends it anew: that is its own news."""
    number = ways.reported()
    walk_on(number, "accepted", "in_progress", "done", "reopened")
    tell_all()
    step = {"ticket_id": number, "note": "เสร็จสิ้น", "state_name": "เสร็จสิ้น"}
    assert ask(ways, "update-issue/v1", method="PATCH", **step)["status"] == "success"
    assert ways.shown(number)["status"] == "closed"


def test_an_echo_by_open311_makes_nothing_either(ways: Ways) -> None:
    """A partner with both doors cannot bring back by one what it heard by the other."""
    with transaction() as session:
        ways.keys["both"] = keys.make_key(session, name="both", scopes=["traffy-read", "open311"], per_minute=1000)
    with listening() as receiver:
        receiver.secret = register("both", receiver)
        ways.reported(description="หลุมลึก")
        tell_all()
        (heard,) = receiver.heard
        reports = count("report")
        answer = ways.post(
            api_key=ways.keys["both"], description=heard.body["description"], lat=heard.body["latitude"],
            long=heard.body["longitude"],
        )
        assert answer.status_code == 400
        assert count("report") == reports
        forget("both")
