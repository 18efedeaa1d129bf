"""Incidents as tables and maps for everybody: which columns, what is asked for, CSV and GeoJSON. Pure."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import InvalidInputError

# Nothing of who reported, and no words: each of these stands in the data's description.
COLUMNS = (
    "number", "category", "category_th", "category_en", "state", "agency", "agency_th", "agency_en", "opened_at",
    "promised_at", "ended_at", "is_promise_kept", "report_count", "place_th", "place_en", "lon", "lat", "is_coarse",
    "cell_degrees",
)
# Excel reads Thai as Thai only where the file begins so; who reads it by program names the encoding utf-8-sig.
BOM = "\ufeff"
# What a spreadsheet takes for a formula (OWASP, CSV Injection), in full width too.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
PAGE, LARGEST_PAGE = 1000, 5000
# As coarse as coarse places are shown: a finer grid would show where their middles lie, not where much is reported.
CELL_DEGREES = 0.005


@dataclass(frozen=True)
class Wanted:
    """What is asked for; opened from `from_at` on and before `to_at`, in degrees inside `bbox`, older than `after`."""

    categories: Sequence[str] = ()
    states: Sequence[str] = ()
    from_at: datetime | None = None
    to_at: datetime | None = None
    bbox: tuple[float, float, float, float] | None = None
    after: int | None = None
    limit: int = PAGE


def read_bbox(text: str | None) -> tuple[float, float, float, float] | None:
    """West, south, east and north of `w,s,e,n` in degrees; None without one. Raises InvalidInputError."""
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as exc:
        raise InvalidInputError("bbox: four numbers are needed, west,south,east,north in degrees.") from exc
    if not all(math.isfinite(one) for one in (west, south, east, north)):
        raise InvalidInputError("bbox: the numbers must be finite.")
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InvalidInputError("bbox: west must not lie east of east, nor south north of north.")
    return west, south, east, north


def cells_as_geojson(cells: Iterable[Mapping[str, Any]]) -> bytes:
    """Cells as squares (RFC 7946), each with how many incidents it holds and what most of them are."""
    features = [
        {
            "type": "Feature",
            "id": f"{cell['lon']:.6f},{cell['lat']:.6f}",
            "geometry": {"type": "Polygon", "coordinates": [_square(cell["lon"], cell["lat"])]},
            "properties": {name: value for name, value in cell.items() if name not in {"lon", "lat"}},
        }
        for cell in cells
    ]
    whole = {"type": "FeatureCollection", "features": features, "cell_degrees": CELL_DEGREES}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _square(lon: float, lat: float) -> list[list[float]]:
    half = CELL_DEGREES / 2
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return [[round(lon + x * half, 6), round(lat + y * half, 6)] for x, y in corners]


def as_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = COLUMNS) -> bytes:
    """A table in UTF-8 with its mark; texts that a spreadsheet would take for a formula are texts."""
    out = io.StringIO()
    out.write(BOM)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" \u00a0").startswith(_FORMULA) else value
    return _plain(value)


def _plain(value: Any) -> Any:
    """Times in UTC as ISO 8601, truth as true and false, what is not known as nothing."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def as_geojson(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = COLUMNS, *, links: Sequence[Mapping[str, str]] = ()
) -> bytes:
    """The same as points (RFC 7946), with links to what follows."""
    features = [
        {
            "type": "Feature",
            "id": row["id"],
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
            "properties": {
                name: _plain(row[name]) if isinstance(row[name], datetime) else row[name]
                for name in columns
                if name not in {"lon", "lat"}
            },
        }
        for row in rows
    ]
    whole = {"type": "FeatureCollection", "features": features, "links": list(links)}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
