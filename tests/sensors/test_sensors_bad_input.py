"""Bad input at every door that takes readings: a sentence for each, never a failure of ours, and nothing lost.

docs/decisions/0025 lists which test holds which case at which door.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from core import clock, db
from sensors.actions import register_station
from sensors.gateway import store_batch
from sensors.inbox import Kept, Message
from sensors.models import LatestReading, Reading, ReadingRefused, StreamMemory
from tests.sensors.sensorthings.asking import ROOT
from tests.sensors.sensorthings.conftest import DEVICE_KEY, datastream, station, thing

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
HUGE = "9" * 5000
GENERIC = 2


def store(messages: list[Message]) -> None:
    """The gateway has stored the messages of its inbox."""
    store_batch([Kept(number, message) for number, message in enumerate(messages, 1)], "an inbox")


@pytest.fixture(scope="module")
def door(module_database: sa.Engine) -> Iterator[TestClient]:
    """A city with one gauge (datastream 1) and a generic client's datastream (2) with a number and a text."""
    clock.freeze(lambda: NOW)
    with db.transaction() as session:
        register_station(session, station())
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        observed = [{"result": 1, "phenomenonTime": "2026-11-21T00:00:00Z"}, {"result": "x"}]
        made = client.post(f"{ROOT}/Things", json=thing(Datastreams=[datastream(Observations=observed)]))
        assert made.status_code == 201
        yield client
    clock.freeze(None)


@pytest.fixture(autouse=True)
def empty(door: TestClient) -> None:
    """Each test begins with no reading of the gauge, nothing in quarantine, and the clock where it stood."""
    clock.freeze(lambda: NOW)
    with db.transaction() as session:
        for table in (Reading, LatestReading, StreamMemory):
            session.execute(sa.delete(table).where(table.datastream_id == 1))
        session.execute(sa.delete(ReadingRefused))


def _row(**changes: Any) -> dict[str, Any]:
    """A good row of the gauge, five minutes old, with these changes; None in place of a value leaves it out."""
    at = (NOW - timedelta(minutes=5)).isoformat()
    return {"datastream": "G1", "observed_at": at, "value": 1.2, "unit": "m"} | changes


def _text(**changes: str) -> str:
    """The same as JSON text, a change being JSON text itself."""
    fields = {name: json.dumps(value) for name, value in _row().items()} | changes
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"


def _at(text: str) -> str:
    return _text(observed_at=json.dumps(text))


# A row as JSON text, and what becomes of it: its reason, None where it is good.
BAD_ROWS: dict[str, tuple[str, str | None]] = {
    "NaN": (_text(value="NaN"), "no_value"),
    "infinite": (_text(value="-Infinity"), "infinite"),
    "1e309": (_text(value="1e309"), "infinite"),
    "1e309 as text": (_text(value='"1e309"'), "malformed"),
    "NaN as text": (_text(value='"NaN"'), "malformed"),
    "a number of 5,000 digits": (_text(value=HUGE), "infinite"),
    "no value": (_text(value="null"), "no_value"),
    "true": (_text(value="true"), "malformed"),
    "a list": (_text(value="[1.2]"), "malformed"),
    "sentinel": (_text(value="-999"), "sentinel"),
    "said twice": (_text()[:-1] + ', "value": 2.4}', "malformed"),
    "SQL": (_text(datastream='"\'; DROP TABLE reading; --"'), "unknown_datastream"),
    "a long name": (_text(datastream=json.dumps("x" * 30_000)), "unknown_datastream"),
    "NUL": (_text(datastream='"G1\\u0000"'), "malformed"),
    "half a pair": (_text(unit='"\\ud800"'), "malformed"),
    "unknown unit": (_text(unit='"furlong"'), "wrong_unit"),
    "no unit": (_text(unit="null"), "malformed"),
    "deep": (_text(value="[" * 300 + "]" * 300), "malformed"),
    "a number": ("7", "not_an_object"),
    "a list in the list": ("[[]]", "not_an_object"),
    "no zone": (_at("2026-11-21T09:55:00"), "no_time_zone"),
    "no zone, Buddhist": (_at("2569-11-21T09:55:00"), "no_time_zone"),
    "a zone's name": (_at("2026-11-21T09:55:00 Asia/Bangkok"), "malformed"),
    "no such zone": (_at("2026-11-21T03:00:00+99:00"), "malformed"),
    "a date": (_at("2026-11-21"), "no_time_zone"),
    "milliseconds": (_text(observed_at="1763694000000"), "malformed"),
    "no time": (_text(observed_at="null"), "malformed"),
    "year 1": (_at("0001-01-01T00:00:00Z"), "too_old"),
    "before year 1": (_at("0001-01-01T00:00:00+14:00"), "malformed"),
    "year 9999": (_at("9999-12-31T23:59:59Z"), "future_time"),
    "beyond year 9999": (_at("9999-12-31T23:59:59-14:00"), "malformed"),
    "leap second": (_at("2026-11-21T02:54:60Z"), "malformed"),
    "hour 24": (_at("2026-11-20T24:00:00Z"), "malformed"),
    "Buddhist, +07:00": (_at("2569-11-21T09:51:00+07:00"), None),
    "Buddhist leap day": (_at("2567-02-29T09:55:00+07:00"), "too_old"),
    "+14:00": (_at("2026-11-21T16:52:00+14:00"), None),
    "good": (_at("2026-11-21T02:53:00Z"), None),
}


