"""What a camera may say about the water: plain values, no pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class WaterlineReading:
    """A level in metres above mean sea level with its doubt, or None with the reasons why there is no reading.

    `confidence` (0..1) is how sure it is that the error is under 2 cm; `sigma_m` its standard deviation; `shift_px` how
    far the view has moved since its calibration.
    """

    level_m_msl: float | None
    sigma_m: float | None
    confidence: float
    reasons: tuple[str, ...]
    shift_px: tuple[float, float] = (0.0, 0.0)

    @property
    def is_reading(self) -> bool:
        """There is a level."""
        return self.level_m_msl is not None


def no_reading(*reasons: str) -> WaterlineReading:
    """There is no level, and these are the reasons."""
    return WaterlineReading(level_m_msl=None, sigma_m=None, confidence=0.0, reasons=reasons)


def is_new(taken_at: datetime, *, last_taken_at: datetime | None) -> bool:
    """The picture was taken after the last one that was looked at: an old value is never repeated as new."""
    return last_taken_at is None or taken_at > last_taken_at


def is_failure_due(*, last_at: datetime | None, interval_s: int, now: datetime) -> bool:
    """A camera without a picture is recorded once per interval: its blindness is to be seen, not our polling."""
    return last_at is None or now - last_at >= timedelta(seconds=interval_s)
