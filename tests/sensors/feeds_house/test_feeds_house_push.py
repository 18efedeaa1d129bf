"""What feeds send: stored once, within their own datastreams, and nothing of it lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.errors import ConflictError, InvalidInputError
from sensors.actions import key_hash
from sensors.errors import DeviceKeyMissingError, DeviceKeyUnknownError
from sensors.feeds_store import actions
from sensors.feeds_store.models import Feed, FeedDevice, FeedHealth
from sensors.feeds_store.reading import Body
from sensors.feeds_store.spec import FeedSpec
from sensors.feeds_store.topics import FEED_TOPICS, is_within_taken
from sensors.models import Reading, ReadingRefused
from tests.sensors.feeds_house.declared import KEY, a_feed, stream

RECORDED = Path(__file__).parent.parent / "feeds" / "recorded"
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
RADAR, SWL, WEIR = "A84041FFFF0000C1", "24E124FFFF000002", "70B3D5FFFF000009"
Declare = Callable[..., FeedSpec]


def _body(content: bytes | object, **changes: Any) -> Body:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Body(raw, NOW, clock.wall_now(), **changes)


def _recorded(name: str) -> bytes:
    return (RECORDED / name).read_bytes()


def _values(session: Session) -> list[tuple[datetime, float | None, str]]:
    rows = session.scalars(sa.select(Reading).order_by(Reading.observed_at))
    return [(row.observed_at, row.value, row.source) for row in rows]


def _uplink(counter: int | None, minutes: float, distance: float, session_key: str = "one") -> dict[str, Any]:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    counted = {} if counter is None else {"f_cnt": counter}
    return {
        "end_device_ids": {"dev_eui": RADAR},
        "uplink_message": {
            "session_key_id": session_key, "f_port": 2, "decoded_payload": {"distance": distance}, "received_at": at,
        } | counted,
    }


def _radar(declare: Declare, kind: str = "tts", **options: Any) -> FeedSpec:
    looks_down = stream(f"{RADAR}/distance", unit="mm", height_mm=4000, zero_m_msl=0.5)
    return declare("lora", kind, streams=[looks_down], options=options)


def test_an_uplink_becomes_a_level_of_its_gauge(session: Session, declare: Declare) -> None:
    """What a sensor sees downwards is stored as metres above mean sea level, of the network's time, by the feed."""
    fates = actions.take_push(session, _radar(declare), _body(_recorded("tts_decoded.json")))
    assert [(fate.status, fate.reason) for fate in fates] == [("stored", None), ("refused", "not_a_number")]
    assert _values(session) == [(datetime(2026, 11, 20, 3, 0, 2, 123456, tzinfo=UTC), 2.62, "feed:lora")]
    kept = session.scalars(sa.select(ReadingRefused)).one()
    assert (kept.reason, kept.source, '"note": "ok"' in kept.raw["text"]) == ("not_a_number", "feed:lora", True)


def test_each_source_writes_in_its_own_form(session: Session, declare: Declare) -> None:
    """ChirpStack, ThingsBoard and plain JSON reach the gauge that is declared for their series, each in our unit."""
    weir = declare("weir", "chirpstack", streams=[stream(f"{WEIR}/level_cm", unit="cm")])
    board = declare("board", "thingsboard", streams=[stream("d1/level")])
    plain = declare("plain", "http_json", streams=[stream("canal", "G2")])
    row = {"datastream": "canal", "observed_at": NOW.isoformat(), "value": 1.1, "unit": "m"}
    assert actions.take_push(session, weir, _body(_recorded("chirpstack_object.json")))[0].status == "stored"
    assert actions.take_push(session, board, _body({"level": 1.5}, device="d1"))[0].status == "stored"
    assert actions.take_push(session, plain, _body(row))[0].status == "stored"
    assert [value for _, value, _ in _values(session)] == [1.425, 1.5, 1.1]
    with pytest.raises(InvalidInputError, match="whose telemetry"):
        actions.take_push(session, board, _body({"level": 1.5}))


def test_a_feed_writes_into_its_own_datastreams_only(session: Session, declare: Declare) -> None:
    """A key opens what is declared for it: another gauge's code is refused and kept, whatever the row says."""
    spec = declare("plain", "http_json", streams=[stream("canal", "G1")])
    row = {"datastream": "G2", "observed_at": NOW.isoformat(), "value": 9.9, "unit": "m"}
    (fate,) = actions.take_push(session, spec, _body(row))
    assert (fate.status, fate.reason) == ("refused", "unknown_stream")
    assert _values(session) == []
    assert session.scalars(sa.select(ReadingRefused.reason)).all() == ["unknown_stream"]


