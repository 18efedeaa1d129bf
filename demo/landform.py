"""A plausible lie of the land around channels: level banks, terraces behind them, low ground where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

Floats = NDArray[np.float64]
Heights = NDArray[np.float32]
Mask = NDArray[np.bool_]

CELL_M = 10.0
TERRACE_M = 2.6  # How far the ground rises above the banks away from every channel, outside low ground.
TERRACE_FROM_M, TERRACE_TO_M = 15.0, 420.0
LEVEE_WIDTH_M = 45.0
ROUGH_M = 0.10
# Nature draws no circles and no parallels: basins are bent by so many metres, terraces nearer or farther by this share.
BENT_M, UNEVEN_SHARE = 75.0, 0.3
LOWEST_M = 0.4


@dataclass(frozen=True)
class LowGround:
    """A basin behind the levees: its middle (on the same axes as the cells), radius, depth below the bank; metres."""

    east_m: float
    north_m: float
    radius_m: float
    depth_m: float


@dataclass(frozen=True)
class Square:
    """The middles of cells (rows from the north x columns), metres."""

    east_m: Floats
    north_m: Floats

    @classmethod
    def of(cls, *, west_m: float, north_m: float, rows: int, columns: int) -> Square:
        """Cells of 10 m from the north-west corner on."""
        east = west_m + (np.arange(columns) + 0.5) * CELL_M
        north = north_m - (np.arange(rows) + 0.5) * CELL_M
        return cls(*np.meshgrid(east, north))


def heights_m(
    square: Square, *, bank_m: Floats, channel_depth_m: Floats, low: list[LowGround], extra_m: Floats | float,
    rng: np.random.Generator,
) -> Heights:
    """Heights of all cells, metres.

    `bank_m` is the level of the banks at each cell, `channel_depth_m` how deep a channel is cut there (0 for none).
    The bank's height counts at the nearest channel, so that levees are level across the water.
    """
    is_channel = channel_depth_m > 0
    away_m, (row, column) = distance_transform_edt(~is_channel, return_indices=True)
    away_m = away_m * CELL_M
    bank = gaussian_filter(bank_m[row, column], 4.0)
    bent = Square(square.east_m + _waves(away_m.shape, BENT_M, rng), square.north_m + _waves(away_m.shape, BENT_M, rng))
    is_low = np.minimum(1.4 * _bumps(bent, [(spot, 1.0) for spot in low]), 1.0)
    depth_m = _bumps(bent, [(spot, spot.depth_m) for spot in low])
    rough = _waves(away_m.shape, ROUGH_M, rng, cells=6.0)
    behind = 1.0 - np.exp(-((away_m / LEVEE_WIDTH_M) ** 2))
    inland_m = away_m * (1.0 + _waves(away_m.shape, UNEVEN_SHARE, rng))
    terrace = TERRACE_M * _smooth_steps(inland_m, TERRACE_FROM_M, TERRACE_TO_M)
    extra = extra_m * (1.0 - np.exp(-away_m / 250.0))
    ground = bank + extra + (1.0 - is_low) * terrace + behind * (rough - is_low * depth_m)
    return np.where(is_channel, bank_m - channel_depth_m, np.maximum(ground, LOWEST_M)).astype(np.float32)


def _waves(shape: tuple[int, ...], deviation: float, rng: np.random.Generator, *, cells: float = 18.0) -> Floats:
    """Smooth noise of this standard deviation; its waves are a few times `cells` long."""
    waves: Floats = gaussian_filter(rng.standard_normal(shape), cells)
    waves *= deviation / float(waves.std())
    return waves


def _smooth_steps(value: Floats, low: float, high: float) -> Floats:
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _bumps(square: Square, spots: list[tuple[LowGround, float]]) -> Floats:
    total = np.zeros_like(square.east_m)
    for spot, height in spots:
        apart2 = (square.east_m - spot.east_m) ** 2 + (square.north_m - spot.north_m) ** 2
        total += height * np.exp(-apart2 / (2.0 * spot.radius_m**2))
    return total
