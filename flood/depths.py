"""The depth of every cell of a picture as a file that any process reads with numpy alone.

Three planes (rows x columns) of whole numbers: best estimate and 90th percentile in millimetres, and the probability
of being wet in thousandths. A float would only keep digits that no terrain has, in twice the space.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis.terrain.grid import OUTSIDE, Grid, Heights

Planes = NDArray[np.uint16]

UNKNOWN = 65535
DEEPEST = 65000  # 65 m: nothing on a city's ground is deeper.
PER_UNIT = 1000.0


@dataclass(frozen=True)
class SpotDepth:
    """The water at a spot: best estimate and 90th percentile in metres, and the probability that it is wet."""

    depth_m: float
    likely_m: float
    chance: float


def write_depths(path: Path, grid: Grid, depth_m: Heights, likely_m: Heights, chance: Heights) -> None:
    """The file holds these values (flat, by cell; NaN where nothing is known), whole or not at all."""
    planes = np.empty((3, *grid.shape), dtype=np.uint16)
    for plane, values in zip(planes, (depth_m, likely_m, chance), strict=True):
        whole = np.minimum(values.reshape(grid.shape) * np.float32(PER_UNIT) + np.float32(0.5), np.float32(DEEPEST))
        plane[:] = np.nan_to_num(whole, copy=False, nan=UNKNOWN)
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        np.save(file, planes)
    fresh.replace(path)


def read_planes(path: Path) -> Planes:
    """The three planes, read from the disk as they are looked at. Raises FileNotFoundError."""
    planes: Planes = np.load(path, mmap_mode="r")
    return planes


def depth_in(planes: Planes, cell: int) -> SpotDepth | None:
    """What stands in a cell (its number on the grid), None off the grid and where nothing is known."""
    if cell == OUTSIDE:
        return None
    found = planes.reshape(3, -1)[:, cell]
    if (found == UNKNOWN).any():
        return None
    depth_m, likely_m, chance = (float(value) / PER_UNIT for value in found)
    return SpotDepth(depth_m=depth_m, likely_m=likely_m, chance=chance)