def test_what_a_declared_device_says_besides_is_ignored(session: Session, declare: Declare) -> None:
    """A radar also tells its temperature: no fault of the feed, no row of the quarantine. Another device's is one."""
    board = declare("board", "thingsboard", streams=[stream("d1/level")])
    fates = actions.take_push(session, board, _body({"level": 1.5, "temperature": 31}, device="d1"))
    assert [fate.status for fate in fates] == ["stored", "ignored"]
    health = session.scalars(sa.select(FeedHealth)).one()
    assert (health.trouble, health.rows_refused) == (None, 0)
    assert session.scalars(sa.select(ReadingRefused)).all() == []
    (other,) = actions.take_push(session, board, _body({"level": 1.5}, device="d2"))
    assert (other.status, other.reason, health.failures) == ("refused", "unknown_stream", 1)
    assert len(session.scalars(sa.select(ReadingRefused)).all()) == 1


def test_the_same_push_twice_is_once(session: Session, declare: Declare) -> None:
    """A webhook that is delivered again changes nothing and is answered as repeated."""
    spec = _radar(declare)
    for status in ("stored", "repeated", "repeated"):
        assert [fate.status for fate in actions.take_push(session, spec, _body(_uplink(7, 0, 2000)))] == [status]
    assert len(_values(session)) == 1
    health = session.scalars(sa.select(FeedHealth)).one()
    assert (health.rows_stored, health.rows_repeated, health.rows_refused, health.failures) == (1, 2, 0, 0)
    assert (health.newest_observed_at, health.trouble) == (NOW, None)


def test_an_old_frame_played_again_is_refused(session: Session, declare: Declare) -> None:
    """A counter that was passed, or said before, stores nothing, even with another time and value; it is kept."""
    spec = _radar(declare)
    actions.take_push(session, spec, _body(_uplink(7, -10, 2000)))
    (old,) = actions.take_push(session, spec, _body(_uplink(6, -1, 100)))
    assert (old.status, old.reason) == ("refused", "replayed")
    (same,) = actions.take_push(session, spec, _body(_uplink(7, -1, 100)))
    assert same.status == "repeated"
    assert len(_values(session)) == 1
    assert session.scalars(sa.select(ReadingRefused.reason)).all() == ["replayed"]
    assert session.scalars(sa.select(FeedDevice.frame_counter)).all() == [7]


def test_a_counter_begins_again_with_a_join(session: Session, declare: Declare) -> None:
    """After a join, in a newer session, and where a device is declared to reset, low counters are new; else not."""
    spec = _radar(declare)
    join = {"end_device_ids": {"dev_eui": RADAR}, "join_accept": {"session_key_id": "two"}}
    actions.take_push(session, spec, _body(_uplink(400, -60, 2000)))
    assert actions.take_push(session, spec, _body(join))[0].reason == "not_an_uplink"
    assert actions.take_push(session, spec, _body(_uplink(None, -50, 2010, "two")))[0].status == "stored"
    assert actions.take_push(session, spec, _body(_uplink(1, -40, 2020, "three")))[0].status == "stored"
    # An old session is older than what was taken: its frames are played again.
    assert actions.take_push(session, spec, _body(_uplink(401, -55, 100, "one")))[0].reason == "replayed"
    assert len(_values(session)) == 3
    assert session.scalars(sa.select(ReadingRefused.reason)).all() == ["replayed"]
    resets = _radar(declare, devices={RADAR.lower(): {"counter_may_reset": True}})
    assert actions.take_push(session, resets, _body(_uplink(0, -30, 2030, "three")))[0].status == "stored"


def test_a_device_without_codec_is_decoded_as_declared(session: Session, declare: Declare) -> None:
    """Bytes become centimetres of water over the probe, and the level by its zero."""
    over_probe = stream(f"{SWL}/water_level", unit="cm", zero_m_msl=-1.0)
    devices = {SWL: {"decoder": "em500_swl", "fields": ["water_level"]}}
    spec = declare("swl", "tts", streams=[over_probe], options={"devices": devices})
    (fate,) = actions.take_push(session, spec, _body(_recorded("tts_swl_bytes.json")))
    assert (fate.status, [value for _, value, _ in _values(session)]) == ("stored", [-0.98])


def test_the_key_of_a_feed_opens_that_feed_alone(session: Session, declare: Declare) -> None:
    """Only the hash is stored; no key, another feed's key and an unknown feed are refused, a feed that is off too."""
    declare("one", "http_json")
    declare("two", "http_json", key="another-long-key")
    declare("three", "http_json", is_enabled=False)
    assert session.scalars(sa.select(Feed.key_hash).where(Feed.code == "one")).one() == key_hash(KEY)
    assert actions.signed_in_feed(session, "one", KEY).code == "one"
    with pytest.raises(DeviceKeyMissingError):
        actions.signed_in_feed(session, "one", None)
    for code in ("two", "nowhere"):
        with pytest.raises(DeviceKeyUnknownError, match="no feed with this code and this key"):
            actions.signed_in_feed(session, code, KEY)
    with pytest.raises(ConflictError, match="switched off"):
        actions.signed_in_feed(session, "three", KEY)


