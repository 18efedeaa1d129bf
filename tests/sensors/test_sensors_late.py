"""Late readings among those that are stored: read in portions, and flagged as if they had come in time."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.points import LonLat
from sensors.actions import IncomingReading, NewStation, register_station, store_readings
from sensors.batches import StoredAround

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LINE = sa.text(
    "SELECT r.observed_at, r.value, r.qc_flag, r.qc_tests, r.qc_reason FROM reading r "
    "JOIN datastream d ON d.id = r.datastream_id WHERE d.code = :code ORDER BY r.observed_at"
)


def _station(session: Session, code: str) -> None:
    station = NewStation(
        code=code, name_th=code, name_en=code, kind="gauge", place=LonLat(lon=99.96, lat=8.43), bank_m_msl=2.5,
        bed_m_msl=-1.5, watch_m_msl=1.0, warning_m_msl=1.5, danger_m_msl=2.0, interval_s=300, device_key="a-long-key",
        trust="simulated", layer="gauges",
    )
    register_station(session, station)


def _store(session: Session, code: str, rows: list[tuple[datetime, float]]) -> None:
    answers = store_readings(session, [IncomingReading(code, at, value, "m") for at, value in rows], source="test")
    assert {answer.status for answer in answers} <= {"stored", "flagged"}


def test_stored_readings_are_told_in_portions_as_one(session: Session) -> None:
    """Each once, in order, by Python's own seconds: through a dense hour, a week of silence and microseconds."""
    _station(session, "A")
    dense = [NOW - timedelta(days=8, seconds=3 * n, microseconds=7 * n + 1) for n in range(1500)]
    times = sorted([*dense, *(NOW - timedelta(minutes=n) for n in range(40))])
    _store(session, "A", [(at, 0.5) for at in times])
    id_ = session.scalar(sa.text("SELECT id FROM datastream WHERE code = 'A'"))
    around, middle = StoredAround(session, id_, newest_at=times[-1]), times[700]
    told = list(around.before(middle.timestamp(), since_s=times[2].timestamp()))
    assert [one.at_s for one in told] == [at.timestamp() for at in times[699:1:-1]]
    told = list(around.since(middle.timestamp()))
    assert [one.at_s for one in told] == [at.timestamp() for at in times[700:]]
    assert [row.observed_at for row in around.rows_at([times[5], times[3], NOW + timedelta(days=1)])] == [
        times[3], times[5]
    ]


@pytest.mark.parametrize("seed", range(4))
def test_a_stream_told_out_of_order_is_flagged_as_one_in_order(session: Session, seed: int) -> None:
    """Waves, spikes, no value, infinity, a silence and a stuck stretch: shuffled and in batches, flagged the same."""
    _station(session, "IN")
    _station(session, "OUT")
    chance, level, rows = random.Random(seed), 0.5, list[tuple[datetime, float]]()
    for n in range(900):
        level = level if n > 200 else round(level + chance.choice([-0.01, 0.0, 0.01]), 2)
        odd = chance.choice([math.nan, math.inf, -999.0, 20.0, *([level + 0.9] if n < 200 else [])])
        value = odd if chance.random() < 0.05 else level
        rows.append((NOW - timedelta(minutes=5 * (900 - n) + (2000 if n < 150 else 0)), value))
    _store(session, "IN", rows)
    chance.shuffle(rows)
    while rows:
        count = chance.choice([1, 20, 200])
        _store(session, "OUT", rows[:count])
        rows = rows[count:]
    told = session.execute(LINE, {"code": "OUT"}).all()
    assert told == session.execute(LINE, {"code": "IN"}).all()
    assert {row.qc_reason for row in told} >= {None, "spike", "infinite", "no_value", "sentinel", "flat_line"}
