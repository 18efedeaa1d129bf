"""Depressions filled: for each cell the least height from which water can leave (numba; never imported by the API).

The filled height of a cell is the least, over all its ways to an outlet, of the highest ground on the way. A terrain
has one such surface, so that every right algorithm gives the same bits, and so does every way of cutting it into tiles.
Outlets are the cells beside nodata or at the raster's edge.

Within a tile this is a priority-flood (Barnes, Lehman & Mulla 2014, Computers & Geosciences 62) that climbs slopes with
a plain queue and keeps its heap for cells from which water may still fall (Zhou, Sun & Fu 2016, Computers &
Geosciences 90; Wei, Zhou & Fu 2019, Int. J. Digital Earth 12). Tiles are joined by the graph of their spills (Barnes
2016, Computers & Geosciences 96): cells that were flooded from one seed share a label, and rise together to its level.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gis.terrain.grid import Cells, Heights

Numbers = NDArray[np.int64]
Keys = NDArray[np.uint64]

UNSEEN, CLOSED, DRAINED = 0, -1, 1  # Labels from 2 begin at the edge of their tile.
FIRST_LABEL = 2
DRY = np.float32(-np.inf)


@njit(cache=True, nogil=True)
def flood(heights_m: Heights, filled_m: Heights, labels: Cells) -> int:
    """`filled_m` is filled as if water left over the tile's edge too; `labels` says from which seed it was reached.

    `heights_m` is the tile (metres) in a ring of one cell (NaN: nothing known); the others have its shape and are
    overwritten. Label 1 reached an outlet, labels from 2 began at the tile's edge, -1 is nodata or ring. Returns how
    many labels began at the edge.
    """
    rows, columns = heights_m.shape
    z, filled, label = heights_m.ravel(), filled_m.ravel(), labels.ravel()
    keys, size = np.empty(2 * z.size, np.uint64), 0  # A cell waits as a seed and once more as a spill at most.
    labels[0], labels[rows - 1] = CLOSED, CLOSED
    for row in range(1, rows - 1):
        labels[row, 0] = labels[row, columns - 1] = CLOSED
        is_rim = row in (1, rows - 2)
        for column in range(1, columns - 1):
            cell = row * columns + column
            filled[cell] = z[cell]
            if np.isnan(z[cell]):
                label[cell] = CLOSED
                continue
            above, below = cell - columns, cell + columns
            is_outlet = (
                np.isnan(z[above - 1] + z[above] + z[above + 1] + z[cell - 1])
                or np.isnan(z[cell + 1] + z[below - 1] + z[below] + z[below + 1])
            )
            label[cell] = DRAINED if is_outlet else UNSEEN
            if is_outlet or is_rim or column in (1, columns - 2):
                size = _push(keys, size, _key_of(z[cell], cell))
    steps = np.array([-columns - 1, -columns, -columns + 1, -1, 1, columns - 1, columns, columns + 1])
    return _grow(z, filled, label, steps, keys, size)


@njit(cache=True, nogil=True)
def _grow(z: Heights, filled: Heights, label: Cells, steps: Numbers, keys: Keys, size: int) -> int:
    """Seeds and spills leave the heap from the lowest; what one reaches first is filled to it and takes its label."""
    pond, slope = np.empty(z.size, np.int32), np.empty(z.size, np.int32)
    began = 0
    while size > 0:
        key, size = _pop(keys, size)
        start = np.int32(key & np.uint64(0xFFFFFFFF))
        if label[start] == UNSEEN:
            label[start] = FIRST_LABEL + began
            began += 1
        mine, level = label[start], filled[start]
        pond[0] = start
        ponds, slopes = 1, 0
        while ponds > 0:
            ponds -= 1
            cell = pond[ponds]
            for turn in range(8):
                near = cell + steps[turn]
                if label[near] != UNSEEN:
                    continue
                label[near] = mine
                if z[near] <= level:
                    filled[near] = level
                    pond[ponds] = near
                    ponds += 1
                else:
                    slope[slopes] = near
                    slopes += 1
        climbed, spills = 0, 0
        while climbed < slopes:
            cell = slope[climbed]
            climbed += 1
            may_spill = False
            for turn in range(8):
                near = cell + steps[turn]
                if label[near] != UNSEEN:
                    continue
                if z[near] > z[cell]:
                    label[near] = mine
                    slope[slopes] = near
                    slopes += 1
                else:
                    may_spill = True
            if may_spill:
                slope[spills] = cell
                spills += 1
        # Most of what lay lower has been climbed from elsewhere by now: few cells go into the heap.
        for number in range(spills):
            cell = slope[number]
            for turn in range(8):
                if label[cell + steps[turn]] == UNSEEN:
                    size = _push(keys, size, _key_of(z[cell], cell))
                    break
    return began


@njit(cache=True, nogil=True)
def spills(filled_m: Heights, labels: Cells) -> tuple[Numbers, Heights]:
    """Where two labels of one tile touch, once for each pair: (pairs x 2 labels, the least height to pass, metres).

    `filled_m` and `labels` as `flood` left them, with their ring.
    """
    rows, columns = labels.shape
    table, lowest, used = np.zeros(16 * columns, np.uint64), np.empty(16 * columns, np.float32), 0
    for row in range(1, rows - 1):
        if 2 * (used + 4 * columns) > table.size:
            table, lowest = _twice(table, lowest)
        used = _spills_of_row(filled_m[row : row + 2], labels[row : row + 2], table, lowest, used)
    pairs, heights = np.empty((used, 2), np.int64), np.empty(used, np.float32)
    at = 0
    for place in range(table.size):
        if table[place] != 0:
            pairs[at, 0], pairs[at, 1] = table[place] >> np.uint64(32), table[place] & np.uint64(0xFFFFFFFF)
            heights[at] = lowest[place]
            at += 1
    return pairs, heights


@njit(cache=True, nogil=True)
def _spills_of_row(filled_m: Heights, labels: Cells, table: Keys, lowest: Heights, used: int) -> int:
    columns = labels.shape[1]
    filled, label = filled_m.ravel(), labels.ravel()
    for cell in range(1, columns - 1):
        mine = label[cell]
        if mine == CLOSED:
            continue
        below = cell + columns
        if mine == label[cell + 1] and mine == label[below - 1] and mine == label[below] and mine == label[below + 1]:
            continue
        for other in (cell + 1, below - 1, below, below + 1):
            if label[other] == mine or label[other] == CLOSED:
                continue
            low, high = min(mine, label[other]), max(mine, label[other])
            pair = (np.uint64(low) << np.uint64(32)) | np.uint64(high)
            height = max(filled[cell], filled[other])
            place = _place_of(table, pair)
            if table[place] != pair:
                table[place], lowest[place] = pair, height
                used += 1
            lowest[place] = min(lowest[place], height)
    return used


@njit(cache=True, nogil=True)
def _place_of(table: Keys, pair: np.uint64) -> int:
    place = int((pair * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(33)) % table.size
    while table[place] != 0 and table[place] != pair:
        place = place + 1 if place + 1 < table.size else 0
    return place


@njit(cache=True, nogil=True)
def _twice(table: Keys, lowest: Heights) -> tuple[Keys, Heights]:
    larger, heights = np.zeros(2 * table.size, np.uint64), np.empty(2 * table.size, np.float32)
    for place in range(table.size):
        if table[place] != 0:
            at = _place_of(larger, table[place])
            larger[at], heights[at] = table[place], lowest[place]
    return larger, heights


@njit(cache=True, nogil=True)
def levels(pairs: Numbers, heights_m: Heights, labels: int) -> Heights:
    """The level (metres) to which water rises in each of so many labels before it reaches label 0, the outside.

    `pairs` (pairs x 2) are labels that touch, `heights_m` the height to pass between them. Label 0 is at -infinity.
    """
    starts = np.zeros(labels + 2, np.int64)
    for end in pairs.ravel():
        starts[end + 2] += 1
    starts = np.cumsum(starts)
    neighbour, height = np.empty(pairs.size, np.int64), np.empty(pairs.size, np.float32)
    for number in range(len(pairs)):
        for side in range(2):
            label = pairs[number, side]
            neighbour[starts[label + 1]], height[starts[label + 1]] = pairs[number, 1 - side], heights_m[number]
            starts[label + 1] += 1
    level_m = np.full(labels, np.inf, np.float32)
    level_m[0] = DRY
    keys = np.empty(pairs.size + 1, np.uint64)  # A label waits at most once for each that it touches.
    size = _push(keys, 0, _key_of(DRY, 0))
    while size > 0:
        key, size = _pop(keys, size)
        label, at_m = np.int64(key & np.uint64(0xFFFFFFFF)), _height_of(key)
        if at_m > level_m[label]:
            continue
        for place in range(starts[label], starts[label + 1]):
            reached_m = max(at_m, height[place])
            if reached_m < level_m[neighbour[place]]:
                level_m[neighbour[place]] = reached_m
                size = _push(keys, size, _key_of(reached_m, neighbour[place]))
    return level_m


@njit(cache=True, nogil=True)
def raise_to_levels(filled_m: Heights, labels: Cells, level_m: Heights) -> None:
    """No cell of `filled_m` is below the level (metres) of its label; `level_m[0]` is that of label 2, and so on."""
    filled, label = filled_m.ravel(), labels.ravel()
    for cell in range(filled.size):
        if label[cell] >= FIRST_LABEL:
            filled[cell] = max(filled[cell], level_m[label[cell] - FIRST_LABEL])


# --- A heap of heights: a key is a height that sorts as a whole number, and below it what has that height.
# It stands in this file because numba compiles it into its callers and would not see a change elsewhere.


@njit(cache=True, nogil=True)
def _key_of(height_m: np.float32, what: int) -> np.uint64:
    """The height's bits, turned so that lower heights are smaller numbers, above the 32 bits of `what`."""
    bits = np.int64(np.float32(height_m).view(np.int32))
    if bits < 0:
        bits ^= 0x7FFFFFFF
    return (np.uint64(bits + 0x80000000) << np.uint64(32)) | np.uint64(what)


@njit(cache=True, nogil=True)
def _height_of(key: np.uint64) -> np.float32:
    """The height (metres) that `key_of` was given."""
    bits = np.int64(key >> np.uint64(32)) - 0x80000000
    if bits < 0:
        bits ^= 0x7FFFFFFF
    return np.int32(bits).view(np.float32)


@njit(cache=True, nogil=True)
def _push(keys: Keys, size: int, key: np.uint64) -> int:
    """The heap's size with the key in it; `keys` must have room."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if keys[above] <= key:
            break
        keys[place] = keys[above]
        place = above
    keys[place] = key
    return size + 1


@njit(cache=True, nogil=True)
def _pop(keys: Keys, size: int) -> tuple[np.uint64, int]:
    """The least key, and the heap's size without it; the heap must not be empty."""
    least, last = keys[0], keys[size - 1]
    size -= 1
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= last:
            break
        keys[place] = keys[below]
        place = below
    keys[place] = last
    return least, size
