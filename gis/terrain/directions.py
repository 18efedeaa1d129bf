"""Where water flows from each cell: D8 on a filled surface (numba; never imported by the API).

Where the ground falls, to the neighbour of steepest descent (O'Callaghan & Mark 1984). On level ground, to a neighbour
that is one step nearer to where the ground falls again or water leaves: steps are counted over neighbours of the same
height ("towards lower terrain" of Barnes, Lehman & Mulla 2014, Computers & Geosciences 62). Both are plain numbers of
the terrain, not of the order in which cells are visited, and ties go to the first of `CODES`: tiles agree to the bit.
A cell beside nodata or at the raster's edge that has no lower neighbour is an outlet.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gis.terrain.grid import Cells, Heights

Directions = NDArray[np.uint8]
Numbers = NDArray[np.int64]

# East, south, west, north, then the corners; the numbers are those of ESRI's D8, whose nodata pyflwdir calls 247.
CODES = np.array([1, 4, 16, 64, 2, 8, 32, 128], np.uint8)
DOWN = np.array([0, 1, 0, -1, 1, 1, -1, -1])
RIGHT = np.array([1, 0, -1, 0, 1, -1, -1, 1])
OUTLET, FLAT, NOWHERE = np.uint8(0), np.uint8(255), np.uint8(247)
FAR = np.int32(2**31 - 1)
CORNER = np.float32(0.70710678)


@njit(cache=True, nogil=True)
def descents(filled_m: Heights, directions: Directions) -> int:
    """`directions` is `FLAT` on level ground, else final; `filled_m` (metres) is one cell larger on each side.

    Returns how many cells are flat.
    """
    flats = 0
    for row in range(directions.shape[0]):
        _descents_of_row(filled_m[row], filled_m[row + 1], filled_m[row + 2], directions[row])
        for column in range(directions.shape[1]):
            flats += directions[row, column] == FLAT
    return flats


@njit(cache=True, nogil=True)
def _descents_of_row(north: Heights, here: Heights, south: Heights, directions: Directions) -> None:
    for column in range(directions.size):
        height = here[column + 1]
        w, e = here[column], here[column + 2]
        nw, n, ne = north[column], north[column + 1], north[column + 2]
        sw, s, se = south[column], south[column + 1], south[column + 2]
        # Falls are in metres per cell; comparisons with NaN are false, so that nothing flows into nodata.
        best, code = np.float32(0.0), np.int32(0)
        fall = height - e
        best, code = (fall, np.int32(1)) if fall > best else (best, code)
        fall = height - s
        best, code = (fall, np.int32(4)) if fall > best else (best, code)
        fall = height - w
        best, code = (fall, np.int32(16)) if fall > best else (best, code)
        fall = height - n
        best, code = (fall, np.int32(64)) if fall > best else (best, code)
        fall = (height - se) * CORNER
        best, code = (fall, np.int32(2)) if fall > best else (best, code)
        fall = (height - sw) * CORNER
        best, code = (fall, np.int32(8)) if fall > best else (best, code)
        fall = (height - nw) * CORNER
        best, code = (fall, np.int32(32)) if fall > best else (best, code)
        fall = (height - ne) * CORNER
        best, code = (fall, np.int32(128)) if fall > best else (best, code)
        is_inside = (((nw + n) + (ne + w)) + ((e + sw) + (s + se))) * np.float32(0.0) == np.float32(0.0)
        code = np.int32(255) if code == 0 and is_inside else code
        code = code if height == height else np.int32(247)
        directions[column] = np.uint8(code)


@njit(cache=True, nogil=True)
def resolve(filled_m: Heights, directions: Directions, distance: Cells) -> int:
    """The level ground of a tile is resolved as far as its ring tells; returns which neighbours may gain by that.

    All three are the tile in a ring of one cell. `directions` as `descents` gives them; those of the tile are final
    afterwards, but for what neighbours tell later. `distance` in the ring is how many steps the flats there are from
    lower ground as far as is known, `FAR` where nothing is known; all else of it is overwritten (0 where not flat).
    The result has bit 3 * (1 + down) + (1 + right) set for the tile that lies so.
    """
    columns = directions.shape[1]
    steps = DOWN * columns + RIGHT
    flats = _flats_of(directions, distance)
    z, code, steps_off = filled_m.ravel(), directions.ravel(), distance.ravel()
    queue, tail = np.empty(2 * flats.size + 8 * sum(distance.shape), np.int64), 0
    for cell in flats:
        for turn in range(8):
            near = cell + steps[turn]
            if code[near] != FLAT and z[near] == z[cell]:
                steps_off[cell] = 1
                queue[tail] = cell
                tail += 1
                break
    _widen(z, steps_off, steps, _told_by_ring(distance), queue, tail, columns)
    for cell in flats:
        _choose(z, code, steps_off, steps, cell)
    return _gains(filled_m, distance, np.full(distance.shape, FAR))


@njit(cache=True, nogil=True)
def resolve_again(filled_m: Heights, directions: Directions, distance: Cells) -> int:
    """As `resolve`, for a tile that has been resolved, after its neighbours have come nearer to lower ground.

    `directions` and `distance` are what was found last; only what changes by what the ring tells now is done anew. Once
    no tile says that another gains, distances and directions are those of the whole raster.
    """
    rows, columns = directions.shape
    steps = DOWN * columns + RIGHT
    before = distance.copy()
    z, code, steps_off = filled_m.ravel(), directions.ravel(), distance.ravel()
    queue = np.empty(2 * distance.size, np.int64)
    reached = _widen(z, steps_off, steps, _told_by_ring(distance), queue, 0, columns)
    for row in range(1, rows - 1):
        for column in range(1, columns - 1, 1 if row in (1, rows - 2) else max(columns - 3, 1)):
            if distance[row, column] != 0:
                _choose(z, code, steps_off, steps, row * columns + column)
    for place in range(reached):
        for turn in range(9):
            cell = queue[place] + (steps[turn] if turn < 8 else 0)
            if 0 <= cell < z.size and steps_off[cell] != 0 and not _is_ring(cell, rows, columns):
                _choose(z, code, steps_off, steps, cell)
    return _gains(filled_m, distance, before)


@njit(cache=True, nogil=True)
def _is_ring(cell: int, rows: int, columns: int) -> bool:
    row, column = cell // columns, cell % columns
    return row == 0 or column == 0 or row == rows - 1 or column == columns - 1


@njit(cache=True, nogil=True)
def _choose(z: Heights, code: Directions, steps_off: Cells, steps: Numbers, cell: int) -> None:
    """The flat cell flows to the first neighbour that is one step nearer; nowhere yet where none is known."""
    for turn in range(8):
        near = cell + steps[turn]
        if steps_off[near] == steps_off[cell] - 1 and z[near] == z[cell]:
            code[cell] = CODES[turn]
            return


@njit(cache=True, nogil=True)
def _flats_of(directions: Directions, distance: Cells) -> Numbers:
    """The flat cells of the tile; `distance` is `FAR` there, 0 elsewhere in the tile and in a ring that is not flat."""
    rows, columns = directions.shape
    flats, count = np.empty(directions.size, np.int32), 0
    for row in range(rows):
        for column in range(columns):
            if directions[row, column] != FLAT:
                distance[row, column] = 0
            elif 0 < row < rows - 1 and 0 < column < columns - 1:
                distance[row, column] = FAR
                flats[count] = row * columns + column
                count += 1
    return flats[:count].astype(np.int64)


@njit(cache=True, nogil=True)
def _told_by_ring(distance: Cells) -> Numbers:
    """The flat cells of the ring whose distance is known, from the nearest: distance * 2**32 + cell."""
    rows, columns = distance.shape
    told, count = np.empty(2 * (rows + columns), np.int64), 0
    for row in range(rows):
        for column in range(0, columns, 1 if row in (0, rows - 1) else columns - 1):
            if 0 < distance[row, column] < FAR:
                told[count] = (np.int64(distance[row, column]) << 32) | (row * columns + column)
                count += 1
    return np.sort(told[:count])


@njit(cache=True, nogil=True)
def _widen(
    z: Heights, steps_off: Cells, steps: Numbers, told: Numbers, queue: Numbers, tail: int, columns: int
) -> int:
    """Distances in widening rings; a cell of the tile's ring joins in when its own distance has its turn.

    `queue` begins with `tail` cells of distance 1 and ends with all that has a new distance, and cells of the ring; its
    length is returned.
    """
    rows = z.size // columns
    head, heard, level = 0, 0, np.int32(1)
    while head < tail or heard < told.size:
        if head == tail:
            level = max(level, np.int32(told[heard] >> 32))
        while heard < told.size and told[heard] >> 32 <= level:
            queue[tail] = told[heard] & 0xFFFFFFFF
            tail += 1
            heard += 1
        level += 1
        for place in range(head, tail):
            cell = queue[place]
            for turn in range(8):
                near = cell + steps[turn]
                if not 0 <= near < z.size or steps_off[near] <= level or z[near] != z[cell]:
                    continue
                if not _is_ring(near, rows, columns):
                    steps_off[near] = level
                    queue[tail] = near
                    tail += 1
            head += 1
    return tail


@njit(cache=True, nogil=True)
def _gains(filled_m: Heights, distance: Cells, before: Cells) -> int:
    """The neighbouring tiles with level ground to which this tile's edge has come nearer than it was before."""
    rows, columns = distance.shape
    gains = 0
    for row in range(1, rows - 1):
        for column in range(1, columns - 1, 1 if row in (1, rows - 2) else max(columns - 3, 1)):
            mine = distance[row, column]
            if mine == 0 or mine >= before[row, column]:
                continue
            for turn in range(8):
                near_row, near_column = row + DOWN[turn], column + RIGHT[turn]
                down = (near_row == rows - 1) - (near_row == 0)
                right = (near_column == columns - 1) - (near_column == 0)
                is_level = filled_m[near_row, near_column] == filled_m[row, column]
                if (down != 0 or right != 0) and is_level and distance[near_row, near_column] > mine:
                    gains |= 1 << (3 * (1 + down) + 1 + right)
    return gains
