"""Readings on their way into the table: flagged by what their site allows, and by what comes before and after them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.judging import Row, judge_stream, stored_as
from sensors.quality.late import CALM, Stored
from sensors.quality.parameters import Clock, Datum, FlatLine, Parameters, Range, Rate, Spike
from sensors.quality.sites import Site, parameters_of
from sensors.quality.state import State
from sensors.quality.stream import Tests
from sensors.rules import Flag

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
CANAL = parameters_of(Site("water_level", bank=2.0, bed=-0.5, range_min=-2.5, range_max=7.0, interval_s=300))
UNBANKED = parameters_of(Site("water_level", bank=None, bed=None, range_min=-10.0, range_max=50.0, interval_s=300))
GOOD, SUSPECT, FAIL, MISSING = Flag.GOOD, Flag.SUSPECT, Flag.FAIL, Flag.MISSING


def _row(value: float | None, minute: float = 0.0, *, confidence: float | None = None) -> Row:
    at = NOW + timedelta(minutes=minute)
    return Row(1, at, value, confidence, received_at=max(at, NOW), received_wall_at=NOW)


class _Store:
    """What is stored of a stream, and how much of it was looked at."""

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.rows = {row.observed_at: row for row in rows}
        self.looked_at = 0

    def keep(self, rows: Sequence[Row]) -> None:
        """These rows stand as they are now; an infinite value is none, as in the table."""
        for row in rows:
            value = row.value if row.value is not None and math.isfinite(row.value) else None
            self.rows[row.observed_at] = replace(row, value=value)

    def before(self, at_s: float, *, since_s: float) -> Iterator[Stored]:
        """Those within the times, newest first."""
        within = [at for at in self.rows if since_s <= at.timestamp() < at_s]
        return self._told(sorted(within, reverse=True))

    def since(self, at_s: float) -> Iterator[Stored]:
        """Those from the time on, oldest first."""
        return self._told(sorted(at for at in self.rows if at.timestamp() >= at_s))

    def rows_at(self, times: Sequence[datetime]) -> list[Row]:
        """Copies: what is not given back is not changed."""
        return [replace(self.rows[at]) for at in times if at in self.rows]

    def _told(self, times: Sequence[datetime]) -> Iterator[Stored]:
        for at in times:
            self.looked_at += 1
            row = self.rows[at]
            yield stored_as(at.timestamp(), row.value, row.received_at.timestamp(), int(row.tests))


def _judge(rows: Sequence[Row], state: State | None = None, stored: Sequence[Row] = ()) -> list[Row]:
    """The stored rows that are flagged anew; the given ones are flagged in place."""
    return judge_stream(state or State(), rows, CANAL, around=_Store(stored))


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
    judge_stream(State(), rows, UNBANKED, around=_Store())
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


# Minutes where a canal has days, so that a short series shows every test.
BRISK = Parameters(
    version=1,
    range=Range(fail_min=-5.0, fail_max=8.0, suspect_min=-2.0, suspect_max=5.0),
    rate=Rate(suspect_per_s=0.02, fail_per_s=0.05),
    spike=Spike(suspect=0.4, fail=1.0),
    flat_line=FlatLine(tolerance=0.25, suspect_after_s=180.0, fail_after_s=600.0),
    gap_s=240.0,
    clock=Clock(ahead_suspect_s=90.0, ahead_fail_s=150.0, too_old_s=86_400.0),
    datum=Datum(bank=3.0, bed=-3.0),
    sentinels=frozenset({-999.0}),
)
ODD = [math.inf, -math.inf, None, -999.0, -6.0, 6.0, 9.0, 2.5]
STRETCHES = st.tuples(
    st.sampled_from(["still", "waves", "steps", "spikes", "odd"]),
    st.integers(1, 120),
    st.sampled_from([1.0, 7.5, 60.0, 200.0]),  # Seconds apart: dense, and so sparse that the next gap is near.
    st.sampled_from([0.0, 0.0, 300.0, 3000.0]),  # Silence before it.
)


def _series(stretches: Sequence[tuple[str, int, float, float]], chance: random.Random) -> list[Row]:
    """A stream in the order of its times, of stretches that are still, rise, stand out or have no value."""
    at, level, rows = NOW, 1.0, list[Row]()
    for kind, count, apart_s, silence_s in stretches:
        at += timedelta(seconds=silence_s)
        for _ in range(count):
            at += timedelta(seconds=apart_s)
            if kind == "waves":
                level = round(min(max(level + chance.choice([-0.05, 0.0, 0.05]), 0.0), 3.0), 2)
            elif kind == "steps" and chance.random() < 0.2:
                level = chance.choice([0.5, 1.0, 1.3, 2.0])
            value: float | None = level
            if kind in {"spikes", "odd"} and chance.random() < {"spikes": 0.15, "odd": 0.5}[kind]:
                value = chance.choice(ODD)
            delay_s = chance.choice([5.0] * 30 + [-100.0, -200.0, 100_000.0])
            confidence = 0.2 if chance.random() < 0.02 else None
            rows.append(Row(1, at, value, confidence, at + timedelta(seconds=delay_s), NOW))
    return rows


def _batches(rows: Sequence[Row], chance: random.Random, way: str) -> list[list[Row]]:
    """The rows in batches of any size: in any order, the newest first, or as from a device that was away."""
    rows = list(rows)
    if way == "shuffled":
        chance.shuffle(rows)
    elif way == "a little late":
        rows.sort(key=lambda row: row.observed_at.timestamp() + chance.choice([0.0, 0.0, 30.0, 500.0]))
    elif way == "away":
        rows = [rows[-1], *rows[:-1]]
    batches, most = [], chance.choice([1, 5, 40, 300])
    while rows:
        count = chance.randint(1, most)
        batches.append(sorted(rows[:count], key=lambda row: row.observed_at))
        rows = rows[count:]
    return batches[::-1] if way == "newest first" else batches


def _flagged(batches: Sequence[Sequence[Row]]) -> dict[datetime, tuple[Flag, Tests, str | None]]:
    """What is stored in the end, with a restart between any two batches."""
    state, store = State(), _Store()
    for batch in batches:
        own = [replace(row) for row in batch]
        changed = judge_stream(state, own, BRISK, around=store)
        store.keep([*own, *changed])
        state = State.from_json(state.as_json())
    return {at: (row.flag, row.tests, row.reason) for at, row in sorted(store.rows.items())}


@given(
    st.lists(STRETCHES, min_size=1, max_size=6),
    st.sampled_from(["shuffled", "a little late", "away", "newest first"]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=200, deadline=None)
def test_the_order_of_arrival_changes_no_flag(
    stretches: list[tuple[str, int, float, float]], way: str, chance: random.Random
) -> None:
    """Whatever comes when, in whatever batches: in the end the flags are those of all in one piece in order of time."""
    rows = _series(stretches, chance)
    assert _flagged(_batches(rows, chance, way)) == _flagged([rows])


def test_late_rows_far_apart_are_not_joined_by_all_that_lies_between() -> None:
    """Each is judged among its own neighbours; what lies far from all of them is not looked at."""
    rows = _series([("waves", 120, 1.0, 0.0)] * 80, random.Random(7))
    late = [rows[index] for index in (100, 103, 5000, 9000)]
    store, state = _Store(), State()
    stored = [replace(row) for row in rows if row not in late]
    judge_stream(state, stored, BRISK, around=store)
    store.keep(stored)
    own = [replace(row) for row in late]
    changed = judge_stream(state, own, BRISK, around=store)
    store.keep([*own, *changed])
    expected = _flagged([rows])
    assert {at: (row.flag, row.tests, row.reason) for at, row in sorted(store.rows.items())} == expected
    assert store.looked_at < 3 * (2 * CALM + 100)
