"""Observations that clients publish (18-088, clause 14.2), and who may say what in the embedded broker."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.db import transaction
from core.settings import settings
from sensors import gateway
from sensors.actions import register_station
from sensors.inbox import Inbox, Kept, Message
from sensors.sensorthings.service import CREATE_OBSERVATIONS
from sensors.topics import HOUSE, INTEREST, INTEREST_HELD, is_observation, is_taken
from tests.sensors.sensorthings.conftest import datastream, station, thing
from tests.sensors.sensorthings.mqtt_house import Client, House, count, until


@pytest.fixture
def client(house: House) -> Iterator[Client]:
    """A client of the broker."""
    with house.client() as client:
        yield client


@pytest.fixture
def stream(house: House) -> str:
    """The address of a new datastream."""
    here = house.sta.post("Things", thing(Datastreams=[datastream(Observations=[{"result": 0}])]))["@iot.id"]
    return f"Datastreams({house.sta.ids(f'Things({here})/Datastreams')[0]})"


def test_an_observation_is_created_on_each_of_its_topics(house: House, client: Client, stream: str) -> None:
    """What is published on the three collections is an observation, told with its id, and its raw form to nobody."""
    before = house.sta.get(f"{stream}/Observations")["value"][0]
    feature = house.sta.get(f"Observations({before['@iot.id']})/FeatureOfInterest")
    about = {"@iot.id": int(stream.split("(")[1].rstrip(")"))}
    with house.client() as listener:
        listener.subscribe("v1.1/Observations", f"v1.1/{stream}/Observations")
        client.publish(f"v1.1/{stream}/Observations", {"result": 1, "parameters": {"n": 1}})
        assert [one["result"] for told in listener.hear_all(2).values() for one in told] == [1, 1]
        client.publish("v1.1/Observations", {"result": 2, "Datastream": about})
        assert [one["result"] for told in listener.hear_all(2).values() for one in told] == [2, 2]
        client.publish(f"v1.1/FeaturesOfInterest({feature['@iot.id']})/Observations", {
            "result": "three", "Datastream": about, "phenomenonTime": "2020-01-01T00:00:00Z",
        })
        told = listener.hear_all(2)
        assert listener.hears_nothing()
    one = told["v1.1/Observations"][0]
    assert house.sta.get(one["@iot.selfLink"]) == one
    assert house.sta.get(f"Observations({one['@iot.id']})/FeatureOfInterest") == feature
    found = {one["result"]: one for one in house.sta.get(f"{stream}/Observations")["value"]}
    assert set(found) == {0, 1, 2, "three"}
    assert found[1]["parameters"] == {"n": 1}


def test_what_says_no_time_was_observed_when_it_came(house: House, client: Client, stream: str) -> None:
    """The time of an observation without one is that of its message, by the city's clock."""
    client.publish(f"v1.1/{stream}/Observations", {"result": 5})
    deadline = time.monotonic() + 10
    while len(found := house.sta.get(f"{stream}/Observations")["value"]) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    said = {one["result"]: datetime.fromisoformat(one["phenomenonTime"]) for one in found}
    stood = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    assert stood - timedelta(seconds=5) < said[5] <= stood


@pytest.fixture
def gauge() -> str:
    """The address of a station's datastream."""
    with transaction() as session:
        register_station(session, station())
        id_ = session.execute(sa.text("SELECT id FROM datastream WHERE code IS NOT NULL")).scalar_one()
        return f"Datastreams({id_})"


def test_what_is_none_is_kept_with_the_reason(house: House, client: Client, stream: str, gauge: str) -> None:
    """Broken, oversized, for nobody, for a station: none is stored, each stands in quarantine as it came."""
    before, refused = count("reading"), count("reading_refused")
    bad: list[tuple[str, Any, str]] = [
        (f"v1.1/{stream}/Observations", b"{broken", "not_json"), ("v1.1/Observations", {"result": 1}, "malformed"),
        (f"v1.1/{stream}/Observations", {"result": "x" * 70_000}, "too_large"),
        (f"v1.1/{stream}/Observations", b'{"result": NaN}', "not_json"),
        ("v1.1/Datastreams(99999)/Observations", {"result": 1}, "no_such_entity"),
        ("v1.1/Nothing(1)/Observations", {"result": 1}, "no_such_topic"),
        (f"v1.1/{gauge}/Observations", {"result": 1}, "station_owns"),
    ]
    with house.client() as listener:
        listener.subscribe("v1.1/#")
        for topic, content, _ in bad:
            client.publish(topic, content)
        assert until("reading_refused", refused + len(bad)) == refused + len(bad)
        assert listener.hears_nothing()
    with transaction() as session:
        kept = session.execute(sa.text("SELECT raw, reason, source FROM reading_refused ORDER BY id")).all()[refused:]
    assert [(row.raw["topic"], row.reason, row.source) for row in kept] == [
        (topic, reason, "sensorthings_mqtt") for topic, _, reason in bad
    ]
    assert json.loads(kept[-1].raw["message"]) == {"result": 1}
    assert all(row.raw["detail"].endswith(".") for row in kept)
    assert count("reading") == before


