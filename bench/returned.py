"""A gauge that measures each second and was away for a day: its rows come in batches, all older than its newest one.

Beside it a gauge that says the same in time. In the end both have the same flags, or the work was wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
import sqlalchemy as sa

from bench.measure import check, rounded
from core import db
from core.progress import step
from gis.points import LonLat
from sensors.actions import IncomingReading, NewStation, register_station, store_readings

AWAY_S, BEFORE_S, BATCH_ROWS = 86_400, 3_600, 1_000
TIDE_S, TIDE_M, SCATTER_M = 44_700.0, 0.3, 0.002
STANDS_OUT_EACH, STANDS_OUT_M = 5_000, 1.2
LATE, IN_TIME = "LATE", "INTIME"


def late_figures(*, seed: int) -> dict[str, float]:
    """Rows a second where all are late, and where the same ones come in time; commits count."""
    end_at = datetime.now(UTC).replace(microsecond=0)
    levels = _levels_m(seed)
    rows = [(end_at - timedelta(seconds=len(levels) - number), level) for number, level in enumerate(levels)]
    with step(f"{AWAY_S:,} readings of a gauge that was away") as tell:
        with db.transaction() as session:
            for number, code in enumerate((LATE, IN_TIME)):
                register_station(session, _gauge(code, number))
        begun, away, newest = rows[:BEFORE_S], rows[BEFORE_S:-1], rows[-1:]
        for code, first in ((LATE, (*begun, *newest)), (IN_TIME, begun)):
            _store(code, first)
        late_s, in_time_s = 0.0, 0.0
        for place in range(0, len(away), BATCH_ROWS):
            batch = away[place : place + BATCH_ROWS]
            late_s += _store(LATE, batch)
            in_time_s += _store(IN_TIME, batch)
            tell(f"{place + len(batch):,}")
        _store(IN_TIME, newest)
    _check_same(len(rows))
    return {
        "late_rows": len(away), "late_rows_per_s": round(len(away) / late_s),
        "in_time_rows_per_s": round(len(away) / in_time_s), "late_to_in_time": rounded(late_s / in_time_s),
    }


def _levels_m(seed: int) -> list[float]:
    """A tide that scatters by millimetres, with a value that stands out now and then."""
    seconds = np.arange(BEFORE_S + AWAY_S + 1)
    scatter_m = np.random.default_rng(seed).normal(0.0, SCATTER_M, len(seconds))
    levels_m = 0.5 + TIDE_M * np.sin(2 * np.pi * seconds / TIDE_S) + scatter_m
    levels_m[STANDS_OUT_EACH - 1 :: STANDS_OUT_EACH] += STANDS_OUT_M
    return [round(level_m, 3) for level_m in levels_m.tolist()]


def _gauge(code: str, number: int) -> NewStation:
    return NewStation(
        code=code, name_th=code, name_en=code, kind="gauge", place=LonLat(lon=101.0 + number / 100, lat=8.4),
        bank_m_msl=2.5, bed_m_msl=-1.5, watch_m_msl=1.0, warning_m_msl=1.5, danger_m_msl=2.0, interval_s=1,
        device_key="a key of a bench, long and of no use", trust="simulated", layer="gauges",
    )


def _store(code: str, rows: Iterable[tuple[datetime, float]]) -> float:
    """The rows are stored and committed; the seconds that it took."""
    readings = [IncomingReading(code, at, level, "m") for at, level in rows]
    began_s = time.perf_counter()
    with db.transaction() as session:
        store_readings(session, readings, source="bench")
    return time.perf_counter() - began_s


def _check_same(count: int) -> None:
    told = sa.text(
        "SELECT r.observed_at, r.value, r.qc_flag, r.qc_tests FROM reading r JOIN datastream d "
        "ON d.id = r.datastream_id WHERE d.code = :code ORDER BY r.observed_at"
    )
    with db.transaction() as session:
        late, in_time = (session.execute(told, {"code": code}).all() for code in (LATE, IN_TIME))
    check(len(late) == count, f"{len(late):,} of {count:,} readings are stored.")
    check(late == in_time, "readings that came late have other flags than those that came in time.")
    check(any(row.qc_flag > 2 for row in late), "nothing stood out.")
