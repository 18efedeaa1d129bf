"""The judging of readings one by one: every trap that gauges set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from sensors.quality import defaults
from sensors.quality.parameters import Clock, Datum, FlatLine, Parameters, Range, Rate, Spike
from sensors.quality.state import State
from sensors.quality.stream import Judgement, Tests, judge
from sensors.rules import SENTINELS, Flag

STEP_S, DAY_S = 600.0, 86_400.0
BEGAN_S = 1_700_000_000.0
LEVEL = Parameters(
    version=1,
    rate=Rate(suspect_per_s=1.0 / STEP_S, fail_per_s=3.0 / STEP_S),
    spike=Spike(suspect=0.3, fail=1.0),
    gap_s=3 * STEP_S,
    clock=defaults.CLOCK,
    datum=Datum(bank=2.54, bed=-1.0),
    sentinels=SENTINELS,
)


def _told(values: Sequence[float | None], parameters: Parameters, *, step_s: float = STEP_S) -> list[Judgement]:
    """What is told of each value in the end, one every `step_s` seconds."""
    state, told = State(), list[Judgement]()
    for number, value in enumerate(values):
        at_s = BEGAN_S + number * step_s
        judged = judge(state, at_s, value, at_s + 5.0, parameters)
        if judged.revision is not None:
            told[round((judged.revision.at_s - BEGAN_S) / step_s)] = Judgement(*judged.revision[1:])
        told.append(judged)
    return told


def _flags(values: Sequence[float | None], parameters: Parameters) -> list[int]:
    return [int(one.flag) for one in _told(values, parameters)]


@pytest.mark.parametrize("sentinel", sorted(SENTINELS))
def test_a_sentinel_never_becomes_a_level(sentinel: float) -> None:
    """-999, -777 and the like are missing, and the values beside them are as good as without them."""
    told = _told([1.0, 1.1, sentinel, 1.2, 1.3], LEVEL)
    assert [int(one.flag) for one in told] == [1, 1, 9, 1, 1]
    assert told[2].tests == Tests.SENTINEL


def test_a_sentinel_within_the_range_is_still_none() -> None:
    """A sentinel that the range allows is missing all the same."""
    parameters = replace(LEVEL, datum=None, sentinels=frozenset({0.5}))
    assert _flags([0.4, 0.5, 0.45], parameters) == [1, 9, 1]


def test_legal_negative_levels_are_good() -> None:
    """P.A. Pluit's and Hebden Bridge's datum makes levels negative: no test doubts a sign."""
    pluit = replace(LEVEL, datum=None, range=Range(fail_min=-3.0, fail_max=3.0))
    assert _flags([-1.82, -1.80, -1.79, -0.03, 0.02, -0.062], replace(pluit, rate=None, spike=None)) == [1] * 6


@pytest.mark.parametrize(("level", "flag"), [(2.54, 1), (7.54, 1), (7.55, 4), (20.47, 4), (-3.0, 1), (-3.01, 4)])
def test_another_datum_is_no_flood(level: float, flag: int) -> None:
    """20.47 with its bank at 2.54 fails by DATUM; so does all outside 2 m below the bed and 5 m above the bank."""
    told = _told([level], LEVEL)[0]
    assert (int(told.flag), Tests.DATUM in told.failed) == (flag, flag == 4)


def test_without_a_bed_a_level_is_near_the_bank() -> None:
    """More than 10 m from the bank is another datum, where the bed is not known."""
    parameters = replace(LEVEL, datum=Datum(bank=2.54))
    assert [_flags([level], parameters)[0] for level in (-7.46, -7.47)] == [1, 4]


def test_low_water_of_a_deep_river_is_good_by_default() -> None:
    """A bed 15 m below the bank does not make low water a fault of the datum."""
    parameters = defaults.water_level(bank_m=20.0, bed_m=5.0, interval_s=STEP_S)
    assert _flags([6.0, 4.0, 2.9], replace(parameters, rate=None, spike=None)) == [1, 1, 4]


@pytest.mark.parametrize(
    ("value", "flag", "tests"),
    [
        (None, 9, Tests.MISSING),
        (math.nan, 9, Tests.MISSING),
        (math.inf, 4, Tests.NOT_FINITE),
        (-math.inf, 4, Tests.NOT_FINITE),
        (float("1e309"), 4, Tests.NOT_FINITE),
    ],
)
def test_what_is_no_number_blames_nobody(value: float | None, flag: int, tests: Tests) -> None:
    """No value and NaN are missing, infinity (1e309 too) fails, and the values beside them stay good."""
    told = _told([1.0, value, 1.0, 1.1], LEVEL)
    assert [int(one.flag) for one in told] == [1, flag, 1, 1]
    assert told[1].tests == tests


def test_a_spike_is_told_one_step_late_and_alone() -> None:
    """The spike fails when its successor comes; its neighbours, which others blame, stay good."""
    told = _told([1.0, 1.01, 3.0, 1.02, 1.01, 1.0], LEVEL)
    assert [int(one.flag) for one in told] == [1, 1, 4, 1, 1, 1]
    assert told[2].tests == Tests.RATE | Tests.SPIKE
    assert told[2].failed == Tests.SPIKE


def test_a_value_is_provisional_until_its_successor() -> None:
    """A slow spike is good as it comes; the revision comes with the next value, across a missing one."""
    state, parameters = State(), replace(LEVEL, rate=None)
    judged = [judge(state, n * STEP_S, value, n * STEP_S, parameters) for n, value in enumerate([1.0, 1.5, None, 1.1])]
    assert [int(one.flag) for one in judged] == [1, 1, 9, 1]
    revision = judged[3].revision
    assert revision is not None
    assert (revision.at_s, revision.flag, revision.tests) == (STEP_S, Flag.SUSPECT, Tests.SPIKE)
    assert [one.revision for one in judged[:3]] == [None, None, None]


def test_a_real_step_recovers() -> None:
    """Water that rises at once and stays is doubted once; what agrees with it is good again."""
    assert _flags([1.0, 1.0, 3.5, 3.5, 3.6, 3.6], LEVEL) == [1, 1, 3, 1, 1, 1]


def test_a_plateau_looks_like_water() -> None:
    """Three wrong values in a row: the way up and the way down are doubted, the middle cannot be known to be wrong."""
    assert _flags([1.0, 1.0, 3.5, 3.5, 3.5, 1.0, 1.0], LEVEL) == [1, 1, 3, 1, 1, 3, 1]


def test_two_faults_in_a_row_do_not_blame_the_next() -> None:
    """Up and down beyond belief, then back: the value that agrees with the last good one is good."""
    assert _flags([1.0, 1.0, 5.0, -2.5, 1.0, 1.0], LEVEL)[4:] == [1, 1]


def test_the_way_to_a_flood_is_good() -> None:
    """0.9 m in ten minutes, six times in a row, is fast and true."""
    assert _flags([-1.0 + 0.9 * number for number in range(7)], LEVEL) == [1] * 7


def test_a_value_beyond_the_range_is_no_neighbour() -> None:
    """A value that fails by range leaves the next to be compared with the one before it."""
    parameters = replace(LEVEL, datum=None, range=Range(fail_min=-5.0, fail_max=5.0, suspect_max=4.0))
    assert _flags([1.0, 99.0, 1.1, 1.2], parameters) == [1, 4, 1, 1]
    assert _flags([3.9, 4.0, 4.1, 4.0], parameters) == [1, 1, 3, 1]


def test_a_clock_a_day_ahead_moves_nothing() -> None:
    """A reading of tomorrow fails by AHEAD, and those of today go on as if it had not come."""
    state = State()
    now_s = BEGAN_S
    assert judge(state, now_s, 1.0, now_s, LEVEL).flag == Flag.GOOD
    ahead = judge(state, now_s + DAY_S, 1.0, now_s + STEP_S, LEVEL)
    assert (ahead.flag, ahead.failed) == (Flag.FAIL, Tests.AHEAD)
    assert state.last_at_s == now_s
    after = judge(state, now_s + STEP_S, 1.0, now_s + STEP_S, LEVEL)
    assert (after.flag, after.tests) == (Flag.GOOD, Tests(0))


@pytest.mark.parametrize(("ahead_s", "flag"), [(300.0, 1), (301.0, 3), (900.0, 3), (901.0, 4)])
def test_a_clock_somewhat_ahead_is_suspect(ahead_s: float, flag: int) -> None:
    """Five minutes ahead is good, fifteen suspect, more fails."""
    assert judge(State(), BEGAN_S + ahead_s, 1.0, BEGAN_S, LEVEL).flag == flag


def test_the_year_1_is_too_old() -> None:
    """A time of year 0001 fails by TOO_OLD and leaves the stream where it was."""
    state = State()
    judged = judge(state, -62_135_596_800.0, 1.0, BEGAN_S, LEVEL)
    assert (judged.flag, judged.failed) == (Flag.FAIL, Tests.TOO_OLD)
    assert state == State()


@pytest.mark.parametrize("at_s", [math.nan, math.inf, -math.inf])
def test_a_time_that_is_none_moves_nothing(at_s: float) -> None:
    """A time that is not finite fails, with or without a clock test."""
    state = State()
    assert judge(state, at_s, 1.0, BEGAN_S, LEVEL).flag == Flag.FAIL
    assert judge(state, at_s, 1.0, BEGAN_S, replace(LEVEL, clock=None)).flag == Flag.FAIL
    assert state == State()


def test_a_clock_that_jumps_back_moves_nothing() -> None:
    """A reading older than the newest, or another value at its time, is out of order and changes nothing here."""
    state = State()
    judge(state, BEGAN_S, 1.0, BEGAN_S, LEVEL)
    before = state.as_json()
    for at_s, value in ((BEGAN_S - 3600.0, 1.0), (BEGAN_S, 1.5), (BEGAN_S, None)):
        told = judge(state, at_s, value, BEGAN_S, LEVEL)
        assert Tests.OUT_OF_ORDER in told.tests
        assert told.flag in {Flag.NOT_EVALUATED, Flag.MISSING}
    assert state.as_json() == before


@pytest.mark.parametrize("value", [1.0, None, math.nan, math.inf, -999.0])
def test_a_repeat_is_no_reading(value: float | None) -> None:
    """The newest reading told again is a repeat, whatever its value, and changes nothing."""
    state = State()
    judge(state, BEGAN_S, value, BEGAN_S, LEVEL)
    before = state.as_json()
    assert Tests.REPEATED in judge(state, BEGAN_S, value, BEGAN_S, LEVEL).tests
    assert state.as_json() == before


def test_after_a_gap_a_value_is_as_good_as_before() -> None:
    """GAP is a note: a gauge that comes back in a flood is believed; no spike is looked for across the gap."""
    state = State()
    judge(state, 0.0, 1.0, 0.0, LEVEL)
    judge(state, STEP_S, 1.8, STEP_S, LEVEL)
    told = judge(state, STEP_S + DAY_S, 1.0, STEP_S + DAY_S, LEVEL)
    assert (told.flag, told.tests, told.revision) == (Flag.GOOD, Tests.GAP, None)


def test_a_flow_sensor_flat_at_zero_for_years_fails() -> None:
    """It is suspect after a day, fails after three, and its state stays a handful of numbers."""
    flat = FlatLine(tolerance=0.01, suspect_after_s=DAY_S, fail_after_s=3 * DAY_S)
    parameters, state = Parameters(version=1, flat_line=flat), State()
    flags = [int(judge(state, hour * 3600.0, 0.0, 0.0, parameters).flag) for hour in range(24 * 365 * 2)]
    assert [flags.index(flag) for flag in (1, 3, 4)] == [0, 24, 72]
    assert set(flags[72:]) == {4}
    assert len(state.lows) == len(state.highs) == 1
    assert judge(state, 24 * 365 * 2 * 3600.0, 0.01, 0.0, parameters).flag == Flag.GOOD


def test_weeks_without_rain_are_good_and_a_record_is_not() -> None:
    """Zero rain is never flat; 762 mm in 24 h is suspect; more than the world has seen, and less than none, fail."""
    parameters = defaults.rain(sum_over_s=DAY_S, interval_s=3600.0)
    assert set(_flags([0.0] * 2000, replace(parameters, gap_s=None))) == {1}
    assert [_flags([mm], parameters)[0] for mm in (335.0, 762.0, 1825.0, 2000.0, -0.2)] == [1, 3, 3, 4, 4]


def test_what_nobody_tests_is_not_evaluated() -> None:
    """Without a test that judges values the flag is 2, never 1; what is missing is still missing."""
    assert _flags([1.0, None, 1e12], Parameters(version=1, clock=Clock(too_old_s=60.0))) == [2, 9, 2]


def test_tests_may_be_switched_on_and_off_between_readings() -> None:
    """Parameters of a new version take over a state of the old: a flat line begins when its test does."""
    flat = replace(LEVEL, flat_line=FlatLine(tolerance=0.1, suspect_after_s=STEP_S), gap_s=None)
    state = State()
    told = [
        judge(state, number * STEP_S, 1.0 + number / 100, number * STEP_S, parameters).tests
        for number, parameters in enumerate([LEVEL, LEVEL, flat, flat, LEVEL, flat, flat])
    ]
    assert [Tests.FLAT in tests for tests in told] == [False, False, False, True, False, False, True]
