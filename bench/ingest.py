"""The whole intake for a minute, by MQTT and by HTTP, and its database path alone beside plain COPY.

2,000 gauges send what their water does, one in ten of them through watch, warning and danger and back; one row in 200
has a wrong unit and must be found in quarantine. Half travels by MQTT through the embedded broker and the gateway, half
by HTTP through the API, each a process of its own; quality and the watch are on. Nothing may be lost: what was
published is stored or in quarantine. A change's latency runs from before its reading was sent to when another
connection sees it.

The floor is PostgreSQL's: the same rows into a table of datastream, time, value and flag with a primary key and a
partition a day, by COPY, as in docs/decisions/0025; our path writes all columns, three indexes, newest values and
memories.

Last a gauge that measures each second and was away for a day (`bench.returned`): all of its rows are late.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bench.measure import Result, Timing, check, rounded
from bench.places import own_database
from bench.returned import late_figures
from bench.senders import APART_S, GAUGES, KEY, RISING_EACH, SECONDS, Sender, readings_each, send_by_http, send_by_mqtt
from bench.servers import free_port, our_api
from core import db
from core.progress import Progress, step
from core.settings import ROOT, data_dir
from gis.points import LonLat
from sensors import batches
from sensors.actions import NewStation, register_station
from sensors.judging import Row, judge_stream
from sensors.memory import memory_of
from sensors.partitions import ensure_partitions
from sensors.queries import Stream, streams_by_code

LATEST_S = 60.0
PATH_ROWS, PATH_ROUNDS = 5_000, 15
LOOK_EVERY_S = 0.02


def measure(*, seed: int) -> Result:
    """A minute of everything, fifteen rounds of the database path and its floor, and a gauge's day that comes late."""
    with own_database("ingest"):
        began_at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=APART_S * (readings_each() + 5))
        with step(f"registering {GAUGES:,} gauges") as tell:
            _register(tell, until=began_at + timedelta(seconds=APART_S * (readings_each() + PATH_ROUNDS * 4)))
        seen = _play(began_at, seed=seed)
        paths, copies = _beside_copy(seed)
        late = late_figures(seed=seed)
    ratio = rounded(copies.typical_s / paths.typical_s)
    facts = {
        "gauges": GAUGES, "seconds": SECONDS, "seed": seed, "path_rows": PATH_ROWS,
        "path_rows_per_s": round(PATH_ROWS / paths.typical_s), "copy_rows_per_s": round(PATH_ROWS / copies.typical_s),
    }
    return Result(
        "ingest", facts, paths, {"copy": copies}, {},
        figures={**seen, "share_of_copy": ratio, **late},
        most={"lost": 0.0, "change_p95_s": 1.0},
        least={"readings_per_s": 5_000.0, "share_of_copy": 0.25, "late_rows_per_s": 2_000.0},
    )


def _register(tell: Progress, *, until: datetime) -> None:
    with db.transaction() as session:
        for number in range(GAUGES):
            register_station(session, _gauge(number))
            if number % 100 == 0:
                tell(f"{number:,}")
        first = datetime.now(UTC).date() - timedelta(days=1)
        days = (until.date() - first).days + 1
        ensure_partitions(session, [first + timedelta(days=day) for day in range(days)])


def _gauge(number: int) -> NewStation:
    return NewStation(
        code=f"G{number:04d}", name_th=f"G{number:04d}", name_en=f"G{number:04d}", kind="gauge",
        place=LonLat(lon=100.0 + number / 10_000, lat=8.4), bank_m_msl=2.5, bed_m_msl=-1.5, watch_m_msl=1.0,
        warning_m_msl=1.5, danger_m_msl=2.0, interval_s=int(APART_S), device_key=KEY, trust="simulated", layer="gauges",
    )


# --- a minute of everything ----------------------------------------------------------------------------------------


