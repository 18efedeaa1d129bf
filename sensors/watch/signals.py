"""What each kind of rule sees in the readings of its streams: pure tests, from readings to one observation.

A level drives its machine directly. Every other kind is a severity: how bad this signal is (0 to 3), while it lasts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sensors.rules import Flag, Thresholds, WaterState
from sensors.watch.state import Observation, Pace

ENOUGH_OF_A_SUM = 0.8  # Assumed: a rain sum with more than a fifth of its time missing is a lower bound.


@dataclass(frozen=True)
class Reading:
    """A judged value of one stream in the stream's unit; `value` is None where there is none.

    `interval_s` is what the value stands for (a rain total of 15 min: 900); `pace` is the stream's own.
    """

    stream: str
    at: datetime
    value: float | None
    flag: Flag = Flag.GOOD
    second_state: WaterState | None = None
    pace: Pace | None = None


@dataclass(frozen=True)
class ForecastPoint:
    """A forecast said at `issued_at`: at `valid_at` the value is at least `value`, with `confidence` (0 to 1)."""

    stream: str
    issued_at: datetime
    valid_at: datetime
    value: float
    confidence: float


@dataclass(frozen=True)
class Limits:
    """Where a value means watch, warning and danger, in the stream's unit; None where there is no such level."""

    watch: float | None = None
    warning: float | None = None
    danger: float | None = None
    dead_band: float = 0.0

    def _thresholds(self) -> Thresholds:
        return Thresholds(
            watch_m_msl=self.watch, warning_m_msl=self.warning, danger_m_msl=self.danger, dead_band_m=self.dead_band
        )

    def reached(self, value: float) -> WaterState:
        """The highest level that the value reaches."""
        return self._thresholds().state_at(value)

    def held(self, value: float) -> WaterState:
        """The highest level that the value is not below by more than the dead band."""
        return self._thresholds().held_at(value)


def seen_level(reading: Reading, limits: Limits) -> Observation:
    """A level against its limits."""
    if reading.value is None:
        return _nothing(reading)
    return Observation(
        at=reading.at, flag=reading.flag, reached=limits.reached(reading.value), held=limits.held(reading.value),
        value=reading.value, second_state=reading.second_state, pace=reading.pace, level=reading.value,
    )


def seen_by_witnesses(readings: Sequence[Reading], limits: Mapping[str, Limits]) -> WaterState | None:
    """The highest level that a witness's newest good reading reaches; None where none of them has one."""
    heard = _newest_good([one for one in readings if one.stream in limits])
    return max((limits[stream].reached(value) for stream, value in heard.items()), default=None)


def seen_silence(reading: Reading) -> Observation:
    """Any reading is a sign of life, whatever it says: silence is told by the machine's tick."""
    return replace(_nothing(reading), flag=reading.flag, value=reading.value)


def seen_rise(readings: Sequence[Reading], limits: Limits, *, within_s: float) -> Observation:
    """How far the newest reading stands above the lowest good one of the last `within_s`, in the stream's unit.

    The newest comes last. Alone in its window it says nothing of a rise, so it is a lower bound.
    """
    newest = readings[-1]
    window = _values(readings, after=newest.at - timedelta(seconds=within_s))
    return _rise(newest, limits, lowest=min(window, default=None), is_floor=len(window) < 2)


def seen_rain(
    readings: Sequence[Reading], sums: Sequence[tuple[float, Limits]], *, interval_s: float
) -> Observation:
    """The worst of the rain sums (seconds back, limits in mm) up to the newest reading, which comes last.

    Each reading is the rain of the `interval_s` before it. A sum with gaps is a lower bound: it may raise, and lowers
    nothing.
    """
    newest = readings[-1]
    totals = [_values(readings, after=newest.at - timedelta(seconds=back_s)) for back_s, _ in sums]
    reached = max(limits.reached(sum(total)) for total, (_, limits) in zip(totals, sums, strict=True))
    held = max(limits.held(sum(total)) for total, (_, limits) in zip(totals, sums, strict=True))
    is_floor = any(
        len(total) * interval_s < ENOUGH_OF_A_SUM * back_s for total, (back_s, _) in zip(totals, sums, strict=True)
    )
    return Observation(
        at=newest.at, flag=newest.flag, reached=reached, held=held, value=float(sum(totals[0])), pace=newest.pace,
        is_floor=is_floor,
    )


