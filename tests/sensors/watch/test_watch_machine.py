"""The watch of one datastream: up, down, merged, repeated; and what others got wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sensors.rules import Flag, WaterState
from sensors.watch.machine import advance, tick
from sensors.watch.state import ChangeKind, Condition, Pace, Timing, WatchState
from tests.sensors.watch.water import at, follow, kinds, seen, told

NORMAL, WATCH, WARNING, DANGER = WaterState
K = ChangeKind


def _restarted(state: WatchState) -> WatchState:
    return WatchState.from_json(json.loads(json.dumps(state.as_json())))


def test_two_good_readings_raise_to_what_both_bear_out() -> None:
    """One reading is no level; the second raises to the level that both reach."""
    state, changes = follow([seen(0, 3.2)])
    assert (state.state, changes) == (NORMAL, [])
    state, changes = follow([seen(10, 2.5)], state=state)
    assert (state.state, kinds(changes)) == (WATCH, [K.UNCONFIRMED, K.RAISED])
    state, changes = follow([seen(20, 3.5), seen(30, 3.5)], state=state)
    assert (state.state, told(changes)) == (WARNING, [K.RAISED])


def test_a_neighbour_in_the_dead_band_bears_a_reading_out() -> None:
    """1.95 m just before shows that 2.00 m is no spike; 1.80 m does not."""
    assert follow([seen(0, 1.95), seen(10, 2.0)])[0].state is WATCH
    assert follow([seen(0, 1.80), seen(10, 2.0)])[0].state is NORMAL


def test_restart_in_the_middle_of_a_duration_still_raises_on_time() -> None:
    """ThingsBoard forgets a running duration at a restart unless told to persist it; here the state is all there is."""
    rule = replace(Timing(), readings_up=5)
    state, _ = follow([seen(0, 2.5), 5], rule)
    state, changes = tick(_restarted(state), at(14), rule)
    assert changes == ()
    state, changes = tick(_restarted(state), at(15), rule)
    assert [(one.kind, one.at, one.to_state) for one in changes] == [(K.RAISED, at(15), WATCH)]


def test_a_duration_never_ends_before_the_next_reading_could_contradict() -> None:
    """At a gauge of one reading in ten minutes, ten minutes are too short: it takes 1.5 intervals."""
    _, changes = follow([seen(0, 2.5), 10, 14.9])
    assert changes == []
    assert told(follow([seen(0, 2.5), seen(10, 1.0), 15, 30])[1]) == []


def test_danger_is_raised_at_once_when_a_second_gauge_agrees() -> None:
    """At the top level two gauges need no second reading; a second gauge that stands lower is no agreement."""
    state, changes = follow([seen(0, 4.1, second=DANGER)])
    assert (state.state, told(changes)) == (DANGER, [K.RAISED])
    assert follow([seen(0, 4.1, second=WARNING)])[0].state is NORMAL
    assert follow([seen(0, 3.9, second=DANGER)])[0].state is NORMAL


def test_a_good_reading_drives_a_suspect_one_only_with_a_witness_and_a_failed_one_never() -> None:
    """Flag 1 drives, flag 3 as far as a second gauge agrees, flags 4 and 9 not at all."""
    suspect, fail = Flag.SUSPECT, Flag.FAIL
    assert follow([seen(0, 3.5, flag=suspect), seen(10, 3.5, flag=suspect)])[0].state is NORMAL
    agreed = [seen(minute, 3.5, flag=suspect, second=WATCH) for minute in (0, 10)]
    assert follow(agreed)[0].state is WATCH
    failed = [seen(minute, 3.5, flag=fail, second=WARNING) for minute in (0, 10)]
    assert follow(failed)[0].state is NORMAL
    missing = [seen(minute, None, flag=Flag.MISSING, second=WARNING) for minute in (0, 10)]
    assert follow(missing)[0].state is NORMAL


def test_a_doubtful_fall_lowers_nothing_that_the_second_gauge_still_holds() -> None:
    """A suspect reading far below counts no lower than what the witness says."""
    high = [seen(0, 3.5), seen(10, 3.5)]
    low = [seen(10 * step, 0.1, flag=Flag.SUSPECT, second=WARNING) for step in range(2, 9)]
    assert follow([*high, *low])[0].state is WARNING


def test_a_single_reading_at_danger_is_told_as_unconfirmed_and_raises_nothing() -> None:
    """0.71, 2.56, 0.74 m within 20 min (Yos Sudarso): the officer hears of it, the state does not believe it."""
    state, changes = follow([seen(0, 0.71), seen(10, 4.56), seen(20, 0.74)])
    assert state.state is NORMAL
    assert [(one.kind, one.to_state, one.value, one.is_announced) for one in changes] == [
        (K.UNCONFIRMED, DANGER, 4.56, True)
    ]
    _, again = follow([seen(30, 4.5), seen(40, 0.7)], state=state)
    assert again == []


def test_it_comes_down_only_below_the_dead_band_and_after_the_hold() -> None:
    """1.95 m still holds 2.00 m; 1.85 m lowers it after 30 min and three readings, not before."""
    state, _ = follow([seen(0, 2.5), seen(10, 2.5), *(seen(10 * n, 1.95) for n in range(2, 20))])
    assert state.state is WATCH
    state, changes = follow([seen(200, 1.85), seen(210, 1.85), seen(220, 1.85), 229], state=state)
    assert (state.state, changes) == (WATCH, [])
    state, changes = follow([seen(230, 1.85)], state=state)
    assert (state.state, kinds(changes), told(changes)) == (NORMAL, [K.LOWERED], [])


def test_two_readings_however_far_apart_do_not_lower() -> None:
    """An hourly gauge: the hold is long over at the second low reading, and the third must still agree."""
    hourly = Pace(interval_s=3600.0, late_after_s=10_800.0, lost_after_s=21_600.0)
    high = [seen(60.0 * step, 2.5, pace=hourly) for step in range(2)]
    state, _ = follow([*high, seen(120, 1.0, pace=hourly), seen(180, 1.0, pace=hourly), 200])
    assert state.state is WATCH
    assert follow([seen(240, 1.0, pace=hourly)], state=state)[0].state is NORMAL


def test_a_tick_that_comes_out_of_order_changes_nothing() -> None:
    """A clock that jumps back makes nothing heard or forgotten."""
    state, _ = follow([seen(0, 2.5), 62])
    assert tick(state, at(5), Timing()) == (state, ())


def test_noise_of_a_centimetre_on_the_threshold_is_one_change() -> None:
    """ThingsBoard #7943 and netdata #945 tell each flap; here a day of 1.99 and 2.01 m is told once."""
    rule = replace(Timing(), repeat_s=None)
    day = [seen(10 * step, 2.0 + (0.01 if step % 2 else -0.01)) for step in range(144)]
    _, changes = follow(day, rule)
    assert kinds(changes) == [K.RAISED]


