"""Partners rate, speak, ask agencies in and hand over, by the exchange: each with its right, each once."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa

from core import clock, sealing
from core.db import transaction
from gis.points import LonLat
from incidents import actions, public_queries, telling
from incidents.exchange import keys
from incidents.exchange.traffy_server import stable_number
from incidents.models import Incident
from incidents.rules import NewReport
from line.models import OutboxChunk
from tests.api.ways.conftest import NOW, walk
from tests.incidents.conftest import add_talker, line_id

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

WORKS, CLERK, RESCUE = (stable_number(code) for code in ("works", "clerk", "rescue"))


@pytest.fixture(scope="module", autouse=True)
def sender(ways: Ways) -> None:
    """A partner that only reports, and one that acts for the clerk."""
    with transaction() as session:
        for name, scopes, agency in (
            ("sender", ["traffy-write"], None), ("clerk", ["traffy-write", "traffy-update"], "clerk"),
            ("rescue", ["traffy-update"], "rescue"),
        ):
            key = keys.make_key(session, name=name, scopes=scopes, agency_code=agency, per_minute=100_000)
            ways.keys[name] = key


@pytest.fixture
def told(ways: Ways) -> Callable[[int], list[str]]:
    """`told(number)` is what this resident has read on LINE since it was last asked."""
    seen: dict[int, int] = {}

    def read(number: int) -> list[str]:
        clock.freeze(lambda: NOW + timedelta(hours=1))
        with transaction() as session:
            telling.tell_due(session)
            mine = session.scalars(
                sa.select(OutboxChunk)
                .where(OutboxChunk.to_hash == sealing.fingerprint(line_id(number)))
                .order_by(OutboxChunk.id)
            ).all()
        clock.freeze(lambda: NOW)
        new, seen[number] = mine[seen.get(number, 0):], len(mine)
        return [message["text"] for chunk in new for message in chunk.messages]

    return read


def _call(ways: Ways, path: str, *, who: str = "works", method: str = "POST", **given: Any) -> dict[str, Any]:
    body = {"token_secret_key": ways.keys[who], **given}
    answer: httpx.Response = ways.client.request(method, f"/exchange-api/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _by_line(ways: Ways, number: int, *, category: str = "drain") -> str:
    """The number of an incident that a resident reported on LINE."""
    spot = ways.spot()
    with transaction() as session:
        talker = add_talker(session, number, home=None)
        _, incident = actions.receive_report(
            session,
            NewReport(
                text="ท่ออุดตัน", category_code=category, place=LonLat(lon=float(spot["long"]), lat=float(spot["lat"])),
                place_source="pin", source="line", resident_id=talker.resident.id,
            ),
        )
        return incident.number


def _sent(ways: Ways, *, who: str = "sender", **fields: Any) -> str:
    spot = ways.spot()
    given = {"category_name_th": "ท่อระบายน้ำ", "description": "ท่อตัน", "latitude": spot["lat"], "longitude": spot["long"]}
    answer = _call(ways, "new-issue/v1", who=who, **{**given, **fields})
    assert answer["status"] == "success", answer
    return str(answer["results"]["ticket_id"])


def _one(number: str, asked: str) -> list[Any]:
    with transaction() as session:
        return list(session.execute(sa.text(asked), {"n": number}).all())


def _kinds(number: str) -> list[str]:
    asked = ("SELECT h.kind FROM incident_change h JOIN incident i ON i.id = h.incident_id WHERE i.number = :n "
             "AND h.kind <> 'state' ORDER BY h.id")
    return [kind for (kind,) in _one(number, asked)]


def _agencies(number: str) -> dict[str, str]:
    asked = ("SELECT g.agency_code, g.role FROM incident_agency g JOIN incident i ON i.id = g.incident_id "
             "WHERE i.number = :n")
    return {row.agency_code: row.role for row in _one(number, asked)}


# ── Stars ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("star", [0, 6, -1, 4.5, "five", True, None, [5]])
def test_stars_go_from_1_to_5(ways: Ways, star: Any) -> None:
    """Traffy takes 0; here whatever is no whole number from 1 to 5 is a failure, with HTTP 200, and rates nothing."""
    number = _sent(ways)
    walk(number, "accepted", "in_progress", "done")
    answer = _call(ways, "star/v1", who="sender", ticket_id=number, star=star)
    assert answer["status"] == "fail"
    assert "star is" in answer["message"]
    assert _kinds(number) == []


def test_stars_are_rated_once_and_the_last_word_counts(ways: Ways) -> None:
    """Sent again nothing changes; other stars take the place of the first; officers and readers see them."""
    number = _sent(ways, client_ticket_id="STAR-1")
    walk(number, "accepted", "in_progress", "done")
    for given in ({"ticket_id": number, "star": 2}, {"client_ticket_id": "STAR-1", "star": "2"}):
        answer = _call(ways, "star/v1", who="sender", **given)
        assert answer["status"] == "success", answer
        assert "api_log_session_id" in answer
    assert _kinds(number) == ["rated"]
    assert _call(ways, "star/v1", who="sender", ticket_id=number, star=5)["status"] == "success"
    assert _kinds(number) == ["rated", "rated"]
    rows = _one(number, "SELECT e.stars FROM exchange_rating e JOIN service_request s ON s.id = e.service_request_id "
                        "WHERE s.request_id = :n")
    assert [row.stars for row in rows] == [5]
    row = ways.client.get(
        "/exchange-api/get-issue/v1", params={"ticket_id": number, "token_secret_key": ways.keys["reader"]}
    ).json()["results"]
    assert row["star"] == 5
    unrated = ways.client.get(
        "/exchange-api/get-issue/v1", params={"ticket_id": ways.reported(), "token_secret_key": ways.keys["reader"]}
    ).json()["results"]
    assert unrated["star"] is None


def test_nobody_rates_what_another_sent_or_what_is_not_finished(ways: Ways) -> None:
    """An agency gives itself no stars; a reporter gives none before the end; an unknown ticket is told as such."""
    number = _sent(ways)
    assert "not finished" in _call(ways, "star/v1", who="sender", ticket_id=number, star=5)["message"]
    walk(number, "accepted", "in_progress", "done")
    assert "Only who sent" in _call(ways, "star/v1", who="clerk", ticket_id=number, star=5)["message"]
    assert _call(ways, "star/v1", who="works", ticket_id=number, star=5)["status"] == "fail"  # It may not write.
    assert "no such ticket" in _call(ways, "star/v1", who="sender", ticket_id="2569-999999", star=5)["message"]
    assert "ticket_id or client" in _call(ways, "star/v1", who="sender", star=5)["message"]
    assert _kinds(number) == []


# ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [None, "chat", "comment"])
def test_an_agencys_words_reach_every_reporter_once(ways: Ways, told: Callable[[int], list[str]], kind: str) -> None:
    """Sent again within ten minutes nobody hears it twice; it stands in the history that officers read."""
    person = 100 + len(kind or "")
    number = _by_line(ways, person)
    given = {"ticket_id": number, "comment": "พรุ่งนี้ 09:00 ช่างจะไปดู <b>ครับ</b>", "comment_type": kind}
    for _ in range(2):
        assert _call(ways, "comment/v1", **given)["status"] == "success"
    (text,) = told(person)
    assert number in text
    assert text.count("พรุ่งนี้ 09:00 ช่างจะไปดู ครับ") == 1
    assert _kinds(number) == ["partner_said"]
    assert told(person) == []


def test_what_is_for_staff_only_is_a_note_and_no_reporter_reads_it(
    ways: Ways, told: Callable[[int], list[str]]
) -> None:
    """Not on LINE, not in Open311, not in the exchange; among officers it stands once."""
    number = _by_line(ways, 120)
    words = base64.b64encode("ผู้แจ้งรายนี้แจ้งซ้ำบ่อย".encode()).decode()
    for _ in range(2):
        answer = _call(ways, "comment/v1", ticket_id=number, base64comment=words, comment_type="chat_staff_only")
        assert answer["status"] == "success", answer
    notes = _one(number, "SELECT n.text, n.written_by FROM incident_note n JOIN incident i ON i.id = n.incident_id "
                         "WHERE i.number = :n")
    assert [tuple(note) for note in notes] == [("ผู้แจ้งรายนี้แจ้งซ้ำบ่อย", "exchange:works")]
    assert told(120) == []
    assert "แจ้งซ้ำบ่อย" not in str(ways.shown(number))


def test_words_without_noti_reporter_stand_in_the_history_only(
    ways: Ways, told: Callable[[int], list[str]]
) -> None:
    """A bulk sync says noti_reporter false, or noti false: no resident is told, of words and of steps."""
    number = _by_line(ways, 121)
    for silence in ({"noti_reporter": False}, {"noti": "false"}):
        said = _call(ways, "comment/v1", ticket_id=number, comment=f"ซิงก์ {silence}", **silence)
        assert said["status"] == "success"
    step = {"ticket_id": number, "note": "ทำแล้ว", "state_name": "เสร็จสิ้น", "noti_reporter": False}
    assert _call(ways, "update-issue/v1", method="PATCH", **step)["status"] == "success"
    assert ways.shown(number)["status"] == "closed"
    assert told(121) == []


def test_a_step_is_told_where_nothing_is_said_of_it(ways: Ways, told: Callable[[int], list[str]]) -> None:
    """noti_reporter is true unless it is said; false with noti true is still false."""
    number = _by_line(ways, 122)
    step = {"ticket_id": number, "note": "รับแล้ว", "noti_staff": False}
    assert _call(ways, "update-issue/v1", method="PATCH", state_name="รับเรื่อง", **step)["status"] == "success"
    assert len(told(122)) == 1
    quiet = {**step, "noti": True, "noti_reporter": "false", "state_name": "กำลังดำเนินการ"}
    assert _call(ways, "update-issue/v1", method="PATCH", **quiet)["status"] == "success"
    assert told(122) == []


def test_a_reporters_words_stand_with_what_they_sent(ways: Ways, told: Callable[[int], list[str]]) -> None:
    """A key that only writes speaks as the reporter: of its own tickets, once, to no other reporter."""
    number = _sent(ways, client_ticket_id="SAY-1")
    for _ in range(2):
        said = _call(ways, "comment/v1", who="sender", client_ticket_id="SAY-1", comment="น้ำยังขัง")
        assert said["status"] == "success"
    (row,) = _one(number, "SELECT r.text FROM report r JOIN incident i ON i.id = r.incident_id WHERE i.number = :n")
    assert row.text.count("น้ำยังขัง") == 1
    other = _by_line(ways, 123)
    assert "may not say" in _call(ways, "comment/v1", who="sender", ticket_id=other, comment="x")["message"]
    staff = _call(ways, "comment/v1", who="sender", ticket_id=number, comment="x", comment_type="chat_staff_only")
    assert staff["status"] == "fail"
    assert told(123) == []


def test_words_that_are_none_or_not_for_this_key_are_refused(ways: Ways) -> None:
    """Nothing is kept; the sentence says why."""
    number = _by_line(ways, 124, category="waste")
    for sentence, given in (
        ("comment is not specified", {"comment": "  "}), ("comment_type is none", {"comment_type": "shout"}),
        ("no base64", {"comment": "", "base64comment": "§"}), ("no such ticket", {"ticket_id": "2569-999998"}),
        ("another agency", {}),
    ):
        answer = _call(ways, "comment/v1", **{"ticket_id": number, "comment": "x", **given})
        assert answer["status"] == "fail"
        assert sentence in answer["message"]
    assert _call(ways, "comment/v1", who="reader", ticket_id=number, comment="x")["status"] == "fail"
    assert _kinds(number) == []


# ── Other agencies ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_invited_has_it_too_and_the_lead_keeps_it(ways: Ways, told: Callable[[int], list[str]]) -> None:
    """Both agencies act on it; sent again nobody is told twice; the invited may speak, and not change its state."""
    number = _by_line(ways, 130)
    given = {"ticket_id": number, "origin_group": WORKS, "destination_group": [CLERK], "scenario": 1, "note": "ช่วยดู"}
    for _ in range(2):
        answer = _call(ways, "join-forward/v1", **given)
        assert answer["status"] == "success", answer
    assert _agencies(number) == {"works": "lead", "clerk": "other"}
    assert _kinds(number) == ["invited"]
    (text,) = told(130)
    assert "งาน clerk" in text
    assert _call(ways, "comment/v1", who="clerk", ticket_id=number, comment="จะช่วย")["status"] == "success"
    step = {"ticket_id": number, "note": "รับ", "state_name": "รับเรื่อง"}
    assert "another agency" in _call(ways, "update-issue/v1", who="clerk", method="PATCH", **step)["message"]
    assert _call(ways, "update-issue/v1", method="PATCH", **step)["status"] == "success"
    with transaction() as session:
        tracked = public_queries.tracked(session, number)
    assert tracked is not None
    assert {step.agency_th for step in tracked.steps} == {"งาน works"}


def test_who_hands_over_is_out_of_it(ways: Ways, told: Callable[[int], list[str]]) -> None:
    """The first destination leads and has yet to accept, others come to it; reporters hear it once."""
    number = _by_line(ways, 131)
    given = {"ticket_id": number, "origin_group": str(WORKS), "destination_group": [CLERK, RESCUE], "scenario": "2"}
    for _ in range(2):
        answer = _call(ways, "join-forward/v1", note="ไม่ใช่ท่อ", **given)
        assert answer["status"] == "success", answer
    assert _agencies(number) == {"clerk": "lead", "rescue": "other"}
    (text,) = told(131)
    assert "งาน clerk" in text
    assert _one(number, "SELECT state FROM incident WHERE number = :n")[0].state == "sent_on"
    step = {"ticket_id": number, "note": "รับ", "state_name": "รับเรื่อง"}
    assert _call(ways, "update-issue/v1", method="PATCH", **step)["status"] == "fail"
    assert _call(ways, "update-issue/v1", who="clerk", method="PATCH", **step)["status"] == "success"


def test_nothing_goes_round_in_a_circle(ways: Ways, told: Callable[[int], list[str]]) -> None:
    """Who sent it on does not get it back, whatever the sender counts; and a count at the city's limit is refused."""
    number = _by_line(ways, 132)
    quiet = {"ticket_id": number, "scenario": 2, "noti_reporter": False}
    there = _call(ways, "join-forward/v1", origin_group=WORKS, destination_group=[RESCUE], **quiet)
    assert there["status"] == "success", there
    back = {"origin_group": RESCUE, "destination_group": [WORKS], **quiet}
    answer = _call(ways, "join-forward/v1", who="rescue", recursive_counter=0, **back)
    assert answer["status"] == "fail"
    assert "has sent this incident on itself" in answer["message"]
    assert "เคยส่งเหตุนี้ต่อมาแล้ว" in answer["message"]
    onward = {"origin_group": RESCUE, "destination_group": [CLERK], **quiet}
    for counter, sentence in ((99, "too often"), (-1, "no whole number"), ("many", "no whole number")):
        answer = _call(ways, "join-forward/v1", who="rescue", recursive_counter=counter, **onward)
        assert answer["status"] == "fail"
        assert sentence in answer["message"]
    assert _agencies(number) == {"rescue": "lead"}
    assert told(132) == []


