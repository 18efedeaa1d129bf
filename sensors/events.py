"""What happened to the readings, for the rooms above."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.events import Event


@dataclass(frozen=True)
class ReadingsStored(Event):
    """A batch of new readings is stored: how many, and the newest time of observation among them."""

    name: ClassVar[str] = "sensors.readings_stored"

    count: int
    latest_at: datetime


@dataclass(frozen=True)
class FlagOverridden(Event):
    """An officer has judged a reading otherwise than its tests did."""

    name: ClassVar[str] = "sensors.flag_overridden"

    datastream_id: int
    station_id: int
    observed_at: datetime
    flag: int


@dataclass(frozen=True)
class LevelStateChanged(Event):
    """The water at a station has come to another state (0 normal, 1 watch, 2 warning, 3 danger).

    `received_wall_at` is the real time at which the reading that caused it arrived, for measuring latency.
    """

    name: ClassVar[str] = "sensors.level_state_changed"
    is_urgent: ClassVar[bool] = True

    datastream_id: int
    station_id: int
    from_state: int
    to_state: int
    level_m_msl: float | None
    observed_at: datetime
    received_wall_at: datetime


@dataclass(frozen=True)
class GaugeConditionChanged(Event):
    """A gauge is heard again (0), late (1), lost (2) or no longer to be trusted (3), whatever its water does."""

    name: ClassVar[str] = "sensors.gauge_condition_changed"

    datastream_id: int
    station_id: int
    condition: int
    observed_at: datetime


@dataclass(frozen=True)
class RuleStateChanged(Event):
    """A rule of the watch beyond the gauges' own levels has changed (`change`: raised, eased, lost, …) or repeats.

    `station_id` is the place that it speaks of, None where it speaks of a zone. Who tells people tells those that are
    announced.
    """

    name: ClassVar[str] = "sensors.rule_state_changed"
    is_urgent: ClassVar[bool] = True

    rule_code: str
    rule_version: int
    rule_kind: str
    change: str
    station_id: int | None
    from_state: int
    to_state: int
    condition: int
    is_announced: bool
    value: float | None
    observed_at: datetime
    received_wall_at: datetime
