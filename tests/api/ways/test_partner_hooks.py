"""Partners are told without asking: in Traffy's shape, signed, in order, and only what the public may know."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from core import clock
from core.db import transaction
from incidents import actions, merging
from incidents.exchange import traffy
from incidents.exchange.traffy_server import stable_number
from incidents.rules import LOCAL_TIME
from tests.api.ways.conftest import NOW
from tests.api.ways.partners import (
    ask,
    forget,
    gather,
    register,
    tell_all,
    tell_one,
    told_by_phone,
    walk_on,
)
from tests.api.ways.receiver import Receiver, listening

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

pytestmark = pytest.mark.usefixtures("time_goes_on")


def test_a_new_incident_and_its_states_are_told_as_traffy_tells_them(ways: Ways, receiver: Receiver) -> None:
    """POST and PATCH in Traffy's shape, Thai time without a zone, whole numbers of agencies and kinds, signed."""
    number = ways.reported(description="หลุมใหญ่ โทร 0812345678")
    walk_on(number, "accepted", "in_progress")
    walk_on(number, "done", reason="ซ่อมแล้ว โทรถาม 0898765432")
    tell_all()
    first, *steps = receiver.heard
    shown = ways.shown(number)
    with transaction() as session:
        kind = session.execute(sa.text("SELECT name_th FROM category WHERE code = 'road'")).scalar_one()
    assert first.path == "/hook/their-secret-word"
    assert first.body == {
        "timestamp": first.body["timestamp"], "ticket_id": number, "description": "หลุมใหญ่ โทร …",
        "type_id": stable_number("road"), "type": kind,
        "photo": [], "latitude": float(shown["lat"]), "longitude": float(shown["long"]),
        "address": shown["address"] or "",
        "orgs": [{"org_id": stable_number("works"), "org": "งาน works"}],
    }
    reported_at = datetime.fromisoformat(shown["requested_datetime"])
    said = datetime.strptime(first.body["timestamp"], "%Y-%m-%d %H:%M:%S.%f")
    assert said.replace(microsecond=0) == reported_at.astimezone(LOCAL_TIME).replace(tzinfo=None, microsecond=0)
    assert [one.method for one in receiver.heard] == ["POST", "PATCH", "PATCH", "PATCH"]
    assert [one.body["status"] for one in steps] == ["รับเรื่อง", "กำลังดำเนินการ", "เสร็จสิ้น"]
    assert [set(one.body) for one in steps] == [{"timestamp", "ticket_id", "org", "status", "note", "photo"}] * 3
    assert steps[-1].body["note"] == f"ซ่อมแล้ว โทรถาม … ({number})"
    assert steps[0].body["org"] == "งาน works"
    assert all(one.is_signed for one in receiver.heard)
    assert len({one.event_id for one in receiver.heard}) == 4


def test_our_own_reader_of_traffys_webhooks_reads_ours(ways: Ways, receiver: Receiver) -> None:
    """Another city with Faonam reads them without a finding, and the times of its steps go forward."""
    number = ways.reported()
    walk_on(number, "accepted", "in_progress", "done")
    tell_all()
    read = [traffy.read_hook(one.method, one.body) for one in receiver.heard]
    assert [findings for _, findings in read] == [()] * 4
    issue, *steps = [news for news, _ in read]
    assert isinstance(issue, traffy.Issue)
    assert [step.state for step in steps if isinstance(step, traffy.StatusNews)] == ["accepted", "in_progress", "done"]
    times = [step.at for step in steps if isinstance(step, traffy.StatusNews)]
    assert times == sorted(set(times))


def test_steps_of_one_moment_are_told_one_after_the_other(ways: Ways, receiver: Receiver) -> None:
    """Who goes forward through several states at once writes one time for all: a receiver must not drop the last."""
    number = ways.reported()
    clock.freeze(lambda: NOW + timedelta(minutes=5))
    with transaction() as session:
        incident_id = session.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one()
        actions.advance_state(session, incident_id, "done", by="officer", reason="")
    tell_all()
    times = [traffy.read_time(one.body["timestamp"]) for one in receiver.heard[1:]]
    assert len(set(times)) == 3
    assert receiver.told()[-1] == ("PATCH", number, "เสร็จสิ้น")
    assert times == sorted(times, key=lambda at: at or NOW)


