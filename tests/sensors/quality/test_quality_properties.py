"""Properties of judging: restarts, late readings, bounded memory."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.quality.late import Stored, context, rejudge
from sensors.quality.parameters import Clock, Datum, FlatLine, Parameters, Range, Rate, Spike
from sensors.quality.state import STEPS_AT_MOST, State
from sensors.quality.stream import Judgement, Tests, judge

MINUTE_S = 60.0
BEGAN_S = 1_700_000_000.0
PARAMETERS = Parameters(
    version=1,
    range=Range(fail_min=-5.0, fail_max=8.0, suspect_min=-2.0, suspect_max=5.0),
    rate=Rate(suspect_per_s=0.02, fail_per_s=0.05),
    spike=Spike(suspect=0.4, fail=1.0),
    flat_line=FlatLine(tolerance=0.25, suspect_after_s=3 * MINUTE_S, fail_after_s=5 * MINUTE_S),
    gap_s=4 * MINUTE_S,
    clock=Clock(ahead_suspect_s=90.0, ahead_fail_s=150.0, too_old_s=86_400.0),
    datum=Datum(bank=3.0, bed=-3.0),
    sentinels=frozenset({-999.0, 0.5}),
)
ODD = [None, math.nan, math.inf, -math.inf, -999.0, 0.5, 1e309, -6.0, 9.0]
VALUES = st.one_of(
    st.sampled_from([1.0, 1.1, 1.2, 1.3, 1.4]), st.sampled_from([-3.0, 0.0, 1.0, 2.0, 3.0, 6.0]), st.sampled_from(ODD)
)
STEPS = st.sampled_from([-2, 0, 1, 1, 1, 1, 1, 1, 2, 3, 9])
DELAYS_S = st.sampled_from([5.0, 5.0, 5.0, -100.0, -200.0, 100_000.0])


@st.composite
def _streams(draw: st.DrawFn) -> list[tuple[float, float | None, float]]:
    """Readings (time, value, arrival) in the order of their arrival, some repeated, late, ahead or too old."""
    minute, readings = 0, []
    for value, step, delay_s in draw(st.lists(st.tuples(VALUES, STEPS, DELAYS_S), max_size=40)):
        minute += step
        at_s = BEGAN_S + minute * MINUTE_S
        readings.append((at_s, value, at_s + delay_s))
    return readings


@st.composite
def _histories(draw: st.DrawFn) -> list[Stored]:
    """Readings in the order of their times, each time once, whatever their values."""
    steps = draw(st.lists(st.tuples(VALUES, st.sampled_from([1, 1, 1, 1, 2, 6]), DELAYS_S), min_size=1, max_size=40))
    minute, readings = 0, []
    for value, step, delay_s in steps:
        minute += step
        at_s = BEGAN_S + minute * MINUTE_S
        readings.append(Stored(at_s, value, at_s + delay_s))
    return readings


def _judged(readings: Sequence[Stored], *, state: State | None = None) -> dict[float, Judgement]:
    """What is told in the end of each reading, all in their order."""
    state, told = state or State(), {}
    for one in readings:
        judged = judge(state, one.at_s, one.value, one.received_s, PARAMETERS)
        if judged.revision is not None:
            told[judged.revision.at_s] = Judgement(*judged.revision[1:])
        told[one.at_s] = judged._replace(revision=None)
    return told


def _restarted(state: State) -> State:
    return State.from_json(json.loads(json.dumps(state.as_json(), allow_nan=False)))


@given(_streams(), st.sets(st.integers(0, 40)))
@settings(max_examples=400, deadline=None)
def test_a_restart_changes_no_flag(readings: list[tuple[float, float | None, float]], restarts: set[int]) -> None:
    """Wherever the state is written down and read again, between any two readings, every judgement is the same."""
    through, restarted = State(), State()
    for number, (at_s, value, now_s) in enumerate(readings):
        if number in restarts:
            restarted = _restarted(restarted)
        told = judge(through, at_s, value, now_s, PARAMETERS)
        assert judge(restarted, at_s, value, now_s, PARAMETERS) == told
        assert restarted == through


@given(_histories(), st.data())
@settings(max_examples=400, deadline=None)
def test_late_readings_are_judged_as_if_they_had_come_in_time(history: list[Stored], data: st.DataObject) -> None:
    """The stored flags with the revisions are those of judging all in the order of their times; so is what follows."""
    late = data.draw(_some_of(history))
    cut = data.draw(st.integers(history.index(late[-1]), len(history)))
    heard = [one for one in history[: cut + 1] if one not in late]
    stored = _judged(heard)
    before, after = _around(heard, late[0], stored)
    answer = rejudge(before, late, after, PARAMETERS)
    assert [one.at_s for one in answer.revisions] == sorted({one.at_s for one in answer.revisions})
    assert {one.at_s for one in late} <= {one.at_s for one in answer.revisions}
    stored |= {one.at_s: Judgement(*one[1:]) for one in answer.revisions}
    assert stored == _judged(history[: cut + 1])
    state = answer.state
    if state is None:
        state = State()
        _judged(heard, state=state)
    expected = _judged(history)
    assert _judged(history[cut + 1 :], state=state).items() <= expected.items()


@given(_histories(), st.data(), VALUES)
@settings(max_examples=300, deadline=None)
def test_corrected_readings_are_judged_as_if_they_had_been_right(
    history: list[Stored], data: st.DataObject, was: float | None
) -> None:
    """The flags after corrections are those of the corrected stream; the corrected readings are among those told."""
    right = data.draw(_some_of(history))
    heard = [Stored(one.at_s, was, one.received_s) if one in right else one for one in history]
    stored = _judged(heard)
    before, after = _around(heard, right[0], stored)
    answer = rejudge(before, right, after, PARAMETERS)
    assert {one.at_s for one in right} <= {one.at_s for one in answer.revisions}
    stored |= {one.at_s: Judgement(*one[1:]) for one in answer.revisions}
    assert stored == _judged(history)


@given(_histories(), st.data())
@settings(max_examples=400, deadline=None)
def test_the_context_of_a_late_reading_is_enough(history: list[Stored], data: st.DataObject) -> None:
    """From a context on, the answer is the same as from the beginning of the stream."""
    late = data.draw(_some_of(history))
    heard = [one for one in history if one not in late]
    stored = _judged(heard)
    before, after = _around(heard, late[0], stored)
    short = rejudge(context(before[::-1], PARAMETERS), late, after, PARAMETERS)
    assert stored | {one.at_s: Judgement(*one[1:]) for one in short.revisions} == _judged(history)


def test_a_late_spike_waits_for_the_next_value_however_long_none_comes() -> None:
    """A hundred readings without a value lie between the late one and the one that shows it to be a spike."""
    history = [Stored(BEGAN_S + n, 1.0 if n in {0, 1, 2, 103} else None, BEGAN_S + n + 5) for n in range(104)]
    late = Stored(BEGAN_S + 2.5, 1.6, BEGAN_S + 5)
    answer = rejudge(history[:3], [late], history[3:], PARAMETERS)
    assert [(one.at_s, one.tests & Tests.SPIKE) for one in answer.revisions] == [(late.at_s, Tests.SPIKE)]


def test_a_correction_by_the_same_value_changes_no_flag() -> None:
    """A spike that is said again is a spike still, also where the next value is long in coming."""
    values = (1.0, 1.0, 1.6, None, 1.0)
    history = [Stored(BEGAN_S + n, value, BEGAN_S + n + 5) for n, value in enumerate(values)]
    answer = rejudge(history[:2], [history[2]], history[2:], PARAMETERS)
    assert {one.at_s: Judgement(*one[1:]) for one in answer.revisions} == {
        history[2].at_s: _judged(history)[history[2].at_s]
    }


def test_a_context_reaches_no_further_back_than_to_where_the_band_began() -> None:
    """Water that moves needs few readings, however many there are; a stuck gauge those of the flat line test."""
    moving = [Stored(BEGAN_S + n * MINUTE_S, 1.0 + n % 2, BEGAN_S) for n in range(1000)]
    still = [Stored(BEGAN_S + n * MINUTE_S, 1.0, BEGAN_S) for n in range(1000)]
    assert (len(context(moving[::-1], PARAMETERS)), len(context(still[::-1], PARAMETERS))) == (2, 6)


def _some_of(history: Sequence[Stored]) -> st.SearchStrategy[list[Stored]]:
    indices = st.sets(st.integers(0, len(history) - 1), min_size=1, max_size=12)
    return indices.map(lambda chosen: [history[index] for index in sorted(chosen)])


def _around(
    heard: Sequence[Stored], first: Stored, told: dict[float, Judgement]
) -> tuple[list[Stored], list[Stored]]:
    """The stored readings before the first late one, with what was told of them, and those from its time on."""
    before = [
        Stored(one.at_s, one.value, one.received_s, told[one.at_s].tests) for one in heard if one.at_s < first.at_s
    ]
    return before, [one for one in heard if one.at_s >= first.at_s]


@given(st.lists(st.sampled_from([n / 100 for n in range(60)]), min_size=1, max_size=60))
@settings(max_examples=300, deadline=None)
def test_flat_is_what_spans_less_than_the_tolerance_for_so_long(values: list[float]) -> None:
    """The band told from memory is the longest one that ends with the value, looked for value by value."""
    state, flat = State(), PARAMETERS.flat_line
    assert flat is not None
    only_flat = Parameters(version=1, flat_line=flat)
    for number, value in enumerate(values):
        begin = number
        while begin and max(values[begin - 1 : number + 1]) - min(values[begin - 1 : number + 1]) < flat.tolerance:
            begin -= 1
        lasted_s = (number - begin) * MINUTE_S
        told = judge(state, number * MINUTE_S, value, 0.0, only_flat)
        assert (Tests.FLAT in told.tests, Tests.FLAT in told.failed) == (lasted_s >= 180.0, lasted_s >= 300.0)


def test_memory_is_bounded() -> None:
    """However a stream moves, its state stays small: a band of ever smaller steps is a drift and begins anew."""
    state, parameters = State(), Parameters(version=1, flat_line=FlatLine(1.0, 1e6, 1e7))
    for number in range(5000):
        judge(state, float(number), number * 1e-6, 0.0, parameters)
    assert len(state.lows) == STEPS_AT_MOST
    assert len(json.dumps(state.as_json())) < 8000
