"""Files and shapes onto the grid (rasterio; never imported by the API)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.features import rasterize
from scipy.ndimage import binary_dilation
from shapely.geometry.base import BaseGeometry

from core.errors import InvalidInputError
from gis.terrain.grid import Cells, Grid, Heights, Mask

SUNKEN_M = 1.0  # Assumed: ditches are shallower, the beds of canals and rivers deeper.


def read_terrain(path: Path) -> tuple[Grid, Heights]:
    """The grid of a GeoTIFF and its heights (rows x columns, metres in the file's datum, NaN where it knows nothing).

    Raises InvalidInputError where it cannot be read, or the cells are not square, not north-up or not in a metric
    system.
    """
    try:
        return _read(path)
    except rasterio.errors.RasterioIOError as exc:
        raise InvalidInputError(f"{path.name}: the terrain cannot be read: {str(exc).splitlines()[0]}.") from exc


def _read(path: Path) -> tuple[Grid, Heights]:
    with rasterio.open(path) as source:
        crs, transform = source.crs, source.transform
        if crs is None or not crs.is_projected or crs.to_epsg() is None:
            raise InvalidInputError(f"{path.name}: the terrain must be in a metric system with an EPSG number.")
        if transform.b or transform.d or abs(transform.a + transform.e) > 1e-6 * abs(transform.a):
            raise InvalidInputError(f"{path.name}: the terrain must be north-up with square cells.")
        heights = source.read(1, masked=True).astype(np.float32).filled(np.nan)
        grid = Grid(
            rows=source.height, columns=source.width, cell_m=float(transform.a),
            west_m=float(transform.c), north_m=float(transform.f), srid=int(crs.to_epsg()),
        )
    return grid, heights


def affine_of(grid: Grid) -> Affine:
    """Column and row to east and north, as rasterio wants it."""
    return Affine(grid.cell_m, 0.0, grid.west_m, 0.0, -grid.cell_m, grid.north_m)


def touched_by(grid: Grid, shapes: Sequence[BaseGeometry]) -> Mask:
    """True (rows x columns) for every cell that a line or polygon touches; a line leaves no diagonal gap."""
    return _burn(grid, [(shape, 1) for shape in shapes], is_touch=True).astype(bool)


def with_sunken_sides(is_channel: Mask, heights_m: Heights) -> Mask:
    """The channel cells and those within two cells of them that lie as deep as a bed, not as ground.

    A line on a map is thinner than its water, and lies a few metres off: beds that stayed outside would count as ground
    under metres of water. A bed lies `SUNKEN_M` below the middle height of the nine by nine cells around it.
    """
    beside = binary_dilation(is_channel, structure=np.ones((3, 3), dtype=bool), iterations=2) & ~is_channel
    around = np.lib.stride_tricks.sliding_window_view(np.pad(heights_m, 4, mode="edge"), (9, 9))
    middle_m = np.median(np.nan_to_num(around[beside], nan=1e6).reshape(-1, 81), axis=1)
    sides = is_channel.copy()
    sides[beside] = middle_m - heights_m[beside] >= SUNKEN_M
    return sides


def labelled_by(grid: Grid, shapes: Sequence[BaseGeometry]) -> Cells:
    """For each cell (rows x columns) 1 + the index of the polygon that holds its centre, 0 for none."""
    return _burn(grid, [(shape, number) for number, shape in enumerate(shapes, start=1)], is_touch=False)


def _burn(grid: Grid, shapes: list[tuple[BaseGeometry, int]], *, is_touch: bool) -> Cells:
    if not shapes:
        return np.zeros(grid.shape, dtype=np.int32)
    burnt: Cells = rasterize(
        shapes, out_shape=grid.shape, transform=affine_of(grid),
        fill=0, all_touched=is_touch, dtype="int32",
    )
    return burnt
