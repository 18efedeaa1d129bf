"""Who and what stands in the water: points and roads as cells, counted by zone. Pure numpy and shapely kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.terrain.grid import OUTSIDE, Cells, Floats, Grid, Heights, Mask, sample

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class RoadPieces:
    """Roads in pieces no longer than a cell: the road's number, the cell below the middle, the length in metres."""

    road: NDArray[np.intp]
    cell: Cells
    length_m: Floats
    road_count: int


def road_pieces(grid: Grid, roads: Sequence[BaseGeometry]) -> RoadPieces:
    """The pieces of all roads (in the grid's metric system), in their order."""
    cut = shapely.segmentize(np.array(roads, dtype=object), grid.cell_m)
    corners, road = shapely.get_coordinates(cut, return_index=True)
    is_piece = road[1:] == road[:-1]
    start, end = corners[:-1][is_piece], corners[1:][is_piece]
    middle = (start + end) / 2
    return RoadPieces(
        road=road[1:][is_piece],
        cell=grid.cells_at(middle[:, 0], middle[:, 1]),
        length_m=np.hypot(*(end - start).T),
        road_count=len(roads),
    )


def deepest_by_road(pieces: RoadPieces, depth_m: Heights) -> Heights:
    """The greatest depth on each road, metres; 0 where it is dry or off the grid. `depth_m` is flat, by cell."""
    deepest_m = np.zeros(pieces.road_count, dtype=np.float32)
    np.maximum.at(deepest_m, pieces.road, depths_at(pieces.cell, depth_m))
    return deepest_m


def depths_at(cells: Cells, depth_m: Heights) -> Heights:
    """The depth at each cell, metres; 0 off the grid and where the terrain is unknown. `depth_m` is flat, by cell."""
    return np.nan_to_num(sample(depth_m, cells, outside=0.0), nan=0.0)


def count_by_zone(zone: NDArray[np.intp], counts: Mask, zone_count: int) -> Whole:
    """How many of the places that count lie in each zone; `zone` is the zone's number from 0, `OUTSIDE` for none."""
    return np.bincount(zone[counts & (zone != OUTSIDE)], minlength=zone_count)


def sum_by_zone(zone: NDArray[np.intp], amounts: Floats, zone_count: int) -> Floats:
    """The sum of the amounts in each zone."""
    is_in = zone != OUTSIDE
    sums: Floats = np.bincount(zone[is_in], weights=amounts[is_in], minlength=zone_count).astype(np.float64)
    return sums


def distinct_by_zone(zone: NDArray[np.intp], owner: Whole, counts: Mask, zone_count: int) -> Whole:
    """How many different owners the places that count have in each zone (a resident with two homes is one person)."""
    is_in = counts & (zone != OUTSIDE)
    # One number per pair: sorting numbers is ten times faster than sorting rows.
    span = int(owner.max(initial=0)) + 1
    pairs = np.unique(zone[is_in].astype(np.int64) * span + owner[is_in])
    return np.bincount(pairs // span, minlength=zone_count)