@pytest.mark.parametrize("content", [b"<html>", b"", b"\xff\xfe", b"[" * 5000, b"null", b"[]"])
def test_what_cannot_be_read_is_kept_and_said(session: Session, declare: Declare, content: bytes) -> None:
    """Whatever is sent, it stands in quarantine with its reason, and the feed's health names it."""
    fates = actions.take_push(session, _radar(declare), _body(content))
    assert {fate.status for fate in fates} == {"refused"}
    health = session.scalars(sa.select(FeedHealth)).one()
    assert (health.failures, health.trouble) == (1, fates[0].reason)
    assert health.last_success_wall_at is None
    assert session.scalars(sa.select(ReadingRefused.reason)).all() == [fates[0].reason]


def test_a_file_is_stored_cell_by_cell(session: Session, declare: Declare) -> None:
    """A Thai table comes in with its units and Buddhist years; each cell is answered, each bad one kept."""
    options = {"zone": "Asia/Bangkok", "order": "day_first"}
    level = stream("คลองสมมุติ/ระดับน้ำ", unit="m_msl")
    spec = declare("town", "csv", streams=[level], options=options)
    fates = actions.take_file(session, spec, _body(_recorded("csv_thai.csv")))
    levels = [fate.status for fate in fates if fate.stream == "คลองสมมุติ/ระดับน้ำ"]
    assert levels == ["stored", "stored", "flagged"]
    assert [value for _, value, _ in _values(session)] == [1.25, 1.3, None]
    refused = [fate for fate in fates if fate.status == "refused"]
    assert len(session.scalars(sa.select(ReadingRefused)).all()) == len(refused) > 0
    again = actions.take_file(session, spec, _body(_recorded("csv_thai.csv")))
    assert [fate.status for fate in again if fate.stream == "คลองสมมุติ/ระดับน้ำ"] == ["repeated"] * 3
    with pytest.raises(InvalidInputError, match="takes no files"):
        actions.take_file(session, declare("t", "tts"), _body(b""))


@pytest.mark.parametrize("topic", ["#", "v3/#", "faonam/v1/+/readings", "application/a/device/+/event/status", "+/x"])
def test_a_feed_asks_for_no_topic_that_is_not_taken(declare: Declare, topic: str) -> None:
    """A declared topic lies within those that the gateway subscribes to."""
    with pytest.raises(InvalidInputError, match="topic"):
        declare("t", "tts", options={"topic": topic})
    assert all(is_within_taken(taken) for taken in FEED_TOPICS[1:])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kind": "pigeon"}, "'kind' must be one of"),
        ({"period_s": 1}, "'period_s' must be from"),
        ({"url": "ftp://x"}, "must begin with http"),
        ({"url": "http://user:pass@x/"}, "must not hold a password"),
        ({"kind": "tts", "url": "http://x/"}, "sends by itself"),
        ({"secret_env": "DATABASE_URL"}, "begins with FAONAM_FEED_"),
        ({"secret_header": "a b"}, "name of an HTTP header"),
        ({"code": "a/b"}, "'code' must be"),
        ({"streams": []}, "at least one entry"),
        ({"options": {"zone": "Asia/Atlantis"}}, "no time zone"),
        ({"options": {"zone": "../etc"}}, "no time zone"),
        ({"options": {"values": {}}}, "Option 'values'"),
        ({"options": {"colour": 1}}, "no option 'colour'"),
        ({"kind": "rain_csv"}, "'station' must name"),
        ({"kind": "tts", "options": {"devices": {"d": {"counter_bits": 8}}}}, "must be 16 or 32"),
        ({"kind": "tts", "options": {"devices": {"d": {"layout": {"port": 0, "fields": []}}}}}, "'port'"),
        ({"kind": "thingsboard", "options": {"topic": "v1/devices/me/telemetry"}}, "Option 'device'"),
    ],
)
def test_a_faulty_declaration_is_named(session: Session, changes: dict[str, Any], sentence: str) -> None:
    """Nothing of a declaration is guessed: the fault is told in a sentence and nothing of the feed stays."""
    declared = {"code": "x", "kind": "http_json"} | changes
    with pytest.raises(InvalidInputError, match=sentence):
        actions.declare_feed(session, a_feed(**declared))
    assert session.scalars(sa.select(Feed)).all() == []
