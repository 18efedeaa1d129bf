"""The rules of readings: quality flags, the state machine of a gauge, staleness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sensors.rules import IncomingReading, is_stale, refusal

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def _reading(value: float, *, at: datetime = NOW, unit: str = "m", confidence: float | None = None) -> IncomingReading:
    return IncomingReading("KTY01", at, value, unit, confidence=confidence)


def _refused(reading: IncomingReading, unit: str | None = "m") -> str | None:
    refused = refusal(reading, unit, now=NOW)
    return None if refused is None else refused.reason


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


def test_silence_for_three_intervals_is_stale() -> None:
    """A gauge that has said nothing for three intervals, or never, is stale."""
    assert not is_stale(NOW - timedelta(minutes=15), interval_s=300, now=NOW)
    assert is_stale(NOW - timedelta(minutes=15, seconds=1), interval_s=300, now=NOW)
    assert is_stale(None, interval_s=300, now=NOW)