@pytest.mark.parametrize(
    ("sentence", "given"),
    [
        ("scenario is 1", {"scenario": 3}),
        ("scenario is 1", {"scenario": None}),
        ("origin_group is not specified", {"origin_group": None}),
        ("destination_group is not specified", {"destination_group": None}),
        ("destination_group is not specified", {"destination_group": ["CLERK"]}),
        ("holds more than", {"destination_group": list(range(1, 30))}),
        ("no org_id", {"destination_group": [1302]}),
        ("no org_id", {"origin_group": 151}),
        ("holds origin_group", {"destination_group": [CLERK, WORKS]}),
        ("not the agency of this api_key", {"origin_group": RESCUE}),
        ("ticket_id or client", {"ticket_id": None}),
        ("no such ticket", {"ticket_id": "2569-999997"}),
        ("no such ticket", {"ticket_id": None, "client_ticket_id": "nobody's"}),
    ],
)
def test_asking_agencies_that_cannot_be_asked_is_refused(ways: Ways, sentence: str, given: dict[str, Any]) -> None:
    """Only agencies of this city, only by the agency that has it, only where all is said; nothing changes."""
    number = ways.reported(service_code="drain")
    asked = {"ticket_id": number, "origin_group": WORKS, "destination_group": [CLERK], "scenario": 1, **given}
    answer = _call(ways, "join-forward/v1", **asked)
    assert answer["status"] == "fail", answer
    assert sentence in answer["message"]
    assert _agencies(number) == {"works": "lead"}


