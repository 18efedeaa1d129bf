"""What devices were told is taken survives kill -9 of the gateway, the broker, the API and the database."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import psycopg
import pytest

from bench.servers import free_port
from core import cluster, db
from core.errors import SetupError
from core.settings import ROOT, settings
from gis.points import LonLat
from migrations import upgrade
from sensors.actions import NewStation, register_station
from sensors.mqtt import connected
from sensors.partitions import ensure_partitions

GAUGES = 40
SENDING_S = 2.0
ROUNDS = 30  # Readings of each gauge in one play.
KEY = "a key for tests, long and of no use"
PLAYS = itertools.count()


@dataclass
class House:
    """A database of its own with 40 gauges, and the gateway and the API as processes that may be killed."""

    place: cluster.Cluster
    mqtt_port: int
    api_port: int
    parts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, part: str) -> None:
        """The part runs as its own process, as the house runs it."""
        environment = {
            **os.environ, "FAONAM_DATA_DIR": str(self.place.folder.parent), "DATABASE_URL": self.place.url(),
            "FAONAM_MQTT_PORT": str(self.mqtt_port), "FAONAM_API_PORT": str(self.api_port),
        }
        environment.pop("MQTT_URL", None)
        self.parts[part] = subprocess.Popen(
            [sys.executable, "-m", "cli", part], cwd=ROOT, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def kill(self, victim: str) -> None:
        """The victim has got SIGKILL and, where nobody else does that, has been started again."""
        if victim == "broker":  # The gateway starts it again.
            _await(lambda: _child_of(self.parts["gateway"].pid, "sensors.broker") is not None, 20)
            broker = _child_of(self.parts["gateway"].pid, "sensors.broker")
            assert broker is not None, "the broker did not come back"
            os.kill(broker, signal.SIGKILL)
        elif victim == "database":
            os.kill(cluster.running_pid(self.place) or 0, signal.SIGKILL)
            cluster.reap(self.place)
            _try_until(lambda: cluster.start(self.place), SetupError)
        else:
            self.parts[victim].kill()
            self.parts[victim].wait()
            self.start(victim)

    def stored(self, first_at: datetime) -> list[tuple[str, datetime]]:
        """Gauge and time of each row from this time on that is in the table, as often as it is there."""
        with psycopg.connect(self.place.url()) as connection:
            rows = connection.execute(
                "SELECT d.code, r.observed_at FROM reading r JOIN datastream d ON d.id = r.datastream_id "
                "WHERE r.observed_at >= %s AND r.observed_at < %s", [first_at, first_at + timedelta(seconds=ROUNDS)],
            )
            return [(code, at.astimezone(UTC)) for code, at in rows]


def _child_of(parent: int, module: str) -> int | None:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent_of = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent_of == parent and module.encode() in words:
                    return int(entry.name)
    return None


def _try_until(act: Callable[[], object], fault: type[Exception], limit_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while True:
        try:
            act()
            return
        except fault:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.2)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A house of its own, for the tests' database is everybody's and must not be killed."""
    folder = Path(tempfile.mkdtemp(prefix="faonam-killed-"))
    folder.chmod(0o755)
    one = House(cluster.Cluster(folder / "cluster"), mqtt_port=free_port(), api_port=free_port())
    try:
        with pytest.MonkeyPatch.context() as monkeypatch:
            cluster.start(one.place)  # As in a city: what is committed is on disk.
            monkeypatch.setenv("DATABASE_URL", one.place.url())
            settings.cache_clear()
            db.engine.cache_clear()
            _settle()
        settings.cache_clear()
        db.engine.cache_clear()
        one.start("gateway")
        one.start("api")
        yield one
    finally:
        for part in one.parts.values():
            part.terminate()
        for part in one.parts.values():
            part.wait(30)
        cluster.stop(one.place)
        shutil.rmtree(folder, ignore_errors=True)


def _settle() -> None:
    upgrade.upgrade(db.engine())
    with db.transaction() as session:
        today = datetime.now(UTC).date()
        ensure_partitions(session, [today - timedelta(days=1), today])
        for number in range(GAUGES):
            register_station(session, _gauge(number))
    db.engine().dispose()


