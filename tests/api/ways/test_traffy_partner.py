"""To and fro with Traffy, which is played by a simulated account with its traps switched on: nothing loops."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from core.db import transaction
from core.errors import SetupError
from core.events import EventRecord
from incidents.events import IncidentChanged
from incidents.exchange import keys, tasks, traffy, traffy_actions, traffy_client
from incidents.exchange.errors import NoSuchRequestError, TraffyAwayError, TraffyQuotaError, TraffyRefusedError
from incidents.exchange.traffy_client import TraffyClient
from incidents.exchange.traffy_server import stable_number
from tests.api.ways.conftest import NOW, walk

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways


@dataclass
class SimulatedTraffy:
    """Answers as the documentation of the exchange says: HTTP 200 always, tokens that expire, a quota, odd types."""

    issues: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    credit: int | None = None
    tokens: int = 0
    is_expired: bool = False
    is_down: bool = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The answer to one call."""
        if self.is_down:
            return httpx.Response(502, text="<html>bad gateway</html>")
        path = request.url.path.removeprefix("/exchange-api/")
        body = json.loads(request.content) if request.content else dict(request.url.params)
        if path == "get-auth/v1":
            return self._sign_in(body)
        if self.is_expired or request.headers.get("authorization") != f"Bearer token-{self.tokens}":
            return self._fail("This token has expired | Token นี้หมดอายุแล้ว")
        if self.credit == 0:
            return self._fail("Running out of API usage quota | โควต้าหมด")
        self.calls.append((request.method, path, body))
        if path == "get-issues/v2":
            return self._success(self.issues, exec_time="14.128s")
        if path == "new-issue/v1":
            ticket_id = f"2026-{uuid.uuid4().hex[:6].upper()}"
            return self._success({"ticket_id": ticket_id, "password": "tracking-word"}, exec_time=0.2)
        if path == "update-issue/v1" and request.method == "PATCH":
            return self._success({}, exec_time=0.1)
        return self._fail("Invalid input JSON format")

    def _sign_in(self, body: dict[str, Any]) -> httpx.Response:
        if body != {"user": "city", "pass": "secret word"}:
            return self._fail("Invalid user or pass")
        self.tokens += 1
        self.is_expired = False
        results = {"token": f"token-{self.tokens}", "expire_timestamp": "2026-11-22 10:00:00"}
        return self._success(results, exec_time="1s")

    def _success(self, results: Any, *, exec_time: Any) -> httpx.Response:
        return httpx.Response(
            200, json={"status": "success", "exec_time": exec_time, "credit_balance": self.credit, "results": results}
        )

    def _fail(self, message: str) -> httpx.Response:
        return httpx.Response(
            200, json={"status": "fail", "message": message, "credit_balance": self.credit, "results": []}
        )

    def told(self) -> list[dict[str, Any]]:
        """Every step that was told to it."""
        return [body for method, path, body in self.calls if path == "update-issue/v1"]


@pytest.fixture
def fondue() -> SimulatedTraffy:
    """Traffy, simulated."""
    return SimulatedTraffy()


@pytest.fixture
def client(fondue: SimulatedTraffy) -> TraffyClient:
    """The city's account there."""
    return TraffyClient(
        "http://127.0.0.1:9/exchange-api", "city", SecretStr("secret word"), transport=httpx.MockTransport(fondue)
    )


def _ticket(ways: Ways, ticket_id: str, **changes: Any) -> dict[str, Any]:
    spot = ways.spot()
    return {
        "timestamp": "2026-11-21 09:30:00.000000", "ticket_id": ticket_id, "description": "ไฟทางดับ โทร 0812345678",
        "type_id": 12, "type": "แสงสว่าง", "photo": ["https://bucket.example/1.jpeg"], "latitude": float(spot["lat"]),
        "longitude": float(spot["long"]), "address": "ถนนราชดำเนิน", "orgs": [{"org_id": 151, "org": "เทศบาล"}],
        **changes,
    }


def _hook(ways: Ways, body: Any, *, method: str = "POST", key: str = "hook") -> httpx.Response:
    return ways.client.request(method, f"/traffy/hook/{ways.keys.get(key, key)}", json=body)


def _incident(ticket_id: str) -> tuple[int, str, str]:
    with transaction() as session:
        row = session.execute(
            sa.text("SELECT i.id, i.number, i.state FROM foreign_id f JOIN incident i ON i.id = f.incident_id "
                    "WHERE f.system = 'traffy' AND f.foreign_id = :t"), {"t": ticket_id},
        ).one()
    return row.id, row.number, row.state


def _last_change(incident_id: int) -> int:
    with transaction() as session:
        asked = "SELECT max(id) FROM incident_change WHERE incident_id = :id"
        return int(session.execute(sa.text(asked), {"id": incident_id}).scalar_one())


