"""Which past record a path holds."""

from __future__ import annotations

import csv
from pathlib import Path

from core.errors import InvalidInputError, NotFoundError
from sensors.records.calder import is_calder, read_calder
from sensors.records.jakarta import is_jakarta, read_jakarta
from sensors.records.rangsit import read_rangsit
from sensors.records.rows import Record


def read_record(path: Path) -> Record:
    """The record in this file or folder, by what its first file looks like.

    Raises NotFoundError where there is nothing, InvalidInputError where it is none that we know.
    """
    if not path.exists():
        raise NotFoundError(f"There is no record at {path}.")
    inside = [path] if path.is_file() else sorted([*path.glob("*.csv"), *path.glob("*.json")])
    if not inside:
        raise NotFoundError(f"There is no .csv or .json file in {path}.")
    if inside[0].suffix == ".json":
        return read_rangsit(path)
    header = _header(inside[0])
    if is_jakarta(header):
        return read_jakarta(path)
    if is_calder(header):
        return read_calder(path)
    raise InvalidInputError(f"{inside[0].name} has the columns {', '.join(header)}: that is no record that we know.")


def _header(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return next(csv.reader(stream), [])
    except UnicodeDecodeError as exc:
        raise InvalidInputError(f"{file.name} is no text in UTF-8.") from exc
