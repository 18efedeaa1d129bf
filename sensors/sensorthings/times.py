"""Instants, periods and durations as ISO 8601 writes them, and back. Pure."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, time, timedelta, timezone

from sensors.sensorthings.errors import QueryError

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,12}))?)?(Z|[ +-]\d\d(?::?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_DURATION = re.compile(
    r"([+-])?P(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,7})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?", re.ASCII
)

# UTC, of a text that names no zone: a generic client may leave it out, a device's clock may mean any.
UNSAID = timezone(timedelta(), "unsaid")


def instant(text: str) -> datetime:
    """The aware instant that the text says; without a zone it is UTC and its tzinfo is `UNSAID`. Raises QueryError.

    A blank before the offset is taken for the plus sign that an address line turns into one.
    """
    found = _INSTANT.fullmatch(text.strip())
    if found is None:
        raise QueryError(f"'{text[:60]}' is not a time such as 2026-11-21T03:00:00Z.")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    micro = int((fraction or "0").ljust(6, "0")[:6])
    try:
        naive = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro,
            tzinfo=UTC if zone else UNSAID,
        )
        return naive - _offset(zone)
    except (ValueError, OverflowError):
        raise QueryError(f"'{text[:60]}' names a time that does not exist.") from None


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in "Zz":
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if int(digits[2:]) > 59 or offset >= timedelta(days=1):
        raise ValueError(zone)
    return -offset if zone[0] == "-" else offset


def period(text: str) -> tuple[datetime, datetime]:
    """The start and the end of what the text says; both the same for an instant. Raises QueryError."""
    first, slash, second = text.partition("/")
    start = instant(first)
    if not slash:
        return start, start
    try:
        end = start + duration(second) if second.startswith("P") else instant(second)
    except OverflowError:
        raise QueryError(f"The period '{text[:80]}' ends beyond all calendars.") from None
    if end < start:
        raise QueryError(f"The period '{text[:80]}' ends before it starts.")
    return start, end


def duration(text: str) -> timedelta:
    """The duration that the text says: days, hours, minutes and seconds. Raises QueryError."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()[1:]):
        raise QueryError(f"'{text[:60]}' is not a duration such as P1DT12H.")
    sign, days, hours, minutes, seconds = found.groups()
    length = timedelta(
        days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0), seconds=float(seconds or 0)
    )
    return -length if sign == "-" else length


def clock_time(text: str) -> time:
    """The time of day that the text says. Raises QueryError."""
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise QueryError(f"'{text[:60]}' is not a time of day such as 06:30:00.") from None


@functools.lru_cache(maxsize=8192)  # Gauges that speak by the clock share their moments.
def written(at: datetime) -> str:
    """The instant in UTC with a Z, with as many decimals as it has."""
    text = at.astimezone(UTC).isoformat()[: -len("+00:00")]
    return f"{text.rstrip('0') if '.' in text else text}Z"


def written_period(start: datetime, end: datetime | None) -> str:
    """The period as start/end, or as one instant where it has no other end."""
    return written(start) if end is None else f"{written(start)}/{written(end)}"
