"""Read the rows of a pack's point layers again, for what the database rightly does not keep: the gauges' own keys."""

from __future__ import annotations

import csv
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import NotFoundError
from gis.points import LonLat


@dataclass(frozen=True)
class PackRow:
    """One row of a point layer: its columns as text, and its place."""

    columns: dict[str, Any]
    place: LonLat


def _layer_file(pack: Path, kind: str) -> Path:
    manifest = tomllib.loads((pack / "city.toml").read_text(encoding="utf-8"))
    for layer in manifest.get("layer", []):
        if layer["kind"] == kind:
            return pack / str(layer["file"])
    raise NotFoundError(f"The city pack {pack} has no layer of the kind '{kind}'.")


def rows(pack: Path, kind: str) -> list[PackRow]:
    """The rows of the pack's layer of this kind (CSV with lon and lat, or GeoJSON points)."""
    path = _layer_file(pack, kind)
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as lines:
            return [
                PackRow(columns=row, place=LonLat(lon=float(row["lon"]), lat=float(row["lat"])))
                for row in csv.DictReader(lines)
            ]
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    return [
        PackRow(
            columns=feature["properties"],
            place=LonLat(lon=feature["geometry"]["coordinates"][0], lat=feature["geometry"]["coordinates"][1]),
        )
        for feature in features
    ]
