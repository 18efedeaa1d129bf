"""What can be kept as a reading, what a level means by its thresholds, and when a gauge is stale: pure decisions.

Quality flags are QARTOD's: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

CLOCK_AHEAD_AFTER = timedelta(minutes=5)
REFUSED_WHEN_AHEAD_BY = timedelta(minutes=15)
REFUSED_WHEN_OLDER_THAN = timedelta(days=30)
STALE_AFTER_INTERVALS = 3
BUDDHIST_ERA_OFFSET = 543
# 2400..2700 are 1857..2157 of the common era: no reading carries such a common year, every Thai one does.
BUDDHIST_YEARS = range(2400, 2701)
CONFIDENT_ENOUGH = 0.7
# What gauges and data services write for "no value": NWPS -999 and -9999, WISKI's RINVAL -777, 16- and 32-bit minima.
SENTINELS = frozenset({-999.0, -9999.0, -99999.0, -777.0, -32768.0, -2147483648.0})
TOLERANCE_M = 1e-9  # A level given as 1.90 is at 2.00 - 0.10, whatever binary fractions say.


class Flag(IntEnum):
    """QARTOD's quality flags."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class WaterState(IntEnum):
    """How high the water stands against a gauge's thresholds."""

    NORMAL = 0
    WATCH = 1
    WARNING = 2
    DANGER = 3


@dataclass(frozen=True)
class IncomingReading:
    """What a device says: a value in its unit at an aware time. NaN stands for "no value".

    `confidence` (0..1) is the sender's own. Where storing comes later than arrival, `received_wall_at` is the real time
    of arrival, and `received_at` the shared time against which its own time is judged.
    """

    datastream_code: str
    observed_at: datetime
    value: float
    unit: str
    confidence: float | None = None
    received_wall_at: datetime | None = None
    received_at: datetime | None = None


@dataclass(frozen=True)
class Refused:
    """The reading cannot be kept as a reading; `reason` is a code, `detail` the sentence of this case."""

    reason: str
    detail: str


def refusal(reading: IncomingReading, unit: str | None, *, now: datetime) -> Refused | None:
    """Why the reading cannot be kept as one at shared time `now`; None where it can.

    `unit` is the datastream's, None where there is no such datastream. A wrong unit is refused, never converted: a
    level in centimetres taken for metres is a false alarm.
    """
    if unit is None:
        return Refused("unknown_datastream", f"There is no datastream '{reading.datastream_code[:60]}'.")
    if reading.unit != unit:
        return Refused("wrong_unit", f"The unit is '{reading.unit[:60]}', but this datastream is in '{unit}'.")
    return _misplaced_in_time(reading.observed_at, now=now)


def _misplaced_in_time(observed_at: datetime, *, now: datetime) -> Refused | None:
    if observed_at.tzinfo is None:
        return Refused("no_time_zone", "The time of observation has no time zone.")
    if observed_at.year in BUDDHIST_YEARS:
        return Refused("future_time", f"The year {observed_at.year} is of the Buddhist era; send the common era's.")
    if observed_at > now + REFUSED_WHEN_AHEAD_BY:
        return Refused("future_time", "The time of observation is more than 15 minutes ahead of the clock.")
    if observed_at < now - REFUSED_WHEN_OLDER_THAN:
        return Refused("too_old", "The time of observation is more than 30 days ago.")
    return None


def contradiction(stored: float | None, said: float | None) -> Refused | None:
    """Why what is said now of a stored time is no repetition of what was; None where it is. Raw readings never change.

    None is a time without a value that can be kept: missing, or infinite. It contradicts a value, and is none itself.
    """
    if stored == said:
        return None
    if said is None:
        return Refused("missing_after_value", "A value is already stored for this time, and this row has none.")
    if stored is None:
        return Refused("value_after_missing", "This time is already stored as one that has no value.")
    return Refused("conflicting_value", "Another value is already stored for this time.")


@dataclass(frozen=True)
class Thresholds:
    """A gauge's thresholds in metres above mean sea level; None where the site has no such threshold."""

    watch_m_msl: float | None
    warning_m_msl: float | None
    danger_m_msl: float | None
    dead_band_m: float = 0.10
    good_readings_needed: int = 2

    def state_at(self, level_m_msl: float) -> WaterState:
        """The highest state whose threshold the level has reached."""
        return self._state(level_m_msl, lowered_by_m=0.0)

    def held_at(self, level_m_msl: float) -> WaterState:
        """The highest state that the level still holds, once reached: thresholds lowered by the dead band."""
        return self._state(level_m_msl, lowered_by_m=self.dead_band_m)

    def _state(self, level_m_msl: float, *, lowered_by_m: float) -> WaterState:
        thresholds = (
            (WaterState.DANGER, self.danger_m_msl),
            (WaterState.WARNING, self.warning_m_msl),
            (WaterState.WATCH, self.watch_m_msl),
        )
        for state, threshold_m_msl in thresholds:
            if threshold_m_msl is not None and level_m_msl >= threshold_m_msl - lowered_by_m - TOLERANCE_M:
                return state
        return WaterState.NORMAL


def is_stale(observed_at: datetime | None, *, interval_s: int, now: datetime) -> bool:
    """No good reading for three intervals, or never one."""
    return observed_at is None or now - observed_at > STALE_AFTER_INTERVALS * timedelta(seconds=interval_s)
