"""The demo city's terrain: a delta plain with levees, low basins behind them, terraces, a hill in the north-west."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize

from demo import landform
from demo.city.channels import SIDE_M, Channel, bank_m
from demo.landform import CELL_M, Heights, LowGround, Square

CELLS = int(SIDE_M / CELL_M)

# Basins: middle (east, north), radius, depth below the bank; metres. Water that tops the levee gathers there.
_BASINS = (
    (2950, 4150, 230, 0.3), (3900, 2900, 240, 0.5), (4700, 3950, 260, 0.7), (4950, 2550, 250, 0.6),
    (5950, 2600, 280, 0.7), (5900, 4000, 270, 0.8), (4650, 4750, 230, 0.6), (6050, 1750, 220, 0.5),
)
_HILL_EAST_M, _HILL_NORTH_M, _HILL_RADIUS_M, _HILL_M = 350.0, 6100.0, 850.0, 32.0


def terrain_m(channels: Sequence[Channel], rng: np.random.Generator) -> Heights:
    """Heights (rows from the north x columns, 10 m cells), metres above mean sea level, float32."""
    square = Square.of(west_m=0.0, north_m=SIDE_M, rows=CELLS, columns=CELLS)
    apart2 = (square.east_m - _HILL_EAST_M) ** 2 + (square.north_m - _HILL_NORTH_M) ** 2
    return landform.heights_m(
        square, bank_m=bank_m(square.east_m), channel_depth_m=_channel_depth_m(channels),
        low=[LowGround(*basin) for basin in _BASINS],
        extra_m=_HILL_M * np.exp(-apart2 / (2.0 * _HILL_RADIUS_M**2)), rng=rng,
    )


def _channel_depth_m(channels: Sequence[Channel]) -> NDArray[np.float64]:
    shapes = [(channel.line, channel.depth_m) for channel in reversed(channels)]
    depth: NDArray[np.float64] = rasterize(
        shapes, out_shape=(CELLS, CELLS), transform=Affine(CELL_M, 0.0, 0.0, 0.0, -CELL_M, SIDE_M),
        all_touched=True, dtype="float64",
    )
    return depth


def height_at_m(heights: Heights, places_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ground at places (rows x 2, metres from the corner)."""
    column = np.clip((places_m[:, 0] / CELL_M).astype(int), 0, CELLS - 1)
    row = np.clip(((SIDE_M - places_m[:, 1]) / CELL_M).astype(int), 0, CELLS - 1)
    found: NDArray[np.float64] = heights[row, column].astype(np.float64)
    return found