@pytest.mark.parametrize("scenario", [1, 2])
def test_what_is_anothers_or_has_ended_is_not_passed_round(ways: Ways, scenario: int) -> None:
    """The agency must have it; what is finished is neither shared nor handed over; a reader passes nothing on."""
    mine = {"origin_group": WORKS, "destination_group": [RESCUE], "scenario": scenario}
    waste = ways.reported(service_code="waste", description="ขยะ")
    assert "another agency" in _call(ways, "join-forward/v1", ticket_id=waste, **mine)["message"]
    drain = ways.reported(service_code="drain")
    assert _call(ways, "join-forward/v1", who="reader", ticket_id=drain, **mine)["status"] == "fail"
    walk(drain, "accepted", "in_progress", "done")
    assert _call(ways, "join-forward/v1", ticket_id=drain, **mine)["status"] == "fail"
    assert _agencies(drain) == {"works": "lead"}


def test_a_ticket_is_not_sent_on_by_a_step(ways: Ways) -> None:
    """get-status-list names the state; update-issue says that another call leads there."""
    number = ways.reported(service_code="drain")
    step = {"ticket_id": number, "note": "x", "issue_status_id": 8}
    assert "join-forward" in _call(ways, "update-issue/v1", method="PATCH", **step)["message"]
    with transaction() as session:
        assert session.scalars(sa.select(Incident.state).where(Incident.number == number)).one() == "new"
