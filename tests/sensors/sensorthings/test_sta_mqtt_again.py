"""Messages of SensorThings that were refused: why, in words; tried again by an operator, and never past a rule."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count as numbers
from typing import Any

import pytest
import sqlalchemy as sa

from cli import readings as command_line
from core import clock
from core.db import transaction
from core.settings import settings
from core.words import LANGUAGES
from sensors import changes, quarantine
from sensors.actions import Operator, key_hash, register_station, replay_refused, replay_vouched
from sensors.gateway import store_batch
from sensors.inbox import Kept, Message
from sensors.models import ReadingRefused
from sensors.quarantine import Choice
from sensors.retrying import Tried
from tests.sensors.sensorthings.asking import Sta
from tests.sensors.sensorthings.conftest import DEVICE_KEY, PLACE, station, thing
from tests.sensors.sensorthings.mqtt_house import count

BY = Operator("tester")
INBOX = "an inbox"
NUMBERS = numbers(1)
Setting = Callable[..., None]


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    """`setting(writes=…, broker=…)`: who may write, None where nothing is said, and the city's own broker if any."""

    def change(*, writes: str | None = "loopback", broker: str | None = None) -> None:
        monkeypatch.delenv("FAONAM_STA_WRITES", raising=False)
        if writes is not None:
            monkeypatch.setenv("FAONAM_STA_WRITES", writes)
        monkeypatch.delenv("MQTT_URL", raising=False)
        if broker is not None:
            monkeypatch.setenv("MQTT_URL", broker)
        settings.cache_clear()

    change()
    yield change
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def stream(sta: Sta) -> str:
    """The address of a datastream without observations."""
    return _stream(sta)


def _stream(sta: Sta, **more: Any) -> str:
    here = sta.post("Things", thing(**more))["@iot.id"]
    return f"Datastreams({sta.ids(f'Things({here})/Datastreams')[0]})"


def _publish(topic: str, content: Any) -> Kept:
    """The gateway has stored the message; returns it as it stood in the inbox."""
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    kept = Kept(next(NUMBERS), Message(f"v1.1/{topic}", payload, clock.wall_now()))
    store_batch([kept], INBOX)
    return kept


def _try(choice: Choice | None = None) -> Tried:
    with transaction() as session:
        return replay_refused(session, choice or Choice(), units={}, by=BY)


def _vouch(reason: str) -> Tried:
    with transaction() as session:
        return replay_vouched(session, Choice(reason=reason), units={}, by=BY)


def _told(tried: Tried) -> tuple[int, int, dict[str, int]]:
    return tried.rows, tried.taken, dict(tried.still_refused)


def _rows() -> list[ReadingRefused]:
    with transaction() as session:
        rows = list(session.scalars(sa.select(ReadingRefused).order_by(ReadingRefused.id)))
        session.expunge_all()
        return rows


def _run(statement: str) -> None:
    with transaction() as session:
        session.execute(sa.text(statement))


def test_a_message_is_an_observation_once_its_datastream_is_there(
    sta: Sta, stream: str, setting: Setting, frozen_clock: Callable[[datetime], None], now: datetime
) -> None:
    """It is taken on its own topic, whole, and without a time as of when it came; a second try does nothing."""
    coming = f"Datastreams({int(stream.split('(')[1].rstrip(')')) + 1})"
    _publish(f"{coming}/Observations", {"result": 7, "parameters": {"n": "ก"}})
    frozen_clock(now + timedelta(days=3))
    assert _told(_try()) == (1, 0, {"no_such_entity": 1})
    assert _stream(sta) == coming
    with transaction() as session:
        changes.hold_interest(session, [changes.Wanted("v1.1/Observations", "Observation")])
    assert _told(_try()) == (1, 1, {})
    assert _told(_try()) == (0, 0, {})
    (found,) = sta.get(f"{coming}/Observations")["value"]
    assert (found["result"], found["parameters"]) == (7, {"n": "ก"})
    assert now - timedelta(seconds=5) < datetime.fromisoformat(found["phenomenonTime"]) <= now
    assert count("sta_change") == 1  # Subscribers are told.
    (row,) = _rows()
    assert (row.reason, row.replayed_by, row.replayed_at) == ("no_such_entity", "tester", clock.now())
    assert row.received_wall_at is not None
    assert abs(row.received_at - now) < timedelta(seconds=5)


def test_what_was_not_allowed_is_taken_where_the_settings_allow_it_now(sta: Sta, stream: str, setting: Setting) -> None:
    """An operator's word is no permission; the city's settings are. What is still refused stays as it was."""
    setting(writes="closed")
    _publish(f"{stream}/Observations", {"result": 1})
    (before,) = _rows()
    for tried in (_try(), _vouch("not_allowed")):
        assert _told(tried) == (1, 0, {"not_allowed": 1})
    (after,) = _rows()
    assert (after.reason, after.raw, after.replayed_at) == ("not_allowed", before.raw, None)
    assert sta.ids(f"{stream}/Observations") == []
    setting(writes=None)  # The command line in a shell where nobody said that the house is closed.
    assert _told(_try()) == (1, 0, {"not_allowed": 1})
    setting(writes="loopback")
    assert _told(_try()) == (1, 1, {})
    assert _told(_vouch("not_allowed")) == (0, 0, {})
    assert len(sta.ids(f"{stream}/Observations")) == 1


