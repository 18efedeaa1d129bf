"""An elevation model on disk: checked before anything is computed, then read window by window (rasterio)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from scipy.ndimage import label
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from core.errors import InvalidInputError
from gis.terrain import seams
from gis.terrain.grid import Heights
from gis.terrain.tiles import NOTHING, Numbers, Store, Tiling, Window

LARGEST_M = 1e9  # What lies beyond is no height, and may be lost where 64 bits become 32.
EVERY_NEIGHBOUR = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class Elevation:
    """A raster of heights (metres in the file's datum) with square north-up cells in a metric system."""

    path: Path
    rows: int
    columns: int
    crs: str
    affine: tuple[float, ...]

    @cached_property
    def transform(self) -> Affine:
        """Column and row to east and north."""
        return Affine(*self.affine)

    def read(self, window: Window) -> Heights:
        """The heights in the window, NaN where the file knows none or does not reach.

        Raises InvalidInputError where the file is damaged there.
        """
        inside = window.common(Window(0, 0, self.rows, self.columns))
        try:
            with rasterio.open(self.path) as source:
                found = source.read(1, window=((inside.top, inside.bottom), (inside.left, inside.right)), masked=True)
        except RasterioError as exc:
            found, reason = None, _reason(exc)
        if found is None:
            # Not raised above: GDAL's own error, which Python would hang on to ours, cannot travel from a worker.
            raise InvalidInputError(
                f"{self.path.name}: rows {inside.top} to {inside.bottom - 1} cannot be read, the file is damaged: "
                f"{reason}"
            )
        if found.dtype == np.float64 and (np.abs(found[np.isfinite(found)]) > LARGEST_M).any():
            raise InvalidInputError(f"{self.path.name}: it holds heights beyond {LARGEST_M:g} m.")
        known = found.astype(np.float32).filled(np.nan)
        known[np.isinf(known)] = np.nan
        heights_m = np.full(window.shape, NOTHING["heights"])
        heights_m[inside.within(window)] = known
        return heights_m

    def digest(self) -> str:
        """SHA-256 of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def elevation_at(path: Path) -> Elevation:
    """The elevation model in this file. Raises InvalidInputError with what is wrong with it, in one sentence."""
    if not path.is_file():
        raise InvalidInputError(f"{path}: there is no such file.")
    try:
        source = rasterio.open(path)
    except RasterioError as exc:
        raise InvalidInputError(f"{path.name}: it cannot be read as a raster: {_reason(exc)}") from exc
    with source:
        problem = _problem(source)
        if problem is not None:
            raise InvalidInputError(f"{path.name}: {problem}")
        return Elevation(
            path=path.resolve(), rows=source.height, columns=source.width,
            crs=source.crs.to_wkt(), affine=tuple(source.transform)[:6],
        )


def _problem(source: Any) -> str | None:
    crs: CRS | None = source.crs
    transform = source.transform
    if source.count != 1:
        return f"an elevation model has one band, this has {source.count}."
    if np.dtype(source.dtypes[0]).kind not in "iuf":
        return f"its cells are {source.dtypes[0]}, not heights."
    if source.scales[0] != 1.0 or source.offsets[0] != 0.0:
        return "its cells are not metres but are to be scaled; write them out as metres (gdal_translate -unscale)."
    if crs is None:
        return "it does not say its coordinate system (CRS); give it one, such as with gdal_edit -a_srs EPSG:32647."
    if not crs.is_projected or crs.linear_units_factor[1] != 1.0:
        unit = "degrees" if crs.is_geographic else crs.linear_units
        return (
            f"its coordinate system {crs.to_string()[:60]} counts in {unit}, and slopes need metres: bring it into a "
            "metric system first, such as with gdalwarp -t_srs EPSG:32647."
        )
    if transform.b or transform.d or transform.a <= 0 or abs(transform.a + transform.e) > 1e-6 * transform.a:
        return "it must be north-up with square cells."
    return None


def _reason(exc: RasterioError) -> str:
    return str(exc.__cause__ or exc).strip().splitlines()[0]


# --- Holes


@dataclass(frozen=True)
class Survey:
    """What a terrain knows: how many cells have heights, their range (metres), and the holes in it.

    A hole is a patch of cells without heights that does not reach the raster's edge; `largest_at` is (row, column) of
    the first cell of the largest.
    """

    known: int
    lowest_m: float
    highest_m: float
    holes: int
    hole_cells: int
    largest_cells: int
    largest_at: tuple[int, int]


@dataclass(frozen=True)
class TileSurvey:
    """The same of one tile, with its patches without heights: sizes, first cells, and which touch the edges."""

    known: int
    lowest_m: float
    highest_m: float
    sizes: Numbers
    firsts: Numbers
    edges: seams.Edges


def survey_tile(store: Store, tile: int) -> TileSurvey:
    """What the tile knows; patches are numbered from 1, 0 is ground."""
    window = store.tiling.window(tile)
    heights_m = store.read("heights", window)
    is_known = ~np.isnan(heights_m)
    patches, count = label(~is_known, structure=EVERY_NEIGHBOUR)
    numbers, firsts = np.unique(patches, return_index=True)
    known_m = heights_m[is_known]
    return TileSurvey(
        known=known_m.size,
        lowest_m=float(known_m.min(initial=np.inf)),
        highest_m=float(known_m.max(initial=-np.inf)),
        sizes=np.bincount(patches.ravel(), minlength=count + 1)[1:],
        firsts=store.tiling.numbers_of(firsts[numbers > 0], window),
        edges=seams.edges_of(patches),
    )


def survey_of(tiling: Tiling, tiles: Sequence[TileSurvey]) -> Survey:
    """The survey of the whole raster from those of its tiles."""
    offsets = np.cumsum([0, *(tile.sizes.size for tile in tiles)])
    sizes = np.concatenate([np.zeros(1, np.int64), *(tile.sizes for tile in tiles)])
    firsts = np.concatenate([np.zeros(1, np.int64), *(tile.firsts for tile in tiles)])
    edges: list[seams.Edges] = []
    for tile, offset in zip(tiles, offsets, strict=False):
        top, bottom, left, right = (np.where(edge > 0, edge + offset, 0) for edge in tile.edges)
        edges.append((top, bottom, left, right))
    touching = [
        np.column_stack([here, beyond])[(here > 0) & (beyond > 0)]
        for line in seams.lines(tiling, edges)
        for here, beyond in seams.contacts(*line)
    ]
    patch = _joined(sizes.size, np.concatenate([np.zeros((0, 2), np.int64), *touching]))
    is_hole = ~np.isin(patch, patch[seams.outer_lines(tiling, edges)])
    is_hole[0] = False
    cells = np.bincount(patch, weights=np.where(is_hole, sizes, 0)).astype(np.int64)
    largest = int(cells.argmax()) if cells.size else 0
    first = int(firsts[(patch == largest) & (np.arange(patch.size) > 0)].min(initial=tiling.rows * tiling.columns))
    return Survey(
        known=sum(tile.known for tile in tiles),
        lowest_m=min(tile.lowest_m for tile in tiles),
        highest_m=max(tile.highest_m for tile in tiles),
        holes=int(np.count_nonzero(cells)),
        hole_cells=int(cells.sum()),
        largest_cells=int(cells.max(initial=0)),
        largest_at=divmod(first, tiling.columns),
    )


def _joined(count: int, touching: Numbers) -> NDArray[np.int64]:
    """For each of so many patches the number of what it is joined to by pairs that touch."""
    graph = coo_matrix((np.ones(len(touching), dtype=bool), (touching[:, 0], touching[:, 1])), shape=(count, count))
    joined: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return joined