def _count(table: str) -> int:
    with transaction() as session:
        return int(session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - ours.


def test_a_ticket_becomes_a_report_once(ways: Ways) -> None:
    """Sent again, out of order or with other words it changes nothing; its kind is ours."""
    assert _hook(ways, _ticket(ways, "T-1")).json()["results"] == {"is_new": True}
    reports = _count("report")
    for again in (_ticket(ways, "T-1"), _ticket(ways, "T-1", description="อื่น")):
        assert _hook(ways, again).json()["results"] == {"is_new": False}
    assert _count("report") == reports
    _, number, _ = _incident("T-1")
    shown = ways.shown(number)
    assert (shown["service_code"], shown["description"]) == ("street_light", "ไฟทางดับ โทร …")


def test_a_forged_call_finds_nothing(ways: Ways) -> None:
    """Without the secret in the address, or with a key for something else, there is nothing to be seen or changed."""
    reports = _count("report")
    for key in ("wrong", "fms", "partner"):
        assert _hook(ways, _ticket(ways, "T-2"), key=key).status_code == 404
    assert _count("report") == reports


def test_broken_calls_change_nothing(ways: Ways) -> None:
    """No object, no ticket, no place, a place elsewhere."""
    reports = _count("report")
    assert _hook(ways, []).status_code == 400
    assert _hook(ways, {"description": "x"}).status_code == 400
    assert _hook(ways, _ticket(ways, "T-3", latitude=None)).json()["status"] == "warning"
    assert _hook(ways, _ticket(ways, "T-3", latitude=13.75, longitude=100.5)).json()["status"] == "warning"
    assert _hook(ways, {"ticket_id": "T-3", "status": "เสร็จสิ้น"}, method="PATCH").status_code == 400
    assert _count("report") == reports


def test_states_follow_in_the_order_of_their_time(ways: Ways) -> None:
    """A step that comes late, twice, or for an unknown ticket changes nothing; an organisation's own state neither."""
    _hook(ways, _ticket(ways, "T-4"))

    def step(status: str, at: str, ticket_id: str = "T-4") -> bool:
        body = {"timestamp": f"2026-11-21 {at}", "ticket_id": ticket_id, "status": status, "note": "ทำแล้ว"}
        return bool(_hook(ways, body, method="PATCH").json()["results"]["is_new"])

    assert step("เสร็จสิ้น", "11:00:00.000000")
    assert _incident("T-4")[2] == "done"
    assert not step("กำลังดำเนินการ", "10:00:00.000000")
    assert not step("เสร็จสิ้น", "11:00:00.000000")
    assert not step("จัดทำนโยบาย", "12:00:00.000000")
    assert not step("ไม่เกี่ยวข้อง", "12:30:00.000000")
    assert not step("เสร็จสิ้น", "13:00:00.000000", ticket_id="T-unknown")
    assert _incident("T-4")[2] == "done"


def test_what_is_said_there_stands_with_the_report_once(ways: Ways) -> None:
    """Also from those whom only staff may read; a second call with the same number adds nothing."""
    _hook(ways, _ticket(ways, "T-5"))
    chat = {"event": "chat", "message_comment_id": 9, "message_id": 1, "ticket_id": "T-5", "comment": "ยังมืดอยู่",
            "timestamp": "2026-11-21 10:00:00.0", "sender_org_id": None}
    assert [_hook(ways, chat).json()["results"]["is_new"] for _ in range(2)] == [True, False]
    with transaction() as session:
        text = session.execute(sa.text("SELECT r.text FROM report r JOIN foreign_id f ON f.report_id = r.id "
                                       "WHERE f.foreign_id = 'T-5'")).scalar_one()
    assert text.count("ยังมืดอยู่") == 1


def test_what_came_from_there_does_not_go_back(ways: Ways, client: TraffyClient, fondue: SimulatedTraffy) -> None:
    """Webhook, store, and no call: not to new-issue, not to update-issue, however often it is tried."""
    _hook(ways, _ticket(ways, "T-6"))
    body = {"timestamp": "2026-11-21 11:00:00.0", "ticket_id": "T-6", "status": "กำลังดำเนินการ", "note": ""}
    _hook(ways, body, method="PATCH")
    incident_id, _, state = _incident("T-6")
    assert state == "in_progress"
    with transaction() as session:
        assert traffy_actions.send_out(session, client, incident_id) == "T-6"
        change_id = _last_change(incident_id)
        assert traffy_actions.tell_step(session, client, change_id=change_id, tells_reporters=True) == 0
        traffy_actions.catch_up(session, client)
    assert all(told["ticket_id"] != "T-6" for told in fondue.told())
    assert not [path for _, path, _ in fondue.calls if path == "new-issue/v1"]


def test_what_traffys_own_key_does_by_the_exchange_is_not_told_to_traffy(
    ways: Ways, client: TraffyClient, fondue: SimulatedTraffy
) -> None:
    """Where Traffy calls our exchange, its steps, words and sendings are its own as by webhooks: none goes back."""
    _hook(ways, _ticket(ways, "T-OWN", type="ท่อระบายน้ำ"))
    incident_id, number, _ = _incident("T-OWN")
    with transaction() as session:
        key = keys.make_key(session, name="traffys", scopes=["traffy-hook", "traffy-read", "traffy-update"])
    works, clerk = stable_number("works"), stable_number("clerk")
    for method, path, given in (
        ("PATCH", "update-issue/v1", {"state_name": "รับเรื่อง", "note": "รับ"}),
        ("POST", "comment/v1", {"comment": "กำลังไป"}),
        ("POST", "join-forward/v1", {"origin_group": works, "destination_group": [clerk], "scenario": 2}),
        ("PATCH", "update-issue/v1", {"state_name": "เสร็จสิ้น", "note": "ทำแล้ว"}),
    ):
        body = {"token_secret_key": key, "ticket_id": number, **given}
        answer = ways.client.request(method, f"/exchange-api/{path}", json=body).json()
        assert answer["status"] == "success", answer
    with transaction() as session:
        asked = sa.text("SELECT id FROM incident_change WHERE incident_id = :id AND changed_by <> '' ORDER BY id")
        lines = session.scalars(asked, {"id": incident_id}).all()
        assert len(lines) == 6  # Accepted, said, sent on, and forward to the end.
        for change_id in lines:
            assert traffy_actions.tell_step(session, client, change_id=change_id, tells_reporters=True) == 0
        traffy_actions.catch_up(session, client)
    assert "T-OWN" not in [told["ticket_id"] for told in fondue.told()]
    assert not [path for _, path, _ in fondue.calls if path == "new-issue/v1"]


def test_our_steps_are_told_once_and_each_reporter_hears_from_one_side(
    ways: Ways, client: TraffyClient, fondue: SimulatedTraffy
) -> None:
    """Traffy tells the reporters of its tickets; those of ours it must not: noti_reporter is false."""
    _hook(ways, _ticket(ways, "T-7"))
    theirs, number, _ = _incident("T-7")
    walk(number, "accepted", reason="รับแล้ว")
    own_number = ways.reported(description="ป้ายล้ม", service_code="traffic")
    with transaction() as session:
        ours = session.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": own_number}).scalar_one()
        ticket_id = traffy_actions.send_out(session, client, ours)
    with transaction() as session:
        assert traffy_actions.send_out(session, client, ours) == ticket_id
    walk(own_number, "accepted")
    for incident_id in (theirs, ours, theirs, ours):
        with transaction() as session:
            traffy_actions.tell_step(session, client, change_id=_last_change(incident_id), tells_reporters=True)
    told = {body["ticket_id"]: body for body in fondue.told()}
    assert len(fondue.told()) == 2
    assert (told["T-7"]["noti_reporter"], told[ticket_id]["noti_reporter"]) == (True, False)
    assert told["T-7"]["note"] == "รับแล้ว"
    (sent,) = [body for _, path, body in fondue.calls if path == "new-issue/v1"]
    assert sent["client_ticket_id"] == own_number


def test_the_webhook_of_our_own_ticket_makes_no_second_report(ways: Ways, client: TraffyClient) -> None:
    """Traffy tells every organisation of a new ticket, us too: its number is known as one of ours."""
    number = ways.reported(description="เสาเอียง", service_code="power_line")
    with transaction() as session:
        incident_id = session.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one()
        ticket_id = traffy_actions.send_out(session, client, incident_id)
    reports = _count("report")
    assert _hook(ways, _ticket(ways, ticket_id)).json()["results"] == {"is_new": False}
    assert _count("report") == reports


def test_hidden_matters_are_not_sent_out(ways: Ways, client: TraffyClient, fondue: SimulatedTraffy) -> None:
    """What the public may not see, another system does not get either."""
    ways.post(service_code="safety", description="เรื่องลับ")
    with transaction() as session:
        asked = "SELECT max(id) FROM incident WHERE category_code = 'safety'"
        incident_id = session.execute(sa.text(asked)).scalar_one()
        with pytest.raises(NoSuchRequestError):
            traffy_actions.send_out(session, client, incident_id)
    assert fondue.calls == []


def test_what_webhooks_missed_is_pulled_and_nobody_is_told_twice(
    ways: Ways, client: TraffyClient, fondue: SimulatedTraffy
) -> None:
    """New tickets with the state they are in; again pulled nothing is new; the bulk of our steps tells no reporter."""
    fondue.issues = [
        _ticket(ways, "T-8", status="กำลังดำเนินการ", last_activity="2026-11-21 09:45:00.0", photo="", star=0),
        _ticket(ways, "T-9", status="รอรับเรื่อง", last_activity="2026-11-21 09:30:00.0"),
        {"ticket_id": "T-10", "latitude": "x"}, "nonsense",
    ]
    with transaction() as session:
        pulled = traffy_actions.pull(session, client)
    assert (pulled.taken, pulled.moved, pulled.was_cut) == (2, 1, False)
    assert pulled.findings
    with transaction() as session:
        again = traffy_actions.pull(session, client)
    assert (again.taken, again.moved) == (0, 0)
    walk(_incident("T-9")[1], "accepted")
    with transaction() as session:
        assert traffy_actions.catch_up(session, client) >= 1
    with transaction() as session:
        assert traffy_actions.catch_up(session, client) == 0
    assert all(body["noti_reporter"] is False for body in fondue.told())
    assert "T-9" in {body["ticket_id"] for body in fondue.told()}
    assert "T-8" not in {body["ticket_id"] for body in fondue.told()}


def test_an_expired_token_is_renewed_once(client: TraffyClient, fondue: SimulatedTraffy) -> None:
    """One more sign-in, then the call again; a word that is refused is not tried for ever."""
    client.issues("today")
    fondue.is_expired = True
    client.issues("today")
    assert (fondue.tokens, len(fondue.calls)) == (2, 2)
    client.password = SecretStr("wrong")
    fondue.is_expired = True
    with pytest.raises(TraffyRefusedError, match="Invalid user"):
        client.issues("today")


def test_a_used_up_quota_and_a_dead_server_are_told_apart(client: TraffyClient, fondue: SimulatedTraffy) -> None:
    """The one waits for the first of the month, the other for the next try."""
    fondue.credit = 0
    with pytest.raises(TraffyQuotaError):
        client.issues("today")
    fondue.credit, fondue.is_down = None, True
    with pytest.raises(TraffyAwayError):
        client.issues("today")


def test_the_reporters_word_and_our_password_are_in_no_log(
    ways: Ways, client: TraffyClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not in what is printed, not in how the client is shown, not in the database."""
    number = ways.reported(description="ท่อแตก", service_code="water_supply")
    with transaction() as session:
        incident_id = session.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one()
        traffy_actions.send_out(session, client, incident_id)
        stored = str(session.execute(sa.text("SELECT * FROM foreign_id")).all())
    printed = capsys.readouterr()
    for secret in ("tracking-word", "secret word"):
        assert secret not in printed.out + printed.err + repr(client) + stored


def test_no_other_host_is_asked_unless_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an address nothing is exchanged; another machine needs TRAFFY_LIVE=1."""
    assert traffy_client.configured() is None
    monkeypatch.setenv("TRAFFY_URL", "https://traffy.example/exchange-api")
    with pytest.raises(SetupError, match="TRAFFY_LIVE"):
        traffy_client.configured()
    monkeypatch.setenv("TRAFFY_LIVE", "1")
    assert traffy_client.configured() is not None


def test_a_step_waits_as_a_job_only_where_traffy_has_the_ticket(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, later: Callable[..., None]
) -> None:
    """No account, no job; no ticket there, no job."""
    monkeypatch.setenv("TRAFFY_URL", "http://127.0.0.1:9")
    _hook(ways, _ticket(ways, "T-20"))
    later(minutes=5)
    for number, jobs in ((_incident("T-20")[1], 1), (ways.reported(description="ทรายหก"), 0)):
        walk(number, "accepted")
        with transaction() as session:
            record = session.scalars(
                sa.select(EventRecord).where(EventRecord.name == IncidentChanged.name).order_by(EventRecord.id.desc())
            ).first()
            assert record is not None
            payload = {**record.payload, "at": NOW + timedelta(minutes=5)}
            before = _jobs(session)
            tasks.tell_traffy_of_change(session, IncidentChanged(**payload))
            assert _jobs(session) - before == jobs


def _jobs(session: Any) -> int:
    asked = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'incidents.tell_traffy_step'"
    return int(session.execute(sa.text(asked)).scalar_one())


def test_a_row_that_cannot_be_read_is_none(client: TraffyClient, fondue: SimulatedTraffy) -> None:
    """A list that is none and an answer that is no JSON are findings and errors, no faults of ours."""
    fondue.issues = [{"ticket_id": ""}]
    assert client.issues("today") == ([], ["?: a row without ticket_id"], False)
    assert traffy.read_issue(None)[0] is None
