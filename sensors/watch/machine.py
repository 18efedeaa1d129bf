"""The watch of one (datastream, rule): what a reading changes, and what the mere passing of time changes.

Event time, with a tick for what no reading brings: a duration that runs out, silence, repeats, the end of an event.
Pure: the state goes in and comes out, `now` is an argument, and a restart between two calls changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sensors.rules import Flag, WaterState
from sensors.watch.state import (
    ASSUMED_PACE,
    LEVELS,
    Change,
    ChangeKind,
    Condition,
    Observation,
    Pace,
    Timing,
    Track,
    WatchState,
)

# Assumed: live water moves by more than the finest step that gauges tell; a probe that fell dry or died does not.
STILL = 0.0015

Changes = tuple[Change, ...]
Step = tuple[WatchState, Changes]


def advance(state: WatchState, observation: Observation, rule: Timing) -> Step:
    """The state after this observation and what it changed.

    One that is not newer than the newest known changes nothing: late, repeated and replayed readings are for the
    store, not for the watch. Only good readings drive, and doubtful ones as far as a second gauge agrees.
    """
    if state.observed_at is not None and observation.at <= state.observed_at:
        return state, ()
    heard = replace(
        state, observed_at=observation.at, watched_since_at=state.watched_since_at or observation.at,
        pace=observation.pace or state.pace, doubtful_count=_doubtful_count(state, observation, rule),
        doubted_level=_doubted_level(state, observation),
    )
    now = max(observation.at, heard.ticked_at or observation.at)
    heard, of_gauge = _judge_gauge(heard, now=now, at=observation.at, rule=rule)
    driving = _driving(observation)
    if driving is None:
        after, of_water = _doubt(heard, observation, rule)
    else:
        after, of_water = _follow(heard, driving, rule)
    return after, of_gauge + of_water


def tick(state: WatchState, now: datetime, rule: Timing) -> Step:
    """The state at `now` and what time alone has changed; a tick that comes twice or out of order changes nothing more.

    Time raises what nothing contradicted, tells silence, repeats and ends events. It lowers nothing at a gauge that is
    late, lost or untrusted: silence is not safety.
    """
    if state.ticked_at is not None and now <= state.ticked_at:
        return state, ()
    ticked = replace(state, ticked_at=now, watched_since_at=state.watched_since_at or now)
    ticked, of_gauge = _judge_gauge(ticked, now=now, at=now, rule=rule)
    ticked, raised = _raise(ticked, at=now, agreed=WaterState.NORMAL, rule=rule)
    if is_speaking(ticked, now=now, rule=rule):
        ticked, lowered = _lower(ticked, at=now, rule=rule)
        ticked, eased = _ease(ticked, at=now, rule=rule)
    else:
        lowered, eased = (), ()
    ticked, repeated = _repeat(ticked, at=now, rule=rule)
    return ticked, of_gauge + raised + lowered + eased + repeated


def is_speaking(state: WatchState, *, now: datetime, rule: Timing) -> bool:
    """The gauge is heard, trusted, and its newest good reading is not yet late."""
    if state.condition is not Condition.HEARD or state.good_at is None:
        return False
    return _seconds(state.good_at, now) <= _pace(state, rule).late_after_s


def _pace(state: WatchState, rule: Timing) -> Pace:
    return rule.pace or state.pace or ASSUMED_PACE


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


def _doubtful_count(state: WatchState, observation: Observation, rule: Timing) -> int:
    if observation.flag is Flag.GOOD:
        return 0
    if observation.flag is Flag.NOT_EVALUATED:
        return state.doubtful_count
    return min(state.doubtful_count + 1, rule.untrusted_after)


def _doubted_level(state: WatchState, observation: Observation) -> float | None:
    """The newest level that was not believed, until a good one has another value."""
    if observation.flag in {Flag.SUSPECT, Flag.FAIL} and observation.level is not None:
        return observation.level
    return state.doubted_level if observation.level is None or _repeats_doubt(state, observation) else None


def _repeats_doubt(state: WatchState, observation: Observation) -> bool:
    """The level stands where it was doubted: a fall too fast to be believed, and no movement since."""
    if state.doubted_level is None or observation.level is None:
        return False
    return abs(observation.level - state.doubted_level) <= STILL


def _driving(observation: Observation) -> Observation | None:
    """The observation as far as it may drive, None where it may not."""
    if observation.flag is Flag.GOOD:
        return observation
    second = observation.second_state
    if observation.flag not in {Flag.SUSPECT, Flag.NOT_EVALUATED} or second is None:
        return None
    return replace(observation, reached=min(observation.reached, second), held=max(observation.held, second))


def _judge_gauge(state: WatchState, *, now: datetime, at: datetime, rule: Timing) -> Step:
    """Late, lost, untrusted or heard at `now`; told when lost or untrusted, again while lost, and on return."""
    condition = _condition(state, now=now, rule=rule)
    if condition is state.condition:
        return _still_silent(state, now=now, rule=rule)
    was_told = state.condition_told_at is not None
    after = replace(state, condition=condition, condition_since_at=at)
    if condition in {Condition.LOST, Condition.UNTRUSTED}:
        kind = ChangeKind.LOST if condition is Condition.LOST else ChangeKind.UNTRUSTED
        return replace(after, condition_told_at=now), (_change(after, kind, at=at, is_announced=True),)
    if condition is Condition.LATE and state.condition is not Condition.LOST:
        # It is shown, not told; what was told of its trust stays told until it is heard again.
        return after, (_change(after, ChangeKind.LATE, at=at, is_announced=False),)
    after = replace(after, condition_told_at=None)
    return after, (_change(after, ChangeKind.RETURNED, at=at, is_announced=was_told),)


def _condition(state: WatchState, *, now: datetime, rule: Timing) -> Condition:
    last_at = state.observed_at or state.watched_since_at or now
    silent_s, pace = _seconds(last_at, now), _pace(state, rule)
    if silent_s > pace.lost_after_s:
        return Condition.LOST
    if silent_s > pace.late_after_s:
        return Condition.LATE
    return Condition.UNTRUSTED if state.doubtful_count >= rule.untrusted_after else Condition.HEARD


def _still_silent(state: WatchState, *, now: datetime, rule: Timing) -> Step:
    told_at = state.condition_told_at
    if state.condition is not Condition.LOST or told_at is None or _seconds(told_at, now) < rule.silence_repeat_s:
        return state, ()
    return replace(state, condition_told_at=now), (_change(state, ChangeKind.LOST, at=now, is_announced=True),)


def _doubt(state: WatchState, observation: Observation, rule: Timing) -> Step:
    """A doubtful reading drives nothing; one that would mean warning or danger is told as unconfirmed."""
    if observation.flag is not Flag.SUSPECT:
        return state, ()
    return _tell_unconfirmed(state, observation.reached, at=observation.at, value=observation.value, rule=rule)


def _follow(state: WatchState, observation: Observation, rule: Timing) -> Step:
    is_still = _repeats_doubt(state, observation)
    tracks = [
        Track() if is_still and observation.held < level else _tracked(state.track(level), level, observation, rule)
        for level in LEVELS
    ]
    dropped = max(
        (level for level in LEVELS if state.track(level).reached_at and tracks[level - 1].reached_at is None),
        default=WaterState.NORMAL,
    )
    after = replace(
        state, tracks=(tracks[0], tracks[1], tracks[2]), value=observation.value, good_at=observation.at
    )
    unconfirmed: Changes = ()
    if dropped > state.state:
        after, unconfirmed = _tell_unconfirmed(after, dropped, at=observation.at, value=state.value, rule=rule)
    is_agreed = observation.reached >= rule.top and (observation.second_state or WaterState.NORMAL) >= rule.top
    agreed = rule.top if is_agreed else WaterState.NORMAL
    after, raised = _raise(after, at=observation.at, agreed=agreed, rule=rule)
    after, lowered = _lower(after, at=observation.at, rule=rule)
    return after, unconfirmed + raised + lowered


def _tracked(track: Track, level: WaterState, observation: Observation, rule: Timing) -> Track:
    if observation.held >= level:
        first_at = observation.at if observation.reached >= level else None
        return Track(held_count=min(track.held_count + 1, rule.readings_up), reached_at=track.reached_at or first_at)
    if observation.is_floor:
        return track
    return Track(
        low_count=min(track.low_count + 1, rule.readings_down), low_since_at=track.low_since_at or observation.at
    )


def _raise(state: WatchState, *, at: datetime, agreed: WaterState, rule: Timing) -> Step:
    """Up to the highest level that is borne out: by readings in a row, by time uncontradicted, or by a second gauge.

    A reading within the dead band counts for those in a row: a neighbour at 1.99 m shows that 2.00 m is no spike.
    """
    borne_out = [level for level in LEVELS if level > state.state and _is_borne_out(state, level, at=at, rule=rule)]
    target = max([*borne_out, agreed])
    if target <= state.state:
        return state, ()
    is_new = target > state.told_state or state.since_at is None or _seconds(state.since_at, at) >= rule.merge_s
    after = replace(state, state=target, since_at=at)
    if is_new:
        after = replace(after, told_state=target, told_at=at)
    return after, (_change(after, ChangeKind.RAISED, at=at, from_state=state.state, is_announced=is_new),)


def _is_borne_out(state: WatchState, level: WaterState, *, at: datetime, rule: Timing) -> bool:
    track = state.track(level)
    if track.reached_at is None:
        return False
    needed_s = max(rule.up_after_s, rule.up_after_intervals * _pace(state, rule).interval_s)
    return track.held_count >= rule.readings_up or _seconds(track.reached_at, at) >= needed_s


def _lower(state: WatchState, *, at: datetime, rule: Timing) -> Step:
    """Down as far as the water has been below each level, less its dead band, for the hold or for its step's time."""
    target = _stepped(state, at=at, rule=rule) if rule.step_down_s else _fallen(state, at=at, rule=rule)
    if target == state.state:
        return state, ()
    after = replace(state, state=target, since_at=at)
    return after, (_change(after, ChangeKind.LOWERED, at=at, from_state=state.state, is_announced=False),)


