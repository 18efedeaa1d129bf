"""How many cells drain through each cell, itself included (numba; never imported by the API).

Counts go downstream from the cells into which nothing flows; a cell passes on what it has when the last of its
neighbours has done so, so that each is visited once. Tiles are joined as by Barnes 2017 (Parallel non-divergent flow
accumulation, Environmental Modelling & Software 92): what leaves each tile on its own, and where a flow that enters it
would leave it again, give what enters every tile.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gis.terrain.directions import CODES, DOWN, NOWHERE, OUTLET, RIGHT, Directions

Numbers = NDArray[np.int64]
Counts = NDArray[np.int32] | NDArray[np.int64]

ENDS, UNKNOWN = -1, -2
_IN_RING = np.uint8(100)


@njit(cache=True, nogil=True)
def steps_by_code(columns: int) -> Numbers:
    """How far on the cell lies to which each code points, in an array of so many columns."""
    steps = np.zeros(256, np.int64)
    for turn in range(8):
        steps[CODES[turn]] = DOWN[turn] * columns + RIGHT[turn]
    return steps


@njit(cache=True, nogil=True)
def accumulate(directions: Directions, cells: Numbers, inflow: Numbers, counts: Counts) -> None:
    """`counts` holds the cells upstream of each cell of the tile, and in its ring what flows out there.

    `directions` and `counts` are the tile in a ring of one cell; `inflow` is what enters from other tiles at `cells`
    (flat, counted with the ring).
    """
    rows, columns = directions.shape
    code, count, steps = directions.ravel(), counts.ravel(), steps_by_code(columns)
    waits_for = np.zeros(code.size, np.uint8)
    counts[:] = 0
    for row in range(rows):
        for column in range(columns):
            cell = row * columns + column
            if row == 0 or column == 0 or row == rows - 1 or column == columns - 1:
                waits_for[cell] += _IN_RING
            elif code[cell] != NOWHERE:
                count[cell] = 1
                if code[cell] != OUTLET:
                    waits_for[cell + steps[code[cell]]] += 1
            else:
                waits_for[cell] = _IN_RING
    for number in range(cells.size):
        count[cells[number]] += inflow[number]
    for start in range(columns, code.size - columns):
        cell = start
        while waits_for[cell] == 0:
            waits_for[cell] = _IN_RING
            if code[cell] == OUTLET:
                break
            onward = cell + steps[code[cell]]
            count[onward] += count[cell]
            waits_for[onward] -= 1
            cell = onward


@njit(cache=True, nogil=True)
def entries(directions: Directions) -> Numbers:
    """The cells of the tile (flat, counted with the ring) into which the ring flows, each once, in order."""
    rows, columns = directions.shape
    code, steps = directions.ravel(), steps_by_code(columns)
    found, count = np.empty(2 * (rows + columns), np.int64), 0
    for row in range(rows):
        for column in range(0, columns, 1 if row in (0, rows - 1) else columns - 1):
            cell = row * columns + column
            if code[cell] in (NOWHERE, OUTLET):
                continue
            to_row, to_column = divmod(cell + steps[code[cell]] + columns, columns)
            is_step = abs(to_column - column) <= 1
            if is_step and 1 < to_row < rows and 0 < to_column < columns - 1:
                found[count] = (to_row - 1) * columns + to_column
                count += 1
    return np.unique(found[:count])


@njit(cache=True, nogil=True)
def ways_out(directions: Directions, starts: Numbers) -> Numbers:
    """The cell of the ring through which the water of each start leaves the tile, `ENDS` where it does not leave."""
    columns = directions.shape[1]
    code, steps = directions.ravel(), steps_by_code(columns)
    out = np.full(code.size, UNKNOWN, np.int32)
    is_ring = ring_of(directions.shape)
    way = np.empty(code.size, np.int32)
    found = np.empty(starts.size, np.int64)
    for number in range(starts.size):
        cell, length = starts[number], 0
        while out[cell] == UNKNOWN:
            if is_ring[cell]:
                out[cell] = cell
            elif code[cell] == OUTLET:
                out[cell] = ENDS
            else:
                way[length] = cell
                length += 1
                cell += steps[code[cell]]
        found[number] = out[cell]
        for place in range(length):
            out[way[place]] = found[number]
    return found


@njit(cache=True, nogil=True)
def ring_of(shape: tuple[int, int]) -> NDArray[np.bool_]:
    """True, flat, for the outermost cells of an array of this shape."""
    ring = np.zeros(shape, np.bool_)
    ring[0, :] = ring[-1, :] = True
    ring[:, 0] = ring[:, -1] = True
    return ring.ravel()


@njit(cache=True, nogil=True)
def inflows(cells: Numbers, leads_to: Numbers, amounts: Numbers) -> Numbers:
    """What flows in at each of the entering places of all tiles, from all that lies upstream.

    `cells` are the places (numbered over the raster), sorted; `leads_to` is the number of the next place on the way
    among them, `ENDS` where there is none; `amounts` is what tiles let out to each place on their own.
    """
    total, waits_for = amounts.copy(), np.zeros(cells.size, np.int64)
    for place in leads_to:
        if place != ENDS:
            waits_for[place] += 1
    for start in range(cells.size):
        place = start
        while place != ENDS and waits_for[place] == 0:
            waits_for[place] = -1
            onward = leads_to[place]
            if onward != ENDS:
                total[onward] += total[place]
                waits_for[onward] -= 1
            place = onward
    return total
