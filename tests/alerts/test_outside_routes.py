"""Others' warnings over HTTP: signed calls, officers' entries, what is shown, the city's table, who may."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from alerts.models import Alert
from alerts.outside import declaring, wire
from alerts.outside.declaring import NewSource
from alerts.outside.models import OutsideDocument, OutsideWarningRow
from api import problems
from api.openapi import DescribedApi, operation_id
from api.routes import outside as routes
from api.routes import outside_table
from api.routes import session as session_routes
from core import clock
from core.db import transaction
from staff.models import AuditEntry
from tests.accounts import PASSWORD
from tests.alerts.outside_house import NOW

SECRET = wire.new_secret()
TABLE = "source,event,severity,where,area,share,zones,level,acts_as,note\nriver,*,Severe,name,เมือง,,all,2,proposal,\n"


@pytest.fixture
def app() -> FastAPI:
    """The routes of outside warnings, and signing in."""
    app = DescribedApi(generate_unique_id_function=operation_id)
    problems.add_problems(app)
    for router in (session_routes.router, routes.router, outside_table.router):
        app.include_router(router, prefix="/api/v1")
    return app


@pytest.fixture
def city(database: sa.Engine, frozen_clock: Callable[..., None], town_of: Any) -> None:
    """A committed town with two zones, a signing source and its table, and accounts."""
    with transaction() as session:
        town = town_of(session)
        town.zone("A")
        town.zone("B", at=0.02)
        for username, roles in (("ann", ["approver"]), ("olu", ["officer"]), ("vic", ["viewer"]), ("adm", ["admin"])):
            town.account(username, roles)
        new = NewSource(
            code="river", name_th="แม่น้ำ", name_en="River office", kind="webhook", period_s=86_400, secret=SECRET
        )
        declaring.declare(session, new, now=clock.wall_now())


@pytest.fixture
def sign_in(app: FastAPI, city: None) -> Callable[[str], TestClient]:
    """A browser of its own for each account."""

    def signed(username: str) -> TestClient:
        client = TestClient(app, raise_server_exceptions=False)
        answer = client.post("/api/v1/session", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return client

    return signed


def told(**changes: Any) -> dict[str, Any]:
    return {
        "id": "R1", "sent_at": "2026-11-21T02:50:00Z", "event": "Flood", "severity": "Severe",
        "headline": {"th": "น้ำล้นตลิ่ง", "en": "Over the bank"}, "areas": [{"name": "อำเภอเมือง"}],
        "expires_at": "2026-11-21T09:00:00Z",
    } | changes  # fmt: skip


def call(
    app: FastAPI, body: bytes | dict[str, Any], *, call_id: str = "m1", secret: str = SECRET, at: float | None = None,
    source: str = "river", **headers: str,
) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    stamp = str(int(time.time() if at is None else at))
    signed = {
        "webhook-id": call_id, "webhook-timestamp": stamp,
        "webhook-signature": f"v1a,x {wire.signature(raw, call_id=call_id, stamp=stamp, secret=secret)}",
    }  # fmt: skip
    client = TestClient(app, raise_server_exceptions=False)
    return client.post(f"/api/v1/outside/{source}", content=raw, headers=signed | headers)


def count(table: type[Any]) -> int:
    with transaction() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def proposals() -> list[Alert]:
    with transaction() as session:
        return list(session.scalars(sa.select(Alert).order_by(Alert.id)))


def test_a_signed_call_is_taken_once(app: FastAPI, sign_in: Callable[[str], TestClient]) -> None:
    """The same call again, or the same warning under another id, is no second one; it proposes at once."""
    admin = sign_in("adm")
    assert admin.put("/api/v1/outside-mapping", json={"csv": TABLE}).status_code == 200
    first = call(app, told())
    assert (first.status_code, first.json()["is_repeated"], first.json()["state"]) == (200, False, "current")
    for again in (call(app, told()), call(app, told(), call_id="m2")):
        assert (again.status_code, again.json()["is_repeated"]) == (200, True)
    assert (count(OutsideWarningRow), [one.source for one in proposals()]) == (1, ["outside"])
    other = call(app, told(event="Other"))
    assert (other.status_code, count(OutsideWarningRow)) == (409, 1)
    cancelled = told(id="R2", type="Cancel", references=["R1"], sent_at="2026-11-21T02:55:00Z")
    assert call(app, cancelled, call_id="m3").status_code == 200
    assert [one.state for one in proposals()] == ["withdrawn"]


def test_many_calls_at_once_are_one_warning(app: FastAPI, city: None) -> None:
    """A sender that repeats itself at the same moment makes one warning and one document a call."""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: call(app, told(), call_id=f"m{number % 2}"), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(not answer.json()["is_repeated"] for answer in answers) == 1
    assert (count(OutsideWarningRow), count(OutsideDocument)) == (1, 2)


def test_what_is_not_signed_is_not_kept(app: FastAPI, city: None) -> None:
    """Another secret, changed bytes, an old or future time, no headers, no such source: 401, and nothing stays."""
    body = json.dumps(told()).encode()
    stamp = str(int(time.time()))
    signature = wire.signature(body, call_id="m1", stamp=stamp, secret=SECRET)
    client = TestClient(app, raise_server_exceptions=False)
    changed = client.post(
        "/api/v1/outside/river", content=body + b" ",
        headers={"webhook-id": "m1", "webhook-timestamp": stamp, "webhook-signature": signature},
    )  # fmt: skip
    answers = [
        changed,
        call(app, body, secret=wire.new_secret()),
        call(app, body, at=time.time() - 400),
        call(app, body, at=time.time() + 400),
        call(app, body, source="nobody"),
        call(app, body, source="phone"),
        client.post("/api/v1/outside/river", content=body),
    ]
    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert (count(OutsideWarningRow), count(OutsideDocument)) == (0, 0)
    # Whether there is such a source is not told.
    assert answers[4].json()["detail"] == answers[1].json()["detail"]


BAD = {
    "no json": b"water is high",
    "deep": b"[" * 50_000,
    "twice": b'{"id": "R1", "id": "R2"}',
    "unknown field": json.dumps(told(colour="red")).encode(),
    "no zone of time": json.dumps(told(sent_at="2026-11-21T02:50:00")).encode(),
    "says nothing": json.dumps(told(headline={"th": ""})).encode(),
    "open ring": json.dumps(told(areas=[{"polygon": [[100, 8], [101, 8], [101, 9], [100, 9]]}])).encode(),
    "no place": json.dumps(told(areas=[{"polygon": [[500, 8], [101, 8], [101, 9], [500, 8]]}])).encode(),
    "infinite": json.dumps(told(areas=[{"polygon": [[float("inf"), 8]] * 4}])).encode(),
    "nul": json.dumps(told(event="a\x00b")).encode(),
    "29 February": json.dumps(told(sent_at="2563-02-29T02:50:00Z")).replace("2563-02-29", "2566-02-29").encode(),
    "year 1": json.dumps(told(sent_at="0001-01-01T00:00:00+07:00")).encode(),
    "year 9999": json.dumps(told(expires_at="9999-12-31T23:59:59-07:00")).encode(),
    "not utf-8": b"\xff\xfe{}",
    "half a character": json.dumps(told() | {"\ud800": 1}).encode(),
    "half a character twice": b'{"\\ud800": 1, "\\ud800": 2}',
    "half a character inside": json.dumps(told(event="\ud800")).encode(),
    "control characters": json.dumps(told() | {"a\x01\x00b": 1}).encode(),
}


def test_a_signed_call_that_cannot_be_read_is_kept_with_its_reason(app: FastAPI, city: None) -> None:
    """422 says what is wrong, and the officers see it; the same call again is not kept twice."""
    for name, body in BAD.items():
        for _ in range(2):
            answer = call(app, body, call_id=name)
            assert answer.status_code == 422, name
            assert len(answer.json()["detail"]) > 10, name
    with transaction() as session:
        kept = {one.call_id: (one.state, one.reason) for one in session.scalars(sa.select(OutsideDocument))}
    assert kept == dict.fromkeys(BAD, ("refused", "malformed"))
    assert count(OutsideWarningRow) == 0


def test_too_large_a_call_is_refused(app: FastAPI, city: None) -> None:
    """A body beyond a megabyte is not read to its end."""
    assert call(app, b" " * 1_100_000).status_code == 422
    assert count(OutsideDocument) == 0


def test_buddhist_years_in_a_call_are_flagged(app: FastAPI, sign_in: Callable[[str], TestClient]) -> None:
    """2569 is 2026."""
    thai = told(sent_at="2569-11-21T09:50:00+07:00", expires_at="2569-11-21T16:00:00+07:00")
    assert call(app, thai).status_code == 200
    (shown,) = sign_in("vic").get("/api/v1/outside-warnings").json()["warnings"]
    assert shown["sent_at"] == "2026-11-21T02:50:00Z"
    assert any("Buddhist" in one["en"] for one in shown["findings"])


def test_what_is_shown_and_what_runs_out(
    app: FastAPI, sign_in: Callable[[str], TestClient], frozen_clock: Callable[..., None]
) -> None:
    """Source, age, zones, findings in both languages; past its end it is shown no longer, by the clock alone."""
    sign_in("adm").put("/api/v1/outside-mapping", json={"csv": TABLE})
    call(app, told(status="Exercise"))
    viewer = sign_in("vic")
    (shown,) = viewer.get("/api/v1/outside-warnings").json()["warnings"]
    assert shown["source"]["name"] == {"th": "แม่น้ำ", "en": "River office"}
    assert (shown["acts_as"], shown["level"], shown["age_s"], shown["age"]["en"]) == ("context", 2, 600, "10 min")
    assert [zone["code"] for zone in shown["zones"]] == ["A", "B"]
    assert any("Exercise" in one["en"] for one in shown["findings"])
    assert all(one["th"] and one["en"] for one in shown["findings"])
    frozen_clock(NOW + timedelta(hours=6))
    assert viewer.get("/api/v1/outside-warnings").json()["warnings"] == []
    assert viewer.get(f"/api/v1/outside-warnings/{shown['id']}").json()["state"] == "current"


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "said_by": "เขื่อนท่าดี", "contact": "คุณสมชาย 081-000-0000", "said_at": "2026-11-21T02:55:00Z",
        "what": "จะระบายน้ำ 50 ลบ.ม./วินาที ตั้งแต่เที่ยง", "hazard": "dam_release", "zones": ["A"], "level": 2,
        "acts_as": "proposal",
    } | changes  # fmt: skip


def test_an_officer_enters_what_the_dam_told(sign_in: Callable[[str], TestClient]) -> None:
    """Who, what and when; it proposes what the officer says, as the officer's proposal; a withdrawal takes it back."""
    officer = sign_in("olu")
    made, again = (officer.post("/api/v1/outside-warnings", json=entry()) for _ in range(2))
    assert (made.status_code, again.status_code) == (201, 201)
    shown = made.json()
    assert again.json()["id"] == shown["id"], "a double click is one entry"
    assert (shown["source"]["code"], shown["sender"], shown["acts_as"], shown["hazard"]) == (
        "phone", "เขื่อนท่าดี", "proposal", "dam_release",
    )  # fmt: skip
    assert [zone["code"] for zone in shown["zones"]] == ["A"]
    (alert,) = proposals()
    assert (alert.source, alert.level, alert.hazard, alert.outside_id) == ("outside", 2, "dam_release", shown["id"])
    assert alert.proposed_by is not None
    assert "เขื่อนท่าดี" not in json.dumps(shown["facts"].get("contact", ""), ensure_ascii=False)
    assert officer.post(f"/api/v1/outside-warnings/{shown['id']}/withdraw", json={"reason": " "}).status_code == 422
    gone = officer.post(f"/api/v1/outside-warnings/{shown['id']}/withdraw", json={"reason": "แจ้งผิด"})
    assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")
    assert [one.state for one in proposals()] == ["withdrawn"]


