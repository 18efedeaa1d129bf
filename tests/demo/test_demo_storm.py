"""How fast a storm goes."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from core import clock, db
from demo import storm


def _speed() -> float:
    with db.transaction() as session:
        return session.scalar(sa.select(clock.ClockSetting.speed)) or 0.0


def test_a_watched_storm_slows_down_while_an_alert_waits(database: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """People have time to read a proposal; before and after it the storm goes at its own speed."""
    is_waiting = iter([False, True, True, False])
    monkeypatch.setattr(storm.queries, "is_warning_waiting", lambda session: next(is_waiting))
    monkeypatch.setattr(storm, "time", SimpleNamespace(monotonic=itertools.count(10, 2).__next__))
    with db.transaction() as session:
        clock.run_at(session, speed=120.0)
    pace, speeds = storm._Pace(120.0, is_patient=True), []
    for _ in range(4):
        pace.keep(is_late=False)
        speeds.append(_speed())
    assert speeds == [120.0, storm.PATIENT_SPEED, storm.PATIENT_SPEED, 120.0]


def test_a_storm_never_outruns_its_gauges(database: sa.Engine) -> None:
    """On a machine that cannot follow, the storm waits for its readings, with nobody watching too."""
    with db.transaction() as session:
        clock.run_at(session, speed=120.0)
    pace, speeds = storm._Pace(120.0, is_patient=False), []
    for is_late in (False, True, True, False):
        pace.keep(is_late=is_late)
        speeds.append(_speed())
    assert speeds == [120.0, storm.PATIENT_SPEED, storm.PATIENT_SPEED, 120.0]
