"""CSV files as people and loggers write them: UTF-8 or TIS-620, Thai or English headings, units in the headings."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from gis.citypack.encodings import UnknownLettersError, found
from sensors.feeds.bodies import NAME_LIMIT_CHARS, PULLED_LIMIT_BYTES, raw_of_bytes, raw_of_text
from sensors.feeds.row import FeedFault, Reason
from sensors.feeds.times import DateOrder, time_of
from sensors.feeds.units import canonical
from sensors.rules import Refused

# Reports carry a title or two above the headings.
_TITLE_LINES = 10
_DELIMITERS = (",", ";", "\t")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Role(StrEnum):
    """What a column is; a `series` is a column of values whose heading is the name of the series."""

    TIME = "time"
    DATE = "date"
    CLOCK = "clock"
    STATION = "station"
    VALUE = "value"
    UNIT = "unit"
    REMARK = "remark"
    SERIES = "series"


_HEADINGS = {
    Role.TIME: ("datetime", "date time", "timestamp", "observed_at", "วันเวลา", "วันที่เวลา", "วันที่-เวลา", "วัน-เวลา",
                "วันที่และเวลา", "เวลาตรวจวัด", "วันเวลาที่วัด"),
    Role.DATE: ("date", "day", "วันที่", "วัน", "ว/ด/ป", "วัน/เดือน/ปี"),
    Role.CLOCK: ("time", "clock", "hour", "เวลา", "ชั่วโมง"),
    Role.STATION: ("station", "station id", "station code", "code", "datastream", "sensor", "สถานี", "รหัสสถานี", "รหัส"),
    Role.VALUE: ("value", "reading", "ค่า", "ค่าที่วัดได้", "ค่าที่วัด"),
    Role.UNIT: ("unit", "units", "หน่วย"),
    Role.REMARK: ("remark", "remarks", "note", "notes", "no", "ลำดับ", "ลำดับที่", "ที่", "หมายเหตุ", "status", "สถานะ"),
}  # fmt: skip


def _plain(text: str) -> str:
    return re.sub(r"[\s_.\-]", "", text).lower()


_ROLES = {_plain(word): role for role, words in _HEADINGS.items() for word in words}
_BRACKETED = re.compile(r"(?P<name>[^(\[]*)[(\[](?P<unit>.*)[)\]]")
_SUFFIXED = re.compile(r"(?P<name>.+?)[\s_](?P<unit>m_msl|[^\s_]+)")


@dataclass(frozen=True)
class Column:
    """A column: what it is, the name in its heading, and the unit in it ("" where it says none)."""

    role: Role
    name: str
    unit: str


@dataclass(frozen=True)
class TableRow:
    """The cells of one row, as many as columns, and its text."""

    cells: tuple[str, ...]
    raw: str


@dataclass(frozen=True)
class Table:
    """The columns of a file and its rows in order; a row that cannot be read is a fault in its place."""

    columns: tuple[Column, ...]
    rows: tuple[TableRow | FeedFault, ...]

    def index_of(self, role: Role) -> int | None:
        """The first column of this role, None where there is none."""
        return next((index for index, column in enumerate(self.columns) if column.role is role), None)


@dataclass(frozen=True)
class TimeWay:
    """How a file writes its times: the zone, and whether day or month is first where the year is last."""

    zone: tzinfo | None
    order: DateOrder | None = None


def table_of(body: bytes, *, delimiter: str | None = None) -> Table | FeedFault:
    """The table in a CSV file; the delimiter that gives the most columns, unless one is declared.

    Titles above the headings are passed over: the headings are the first of ten lines with a column of time.
    """
    raw = raw_of_bytes(body)
    if len(body) > PULLED_LIMIT_BYTES:
        return FeedFault(Reason.TOO_LARGE, f"The file has {len(body)} bytes, more than {PULLED_LIMIT_BYTES}.", raw)
    text = _text_of(body)
    if text is None:
        detail = "The file is neither UTF-8 nor Thai TIS-620 text; save it as CSV UTF-8."
        return FeedFault(Reason.UNKNOWN_LETTERS, detail, raw)
    if text.lstrip()[:1] == "<":
        return FeedFault(Reason.HTML, "The file is a web page or XML, where a table was expected.", raw)
    lines = list(_lines_of(text.replace("\x00", "\ufffd"), delimiter or _delimiter_of(text)))
    for number, line in enumerate(lines[:_TITLE_LINES]):
        columns = _with_times(tuple(map(column_of, line))) if isinstance(line, list) else ()
        if any(column.role in (Role.TIME, Role.DATE) for column in columns):
            return Table(columns, tuple(_row(row, len(columns)) for row in lines[number + 1 :]))
    return FeedFault(Reason.NOT_A_TABLE, "The file has no heading for the time, such as 'time' or 'วันเวลา'.", raw)


def column_of(heading: str) -> Column:
    """What a heading says: "ระดับน้ำ (ม.รทก.)" is a series in m_msl, "level_cm" one in cm, "หมายเหตุ" a remark."""
    text = heading.strip().lstrip("\ufeff")[:NAME_LIMIT_CHARS]
    role = _ROLES.get(_plain(text))
    if role is not None:
        return Column(role, text, "")
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed is not None and bracketed["unit"]:
        name, unit = bracketed["name"].strip(), bracketed["unit"].strip()
        return Column(_ROLES.get(_plain(name), Role.SERIES), name, canonical(unit) or unit)
    suffixed = _SUFFIXED.fullmatch(text)
    if suffixed is not None and canonical(suffixed["unit"]) is not None:
        name = suffixed["name"].strip(" _")
        return Column(_ROLES.get(_plain(name), Role.SERIES), name, canonical(suffixed["unit"]) or "")
    return Column(Role.SERIES if text else Role.REMARK, text, "")


def time_in(table: Table, row: TableRow, *, way: TimeWay) -> datetime | Refused:
    """The time of a row: its column of time, or its date and clock together."""
    whole, day, clock = (table.index_of(role) for role in (Role.TIME, Role.DATE, Role.CLOCK))
    if whole is not None:
        return time_of(row.cells[whole], field=table.columns[whole].name, zone=way.zone, order=way.order)
    if day is None:
        return Refused(Reason.NO_TIME, "The table has no column of dates.")
    text = row.cells[day] if clock is None else f"{row.cells[day].strip()} {row.cells[clock].strip()}"
    return time_of(text, field=table.columns[day].name, zone=way.zone, order=way.order)


def _with_times(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """A heading "time" or "เวลา" without a date beside it holds date and time together."""
    if any(column.role in (Role.TIME, Role.DATE) for column in columns):
        return columns
    return tuple(Column(Role.TIME, one.name, one.unit) if one.role is Role.CLOCK else one for one in columns)


def _text_of(body: bytes) -> str | None:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        if body.startswith(_UTF16_MARKS):
            return None
    try:
        return body.decode(found([body]))
    except (UnknownLettersError, UnicodeDecodeError):
        return None


def _delimiter_of(text: str) -> str:
    """The delimiter that parts the most among the first lines; where two part as many, the comma goes last."""
    head = text.splitlines()[:_TITLE_LINES] if len(text) < 100_000 else text[:100_000].splitlines()[:_TITLE_LINES]
    return max(_DELIMITERS[::-1], key=lambda mark: max((line.count(mark) for line in head), default=0))


def _lines_of(text: str, delimiter: str) -> Iterator[list[str] | FeedFault]:
    """The lines that are not blank; one that breaks the rules of CSV is a fault, and the next is read afresh.

    A quote that is never closed costs its own line, not the rest of the file.
    """
    lines = list(io.StringIO(text, newline=None))
    begun = 0
    while begun < len(lines):
        since = begun
        reader = csv.reader(map(lines.__getitem__, range(since, len(lines))), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                begun = since + reader.line_num
                if any(cell.strip() for cell in cells):
                    yield cells
        except csv.Error as exc:
            yield FeedFault(Reason.MALFORMED, f"Line {begun + 1} is not CSV: {exc}.", raw_of_text(lines[begun]))
            begun += 1


def _row(line: list[str] | FeedFault, width: int) -> TableRow | FeedFault:
    if isinstance(line, FeedFault):
        return line
    raw = raw_of_text(",".join(line))
    while len(line) > width and not line[-1].strip():
        line = line[:-1]
    if len(line) != width:
        return FeedFault(Reason.MALFORMED, f"The row has {len(line)} cells where the headings have {width}.", raw)
    return TableRow(tuple(line), raw)
