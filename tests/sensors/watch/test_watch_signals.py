"""What each kind of rule makes of its readings, and the dry run: these readings, this rule, these changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from sensors.rules import Flag, WaterState
from sensors.watch.documents import parse_rule
from sensors.watch.dry_run import by_stream, dry_run, observe, observe_forecast, trial, visits
from sensors.watch.signals import ForecastPoint, Reading
from sensors.watch.state import ChangeKind, Pace
from tests.sensors.watch.test_watch_documents import LEVEL, OF_KIND
from tests.sensors.watch.water import at

NORMAL, WATCH, WARNING, DANGER = WaterState
K = ChangeKind


def _readings(
    values: Sequence[tuple[float, float | None]], *, stream: str = "g", flag: Flag = Flag.GOOD
) -> list[Reading]:
    return [Reading(stream=stream, at=at(minute), value=value, flag=flag) for minute, value in values]


def test_a_level_rule_tells_what_these_readings_would_have_told() -> None:
    """Up at the second reading, down after the hold, ended after the merge window."""
    values = [(10.0 * step, 6.0 if 2 <= step < 6 else 5.0) for step in range(20)]
    changes = dry_run(parse_rule(LEVEL), _readings(values), [at(5 * step) for step in range(40)])
    assert [(one.kind, one.at) for one in changes] == [
        (K.RAISED, at(30)), (K.LOWERED, at(90)), (K.ENDED, at(150))
    ]


def test_a_rise_is_measured_from_the_lowest_of_its_window() -> None:
    """0.7 m in 30 min is a warning; the same level after hours of standing is none."""
    rule = parse_rule(OF_KIND["rate_of_rise"])
    rising = _readings([(0, 1.2), (10, 1.0), (20, 1.3), (40, 1.7)])
    assert observe(rule, rising).reached is WARNING
    assert observe(rule, _readings([(0, 1.0), (200, 1.7), (230, 1.7)])).reached is NORMAL


def test_a_rise_known_from_one_reading_alone_ends_nothing() -> None:
    """After a gap the first reading has nothing to be compared with."""
    rule = parse_rule(OF_KIND["rate_of_rise"])
    assert observe(rule, _readings([(0, 1.0), (200, 3.0)])).is_floor


def test_a_doubtful_value_in_the_window_makes_no_rise() -> None:
    """A drop to zero that failed quality is no foot of a rise."""
    rule = parse_rule(OF_KIND["rate_of_rise"])
    window = [*_readings([(0, 1.7)]), *_readings([(10, 0.0)], flag=Flag.FAIL), *_readings([(20, 1.7)])]
    assert observe(rule, window).reached is NORMAL


def test_the_worst_rain_sum_counts() -> None:
    """31 mm in an hour reach one limit, 91 mm in a day the other."""
    rule = parse_rule(OF_KIND["rain_sum"])
    hour = _readings([(5.0 * step, 31.0 / 12) for step in range(12)], stream="r")
    assert observe(rule, hour).reached is WATCH
    day = _readings([(5.0 * step, 91.0 / 288) for step in range(288)], stream="r")
    seen = observe(rule, day)
    assert (seen.reached, seen.is_floor) == (WARNING, False)


def test_a_rain_sum_with_gaps_is_a_lower_bound() -> None:
    """A third of the day missing: what is left may raise, and never ends anything."""
    rule = parse_rule(OF_KIND["rain_sum"])
    assert observe(rule, _readings([(5.0 * step, 0.0) for step in range(180)], stream="r")).is_floor


def test_what_is_on_its_way_from_upstream_counts_until_it_has_passed() -> None:
    """A wave 5 h ago at a lag of 6 h is still to come; 7 h ago it has passed."""
    rule = parse_rule({**OF_KIND["upstream"], "change_within_s": None})
    assert observe(rule, _readings([(0, 7.0), (300, 5.0)])).reached is WARNING
    assert observe(rule, _readings([(0, 7.0), (420, 5.0)])).reached is NORMAL


def test_a_rise_upstream_counts_as_its_level_does() -> None:
    """The change within the hour is what is compared."""
    rule = parse_rule({**OF_KIND["upstream"], "watch": 0.3, "warning": 0.6, "danger": 1.0})
    assert observe(rule, _readings([(0, 1.0), (30, 1.7), (60, 1.7)])).reached is WARNING


def test_a_quorum_needs_so_many_streams_and_a_silent_one_is_no_all_clear() -> None:
    """Two of two: one alone is nothing; where the other is silent the low count is only a lower bound."""
    rule = parse_rule(OF_KIND["quorum"])
    a, b = _readings([(0, 1.5)], stream="a"), _readings([(5, 2.5)], stream="b")
    assert observe(rule, [*a, *b]).reached is WATCH
    low = observe(rule, [*a, *_readings([(5, 0.5)], stream="b")])
    assert (low.reached, low.is_floor) == (NORMAL, False)
    silent = observe(rule, [*_readings([(0, 2.5)], stream="b"), *_readings([(60, 1.5)], stream="a")])
    assert (silent.reached, silent.is_floor) == (NORMAL, True)


def test_a_forecast_counts_only_in_time_and_with_confidence() -> None:
    """Too far ahead or too unsure is not evaluated; a range's sure end counts."""
    rule = parse_rule(OF_KIND["forecast_crossing"])

    def point(hours: float, level: float, confidence: float) -> ForecastPoint:
        valid_at = at(0) + timedelta(hours=hours)
        return ForecastPoint(stream="g", issued_at=at(0), valid_at=valid_at, value=level, confidence=confidence)

    assert observe_forecast(rule, [point(2, 7.0, 0.9), point(2, 7.5, 0.5)]).reached is WARNING
    unsure = observe_forecast(rule, [point(4, 9.0, 0.95), point(2, 9.0, 0.5)])
    assert (unsure.flag, unsure.reached) == (Flag.NOT_EVALUATED, NORMAL)


