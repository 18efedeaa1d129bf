"""What the cameras saw, for the rooms above."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.events import Event


@dataclass(frozen=True)
class FrameRead(Event):
    """A camera's picture has been looked at; `is_reading` where it gave a level (metres above mean sea level)."""

    name: ClassVar[str] = "cctv.frame_read"

    camera_id: int
    station_id: int
    taken_at: datetime
    is_reading: bool
    level_m_msl: float | None
    confidence: float
    reasons: list[str]
