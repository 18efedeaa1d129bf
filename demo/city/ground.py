"""The demo city's terrain: a delta plain with levees, low basins behind them, terraces, a hill in the north-west."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize
from scipy.ndimage import distance_transform_edt, gaussian_filter

from demo.city.channels import SIDE_M, Channel, bank_m

Heights = NDArray[np.float32]
CELL_M = 10.0
CELLS = int(SIDE_M / CELL_M)

# Basins: middle (east, north), radius, depth below the bank; metres. Water that tops the levee gathers there.
_BASINS = (
    (2950, 4150, 230, 0.3), (3900, 2900, 240, 0.5), (4700, 3950, 260, 0.7), (4950, 2550, 250, 0.6),
    (5950, 2600, 280, 0.7), (5900, 4000, 270, 0.8), (4650, 4750, 230, 0.6), (6050, 1750, 220, 0.5),
)
TERRACE_M = 2.6
_HILL = (350.0, 6100.0, 850.0, 32.0)


def _smooth_steps(value: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _bumps(
    east: NDArray[np.float64], north: NDArray[np.float64], spots: Sequence[Sequence[float]]
) -> NDArray[np.float64]:
    total = np.zeros_like(east)
    for middle_east, middle_north, radius_m, height_m in spots:
        apart2 = (east - middle_east) ** 2 + (north - middle_north) ** 2
        total += height_m * np.exp(-apart2 / (2.0 * radius_m**2))
    return total


def terrain_m(channels: Sequence[Channel], rng: np.random.Generator) -> Heights:
    """Heights (rows from the north x columns, 10 m cells), metres above mean sea level, float32."""
    middles = (np.arange(CELLS) + 0.5) * CELL_M
    east, north = np.meshgrid(middles, SIDE_M - middles)
    depth_m = _channel_depth_m(channels)
    is_channel = depth_m > 0
    away_m, (_, column) = distance_transform_edt(~is_channel, return_indices=True)
    away_m = away_m * CELL_M
    # The bank's height counts at the nearest channel, so that levees are level across the water.
    bank = gaussian_filter(bank_m(middles[column]), 4.0)
    terrace = TERRACE_M * _smooth_steps(away_m, 15.0, 420.0)
    behind = 1.0 - np.exp(-((away_m / 45.0) ** 2))
    noise = gaussian_filter(rng.standard_normal((CELLS, CELLS)), 6.0)
    noise *= 0.10 / noise.std()
    hill = _bumps(east, north, [_HILL]) * (1.0 - np.exp(-away_m / 250.0))
    is_low = np.minimum(1.4 * _bumps(east, north, [(e, n, radius, 1.0) for e, n, radius, _ in _BASINS]), 1.0)
    lowest = -_bumps(east, north, _BASINS)
    heights = bank + hill + (1.0 - is_low) * terrace + behind * (noise + is_low * lowest)
    heights = np.maximum(heights, 0.4)
    return np.where(is_channel, bank_m(east) - depth_m, heights).astype(np.float32)


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
