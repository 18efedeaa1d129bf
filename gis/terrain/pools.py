"""Water over the ground, in milliseconds: the ground cut once into pools, then a new level is a walk over their graph.

A pool is the ground of one small tile that runs down to one lowest cell. Whatever stands in a pool is joined through
that cell, so a pool with water up to a level is wet exactly where its ground lies below that level; and water passes
from pool to pool over the lowest pair of neighbouring cells between them, their spill. So nothing is lost against a
walk over cells: which ground is joined to which, and over which height, is exact (property test). Two things are not:
the fall of the surface counts from middle to middle of pools instead of cell by cell, and hollows of a few centimetres,
which are noise of any terrain, are one pool with the ground beside them. Numba; never imported by the API.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gis.terrain.grid import Cells, Grid, Heights, Mask

Numbers = NDArray[np.int64]

DRY = np.float32(-1e9)
NO_POOL = -1
STEP_M = np.float32(0.01)
SHALLOW_M = 0.05  # A hollow no deeper than this is no pool of its own: a fifth of the terrain's error.
TILE_M = 40.0  # On a fall of 0.5 m per km a tile's surface is off by at most 2 cm: a tenth of the terrain's error.


@dataclass(frozen=True, eq=False)
class Pools:
    """The ground as pools. `of_cell` gives each cell's pool, `NO_POOL` in walls and on unknown ground.

    Pools `ends[n]:ends[n + 1]` of `neighbour` adjoin pool n over `spill_m` (metres of the ground's datum), their
    middles `way_m` apart.
    """

    of_cell: Cells
    ground_m: Heights
    middle_x_m: Heights
    middle_y_m: Heights
    ends: Numbers
    neighbour: Cells
    spill_m: Heights
    way_m: Heights

    @property
    def count(self) -> int:
        """How many pools there are."""
        return int(self.middle_x_m.size)


@dataclass(frozen=True, eq=False)
class Inlets:
    """Where water can enter: from `source` into `pool` once it stands above `sill_m`, `way_m` from its middle."""

    source: Cells
    pool: Cells
    sill_m: Heights
    way_m: Heights


def pools_of(grid: Grid, ground_m: Heights, is_wall: Mask, *, shallow_m: float = SHALLOW_M) -> Pools:
    """The pools of the ground (rows x columns, metres, NaN where unknown); no water stands in walls.

    Hollows of one tile no deeper than `shallow_m` are not told apart, so that as much water may stand where none is.
    """
    ground = np.where(is_wall | ~np.isfinite(ground_m), np.float32(np.inf), ground_m).astype(np.float32)
    tile = max(round(TILE_M / grid.cell_m), 2)
    of_cell, count = _labelled(ground, tile, np.float32(shallow_m))
    flat = of_cell.ravel()
    is_in = flat != NO_POOL
    cells = np.flatnonzero(is_in).astype(np.int32)
    x_m, y_m = grid.centres_m(cells)
    sizes = np.bincount(flat[is_in], minlength=count)
    middle_x_m = (np.bincount(flat[is_in], weights=x_m, minlength=count) / sizes).astype(np.float32)
    middle_y_m = (np.bincount(flat[is_in], weights=y_m, minlength=count) / sizes).astype(np.float32)
    low, high, spill_m = _lowest_by_pair(*_borders(ground, of_cell), count=count)
    start, end = np.concatenate([low, high]), np.concatenate([high, low])
    order = np.argsort(start, kind="stable")
    start, end, spill_m = start[order], end[order], np.concatenate([spill_m, spill_m])[order]
    return Pools(
        of_cell=of_cell, ground_m=ground, middle_x_m=middle_x_m, middle_y_m=middle_y_m,
        ends=np.searchsorted(start, np.arange(count + 1)).astype(np.int64), neighbour=end.astype(np.int32),
        spill_m=spill_m,
        way_m=np.hypot(middle_x_m[start] - middle_x_m[end], middle_y_m[start] - middle_y_m[end]).astype(np.float32),
    )


def inlets_of(grid: Grid, pools: Pools, cells: Cells) -> Inlets:
    """Where the sources at these cells (numbered in their order) let water in: at their own cell and its four sides.

    A source in a wall, such as a channel that keeps its level, has no pool of its own and flows over its sides only.
    """
    row, column = np.divmod(cells.astype(np.int64), grid.columns)
    number = np.arange(cells.size, dtype=np.int32)
    found: list[tuple[Cells, Cells]] = []
    for down, right in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
        is_on = (row + down >= 0) & (row + down < grid.rows) & (column + right >= 0) & (column + right < grid.columns)
        found.append((number[is_on], ((row + down) * grid.columns + column + right)[is_on].astype(np.int32)))
    source, cell = np.concatenate([pair[0] for pair in found]), np.concatenate([pair[1] for pair in found])
    pool = pools.of_cell.ravel()[cell]
    source, cell, pool = source[pool != NO_POOL], cell[pool != NO_POOL], pool[pool != NO_POOL]
    x_m, y_m = grid.centres_m(cells)
    way_m = np.hypot(x_m[source] - pools.middle_x_m[pool], y_m[source] - pools.middle_y_m[pool])
    return Inlets(
        source=source, pool=pool, sill_m=pools.ground_m.ravel()[cell], way_m=way_m.astype(np.float32)
    )


def surface_by_pool(pools: Pools, inlets: Inlets, *, source_m: Heights, fall_m_per_m: float) -> Heights:
    """The water surface of every pool, metres; `DRY` where no water comes. `source_m` is NaN for a source without any.

    Water enters over a sill, and passes from pool to pool, where its surface less the fall on the way lies above the
    ground between; of several ways the highest surface counts. So a higher source never lowers any surface.
    """
    level_m = source_m[inlets.source] - np.float32(fall_m_per_m) * inlets.way_m
    is_open = level_m > inlets.sill_m
    surface_m = np.full(pools.count, DRY, dtype=np.float32)
    np.maximum.at(surface_m, inlets.pool[is_open], level_m[is_open])
    begin = np.flatnonzero(surface_m > DRY).astype(np.int32)
    _spread(surface_m, begin, pools.ends, pools.neighbour, pools.spill_m, pools.way_m, np.float32(fall_m_per_m))
    return surface_m


def depths_m(of_cell: Cells, ground_m: Heights, surface_m: Heights) -> Heights:
    """The depth of every cell (rows x columns) under the surface of its number, metres; 0 on dry ground.

    NaN where `of_cell` has no number: in walls and where the ground is unknown.
    """
    depth_m = np.empty(ground_m.shape, dtype=np.float32)
    _fill(depth_m.ravel(), of_cell.ravel(), ground_m.ravel(), surface_m)
    return depth_m


@njit(cache=True, nogil=True)
def _labelled(ground: Heights, tile: int, shallow: np.float32) -> tuple[Cells, int]:
    """Each cell's pool: where steepest descent over its four sides ends, without ever leaving the tile."""
    rows, columns = ground.shape
    pool = np.full((rows, columns), np.int32(NO_POOL), np.int32)
    way = np.empty(tile * tile + 1, np.int64)
    count = 0
    for top in range(0, rows, tile):
        for left in range(0, columns, tile):
            bottom, right = min(top + tile, rows), min(left + tile, columns)
            began = count
            for from_row in range(top, bottom):
                for from_column in range(left, right):
                    if ground[from_row, from_column] == np.inf or pool[from_row, from_column] >= 0:
                        continue
                    row, column, steps = from_row, from_column, 0
                    while pool[row, column] < 0:
                        way[steps] = row * columns + column
                        steps += 1
                        to_row, to_column, least = row, column, ground[row, column]
                        # Level ground runs to the cell that comes first, so that no way ever closes to a ring.
                        if row > top and ground[row - 1, column] <= least:
                            to_row, to_column, least = row - 1, column, ground[row - 1, column]
                        if column > left and (
                            ground[row, column - 1] < least or (ground[row, column - 1] == least and to_row == row)
                        ):
                            to_row, to_column, least = row, column - 1, ground[row, column - 1]
                        if column + 1 < right and ground[row, column + 1] < least:
                            to_row, to_column, least = row, column + 1, ground[row, column + 1]
                        if row + 1 < bottom and ground[row + 1, column] < least:
                            to_row, to_column, least = row + 1, column, ground[row + 1, column]
                        if to_row == row and to_column == column:
                            break
                        row, column = to_row, to_column
                    if pool[row, column] < 0:
                        pool[row, column] = count
                        count += 1
                    for step in range(steps):
                        pool[way[step] // columns, way[step] % columns] = pool[row, column]
            if shallow > 0 and count > began + 1:
                here, of_here = ground[top:bottom, left:right], pool[top:bottom, left:right]
                count = began + _without_shallow(here, of_here, began, count - began, shallow)
    return pool, count


@njit(cache=True, nogil=True)
def _without_shallow(ground: Heights, pool: Cells, first: int, count: int, shallow: np.float32) -> int:
    """The pools of a tile, numbered from `first`, are joined over the lowest spills first while the shallower one of
    two is no deeper than `shallow` there; they are numbered anew. Returns how many are left.
    """
    rows, columns = ground.shape
    lowest = np.full(count, np.float32(np.inf), np.float32)
    low, high = np.empty(2 * pool.size, np.int32), np.empty(2 * pool.size, np.int32)
    spill, sides = np.empty(2 * pool.size, np.float32), 0
    for row in range(rows):
        for column in range(columns):
            here = pool[row, column] - first
            if here < 0:
                continue
            lowest[here] = min(lowest[here], ground[row, column])
            for side in range(2):
                to_row, to_column = row + side, column + 1 - side
                if to_row >= rows or to_column >= columns:
                    continue
                there = pool[to_row, to_column] - first
                if there >= 0 and there != here:
                    low[sides], high[sides] = here, there
                    spill[sides] = max(ground[row, column], ground[to_row, to_column])
                    sides += 1
    joined = np.arange(count)
    for number in np.argsort(spill[:sides], kind="mergesort"):
        one, other = _root(joined, low[number]), _root(joined, high[number])
        if one != other and spill[number] - max(lowest[one], lowest[other]) <= shallow:
            joined[max(one, other)] = min(one, other)
            lowest[min(one, other)] = min(lowest[one], lowest[other])
    anew, left = np.full(count, -1), 0
    for number in range(count):
        root = _root(joined, number)
        if anew[root] < 0:
            anew[root] = left
            left += 1
        anew[number] = anew[root]
    for row in range(rows):
        for column in range(columns):
            if pool[row, column] >= 0:
                pool[row, column] = first + anew[pool[row, column] - first]
    return left


@njit(cache=True, nogil=True)
def _root(joined: Numbers, number: int) -> int:
    while joined[number] != number:
        joined[number] = joined[joined[number]]
        number = joined[number]
    return number


@njit(cache=True, nogil=True)
def _borders(ground: Heights, pool: Cells) -> tuple[Cells, Cells, Heights]:
    """The pairs of side by side cells of different pools: lower pool number, higher one, and the higher ground."""
    rows, columns = ground.shape
    most = 2 * pool.size
    low, high, spill = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.float32)
    count = 0
    for row in range(rows):
        for column in range(columns):
            here = pool[row, column]
            if here < 0:
                continue
            for side in range(2):
                to_row, to_column = row + side, column + 1 - side
                if to_row >= rows or to_column >= columns:
                    continue
                there = pool[to_row, to_column]
                if there >= 0 and there != here:
                    low[count], high[count] = min(here, there), max(here, there)
                    spill[count] = max(ground[row, column], ground[to_row, to_column])
                    count += 1
    return low[:count].copy(), high[:count].copy(), spill[:count].copy()


def _lowest_by_pair(low: Cells, high: Cells, spill_m: Heights, *, count: int) -> tuple[Numbers, Numbers, Heights]:
    """Each pair of neighbouring pools once, with its lowest spill."""
    key = low.astype(np.int64) * max(count, 1) + high
    order = np.lexsort((spill_m, key))
    key, spill_m = key[order], spill_m[order]
    is_first = np.ones(key.size, dtype=bool)
    is_first[1:] = key[1:] != key[:-1]
    start, end = np.divmod(key[is_first], max(count, 1))
    return start, end, spill_m[is_first]


@njit(cache=True, nogil=True)
def _spread(
    surface: Heights, begin: Cells, ends: Numbers, neighbour: Cells, spill: Heights, way: Heights, fall: np.float32
) -> None:
    """Pools that rose tell their neighbours, the highest first, until none rises.

    Pools wait in steps of a centimetre, so that nearly every pool is told of its final water at once (Dial's queue);
    within a step the order does not matter, because every rise only lets others rise.
    """
    if begin.size == 0:
        return
    top = surface[begin].max()
    step_of_all = max(int((top - spill.min()) / STEP_M) + 2, 1) if spill.size else 1
    first = np.full(step_of_all, -1, np.int64)  # The entry that was put last into each step.
    entry_pool = np.empty(begin.size + neighbour.size, np.int32)
    entry_next = np.empty(begin.size + neighbour.size, np.int64)
    told = np.full(surface.size, DRY, np.float32)  # With which water a pool has told its neighbours.
    count = 0
    for number in range(begin.size):
        step = min(int((top - surface[begin[number]]) / STEP_M), step_of_all - 1)
        entry_pool[count], entry_next[count] = begin[number], first[step]
        first[step] = count
        count += 1
    for step in range(step_of_all):
        while first[step] >= 0:
            pool = entry_pool[first[step]]
            first[step] = entry_next[first[step]]
            here = surface[pool]
            if told[pool] >= here:
                continue
            told[pool] = here
            for edge in range(ends[pool], ends[pool + 1]):
                to = neighbour[edge]
                level = here - fall * way[edge]
                if level > spill[edge] and level > surface[to]:
                    surface[to] = level
                    if count == entry_pool.size:
                        entry_pool = np.concatenate((entry_pool, np.empty(count, np.int32)))
                        entry_next = np.concatenate((entry_next, np.empty(count, np.int64)))
                    at = min(max(int((top - level) / STEP_M), step), step_of_all - 1)
                    entry_pool[count], entry_next[count] = to, first[at]
                    first[at] = count
                    count += 1


@njit(cache=True, nogil=True)
def _fill(depth: Heights, pool: Cells, ground: Heights, surface: Heights) -> None:
    for cell in range(depth.size):
        if pool[cell] < 0:
            depth[cell] = np.nan
        else:
            depth[cell] = max(surface[pool[cell]] - ground[cell], np.float32(0.0))
