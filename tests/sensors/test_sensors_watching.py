"""The watch over all gauges as time goes by: silence is told, and nothing that stands is written again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.events import EventRecord
from gis.points import LonLat
from sensors.actions import IncomingReading, NewStation, register_station, store_readings
from sensors.models import LevelStateChange, LevelStateRow
from sensors.watch.state import Condition
from sensors.watching import tick_all

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(frozen_clock: Callable[..., None]) -> None:
    frozen_clock(NOW)


def _station(session: Session, code: str = "KTY01") -> int:
    return register_station(
        session,
        NewStation(
            code=code, name_th="ท่าวัง", name_en="Tha Wang", kind="gauge", place=LonLat(lon=99.96, lat=8.43),
            bank_m_msl=2.0, bed_m_msl=-0.5, watch_m_msl=1.0, warning_m_msl=1.5, danger_m_msl=2.0, interval_s=300,
            device_key=None, trust="simulated", layer="gauges",
        ),
    )


def test_silence_is_told_once_while_it_lasts_and_again_on_return(session: Session) -> None:
    """Late after three intervals, lost after six, heard again with the next reading; its water's state stays."""
    _station(session)
    heard_at = NOW - timedelta(hours=2)
    for minutes in (0, 5):
        at = heard_at + timedelta(minutes=minutes)
        store_readings(session, [IncomingReading("KTY01", at, 1.2, "m")], source="test")
    assert [tick_all(session, now=heard_at + timedelta(minutes=minutes)) for minutes in (10, 25, 30, 40, 45)] == [
        0, 1, 0, 1, 0,
    ]
    session.expire_all()
    row = session.scalars(sa.select(LevelStateRow)).one()
    assert (row.state, Condition(row.condition)) == (1, Condition.LOST)
    store_readings(session, [IncomingReading("KTY01", heard_at + timedelta(minutes=60), 1.2, "m")], source="test")
    session.flush()
    session.expire_all()
    assert Condition(session.scalars(sa.select(LevelStateRow.condition)).one()) is Condition.HEARD
    kinds = session.scalars(sa.select(LevelStateChange.kind).order_by(LevelStateChange.id)).all()
    assert kinds == ["raised", "late", "lost", "returned"]
    changed = sa.select(EventRecord).where(EventRecord.name == "sensors.gauge_condition_changed")
    told = session.scalars(changed.order_by(EventRecord.id)).all()
    assert [event.payload["condition"] for event in told] == [1, 2, 0]


def test_a_gauge_that_never_spoke_is_lost_and_not_normal(session: Session) -> None:
    """Nobody has heard of it since it was watched: that is told, though no reading ever came."""
    _station(session)
    assert [tick_all(session, now=NOW + timedelta(minutes=minutes)) for minutes in (0, 1, 70, 71)] == [0, 0, 1, 0]
    session.expire_all()
    assert Condition(session.scalars(sa.select(LevelStateRow.condition)).one()) is Condition.LOST


def test_a_tick_that_changes_nothing_writes_nothing(session: Session) -> None:
    """Two thousand calm gauges are looked at every few seconds; none of their rows is written for it."""
    _station(session)
    at = NOW
    for minutes in (10, 5, 0):
        reading = IncomingReading("KTY01", at - timedelta(minutes=minutes), 0.4, "m")
        store_readings(session, [reading], source="test")
    before = session.execute(sa.text("SELECT xmin::text, document FROM stream_memory")).one()
    session.execute(sa.text("SAVEPOINT a_tick"))
    assert tick_all(session, now=at + timedelta(minutes=1)) == 0
    assert session.execute(sa.text("SELECT xmin::text, document FROM stream_memory")).one() == before
