"""Old days leave the database for Parquet files, and nothing is lost on the way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.points import LonLat
from sensors.actions import NewStation, register_station
from sensors.archive import archive_days
from sensors.partitions import ensure_partitions

OLD = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


def _fill(session: Session, days: int) -> None:
    """A gauge with 24 readings on each of `days` days, one of them without a value."""
    register_station(
        session,
        NewStation(
            code="G1", name_th="ท่าวัง", name_en="Tha Wang", kind="gauge", place=LonLat(lon=100.0, lat=8.4),
            bank_m_msl=2.5, bed_m_msl=-1.5, watch_m_msl=1.0, warning_m_msl=1.5, danger_m_msl=2.0, interval_s=300,
            device_key=None, trust="simulated", layer="gauges",
        ),
    )
    ensure_partitions(session, [(OLD + timedelta(days=day)).date() for day in range(days)])
    session.execute(
        sa.text(
            "INSERT INTO reading (datastream_id, observed_at, value, qc_flag, source, received_at, received_wall_at) "
            "SELECT d.id, day + hour * interval '1 hour', nullif(hour, 7), 1, 'test', now(), now() FROM datastream d, "
            "generate_series(CAST(:first AS timestamptz), :last, '1 day') day, generate_series(0, 18) hour"
        ),
        {"first": OLD, "last": OLD + timedelta(days=days - 1)},
    )


def test_a_day_is_whole_in_its_file_before_it_leaves(session: Session, tmp_path: Path) -> None:
    """The file has every reading with its datastream's code and unit; newer days stay where they are."""
    _fill(session, days=3)
    gone = archive_days(session, before=date(2026, 3, 3), folder=tmp_path / "archive")
    assert [(one.day, one.readings) for one in gone] == [(date(2026, 3, 1), 19), (date(2026, 3, 2), 19)]
    table = pq.read_table(gone[0].path).to_pydict()
    assert set(zip(table["datastream"], table["unit"], strict=True)) == {("G1", "m")}
    assert table["observed_at"][0] == OLD
    assert table["value"] == [None if hour == 7 else float(hour) for hour in range(19)]
    days = session.scalars(sa.text("SELECT DISTINCT observed_at::date FROM reading")).all()
    assert days == [date(2026, 3, 3)]


def test_what_comes_later_for_a_day_gets_a_file_of_its_own(session: Session, tmp_path: Path) -> None:
    """A file that is there already is never replaced."""
    _fill(session, days=1)
    first = archive_days(session, before=date(2026, 3, 2), folder=tmp_path)
    ensure_partitions(session, [OLD.date()])
    session.execute(
        sa.text(
            "INSERT INTO reading (datastream_id, observed_at, value, qc_flag, source, received_at, received_wall_at) "
            "SELECT id, :at, 4.2, 1, 'late', now(), now() FROM datastream"
        ),
        {"at": OLD + timedelta(minutes=7)},
    )
    second = archive_days(session, before=date(2026, 3, 2), folder=tmp_path)
    assert first[0].path != second[0].path
    assert [pq.read_metadata(one.path).num_rows for one in (*first, *second)] == [19, 1]
