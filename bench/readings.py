"""Readings: one batch through quality, newest values and level states, against a bare COPY of the same rows.

The floor is what PostgreSQL alone needs to take the rows: no keys, no partitions, no Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from bench.measure import OURS, Result, check, take_turns
from bench.places import add_bare_table, copied_out, copy_in, has_same_rows, own_database, timed_and_undone, undone
from core import clock, db
from core.progress import step
from gis.points import LonLat
from sensors import queries
from sensors.actions import IncomingReading, NewStation, register_station, store_readings
from sensors.partitions import ensure_partitions

GAUGES, READINGS_EACH, ROUNDS = 50, 100, 15
LEVELS_M_MSL = (0.5, 1.2, 1.7, 2.3)  # Calm, watch, warning and danger by the thresholds of `_gauge`.
STEADY_READINGS = 10
FILLED = ("reading", "latest_reading", "level_state_change", "event")
SPIKE_SHARE, SPIKE_M_MSL = 0.02, 99.0
BAR = {"copy": 64.0}


def measure(*, seed: int) -> Result:
    """5,000 rows of 50 gauges, stored and undone in turn with a COPY of them."""
    rng = np.random.default_rng(seed)
    with own_database("readings"):
        now = clock.wall_now()
        states = rng.integers(0, len(LEVELS_M_MSL), GAUGES).tolist()
        rows = _rows(states, rng, now=now)
        with step("checking both sides"):
            with db.transaction() as session:
                for number in range(GAUGES):
                    register_station(session, _gauge(number))
                ensure_partitions(session, {row.observed_at.date() for row in rows})
                bare = add_bare_table(session, like="reading")
            with undone() as session:
                copied = _checked(session, rows, states, bare=bare)

        def store(session: Session) -> None:
            store_readings(session, rows, source="bench")

        with step("5,000 readings") as tell:
            taken = take_turns(
                {
                    OURS: timed_and_undone(store, empties=FILLED),
                    "copy": timed_and_undone(lambda session: copy_in(session, bare, copied), empties=[bare]),
                },
                rounds=ROUNDS,
                tell=tell,
            )
    facts = {"readings": len(rows), "gauges": GAUGES, "seed": seed}
    return Result("readings", facts, taken[OURS], {"copy": taken["copy"]}, BAR)


def _gauge(number: int) -> NewStation:
    return NewStation(
        code=f"G{number:02d}",
        name_th=f"G{number:02d}",
        name_en=f"G{number:02d}",
        kind="gauge",
        place=LonLat(lon=100.0 + number / 1000, lat=8.4),
        bank_m_msl=2.5,
        bed_m_msl=-1.5,
        watch_m_msl=1.0,
        warning_m_msl=1.5,
        danger_m_msl=2.0,
        interval_s=300,
        device_key=None,
        trust="simulated",
        layer="gauges",
    )


def _rows(states: Sequence[int], rng: np.random.Generator, *, now: datetime) -> list[IncomingReading]:
    """Each gauge rises from calm water to its state's level and stays there for the last readings; a few are spikes."""
    share = np.minimum(np.arange(READINGS_EACH) / (READINGS_EACH - STEADY_READINGS), 1.0)
    rows = []
    for number, state in enumerate(states):
        level_m_msl = LEVELS_M_MSL[state] * share + rng.normal(0.0, 0.01, READINGS_EACH)
        is_spike = (rng.random(READINGS_EACH) < SPIKE_SHARE) & (share < 1.0)
        for minute, value in enumerate(np.where(is_spike, SPIKE_M_MSL, level_m_msl).tolist()):
            observed_at = now - timedelta(minutes=READINGS_EACH - minute)
            rows.append(IncomingReading(f"G{number:02d}", observed_at, value, "m"))
    return sorted(rows, key=lambda row: row.observed_at)


def _checked(session: Session, rows: Sequence[IncomingReading], states: Sequence[int], *, bare: str) -> bytes:
    """The rows for the floor, once our side has been seen to do its work and the floor to hold the same."""
    answers = store_readings(session, rows, source="bench")
    session.flush()
    expected = ["flagged" if row.value == SPIKE_M_MSL else "stored" for row in rows]
    check([answer.status for answer in answers] == expected, "a reading was not judged as it should be.")
    cards = queries.gauges(session, clock.wall_now())
    check([card.state for card in cards] == list(states), "a gauge is not in the state of its level.")
    newest = {row.datastream_code: row.value for row in rows}
    check({card.code: card.level_m_msl for card in cards} == newest, "a gauge does not show its newest level.")
    copied = copied_out(session, "reading")
    copy_in(session, bare, copied)
    check(has_same_rows(session, "reading", bare), "COPY does not hold the rows that were stored.")
    return copied