def _told_apart(row: str, index: int) -> str:
    """The row at a time of its own where it has a good one, so that none is a repetition of another."""
    at = (NOW - timedelta(minutes=20, seconds=index)).isoformat()
    return row.replace(_row()["observed_at"], at)


def _kept() -> tuple[int, int]:
    with db.transaction() as session:
        stored = session.scalar(sa.select(sa.func.count()).where(Reading.datastream_id == 1))
        return stored or 0, session.scalar(sa.select(sa.func.count()).select_from(ReadingRefused)) or 0


def _rows_told_apart() -> list[str]:
    return [_told_apart(row, index) for index, (row, _) in enumerate(BAD_ROWS.values())]


def test_by_http_each_bad_row_has_its_reason_and_stops_no_other(door: TestClient) -> None:
    """One body with all of them: each is answered by itself, and stored with its flag or kept in quarantine."""
    body = f"[{', '.join(_rows_told_apart())}]"
    answer = door.post("/api/v1/readings", content=body, headers={"X-Device-Key": DEVICE_KEY})
    assert answer.status_code == 200
    rows = answer.json()["rows"]
    told = dict(zip(BAD_ROWS, (row["reason"] for row in rows), strict=True))
    assert told == {name: reason for name, (_, reason) in BAD_ROWS.items()}
    assert all(row["detail"].endswith(".") for row in rows if row["status"] == "refused")
    assert all(len(row["detail"]) < 200 for row in rows if row["status"] == "refused")
    stored, refused = _kept()
    assert (stored, refused) == (answer.json()["stored"], len(BAD_ROWS) - answer.json()["stored"])


def test_by_mqtt_each_bad_row_has_its_reason_and_stops_no_other(door: TestClient) -> None:
    """The same, a message each and all in one batch of the gateway: what was published is stored or in quarantine."""
    keyed = [row.replace("{", f'{{"key": "{DEVICE_KEY}", ', 1) for row in _rows_told_apart()]
    store([Message("faonam/v1/G1/readings", row.encode(), NOW) for row in keyed])
    # The topic names the datastream, so a bad name in the text is none, and a list is read as its rows.
    is_named = {"SQL", "a long name", "NUL"}
    expected = {name: None if name in is_named else reason for name, (_, reason) in BAD_ROWS.items()}
    flagged = {"no_value", "infinite", "sentinel", None}
    assert _kept() == (
        sum(reason in flagged for reason in expected.values()),
        sum(reason not in flagged for reason in expected.values()),
    )
    with db.transaction() as session:
        raws = session.execute(sa.select(ReadingRefused.reason, ReadingRefused.raw)).all()
    assert DEVICE_KEY not in str(raws)
    twice = next(raw["text"] for reason, raw in raws if raw["text"].count('"value"') == 2)
    assert "1.2" in twice
    assert "2.4" in twice


BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 422),
    "HTML": (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", 422),
    "NUL": (b"[\x00]", 422),
    "no UTF-8": (b'[{"datastream": "\xff"}]', 422),
    "half": (b'[{"datastream": "G1"', 422),
    "10,000 deep": (b"[" * 10_000 + b"]" * 10_000, 422),
    "10 MB": (b" " * 10_000_000, 413),
    "10 MB of rows": (b"[" + b",".join([_text().encode()] * 100_000) + b"]", 413),
    "too many rows": (b"[" + b"0," * 5000 + b"0]", 422),
    "an object": (_text().encode(), 422),
}


