"""Water that leaves its channel: over the ground, as far as the ground lets it (numba; never imported by the API)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gis.terrain.grid import Cells, Grid, Heights, Mask

Numbers = NDArray[np.int64]

DRY = np.float32(-1e9)
SLANT = np.float32(1.41421356)
# What a wet cell makes possible, as (from row, from column, down, right): it flows to its eight neighbours, and lets
# water past its corners, from one of its neighbours to another.
_NEAR, _CORNERS = (-1, 0, 1), [(down, right) for down in (-1, 1) for right in (-1, 1)]
FLOWS = np.array(
    [(0, 0, down, right) for down in _NEAR for right in _NEAR if (down, right) != (0, 0)]
    + [(down, 0, -down, right) for down, right in _CORNERS]
    + [(0, right, down, -right) for down, right in _CORNERS]
)


def surface_over_ground(
    *, grid: Grid, terrain_m: Heights, cells: Cells, surface_m: Heights, holds: Mask, fall_m_per_m: float
) -> Heights:
    """The water surface of every cell (rows x columns, metres in the terrain's datum), NaN where it stays dry.

    `cells` are channel cells that overflow, `surface_m` their water surface. A neighbour is wet when the surface less
    the fall on the way is above its ground; of several ways the highest surface counts. Water passes a corner only
    along wet cells, so that a levee one cell wide holds. Cells in `holds` (rows x columns) are channels whose level is
    measured: they keep it and let nothing across. A basin behind a closed levee so stays dry however low it lies.
    """
    start = np.full(grid.size, DRY, dtype=np.float32)
    start[cells] = surface_m
    ground = np.where(np.isfinite(terrain_m), terrain_m, np.float32(1e9)).astype(np.float32)
    water = start.reshape(grid.shape)
    _spread(water, ground, holds, np.float32(fall_m_per_m * grid.cell_m), cells.astype(np.int64))
    return np.where(water > DRY, water, np.float32(np.nan))


@njit(cache=True, nogil=True)
def _spread(water: Heights, ground: Heights, holds: Mask, fall_m: np.float32, cells: Numbers) -> None:
    """Cells that rose tell their neighbours, wave after wave, until none rises; only wet cells are ever looked at.

    The order does not matter: every rise only lets others rise, so all orders end at the same surface.
    """
    rows, columns = water.shape
    wave, following = np.empty(water.size, np.int64), np.empty(water.size, np.int64)
    waits = np.zeros(water.size, np.bool_)  # Which cells are in the following wave already.
    count = cells.size
    wave[:count] = cells
    while count > 0:
        told = 0
        waits[wave[:count]] = False
        for number in range(count):
            at_row, at_column = wave[number] // columns, wave[number] % columns
            for flow in range(len(FLOWS)):
                row, column = at_row + FLOWS[flow, 0], at_column + FLOWS[flow, 1]
                to_row, to_column = row + FLOWS[flow, 2], column + FLOWS[flow, 3]
                if row < 0 or row >= rows or column < 0 or column >= columns:
                    continue
                if to_row < 0 or to_row >= rows or to_column < 0 or to_column >= columns or holds[to_row, to_column]:
                    continue
                way_m = fall_m
                if to_row != row and to_column != column:
                    if water[row, to_column] <= DRY and water[to_row, column] <= DRY:
                        continue
                    way_m = fall_m * SLANT
                level_m = water[row, column] - way_m
                if level_m > ground[to_row, to_column] and level_m > water[to_row, to_column]:
                    water[to_row, to_column] = level_m
                    cell = to_row * columns + to_column
                    if not waits[cell]:
                        waits[cell] = True
                        following[told] = cell
                        told += 1
        wave, following, count = following, wave, told