def test_hidden_matters_are_never_told_and_coarse_ones_are_coarse(ways: Ways, receiver: Receiver) -> None:
    """What Open311 does not show does not leave; what it rounds is rounded, without words; nobody is named."""
    hidden = told_by_phone(ways.spot(), category="safety", text="เห็นขโมย")
    spot = ways.spot()
    coarse = told_by_phone(spot, category="flooded_home", text="บ้านคุณสมศรีน้ำท่วม 0812345678", source="home")
    walk_on(hidden, "accepted")
    walk_on(coarse, "accepted", "in_progress")
    walk_on(coarse, "done", reason="ช่วยคุณสมศรีแล้ว")
    tell_all()
    assert hidden not in str(receiver.heard)
    (first, *_, last) = [one for one in receiver.heard if one.body["ticket_id"] == coarse]
    assert (first.body["latitude"], first.body["longitude"]) != (float(spot["lat"]), float(spot["long"]))
    assert first.body["description"] == first.body["type"]
    assert "สมศรี" not in str(receiver.heard)
    assert last.body["note"] == f"เสร็จสิ้น ({coarse})"


def test_what_is_hidden_before_it_is_told_is_not_told(ways: Ways, receiver: Receiver) -> None:
    """The body is made when it is sent, not when it happened."""
    number = ways.reported(service_code="noise", description="เสียงดัง")
    for hook_id in gather():
        with transaction() as session:
            session.execute(sa.text("UPDATE open_service SET exposure = 'hidden' WHERE category_code = 'noise'"))
        while tell_one(hook_id):
            pass
    assert number not in str(receiver.heard)


def test_nothing_before_the_registration_is_told_but_what_goes_on(ways: Ways) -> None:
    """An incident that was there already is introduced with its next step."""
    old, silent = ways.reported(), ways.reported()
    with listening() as receiver:
        receiver.secret = register("partner", receiver)
        walk_on(old, "accepted")
        tell_all()
        assert receiver.told() == [("POST", old, ""), ("PATCH", old, "รับเรื่อง")]
        assert silent not in str(receiver.heard)
        forget("partner")


def test_an_agencys_partner_is_told_of_that_agencys_incidents(ways: Ways) -> None:
    """Also once it is asked in or handed one, with the issue first; and that one was handed away, but nothing after."""
    with listening() as receiver:
        receiver.secret = register("works", receiver)
        waste, drain = ways.reported(service_code="waste", description="ขยะ"), ways.reported(service_code="drain")
        tell_all()
        assert receiver.told() == [("POST", drain, "")]
        clerk, works = stable_number("clerk"), stable_number("works")
        asked = {"ticket_id": waste, "origin_group": clerk, "destination_group": [works], "scenario": 1}
        assert ask(ways, "join-forward/v1", **asked)["status"] == "success"
        with transaction() as session:
            known = sa.text("SELECT id FROM incident WHERE number = :n")
            drain_id = session.execute(known, {"n": drain}).scalar_one()
            actions.send_on(session, drain_id, "clerk", by="officer", reason="")
        walk_on(drain, "accepted")
        tell_all()
        assert receiver.told()[1:] == [("POST", waste, ""), ("PATCH", drain, "ส่งต่อ")]
        forget("works")


def test_a_merged_incident_is_told_as_closed(ways: Ways, receiver: Receiver) -> None:
    """A partner's list does not keep it open for ever; taken apart again it is open again."""
    spots = [ways.spot(), ways.spot()]
    one, other = (ways.reported(description=f"หลุม {at['lat']}", **at) for at in spots)
    tell_all()
    with transaction() as session:
        ids = [
            session.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one()
            for number in (one, other)
        ]
        merging.merge_incidents(session, ids[0], ids[1], by="officer", reason="")
    tell_all()
    assert receiver.told()[2:] == [("PATCH", other, "ปิดเรื่อง")]
    with transaction() as session:
        merging.undo_merge(session, ids[1], by="officer")
    tell_all()
    assert receiver.told()[3:] == [("PATCH", other, "รอรับเรื่อง")]
