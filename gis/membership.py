"""Which places lie in a zone, edges included: numpy and shapely only, so that every process may ask.

Places are kept in the order of small cells. A zone's outline touches few of these: between them whole runs of cells are
in or out at once, and only places in touched cells meet the outline itself, by GEOS, whose answer is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.errors import InvalidPlaceError
from gis.points import coordinate_fault
from gis.terrain.grid import Floats, Mask

CELL_DEG = 0.0001  # 11 m, about the width of a plot: smaller cells would hold no fewer homes each.
# Shares of a cell: a thousand times the rounding of a cell's number (360 / CELL_DEG x 2^-52), and far below a cell.
_MARGIN = 1e-6
_STRIDE = 1 << 32  # Cells are numbered row by row; no row is so long.

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Places:
    """Places in the order of their cells: degrees of longitude and latitude, and the number of each one's cell."""

    lon: Floats
    lat: Floats
    cell: Numbers

    def within(self, zone: BaseGeometry) -> Mask:
        """Which places lie in the zone (valid, of one part or many) or exactly on its edge, as ST_Intersects says.

        Exact where PostGIS rounds: beside a side it takes about one place in a million, less than 2^-52 of the side's
        length off, for one that is on it. Raises InvalidPlaceError where a corner of the zone is no place on earth.
        """
        start, end = _pieces(zone)
        first, count = _rows(start, end, among=self.cell)
        is_within = np.zeros(self.cell.size, dtype=bool)
        if not count.any():
            return is_within
        if count.sum() > self.cell.size + len(start):  # To mark so many cells would cost more than to test every place.
            near = np.arange(self.cell.size)
        else:
            west, east, is_before_inside = _touched(start, end, first=first, count=count)
            begins, ends = np.searchsorted(self.cell, west), np.searchsorted(self.cell, east, side="right")
            turns = np.column_stack([begins, ends]).ravel()
            is_inside = np.column_stack([np.zeros_like(is_before_inside), is_before_inside]).ravel()
            is_within[turns[0] :] = np.repeat(is_inside, np.diff(turns, append=self.cell.size))
            near = _spread(begins, ends)
        shapely.prepare(zone)
        is_within[near] = shapely.intersects_xy(zone, self.lon[near], self.lat[near])
        return is_within


def by_cell(lon: Floats, lat: Floats) -> tuple[Places, NDArray[np.intp]]:
    """These places (degrees) in the order of their cells, and which of the given ones stands at each position.

    Raises InvalidPlaceError naming the first (from 1) that is no place on earth.
    """
    is_place = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
    if not is_place.all():
        row = int(np.argmin(is_place))
        raise InvalidPlaceError(f"Place {row + 1}: {coordinate_fault(lon=float(lon[row]), lat=float(lat[row]))}")
    cell = np.floor(_rows_up(lat)).astype(np.int64) * _STRIDE + np.floor(_columns_east(lon)).astype(np.int64)
    order = np.argsort(cell, kind="stable")
    return Places(lon=lon[order], lat=lat[order], cell=cell[order]), order


def _columns_east(lon: Floats) -> Floats:
    return (lon + 180.0) / CELL_DEG


def _rows_up(lat: Floats) -> Floats:
    return (lat + 90.0) / CELL_DEG


def _pieces(zone: BaseGeometry) -> tuple[Floats, Floats]:
    """Both ends of every piece of the zone's rings (pieces x 2, in cells)."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(zone)), return_index=True)
    is_place = (np.abs(corners) <= (180.0, 90.0)).all(axis=1)
    if not is_place.all():
        lon, lat = corners[np.argmin(is_place)].tolist()
        raise InvalidPlaceError(f"The zone's outline: {coordinate_fault(lon=lon, lat=lat)}")
    in_cells = np.column_stack([_columns_east(corners[:, 0]), _rows_up(corners[:, 1])])
    is_same_ring = ring[1:] == ring[:-1]
    return in_cells[:-1][is_same_ring], in_cells[1:][is_same_ring]


def _rows(start: Floats, end: Floats, *, among: Numbers) -> tuple[Numbers, Numbers]:
    """The first row of cells that each piece touches and how many, of the rows that have places (cells in order)."""
    lowest, highest = among[[0, -1]] // _STRIDE if among.size else (0, -1)
    first = np.floor(np.minimum(start[:, 1], end[:, 1]) - _MARGIN).astype(np.int64)
    last = np.floor(np.maximum(start[:, 1], end[:, 1]) + _MARGIN).astype(np.int64)
    first = np.maximum(first, lowest)
    return first, np.maximum(np.minimum(last, highest) - first + 1, 0)


def _touched(start: Floats, end: Floats, *, first: Numbers, count: Numbers) -> tuple[Numbers, Numbers, Mask]:
    """The runs of cells that the outline touches, west to east and row by row: first, last, and what follows.

    The cells between a run and the next are inside where the middle of their row crossed the outline an odd number of
    times before; behind the last run of a row that is never so, because rings are closed.
    """
    row = _spread(first, first + count)
    x0, y0, x1, y1 = np.repeat(np.column_stack([start, end]), count, axis=0).T
    with np.errstate(divide="ignore", invalid="ignore"):
        enters, leaves = ((row + edge - y0) / (y1 - y0) for edge in (-_MARGIN, 1 + _MARGIN))
    is_level = y0 == y1
    one = x0 + (x1 - x0) * np.clip(np.where(is_level, 0.0, enters), 0.0, 1.0)
    other = x0 + (x1 - x0) * np.clip(np.where(is_level, 1.0, leaves), 0.0, 1.0)
    west = row * _STRIDE + np.floor(np.minimum(one, other) - _MARGIN).astype(np.int64)
    east = row * _STRIDE + np.floor(np.maximum(one, other) + _MARGIN).astype(np.int64)
    crosses = (y0 <= row + 0.5) != (y1 <= row + 0.5)
    order = np.argsort(west, kind="stable")
    west, east = west[order], np.maximum.accumulate(east[order])
    crossed = np.cumsum(crosses[order])
    begins = np.flatnonzero(np.concatenate([[True], west[1:] > east[:-1] + 1]))
    ends = np.append(begins[1:], west.size) - 1
    return west[begins], east[ends], crossed[ends] % 2 == 1


def _spread(first: NDArray[np.int64], end: NDArray[np.int64]) -> Numbers:
    """All numbers from each first one up to but without its end, one run behind the other."""
    count = end - first
    done = np.cumsum(count)
    runs: Numbers = np.repeat(first - done + count, count) + np.arange(count.sum())
    return runs
