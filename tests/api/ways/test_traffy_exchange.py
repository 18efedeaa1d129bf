"""The exchange API that this city speaks: wrappers, HTTP 200 with fail, Thai times, and nothing that must not leave."""

from __future__ import annotations

import base64
import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core import clock
from core.db import transaction
from core.settings import secret
from incidents.exchange import traffy, traffy_server
from tests.api.ways.conftest import NOW, PNG

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways


def _call(ways: Ways, method: str, path: str, *, who: str | None = "partner", **given: Any) -> dict[str, Any]:
    """The answer's wrapper, which is always HTTP 200."""
    headers = {"Authorization": f"Bearer {_token(ways, who)}"} if who else {}
    url = f"/exchange-api/{path}"
    if method == "GET":
        answer = ways.client.get(url, params=given, headers=headers)
    else:
        answer = ways.client.request(method, url, json=given, headers=headers)
    assert answer.status_code == 200
    body = answer.json()
    assert {"status", "message", "exec_time", "source", "credit_balance", "api_log_session_id"} <= set(body)
    return dict(body)


def _token(ways: Ways, who: str) -> str:
    answer = ways.client.post("/exchange-api/get-auth/v1", json={"user": who, "pass": ways.keys[who]}).json()
    return str(answer["results"]["token"])


def _new(ways: Ways, **changes: Any) -> dict[str, Any]:
    spot = ways.spot()
    given = {"latitude": float(spot["lat"]), "longitude": float(spot["long"]), "description": "ฝาท่อชำรุด", **changes}
    return _call(ways, "POST", "new-issue/v1", **given)


def test_a_partner_signs_in_for_a_day(ways: Ways) -> None:
    """The token's end is told in Thai time without a zone; a wrong word is a failure with HTTP 200."""
    answer = ways.client.post("/exchange-api/get-auth/v1", json={"user": "reader", "pass": ways.keys["reader"]}).json()
    assert (answer["status"], answer["permissions"], answer["credit_balance"]) == ("success", ["read"], None)
    ends_at = traffy.read_time(answer["results"]["expire_timestamp"])
    assert ends_at is not None
    assert timedelta(hours=23) < ends_at - clock.wall_now() <= timedelta(hours=24)
    for wrong in ({"user": "reader", "pass": "x"}, {"user": "other", "pass": ways.keys["reader"]}, {}, {"user": 1}):
        answer = ways.client.post("/exchange-api/get-auth/v1", json=wrong).json()
        assert (answer["status"], answer["results"]) == ("fail", [])
        assert ways.keys["reader"] not in str(answer)