@pytest.mark.parametrize(("writes", "broker", "is_open"), [
    ("loopback", None, True), ("closed", None, False), ("open", None, True), ("loopback", "mqtt://broker", False),
    ("open", "mqtt://broker", True),
])
def test_who_may_publish_is_who_may_write(
    stream: str, monkeypatch: pytest.MonkeyPatch, writes: str, broker: str | None, is_open: bool
) -> None:
    """The embedded broker is this machine's; the city's own takes messages where writing is open to all."""
    monkeypatch.setenv("FAONAM_STA_WRITES", writes)
    if broker is not None:
        monkeypatch.setenv("MQTT_URL", broker)
    settings.cache_clear()
    before = count("reading")
    gateway.store_batch([_kept(1, f"v1.1/{stream}/Observations")], f"inbox {writes} {broker}")
    assert count("reading") == before + is_open
    monkeypatch.undo()
    settings.cache_clear()


def _kept(number: int, topic: str, content: bytes = b'{"result": 1}') -> Kept:
    return Kept(number, Message(topic, content, datetime.now(UTC)))


def test_a_message_that_is_stored_again_is_one_observation(stream: str, tmp_path: Path) -> None:
    """A gateway that died between the commit and the inbox stores the same messages again: nothing comes twice."""
    before = count("reading")
    batch = [_kept(number, f"v1.1/{stream}/Observations") for number in (1, 2)]
    with Inbox(tmp_path / "one") as one, Inbox(tmp_path / "one") as same, Inbox(tmp_path / "two") as other:
        assert one.name == same.name != other.name
        gateway.store_batch(batch, one.name)
        gateway.store_batch([*batch, _kept(3, f"v1.1/{stream}/Observations")], same.name)
        assert count("reading") == before + 3
        gateway.store_batch(batch, other.name)
    assert count("reading") == before + 5


def test_nobody_is_taken_for_the_house(house: House, client: Client) -> None:
    """What SensorThings tells cannot be forged: not by a message, a retained one, a last will, nor by the name."""
    forged = {"@iot.id": 1, "name": "forged"}
    with house.client() as listener:
        assert listener.subscribe("v1.1/Things", INTEREST, "#") == [1, 128, 1]
        client.publish("v1.1/Things", forged)
        client.publish("v1.1/Things(1)", forged, retain=True)
        client.publish(INTEREST, [99, []])
        client.publish(INTEREST_HELD, b"99")
        dying = house.client()
        dying.will("v1.1/Things", json.dumps(forged).encode())
        with dying:
            dying.break_off()
        assert listener.hears_nothing()
    with house.client() as late:
        late.subscribe("v1.1/Things(1)")
        assert late.hears_nothing()


def test_what_came_on_a_wrong_topic_is_kept_as_refused(house: House, client: Client) -> None:
    """An acknowledged message on a mistyped topic of ours stands in quarantine, without its key; others' do not."""
    refused = count("reading_refused")
    for topic in ("faonam/v1/nope", "faonam/v1/G1/reading", "v1.1/Things(8)", "somebody/else"):
        client.publish(topic, {"key": "hush", "value": 1})
    assert until("reading_refused", refused + 3) == refused + 3
    with transaction() as session:
        kept = session.execute(sa.text("SELECT raw, reason FROM reading_refused ORDER BY id")).all()[refused:]
    assert [(row.raw["topic"], row.reason) for row in kept] == [
        (topic, "no_such_topic") for topic in ("faonam/v1/nope", "faonam/v1/G1/reading", "v1.1/Things(8)")
    ]
    assert all("hush" not in row.raw["text"] for row in kept)


def test_the_houses_name_needs_its_password(house: House) -> None:
    """Who calls itself the gateway without its password is not let in."""
    refused: list[int] = []
    stranger = house.client()
    stranger.on_connect(HOUSE, "guessed", refused.append)
    with stranger:
        deadline = time.monotonic() + 5
        while not refused and time.monotonic() < deadline:
            time.sleep(0.02)
    assert refused[0] >= 128


@pytest.mark.parametrize(("topic", "is_one"), [
    ("v1.1/Observations", True), ("v1.1/Datastreams(1)/Observations", True), ("v1.1/Things", False),
    ("v1.1/Things(1)/Datastreams(1)/Observations", False), ("v1.0/Observations", False), ("v1.1/+/Observations", False),
    ("faonam/v1/G1/readings", False), ("", False),
])
def test_only_collections_of_observations_are_taken(topic: str, is_one: bool) -> None:
    """Messages on other topics of the standard are not kept for the database."""
    assert is_observation(topic) is is_one
    assert is_taken(topic) is (is_one or topic == "faonam/v1/G1/readings")


def test_the_root_claims_creation_and_says_where(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """create-observations-via-mqtt/observations-creation is claimed with the broker's address, without its account.

    It is not claimed where the city's own broker does not carry SensorThings.
    """
    said = house.sta.get("")["serverSettings"]
    assert CREATE_OBSERVATIONS in said["conformance"]
    assert said[CREATE_OBSERVATIONS] == {"endpoints": [f"mqtt://127.0.0.1:{house.port}"]}
    monkeypatch.setenv("MQTT_URL", "mqtts://city:p%40ss@broker.example:8884")
    settings.cache_clear()
    assert CREATE_OBSERVATIONS not in house.sta.get("")["serverSettings"]
    monkeypatch.setenv("FAONAM_STA_MQTT", "1")
    settings.cache_clear()
    said = house.sta.get("")["serverSettings"]
    assert said[CREATE_OBSERVATIONS] == {"endpoints": ["mqtts://broker.example:8884"]}
    monkeypatch.undo()
    settings.cache_clear()
