"""Small city packs, written for a test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SQUARE = [[100.0, 8.0], [100.02, 8.0], [100.02, 8.02], [100.0, 8.02], [100.0, 8.0]]


def feature(geometry: dict[str, Any] | None, **properties: object) -> dict[str, Any]:
    """A GeoJSON feature."""
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def line(*places: tuple[float, float]) -> dict[str, Any]:
    """A GeoJSON line."""
    return {"type": "LineString", "coordinates": [list(place) for place in places]}


def point(lon: float, lat: float) -> dict[str, Any]:
    """A GeoJSON point."""
    return {"type": "Point", "coordinates": [lon, lat]}


@dataclass
class Pack:
    """A city pack in a folder: layers are added, the manifest is written at the end."""

    folder: Path
    extra: str = ""
    head: str = 'datum = "m above mean sea level"\nslug = "tiny"\nname_th = "เมืองเล็ก"\nname_en = "Tiny"\n'

    def add(self, kind: str, features: list[dict[str, Any]], *, options: str = "", **more: object) -> None:
        """A GeoJSON layer; `options` are further lines of its manifest entry."""
        file = f"{kind}.geojson"
        body = {"type": "FeatureCollection", "features": features, **more}
        (self.folder / file).write_text(json.dumps(body), encoding="utf-8")
        self.declare(kind, file, options)

    def add_csv(self, kind: str, text: str, *, options: str = "") -> None:
        """A CSV layer."""
        (self.folder / f"{kind}.csv").write_text(text, encoding="utf-8")
        self.declare(kind, f"{kind}.csv", options)

    def declare(self, kind: str, file: str, options: str = "") -> None:
        """The manifest names a layer, whether or not its file is there."""
        self.extra += (
            f'\n[[layer]]\nname = "{kind}"\nkind = "{kind}"\nfile = "{file}"\nsource = "a test"\n'
            f'licence = "CC0"\ntrust = "simulated"\n{options}\n'
        )

    def close(self) -> Path:
        """The manifest is written."""
        text = 'format = "faonam-city/1"\n' + self.head + self.extra
        (self.folder / "city.toml").write_text(text, encoding="utf-8")
        return self.folder