@pytest.mark.parametrize("name", BODIES)
def test_by_http_a_body_that_cannot_be_read_is_refused_with_a_sentence(door: TestClient, name: str) -> None:
    """The device is told, so that it still has what it sent; nothing is stored."""
    body, status = BODIES[name]
    answer = door.post("/api/v1/readings", content=body, headers={"X-Device-Key": DEVICE_KEY})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"].endswith(".")
    assert _kept() == (0, 0)


def test_by_mqtt_a_message_that_cannot_be_read_is_kept_with_its_reason(door: TestClient) -> None:
    """Nobody hears the device again: what it published stands in quarantine, and good ones beside it are stored."""
    topic = "faonam/v1/G1/readings"
    good = json.dumps(_row(key=DEVICE_KEY)).encode()
    store([Message(topic, body, NOW) for body, _ in BODIES.values()] + [Message(topic, good, NOW)])
    with db.transaction() as session:
        counts = Counter(session.scalars(sa.select(ReadingRefused.reason)))
    unread = ("nothing", "HTML", "NUL", "no UTF-8", "half", "10,000 deep")
    assert counts == {"not_json": len(unread), "too_large": 2, "not_an_object": 5001, "wrong_key": 1}
    assert _kept()[0] == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_letters_of_another_kind_are_read(door: TestClient, encoding: str) -> None:
    """A byte order mark or UTF-16, as some systems write JSON, is no reason to lose a reading, by HTTP or MQTT."""
    body = json.dumps([_row(key=DEVICE_KEY)]).encode(encoding)
    answer = door.post("/api/v1/readings", content=body, headers={"X-Device-Key": DEVICE_KEY})
    assert [row["status"] for row in answer.json()["rows"]] == ["stored"]
    store([Message("faonam/v1/G1/readings", body, NOW)])
    assert _kept() == (1, 0)


# --- SensorThings ---------------------------------------------------------------------------------------------------


