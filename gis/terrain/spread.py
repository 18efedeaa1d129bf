"""Water that leaves its channel: over the ground, as far as the ground lets it (numba; never imported by the API)."""

from __future__ import annotations

import numpy as np
from numba import njit

from gis.terrain.grid import Cells, Grid, Heights, Mask

DRY = np.float32(-1e9)
SWEEP_LIMIT = 500  # A guard only: a labyrinth takes one sweep a turn, towns need some ten.


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
    _sweep_until_still(water, ground, holds, np.float32(fall_m_per_m * grid.cell_m))
    return np.where(water > DRY, water, np.float32(np.nan))


@njit(cache=True, nogil=True)
def _sweep_until_still(water: Heights, ground: Heights, holds: Mask, fall_m: np.float32) -> int:
    for sweep in range(SWEEP_LIMIT):
        if _sweep(water, ground, holds, fall_m, 1) + _sweep(water, ground, holds, fall_m, -1) == 0:
            return sweep
    return SWEEP_LIMIT


@njit(cache=True, nogil=True)
def _sweep(water: Heights, ground: Heights, holds: Mask, fall_m: np.float32, step: int) -> int:
    """One pass over all cells, from the first (`step` 1) or from the last (-1); returns how many surfaces rose."""
    rows, columns = water.shape
    slant_m = fall_m * np.float32(1.41421356)
    risen = 0
    for i in range(rows):
        row = i if step == 1 else rows - 1 - i
        behind = row - step
        has_behind = 0 <= behind < rows
        for j in range(columns):
            column = j if step == 1 else columns - 1 - j
            if holds[row, column]:
                continue
            left, right = column - step, column + step
            has_left, has_right = 0 <= left < columns, 0 <= right < columns
            best = DRY
            if has_left:
                best = max(best, water[row, left] - fall_m)
            if has_behind:
                best = max(best, water[behind, column] - fall_m)
                if has_left and (water[row, left] > DRY or water[behind, column] > DRY):
                    best = max(best, water[behind, left] - slant_m)
                if has_right and (water[row, right] > DRY or water[behind, column] > DRY):
                    best = max(best, water[behind, right] - slant_m)
            if best > ground[row, column] and best > water[row, column]:
                water[row, column] = best
                risen += 1
    return risen
