"""Which past record a path holds."""

from __future__ import annotations

import csv
from pathlib import Path

from core.errors import InvalidInputError, NotFoundError
from sensors.records.calder import is_calder, read_calder
from sensors.records.jakarta import is_jakarta, read_jakarta
from sensors.records.rangsit import read_rangsit
from sensors.records.rows import Record

MOST_SHOWN = 200  # Letters of a header; that of a strange file may be all of it.
EXPECTED = (
    "A past record is one file, or a folder of them, in one of three forms: Jakarta's gates (.csv with the columns "
    "nama_pintu_air, tanggal, tinggi_air and status_siaga), the UK Environment Agency's hydrology files (.csv with "
    "measure, dateTime, value and quality), or a staff gauge's list (.json of objects with record_time, "
    "water_level_cm and status, which is green, yellow, orange or red)."
)


def read_record(path: Path) -> Record:
    """The record in this file or folder, by what its first file looks like.

    Raises NotFoundError where there is nothing, InvalidInputError where it is none that we know.
    """
    if not path.exists():
        raise NotFoundError(f"There is no record at {path}.")
    inside = [path] if path.is_file() else sorted([*path.glob("*.csv"), *path.glob("*.json")])
    if not inside:
        raise NotFoundError(f"There is no .csv or .json file in {path}. {EXPECTED}")
    if inside[0].suffix == ".json":
        return read_rangsit(path)
    header = _header(inside[0])
    if is_jakarta(header):
        return read_jakarta(path)
    if is_calder(header):
        return read_calder(path)
    columns = f"has the columns {', '.join(header)[:MOST_SHOWN]}" if header else "is empty"
    raise InvalidInputError(f"{inside[0].name} {columns}: that is no past record. {EXPECTED}")


def _header(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return next(csv.reader(stream), [])
    except UnicodeDecodeError as exc:
        raise InvalidInputError(f"{file.name} is no text in UTF-8. {EXPECTED}") from exc
    except csv.Error as exc:
        raise InvalidInputError(f"{file.name}, row 1: {exc}. {EXPECTED}") from exc
    except OSError as exc:
        raise InvalidInputError(f"{file} cannot be read: {exc.strerror}.") from exc
