"""The quarantine at its other doors: HTTP for officers and admins, and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.queries import vitals
from cli import main as commands
from cli import readings as command_line
from core import db
from core.errors import InvalidInputError
from gis.points import LonLat
from sensors import quarantine
from sensors.actions import NewStation, register_station
from sensors.gateway import store_batch
from sensors.inbox import Kept, Message
from sensors.models import Reading, ReadingRefused
from staff.models import AuditEntry
from tests.accounts import PASSWORD, add_account

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
KEY = "key-of-G1-long-and-random"


def store(messages: list[Message]) -> None:
    """The gateway has stored the messages of its inbox."""
    store_batch([Kept(number, message) for number, message in enumerate(messages, 1)], "an inbox")


def _register(code: str) -> None:
    new = NewStation(
        code=code, name_th="คลอง", name_en="Canal", kind="gauge", place=LonLat(lon=100.0, lat=8.0), bank_m_msl=2.5,
        bed_m_msl=-1.5, watch_m_msl=1.0, warning_m_msl=1.5, danger_m_msl=2.0, interval_s=300, device_key=KEY,
        trust="simulated", layer="gauge",
    )
    with db.transaction() as session:
        register_station(session, new)


def _publish(code: str, *bodies: dict[str, Any]) -> None:
    contents = [{"observed_at": (NOW - timedelta(minutes=5)).isoformat(), "value": 1.2, "unit": "m", "key": KEY} | body
                for body in bodies]
    store([Message(f"faonam/v1/{code}/readings", json.dumps(one).encode(), NOW) for one in contents])


@pytest.fixture
def city(database: sa.Engine, frozen_clock: Callable[..., None]) -> Iterator[TestClient]:
    """Accounts of three roles; by MQTT came one row of a gauge that nobody knows, one in centimetres, one stolen."""
    with db.transaction() as session:
        for role in ("viewer", "officer", "admin"):
            add_account(session, role, roles=[role])
        session.execute(sa.text(
            "INSERT INTO city (id, slug, name_th, name_en, boundary, extent, centre, metric_srid, datum, imported_at, "
            "is_simulated) VALUES (1, 'tiny', 'เล็ก', 'Tiny', ST_Multi(ST_MakeEnvelope(100, 8, 101, 9, 4326)), "
            "ST_MakeEnvelope(100, 8, 101, 9, 4326), ST_Point(100.5, 8.5, 4326), 32647, 'msl', now(), true)"
        ))
    _register("G1")
    _publish("NEW", {})
    _publish("G1", {"unit": "cm"}, {"key": "stolen"})
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


def _sign_in(client: TestClient, role: str) -> dict[str, str]:
    answer = client.post("/api/v1/session", json={"username": role, "password": PASSWORD})
    return {"X-CSRF-Token": answer.json()["csrf_token"]}


def _replay(client: TestClient, headers: dict[str, str], **asked: Any) -> Any:
    return client.post("/api/v1/readings/refused/replay", json=asked, headers=headers)


def _count(table: type) -> int:
    with db.transaction() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_officers_see_the_quarantine_and_admins_empty_it(city: TestClient) -> None:
    """Each reason is counted and has words, rows come in pages without keys; an admin's try is audited, once is all."""
    assert city.get("/api/v1/readings/refused").status_code == 401
    assert _replay(city, {}).status_code == 401
    viewer = _sign_in(city, "viewer")
    assert city.get("/api/v1/readings/refused").status_code == 403
    officer = _sign_in(city, "officer")
    assert _replay(city, officer).status_code == _replay(city, viewer).status_code == 403
    told = city.get("/api/v1/readings/refused", params={"limit": 2})
    assert KEY not in told.text
    assert "key_hash" not in told.text
    assert [(one["reason"], one["waiting"]) for one in told.json()["reasons"]] == [
        ("unknown_datastream", 1), ("wrong_key", 1), ("wrong_unit", 1),
    ]
    assert all(set(one["words"]) == {"th", "en"} for one in told.json()["reasons"])
    rest = city.get("/api/v1/readings/refused", params={"before_id": told.json()["next_before_id"]}).json()
    assert [row["topic_code"] for row in rest["rows"]] == ["NEW"]
    assert rest["next_before_id"] is None
    only = city.get("/api/v1/readings/refused", params={"reason": "wrong_key"}).json()
    assert [row["reason"] for row in only["rows"]] == ["wrong_key"]

    admin = _sign_in(city, "admin")
    tried = _replay(city, admin).json()
    told_of = tried.pop("still_refused_words")
    assert tried == {
        "rows": 3, "taken": 0, "next_after_id": None,
        "still_refused": {"unknown_datastream": 1, "wrong_unit": 1, "wrong_key": 1},
    }
    assert told_of == {one["reason"]: one["words"] for one in told.json()["reasons"]}
    assert told_of["wrong_key"] == {
        "th": "ไม่ได้ส่งมาพร้อมกุญแจของสถานี", "en": "It came without the key of its station",
    }
    _register("NEW")
    assert _replay(city, admin, reason="unknown_datastream").json()["taken"] == 1
    assert _replay(city, admin, units=["cm=m"]).json()["taken"] == 1
    again = _replay(city, admin, units=["cm=m"]).json()
    assert (again["rows"], again["taken"], again["still_refused"]) == (1, 0, {"wrong_key": 1})
    rows = city.get("/api/v1/readings/refused").json()["rows"]
    assert [row["replayed_by"] for row in rows] == [None, "admin", "admin"]
    assert (_count(Reading), _count(ReadingRefused)) == (2, 3)
    with db.transaction() as session:
        assert vitals(session, now=NOW).refused == 1
        entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "readings.replayed")).all()
        assert [(one.username, one.detail["taken"]) for one in entries] == [
            ("admin", 0), ("admin", 1), ("admin", 1), ("admin", 0),
        ]