def _play(began_at: datetime, *, seed: int) -> dict[str, float]:
    port = free_port()
    with our_api() as api, _gateway(port), step("a minute of readings") as tell:
        assert api.connection.port is not None  # noqa: S101  It is connected; this only tells the type.
        watcher = _Watcher()
        watcher.start()
        first_s = time.time()
        senders = [
            Sender(send_by_mqtt, port, range(0, GAUGES, 2), began_at),
            Sender(send_by_http, api.connection.port, range(1, GAUGES, 2), began_at),
        ]
        sent = [sender.wait(lambda: _tell_stored(tell)) for sender in senders]
        published = sum(one.rows for one in sent)
        last_s = _await_all(published, tell)
        watcher.stop()
    left_at = {key: at for one in sent for key, at in one.left_at.items()}
    waits_s = watcher.waits_s(left_at, began_at)
    with db.transaction() as session:
        stored, refused = _counts(session)
        wrong = session.scalar(sa.text("SELECT count(*) FROM reading_refused WHERE reason <> 'wrong_unit'"))
    check(wrong == 0, "a row was refused for another reason than its unit.")
    check(len(waits_s) >= GAUGES // RISING_EACH, "the gauges that rise did not change their state.")
    return {
        "published": published, "stored": stored, "quarantined": refused, "lost": published - stored - refused,
        "readings_per_s": rounded((stored + refused) / (last_s - first_s)), "changes": len(waits_s),
        "change_median_s": rounded(float(np.median(waits_s))),
        "change_p95_s": rounded(float(np.quantile(waits_s, 0.95))),
    }


@contextlib.contextmanager
def _gateway(port: int) -> Iterator[None]:
    """The gateway with its embedded broker, as `faonam gateway` runs it."""
    child = subprocess.Popen(
        [sys.executable, "-m", "cli", "gateway"], cwd=ROOT,
        env={**os.environ, "FAONAM_MQTT_PORT": str(port), "FAONAM_DATA_DIR": str(data_dir())},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        child.terminate()
        child.wait(30)


def _tell_stored(tell: Progress) -> None:
    with db.transaction() as session:
        tell(f"{sum(_counts(session)):,} stored")


def _counts(session: Session) -> tuple[int, int]:
    stored, refused = session.execute(
        sa.text("SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM reading_refused)")
    ).one()
    return stored, refused


def _await_all(published: int, tell: Progress) -> float:
    """When everything was there, by the wall clock; gives up a minute after the last was sent."""
    deadline_s = time.monotonic() + LATEST_S
    while time.monotonic() < deadline_s:
        with db.transaction() as session:
            there = sum(_counts(session))
        if there >= published:
            break
        tell(f"{there:,} of {published:,}")
        time.sleep(0.05)
    return time.time()


class _Watcher(threading.Thread):
    """Sees each change of a state when it is committed, on a connection of its own."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._ends = threading.Event()
        self._seen: list[tuple[str, datetime, float]] = []

    def run(self) -> None:
        last = 0
        while not self._ends.wait(LOOK_EVERY_S):
            with db.transaction() as session:
                rows = session.execute(
                    sa.text(
                        "SELECT c.id, d.code, c.observed_at FROM level_state_change c "
                        "JOIN datastream d ON d.id = c.datastream_id WHERE c.id > :last ORDER BY c.id"
                    ),
                    {"last": last},
                ).all()
            seen_s = time.time()
            self._seen += [(code, observed_at, seen_s) for _, code, observed_at in rows]
            last = rows[-1][0] if rows else last

    def stop(self) -> None:
        """A last look is taken."""
        time.sleep(5 * LOOK_EVERY_S)
        self._ends.set()
        self.join()

    def waits_s(self, left_at: dict[tuple[int, int], float], began_at: datetime) -> list[float]:
        """Seconds from a reading's leaving to its change's being seen."""
        return [
            seen_s - left_at[(int(code[1:]), round((observed_at - began_at).total_seconds() / APART_S))]
            for code, observed_at, seen_s in self._seen
        ]


# --- the database path alone ---------------------------------------------------------------------------------------


def _beside_copy(seed: int) -> tuple[Timing, Timing]:
    """The seconds of a batch that is judged already, and of COPY of the same rows, in turn."""
    with db.transaction() as session:
        floor = _add_floor(session)
        known = streams_by_code(session, [f"G{number:04d}" for number in range(GAUGES)])
        streams = {stream.id: stream for stream in known.values()}
        newest_at = session.scalar(sa.text("SELECT max(newest_at) FROM stream_memory"))
    assert newest_at is not None  # noqa: S101  A minute of readings has just been stored.
    ours: list[float] = []
    copies: list[float] = []
    with step(f"batches of {PATH_ROWS:,} rows beside COPY") as tell:
        for turn in range(PATH_ROUNDS + 1):
            tell(f"round {turn} of {PATH_ROUNDS}" if turn else "warming up")
            rows = _rows(list(streams), turn, newest_at=newest_at)
            for is_ours in (True, False)[:: 1 if turn % 2 else -1]:
                took_s = _store(rows, streams) if is_ours else _copy(rows, floor)
                if turn:
                    (ours if is_ours else copies).append(took_s)
    return Timing(tuple(ours)), Timing(tuple(copies))


def _rows(ids: Sequence[int], turn: int, *, newest_at: datetime) -> list[Row]:
    """Newer readings than any before, three for some gauges and two for the others, by gauge and time."""
    now = datetime.now(UTC)
    per_turn = -(-PATH_ROWS // len(ids))
    picked = sorted((ids[place % len(ids)], place // len(ids)) for place in range(PATH_ROWS))
    return [
        Row(
            datastream_id, newest_at + timedelta(seconds=APART_S * (1 + turn * per_turn + step)), 0.5, None,
            received_at=newest_at + timedelta(seconds=APART_S * (1 + turn * per_turn + step)), received_wall_at=now,
        )
        for datastream_id, step in picked
    ]


def _store(rows: list[Row], streams: dict[int, Stream]) -> float:
    """What Python decides is decided before the clock starts; locks, rows, newest values and memories are the path."""
    with db.transaction() as session:
        documents = batches.lock_documents(session, {row.datastream_id for row in rows})
        memories = {one: memory_of(newest_at, document) for one, (newest_at, document) in documents.items()}
        for row in rows:
            memory = memories[row.datastream_id]
            judge_stream(
                memory.quality, [row], streams[row.datastream_id].quality,
                around=batches.StoredAround(session, row.datastream_id, newest_at=memory.newest_at),
            )
            memory.newest_at = row.observed_at
    written = {one: (memory.newest_at, memory.document()) for one, memory in memories.items()}
    began_s = time.perf_counter()
    with db.transaction() as session:
        batches.lock_documents(session, written)
        batches.copy_in(session, rows, source="bench")
        batches.advance_latest(session, rows)
        batches.remember(session, written)
    return time.perf_counter() - began_s


def _add_floor(session: Session) -> str:
    session.execute(
        sa.text(
            "CREATE TABLE floor (datastream_id int, t timestamptz, value float8, qc smallint, PRIMARY KEY "
            "(datastream_id, t)) PARTITION BY RANGE (t)"
        )
    )
    days = session.scalars(sa.text("SELECT generate_series(now() - interval '2 days', now() + '3 days', '1 day')"))
    for day in days.all():
        session.execute(
            sa.text(
                f"CREATE TABLE floor_{day:%Y%m%d} PARTITION OF floor "
                f"FOR VALUES FROM ('{day:%Y-%m-%d} 00:00+00') TO ('{day + timedelta(days=1):%Y-%m-%d} 00:00+00')"
            )
        )
    return "floor"


def _copy(rows: list[Row], table: str) -> float:
    began_s = time.perf_counter()
    with (
        db.transaction() as session,
        db.driver_connection(session).cursor() as cursor,
        cursor.copy(f"COPY {table} (datastream_id, t, value, qc) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row((row.datastream_id, row.observed_at, row.value, int(row.flag)))
    return time.perf_counter() - began_s