def test_the_caller_is_sealed_and_every_look_logged(sign_in: Callable[[str], TestClient]) -> None:
    """Name and number stand nowhere in the clear; who looked is in the audit log; viewers do not look."""
    officer = sign_in("olu")
    warning_id = officer.post("/api/v1/outside-warnings", json=entry(acts_as="context", zones=[])).json()["id"]
    with transaction() as session:
        row = session.execute(sa.text("SELECT outside_warning::text FROM outside_warning")).scalar_one()
        assert "081-000-0000" not in row
    url = f"/api/v1/outside-warnings/{warning_id}/contact"
    assert sign_in("vic").get(url).status_code == 403
    assert officer.get(url).json() == {"contact": "คุณสมชาย 081-000-0000"}
    with transaction() as session:
        actions = session.scalars(sa.select(AuditEntry.action).where(AuditEntry.action.like("outside.%"))).all()
    assert list(actions) == ["outside.entered", "outside.contact_read"]


FAULTY = {
    "there is no zone": {"zones": ["Z"]},
    "names its zones": {"zones": []},
    "a level": {"level": 0},
    "nobody is alerted": {"hazard": "low_water"},
    "still to come": {"said_at": "2026-11-21T05:00:00Z"},
    "the year 9999": {"said_at": "9999-12-31T23:59:59-07:00"},
    "has passed": {"expires_at": "2026-11-21T02:00:00Z"},
}


