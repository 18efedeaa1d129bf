"""What holds of the watch for any water: restarts, repeats and orders of arrival."""

from __future__ import annotations

import json
import random
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.rules import Flag, WaterState
from sensors.watch.documents import level_rule
from sensors.watch.dry_run import dry_run
from sensors.watch.machine import advance, tick
from sensors.watch.signals import Reading
from sensors.watch.state import Change, ChangeKind, Observation, Timing, WatchState
from tests.sensors.watch.water import LIMITS, START, at, seen

LEVELS = st.one_of(st.sampled_from([1.89, 1.9, 1.91, 1.99, 2.0, 2.01, 3.0, 4.0]), st.floats(-1, 6))
FLAGS = st.sampled_from([Flag.GOOD, Flag.GOOD, Flag.GOOD, Flag.SUSPECT, Flag.FAIL])
STEPS = st.tuples(st.integers(0, 40), LEVELS, FLAGS, st.booleans())
TIMINGS = st.builds(
    Timing, readings_up=st.integers(1, 3), hold_s=st.sampled_from([0.0, 1800.0]),
    merge_s=st.sampled_from([0.0, 3600.0]), step_down_s=st.sampled_from([None, (600.0, 1200.0)]),
)
Given = list[tuple[int, float, Flag, bool]]


def _happened(steps: Given) -> list[Observation | float]:
    minute, found = 0, list[Observation | float]()
    for wait, level, flag, is_tick in steps:
        minute += wait
        found.append(float(minute) if is_tick else seen(minute, level, flag=flag))
    return found


def _one(state: WatchState, happened: Observation | float, rule: Timing) -> tuple[WatchState, tuple[Change, ...]]:
    if isinstance(happened, Observation):
        return advance(state, happened, rule)
    return tick(state, at(happened), rule)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), TIMINGS)
def test_a_restart_anywhere_changes_nothing(steps: Given, rule: Timing) -> None:
    """After every step the state goes through JSON and back, and nothing comes out differently."""
    kept = stored = WatchState()
    for happened in _happened(steps):
        kept, changes = _one(kept, happened, rule)
        stored, after_restart = _one(WatchState.from_json(json.loads(json.dumps(stored.as_json()))), happened, rule)
        assert (kept, changes) == (stored, after_restart)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), TIMINGS)
def test_twice_is_the_same_as_once(steps: Given, rule: Timing) -> None:
    """Each reading and each tick again: no change, and the same state."""
    state = WatchState()
    for happened in _happened(steps):
        state, _ = _one(state, happened, rule)
        assert _one(state, happened, rule) == (state, ())


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=30), TIMINGS)
def test_a_whole_batch_replayed_changes_nothing(steps: Given, rule: Timing) -> None:
    """All readings again after the last of them: none of them is told twice."""
    happened = _happened(steps)
    state = WatchState()
    for one in happened:
        state, _ = _one(state, one, rule)
    for one in happened:
        if isinstance(one, Observation):
            assert advance(state, one, rule) == (state, ())


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=30), st.randoms(use_true_random=False))
def test_a_dry_run_does_not_hang_on_the_order_of_arrival(steps: Given, order: random.Random) -> None:
    """The same readings in any order are the same changes: event time counts."""
    readings, minute = list[Reading](), 0
    for wait, level, flag, _ in steps:
        minute += wait + 1
        readings.append(Reading(stream="g", at=at(minute), value=level, flag=flag))
    shuffled = order.sample(readings, len(readings))
    ticks = [START + timedelta(minutes=5 * step) for step in range(300)]
    rule = level_rule("g", LIMITS)
    assert dry_run(rule, shuffled, order.sample(ticks, len(ticks))) == dry_run(rule, readings, ticks)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), TIMINGS, st.integers(1, 5000))
def test_time_without_a_good_reading_never_ends_an_event(steps: Given, rule: Timing, later: int) -> None:
    """However the state came about, ticks after the gauge is late lower nothing and tell no end."""
    state = WatchState()
    for happened in _happened(steps):
        state, _ = _one(state, happened, rule)
    last_at = max(filter(None, (state.observed_at, state.ticked_at)), default=START)
    for step in range(1, 5):
        before = state.state
        state, changes = tick(state, last_at + timedelta(minutes=31 + later * step), rule)
        assert state.state >= before
        assert not {ChangeKind.LOWERED, ChangeKind.EASED, ChangeKind.ENDED} & {one.kind for one in changes}


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), TIMINGS)
def test_the_told_state_is_never_below_the_state(steps: Given, rule: Timing) -> None:
    """Nobody is left with a lower level in mind than the one that stands."""
    state = WatchState()
    for happened in _happened(steps):
        state, _ = _one(state, happened, rule)
        assert state.told_state >= state.state
        assert state.state in WaterState