QUESTIONS: dict[str, tuple[str, int]] = {
    "filter 2,000 deep": (f"Things?$filter={'(' * 2000}id eq 1{')' * 2000}", 400),
    "1,500 times not": (f"Things?$filter={'not ' * 1500}true", 400),
    "expand in a circle": (f"Things?$expand={'Datastreams($expand=Thing($expand=' * 20}Datastreams{'))' * 20}", 400),
    "expand along a circle": (f"Things?$expand={'/'.join(['Datastreams', 'Thing'] * 30)}", 400),
    "a short circle": ("Things?$expand=Datastreams($expand=Thing($expand=Datastreams))", 200),
    "SQL in a text": ("Things?$filter=name eq 'x'' OR 1=1; DROP TABLE thing; --'", 200),
    "SQL behind a text": ("Things?$filter=name eq 'x' OR 1=1; DROP TABLE thing; --", 400),
    "SQL as an order": ("Things?$orderby=name; DROP TABLE thing", 400),
    "SQL as an id": ("Things(1;DROP TABLE thing)", 404),
    "SQL in a pattern": ("Things?$filter=startswith(name,'%_\\')", 200),
    "NUL": ("Things?$filter=name eq '\0'", 400),
    "a huge id": (f"Things({HUGE})", 404),
    "a huge page": (f"Things?$top={HUGE[:30]}", 400),
    "a huge step": ("Things?$skip=9223372036854775807", 400),
    "NaN": ("Observations?$filter=result eq NaN", 400),
    "1e309": ("Observations?$filter=result gt 1e309", 400),
    "5,000 digits": (f"Observations?$filter=result gt {HUGE}", 400),
    "through zero": ("Observations?$filter=result div 0 eq 1 or result mod 0 eq 1", 200),
    "too large a product": ("Observations?$filter=result mul 1e308 mul 1e308 gt 1", 400),
    "coordinates of 1e400": ("Locations?$filter=geo.distance(location,geography'POINT(1e400 2)') lt 1", 400),
    "coordinates of NaN": ("Locations?$filter=st_within(location,geography'POINT(NaN 2)')", 400),
    "beyond all calendars": ("Observations?$filter=phenomenonTime lt 9999-12-31T23:59:59-14:00", 400),
    "before all calendars": ("Observations?$filter=phenomenonTime gt 0001-01-01T00:00:00+14:00", 400),
    "leap second": ("Observations?$filter=phenomenonTime lt 2026-12-31T23:59:60Z", 400),
    "no such zone": ("Observations?$filter=phenomenonTime lt 2026-12-31T23:59:00+99:00", 400),
    "a long duration": ("Observations?$filter=phenomenonTime lt now() add duration'P999999999D'", 400),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_of_sensorthings_is_a_failure_of_ours(door: TestClient, name: str) -> None:
    """A question is answered or refused with a sentence, and changes nothing."""
    question, status = QUESTIONS[name]
    path, _, query = question.partition("?")
    answer = door.get(f"{ROOT}/{quote(path)}" + (f"?{quote(query, safe='=$&')}" if query else ""))
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["message"].endswith(".")
    assert len(door.get(f"{ROOT}/Things").json()["value"]) == 2


OBSERVATIONS: dict[str, bytes] = {
    "NaN": b'{"result": NaN}', "1e309": b'{"result": 1e309}', "5,000 digits": f'{{"result": {HUGE}}}'.encode(),
    "NUL": b'{"result": "\\u0000"}', "half a pair": b'{"result": "\\ud800"}', "HTML": b"<html></html>", "nothing": b"",
    "said twice": b'{"result": 1, "result": 2}', "a list": b"[]", "no UTF-8": b'{"result": "\xff"}',
    "10,000 deep": b'{"result": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "900 deep": b'{"result": ' + b"[" * 900 + b"]" * 900 + b"}",
    "milliseconds": b'{"result": 1, "phenomenonTime": 1763694000000}',
    "leap second": b'{"result": 1, "phenomenonTime": "2026-11-21T02:59:60Z"}',
    "hour 24": b'{"result": 1, "phenomenonTime": "2026-11-20T24:00:00Z"}',
    "a date": b'{"result": 1, "phenomenonTime": "2026-11-21"}',
    "a zone's name": b'{"result": 1, "phenomenonTime": "2026-11-21T03:00:00 Asia/Bangkok"}',
    "no such zone": b'{"result": 1, "phenomenonTime": "2026-11-21T03:00:00+99:00"}',
    "before year 1": b'{"result": 1, "phenomenonTime": "0001-01-01T00:00:00+14:00"}',
    "backwards": b'{"result": 1, "phenomenonTime": "2026-11-21T03:00:00Z/2026-11-20T03:00:00Z"}',
}  # fmt: skip


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_no_observation_is_a_failure_of_ours(door: TestClient, name: str) -> None:
    """What is no observation is refused with a sentence, from a stranger as from a device with its key."""
    for stream, headers in ((GENERIC, {}), (1, {"X-Device-Key": DEVICE_KEY})):
        answer = door.post(
            f"{ROOT}/Datastreams({stream})/Observations", content=OBSERVATIONS[name],
            headers={"Content-Type": "application/json"} | headers,
        )
        assert answer.status_code == 400, answer.text
        assert answer.json()["message"].endswith(".")
    assert _kept() == (0, 0)


def test_ten_megabytes_of_observations_are_refused(door: TestClient) -> None:
    """The body is not read to its end."""
    for path in ("CreateObservations", f"Datastreams({GENERIC})/Observations", "$batch"):
        answer = door.post(f"{ROOT}/{path}", content=b" " * 10_000_000)
        assert (answer.status_code, answer.json()["detail"][-1]) == (413, ".")


REFUSED_TIMES = {
    "2026-11-21T02:50:00": "no_time_zone", "2569-11-21T02:50:00Z": "future_time", "0001-01-01T00:00:00Z": "too_old",
    "9999-12-31T23:59:59Z": "future_time",
}  # fmt: skip


def test_a_reading_of_a_device_refused_by_sensorthings_is_kept_as_by_any_other_door(door: TestClient) -> None:
    """One by one or in an array, the device is told and the row stands in quarantine; a stranger leaves nothing."""
    path, key = f"{ROOT}/Datastreams(1)/Observations", {"X-Device-Key": DEVICE_KEY}
    for at in REFUSED_TIMES:
        answer = door.post(path, json={"result": 1.2, "phenomenonTime": at}, headers=key)
        assert (answer.status_code, answer.json()["message"][-1]) == (400, ".")
    assert "Buddhist" in door.post(path, json={"result": 1, "phenomenonTime": "2569-11-21T02:00:00Z"}, headers=key).text
    rows = [[1.2, at] for at in REFUSED_TIMES] + [[1.2, "2026-11-21T02:55:00Z"], ["1e309", "2026-11-21T02:55:00Z"], [7]]
    block = {"Datastream": {"@iot.id": 1}, "components": ["result", "phenomenonTime"], "dataArray": rows}
    answer = door.post(f"{ROOT}/CreateObservations", json=[block], headers=key)
    assert [one == "error" for one in answer.json()] == [True] * 4 + [False] + [True] * 2
    with db.transaction() as session:
        reasons = session.scalars(sa.select(ReadingRefused.reason).where(ReadingRefused.source == "sensorthings")).all()
    assert sorted(reasons) == sorted([*REFUSED_TIMES.values(), "future_time", *REFUSED_TIMES.values()])
    before = _kept()
    assert before[0] == 1
    door.post(path, json={"result": 1, "phenomenonTime": "0001-01-01T00:00:00Z"}, headers={"X-Device-Key": "guessed"})
    door.post(f"{ROOT}/CreateObservations", json=[block], headers={"X-Device-Key": "guessed"})
    assert _kept() == before


# --- clocks and brokers ---------------------------------------------------------------------------------------------


def _levels(door: TestClient, minutes: list[float], *, value: float = 1.2) -> list[str]:
    rows = [_row(observed_at=(NOW + timedelta(minutes=at)).isoformat(), value=value) for at in minutes]
    answer = door.post("/api/v1/readings", json=rows, headers={"X-Device-Key": DEVICE_KEY})
    return [row["status"] for row in answer.json()["rows"]]


def test_a_gauge_whose_clock_jumps_back_loses_nothing_and_moves_nothing_back(door: TestClient) -> None:
    """Readings an hour behind those before are stored once each; the newest stays the newest, the state as it was."""
    assert _levels(door, [-10, -5], value=3.2) == ["stored"] * 2
    behind = _levels(door, [-70.5, -65.5, -60.5], value=0.5)
    assert set(behind) <= {"stored", "flagged"}
    assert _kept() == (5, 0)
    with db.transaction() as session:
        assert session.scalars(sa.text("SELECT good_value FROM latest_reading WHERE datastream_id = 1")).all() == [3.2]
        assert session.scalars(sa.text("SELECT state FROM level_state WHERE datastream_id = 1")).all() == [1]
    assert _levels(door, [-70.5], value=0.5) == ["repeated"]


def test_our_own_clock_that_jumps_back_loses_nothing(
    door: TestClient, frozen_clock: Callable[[datetime], None]
) -> None:
    """What seems to come from the future meanwhile stands in quarantine; what is set right goes on as before."""
    assert _levels(door, [-5]) == ["stored"]
    frozen_clock(NOW - timedelta(hours=1))
    assert _levels(door, [-4, -3]) == ["refused"] * 2
    frozen_clock(NOW)
    assert _levels(door, [-2]) == ["stored"]
    assert _kept() == (2, 2)


def test_an_hour_without_a_broker_comes_in_at_once_and_as_it_was(door: TestClient) -> None:
    """An hour's messages that waited with the device are all stored, once, and the newest is the last of them."""
    values = [3.2] * 40 + [1.2] * 20
    messages = [
        Message(
            "faonam/v1/G1/readings",
            json.dumps(_row(
                key=DEVICE_KEY, value=value + 0.001 * (minute % 7),
                observed_at=(NOW - timedelta(minutes=60 - minute)).isoformat(),
            )).encode(),
            NOW,
        )
        for minute, value in enumerate(values)
    ]
    store(messages)
    assert _kept() == (60, 0)
    store(messages)
    assert _kept() == (60, 0)
    with db.transaction() as session:
        latest = session.execute(sa.text("SELECT observed_at, value FROM latest_reading WHERE datastream_id = 1")).one()
    assert latest.observed_at == NOW - timedelta(minutes=1)
    assert latest.value == pytest.approx(1.2, abs=0.01)
