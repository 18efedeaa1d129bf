"""City packs written by ourselves: layers of simulated data with their manifest, in the format the importer reads."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from core.words import LANGUAGES, words
from gis import crs
from gis.citypack.manifest import FORMAT

LICENCE = "CC0 1.0"
DIGITS = 7  # About a centimetre.


def simulated_source(seed: int) -> str:
    """Where a layer that we draw from `seed` comes from, in Thai and English."""
    return in_both("source-simulated", seed=seed)


def in_both(key: str, **slots: str | int) -> str:
    """A text of this room in Thai and then in English; slots that name a text of it are filled with that text."""
    return " · ".join(words("demo", key, language=language, **_filled(slots, language)) for language in LANGUAGES)


def _filled(slots: Mapping[str, str | int], language: str) -> dict[str, str | int]:
    def filled(value: str | int) -> str | int:
        return words("demo", value, language=language) if isinstance(value, str) else value

    return {name: filled(value) for name, value in slots.items()}


@dataclass
class PackWriter:
    """A pack being written into `folder`; `close` writes its manifest last, so that a folder with one is whole."""

    folder: Path
    source: str
    dated: date
    srid: int
    _layers: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The folder is there and holds no manifest."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # Homes and the gauges' keys are inside.
        (self.folder / "city.toml").unlink(missing_ok=True)

    def add_shapes(
        self, kind: str, geoms: Sequence[Any] | NDArray[np.object_], columns: Mapping[str, Sequence[Any]],
        *, source: str | None = None,
    ) -> None:
        """A GeoJSON layer `kind`: shapes in the pack's metric system, and their columns."""
        way = crs.transformer(self.srid, crs.STORED_SRID)
        degrees = shapely.transform(np.asarray(geoms, dtype=object), way.transform, interleaved=False)
        shapes = shapely.to_geojson(shapely.transform(degrees, lambda at: np.round(at, DIGITS))).tolist()
        rows = _dicts(columns, len(shapes))
        features = (
            f'{{"type":"Feature","properties":{json.dumps(row, ensure_ascii=False)},"geometry":{shape}}}'
            for row, shape in zip(rows, shapes, strict=True)
        )
        text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"
        (self.folder / f"{kind}.geojson").write_text(text, encoding="utf-8")
        self._note(kind, f"{kind}.geojson", source)

    def add_points(
        self, kind: str, places_m: NDArray[np.float64], columns: Mapping[str, Sequence[Any]],
        *, attributes: Sequence[str] = (), source: str | None = None,
    ) -> None:
        """A CSV layer `kind` of points (rows x 2: east and north in the pack's metric system).

        `attributes` are columns that are none of the kind's fields.
        """
        lon, lat = crs.transformer(self.srid, crs.STORED_SRID).transform(places_m[:, 0], places_m[:, 1])
        axes = {"lon": [f"{value:.{DIGITS}f}" for value in lon], "lat": [f"{value:.{DIGITS}f}" for value in lat]}
        self.add_table(kind, {**columns, **axes}, attributes=attributes, source=source)

    def add_table(
        self, kind: str, columns: Mapping[str, Sequence[Any]], *, attributes: Sequence[str] = (),
        source: str | None = None,
    ) -> None:
        """A CSV layer `kind` without shapes."""
        with (self.folder / f"{kind}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
        self._note(kind, f"{kind}.csv", source, attributes=attributes)

    def add_terrain(
        self, heights_m: NDArray[np.float32], *, west_m: float, north_m: float, cell_m: float, source: str | None = None
    ) -> None:
        """The elevation model (rows from the north x columns), NaN where there is none."""
        import rasterio
        from rasterio import Affine

        with rasterio.open(
            self.folder / "terrain.tif", "w", driver="GTiff", dtype="float32", count=1, nodata=-9999.0,
            crs=f"EPSG:{self.srid}", transform=Affine(cell_m, 0.0, west_m, 0.0, -cell_m, north_m),
            width=heights_m.shape[1], height=heights_m.shape[0], compress="deflate", predictor=3, tiled=True,
        ) as output:
            output.write(np.nan_to_num(heights_m, nan=-9999.0), 1)
        self._note("terrain", "terrain.tif", source, system=f"EPSG:{self.srid}")

    def _note(
        self, kind: str, file: str, source: str | None, *, system: str = "EPSG:4326", attributes: Sequence[str] = ()
    ) -> None:
        layer = {
            "name": kind, "kind": kind, "file": file, "crs": system, "source": source or self.source,
            "licence": LICENCE, "dated": self.dated, "trust": "simulated",
        }
        self._layers.append(layer | ({"attributes": list(attributes)} if attributes else {}))

    def close(self, city: Mapping[str, str | Mapping[str, float]], *, prefix: str = "") -> Path:
        """The manifest is written: `city` is its head; layer names get the prefix. Returns the folder."""
        lines = [f"format = {_toml(FORMAT)}", *(f"{key} = {_toml(value)}" for key, value in city.items())]
        for layer in self._layers:
            named = layer | {"name": prefix + layer["name"]}
            lines += ["", "[[layer]]", *(f"{key} = {_toml(value)}" for key, value in named.items())]
        (self.folder / "city.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.folder


def _dicts(columns: Mapping[str, Sequence[Any]], count: int) -> Iterable[dict[str, Any]]:
    if not columns:
        return ({} for _ in range(count))
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)