def test_a_new_excursion_within_the_merge_window_is_the_same_event() -> None:
    """Down after 30 min, up again 40 min later: shown, not told, and the end is told once, an hour after the last."""
    low = [seen(10 * n, 1.0) for n in range(2, 9)]
    more = [seen(90, 2.5), seen(100, 2.5), *(seen(10 * n, 1.0) for n in range(11, 22))]
    state, changes = follow([seen(0, 2.5), seen(10, 2.5), *low, 80, *more, 195])
    assert kinds(changes) == [K.RAISED, K.LOWERED, K.RAISED, K.LOWERED]
    assert told(changes) == [K.RAISED]
    _, ended = follow([205], state=state)
    assert (kinds(ended), told(ended)) == ([K.ENDED], [K.ENDED])


def test_a_higher_level_within_the_merge_window_is_told_at_once() -> None:
    """Merging spares repeats of the same news, never an escalation."""
    low = [seen(10 * n, 1.0) for n in range(2, 7)]
    _, changes = follow([seen(0, 2.5), seen(10, 2.5), *low, seen(70, 3.5), seen(80, 3.5)])
    assert told(changes)[-1] is K.RAISED
    assert changes[-1].to_state is WARNING


def test_a_new_excursion_after_the_merge_window_is_told_even_when_nobody_ticked() -> None:
    """An outage of ours swallows no alarm: what counts is how long ago the water fell."""
    low = [seen(10 * n, 1.0) for n in range(2, 7)]
    _, changes = follow([seen(0, 2.5), seen(10, 2.5), *low, seen(300, 2.5), seen(310, 2.5)])
    assert told(changes) == [K.RAISED, K.RAISED]


