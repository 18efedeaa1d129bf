"""From a device's publish to the table: a real broker, a real database, bursts, restarts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
import pytest
import sqlalchemy as sa

from bench.servers import free_port
from core import db
from core.errors import SetupError
from core.settings import settings
from gis.points import LonLat
from sensors import gateway
from sensors.actions import NewStation, register_station
from sensors.feeds_store.actions import declare_feed
from sensors.inbox import Inbox, Message, inbox_path
from sensors.models import Reading, ReadingRefused
from sensors.mqtt import connected
from sensors.partitions import ensure_partitions
from tests.sensors.feeds_house.declared import a_feed, stream
from tests.sensors.mosquitto import PASSWORD, USERNAME, running_mosquitto

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
STATIONS = 10


@pytest.fixture
def port(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: sa.Engine, frozen_clock: Callable[..., None]
) -> int:
    """A free port for the embedded broker, an empty inbox, and ten stations with keys."""
    free = free_port()
    monkeypatch.setenv("FAONAM_MQTT_PORT", str(free))
    monkeypatch.setenv("FAONAM_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MQTT_URL", raising=False)
    settings.cache_clear()
    with db.transaction() as session:
        ensure_partitions(session, [NOW.date(), (NOW - timedelta(days=1)).date()])
        for number in range(STATIONS):
            register_station(session, _station(f"G{number}"))
    return free


def _station(code: str) -> NewStation:
    return NewStation(
        code=code,
        name_th="คลอง",
        name_en="Canal",
        kind="gauge",
        place=LonLat(lon=100.0, lat=8.0),
        bank_m_msl=2.5,
        bed_m_msl=-1.5,
        watch_m_msl=1.0,
        warning_m_msl=1.5,
        danger_m_msl=2.0,
        interval_s=60,
        device_key=f"key-of-{code}",
        trust="simulated",
        layer="gauges",
    )


@asynccontextmanager
async def _gateway() -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(gateway.serve(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


@asynccontextmanager
async def _device(port: int) -> AsyncIterator[aiomqtt.Client]:
    """A device that waits for the broker to be there."""
    for _ in range(200):
        try:
            async with connected(aiomqtt.Client("127.0.0.1", port, max_concurrent_outgoing_calls=8)) as client:
                yield client
                return
        except aiomqtt.MqttError:
            await asyncio.sleep(0.05)
    pytest.fail("the embedded broker never came up")


def _message(code: str, step: int, **changes: object) -> bytes:
    body = {
        "observed_at": (NOW - timedelta(seconds=step)).isoformat(),
        "value": 0.5 + 0.001 * step,
        "unit": "m",
        "key": f"key-of-{code}",
    }
    return json.dumps(body | changes).encode()


def _count(table: type[Any]) -> int:
    with db.transaction() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


async def _until(table: type[Any], expected: int, *, limit_s: float = 20) -> int:
    deadline = asyncio.get_running_loop().time() + limit_s
    count = 0
    while asyncio.get_running_loop().time() < deadline:
        count = await asyncio.to_thread(_count, table)
        if count >= expected:
            break
        await asyncio.sleep(0.05)
    return count


def test_a_thousand_publishes_at_once_lose_nothing(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    """A burst of 1,000 messages becomes 1,000 readings, with fewer than 20 lines in the log."""

    async def burst() -> int:
        async with _gateway():
            async with _device(port) as device:
                await asyncio.gather(
                    *(
                        device.publish(
                            f"faonam/v1/G{step % STATIONS}/readings", _message(f"G{step % STATIONS}", step), 1
                        )
                        for step in range(1000)
                    )
                )
            return await _until(Reading, 1000)

    assert asyncio.run(burst()) == 1000
    captured = capfd.readouterr()
    assert len((captured.out + captured.err).splitlines()) < 20


def test_what_cannot_be_used_is_kept_and_stops_nothing(port: int) -> None:
    """Broken JSON, a stolen key and a foreign topic beside a good reading: only the good one is stored."""

    async def send() -> tuple[int, int]:
        async with _gateway():
            async with _device(port) as device:
                await device.publish("faonam/v1/G1/readings", b"{broken", qos=1)
                await device.publish("faonam/v1/G1/readings", _message("G1", 1, key="key-of-G2"), qos=1)
                await device.publish("faonam/v1/NOBODY/readings", _message("NOBODY", 1), qos=1)
                await device.publish("faonam/v1/G1/readings", b"", qos=1)
                await device.publish("faonam/v1/G1/readings", _message("G1", 2), qos=1)
            refused = await _until(ReadingRefused, 4)
            return await _until(Reading, 1), refused

    assert asyncio.run(send()) == (1, 4)


def test_what_a_network_server_publishes_reaches_its_feed(port: int) -> None:
    """An uplink on the topic that a feed declares is stored for the feed's gauge; one that nobody claims is kept."""
    with db.transaction() as session:
        declare_feed(session, a_feed("lora", "tts", streams=[stream("PROBE/level")], options={
            "topic": "v3/town@ttn/devices/+/up"}))
    uplink = {"f_cnt": 7, "decoded_payload": {"level": 0.75}, "received_at": NOW.isoformat()}
    message = json.dumps({"end_device_ids": {"device_id": "PROBE"}, "uplink_message": uplink}).encode()

    async def send() -> tuple[int, int]:
        async with _gateway():
            async with _device(port) as device:
                await device.publish("v3/town@ttn/devices/probe/up", message, qos=1)
                await device.publish("v3/town@ttn/devices/probe/up", message, qos=1)
                await device.publish("v3/other@ttn/devices/probe/up", message, qos=1)
                await device.publish("faonam/v1/G1/readings", _message("G1", 2), qos=1)
            refused = await _until(ReadingRefused, 1)
            return await _until(Reading, 2), refused

    assert asyncio.run(send()) == (2, 1)


