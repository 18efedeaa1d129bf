"""The storm's gauges: half of them speak MQTT, the others HTTP, as in a real city."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import aiomqtt
import httpx

from core.logs import get_logger
from core.settings import settings
from demo.actors.wire import http
from sensors.gateway import broker_address
from sensors.mqtt import connected

log = get_logger("demo")

NOISE_M = 0.006  # A pressure gauge scatters by about half a centimetre.
ATTEMPTS = 30


@dataclass(frozen=True)
class SimulatedGauge:
    """A gauge with its key; `speaks_mqtt` says how its readings travel."""

    code: str
    device_key: str
    speaks_mqtt: bool


@dataclass(frozen=True)
class LevelNow:
    """What a gauge reads at one moment."""

    gauge: SimulatedGauge
    level_m_msl: float
    observed_at: datetime

    def body(self, noise: random.Random) -> dict[str, object]:
        """The reading as the gauge says it: its level with the scatter of an instrument, m above mean sea level."""
        return {
            "datastream": self.gauge.code,
            "observed_at": self.observed_at.isoformat(),
            "value": round(self.level_m_msl + noise.gauss(0.0, NOISE_M), 3),
            "unit": "m",
        }


def tell(levels: Sequence[LevelNow], *, noise: random.Random) -> None:
    """Every gauge has told its level; a gateway or API that restarts is tried again, as real gauges do."""
    by_mqtt = [level for level in levels if level.gauge.speaks_mqtt]
    if by_mqtt:
        asyncio.run(_publish(by_mqtt, noise))
    for level in levels:
        if not level.gauge.speaks_mqtt:
            _post(level, noise)


async def _publish(levels: Sequence[LevelNow], noise: random.Random) -> None:
    address = broker_address()
    # Read once: what a gauge sends again is the same reading, not another of the same moment.
    messages = [
        (f"faonam/v1/{level.gauge.code}/readings", json.dumps(level.body(noise) | {"key": level.gauge.device_key}))
        for level in levels
    ]
    for attempt in range(ATTEMPTS):
        try:
            async with connected(aiomqtt.Client(**address.options(), timeout=5)) as client:
                for topic, body in messages:
                    await client.publish(topic, body, qos=1)
            return
        except aiomqtt.MqttError:
            await asyncio.sleep(min(2.0, 0.1 * 2**attempt))
    log.warning("storm.broker_silent", readings=len(levels))


def _post(level: LevelNow, noise: random.Random) -> None:
    body = level.body(noise)
    for attempt in range(ATTEMPTS):
        try:
            answer = http().post(
                f"{settings().api_url}/api/v1/readings",
                json=[body], headers={"X-Device-Key": level.gauge.device_key},
            )
        except httpx.HTTPError:
            answer = None
        if answer is not None and not answer.is_server_error:
            return
        time.sleep(min(2.0, 0.1 * 2**attempt))
    log.warning("storm.api_silent", gauge=level.gauge.code)