def test_what_came_through_the_citys_broker_is_not_taken_for_this_machines(
    sta: Sta, stream: str, setting: Setting
) -> None:
    """A command line that does not know of the city's broker lets nobody in who came through it, unless all may."""
    setting(broker="mqtt://broker.example")
    _publish(f"{stream}/Observations", {"result": 1})
    setting()
    _publish("Datastreams(99999)/Observations", {"result": 2})
    assert _told(_try()) == (2, 0, {"not_allowed": 1, "no_such_entity": 1})
    setting(broker="mqtt://broker.example")
    assert _told(_try()) == (2, 0, {"not_allowed": 2})
    setting(writes="open")
    assert _told(_try()) == (2, 1, {"no_such_entity": 1})
    with transaction() as session:  # A row from before it was kept by which broker a message came.
        bare = "raw - 'broker' - 'writes'"
        session.execute(sa.text(f"UPDATE reading_refused SET raw = {bare} WHERE replayed_at IS NULL"))  # noqa: S608 - ours.
    setting()
    assert _told(_try()) == (1, 0, {"not_allowed": 1})


def test_a_stations_datastream_stays_its_own_devices(sta: Sta, gauge: int, setting: Setting) -> None:
    """However often it is tried and whoever vouches for it, a stranger's message is no reading of a gauge."""
    before = count("reading")
    _publish(f"Datastreams({gauge})/Observations", {"result": 9})
    assert _told(_try()) == (1, 0, {"station_owns": 1})
    assert _told(_vouch("station_owns")) == (1, 0, {"station_owns": 1})
    assert count("reading") == before


def test_each_refusal_has_its_own_reason_and_words(sta: Sta, stream: str, setting: Setting) -> None:
    """What is wrong is said as what it is, also at a later try, and in both languages."""
    nowhere = _stream(sta, Locations=[])
    at = "2026-11-20T00:00:00Z"
    first = sta.post(f"{stream}/Observations", {"result": 0, "phenomenonTime": at})["@iot.id"]
    _run(f"UPDATE reading SET copy = 32767 WHERE id = {int(first)}")  # noqa: S608 - a number.
    topic = f"{stream}/Observations"
    bad: list[tuple[str, Any, str]] = [
        (topic, b"{broken", "not_json"), (topic, [{"result": 1}], "not_an_object"), (topic, {}, "malformed"),
        (topic, {"result": 1, "phenomenonTime": "noon"}, "malformed"),
        (topic, {"result": 1, "rain": 2}, "unknown_property"),
        (topic, b'{"result": 1e400}', "out_of_range"), (f"{nowhere}/Observations", {"result": 1}, "no_location"),
        (topic, {"result": 1, "FeatureOfInterest": {"@iot.id": 99999}}, "no_such_entity"),
        (topic, {"result": 1, "phenomenonTime": at}, "too_many_at_one_time"),
        ("Observations?$top=1/Observations", {"result": 1}, "no_such_topic"),
        ("Things(1)/Observations", {"result": 1}, "no_such_topic"),
    ]  # fmt: skip
    for where, content, _ in bad:
        _publish(where, content)
    assert [row.reason for row in _rows()] == [reason for *_, reason in bad]
    assert all(row.raw["detail"].endswith(".") for row in _rows())
    expected = {reason: [one for *_, one in bad].count(reason) for *_, reason in bad}
    assert _told(_try()) == (len(bad), 0, expected)
    for language in LANGUAGES:
        other = quarantine.words_of("never_heard", language=language)
        assert other not in {quarantine.words_of(reason, language=language) for reason in [*expected, "not_whole"]}
    sta.send("PATCH", f"Things({sta.get(f'{nowhere}/Thing')['@iot.id']})", {
        "Locations": [{"@iot.id": sta.post("Locations", PLACE)["@iot.id"]}],
    }, status=200)
    assert _told(_try(Choice(reason="no_location"))) == (1, 1, {})


def test_what_was_taken_away_meanwhile_is_said_so(sta: Sta, stream: str, setting: Setting) -> None:
    """A conflict with another's change is no fault of the message: it is called one, and the next try takes it."""
    _run("CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS "
         "$$ BEGIN RAISE EXCEPTION 'gone' USING ERRCODE = '23503'; END $$")
    _run("CREATE TRIGGER gone BEFORE INSERT ON reading FOR EACH ROW EXECUTE FUNCTION gone()")
    _publish(f"{stream}/Observations", {"result": 1})
    assert _told(_try()) == (1, 0, {"changed_meanwhile": 1})
    _run("DROP TRIGGER gone ON reading")
    assert _told(_try()) == (1, 1, {})


