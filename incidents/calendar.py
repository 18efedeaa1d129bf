"""When the office is open, in Bangkok: its hours by weekday and the days on which it is closed. Values only."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).parent / "data" / "calendar.toml"
BANGKOK = ZoneInfo("Asia/Bangkok")


@dataclass(frozen=True)
class Window:
    """A stretch of a weekday (1 is Monday) on which the office is open, Bangkok time."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True)
class OfficeCalendar:
    """Windows by weekday, and the days that are closed whatever their weekday."""

    windows: tuple[Window, ...]
    closed_days: frozenset[date] = field(default=frozenset())

    def open_stretches(self, start_at: datetime, *, days: int) -> Iterator[tuple[datetime, datetime]]:
        """The stretches in which the office is open from `start_at` on, for so many days, in order, aware UTC."""
        first = start_at.astimezone(BANGKOK).date()
        for offset in range(days):
            day = first + timedelta(days=offset)
            if day in self.closed_days:
                continue
            for window in sorted(self.windows, key=lambda w: w.opens):
                if window.weekday != day.isoweekday():
                    continue
                opens_at = datetime.combine(day, window.opens, BANGKOK).astimezone(UTC)
                closes_at = datetime.combine(day, window.closes, BANGKOK).astimezone(UTC)
                if closes_at > start_at:
                    yield max(opens_at, start_at), closes_at


class _ShippedHours(BaseModel):
    model_config = ConfigDict(extra="forbid")

    weekdays: list[int]
    opens: time
    closes: time


class _ShippedHoliday(BaseModel):
    model_config = ConfigDict(extra="forbid")

    day: date
    name_th: str
    name_en: str
    source: str


class ShippedCalendar(BaseModel):
    """The shipped file, checked."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1)
    hours: list[_ShippedHours]
    holiday: list[_ShippedHoliday]

    def windows(self) -> tuple[Window, ...]:
        """The office hours by weekday."""
        return tuple(Window(day, row.opens, row.closes) for row in self.hours for day in row.weekdays)


@functools.cache
def shipped() -> ShippedCalendar:
    """The shipped calendar; raises pydantic's ValidationError where the file is broken, which a test forbids."""
    return ShippedCalendar.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))
