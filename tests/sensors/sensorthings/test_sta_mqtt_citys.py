"""SensorThings through a broker of the city's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from bench.servers import free_port
from core.settings import settings
from tests.sensors.mosquitto import running_mosquitto
from tests.sensors.sensorthings.asking import Sta
from tests.sensors.sensorthings.conftest import datastream, thing
from tests.sensors.sensorthings.mqtt_house import Client, running_gateway, until


@pytest.mark.mosquitto
def test_observations_go_both_ways_through_the_citys_own_broker(
    database: sa.Engine, frozen_clock: Callable[[datetime], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where FAONAM_STA_MQTT is on, what is published is stored once and told; what we tell does not come back to us."""
    port = free_port()
    for name, value in {"MQTT_URL": f"mqtt://127.0.0.1:{port}", "FAONAM_STA_MQTT": "1", "FAONAM_STA_WRITES": "open",
                        "FAONAM_DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    try:
        with (
            running_mosquitto(tmp_path, port, is_open=True),
            Client(port) as client,
            running_gateway(),
            TestClient(create_app(), base_url=settings().api_url) as http,
        ):
            sta = Sta(http)
            assert until("sta_subscription", 2) == 2
            sta.post("Things", thing(Datastreams=[datastream()]))
            client.subscribe("v1.1/Observations", "v1.1/Datastreams(1)/Observations", "v1.1/Things")
            made = sta.post("Datastreams(1)/Observations", {"result": 1})
            assert client.hear_all(2) == {"v1.1/Observations": [made], "v1.1/Datastreams(1)/Observations": [made]}
            raw = {"result": 2}
            client.publish("v1.1/Datastreams(1)/Observations", raw)
            heard = client.hear_all(3)
            assert heard["v1.1/Datastreams(1)/Observations"][0] == raw  # By the broker itself, from client to client.
            [told] = heard["v1.1/Observations"]
            assert heard["v1.1/Datastreams(1)/Observations"][1] == told == sta.get(told["@iot.selfLink"])
            assert client.hears_nothing()
            assert [one["result"] for one in sta.get("Observations")["value"]] == [1, 2]
    finally:
        monkeypatch.undo()
        settings.cache_clear()
