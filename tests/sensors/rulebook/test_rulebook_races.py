"""Rules while many write at once: batches of several gauges, ticks and new versions, with real commits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from core import db
from gis.points import LonLat
from sensors.actions import IncomingReading, NewStation, register_station, store_readings
from sensors.rulebook.keeping import keep_rule
from sensors.rulebook.models import WatchRuleChange
from sensors.watching import tick_all
from tests.accounts import add_account

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
GAUGES = ("A", "B", "C")
STEPS = 12


def test_a_zone_fed_by_many_at_once_is_told_once(
    database: sa.Engine, frozen_clock: Callable[..., None]
) -> None:
    """Gauges of one zone store, ticks run and a version is written at the same time: one rise, and nobody deadlocks."""
    frozen_clock(NOW)
    levels = {"watch": 1.2}
    document = {
        "kind": "quorum", "streams": list(GAUGES), "needed": 2, "fresh_s": 1800,
        "limits": dict.fromkeys(GAUGES, levels),
    }
    with db.transaction() as session:
        author = add_account(session, "author", roles=["approver"])
        for code in GAUGES:
            register_station(
                session,
                NewStation(
                    code=code, name_th=code, name_en=code, kind="gauge", place=LonLat(lon=99.96, lat=8.43),
                    bank_m_msl=2.5, bed_m_msl=-0.5, watch_m_msl=None, warning_m_msl=None, danger_m_msl=2.0,
                    interval_s=300, device_key=None, trust="simulated", layer="gauges",
                ),
            )
        keep_rule(session, "zone", document, based_on_version=0, account=author, reason="a zone")

    def store(code: str) -> None:
        for step in range(STEPS):
            at = NOW - timedelta(minutes=5 * (STEPS - step))
            level = 1.0 if step < STEPS // 2 else 1.25 + 0.01 * (step % 2)
            with db.transaction() as session:
                store_readings(session, [IncomingReading(code, at, level, "m")], source="test")

    def tick() -> None:
        for _ in range(STEPS):
            with db.transaction() as session:
                tick_all(session, now=NOW - timedelta(hours=1))

    def write() -> None:
        for version in range(1, 5):
            with db.transaction() as session:
                keep_rule(session, "zone", document, based_on_version=version, account=author, reason="again")

    with ThreadPoolExecutor(len(GAUGES) + 2) as pool:
        work = [*(pool.submit(store, code) for code in GAUGES), pool.submit(tick), pool.submit(write)]
        for one in work:
            one.result(timeout=60)
    # Whoever was far ahead of the others has seen no second gauge: two more moments, that all know, decide.
    for code, minutes in ((code, minutes) for minutes in (1, 2) for code in GAUGES):
        with db.transaction() as session:
            store_readings(session, [IncomingReading(code, NOW + timedelta(minutes=minutes), 1.26, "m")], source="test")
    with db.transaction() as session:
        told = session.scalars(sa.select(WatchRuleChange).where(WatchRuleChange.kind == "raised")).all()
        assert [(one.rule_code, one.to_state) for one in told] == [("zone", 1)]