def test_nobody_else_is_sent_what_a_gauge_sends(port: int) -> None:
    """A message of a gauge carries its key: who subscribes to everything hears of it nothing."""

    async def listen() -> list[str]:
        heard: list[str] = []
        async with _gateway(), _device(port) as listener:
            await listener.subscribe("#", qos=1)
            async with _device(port) as device:
                await device.publish("faonam/v1/G1/readings", _message("G1", 1), qos=1)
                await device.publish("elsewhere", b"over", qos=1)
            async for message in listener.messages:
                heard.append(message.topic.value)
                if heard[-1] == "elsewhere":
                    break
            await _until(Reading, 1)
        return heard

    assert asyncio.run(listen()) == ["elsewhere"]


def _broker_pid(port: int) -> int:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if words[1:4] == [b"-m", b"sensors.broker", str(port).encode()]:
                return int(entry)
    pytest.fail("no broker runs")


def test_a_broker_that_is_killed_comes_back_and_so_does_the_gateway(port: int) -> None:
    """After kill -9 of the embedded broker, readings published later arrive without anybody's help."""

    async def kill_and_send() -> int:
        async with _gateway():
            async with _device(port):
                os.kill(_broker_pid(port), signal.SIGKILL)
            await asyncio.sleep(0.1)
            async with _device(port) as device:
                await device.publish("faonam/v1/G1/readings", _message("G1", 1), qos=1)
            return await _until(Reading, 1)

    assert asyncio.run(kill_and_send()) == 1


def test_a_database_that_goes_away_costs_time_and_no_readings(port: int) -> None:
    """While the database refuses work the batch waits; when it is back everything is stored."""

    def refuse(is_refusing: bool) -> None:
        with db.transaction() as session:
            before, after = ("reading", "reading_away") if is_refusing else ("reading_away", "reading")
            session.execute(sa.text(f"ALTER TABLE {before} RENAME TO {after}"))
            before, after = ("reading_refused", "refused_away") if is_refusing else ("refused_away", "reading_refused")
            session.execute(sa.text(f"ALTER TABLE {before} RENAME TO {after}"))

    async def send() -> int:
        async with _gateway():
            await asyncio.to_thread(refuse, True)
            async with _device(port) as device:
                for step in range(50):
                    await device.publish("faonam/v1/G1/readings", _message("G1", step), qos=1)
                await asyncio.sleep(1.0)
                await asyncio.to_thread(refuse, False)
            return await _until(Reading, 50)

    assert asyncio.run(send()) == 50


def test_what_was_taken_before_a_gateway_ended_is_stored_by_the_next(port: int) -> None:
    """Messages that an earlier gateway left in the inbox are stored, with the time at which they were taken."""
    taken_at = datetime(2026, 11, 21, 2, 59, tzinfo=UTC)
    with Inbox(inbox_path()) as inbox:
        inbox.keep([Message("faonam/v1/G1/readings", _message("G1", step), taken_at) for step in range(600)])

    async def start() -> int:
        async with _gateway():
            return await _until(Reading, 600)

    assert asyncio.run(start()) == 600
    with db.transaction() as session:
        assert set(session.scalars(sa.select(Reading.received_wall_at))) == {taken_at}
    with Inbox(inbox_path()) as inbox:
        assert inbox.oldest(1) == []


