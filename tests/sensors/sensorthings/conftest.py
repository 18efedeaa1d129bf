"""A city with one station, and a client of SensorThings that talks to it over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from bench.servers import free_port
from core import clock
from core.db import transaction
from core.settings import settings
from gis.points import LonLat
from sensors.actions import IncomingReading, NewStation, register_station, store_readings
from tests.sensors.sensorthings.asking import Sta as Sta
from tests.sensors.sensorthings.mqtt_house import House, running_gateway

DEVICE_KEY = "key-of-G1-long-and-random"


def station(**changes: object) -> NewStation:
    """A gauge as a city pack gives it."""
    facts: dict[str, object] = {
        "code": "G1", "name_th": "สะพาน", "name_en": "Bridge", "kind": "gauge", "place": LonLat(lon=100.0, lat=8.0),
        "bank_m_msl": 5.0, "bed_m_msl": 0.0, "watch_m_msl": 3.0, "warning_m_msl": 4.0, "danger_m_msl": 5.0,
        "interval_s": 300, "device_key": DEVICE_KEY, "trust": "real", "layer": "gauges",
    }
    return NewStation(**(facts | changes))  # type: ignore[arg-type]  # the facts are those of NewStation


def _client() -> Iterator[Sta]:
    with TestClient(create_app()) as http:
        yield Sta(http)


@pytest.fixture
def sta(database: sa.Engine, frozen_clock: Callable[[datetime], None]) -> Iterator[Sta]:
    """A client of a service without any entity; the clock stands at 2026-11-21 03:00 UTC."""
    yield from _client()


@pytest.fixture
def gauge(sta: Sta, now: datetime) -> int:
    """The id of a station's datastream with three readings, 10 minutes apart, the last one 10 minutes ago."""
    with transaction() as session:
        register_station(session, station())
        rows = [IncomingReading("G1", now - timedelta(minutes=10 * ago), 1.0 + ago, "m") for ago in (3, 2, 1)]
        store_readings(session, rows, source="test")
        return int(session.execute(sa.text("SELECT id FROM datastream")).scalar_one())


@pytest.fixture
def now() -> datetime:
    """Where the test clock stands."""
    return datetime.fromisoformat("2026-11-21T03:00:00+00:00")


SENSOR = {"name": "S", "description": "s", "encodingType": "text/plain", "metadata": "none"}
PROPERTY = {"name": "Level", "description": "p", "definition": "http://example.org/level"}
PLACE = {
    "name": "Pier", "description": "l", "encodingType": "application/geo+json",
    "location": {"type": "Point", "coordinates": [100.5, 7.5]},
}


def datastream(**more: Any) -> dict[str, Any]:
    """A datastream with its sensor and property, as a body inserts it."""
    return {
        "name": "D", "description": "d", "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": "ucum:m"},
        "Sensor": SENSOR, "ObservedProperty": PROPERTY, **more,
    }


def thing(**more: Any) -> dict[str, Any]:
    """A thing at a place with one datastream, as a body inserts it."""
    return {"name": "T", "description": "t", "properties": {"colour": "red", "size": 3}, "Locations": [PLACE],
            "Datastreams": [datastream()], **more}


@pytest.fixture(scope="module")
def house(module_database: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that works: gateway, embedded broker and API; the clock stands at 2026-11-21 03:00 UTC."""
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAONAM_MQTT_PORT", str(port))
        patch.setenv("FAONAM_DATA_DIR", str(tmp_path_factory.mktemp("house")))
        patch.delenv("MQTT_URL", raising=False)
        settings.cache_clear()
        clock.freeze(lambda: datetime.fromisoformat("2026-11-21T03:00:00+00:00"))
        with running_gateway(), TestClient(create_app(), base_url=settings().api_url) as http:
            yield House(Sta(http), port)
    clock.freeze(None)
    settings.cache_clear()