def test_what_was_refused_lately_is_told_by_station_and_reason(
    city: TestClient, frozen_clock: Callable[..., None]
) -> None:
    """A gauge's rows of 24 h are one line each reason, with an example, its station and advice, and never a key."""
    groups = "/api/v1/readings/refused/groups"
    assert city.get(groups).status_code == 401
    _sign_in(city, "viewer")
    assert city.get(groups).status_code == 403
    with db.transaction() as session:
        session.add_all(
            ReadingRefused(raw=raw, reason=reason, source=source, received_at=NOW - timedelta(hours=hours))
            for raw, reason, source, hours in (
                ({"text": '{"datastream": "G1", "value": "x"}'}, "malformed", "http", 25),
                ({"text": '{"datastream": "G1", "value": "y"}'}, "malformed", "http", 23),
                ({"text": '{"datastream": "G1", "value": "z"}'}, "malformed", "http", 1),
                ({"text": "no code " + 1000 * "x"}, "html", "feed:far", 1),
            )
        )
    _sign_in(city, "officer")
    answer = city.get(groups)
    assert KEY not in answer.text
    assert "stolen" not in answer.text
    told = answer.json()
    assert (told["waiting"], told["groups_count"], told["since"]) == (6, 5, "2026-11-20T03:00:00Z")
    assert [(one["source"], one["datastream_code"], one["reason"], one["waiting"]) for one in told["groups"]] == [
        ("http", "G1", "malformed", 2), ("feed:far", "", "html", 1), ("mqtt", "G1", "wrong_key", 1),
        ("mqtt", "G1", "wrong_unit", 1), ("mqtt", "NEW", "unknown_datastream", 1),
    ]
    first, far, *_, new = told["groups"]
    assert first["station"]["name"] == {"th": "คลอง", "en": "Canal"}
    assert (first["first_at"], first["newest_at"]) == ("2026-11-20T04:00:00Z", "2026-11-21T02:00:00Z")
    assert first["example"] == '{"datastream": "G1", "value": "z"}'
    assert set(first["advice"]) == {"th", "en"}
    assert (far["station"], far["advice"], len(far["example"])) == (None, None, quarantine.EXAMPLE_CHARS)
    assert new["station"] is None

    admin = _sign_in(city, "admin")
    picked = {"source": "http", "datastream_code": "G1", "reason": "malformed"}
    assert _replay(city, admin, **picked, since=told["since"]).json()["rows"] == 2
    assert _replay(city, admin, **picked).json()["rows"] == 3
    assert _replay(city, admin, datastream_code="").json()["still_refused"] == {"html": 1}
    _register("NEW")
    assert _replay(city, admin, source="mqtt", datastream_code="NEW").json()["taken"] == 1
    assert [(one["waiting"], one["replayed"]) for one in city.get(groups).json()["groups"]][-1] == (0, 1)
    frozen_clock(NOW + timedelta(hours=25))
    assert city.get(groups).json()["groups"] == []


