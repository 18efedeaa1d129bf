"""Rangsit's staff gauge: a JSON list of levels in cm with the flag's colour, about twice a day, times with zone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from core.errors import InvalidInputError
from core.files import text_of
from sensors.records.rows import BadRow, FieldError, Line, Record, Row, collect, files_of, number_of, utc_of
from sensors.rules import WaterState

STATION = "Rangsit"
COLOURS = {
    "green": WaterState.NORMAL, "yellow": WaterState.WATCH, "orange": WaterState.WARNING, "red": WaterState.DANGER,
}


def read_rangsit(path: Path) -> Record:
    """The record of a file or of a folder of files. Raises InvalidInputError where a file is no list."""
    return collect(line for file in files_of(path, "*.json") for line in _lines(file))


def _lines(file: Path) -> Iterator[Line]:
    try:
        given = json.loads(text_of(file))
    except (ValueError, RecursionError) as exc:
        raise InvalidInputError(f"{file.name} is no JSON: {exc}.") from exc
    if not isinstance(given, list):
        raise InvalidInputError(f"{file.name} is no list of readings.")
    for number, fields in enumerate(given, start=1):
        try:
            yield Line(file=file.name, number=number, read=_row(fields))
        except FieldError as exc:
            bad = BadRow(file=file.name, row=number, field=exc.field, cause=exc.cause)
            yield Line(file=file.name, number=number, read=bad)


def _row(fields: object) -> Row:
    if not isinstance(fields, dict):
        raise FieldError("record", "it is no object")
    level = fields.get("water_level_cm")
    official = _status(fields.get("status"))
    return Row(
        station=STATION, at=_at(fields.get("record_time")),
        value=number_of(None if level is None else str(level), "water_level_cm"), unit="cm", official=official,
    )


def _status(colour: object) -> WaterState:
    if colour is None:
        raise FieldError("status", f"it is missing, but must be one of {', '.join(COLOURS)}")
    if not isinstance(colour, str) or colour not in COLOURS:
        raise FieldError("status", f"it is '{colour}', but must be one of {', '.join(COLOURS)}")
    return COLOURS[colour]


def _at(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        raise FieldError("record_time", f"'{text}' is no time") from None
    if at.tzinfo is None:
        raise FieldError("record_time", f"'{text}' has no time zone")
    return utc_of(at, "record_time")