def test_a_faulty_entry_says_what_is_wrong(sign_in: Callable[[str], TestClient]) -> None:
    """Nothing of it stays."""
    officer = sign_in("olu")
    for why, changes in FAULTY.items():
        answer = officer.post("/api/v1/outside-warnings", json=entry(**changes))
        assert answer.status_code == 422
        assert why in answer.json()["detail"].lower()
    assert (count(OutsideWarningRow), proposals()) == (0, [])


def test_the_table_is_the_admins(sign_in: Callable[[str], TestClient]) -> None:
    """Versions are kept; a fault names row and column and changes nothing; officers read it."""
    admin, officer = sign_in("adm"), sign_in("olu")
    assert officer.put("/api/v1/outside-mapping", json={"csv": TABLE}).status_code == 403
    assert admin.put("/api/v1/outside-mapping", json={"csv": TABLE, "note": "first"}).json()["version"] == 1
    assert admin.put("/api/v1/outside-mapping", json={"csv": TABLE}).json()["version"] == 1
    fault = admin.put("/api/v1/outside-mapping", json={"csv": TABLE.replace(",all,", ",Z,")})
    assert fault.status_code == 422
    assert "Row 2, 'zones'" in fault.json()["detail"]
    assert admin.put("/api/v1/outside-mapping", json={"csv": TABLE.replace(",2,", ",3,")}).json()["version"] == 2
    seen = officer.get("/api/v1/outside-mapping").json()
    assert [(one["version"], one["note"]) for one in seen["versions"]] == [(2, ""), (1, "first")]
    assert "เมือง,0,all,3,proposal" in seen["csv"]


