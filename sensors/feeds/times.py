"""Times as sources write them, as aware UTC: zones declared, Buddhist years, hour 24, and times that are none."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum

from sensors.feeds.row import Reason
from sensors.rules import BUDDHIST_ERA_OFFSET, BUDDHIST_YEARS, Refused

# NWPS writes year 0001 for "no time", a device without a clock 1970-01-01. Records older than 1900 are not fed.
PLAUSIBLE_YEARS = range(1900, 2201)
UNSET_CLOCK = date(1970, 1, 1)
# Before this a Unix time in milliseconds was most likely written in seconds.
_EPOCH_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_UNTIL = datetime(2200, 1, 1, tzinfo=UTC)
# Blanks in a longer text would cost the patterns below more than linear time.
_LONGEST_CHARS = 64
_EXAMPLE = "2026-11-21T03:00:00Z"

_SEPARATED = re.compile(
    r"(?P<one>\d{1,4})[-/.](?P<two>\d{1,2})[-/.](?P<three>\d{1,4})"
    r"(?:[T\s]+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<part>\d{1,12}))?)?"
    r"\s*(?P<half>[AaPp][Mm])?\s*(?:น\.?)?\s*(?P<zone>[Zz]|[+-]\d{2}(?::?\d{2})?)?)?"
)
# WISKI's ZRX: yyyymmddhhmmss.
_COMPACT = re.compile(
    r"(?P<one>\d{4})(?P<two>\d{2})(?P<three>\d{2})(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?"
    r"(?P<part>)(?P<half>)(?P<zone>)"
)


class DateOrder(StrEnum):
    """Which comes first where the year comes last; a date that starts with a year of four digits needs none."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


def time_of(
    content: object, *, field: str, zone: tzinfo | None = None, order: DateOrder | None = None
) -> datetime | Refused:
    """The time in UTC. A zone in the text beats the declared one; without either it is refused.

    Years 2400..2700 are Buddhist (2569 is 2026), hour 24 is hour 0 of the next day (WISKI), AM and PM are read, and
    12 AM is hour 0. Year 0001 and 1970-01-01 mean "no time". 03/04/2026 is refused unless `order` is declared.
    """
    if content is None or (isinstance(content, str) and not content.strip()):
        return Refused(Reason.NO_TIME, f"The field '{field}' holds no time.")
    if not isinstance(content, str):
        return Refused(Reason.BAD_TIME, f"The field '{field}' is not a text with a time such as {_EXAMPLE}.")
    text = content.strip()
    if len(text) > _LONGEST_CHARS:
        return Refused(Reason.BAD_TIME, f"The field '{field}' is too long for a time.")
    found = _SEPARATED.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is None:
        return Refused(Reason.BAD_TIME, f"The field '{field}' is not a time such as {_EXAMPLE}.")
    day = _day(found, field=field, order=order)
    if isinstance(day, Refused):
        return day
    if found["hour"] is None:
        return Refused(Reason.BAD_TIME, f"The field '{field}' has a date but no time of day.")
    return _moment(found, day, field=field, declared=zone)


def time_of_epoch_ms(content: object, *, field: str) -> datetime | Refused:
    """The time in UTC of a Unix time in milliseconds; what lies before 2000 or after 2200 is refused."""
    return _time_of_epoch(content, field=field, unit="milliseconds", per_second=1000.0)


def time_of_epoch_s(content: object, *, field: str) -> datetime | Refused:
    """The time in UTC of a Unix time in seconds; what lies before 2000 or after 2200 is refused."""
    return _time_of_epoch(content, field=field, unit="seconds", per_second=1.0)


def _time_of_epoch(content: object, *, field: str, unit: str, per_second: float) -> datetime | Refused:
    if isinstance(content, bool) or not isinstance(content, int | float) or not math.isfinite(content):
        return Refused(Reason.BAD_TIME, f"The field '{field}' is not a Unix time in {unit}.")
    since_s, until_s = _EPOCH_SINCE.timestamp(), _EPOCH_UNTIL.timestamp()
    if not since_s <= content / per_second < until_s:
        return Refused(Reason.NO_TIME, f"The field '{field}' is no Unix time in {unit} between 2000 and 2200.")
    return datetime.fromtimestamp(content / per_second, tz=UTC)


def _day(found: re.Match[str], *, field: str, order: DateOrder | None) -> date | Refused:
    one, two, three = found["one"], found["two"], found["three"]
    if len(one) == 4 and len(three) <= 2:
        year, month, day = int(one), int(two), int(three)
    elif len(three) == 4 and len(one) <= 2:
        if order is None:
            return Refused(
                Reason.AMBIGUOUS_DATE, f"The field '{field}' ends with the year: declare whether day or month is first."
            )
        year = int(three)
        day, month = (int(one), int(two)) if order is DateOrder.DAY_FIRST else (int(two), int(one))
    else:
        return Refused(Reason.AMBIGUOUS_DATE, f"The field '{field}' has no year of four digits.")
    if year in BUDDHIST_YEARS:
        year -= BUDDHIST_ERA_OFFSET
    if year not in PLAUSIBLE_YEARS:
        return Refused(Reason.NO_TIME, f"The field '{field}' has the year {year:04}, which stands for none.")
    try:
        return date(year, month, day)
    except ValueError:
        return Refused(Reason.BAD_TIME, f"The field '{field}' has day {day} of month {month}, which does not exist.")


def _moment(found: re.Match[str], day: date, *, field: str, declared: tzinfo | None) -> datetime | Refused:
    clock = _clock(found, field=field)
    if isinstance(clock, Refused):
        return clock
    zone = _zone(found["zone"]) if found["zone"] else declared
    if zone is None and found["zone"]:
        return Refused(Reason.BAD_TIME, f"The field '{field}' has a zone that does not exist.")
    if zone is None:
        return Refused(Reason.NO_TIME_ZONE, f"The field '{field}' has no time zone, and none is declared.")
    if day == UNSET_CLOCK:
        return Refused(Reason.NO_TIME, f"The field '{field}' is 1970-01-01: the clock was never set.")
    days, of_day = clock
    try:
        return datetime.combine(day + timedelta(days=days), of_day, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return Refused(Reason.BAD_TIME, f"The field '{field}' has a zone that does not exist.")


def _clock(found: re.Match[str], *, field: str) -> tuple[int, time] | Refused:
    """Days to add (1 at hour 24) and the time of day."""
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    micro = int(float(f"0.{int(found['part']):0{len(found['part'])}}") * 1e6) if found["part"] else 0
    impossible = Refused(Reason.BAD_TIME, f"The field '{field}' has a time of day that does not exist.")
    if found["half"]:
        if not 1 <= hour <= 12:
            return impossible
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    if hour == 24:
        return (1, time()) if minute == second == micro == 0 else impossible
    try:
        return 0, time(hour, minute, second, micro)
    except ValueError:
        return impossible


def _zone(text: str) -> tzinfo | None:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:]) if len(text) > 3 else 0
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes >= 60 or offset >= timedelta(hours=24):
        return None
    return timezone(-offset if text[0] == "-" else offset)
