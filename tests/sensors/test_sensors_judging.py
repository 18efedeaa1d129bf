"""Readings on their way into the table: flagged by what their site allows, and by what comes before and after them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sensors.judging import Row, judge_stream
from sensors.quality.sites import Site, parameters_of
from sensors.quality.state import State
from sensors.rules import Flag

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
CANAL = parameters_of(Site("water_level", bank=2.0, bed=-0.5, range_min=-2.5, range_max=7.0, interval_s=300))
UNBANKED = parameters_of(Site("water_level", bank=None, bed=None, range_min=-10.0, range_max=50.0, interval_s=300))
GOOD, SUSPECT, FAIL, MISSING = Flag.GOOD, Flag.SUSPECT, Flag.FAIL, Flag.MISSING


def _row(value: float | None, minute: float = 0.0, *, confidence: float | None = None) -> Row:
    at = NOW + timedelta(minutes=minute)
    return Row(1, at, value, confidence, received_at=max(at, NOW), received_wall_at=NOW)


def _judge(rows: Sequence[Row], state: State | None = None, stored: Sequence[Row] = ()) -> list[Row]:
    """The stored rows that are flagged anew; the given ones are flagged in place."""
    by_time = sorted(stored, key=lambda row: row.observed_at)
    return judge_stream(
        state or State(), rows, CANAL,
        around=lambda since_s: [row for row in by_time if row.observed_at.timestamp() >= since_s],
    )  # fmt: skip


def _flags(rows: Sequence[Row]) -> list[tuple[Flag, str | None]]:
    return [(row.flag, row.reason) for row in rows]


@pytest.mark.parametrize(
    ("value", "flag", "reason"),
    [
        (1.23, GOOD, None),
        (-0.4, GOOD, None),
        (None, MISSING, "no_value"),
        (math.inf, FAIL, "infinite"),
        (-math.inf, FAIL, "infinite"),
        (-999.0, MISSING, "sentinel"),
        (-9999.0, MISSING, "sentinel"),
        (-777.0, MISSING, "sentinel"),
        (20.47, FAIL, "other_datum"),
    ],
)
def test_a_value_that_cannot_be_a_level_is_kept_but_never_good(
    value: float | None, flag: Flag, reason: str | None
) -> None:
    """NaN, infinities, sentinels and impossible levels never count as good; a legal negative level does."""
    row = _row(value)
    _judge([row])
    assert (row.flag, row.reason) == (flag, reason)


def test_without_a_bank_the_range_is_what_is_left() -> None:
    """Nobody knows the datum of a station whose bank is not known: 60 m is out of its range, 20 m is not."""
    rows = [_row(20.0), _row(60.0, 5)]
    judge_stream(State(), rows, UNBANKED, around=lambda _: ())
    assert _flags(rows) == [(GOOD, None), (FAIL, "out_of_range")]


def test_a_clock_that_runs_ahead_is_suspect() -> None:
    """Up to 5 min ahead is a device's clock, more is suspect."""
    near, far = _row(1.0, 4), _row(1.0, 7)
    near.received_at = far.received_at = NOW
    _judge([near, far])
    assert _flags([near, far]) == [(GOOD, None), (SUSPECT, "clock_ahead")]


def test_a_camera_that_is_not_sure_is_suspect() -> None:
    """Low confidence is flag 3, so that it moves no state."""
    row = _row(1.0, confidence=0.4)
    _judge([row])
    assert (row.flag, row.reason) == (SUSPECT, "low_confidence")


def test_a_spike_is_told_when_the_next_value_comes() -> None:
    """Stored as good, the value is a spike once its successor is there, and its neighbours are not blamed."""
    state = State()
    stored = [_row(0.5, 0), _row(0.52, 5), _row(0.9, 10)]
    _judge(stored, state)
    assert stored[2].flag is GOOD
    after = _row(0.5, 15)
    changed = _judge([after], state, stored)
    assert [(row.observed_at, row.flag, row.reason) for row in changed] == [
        (NOW + timedelta(minutes=10), SUSPECT, "spike")
    ]
    assert after.flag is GOOD


def test_a_late_reading_touches_its_neighbours_and_nothing_else() -> None:
    """What stood out alone is borne out by the reading that came late, and every other flag stays."""
    state = State()
    stored = [_row(0.5, minute) for minute in range(0, 60, 5)] + [_row(0.9, 65), _row(0.5, 70), _row(0.52, 75)]
    _judge(stored, state)
    assert [row.reason for row in stored[-4:]] == [None, "spike", None, None]
    late = _row(0.75, 67)
    changed = _judge([late], state, stored)
    assert late.flag is GOOD
    assert [(row.observed_at, row.flag) for row in changed] == [(NOW + timedelta(minutes=65), GOOD)]
