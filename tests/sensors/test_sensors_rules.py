"""The rules of readings: quality flags, the state machine of a gauge, staleness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.rules import (
    IncomingReading,
    LevelReading,
    LevelState,
    StateChange,
    Thresholds,
    WaterState,
    follow,
    is_stale,
    refusal,
)

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
THRESHOLDS = Thresholds(watch_m_msl=1.0, warning_m_msl=1.5, danger_m_msl=2.0)


def _reading(value: float, *, at: datetime = NOW, unit: str = "m", confidence: float | None = None) -> IncomingReading:
    return IncomingReading("KTY01", at, value, unit, confidence=confidence)


def _refused(reading: IncomingReading, unit: str | None = "m") -> str | None:
    refused = refusal(reading, unit, now=NOW)
    return None if refused is None else refused.reason


def _levels(*levels_m_msl: float, start_at: datetime = NOW) -> list[LevelReading]:
    return [
        LevelReading(level, start_at + timedelta(minutes=5 * index), NOW) for index, level in enumerate(levels_m_msl)
    ]


def _path(*levels_m_msl: float) -> list[tuple[int, int]]:
    _, changes = follow(LevelState(), _levels(*levels_m_msl), THRESHOLDS)
    return [(int(change.from_state), int(change.to_state)) for change in changes]


def test_centimetres_for_metres_are_refused_by_name() -> None:
    """A wrong unit is refused and named, never converted."""
    refused = refusal(_reading(150.0, unit="cm"), "m", now=NOW)
    assert refused is not None
    assert refused.reason == "wrong_unit"
    assert "'cm'" in refused.detail
    assert "'m'" in refused.detail


def test_an_unknown_datastream_is_refused() -> None:
    """A reading of a station that the city does not have is refused."""
    assert _refused(_reading(1.0), unit=None) == "unknown_datastream"


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(minutes=15), None),
        (timedelta(minutes=16), "future_time"),
        (timedelta(days=-29), None),
        (timedelta(days=-31), "too_old"),
        (timedelta(days=-365 * 2000), "too_old"),
    ],
)
def test_times_far_from_the_clock_are_refused(ahead: timedelta, expected: str | None) -> None:
    """A quarter of an hour ahead may be a device's clock, more is refused; so is a month ago."""
    assert _refused(_reading(1.0, at=NOW + ahead)) == expected


def test_two_readings_raise_and_one_does_not() -> None:
    """A single reading over the threshold is no alarm."""
    assert _path(0.5, 1.1, 0.5, 1.1, 0.5) == []
    assert _path(0.5, 1.1, 1.1) == [(0, 1)]


def test_a_flash_flood_jumps_straight_to_the_highest_state_both_readings_support() -> None:
    """Two readings over danger go to danger at once; one over danger and one over warning go to warning."""
    assert _path(0.5, 2.1, 2.2) == [(0, 3)]
    assert _path(0.5, 1.6, 2.2) == [(0, 2)]
    assert _path(0.5, 1.6, 2.2, 2.2) == [(0, 2), (2, 3)]


def test_it_comes_down_only_below_the_dead_band_and_twice() -> None:
    """A state is held until two readings lie more than 0.10 m under its threshold."""
    assert _path(1.6, 1.6, 1.41, 1.40, 1.41) == [(0, 2)]
    assert _path(1.6, 1.6, 1.39, 1.45, 1.39) == [(0, 2)]
    assert _path(1.6, 1.6, 1.39, 1.38) == [(0, 2), (2, 1)]
    assert _path(2.1, 2.1, 0.3, 0.3) == [(0, 3), (3, 0)]


def test_the_machine_survives_a_restart_between_two_readings() -> None:
    """What is pending is part of the stored state."""
    half_way, none = follow(LevelState(), _levels(1.2), THRESHOLDS)
    after, changes = follow(half_way, _levels(1.2, start_at=NOW + timedelta(minutes=5)), THRESHOLDS)
    assert none == []
    assert [change.to_state for change in changes] == [WaterState.WATCH]
    assert after.state == WaterState.WATCH


def test_replayed_and_late_readings_change_nothing() -> None:
    """A reading not newer than the state is history."""
    state, _ = follow(LevelState(), _levels(0.5, 0.5, 0.5), THRESHOLDS)
    again, changes = follow(state, _levels(2.5, 2.5, 2.5), THRESHOLDS)
    assert (again, changes) == (state, [])


def test_a_change_carries_the_reading_that_caused_it() -> None:
    """Latency is measured from the arrival of the second reading, not of the first."""
    readings = [LevelReading(1.2, NOW, NOW), LevelReading(1.3, NOW + timedelta(minutes=5), NOW + timedelta(seconds=2))]
    _, changes = follow(LevelState(), readings, THRESHOLDS)
    assert changes == [StateChange(WaterState.NORMAL, WaterState.WATCH, readings[1])]


@given(st.lists(st.floats(-0.01, 0.01), min_size=40, max_size=200), st.sampled_from([1.0, 1.5, 2.0]))
def test_noise_of_a_centimetre_at_a_threshold_raises_once(noise_m: list[float], threshold_m_msl: float) -> None:
    """Water that stands at a threshold with ±1 cm of noise gives at most one raise and no way down."""
    _, changes = follow(LevelState(), _levels(*(threshold_m_msl + each for each in noise_m)), THRESHOLDS)
    into = [change for change in changes if change.to_state == THRESHOLDS.state_at(threshold_m_msl)]
    assert len(into) <= 1
    assert all(change.to_state > change.from_state for change in changes)


@given(st.lists(st.floats(-1.0, 6.0), max_size=60))
def test_no_state_without_two_readings_that_support_it(levels_m_msl: list[float]) -> None:
    """Whatever the water does, a raise is backed by this reading and the one before."""
    readings = _levels(*levels_m_msl)
    _, changes = follow(LevelState(), readings, THRESHOLDS)
    for change in changes:
        if change.to_state > change.from_state:
            index = readings.index(change.reading)
            pair = readings[index - 1 : index + 1]
            assert min(THRESHOLDS.state_at(one.level_m_msl) for one in pair) == change.to_state
            assert len(pair) == 2


@given(st.lists(st.floats(-1.0, 6.0), min_size=1, max_size=40), st.data())
def test_batches_do_not_matter(levels_m_msl: list[float], data: st.DataObject) -> None:
    """The same readings in one batch or in many give the same states and the same changes."""
    readings = _levels(*levels_m_msl)
    cut = data.draw(st.integers(0, len(readings)))
    whole, changes = follow(LevelState(), readings, THRESHOLDS)
    half, first = follow(LevelState(), readings[:cut], THRESHOLDS)
    rest, second = follow(half, readings[cut:], THRESHOLDS)
    assert (rest, first + second) == (whole, changes)


def test_silence_for_three_intervals_is_stale() -> None:
    """A gauge that has said nothing for three intervals, or never, is stale."""
    assert not is_stale(NOW - timedelta(minutes=15), interval_s=300, now=NOW)
    assert is_stale(NOW - timedelta(minutes=15, seconds=1), interval_s=300, now=NOW)
    assert is_stale(None, interval_s=300, now=NOW)
