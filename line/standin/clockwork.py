"""The stand-in's own clock: it runs with real time, can be moved on, and can be stopped for a test."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

LINE_ZONE = timezone(timedelta(hours=9))  # LINE counts days and months in UTC+9.


class Clock:
    """Seconds since the epoch by which keys, tokens, buckets, days and months are measured."""

    def __init__(self, *, advanced_s: float = 0.0, real_s: Callable[[], float] = time.time) -> None:
        """The clock is so many seconds ahead of real time."""
        self._real_s = real_s
        self._advanced_s = advanced_s
        self._stopped_at_s: float | None = None

    @property
    def advanced_s(self) -> float:
        """How far it is ahead of real time."""
        return self.now_s() - self._real_s()

    @property
    def is_stopped(self) -> bool:
        """Time passes only by `advance`."""
        return self._stopped_at_s is not None

    def now_s(self) -> float:
        """The time, in seconds since the epoch."""
        return self._real_s() + self._advanced_s if self._stopped_at_s is None else self._stopped_at_s

    def advance(self, seconds: float) -> None:
        """It is so many seconds later."""
        self._advanced_s += seconds
        if self._stopped_at_s is not None:
            self._stopped_at_s += seconds

    def stop(self) -> None:
        """Time stands still until `resume`."""
        self._stopped_at_s = self.now_s()

    def resume(self) -> None:
        """Time runs on from where it stood."""
        self._advanced_s = self.now_s() - self._real_s()
        self._stopped_at_s = None


def day_of(at_s: float) -> str:
    """The day in LINE's zone, `yyyyMMdd`."""
    return datetime.fromtimestamp(at_s, LINE_ZONE).strftime("%Y%m%d")


def day_bounds_s(day: str) -> tuple[float, float]:
    """When the day `yyyyMMdd` begins and ends in LINE's zone; ValueError where there is no such day."""
    begin = datetime.strptime(day, "%Y%m%d").replace(tzinfo=LINE_ZONE)
    return begin.timestamp(), (begin + timedelta(days=1)).timestamp()


def month_began_s(at_s: float) -> float:
    """When the month of this time began in LINE's zone."""
    at = datetime.fromtimestamp(at_s, LINE_ZONE)
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()


def iso_of(at_s: float) -> str:
    """As LINE writes a time: ISO 8601 with milliseconds in UTC."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