def _fallen(state: WatchState, *, at: datetime, rule: Timing) -> WaterState:
    target = state.state
    while target > WaterState.NORMAL and _low_s(state, target, at=at, rule=rule) >= rule.hold_s:
        target = WaterState(target - 1)
    return target


def _stepped(state: WatchState, *, at: datetime, rule: Timing) -> WaterState:
    """One level down after its own time in that state and below it."""
    assert rule.step_down_s is not None  # noqa: S101  The caller has looked; this only tells the type.
    if state.state is WaterState.NORMAL or state.since_at is None:
        return state.state
    needed_s = {3: rule.step_down_s[0], 2: rule.step_down_s[1], 1: rule.hold_s}[state.state]
    below_s = min(_low_s(state, state.state, at=at, rule=rule), _seconds(state.since_at, at))
    return WaterState(state.state - 1) if below_s >= needed_s else state.state


def _low_s(state: WatchState, level: WaterState, *, at: datetime, rule: Timing) -> float:
    """For how long good readings, and enough of them, have been below this level; negative where they are not."""
    track = state.track(level)
    if track.low_since_at is None or track.low_count < rule.readings_down:
        return -1.0
    return _seconds(track.low_since_at, at)


def _ease(state: WatchState, *, at: datetime, rule: Timing) -> Step:
    """The event has eased or ended once the lower state has lasted for the merge window."""
    if state.state >= state.told_state or state.since_at is None or _seconds(state.since_at, at) < rule.merge_s:
        return state, ()
    kind = ChangeKind.ENDED if state.state is WaterState.NORMAL else ChangeKind.EASED
    after = replace(state, told_state=state.state, told_at=at)
    return after, (_change(after, kind, at=at, from_state=state.told_state, is_announced=True),)