def seen_upstream(
    readings: Sequence[Reading], limits: Limits, *, lag_s: float, change_within_s: float | None
) -> Observation:
    """What upstream sends: its level (or its rise within `change_within_s`) now, and all that is still on the way.

    The signal comes as soon as upstream shows it and lasts until the lag has passed since upstream showed it last.
    """
    newest = readings[-1]
    seen = (
        [seen_level(one, limits) for one in readings] if change_within_s is None
        else _rises(readings, limits, within_s=change_within_s)
    )
    on_the_way = [
        told for one, told in zip(readings, seen, strict=True)
        if one.at > newest.at - timedelta(seconds=lag_s) and (one.flag is Flag.GOOD or one is newest)
    ]
    trusted = [one for one in on_the_way if one.flag is Flag.GOOD] or on_the_way
    return replace(
        on_the_way[-1], reached=max(one.reached for one in trusted), held=max(one.held for one in trusted)
    )


def _rises(readings: Sequence[Reading], limits: Limits, *, within_s: float) -> list[Observation]:
    """What `seen_rise` says at each of the readings, in one pass: candidates for the lowest wait in rising order."""
    lows: deque[tuple[datetime, float]] = deque()
    heard: deque[datetime] = deque()
    rises = []
    for one in readings:
        after = one.at - timedelta(seconds=within_s)
        if one.flag is Flag.GOOD and one.value is not None:
            while lows and lows[-1][1] >= one.value:
                lows.pop()
            lows.append((one.at, one.value))
            heard.append(one.at)
        while lows and lows[0][0] <= after:
            lows.popleft()
        while heard and heard[0] <= after:
            heard.popleft()
        rises.append(_rise(one, limits, lowest=lows[0][1] if lows else None, is_floor=len(heard) < 2))
    return rises


def _rise(newest: Reading, limits: Limits, *, lowest: float | None, is_floor: bool) -> Observation:
    if newest.value is None:
        return _nothing(newest)
    rise = max(newest.value - lowest, 0.0) if lowest is not None else 0.0
    return Observation(
        at=newest.at, flag=newest.flag, reached=limits.reached(rise), held=limits.held(rise), value=rise,
        pace=newest.pace, is_floor=is_floor,
    )


def seen_quorum(
    readings: Sequence[Reading], limits: dict[str, Limits], *, needed: int, fresh_s: float
) -> Observation:
    """The level that `needed` of a zone's streams have reached by their newest good readings of the last `fresh_s`.

    A silent stream says neither that its water is high nor that it is low: where it could turn the count, the
    observation is a lower bound, so that dead gauges never give an all-clear.
    """
    newest = readings[-1]
    after = newest.at - timedelta(seconds=fresh_s)
    fresh = _newest_good([one for one in readings if one.at > after])
    reached = [limits[stream].reached(value) for stream, value in fresh.items()]
    held = [limits[stream].held(value) for stream, value in fresh.items()]
    silent = [WaterState.DANGER] * (len(limits) - len(fresh))
    at_least = _nth_highest(held, needed)
    return Observation(
        at=newest.at, flag=Flag.GOOD if fresh else newest.flag, reached=_nth_highest(reached, needed), held=at_least,
        value=float(sum(one > WaterState.NORMAL for one in reached)), pace=newest.pace,
        is_floor=_nth_highest([*held, *silent], needed) > at_least,
    )


def seen_forecast(
    points: Sequence[ForecastPoint], limits: Limits, *, within_h: float, least_confidence: float
) -> Observation:
    """The worst level that one forecast (points of one `issued_at`) reaches in time, said with enough confidence.

    A forecast is a rule and a machine of its own: it never cancels what a threshold has raised.
    """
    issued_at = points[0].issued_at
    counted = [
        point.value for point in points
        if point.valid_at <= issued_at + timedelta(hours=within_h) and point.confidence >= least_confidence
    ]
    if not counted:
        return Observation(at=issued_at, flag=Flag.NOT_EVALUATED, reached=WaterState.NORMAL, held=WaterState.NORMAL)
    highest = max(counted)
    return Observation(
        at=issued_at, flag=Flag.GOOD, reached=limits.reached(highest), held=limits.held(highest), value=highest
    )


def _nothing(reading: Reading) -> Observation:
    flag = Flag.MISSING if reading.flag is Flag.GOOD else reading.flag
    return Observation(
        at=reading.at, flag=flag, reached=WaterState.NORMAL, held=WaterState.NORMAL, pace=reading.pace
    )


def _values(readings: Sequence[Reading], *, after: datetime) -> list[float]:
    return [one.value for one in readings if one.at > after and one.flag is Flag.GOOD and one.value is not None]


def _newest_good(readings: Sequence[Reading]) -> dict[str, float]:
    newest: dict[str, tuple[datetime, float]] = {}
    for one in readings:
        if one.flag is not Flag.GOOD or one.value is None:
            continue
        if one.stream not in newest or newest[one.stream][0] <= one.at:
            newest[one.stream] = (one.at, one.value)
    return {stream: value for stream, (_, value) in newest.items()}


def _nth_highest(states: Sequence[WaterState], needed: int) -> WaterState:
    ranked = sorted(states, reverse=True)
    return ranked[needed - 1] if len(ranked) >= needed else WaterState.NORMAL