def test_sources_say_how_they_do(app: FastAPI, sign_in: Callable[[str], TestClient]) -> None:
    """Each in words of both languages; what could not be read is listed, and its bytes are a download."""
    viewer = sign_in("vic")
    seen = {one["code"]: one for one in viewer.get("/api/v1/outside-sources").json()["sources"]}
    assert {code: one["condition"] for code, one in seen.items()} == {"phone": "waiting", "river": "waiting"}
    call(app, b"no json")
    after = viewer.get("/api/v1/outside-sources").json()
    (river,) = [one for one in after["sources"] if one["code"] == "river"]
    assert (river["condition"], river["trouble"]) == ("working", "malformed")
    assert river["line"]["th"]
    assert "Answered" in river["line"]["en"]
    (refused,) = after["refused"]
    assert refused["source"] == "river"
    url = f"/api/v1/outside-documents/{refused['id']}"
    assert viewer.get(url).status_code == 403
    got = sign_in("olu").get(url)
    assert (got.content, got.headers["content-type"]) == (b"no json", "application/octet-stream")
    assert "attachment" in got.headers["content-disposition"]
    assert sign_in("olu").post("/api/v1/outside-sources/river/poll").status_code == 422


def test_nobody_unsigned_sees_anything(app: FastAPI, city: None) -> None:
    """All but the signed calls need a sign-in."""
    client = TestClient(app, raise_server_exceptions=False)
    for path in ("outside-warnings", "outside-warnings/1", "outside-sources", "outside-mapping", "outside-documents/1"):
        assert client.get(f"/api/v1/{path}").status_code == 401


def test_the_call_is_described(app: FastAPI) -> None:
    """The description holds the schema of a call whole, with its headers."""
    operation = app.openapi()["paths"]["/api/v1/outside/{source}"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert {"id", "sent_at", "event", "headline"} <= set(schema["required"])
    assert "$ref" not in json.dumps(schema)
    assert {one["name"] for one in operation["parameters"]} >= {"webhook-id", "webhook-signature", "source"}
