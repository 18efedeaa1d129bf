"""What subscribers are told (18-088, clause 14.3), by a real broker from a real database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.db import transaction
from sensors import changes
from sensors.actions import IncomingReading, register_station, store_readings
from sensors.sensorthings.model import ENTITIES
from sensors.sensorthings.service import RECEIVE_UPDATES
from tests.sensors.sensorthings.conftest import PLACE, datastream, station, thing
from tests.sensors.sensorthings.mqtt_house import Client, House, count, until

NOW = datetime.fromisoformat("2026-11-21T03:00:00+00:00")


@pytest.fixture
def client(house: House) -> Iterator[Client]:
    """A client of the broker; what others wanted has been told."""
    with house.client() as client:
        yield client
    assert until("sta_subscription", 0) == 0


@pytest.fixture(scope="module")
def whole(house: House) -> dict[str, Any]:
    """One entity of each kind by its name, made by one deep insert."""
    house.sta.post("Things", thing(Datastreams=[datastream(Observations=[{"result": 1}])]))
    return {name: house.sta.get(entity.collection)["value"][0] for name, entity in ENTITIES.items()}


@pytest.fixture(scope="module")
def gauge(house: House) -> int:
    """The id of a station's datastream."""
    with transaction() as session:
        register_station(session, station())
        return int(session.execute(sa.text("SELECT id FROM datastream WHERE code = 'G1'")).scalar_one())


def _path(name: str, entity: dict[str, Any]) -> str:
    return f"{ENTITIES[name].collection}({entity['@iot.id']})"


def test_every_kind_of_entity_is_told_when_it_is_created(house: House, client: Client) -> None:
    """A deep insert tells each of its entities on its collection's topic, as HTTP shows it, once."""
    collections = [entity.collection for entity in ENTITIES.values()]
    assert client.subscribe(*(f"v1.1/{name}" for name in collections)) == [1] * 8
    house.sta.post("Things", thing(Datastreams=[datastream(Observations=[{"result": 1}])]))
    heard = client.hear_all(8)
    assert {topic: len(told) for topic, told in heard.items()} == {f"v1.1/{name}": 1 for name in collections}
    for [told] in heard.values():
        assert house.sta.get(told["@iot.selfLink"]) == told
    assert client.hears_nothing()


@pytest.mark.parametrize(("name", "change"), [
    ("Thing", {"description": "new"}), ("Location", {"name": "new"}), ("Sensor", {"metadata": "new"}),
    ("HistoricalLocation", {"time": "2020-01-01T00:00:00Z"}), ("ObservedProperty", {"definition": "http://new/"}),
    ("Datastream", {"unitOfMeasurement": {"name": "new", "symbol": None, "definition": None}}),
    ("Observation", {"result": 7}), ("FeatureOfInterest", {"description": "new"}),
])
def test_a_change_is_told_on_the_topics_of_the_entity(
    house: House, client: Client, whole: dict[str, Any], name: str, change: dict[str, Any]
) -> None:
    """PATCH is told whole on the entity and its collection, and alone on the property; other topics are silent."""
    [property_] = change
    path, collection = _path(name, whole[name]), ENTITIES[name].collection
    own = [f"v1.1/{path}", f"v1.1/{collection}", f"v1.1/{path}/{property_}"]
    others = [f"v1.1/{path}/{one}" for one in ENTITIES[name].properties if one != property_]
    client.subscribe(*own, f"v1.1/{collection}(9999)", *others)
    house.sta.send("PATCH", path, change, status=200)
    now = house.sta.get(path)
    assert client.hear_all(3) == {own[0]: [now], own[1]: [now], own[2]: [change]}
    assert now[property_] == change[property_]
    assert client.hears_nothing()


def test_a_replacement_is_told_too(house: House, client: Client, whole: dict[str, Any]) -> None:
    """PUT is told like PATCH."""
    path = _path("Thing", whole["Thing"])
    client.subscribe(f"v1.1/{path}")
    house.sta.send("PUT", path, {"name": "put", "description": "d"}, status=200)
    assert client.hear(f"v1.1/{path}")["name"] == "put"


