"""What happens in the flood room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.events import Event


@dataclass(frozen=True)
class FloodRedrawn(Event):
    """The picture of the flood was drawn anew; severities by zone code.

    `falling_by_zone` has the zones whose severity holds though the water is going down, and what it is falling to.
    `trigger_received_wall_at` is the real time at which the newest reading that caused it was received.
    """

    name: ClassVar[str] = "flood.redrawn"
    is_urgent: ClassVar[bool] = True

    run_id: int
    trigger_received_wall_at: datetime | None
    severity_by_zone: dict[str, int]
    falling_by_zone: dict[str, int]
    is_without_data: bool


@dataclass(frozen=True)
class ZoneSeverityChanged(Event):
    """A zone became more or less severe (0 none, 1 watch, 2 warning, 3 danger)."""

    name: ClassVar[str] = "flood.zone_severity_changed"

    run_id: int
    zone_id: int
    zone_code: str
    from_severity: int
    to_severity: int
    trigger_received_wall_at: datetime | None
