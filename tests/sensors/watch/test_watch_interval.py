"""The learnt interval: robust, bounded, and kind to gauges that send seldom."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.watch.interval import REMEMBERED, Learnt, learn, pace_of
from tests.sensors.watch.water import START, at


def _after(minutes: list[float], *, received: list[datetime] | None = None) -> Learnt:
    known = Learnt()
    for place, minute in enumerate(minutes):
        known = learn(known, observed_at=at(minute), received_at=received[place] if received else at(minute))
    return known


def test_the_interval_is_learnt_and_a_hole_does_not_change_it() -> None:
    """Ten minutes stay ten minutes after a hole of 13 days (Jakarta, February 2019)."""
    known = _after([*(10.0 * step for step in range(20)), 18_910.0, 18_920.0])
    assert known.interval_s == 600.0
    assert pace_of(known, declared_s=None).late_after_s == 1800.0


def test_few_steps_say_nothing_and_the_declared_interval_counts() -> None:
    """Before five steps the declared one is all that is known; without it, ten minutes are assumed."""
    known = _after([0, 60, 120])
    assert known.interval_s is None
    assert pace_of(known, declared_s=300.0).interval_s == 300.0
    assert pace_of(known, declared_s=None).interval_s == 600.0


@pytest.mark.parametrize(("declared_s", "expected_s"), [(300.0, 600.0), (900.0, 900.0), (None, 600.0)])
def test_the_slower_of_declared_and_learnt_counts(declared_s: float | None, expected_s: float) -> None:
    """A gauge that speeds up while water rises is not late when it slows again; a slow one is no alarm."""
    assert pace_of(_after([10.0 * step for step in range(10)]), declared_s=declared_s).interval_s == expected_s


def test_a_gauge_that_delivers_twice_a_day_is_lost_only_after_two_deliveries() -> None:
    """15-minute values that come every 12 h (Environment Agency): late after 45 min, lost after a day."""
    minutes = [15.0 * step for step in range(48 * 5)]
    received = [START + timedelta(hours=12 * (int(minute // 720) + 1)) for minute in minutes]
    pace = pace_of(_after(minutes, received=received), declared_s=900.0)
    assert (pace.interval_s, pace.late_after_s, pace.lost_after_s) == (900.0, 2700.0, 86400.0)


def test_a_late_or_repeated_reading_teaches_nothing() -> None:
    """Older than the newest, or the newest again: the pace stays."""
    known = _after([10.0 * step for step in range(10)])
    assert learn(known, observed_at=at(55), received_at=at(200)) == known
    assert learn(known, observed_at=at(90), received_at=at(200)) == known


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.01, 10_000), max_size=80))
def test_what_is_remembered_is_bounded_and_survives_a_restart(waits: list[float]) -> None:
    """Never more than the window, and the same after JSON."""
    minute, minutes = 0.0, list[float]()
    for wait in waits:
        minute += wait
        minutes.append(minute)
    known = _after(minutes)
    assert len(known.steps_s) <= REMEMBERED
    assert len(known.waits_s) <= REMEMBERED
    assert Learnt.from_json(json.loads(json.dumps(known.as_json()))) == known
    pace = pace_of(known, declared_s=None)
    assert 0 < pace.interval_s <= pace.late_after_s <= pace.lost_after_s
