"""Silence is not safety: late, lost, untrusted and back, as others got it wrong."""

from __future__ import annotations

from dataclasses import replace

from sensors.rules import Flag, WaterState
from sensors.watch.machine import advance, tick
from sensors.watch.state import ChangeKind, Condition, Pace, Timing
from tests.sensors.watch.water import at, follow, kinds, seen, told

K = ChangeKind


def test_silence_is_told_while_it_lasts_and_again_and_its_end_is_told() -> None:
    """ThingsBoard #12771 and #7898: an inactivity alarm comes late, once or only after the device is back."""
    state, changes = follow([seen(0, 1.0), 20, 31, 61, 62, 300, 421])
    assert [(one.kind, one.at, one.is_announced) for one in changes] == [
        (K.LATE, at(31), False), (K.LOST, at(61), True), (K.LOST, at(421), True)
    ]
    state, changes = follow([seen(500, 1.0)], state=state)
    assert (state.condition, told(changes)) == (Condition.HEARD, [K.RETURNED])


def test_a_return_in_the_same_second_as_the_silence_is_a_return() -> None:
    """ThingsBoard #7909: the race of inactivity and activity must not leave a speaking gauge lost."""
    state, lost = follow([seen(0, 1.0), 61])
    state, back = advance(state, seen(61, 1.0), Timing())
    assert (kinds(lost), kinds(back), state.condition) == ([K.LOST], [K.RETURNED], Condition.HEARD)
    assert tick(state, at(61), Timing()) == (state, ())
    other_order, changes = follow([seen(0, 1.0), seen(61, 1.0), 61])
    assert (other_order.condition, changes) == (Condition.HEARD, [])


def test_a_lost_gauge_never_becomes_normal_by_silence() -> None:
    """Two low readings and then nothing: a day of ticks lowers nothing and ends nothing."""
    high = [seen(0, 3.5), seen(10, 3.5)]
    state, changes = follow([*high, seen(20, 1.0), seen(30, 1.0), *range(70, 1500, 10)])
    assert state.state is WaterState.WARNING
    assert not {K.LOWERED, K.EASED, K.ENDED} & set(kinds(changes))


def test_no_all_clear_is_told_of_a_gauge_that_fell_silent_after_the_fall() -> None:
    """It came down, then went silent within the merge window: the end is not told until it is heard again."""
    low = [seen(10 * step, 1.0) for step in range(2, 7)]
    state, changes = follow([seen(0, 2.5), seen(10, 2.5), *low, *range(70, 300, 10)])
    assert K.ENDED not in kinds(changes)
    _, changes = follow([seen(300, 1.0), 301], state=state)
    assert told(changes) == [K.RETURNED, K.ENDED]


def test_a_gauge_that_never_spoke_is_lost_after_its_time() -> None:
    """What was never heard is not well."""
    _, changes = follow([0, 61])
    assert kinds(changes) == [K.LOST]


def test_a_warning_that_lasts_is_repeated_while_its_gauge_is_silent() -> None:
    """Silence does not stop the repeats of what was last known."""
    _, changes = follow([seen(0, 3.5), seen(10, 3.5), 100, 371])
    assert K.REPEATED in told(changes)


def test_a_batch_that_ends_long_ago_makes_a_lost_gauge_late_not_heard() -> None:
    """The newest reading of a late batch is 40 min old: it is back, and still late."""
    state, _ = follow([seen(0, 1.0), 200])
    state, changes = advance(state, seen(160, 1.0), Timing())
    assert (state.condition, kinds(changes)) == (Condition.LATE, [K.RETURNED])


def test_a_gauge_that_sends_twice_a_day_is_late_and_not_lost() -> None:
    """The Environment Agency's gauges: amber between deliveries, red only when deliveries fail."""
    slow = Pace(interval_s=900.0, late_after_s=2700.0, lost_after_s=86400.0)
    state, changes = follow([seen(0, 1.0, pace=slow), *range(10, 1440, 10)])
    assert (state.condition, told(changes)) == (Condition.LATE, [])
    assert follow([1441], state=state)[0].condition is Condition.LOST


def test_three_doubtful_readings_in_a_row_make_a_gauge_untrusted_and_a_good_one_clears_it() -> None:
    """Told once, and told when it is over; a missing value (sentinel) is doubt like a failed one."""
    doubtful = [seen(0, 1.0), seen(10, 9.0, flag=Flag.FAIL), seen(20, None, flag=Flag.MISSING)]
    state, changes = follow(doubtful)
    assert (state.condition, changes) == (Condition.HEARD, [])
    state, changes = follow([seen(30, 1.0, flag=Flag.FAIL), seen(40, 1.0, flag=Flag.FAIL)], state=state)
    assert (state.condition, told(changes)) == (Condition.UNTRUSTED, [K.UNTRUSTED])
    state, changes = follow([seen(50, 1.0)], state=state)
    assert (state.condition, told(changes)) == (Condition.HEARD, [K.RETURNED])


def test_an_untrusted_gauge_that_falls_silent_has_not_returned() -> None:
    """Untrusted, then late: nothing good is told before a good reading."""
    failed = [seen(10 * step, 1.0, flag=Flag.FAIL) for step in range(3)]
    state, changes = follow([*failed, 55])
    assert (state.condition, told(changes)) == (Condition.LATE, [K.UNTRUSTED])
    _, changes = follow([seen(60, 1.0)], state=state)
    assert told(changes) == [K.RETURNED]


def test_an_untrusted_gauge_lowers_nothing_by_time() -> None:
    """Two low readings, then failed ones: the water may be high, so the state stays."""
    rule = replace(Timing(), step_down_s=(600.0, 600.0))
    failed = [seen(10 * step, 0.0, flag=Flag.FAIL) for step in range(5, 9)]
    low = [seen(20, 1.0), seen(22, 1.0)]
    state, _ = follow([seen(0, 3.5), seen(10, 3.5), *low, *failed, 81, 100], rule)
    assert state.state is WaterState.WARNING


def test_a_fall_too_fast_to_be_believed_counts_only_once_the_level_moves() -> None:
    """Danger, then a level of zero that failed and is repeated for hours: no lower water until the gauge moves."""
    high = [seen(minute, 4.3 + minute / 1000) for minute in (0, 10, 20)]
    dead = [seen(30, 0.0, flag=Flag.FAIL), *(seen(minute, 0.0) for minute in range(40, 640, 10))]
    state, _ = follow([*high, *dead])
    assert state.state is WaterState.DANGER
    state, _ = follow([seen(minute, 1.2 + minute / 100_000) for minute in range(640, 700, 10)], state=state)
    assert state.state is WaterState.NORMAL


def test_a_level_that_stands_where_it_was_doubted_contradicts_a_higher_one() -> None:
    """It holds what was raised; it does not let time alone raise what one reading reached before it."""
    state, changes = follow([seen(0, 4.3), seen(1, 1.2, flag=Flag.SUSPECT), seen(2, 1.2), seen(3, 1.2), 20.0, 40.0])
    assert state.state is WaterState.NORMAL
    assert [change for change in changes if change.kind is ChangeKind.RAISED] == []