def test_it_is_told_again_while_it_lasts() -> None:
    """Every six hours, once however long the ticks were away."""
    rule = replace(Timing(), repeat_s=6 * 3600.0)
    hours = [seen(10 * step, 2.5) for step in range(2)]
    _, changes = follow([*hours, 300, 370, 371, 1500], rule)
    assert [(one.kind, one.at) for one in changes if one.kind is K.REPEATED] == [
        (K.REPEATED, at(370)), (K.REPEATED, at(1500))
    ]


def test_danger_steps_down_to_warning_after_its_time_and_so_on() -> None:
    """ThingsBoard #11803 stays critical when only warning is left; here each level leaves after its own time."""
    rule = replace(Timing(), step_down_s=(3600.0, 7200.0), repeat_s=None)
    high = [seen(0, 4.5), seen(10, 4.5)]
    falling = [seen(10 * step, 1.0) for step in range(2, 32)]
    ticked = [one for step, reading in enumerate(falling, start=2) for one in (reading, 10.0 * step + 1)]
    _, changes = follow([*high, *ticked], rule)
    lowered = [(one.to_state, one.at) for one in changes if one.kind is K.LOWERED]
    assert lowered == [(WARNING, at(80)), (WATCH, at(200)), (NORMAL, at(230))]


def test_a_step_down_waits_for_no_reading_while_the_gauge_speaks() -> None:
    """The clock alone steps down between two readings that both stand below."""
    rule = replace(Timing(), step_down_s=(1500.0, 1500.0))
    state, _ = follow([seen(0, 4.5), seen(10, 4.5), seen(20, 3.5), seen(30, 3.5), seen(40, 3.5)], rule)
    state, changes = tick(state, at(46), rule)
    assert [(one.kind, one.to_state) for one in changes] == [(K.LOWERED, WARNING)]


@pytest.mark.parametrize("minutes", [[5.0], [0.0], [-60.0], [0.0, 10.0, 20.0]])
def test_a_late_repeated_or_replayed_reading_changes_nothing(minutes: list[float]) -> None:
    """A replayed batch gives no new alert, and a late good reading between two others changes nothing that was told."""
    state, _ = follow([seen(0, 2.5), seen(10, 2.5), seen(20, 2.5)])
    for minute in minutes:
        assert advance(state, seen(minute, 9.0), Timing()) == (state, ())


def test_a_lower_bound_may_raise_and_lowers_nothing() -> None:
    """A rain sum with gaps that reads low says nothing of an end."""
    state, _ = follow([seen(0, 2.5), seen(10, 2.5)])
    floors = [replace(seen(10 * step, 0.0), is_floor=True) for step in range(2, 12)]
    assert follow(floors, state=state)[0].state is WATCH
    assert follow([replace(seen(10 * step, 3.5), is_floor=True) for step in (2, 3)], state=state)[0].state is WARNING


def test_the_state_of_the_water_and_of_the_gauge_are_two_things() -> None:
    """A gauge that is lost in the middle of a warning stays in warning, and both are said."""
    state, _ = follow([seen(0, 3.5), seen(10, 3.5), 120])
    assert (state.state, state.condition) == (WARNING, Condition.LOST)
