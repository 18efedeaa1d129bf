"""What a storm does while its city's database or its broker is away."""

from __future__ import annotations

import gc
import itertools
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bench.servers import free_port
from core import clock, cluster, db
from core.settings import settings
from demo import patience, storm
from demo.actors import gauges
from tests.demo.wires import Api, Broker, listening

SPEED = 600.0
AWAY_S = 0.8


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A city of two gauges, of which the first speaks MQTT and the second HTTP, and no camera."""
    layers = "".join(f'[[layer]]\nkind = "{kind}"\nfile = "{kind}.csv"\n' for kind in ("gauges", "cameras"))
    (tmp_path / "city.toml").write_text(layers)
    columns = "code,lon,lat,bank_m_msl,device_key\n"
    (tmp_path / "gauges.csv").write_text(f"{columns}G1,100.0,8.0,4.0,key-1\nG2,100.1,8.0,2.0,key-2\n")
    (tmp_path / "cameras.csv").write_text(columns)
    return tmp_path


@pytest.fixture
def wires(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Broker, Api]]:
    """A broker and an API that the storm's gauges speak to."""
    broker, api = Broker(), Api()
    with listening(broker) as mqtt_port, listening(api) as api_port:
        monkeypatch.setenv("FAONAM_MQTT_PORT", str(mqtt_port))
        monkeypatch.setenv("FAONAM_API_PORT", str(api_port))
        monkeypatch.delenv("MQTT_URL", raising=False)
        settings.cache_clear()
        yield broker, api
    settings.cache_clear()


def _cut_off(place: cluster.Cluster, name: str) -> None:
    place.administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    place.administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 - our own name.


def test_a_storm_stands_still_while_its_database_is_away(
    postgres: cluster.Cluster, database: sa.Engine, pack: Path, wires: tuple[Broker, Api]
) -> None:
    """It goes on from the hour where it was, with every reading told once, and no time without a database counts."""
    name = str(database.url.database)
    with db.transaction() as session:
        clock.run_at(session, speed=SPEED)
    one = storm.Storm(packs=[pack], speed=SPEED)
    one.begin()
    beats: list[storm.Moment] = []
    back = threading.Timer(AWAY_S, postgres.administer, [f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"])

    def watch() -> None:
        beats.append(one.now())
        if beats[-1].after_h >= 0.15 and back.ident is None:
            _cut_off(postgres, name)
            back.start()

    storm._weather(one, storm._Pace(SPEED, is_patient=False), until_h=0.4, on_beat=watch)
    back.join()
    before, after = next(pair for pair in itertools.pairwise(beats) if pair[0].after_h >= 0.15)
    ran_on_h = (after.at - before.at).total_seconds() / 3600
    assert ran_on_h >= AWAY_S * SPEED / 3600
    assert 0.0 <= after.after_h - before.after_h < ran_on_h / 2
    told: dict[tuple[str, str], set[float]] = defaultdict(set)
    for reading in [*wires[0].heard, *wires[1].heard]:
        told[reading["datastream"], reading["observed_at"]].add(reading["value"])
    assert {len(values) for values in told.values()} == {1}
    for code in ("G1", "G2"):
        times = [datetime.fromisoformat(at) for told_code, at in told if told_code == code]
        assert sum(at <= before.at for at in times) >= 2
        assert sum(at >= after.at for at in times) >= 2


def test_a_gauge_that_has_no_answer_sends_the_same_reading_again(
    wires: tuple[Broker, Api], caplog: pytest.LogCaptureFixture
) -> None:
    """A second value for the same moment would be another reading; asyncio has nothing to complain of."""
    broker, _ = wires
    broker.hangs_up = 1
    level = gauges.LevelNow(gauges.SimulatedGauge("G1", "key-1", speaks_mqtt=True), 1.0, datetime.now(UTC))
    gauges.tell([level], noise=random.Random(1))
    assert len(broker.heard) == 2
    assert broker.heard[0] == broker.heard[1]
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]


def _ask(url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1 / 0"))


def test_a_database_that_stays_away_ends_the_storm_by_its_own_fault() -> None:
    """It is asked again a few times, more and more rarely, and then nothing is hidden any more."""
    asked_s: list[float] = []

    def ask() -> None:
        asked_s.append(time.monotonic())
        _ask(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing")

    with pytest.raises(sa.exc.OperationalError, match="refused"):
        patience.when_database_is_there(ask, gives_up_after_s=1.0)
    assert 3 <= len(asked_s) <= 6
    assert asked_s[-1] - asked_s[0] >= 1.0


def test_what_is_no_fault_of_the_databases_absence_is_not_asked_again(database: sa.Engine) -> None:
    """A wrong question is wrong at once."""
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        with database.connect() as connection:
            connection.execute(sa.text("SELECT 1 / 0"))

    with pytest.raises(sa.exc.DataError, match="division by zero"):
        patience.when_database_is_there(ask)
    assert asked == [1]