def test_a_key_is_kept_nowhere_and_what_is_not_whole_is_not_tried(sta: Sta, stream: str, setting: Setting) -> None:
    """A device that sends its key where none belongs has it taken out; what was cut or unreadable makes no new data."""
    setting(writes="closed")
    topic = f"{stream}/Observations"
    for content in (
        {"result": 1, "key": DEVICE_KEY}, {"result": 1, "parameters": {"key": DEVICE_KEY}},
        json.dumps({"result": 1, "key": DEVICE_KEY}).encode("utf-16"), b'{"result": "\xff"}',
        b'{"result": 1}' + b" " * 70_000, json.dumps({"result": 1}).encode("utf-16") + b" \0" * 35_000,
    ):  # fmt: skip
        _publish(topic, content)
    kept = json.dumps([row.raw for row in _rows()])
    assert DEVICE_KEY not in kept
    assert key_hash(DEVICE_KEY).hex() not in kept
    setting(writes="open")
    assert _told(_try()) == (6, 0, {"not_whole": 6})
    assert sta.ids(topic) == []


def test_letters_of_another_kind_are_tried_too(sta: Sta, stream: str, setting: Setting) -> None:
    """What JSON may be written in is the same message at its second try."""
    setting(writes="closed")
    said = json.dumps({"result": "น้ำขึ้น"}, ensure_ascii=False)
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"):
        _publish(f"{stream}/Observations", said.encode(encoding))
    setting()
    assert _told(_try()) == (5, 5, {})
    assert [one["result"] for one in sta.get(f"{stream}/Observations")["value"]] == ["น้ำขึ้น"] * 5


def test_what_the_database_could_not_take_waits_once_and_holds_up_no_other(
    sta: Sta, stream: str, setting: Setting
) -> None:
    """A gateway that dies before it has emptied its inbox keeps no second row, and a failing try spoils no other."""
    _run("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
         "$$ BEGIN RAISE EXCEPTION 'spoilt' USING ERRCODE = 'P0001'; END $$")
    _run("CREATE TRIGGER spoil BEFORE INSERT ON reading FOR EACH ROW WHEN (NEW.value = 2) EXECUTE FUNCTION spoil()")
    spoilt = _publish(f"{stream}/Observations", {"result": 2})
    store_batch([spoilt], INBOX)
    setting(writes="closed")
    for result in (1, 3):
        _publish(f"{stream}/Observations", {"result": result})
    setting()
    assert [row.reason for row in _rows()] == ["unstorable", "not_allowed", "not_allowed"]
    assert _told(_try()) == (3, 2, {"unstorable": 1})
    _run("DROP TRIGGER spoil ON reading")
    assert _told(_try()) == (1, 1, {})
    assert sorted(one["result"] for one in sta.get(f"{stream}/Observations")["value"]) == [1, 2, 3]


def test_the_command_line_takes_both_kinds_at_once(
    sta: Sta, stream: str, setting: Setting, capsys: pytest.CaptureFixture[str], now: datetime
) -> None:
    """Rows of gauges and messages wait in one quarantine; `faonam readings replay` takes both, and tells why not."""
    _run("INSERT INTO city (id, slug, name_th, name_en, boundary, extent, centre, metric_srid, datum, imported_at, "
         "is_simulated) VALUES (1, 'tiny', 'เล็ก', 'Tiny', ST_Multi(ST_MakeEnvelope(100, 7, 101, 9, 4326)), "
         "ST_MakeEnvelope(100, 7, 101, 9, 4326), ST_Point(100.5, 8, 4326), 32647, 'msl', now(), true)")
    setting(writes="closed")
    _publish(f"{stream}/Observations", {"result": 1})
    _publish("Datastreams(99999)/Observations", {"result": 1})
    body = {"observed_at": (now - timedelta(minutes=5)).isoformat(), "value": 1.2, "unit": "m", "key": DEVICE_KEY}
    store_batch([Kept(1, Message("faonam/v1/G1/readings", json.dumps(body).encode(), clock.wall_now()))], INBOX)
    with transaction() as session:
        register_station(session, station())
    setting()
    nothing: dict[str, Any] = {"reason": None, "since": None, "ids": None, "units": [], "is_vouched": False}
    command_line.replay(**nothing)
    said = capsys.readouterr().out
    assert "2 of 3 rows were taken." in said
    assert "1 stay refused: It names a Datastream or another entity that is not there (no_such_entity)." in said
    command_line.replay(**nothing)
    assert "0 of 1 rows were taken." in capsys.readouterr().out
    assert len(sta.ids(f"{stream}/Observations")) == 1
    assert count("reading") == 2


@pytest.mark.parametrize("door", ["cli.readings", "api.app"])
def test_each_door_of_the_quarantine_knows_who_takes_messages(door: str) -> None:
    """A process that offers a try has loaded what takes SensorThings messages, whatever else it has loaded."""
    code = f"import {door}; from sensors import retrying; print(sorted(retrying._takers))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['sensorthings_mqtt']\n"


def test_a_process_that_takes_no_messages_says_so(sta: Sta, setting: Setting) -> None:
    """A message is never passed over as if it were a broken reading."""
    with transaction() as session:
        quarantine.keep_refused_message(
            session, {"topic": "t", "message": "{}"}, reason="malformed", source="another",
            received_at=clock.now(), received_wall_at=clock.wall_now(),
        )
    with pytest.raises(LookupError, match="'another'"):
        _try()
