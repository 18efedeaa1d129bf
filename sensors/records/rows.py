"""What a past record becomes: rows of (station, time, value, unit, official status), and the rows left out."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from core.errors import InvalidInputError
from sensors.rules import WaterState

JAKARTA_TIME = timezone(timedelta(hours=7), "UTC+7")


@dataclass(frozen=True)
class Row:
    """One value of one station at an aware UTC time, in the record's unit; the official status where there is one."""

    station: str
    at: datetime
    value: float
    unit: str
    official: WaterState | None = None


@dataclass(frozen=True)
class BadRow:
    """A row that was left out: where it stands, which field and why."""

    file: str
    row: int
    field: str
    cause: str


@dataclass(frozen=True)
class Record:
    """A past record: its rows by station and time, each time once; repeats and conflicts counted, bad rows listed."""

    rows: tuple[Row, ...]
    bad: tuple[BadRow, ...]
    lines: int
    repeats: int
    conflicts: tuple[BadRow, ...]

    def stations(self) -> dict[str, list[Row]]:
        """The rows of each station in time order, stations by name."""
        by_station: dict[str, list[Row]] = {}
        for row in self.rows:
            by_station.setdefault(row.station, []).append(row)
        return by_station


@dataclass(frozen=True)
class Line:
    """A line as it was read: its row, or what is wrong with it."""

    file: str
    number: int
    read: Row | BadRow


class FieldError(ValueError):
    """A field of a row cannot be read."""

    def __init__(self, field: str, cause: str) -> None:
        super().__init__(f"{field}: {cause}")
        self.field = field
        self.cause = cause


def collect(lines: Iterable[Line]) -> Record:
    """The record of these lines in their order: the first value of a (station, time) counts, others are repeats.

    A repeat with another value or status is a conflict and is listed: nobody can say afterwards which one was true.
    """
    first: dict[tuple[str, datetime], Row] = {}
    bad, conflicts = list[BadRow](), list[BadRow]()
    count = repeats = 0
    for line in lines:
        count += 1
        if isinstance(line.read, BadRow):
            bad.append(line.read)
            continue
        known = first.setdefault((line.read.station, line.read.at), line.read)
        if known is line.read:
            continue
        repeats += 1
        if known != line.read:
            where = f"{known.station} at {known.at.isoformat()}"
            cause = f"{where}: {line.read.value:g}, but {known.value:g} before"
            conflicts.append(BadRow(file=line.file, row=line.number, field="value", cause=cause))
    rows = tuple(sorted(first.values(), key=lambda row: (row.station, row.at)))
    return Record(rows=rows, bad=tuple(bad), lines=count, repeats=repeats, conflicts=tuple(conflicts))


def files_of(path: Path, pattern: str) -> Iterator[Path]:
    """The files of a record: the file itself, or those of the folder in the order of their names."""
    yield from [path] if path.is_file() else sorted(path.glob(pattern))


def csv_lines(file: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """The lines below the header of a CSV file, each with its number and its fields by the header's names.

    Raises InvalidInputError that names the line where the file is no text in UTF-8, or no CSV.
    """
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        while True:
            try:
                fields = next(reader, None)
            except UnicodeDecodeError:
                raise InvalidInputError(f"{file.name}, after row {reader.line_num}: it is no text in UTF-8.") from None
            except csv.Error as exc:
                raise InvalidInputError(f"{file.name}, after row {reader.line_num}: {exc}.") from exc
            if fields is None:
                return
            yield reader.line_num, fields


def utc_of(at: datetime, field: str) -> datetime:
    """The aware time in UTC. Raises FieldError where the calendar ends before it is there."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise FieldError(field, f"'{at.isoformat()}' lies beyond the calendar") from None


def number_of(text: str | None, field: str) -> float:
    """The finite number of this field. Raises FieldError."""
    try:
        value = float(text or "")
    except ValueError:
        raise FieldError(field, f"'{text or ''}' is no number") from None
    if not math.isfinite(value):
        raise FieldError(field, f"'{text}' is no finite number")
    return value