def _repeat(state: WatchState, *, at: datetime, rule: Timing) -> Step:
    if state.state is WaterState.NORMAL or rule.repeat_s is None or state.told_at is None:
        return state, ()
    if _seconds(state.told_at, at) < rule.repeat_s:
        return state, ()
    after = replace(state, told_state=state.state, told_at=at)
    return after, (_change(after, ChangeKind.REPEATED, at=at, is_announced=True),)


def _tell_unconfirmed(
    state: WatchState, level: WaterState, *, at: datetime, value: float | None, rule: Timing
) -> Step:
    """A reading at warning or danger that is not borne out is told once in a merge window; the state stays."""
    if level < WaterState.WARNING or level <= state.state:
        return state, ()
    last_at = state.unconfirmed_at
    if last_at and at - last_at < timedelta(seconds=rule.merge_s) and level <= state.unconfirmed_state:
        return state, ()
    after = replace(state, unconfirmed_state=level, unconfirmed_at=at)
    change = Change(
        kind=ChangeKind.UNCONFIRMED, at=at, from_state=state.state, to_state=level, condition=state.condition,
        is_announced=True, value=value,
    )
    return after, (change,)


def _change(
    after: WatchState, kind: ChangeKind, *, at: datetime, is_announced: bool, from_state: WaterState | None = None
) -> Change:
    return Change(
        kind=kind, at=at, from_state=after.state if from_state is None else from_state, to_state=after.state,
        condition=after.condition, is_announced=is_announced, value=after.value,
    )