def _gauge(number: int) -> NewStation:
    return NewStation(
        code=f"G{number:02d}", name_th="คลอง", name_en="Canal", kind="gauge",
        place=LonLat(lon=100.0 + number / 1000, lat=8.0), bank_m_msl=2.5, bed_m_msl=-1.5, watch_m_msl=1.0,
        warning_m_msl=1.5, danger_m_msl=2.0, interval_s=60, device_key=KEY, trust="simulated", layer="gauges",
    )


def _row(number: int, at: datetime) -> dict[str, Any]:
    return {"datastream": f"G{number:02d}", "observed_at": at.isoformat(), "value": 0.5, "unit": "m", "key": KEY}


async def _publish(house: House, sent: list[tuple[int, datetime]], taken: set[tuple[int, datetime]]) -> None:
    """Every reading has been acknowledged; who gets no answer sends again, as devices do."""
    waiting, apart_s = list(sent), SENDING_S / len(sent)
    while waiting:
        with suppress(aiomqtt.MqttError, TimeoutError):
            async with connected(aiomqtt.Client("127.0.0.1", house.mqtt_port, timeout=5)) as device:
                while waiting:
                    some = waiting[:10]
                    answers = await asyncio.gather(
                        *(_publish_one(device, number, at) for number, at in some), return_exceptions=True
                    )
                    taken |= {one for one, answer in zip(some, answers, strict=True) if answer is None}
                    waiting = [one for one in waiting if one not in taken]
                    if any(answer is not None for answer in answers):
                        break
                    await asyncio.sleep(10 * apart_s)
        await asyncio.sleep(0.1)


async def _publish_one(device: aiomqtt.Client, number: int, at: datetime) -> None:
    await device.publish(f"faonam/v1/G{number:02d}/readings", json.dumps(_row(number, at)), qos=1)


def _post(house: House, sent: list[tuple[int, datetime]], taken: set[tuple[int, datetime]]) -> None:
    """Every batch has been answered 200; who gets another answer or none sends again."""
    batches = [sent[start : start + 20] for start in range(0, len(sent), 20)]
    for batch in batches:
        while not _is_answered(house, json.dumps([_row(number, at) for number, at in batch])):
            time.sleep(0.1)
        taken |= set(batch)
        time.sleep(SENDING_S / len(batches))


def _is_answered(house: House, body: str) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", house.api_port, timeout=10)) as connection:
        try:
            connection.request("POST", "/api/v1/readings", body, {"Content-Type": "application/json"})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


@pytest.mark.parametrize("victim", ["gateway", "broker", "api", "database"])
def test_kill_9_loses_no_acknowledged_reading_and_doubles_none(house: House, victim: str) -> None:
    """Killed twice while gauges send by MQTT and HTTP: what was acknowledged is in the table, each reading once."""
    first_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6) + timedelta(minutes=10 * next(PLAYS))
    sent = [(number, first_at + timedelta(seconds=turn)) for turn in range(ROUNDS) for number in range(GAUGES)]
    by_mqtt, by_http = [one for one in sent if one[0] % 2], [one for one in sent if not one[0] % 2]
    taken: set[tuple[int, datetime]] = set()
    senders = [
        threading.Thread(target=lambda: asyncio.run(_publish(house, by_mqtt, taken))),
        threading.Thread(target=_post, args=(house, by_http, taken)),
    ]
    for sender in senders:
        sender.start()
    # Of what the victim itself takes: so the second time too it dies at work, not while it starts.
    of_victim = set({"api": by_http, "database": sent}.get(victim, by_mqtt))
    for share in (4, 2):
        _await(lambda share=share: len(of_victim & taken) >= len(of_victim) // share, 60)  # type: ignore[misc]  # a default, not a parameter.
        house.kill(victim)
    for sender in senders:
        sender.join(60)
    acknowledged = sorted((f"G{number:02d}", at) for number, at in taken)
    assert len(acknowledged) == len(sent)
    _await(lambda: len(house.stored(first_at)) >= len(acknowledged), 30)
    assert sorted(house.stored(first_at)) == acknowledged


def _await(holds: Callable[[], bool], limit_s: float) -> None:
    deadline_s = time.monotonic() + limit_s
    while not holds() and time.monotonic() < deadline_s:
        time.sleep(0.05)
