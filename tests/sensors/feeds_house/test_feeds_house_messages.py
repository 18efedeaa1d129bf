"""What feeds publish by MQTT reaches the feed that claims its topic."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from core import clock
from core.db import transaction
from sensors.feeds_store import actions
from sensors.models import Reading, ReadingRefused
from tests.sensors.feeds_house.declared import KEY, a_feed, add_gauge, stream

RECORDED = Path(__file__).parent.parent / "feeds" / "recorded"
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
RADAR, WEIR = "A84041FFFF0000C1", "70B3D5FFFF000009"


def _uplink(counter: int) -> bytes:
    uplink = {"f_cnt": counter, "decoded_payload": {"distance": 1.5}, "received_at": NOW.isoformat()}
    return json.dumps({"end_device_ids": {"dev_eui": RADAR}, "uplink_message": uplink}).encode()


def test_messages_reach_the_feed_that_claims_their_topic(
    database: sa.Engine, frozen_clock: Callable[..., None]
) -> None:
    """A network server's topic belongs to the feed that declares it; our own topic asks for the feed's key.

    What nobody claims, and rows with a wrong key, are kept without the key.
    """
    with transaction() as session:
        add_gauge(session, "G1")
        add_gauge(session, "G2")
        for feed in (
            a_feed("lora", "tts", streams=[stream(f"{RADAR}/distance")], options={"topic": "v3/town@ttn/devices/+/up"}),
            a_feed("weir", "chirpstack", streams=[stream(f"{WEIR}/level_cm", "G2", unit="cm")],
                   options={"topic": "application/app-1/device/+/event/+"}),
            a_feed("own", "mqtt_json", streams=[stream("canal")]),
            a_feed("board", "thingsboard", streams=[stream("pump/level")],
                   options={"topic": "v1/devices/me/telemetry", "device": "pump"}),
        ):
            actions.declare_feed(session, feed)
    row = {"observed_at": (NOW - timedelta(minutes=5)).isoformat(), "value": 1.5, "unit": "m"}
    messages = [
        ("v3/town@ttn/devices/r/up", _uplink(1)),
        ("application/app-1/device/w/event/up", (RECORDED / "chirpstack_object.json").read_bytes()),
        ("faonam/v1/feeds/own/canal", json.dumps(row | {"key": KEY}).encode()),
        ("v1/devices/me/telemetry", b'{"level": 1.25}'),
        ("faonam/v1/feeds/own/canal", json.dumps(row | {"key": "wrong"}).encode()),
        ("faonam/v1/feeds/own/canal", json.dumps(row).encode()),
        ("faonam/v1/feeds/other/canal", json.dumps(row | {"key": KEY}).encode()),
        ("v3/elsewhere/devices/r/up", b"{}"),
    ]
    arrivals = [(topic, payload, clock.wall_now()) for topic, payload in messages]
    frozen_clock(clock.wall_now())
    with transaction() as session:
        # What was published an hour ago is of an hour ago, though the database was away meanwhile.
        arrivals[3] = (*arrivals[3][:2], clock.wall_now() - timedelta(hours=1))
        fates = actions.take_messages(session, arrivals)
    assert [(fate.status, fate.reason) for (fate,) in fates[4:]] == [
        ("refused", "wrong_key"), ("refused", "wrong_key"), ("refused", "unknown_feed"), ("refused", "unknown_feed"),
    ]
    with transaction() as session:
        stored = {row.source: row.value for row in session.scalars(sa.select(Reading))}
        board_at = session.scalars(sa.select(Reading.observed_at).where(Reading.source == "feed:board")).one()
        kept = session.scalars(sa.select(ReadingRefused).order_by(ReadingRefused.id)).all()
    assert stored == {"feed:lora": 1.5, "feed:weir": 1.425, "feed:own": 1.5, "feed:board": 1.25}
    assert board_at == arrivals[3][2]
    assert [one.reason for one in kept] == ["wrong_key", "wrong_key", "unknown_feed", "unknown_feed"]
    assert not any("key" in one.raw["text"] for one in kept)