def test_relations_and_selections_are_topics(house: House, client: Client, whole: dict[str, Any]) -> None:
    """A way along relations leads to what belongs there now; $select leaves what it names; JSON has topics inside."""
    here, stream = _path("Thing", whole["Thing"]), _path("Datastream", whole["Datastream"])
    asked = f"v1.1/{stream}/Observations?$select=result,phenomenonTime"
    client.subscribe(f"v1.1/{here}/Datastreams", asked, f"v1.1/{stream}/Thing?$select=name",
                     f"v1.1/{here}/properties/colour", f"v1.1/{here}/Locations")
    house.sta.post("Things", thing(Datastreams=[datastream(Observations=[{"result": 5}])]))  # Another thing's.
    made = house.sta.post(f"{here}/Datastreams", datastream(name="second"))
    assert client.hear(f"v1.1/{here}/Datastreams") == made
    time = "2020-01-02T00:00:00Z"
    house.sta.post(f"{stream}/Observations", {"result": 2, "phenomenonTime": time})
    assert client.hear(asked) == {"result": 2, "phenomenonTime": time}
    house.sta.send("PATCH", here, {"name": "N", "properties": {"colour": "blue"}}, status=200)
    assert client.hear_all(2) == {
        f"v1.1/{stream}/Thing?$select=name": [{"name": "N"}], f"v1.1/{here}/properties/colour": [{"colour": "blue"}],
    }
    place = house.sta.post(f"{here}/Locations", PLACE)
    assert house.sta.ids(f"{here}/Locations") == [place["@iot.id"]]
    assert client.hear_all(2).keys() == {f"v1.1/{here}/Locations", f"v1.1/{stream}/Thing?$select=name"}
    assert client.hears_nothing()


def test_a_pattern_is_told_what_is_told_anywhere_below_it(house: House, client: Client, whole: dict[str, Any]) -> None:
    """MQTT's own patterns work: + and # hear an observation on each of its topics that they match."""
    stream = _path("Datastream", whole["Datastream"])
    about = {"@iot.id": whole["FeatureOfInterest"]["@iot.id"]}
    client.subscribe("v1.1/+/Observations", "v1.1/#")
    id_ = house.sta.post(f"{stream}/Observations", {"result": 2, "FeatureOfInterest": about})["@iot.id"]
    heard = client.hear_all(4)  # The broker sends once for each subscription that matches.
    assert {topic: len(told) for topic, told in heard.items()} == {
        "v1.1/Observations": 1, f"v1.1/Observations({id_})": 1, f"v1.1/{stream}/Observations": 2,
    }


def test_rows_of_arrays_are_told_each(house: House, client: Client, whole: dict[str, Any]) -> None:
    """CreateObservations tells one message a row, in the order of the rows."""
    client.subscribe("v1.1/Observations?$select=result")
    block = {"Datastream": {"@iot.id": whole["Datastream"]["@iot.id"]}, "components": ["result"],
             "dataArray": [[10], [11], [12]]}
    house.sta.post("CreateObservations", [block])
    assert [client.hear("v1.1/Observations?$select=result")["result"] for _ in range(3)] == [10, 11, 12]


def test_readings_of_devices_are_told_as_observations(house: House, client: Client, gauge: int) -> None:
    """What comes by the intake is told with its flag, and again when a later reading shows it in another light."""
    topic = f"v1.1/Datastreams({gauge})/Observations"
    client.subscribe(topic)
    _store([IncomingReading("G1", NOW - timedelta(minutes=30 - 5 * step), 1.0, "m") for step in range(3)])
    told = [client.hear(topic) for _ in range(3)]
    assert [one["result"] for one in told] == [1, 1, 1]
    assert house.sta.get(told[0]["@iot.selfLink"]) == told[0]
    _store([IncomingReading("G1", NOW - timedelta(minutes=15), 2.6, "m")])
    spike = client.hear(topic)
    _store([IncomingReading("G1", NOW - timedelta(minutes=10), 1.0, "m")])
    again = {one["@iot.id"]: one for one in client.hear_all(2)[topic]}
    assert again[spike["@iot.id"]]["resultQuality"] != spike["resultQuality"]


def _store(readings: list[IncomingReading]) -> None:
    with transaction() as session:
        store_readings(session, readings, source="test")


