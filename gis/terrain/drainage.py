"""Height above the nearest drain: how far each cell lies over the first stream on its water's way (numba).

Height Above the Nearest Drainage after Nobre et al. 2011 (Journal of Hydrology 404), on one surface, the filled one:
water only ever goes down on it, so that no height is negative. A cell whose way meets no stream has none (NaN); it is
not given the height above its outlet. Never imported by the API.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gis.terrain.accumulation import Counts, ring_of, steps_by_code
from gis.terrain.directions import NOWHERE, OUTLET, Directions
from gis.terrain.grid import Heights

Numbers = NDArray[np.int64]

UNKNOWN = np.float32(-np.inf)


@njit(cache=True, nogil=True)
def drains(
    directions: Directions, filled_m: Heights, counts: Counts, threshold: int, starts: Numbers
) -> tuple[Heights, Numbers]:
    """For each start the height of the first stream on its way within the tile, or the cell of the ring to ask there.

    Arrays are the tile in a ring of one cell; a stream has `threshold` cells upstream or more. The height (metres) is
    NaN where there is no stream, the cell -1 where the way ends in the tile.
    """
    code, steps = directions.ravel(), steps_by_code(directions.shape[1])
    z, count, is_ring = filled_m.ravel(), counts.ravel(), ring_of(directions.shape)
    last, way = np.full(code.size, -1, np.int32), np.empty(code.size, np.int32)
    heights_m, leaves_at = np.full(starts.size, np.nan, np.float32), np.full(starts.size, -1, np.int64)
    for number in range(starts.size):
        cell, length = starts[number], 0
        while last[cell] < 0 and not is_ring[cell] and count[cell] < threshold and code[cell] != OUTLET:
            way[length] = cell
            length += 1
            cell += steps[code[cell]]
        if last[cell] >= 0:
            cell = np.int64(last[cell])
        last[cell] = cell
        for place in range(length):
            last[way[place]] = cell
        if is_ring[cell]:
            leaves_at[number] = cell
        elif count[cell] >= threshold:
            heights_m[number] = z[cell]
    return heights_m, leaves_at


@njit(cache=True, nogil=True)
def above_drain(
    directions: Directions, filled_m: Heights, counts: Counts, threshold: int, drain_m: Heights
) -> Heights:
    """Metres of each cell of the tile (without ring) above the first stream on its way, NaN where there is none.

    Arrays are the tile in a ring of one cell. `drain_m` holds in the ring the height of the first stream on the way of
    what leaves there, NaN where there is none; within the tile it is overwritten.
    """
    rows, columns = directions.shape
    code, steps = directions.ravel(), steps_by_code(columns)
    z, count, drain, way = filled_m.ravel(), counts.ravel(), drain_m.ravel(), np.empty(code.size, np.int32)
    drain_m[1:-1, 1:-1] = UNKNOWN
    above_m = np.empty((rows - 2, columns - 2), np.float32)
    for row in range(1, rows - 1):
        for start in range(row * columns + 1, (row + 1) * columns - 1):
            cell, length = start, 0
            while drain[cell] == UNKNOWN:
                way[length] = cell
                length += 1
                if count[cell] >= threshold:
                    drain[cell] = z[cell]
                elif code[cell] in (OUTLET, NOWHERE):
                    drain[cell] = np.nan
                else:
                    cell += steps[code[cell]]
            for place in range(length):
                drain[way[place]] = drain[cell]
            above_m[row - 1, start - row * columns - 1] = z[start] - drain[start]
    return above_m


@njit(cache=True, nogil=True)
def first_drains(leads_to: Numbers, heights_m: Heights) -> Heights:
    """The height (metres) of the first stream on the way of each entering place, NaN where there is none.

    `leads_to` is the next place on a way that leaves its tile before it met a stream, -1 where it does not; `heights_m`
    is what was met within the tile.
    """
    found, is_known, way = heights_m.copy(), leads_to < 0, np.empty(leads_to.size, np.int64)
    for start in range(leads_to.size):
        place, length = start, 0
        while not is_known[place]:
            way[length] = place
            length += 1
            place = leads_to[place]
        for number in range(length):
            found[way[number]] = found[place]
            is_known[way[number]] = True
    return found
