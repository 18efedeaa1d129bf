"""A city that has been watching for weeks: 2,000 gauges and ten million readings, in the partitions of their days.

Each gauge has spoken every ten minutes for five weeks. Rows lie in the order in which they came, as the intake leaves
them; they are written in PostgreSQL's binary COPY format by numpy, for the intake itself is measured by another bench.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core import db
from core.progress import Progress, step
from gis.points import LonLat
from sensors.actions import NewStation, register_station
from sensors.batches import advance_latest, remember
from sensors.judging import Row
from sensors.partitions import ensure_partitions
from sensors.quality.stream import Tests
from sensors.rules import Flag

GAUGES, READINGS_EACH, APART_MIN = 2_000, 5_000, 10
STEPS_A_PIECE = 100
AHEAD_DAYS = 2  # `sensors.tasks.prepare_partitions` makes as many.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts microseconds from here.
_SOURCE = b"bench"
_FIELDS = (
    ("datastream_id", ">i4"), ("observed_at", ">i8"), ("value", ">f8"), ("qc_flag", ">i2"),
    ("source", f"S{len(_SOURCE)}"), ("received_at", ">i8"), ("received_wall_at", ">i8"),
)  # fmt: skip
_ROW = np.dtype([
    ("fields", ">i2"), *(pair for name, kind in _FIELDS for pair in ((f"{name}_bytes", ">i4"), (name, kind)))
])
_COPY = f"COPY reading ({', '.join(name for name, _ in _FIELDS)}) FROM STDIN (FORMAT BINARY)"
_HEAD, _TAIL = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\xff\xff"


def settle(rng: np.random.Generator, *, until: datetime) -> list[int]:
    """The city stands, its newest readings a step before `until`; returns the ids of its datastreams by code."""
    first_at = until - timedelta(minutes=APART_MIN * READINGS_EACH)
    with step(f"registering {GAUGES:,} gauges") as tell:
        ids = _register(tell, first_at=first_at, until=until)
    levels_m_msl = _levels_m_msl(rng)
    with step(f"storing {GAUGES * READINGS_EACH:,} readings") as tell:
        for start in range(0, READINGS_EACH, STEPS_A_PIECE):
            tell(f"{start * GAUGES:,}")
            steps = range(start, min(start + STEPS_A_PIECE, READINGS_EACH))
            with db.transaction() as session:
                _store(session, ids, levels_m_msl[steps.start : steps.stop], first_at=first_at, first_step=start)
    ends = (0, READINGS_EACH - 1)
    with db.transaction() as session:
        advance_latest(session, list(_rows(ids, levels_m_msl, ends, first_at=first_at)))
        newest_at = until - timedelta(minutes=APART_MIN)
        remember(session, dict.fromkeys(ids, (newest_at, None)))
    with step("tidying up, as autovacuum does"), db.engine().connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("VACUUM ANALYZE"))
    return ids


def _register(tell: Progress, *, first_at: datetime, until: datetime) -> list[int]:
    with db.transaction() as session:
        for number in range(GAUGES):
            register_station(session, _gauge(number))
            if number % 100 == 0:
                tell(f"{number:,}")
        days = (until.date() - first_at.date()).days + 1 + AHEAD_DAYS
        ensure_partitions(session, [first_at.date() + timedelta(days=day) for day in range(days)])
        return list(session.scalars(sa.text("SELECT id FROM datastream ORDER BY code")))


def _gauge(number: int) -> NewStation:
    return NewStation(
        code=f"G{number:04d}", name_th=f"คลองที่ {number}", name_en=f"Canal {number}", kind="gauge",
        place=LonLat(lon=100.0 + number / 10_000, lat=8.4), bank_m_msl=2.5, bed_m_msl=-1.5, watch_m_msl=1.0,
        warning_m_msl=1.5, danger_m_msl=2.0, interval_s=60 * APART_MIN, device_key=None, trust="simulated",
        layer="gauges",
    )  # fmt: skip


def _levels_m_msl(rng: np.random.Generator) -> NDArray[np.float64]:
    """By step and gauge: a tide of half a day about each gauge's mean, in whole millimetres; half are above 1 m."""
    means, phases = rng.normal(1.0, 0.3, GAUGES), rng.uniform(0.0, 2 * np.pi, GAUGES)
    turns = 2 * np.pi * np.arange(READINGS_EACH) * APART_MIN / (12.42 * 60)
    return np.round(means + 0.4 * np.sin(turns[:, None] + phases), 3)


def _store(
    session: Session, ids: list[int], levels_m_msl: NDArray[np.float64], *, first_at: datetime, first_step: int
) -> None:
    steps = np.arange(first_step, first_step + len(levels_m_msl), dtype=np.int64)
    first_us = (first_at - _EPOCH) // timedelta(microseconds=1)
    at_us = np.repeat(first_us + steps * APART_MIN * 60_000_000, len(ids))
    rows = np.zeros(len(at_us), _ROW)
    rows["fields"] = len(_FIELDS)
    for name, kind in _FIELDS:
        rows[f"{name}_bytes"] = np.dtype(kind).itemsize
    rows["datastream_id"], rows["value"] = np.tile(ids, len(steps)), levels_m_msl.ravel()
    rows["qc_flag"], rows["source"] = int(Flag.GOOD), _SOURCE
    for name in ("observed_at", "received_at", "received_wall_at"):
        rows[name] = at_us
    with db.driver_connection(session).cursor().copy(_COPY) as copy:
        copy.write(_HEAD + rows.tobytes() + _TAIL)


def _rows(
    ids: list[int], levels_m_msl: NDArray[np.float64], steps: tuple[int, ...], *, first_at: datetime
) -> Iterator[Row]:
    for number in steps:
        at = first_at + timedelta(minutes=APART_MIN * number)
        for datastream_id, level_m_msl in zip(ids, levels_m_msl[number].tolist(), strict=True):
            yield Row(datastream_id, at, level_m_msl, None, at, at, Flag.GOOD, Tests(0))