def test_two_forecasts_in_a_row_raise() -> None:
    """One forecast is one observation, and its rule has a machine of its own."""
    rule = parse_rule(OF_KIND["forecast_crossing"])
    points = [
        ForecastPoint(
            stream="g", issued_at=at(hour * 10), valid_at=at(hour * 10 + 60 * ahead), value=7.0, confidence=0.9
        )
        for hour in range(2)
        for ahead in (1, 2)
    ]
    assert [(one.kind, one.to_state) for one in dry_run(rule, points, [])] == [(K.RAISED, WARNING)]


def test_a_silence_rule_speaks_of_silence_only() -> None:
    """However high the value is, it is a sign of life; its absence is told."""
    changes = dry_run(parse_rule(OF_KIND["silence"]), _readings([(0, 99.0), (10, 99.0)]), [at(50), at(80), at(90)])
    assert [one.kind for one in changes] == [K.LATE, K.LOST]


def test_a_rule_may_know_better_than_the_gauge_when_it_is_lost() -> None:
    """A silence rule of its own times goes before the pace that the gauge was learnt to have."""
    rule = parse_rule({**OF_KIND["silence"], "timing": {"late_after_s": 300, "lost_after_s": 600}})
    own = Pace(interval_s=3600.0, late_after_s=10_800.0, lost_after_s=21_600.0)
    readings = [Reading(stream="g", at=at(0), value=1.0, pace=own)]
    assert [one.kind for one in dry_run(rule, readings, [at(6), at(11)])] == [K.LATE, K.LOST]
    without = parse_rule(OF_KIND["silence"])
    assert dry_run(without, readings, [at(6), at(11)]) == []


def test_readings_of_other_streams_change_nothing() -> None:
    """A rule sees its own streams."""
    assert dry_run(parse_rule(LEVEL), _readings([(0, 9.0), (10, 9.0)], stream="other"), []) == []


def test_a_witness_at_the_top_raises_danger_at_once() -> None:
    """Two gauges of the same water that agree at the top need no second reading; a silent witness says nothing."""
    rule = parse_rule({**LEVEL, "witnesses": {"w": {"danger": 3.0}}, "fresh_s": 1800})
    high = _readings([(0, 5.0), (10, 9.0)])
    raised = dry_run(rule, [*high, *_readings([(9, 3.1)], stream="w")], [])
    assert [(one.kind, one.to_state) for one in raised] == [(K.RAISED, DANGER)]
    assert dry_run(rule, high, []) == []
    assert dry_run(rule, [*high, *_readings([(9, 2.9)], stream="w")], []) == []
    stale = [*_readings([(0, 3.1)], stream="w"), *_readings([(0, 5.0), (40, 9.0)])]
    assert dry_run(rule, stale, []) == []


def test_what_naive_eyes_would_count_is_said_beside_the_changes() -> None:
    """A level that swings about its limit is one change and many crossings."""
    swinging = [(10.0 * step, 5.91 if step % 2 else 5.89) for step in range(14)]
    told = trial(parse_rule(LEVEL), _readings(swinging), [])
    assert (told.naive_crossings, [one.kind for one in told.changes]) == (13, [K.RAISED])
    assert len(told.observations) == 14


def test_the_cost_of_a_trial_is_known_before_it_is_made() -> None:
    """A window over many readings is looked at once a reading; a level looks at each reading once."""
    rise = parse_rule(OF_KIND["rate_of_rise"])
    readings = _readings([(float(minute), 1.0) for minute in range(1000)])
    assert visits(parse_rule(LEVEL), by_stream(parse_rule(LEVEL), readings)) == 1000
    assert visits(rise, by_stream(rise, readings)) == pytest.approx(1000 * 1000 * rise.window_s / (999 * 60))
