"""Read the rows of a pack's point layers again, for what the database rightly does not keep: the gauges' own keys."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Sequence
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


def _layer_file(packs: Sequence[Path], kind: str) -> Path:
    for pack in packs:
        manifest = pack / "city.toml"
        if not manifest.exists():  # A known folder of open data; it brings none of what a storm drives.
            continue
        for layer in tomllib.loads(manifest.read_text(encoding="utf-8")).get("layer", []):
            if layer["kind"] == kind:
                return pack / str(layer["file"])
    raise NotFoundError(f"No layer of the kind '{kind}' in {' or '.join(str(pack) for pack in packs)}.")


def rows(packs: Sequence[Path], kind: str) -> list[PackRow]:
    """The rows of the first layer of this kind in the packs (CSV with lon and lat, or GeoJSON points)."""
    path = _layer_file(packs, kind)
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
