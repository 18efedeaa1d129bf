"""Water levels along the canals: a graph of channel cells, distances on it, and weights between gauges.

Between two gauges the surface falls evenly along the water's way (the harmonic function on the graph, which on a
single canal is the straight line of a hydraulic grade); where canals fork, each branch counts by its length. Weights
are never negative and add up to one, so a higher gauge never lowers the surface anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csc_matrix, csr_matrix, diags
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from gis.terrain.grid import Cells, Floats, Grid, Mask

SNAP_LIMIT_M = 150.0  # A gauge stands on a bank or a bridge; farther from any canal it measures a water of its own.
STRAIGHT_LIMIT_M = 3000.0  # Assumed: beyond this a gauge says nothing about a water that no canal joins to it.


@dataclass(frozen=True)
class Network:
    """Channel cells (sorted numbers on the grid) and the metres between neighbouring ones."""

    cells: Cells
    lengths_m: csr_matrix
    x_m: Floats
    y_m: Floats


@dataclass(frozen=True)
class Reach:
    """How far each gauge speaks for each channel cell.

    `weights` (cells x gauges) add up to 1, or to 0 where no gauge speaks; `nearest_m` is the way to the nearest gauge;
    `beyond_m` is how far off every way between two gauges the cell lies (0 between gauges), which is extrapolation.
    """

    weights: Floats
    nearest_m: Floats
    beyond_m: Floats


def network_of(grid: Grid, is_channel: Mask) -> Network:
    """The graph of the channel cells, each joined to its eight neighbours."""
    cells = np.flatnonzero(is_channel.ravel()).astype(np.int32)
    number = np.full(grid.size, -1, dtype=np.int32)
    number[cells] = np.arange(cells.size, dtype=np.int32)
    row, column = np.divmod(cells, grid.columns)
    starts, ends, lengths = [], [], []
    for step_row, step_column in ((0, 1), (1, 0), (1, 1), (1, -1)):
        is_inside = (row + step_row < grid.rows) & (column + step_column < grid.columns) & (column + step_column >= 0)
        neighbour = number[cells[is_inside] + step_row * grid.columns + step_column]
        is_joined = neighbour >= 0
        starts.append(np.flatnonzero(is_inside)[is_joined])
        ends.append(neighbour[is_joined])
        lengths.append(np.full(int(is_joined.sum()), grid.cell_m * float(np.hypot(step_row, step_column))))
    edges = (np.concatenate(lengths), (np.concatenate(starts), np.concatenate(ends)))
    half = coo_matrix(edges, shape=(cells.size, cells.size))
    x_m, y_m = grid.centres_m(cells)
    return Network(cells=cells, lengths_m=csr_matrix(half + half.T), x_m=x_m, y_m=y_m)


def snap(network: Network, x_m: Floats, y_m: Floats) -> NDArray[np.intp]:
    """The number of the channel cell nearest to each gauge, -1 where none lies within `SNAP_LIMIT_M`."""
    if not network.cells.size:
        return np.full(len(x_m), -1, dtype=np.intp)
    distance_m, nearest = cKDTree(np.column_stack([network.x_m, network.y_m])).query(np.column_stack([x_m, y_m]))
    return np.where(distance_m <= SNAP_LIMIT_M, nearest, -1).astype(np.intp)


def reach_of(network: Network, stands_at: NDArray[np.intp]) -> Reach:
    """What the gauges at these channel cells (numbers of the network, none of them -1) say about every other cell."""
    along_m = dijkstra(network.lengths_m, directed=False, indices=stands_at)
    straight_m = np.hypot(
        network.x_m[None, :] - network.x_m[stands_at, None], network.y_m[None, :] - network.y_m[stands_at, None]
    )
    is_joined = np.isfinite(along_m).any(axis=0)
    weights = np.zeros((network.cells.size, stands_at.size))
    weights[is_joined] = _harmonic(network.lengths_m, stands_at, is_joined)
    weights[~is_joined] = _inverse_square(straight_m[:, ~is_joined])
    nearest_m = np.where(is_joined, along_m.min(axis=0), straight_m.min(axis=0))
    beyond_m = np.where(is_joined, _off_the_way_m(along_m, along_m[:, stands_at]), nearest_m)
    return Reach(weights=weights, nearest_m=nearest_m, beyond_m=beyond_m)


def _harmonic(lengths_m: csr_matrix, stands_at: NDArray[np.intp], is_joined: Mask) -> Floats:
    """Rows for the joined cells: the solution of Laplace's equation that is 1 at one gauge and 0 at the others."""
    conductance = lengths_m.copy()
    conductance.data = 1.0 / conductance.data
    laplacian = csr_matrix(diags(np.asarray(conductance.sum(axis=1)).ravel()) - conductance)
    places, gauge_place = np.unique(stands_at, return_inverse=True)
    weights = np.zeros((is_joined.size, places.size))
    weights[places, np.arange(places.size)] = 1.0
    is_free = is_joined.copy()
    is_free[places] = False
    free = np.flatnonzero(is_free)
    if free.size:
        inner = csc_matrix(laplacian[free][:, free])
        outer = np.asarray(laplacian[free][:, places].todense())
        weights[free] = splu(inner).solve(-outer)
    weights = np.clip(weights, 0.0, 1.0)
    # Two gauges at one cell share what that cell says.
    shared = weights[:, gauge_place] / np.bincount(gauge_place)[gauge_place]
    rows: Floats = shared[is_joined]
    shares: Floats = rows / rows.sum(axis=1, keepdims=True)
    return shares


def _inverse_square(straight_m: Floats) -> Floats:
    """Inverse-distance weights (cells x gauges, power 2), all zero where every gauge is beyond `STRAIGHT_LIMIT_M`."""
    closeness = np.where(straight_m <= STRAIGHT_LIMIT_M, 1.0 / np.maximum(straight_m, 1.0) ** 2, 0.0).T
    total = closeness.sum(axis=1, keepdims=True)
    weights: Floats = np.divide(closeness, total, out=np.zeros_like(closeness), where=total > 0)
    return weights


def _off_the_way_m(along_m: Floats, between_m: Floats) -> Floats:
    """For each cell the least of (to A + to B - A to B) / 2 over pairs of gauges; with one gauge, the way to it."""
    off_m: Floats = along_m.min(axis=0)
    for first in range(len(along_m)):
        for second in range(first):
            if np.isfinite(between_m[first, second]):
                detour_m = (along_m[first] + along_m[second] - between_m[first, second]) / 2
                off_m = np.minimum(off_m, detour_m)
    return np.maximum(off_m, 0.0)