def test_a_message_that_cannot_be_kept_is_not_acknowledged(port: int) -> None:
    """Where the inbox takes nothing, the device gets no answer, and the reading arrives when it sends again."""

    async def send() -> tuple[bool, bool, int]:
        async with _gateway():
            async with _device(port):
                pass  # The broker is there.
            with sqlite3.connect(inbox_path()) as file:
                file.execute("CREATE TRIGGER full BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'full'); END")
            device = paho.Client(paho.CallbackAPIVersion.VERSION2)
            device.connect("127.0.0.1", port)
            device.loop_start()
            sent = device.publish("faonam/v1/G1/readings", _message("G1", 1), qos=1)
            await asyncio.sleep(1.0)
            is_acknowledged = sent.is_published()
            with sqlite3.connect(inbox_path()) as file:
                file.execute("DROP TRIGGER full")
            await asyncio.to_thread(sent.wait_for_publish, 20)
            device.disconnect()
            device.loop_stop()
            return is_acknowledged, sent.is_published(), await _until(Reading, 1)

    assert asyncio.run(send()) == (False, True, 1)


# --- a broker of the city's own ------------------------------------------------------------------------------------


@asynccontextmanager
async def _known_device(port: int) -> AsyncIterator[aiomqtt.Client]:
    device = aiomqtt.Client(
        "127.0.0.1", port, username=USERNAME, password=PASSWORD, max_concurrent_outgoing_calls=50
    )
    async with connected(device):
        yield device


async def _publish(port: int, steps: range) -> None:
    async with _known_device(port) as device:
        for step in steps:
            await device.publish("faonam/v1/G1/readings", _message("G1", step), qos=1)


@pytest.fixture
def citys_port(port: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """The port of a broker of the city's own, which `MQTT_URL` names."""
    monkeypatch.setenv("MQTT_URL", f"mqtt://city:p%40ss@127.0.0.1:{port}")
    settings.cache_clear()
    return port


@pytest.mark.mosquitto
def test_readings_come_through_the_citys_own_broker(citys_port: int, tmp_path: Path) -> None:
    """With `MQTT_URL` no broker of ours starts; what is published while no gateway runs is stored by the next."""

    async def play() -> tuple[int, int]:
        async with _gateway():
            for step in range(100):  # Until the gateway has subscribed for the first time.
                await _publish(citys_port, range(step, step + 1))
                if await _until(Reading, 1, limit_s=0.3):
                    break
            first = await asyncio.to_thread(_count, Reading)
        await _publish(citys_port, range(1000, 1300))
        async with _gateway():
            return first, await _until(Reading, 300 + first)

    with running_mosquitto(tmp_path, citys_port):
        first, both = asyncio.run(play())
    assert first >= 1
    assert both == first + 300


@pytest.mark.mosquitto
def test_a_citys_broker_that_dies_for_a_while_is_found_again(citys_port: int, tmp_path: Path) -> None:
    """After kill -9 and a pause the gateway reconnects by itself, and what is published then is stored."""

    async def play(child: subprocess.Popen[bytes]) -> tuple[int, int]:
        async with _gateway():
            for step in range(100):
                await _publish(citys_port, range(step, step + 1))
                if await _until(Reading, 1, limit_s=0.3):
                    break
            child.kill()
            child.wait()
            await asyncio.sleep(1.0)
            with running_mosquitto(tmp_path, citys_port):
                before = await asyncio.to_thread(_count, Reading)
                for step in range(2000, 2100):
                    with suppress(aiomqtt.MqttError):
                        await _publish(citys_port, range(step, step + 1))
                    if await _until(Reading, before + 1, limit_s=0.3) > before:
                        break
                return before, await asyncio.to_thread(_count, Reading)

    with running_mosquitto(tmp_path, citys_port) as child:
        before, after = asyncio.run(play(child))
    assert after > before


@pytest.mark.parametrize("url", ["http://broker:1883", "mqtt://", "broker:1883"])
def test_an_address_that_is_no_broker_is_said_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong MQTT_URL gives a sentence that shows the right form."""
    monkeypatch.setenv("MQTT_URL", url)
    settings.cache_clear()
    with pytest.raises(SetupError, match="mqtt://host:1883"):
        gateway.broker_address()
    settings.cache_clear()


def test_the_citys_own_broker_is_taken_from_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """User, password, port and TLS come from MQTT_URL."""
    monkeypatch.setenv("MQTT_URL", "mqtts://city:p%40ss@broker.example:8884")
    settings.cache_clear()
    expected = gateway.BrokerAddress("broker.example", 8884, username=USERNAME, password=PASSWORD, is_tls=True)
    assert gateway.broker_address() == expected
    settings.cache_clear()