def test_what_cannot_be_asked_of_the_quarantine_is_refused_in_words(city: TestClient) -> None:
    """422 with a sentence, and every row as it was."""
    admin = _sign_in(city, "admin") | {"Content-Type": "application/json"}
    wrongs: list[Any] = [
        {"reason": "a\0b"}, {"reason": "'; DROP TABLE reading; --"}, {"ids": [2**63]}, {"ids": [0]}, {"ids": []},
        {"ids": [1] * 501}, {"units": ["cm"]}, {"units": ["\ud800=m"]}, {"is_vouched": True}, {"after_id": 2**64},
        {"ids": "1"}, [], 7, {"since": "2026-11-21T03:00:00"}, {"source": "a\0b"}, {"datastream_code": "\ud800"},
        {"source": 101 * "x"},
    ]  # fmt: skip
    for asked in wrongs:
        answer = city.post("/api/v1/readings/refused/replay", content=json.dumps(asked), headers=admin)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), asked
        assert answer.json()["detail"].endswith(".")
    for params in ({"reason": "\0"}, {"since": "2026-11-21T03:00:00"}, {"since": "yesterday"}, {"before_id": 2**63}):
        assert city.get("/api/v1/readings/refused", params=params).status_code == 422, params
    for since in ("2026-11-21T03:00:00", "yesterday"):
        assert city.get("/api/v1/readings/refused/groups", params={"since": since}).status_code == 422, since
    assert city.get("/api/v1/readings/refused", params={"since": "0001-01-01T00:00:00+14:00"}).status_code == 200
    assert _count(ReadingRefused) == 3


