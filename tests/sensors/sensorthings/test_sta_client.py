"""The client that others use, frost_sta_client as it is published, against a running service."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from api.app import create_app
from api.server import listening_socket, server_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # What the client's own imports warn of is its makers' affair.
    import frost_sta_client as fsc

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def service(database: sa.Engine) -> Iterator[fsc.SensorThingsService]:
    """The published client and a server of its own on a free port."""
    listening = listening_socket("127.0.0.1", 0)
    server = server_of(create_app())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    for _ in range(1000):
        if server.started:
            break
        time.sleep(0.01)
    yield fsc.SensorThingsService(f"http://127.0.0.1:{listening.getsockname()[1]}/sta/v1.1")
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def _thing() -> fsc.Thing:
    place = fsc.Location(
        name="Pier", description="l", encoding_type="application/geo+json",
        location={"type": "Point", "coordinates": [100.5, 7.5]},
    )
    stream = fsc.Datastream(
        name="Level", description="d", observation_type="http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        unit_of_measurement=fsc.UnitOfMeasurement(name="metre", symbol="m", definition="ucum:m"),
        sensor=fsc.Sensor(name="S", description="s", encoding_type="text/plain", metadata="none"),
        observed_property=fsc.ObservedProperty(name="P", definition="http://example.org/level", description="p"),
    )
    return fsc.Thing(name="T", description="t", properties={"colour": "red"}, locations=[place], datastreams=[stream])


def test_the_published_client_creates_asks_turns_pages_and_deletes(service: fsc.SensorThingsService) -> None:
    """An unmodified client of the standard gets what it asks for: entities, filters, expansion, pages, deletion."""
    thing = _thing()
    service.create(thing)
    found = service.things().find(thing.id)
    assert (found.name, found.properties) == ("T", {"colour": "red"})
    stream = service.datastreams().query().filter("Thing/name eq 'T'").expand("Sensor").list().entities[0]
    assert (stream.name, stream.sensor.name, stream.unit_of_measurement.symbol) == ("Level", "S", "m")
    for n in range(25):
        at = f"2020-01-{n + 1:02}T00:00:00Z"
        service.create(fsc.Observation(phenomenon_time=at, result=n, datastream=stream))
    page = service.observations().query().filter("result ge 5").orderby("result", "asc").top(7).list()
    assert [seen.result for seen in page] == list(range(5, 25))
    found.name = "renamed"
    service.update(found)
    assert service.things().find(thing.id).name == "renamed"
    block = fsc.DataArrayValue()
    block.datastream = stream
    block.components = {block.Property.PHENOMENON_TIME, block.Property.RESULT}
    for n in range(3):
        block.add_observation(fsc.Observation(phenomenon_time=f"2021-01-0{n + 1}T00:00:00Z", result=100 + n))
    arrays = fsc.DataArrayDocument()
    arrays.add_data_array_value(block)
    assert len(service.observations().create(arrays)) == 3
    assert service.observations().query().filter("result ge 100").count().list().count == 3
    service.delete(found)
    assert service.observations().query().count().list().count == 0
