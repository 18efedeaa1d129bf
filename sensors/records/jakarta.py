"""Jakarta's gates (BPBD open data, 2019): canal levels in mm with the official alert status, in two layouts.

What the files hold: the date and a 12-hour time in two columns, or one quoted ISO time in another column order; no zone
(Jakarta is UTC+7); names with trailing spaces; the same row many times; no order in time; negative levels, which are
legal where the staff's zero lies above the water (P.A. Pluit) and faults elsewhere: that is for quality to judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sensors.records.rows import (
    JAKARTA_TIME,
    BadRow,
    FieldError,
    Line,
    Record,
    Row,
    collect,
    csv_lines,
    files_of,
    number_of,
    utc_of,
)
from sensors.rules import WaterState

COLUMNS = {"nama_pintu_air", "tanggal", "tinggi_air", "status_siaga"}
SIAGA = {
    "Normal": WaterState.NORMAL, "Siaga 4": WaterState.NORMAL, "Siaga 3": WaterState.WATCH,
    "Siaga 2": WaterState.WARNING, "Siaga 1": WaterState.DANGER,
}
# The official limits in mm, Siaga 3, 2 and 1 (docs/decisions/0022); of other gates no limits are published with the
# record, and the lowest level that it labels so stands for them.
LIMITS_MM = {
    "PS. Katulampa (Hulu)": (810.0, 1510.0, 2010.0),
    "PS. Depok": (2010.0, 2710.0, 3510.0),
    "PA. Manggarai": (7510.0, 8510.0, 9510.0),
    "P.A. Karet": (4510.0, 5510.0, 6010.0),
}


def read_jakarta(path: Path) -> Record:
    """The record of a file or of a folder of files."""
    return collect(line for file in files_of(path, "*.csv") for line in _lines(file))


def is_jakarta(header: list[str]) -> bool:
    """The header is one of the two layouts."""
    return set(header) >= COLUMNS


def _lines(file: Path) -> Iterator[Line]:
    for number, fields in csv_lines(file):
        try:
            yield Line(file=file.name, number=number, read=_row(fields))
        except FieldError as exc:
            bad = BadRow(file=file.name, row=number, field=exc.field, cause=exc.cause)
            yield Line(file=file.name, number=number, read=bad)


def _row(fields: dict[str, str | None]) -> Row:
    station = (fields.get("nama_pintu_air") or "").strip()
    if not station:
        raise FieldError("nama_pintu_air", "no station is named")
    return Row(
        station=station, at=_at(fields), value=number_of(fields.get("tinggi_air"), "tinggi_air"), unit="mm",
        official=_status(fields.get("status_siaga")),
    )


def _at(fields: dict[str, str | None]) -> datetime:
    day, clock = (fields.get("tanggal") or "").strip(), fields.get("waktu")
    try:
        if clock is None:
            local = datetime.fromisoformat(day)
        else:
            local = datetime.strptime(f"{day} {clock.strip()}", "%Y-%m-%d %I:%M:%S%p")
    except ValueError:
        raise FieldError("tanggal", f"'{day} {clock or ''}' is no time".replace(" '", "'")) from None
    return utc_of(local.replace(tzinfo=JAKARTA_TIME), "tanggal")


def _status(text: str | None) -> WaterState:
    label = (text or "").removeprefix("Status :").strip()
    if label not in SIAGA:
        raise FieldError("status_siaga", f"'{label}' is no known status")
    return SIAGA[label]
