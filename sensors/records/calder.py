"""The UK Environment Agency's hydrology files: one station a file, 15 min, times without a zone (they are UTC).

Levels are metres at the gauge's own datum and may be negative (Hebden Bridge); rain is mm in 15 minutes. An empty
value is a gap and is told as a bad row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sensors.records.rows import BadRow, FieldError, Line, Record, Row, collect, csv_lines, files_of, number_of, utc_of

COLUMNS = {"measure", "dateTime", "value", "quality"}
UNITS = {"level": "m", "rainfall": "mm in 15 min"}


def read_calder(path: Path) -> Record:
    """The record of a file or of a folder of files."""
    return collect(line for file in files_of(path, "*.csv") for line in _lines(file))


def is_calder(header: list[str]) -> bool:
    """The header is that of the agency's hydrology files."""
    return set(header) >= COLUMNS


def _lines(file: Path) -> Iterator[Line]:
    station, unit = _station(file)
    for number, fields in csv_lines(file):
        try:
            row = Row(station=station, at=_at(fields), value=number_of(fields.get("value"), "value"), unit=unit)
            yield Line(file=file.name, number=number, read=row)
        except FieldError as exc:
            bad = BadRow(file=file.name, row=number, field=exc.field, cause=exc.cause)
            yield Line(file=file.name, number=number, read=bad)


def _station(file: Path) -> tuple[str, str]:
    """The station and the unit, which stand only in the file's name: `Hebden-Bridge-level-15min-Qualified.csv`."""
    for kind, unit in UNITS.items():
        name, found, _ = file.stem.rpartition(f"-{kind}-")
        if found:
            return f"{name.replace('-', ' ')} ({kind})", unit
    return file.stem, "unknown"


def _at(fields: dict[str, str | None]) -> datetime:
    text = fields.get("dateTime") or ""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise FieldError("dateTime", f"'{text}' is no time") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else utc_of(at, "dateTime")