def test_a_token_that_is_old_forged_or_missing_opens_nothing(ways: Ways) -> None:
    """The sentences are Traffy's own, since its clients look for them."""
    old = traffy_server.token(
        key_id=1, expires_at=clock.wall_now() - timedelta(seconds=1), secret=secret("exchange-token-key")
    )
    forged = traffy_server.token(key_id=1, expires_at=clock.wall_now() + timedelta(days=1), secret="00" * 32)
    for given, sentence in (
        (old, "This token has expired"), (forged, "Invalid token"), ("", "Invalid token"), ("a.b.c", "Invalid token"),
        ("ก.ข.ค".encode().decode("latin-1"), "Invalid token"),
    ):
        headers = {"Authorization": f"Bearer {given}".encode("latin-1")} if given else {}
        answer = ways.client.get("/exchange-api/get-issues/v2", headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (200, "fail")
        assert sentence in answer.json()["message"]


def test_a_new_issue_is_a_report_once_by_the_partners_own_number(ways: Ways) -> None:
    """ticket_id is our number; the reporter's word opens the page to follow it, and is no public number."""
    spot = ways.spot()
    body = {
        "latitude": float(spot["lat"]), "longitude": float(spot["long"]), "description": "ฝาท่อแตก",
        "type_name": "ท่อระบายน้ำ", "client_ticket_id": "EXT-1", "reporter_name": "สมชาย", "reporter_phone": "0812345678",
        "line_user_id": "U" + "a" * 32,
        "photo_base64": base64.b64encode(PNG).decode(),
    }
    first = _call(ways, "POST", "new-issue/v1", **body)
    assert first["status"] == "success", first
    assert first["api_log_session"]
    again = _call(ways, "POST", "new-issue/v1", **{**body, "description": "ฝาท่อแตก (แก้คำ)"})
    assert again["results"]["ticket_id"] == first["results"]["ticket_id"]
    assert first["results"]["client_ticket_id"] == "EXT-1"
    assert ways.client.get(f"/report/follow/{first['results']['password']}").status_code == 200
    with transaction() as session:
        row = session.execute(
            sa.text("SELECT r.category_code, r.source, s.contact_sealed FROM service_request s "
                    "JOIN report r ON r.id = s.report_id WHERE s.request_id = :n"),
            {"n": first["results"]["ticket_id"]},
        ).one()
        dumped = str(session.execute(sa.text("SELECT * FROM report")).all())
    assert (row.category_code, row.source) == ("drain", "traffy")
    assert b"0812345678" not in row.contact_sealed
    assert "U" + "a" * 32 not in dumped


@pytest.mark.parametrize(
    ("sentence", "changes"),
    [
        ("latitude is not specified", {"latitude": None}),
        ("no place", {"latitude": "north"}),
        ("outside this city", {"latitude": 7.0}),
        ("no such type", {"issue_category_id": 4}),
        ("no base64", {"photo_base64": "***"}),
    ],
)
def test_what_cannot_be_taken_is_fail_with_a_sentence(ways: Ways, sentence: str, changes: dict[str, Any]) -> None:
    """HTTP 200 all the same."""
    answer = _new(ways, **changes)
    assert answer["status"] == "fail"
    assert sentence in answer["message"]


def test_issues_are_read_as_rows_details_and_csv_and_agree(ways: Ways) -> None:
    """21 columns, latitude and longitude as numbers, Thai times without a zone, one row for one incident."""
    kinds = {one["type_en"]: one for one in _call(ways, "GET", "get-type-list/v2")["results"]}
    number = _new(ways, issue_category_id=kinds["Bridge"]["issue_category_id"])["results"]["ticket_id"]
    listed = _call(ways, "GET", "get-issues/v2", type_name_th=kinds["Bridge"]["type"])
    assert (listed["count"], [row["ticket_id"] for row in listed["results"]]) == (1, [number])
    (row,) = listed["results"]
    assert tuple(row) == traffy_server.COLUMNS
    assert row["timestamp"] == traffy.said_time(NOW)
    read, findings = traffy.read_issue(row)
    assert (findings, read is not None and read.state) == ((), "new")
    by_number = {"duration": "3days", "issue_category_id": traffy_server.stable_number("bridge")}
    assert _call(ways, "GET", "get-issues/v2", **by_number)["count"] == 1
    detail = _call(ways, "GET", "get-issue/v1", ticket_id=number)["results"]
    assert (detail["status_type"], detail["timeline"][0]["status"]) == ("waiting", "รอรับเรื่อง")
    headers = {"Authorization": f"Bearer {_token(ways, 'partner')}"}
    answer = ways.client.get("/exchange-api/download-issues/v2?type_name=Bridge", headers=headers)
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (line,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (line["ticket_id"], line["latitude"]) == (number, str(row["latitude"]))
    failed = ways.client.get("/exchange-api/download-issues/v2?duration=week", headers=headers)
    assert failed.json()["status"] == "fail"


def test_formulas_do_not_run_in_a_spreadsheet(ways: Ways) -> None:
    """A cell that begins like a formula is led by an apostrophe; numbers stay numbers."""
    row = {**dict.fromkeys(traffy_server.COLUMNS, ""), "description": "=HYPERLINK(1)", "longitude": -1.5}
    (line,) = csv.DictReader(io.StringIO(traffy_server.issues_csv([row]).decode("utf-8-sig")))
    assert (line["description"], line["longitude"]) == ("'=HYPERLINK(1)", "-1.5")


def test_organisations_kinds_and_states_are_listed_with_stable_numbers(ways: Ways) -> None:
    """Numbers come from codes, so that they stay when the city reorders its lists; one Thai letter is text enough."""
    orgs = _call(ways, "GET", "get-org-list/v1")["results"]
    assert {one["name_en"] for one in orgs} == {"rescue", "works", "clerk"}
    assert _call(ways, "GET", "get-org-list/v1", org_id=orgs[0]["org_id"])["count"] == 1
    assert _call(ways, "GET", "search-org/v1", text="ง")["count"] == 3
    assert _call(ways, "GET", "search-org/v1", text="ab")["status"] == "fail"
    assert len(_call(ways, "GET", "get-status-list/v2")["results"]) == 8
    assert len({one["issue_category_id"] for one in _call(ways, "GET", "get-type-list/v2")["results"]}) == 24
    assert _call(ways, "GET", "get-issues/v2", org_id="1")["status"] == "fail"


def test_hidden_matters_and_people_are_in_no_answer(ways: Ways) -> None:
    """What Open311 does not show, the exchange does not either."""
    number = _new(ways, category_name_th="ความปลอดภัย", description="เห็นขโมย")["results"]["ticket_id"]
    assert number not in str(_call(ways, "GET", "get-issues/v2", duration="all"))
    assert _call(ways, "GET", "get-issue/v1", ticket_id=number)["status"] == "fail"


def test_a_step_moves_the_incident_and_told_again_changes_nothing(ways: Ways) -> None:
    """By name or number of the state, by our number or the partner's; the reason is the note."""
    number = _new(ways, client_ticket_id="EXT-9")["results"]["ticket_id"]
    begun = {"ticket_id": number, "state_name": "กำลังดำเนินการ"}
    for given in (begun, {"client_ticket_id": "EXT-9", "issue_status_id": 4}) * 2:
        answer = _call(ways, "PATCH", "update-issue/v1", note="ซ่อมแล้ว", **given)
        if answer["status"] == "fail":
            assert "cannot become" in answer["message"]  # Finished once, it does not go back to being worked on.
    assert ways.shown(number)["status"] == "closed"
    with transaction() as session:
        states = session.execute(
            sa.text("SELECT h.to_state, h.changed_by FROM incident_change h JOIN incident i ON i.id = h.incident_id "
                    "WHERE i.number = :n ORDER BY h.id"), {"n": number},
        ).all()
    assert [state for state, _ in states] == ["new", "accepted", "in_progress", "done"]
    assert {by for _, by in states[1:]} == {"exchange:partner"}


@pytest.mark.parametrize(
    ("sentence", "given"),
    [
        ("note is not specified", {"state_name": "เสร็จสิ้น", "note": ""}),
        ("issue_status_id or state_name", {"state_name": "จัดทำนโยบาย"}),
        ("issue_status_id or state_name", {"org_status_id": 5}),
        ("ticket_id or client_ticket_id", {"ticket_id": "", "state_name": "เสร็จสิ้น"}),
        ("no such ticket", {"ticket_id": "2569-999999", "state_name": "เสร็จสิ้น"}),
        ("back to waiting", {"state_name": "รอรับเรื่อง"}),
    ],
)
def test_a_step_that_is_none_is_refused(ways: Ways, sentence: str, given: dict[str, Any]) -> None:
    """Nothing changes, and the sentence says what is missing."""
    number = ways.reported()
    answer = _call(ways, "PATCH", "update-issue/v1", **{"ticket_id": number, "note": "x", **given})
    assert answer["status"] == "fail"
    assert sentence in answer["message"]


def test_a_partner_does_only_what_its_key_is_for(ways: Ways) -> None:
    """A reader does not write; an agency's key moves that agency's incidents only."""
    drain, waste = ways.reported(service_code="drain"), ways.reported(service_code="waste", description="ขยะ")
    step = {"note": "รับ", "state_name": "รับเรื่อง"}
    assert _call(ways, "PATCH", "update-issue/v1", who="reader", ticket_id=drain, **step)["status"] == "fail"
    assert _call(ways, "POST", "new-issue/v1", who="works", latitude=8.43, longitude=99.96)["status"] == "fail"
    assert _call(ways, "PATCH", "update-issue/v1", who="works", ticket_id=drain, **step)["status"] == "success"
    refused = _call(ways, "PATCH", "update-issue/v1", who="works", ticket_id=waste, **step)
    assert "another agency" in refused["message"]


def test_calls_that_do_not_exist_and_bodies_that_are_none_say_so(ways: Ways) -> None:
    """What is no call, no JSON object, or a call by another method is answered as a failure, not with silence."""
    assert "no such call" in _call(ways, "POST", "star/v2", ticket_id="1")["message"]
    assert _call(ways, "POST", "update-issue/v1", ticket_id="1")["status"] == "fail"  # PATCH only.
    answer = ways.client.post("/exchange-api/new-issue/v1", content=b"[")
    assert (answer.status_code, answer.json()["message"].split(" |")[0]) == (200, "Invalid input JSON format")
