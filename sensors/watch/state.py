"""What the watch of one (datastream, rule) remembers, what it is given and what it says: plain, frozen, serialisable.

The machine itself is in `machine`; here are its words. Times are aware UTC; durations are seconds (`_s`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from sensors.rules import Flag, WaterState

LEVELS = (WaterState.WATCH, WaterState.WARNING, WaterState.DANGER)


class Condition(IntEnum):
    """How far the gauge itself can be believed, beside the state of its water."""

    HEARD = 0
    LATE = 1
    LOST = 2
    UNTRUSTED = 3


class ChangeKind(StrEnum):
    """What a change says. Told are RAISED (but not within one event), EASED, ENDED, REPEATED, UNCONFIRMED, LOST,
    UNTRUSTED and RETURNED; LOWERED and LATE are shown and not told.
    """

    RAISED = "raised"
    LOWERED = "lowered"
    EASED = "eased"
    ENDED = "ended"
    REPEATED = "repeated"
    UNCONFIRMED = "unconfirmed"
    LATE = "late"
    LOST = "lost"
    UNTRUSTED = "untrusted"
    RETURNED = "returned"


@dataclass(frozen=True)
class Pace:
    """How often a gauge speaks: its interval, after how much silence it is late (amber) and when lost (red)."""

    interval_s: float
    late_after_s: float
    lost_after_s: float


# Until a gauge's own pace is known: Thai telemetry sends every 10 min; late after 3 intervals, lost after 6.
ASSUMED_PACE = Pace(interval_s=600.0, late_after_s=1800.0, lost_after_s=3600.0)


@dataclass(frozen=True)
class Timing:
    """How a rule goes up, comes down, merges, repeats and notices silence.

    Sources: docs/decisions/0022 (Bangkok's 2019-2025 road sensors and the Environment Agency's practice): up after 2
    good readings or 10 min, down for 30 min, merge under 60 min; down by 3 readings as zones fall by 3 pictures
    (docs/decisions/0012): a false all-clear costs more than a late one. Assumed: one good reading that nothing
    contradicts for 1.5 intervals counts like two (it must not raise before the next one could have come), repeats
    every 6 h, 3 doubtful readings in a row make a gauge untrusted. `step_down_s`: seconds below danger before warning,
    below warning before watch; None lets the state fall at once to what the water held for `hold_s`. A `pace` of the
    rule goes before the gauge's own.
    """

    readings_up: int = 2
    up_after_s: float = 600.0
    up_after_intervals: float = 1.5
    readings_down: int = 3
    hold_s: float = 1800.0
    merge_s: float = 3600.0
    repeat_s: float | None = 21600.0
    step_down_s: tuple[float, float] | None = None
    top: WaterState = WaterState.DANGER
    untrusted_after: int = 3
    silence_repeat_s: float = 21600.0
    pace: Pace | None = None


@dataclass(frozen=True)
class Observation:
    """What a rule makes of one moment of its streams.

    `reached` is the highest level that the water reaches, `held` the highest that it does not fall below by more than
    the dead band (`held >= reached`). `second_state` is what another gauge of the place says of the same water; it lets
    a doubtful reading count as far as both agree, and danger be raised at once. `is_floor`: a lower bound (a sum with
    gaps), that may raise and never lowers. `level` is the reading itself where it is a level of water.
    """

    at: datetime
    flag: Flag
    reached: WaterState
    held: WaterState
    value: float | None = None
    second_state: WaterState | None = None
    pace: Pace | None = None
    is_floor: bool = False
    level: float | None = None


@dataclass(frozen=True)
class Track:
    """What the readings say of one level: how many in a row hold it and since when one reached it, or below it."""

    held_count: int = 0
    reached_at: datetime | None = None
    low_count: int = 0
    low_since_at: datetime | None = None


@dataclass(frozen=True)
class WatchState:
    """All that the watch of one (datastream, rule) remembers; `as_json` and `from_json` carry it over a restart.

    `told_state` is what was last told of the water; it lags behind `state` on the way down, which is how two
    excursions within the merge window become one event. `doubted_level` is the newest level that was suspect or failed.
    """

    state: WaterState = WaterState.NORMAL
    since_at: datetime | None = None
    told_state: WaterState = WaterState.NORMAL
    told_at: datetime | None = None
    tracks: tuple[Track, Track, Track] = (Track(), Track(), Track())
    value: float | None = None
    observed_at: datetime | None = None
    good_at: datetime | None = None
    watched_since_at: datetime | None = None
    ticked_at: datetime | None = None
    condition: Condition = Condition.HEARD
    condition_since_at: datetime | None = None
    condition_told_at: datetime | None = None
    doubtful_count: int = 0
    unconfirmed_state: WaterState = WaterState.NORMAL
    unconfirmed_at: datetime | None = None
    pace: Pace | None = None
    doubted_level: float | None = None

    def as_json(self) -> dict[str, object]:
        """Plain values for a JSON column; `from_json` gives the same state back."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, stored: dict[str, object]) -> WatchState:
        """The state that `as_json` wrote."""
        tracks = stored["tracks"]
        pace = stored["pace"]
        assert isinstance(tracks, list)  # noqa: S101  It is our own writing; this only tells the type.
        first, second, third = (_track(one) for one in tracks)
        return cls(
            state=WaterState(_whole(stored["state"])), since_at=_time(stored["since_at"]),
            told_state=WaterState(_whole(stored["told_state"])), told_at=_time(stored["told_at"]),
            tracks=(first, second, third), value=_number(stored["value"]),
            observed_at=_time(stored["observed_at"]), good_at=_time(stored["good_at"]),
            watched_since_at=_time(stored["watched_since_at"]), ticked_at=_time(stored["ticked_at"]),
            condition=Condition(_whole(stored["condition"])), condition_since_at=_time(stored["condition_since_at"]),
            condition_told_at=_time(stored["condition_told_at"]), doubtful_count=_whole(stored["doubtful_count"]),
            unconfirmed_state=WaterState(_whole(stored["unconfirmed_state"])),
            unconfirmed_at=_time(stored["unconfirmed_at"]),
            pace=Pace(**pace) if isinstance(pace, dict) else None,
            doubted_level=_number(stored.get("doubted_level")),  # States of before it was remembered lack it.
        )

    def track(self, level: WaterState) -> Track:
        """What the readings say of this level (watch, warning or danger)."""
        return self.tracks[level - 1]


@dataclass(frozen=True)
class Change:
    """Something that changed at event time `at`; only those that are announced are told to anybody."""

    kind: ChangeKind
    at: datetime
    from_state: WaterState
    to_state: WaterState
    condition: Condition
    is_announced: bool
    value: float | None = field(default=None)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, IntEnum):
        return int(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Track | Pace):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _track(stored: dict[str, object]) -> Track:
    return Track(
        held_count=_whole(stored["held_count"]), reached_at=_time(stored["reached_at"]),
        low_count=_whole(stored["low_count"]), low_since_at=_time(stored["low_since_at"]),
    )


def _time(stored: object) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(str(stored))


def _number(stored: object) -> float | None:
    return None if stored is None else float(str(stored))


def _whole(stored: object) -> int:
    return int(str(stored))
