"""The shared clock: runs at its speed, the same for all, never back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core import clock, db

ANCHOR = datetime(2026, 11, 21, tzinfo=UTC)


@given(speed=st.floats(1, 1200), first_s=st.floats(0, 1e5), later_s=st.floats(0, 1e5))
def test_the_clock_never_goes_back(speed: float, first_s: float, later_s: float) -> None:
    """Later in real time is not earlier in shared time."""
    line = clock.Clock(real_anchor_at=ANCHOR, anchor_at=ANCHOR, speed=speed)
    first = line.at(ANCHOR + timedelta(seconds=first_s))
    assert line.at(ANCHOR + timedelta(seconds=first_s + later_s)) >= first


def test_a_new_storm_begins_where_the_clock_stands(database: sa.Engine) -> None:
    """A start before the present keeps the present: a second storm comes after the first."""
    clock.freeze(None)
    with db.transaction() as session:
        clock.run_at(session, speed=120.0, start_at=clock.wall_now() + timedelta(days=2))
    stood_at = clock.now()
    with db.transaction() as session:
        clock.run_at(session, speed=1.0, start_at=ANCHOR)
    assert clock.now() >= stood_at
    assert clock.current().speed == 1.0