def test_the_command_line_tells_and_tries(city: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    """What waits is told by reason and row by row; a try says how many were taken and why the others were not."""
    with db.transaction() as session:
        session.add(ReadingRefused(
            raw={"text": "[red]\x1b[2J markup"}, reason="malformed", source="http", received_at=NOW,
        ))
    command_line.list_refused(reason=None, since="2026-11-21", rows=9)
    said = capsys.readouterr().out
    assert "wrong_unit" in said
    assert said.count("UTC+7") == 2
    assert "[red]" in said
    assert "\x1b[2J" not in said
    _register("NEW")
    nothing: dict[str, Any] = {"reason": None, "since": None, "ids": None, "units": [], "is_vouched": False}
    command_line.replay(**nothing | {"since": "2026-11-22"})
    assert "0 of 0 rows were taken." in capsys.readouterr().out
    command_line.replay(**nothing)
    said = capsys.readouterr().out
    assert "1 of 4 rows were taken." in said
    assert "1 stay refused: It came without the key of its station (wrong_key)." in said
    with db.transaction() as session:
        stolen = session.scalars(sa.select(ReadingRefused.id).where(ReadingRefused.reason == "wrong_key")).one()
    command_line.replay(**nothing | {"ids": [stolen], "is_vouched": True})
    assert "1 of 1 rows were taken." in capsys.readouterr().out
    with pytest.raises(InvalidInputError, match="for which rows"):
        command_line.replay(**nothing | {"is_vouched": True})
    with pytest.raises(InvalidInputError, match="no time"):
        command_line.replay(**nothing | {"since": "yesterday"})
    with db.transaction() as session:
        session.execute(sa.delete(ReadingRefused))
    command_line.list_refused(reason=None, since=None, rows=0)
    assert "Nothing is in quarantine." in capsys.readouterr().out


def test_the_commands_take_what_their_help_says(city: TestClient) -> None:
    """Options reach the rows that they name; a slip is an error with a sentence."""
    told = CliRunner().invoke(commands.readings_app, ["refused", "--reason", "wrong_unit", "--rows", "1"])
    assert (told.exit_code, "wrong_key" in told.output) == (0, False)
    assert "In another unit" in told.output
    tried = CliRunner().invoke(commands.readings_app, ["replay", "--since", "2026-11-20", "--unit", "cm=m"])
    assert "1 of 3 rows were taken." in tried.output
    for slip in (["--unit", "cm"], ["--vouch"], ["--reason", "Wrong Unit"], ["--since", "noon"]):
        wrong = CliRunner().invoke(commands.readings_app, ["replay", *slip])
        assert isinstance(wrong.exception, InvalidInputError)
    assert CliRunner().invoke(commands.readings_app, ["replay", "--id", "0"]).exit_code == 2
    assert _count(Reading) == 1


def test_many_rows_are_tried_some_at_a_time(city: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    """More rows than one transaction takes are all tried, each once."""
    _publish("LATER", *({"observed_at": (NOW - timedelta(seconds=1100 - n)).isoformat()} for n in range(1100)))
    _register("LATER")
    command_line.replay(reason="unknown_datastream", since=None, ids=None, units=[], is_vouched=False)
    assert "1100 of 1101 rows were taken." in capsys.readouterr().out
    assert _count(Reading) == 1100


def test_a_database_that_dies_in_the_middle_of_a_batch_refuses_nothing(city: TestClient) -> None:
    """A fault of the connection is no fault of a reading: the batch waits, whole, and is stored when it is back."""
    _publish("G1", {"value": 1.1})
    with db.transaction() as session:
        session.execute(sa.text(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'going down' USING ERRCODE = '57P01'; END $$"
        ))
        session.execute(sa.text("CREATE TRIGGER die BEFORE INSERT ON reading FOR EACH ROW EXECUTE FUNCTION die()"))
    at = (NOW - timedelta(minutes=1)).isoformat()
    with pytest.raises(Exception, match="going down"):
        _publish("G1", {"observed_at": at})
    assert _count(ReadingRefused) == 3
    with db.transaction() as session:
        session.execute(sa.text("DROP TRIGGER die ON reading"))
    _publish("G1", {"observed_at": at})
    assert (_count(Reading), _count(ReadingRefused)) == (2, 3)


def test_a_feeds_message_that_cannot_be_stored_is_kept_and_read_as_no_devices(city: TestClient) -> None:
    """It stands in quarantine with its topic, and nobody's word makes a reading of what its feed alone can read."""
    with db.transaction() as session:
        session.execute(sa.text(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'spoilt' USING ERRCODE = '22000'; END $$"
        ))
        session.execute(sa.text(
            "CREATE TRIGGER spoil BEFORE INSERT ON reading_refused FOR EACH ROW WHEN (NEW.source <> 'feeds') "
            "EXECUTE FUNCTION spoil()"
        ))
    topic = "v3/app@tenant/devices/eui-1/up"
    body = {"datastream": "G1", "observed_at": NOW.isoformat(), "value": 1.2, "unit": "m"}
    store([Message(topic, json.dumps(body).encode(), NOW)])
    row = city.get("/api/v1/readings/refused", headers=_sign_in(city, "officer")).json()["rows"][0]
    assert (row["source"], row["reason"], row["topic_code"]) == ("feeds", "unstorable", topic)
    tried = _replay(city, _sign_in(city, "admin"), ids=[row["id"]], is_vouched=True).json()
    assert (tried["taken"], tried["still_refused"]) == (0, {"unstorable": 1})