def test_nothing_is_told_before_the_commit_nor_of_what_was_rolled_back(
    house: House, client: Client, gauge: int
) -> None:
    """A subscriber hears of a change when everybody can read it, and never of one that was taken back."""
    client.subscribe("v1.1/Observations")
    with suppress(KeyError), transaction() as session:
        store_readings(session, [IncomingReading("G1", NOW - timedelta(minutes=8), 1.0, "m")], source="test")
        raise KeyError
    with transaction() as session:
        store_readings(session, [IncomingReading("G1", NOW - timedelta(minutes=7), 1.0, "m")], source="test")
        session.flush()
        assert client.hears_nothing()
    assert client.hear("v1.1/Observations")["phenomenonTime"] == "2026-11-21T02:53:00Z"
    assert client.hears_nothing()


def test_nothing_is_noted_while_nobody_waits_for_it(house: House, client: Client, gauge: int) -> None:
    """The outbox stays empty without subscribers, with subscribers of other things, and after the last one went."""
    with house.client() as other:
        other.subscribe("v1.1/Observations", "v1.1/Things(1)/nothing", "v1.2/Things", "elsewhere")
        other.unsubscribe("v1.1/Observations")
        other.subscribe("v1.1/Sensors")
        assert until("sta_subscription", 1) == 1
        assert _noted_by_a_reading(gauge, minutes=5) == 0
        other.subscribe(f"v1.1/Datastreams({gauge + 1})/Observations")
        assert _noted_by_a_reading(gauge, minutes=4) == 0
        other.subscribe(f"v1.1/Datastreams({gauge})/Observations")
        assert _noted_by_a_reading(gauge, minutes=3) == 1
    assert until("sta_subscription", 0) == 0
    assert _noted_by_a_reading(gauge, minutes=2) == 0


def _noted_by_a_reading(gauge: int, *, minutes: int) -> int:
    """How many notes a batch of one reading makes, seen before its commit."""
    with transaction() as session:
        store_readings(session, [IncomingReading("G1", NOW - timedelta(minutes=minutes), 1.0, "m")], source="test")
        mine = sa.text("SELECT count(*) FROM sta_change WHERE xmin = CAST(CAST(pg_current_xact_id() AS text) AS xid)")
        found: int = session.execute(mine).scalar_one()
        return found


def test_what_a_dead_gateway_waited_for_is_forgotten(house: House, client: Client, gauge: int) -> None:
    """Interest that nobody renews lapses, so that the outbox of a house without a gateway does not grow."""
    client.subscribe("v1.1/Observations")
    with transaction() as session:
        session.execute(sa.text("UPDATE sta_subscription SET held_until = clock_timestamp()"))
    assert _noted_by_a_reading(gauge, minutes=1) == 0
    client.subscribe("v1.1/Things")
    assert _noted_by_a_reading(gauge, minutes=0) == 1


def test_the_gateway_listens_again_after_the_database_hung_up(
    house: House, client: Client, whole: dict[str, Any]
) -> None:
    """What is committed while the gateway's ear is cut off is told when it is back, and nothing is told twice."""
    client.subscribe("v1.1/Sensors")
    with transaction() as session:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'faonam gateway' "
        assert session.execute(sa.text(cut + "AND datname = current_database()")).all() == [(True,)]
    path = _path("Sensor", whole["Sensor"])
    for name in ("a", "b"):
        house.sta.send("PATCH", path, {"name": name}, status=200)
    heard = [client.hear("v1.1/Sensors")["name"] for _ in range(2)]
    assert heard[1] == "b"
    assert client.hears_nothing()
    assert count("sta_change") == 0


def test_the_outbox_is_bounded(house: House) -> None:
    """Beyond its limit the oldest notes go, and how many went is known."""
    with transaction() as session:
        changes.hold_interest(session, [changes.Wanted("v1.1/Things", "Thing")])
        changes.note_new(session, "Thing", range(1, 11))
        assert changes.drop_excess(session, 4) == 6
        assert [change.entity_id for _, change in changes.oldest(session, 10) if change] == [7, 8, 9, 10]
        assert changes.drop_excess(session, 4) == 0
        changes.hold_interest(session, [])
        assert changes.oldest(session, 10) == []


def test_the_root_claims_updates_and_says_where(house: House) -> None:
    """receive-updates-via-mqtt/receive-updates stands in the conformance with the broker's address."""
    said = house.sta.get("")["serverSettings"]
    assert RECEIVE_UPDATES in said["conformance"]
    assert said[RECEIVE_UPDATES] == {"endpoints": [f"mqtt://127.0.0.1:{house.port}"]}
