"""Two ways from the channels' levels to the water on the ground, behind one interface (heavy kernels).

Flat land: the surface of the channels runs on over the ground as far as it is joined to them, walls and levees holding
it (`ConnectedSurface`). Foothills: the ground stands in water when the channel that it drains to stands higher over its
bank than the ground lies above that bank (`HandByReach`). Each numbers its own surfaces; a cell has the number of the
one that decides there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gis.terrain.grid import Cells, Floats, Grid, Heights, Mask
from gis.terrain.hydrology import drainage_of
from gis.terrain.pools import DRY, NO_POOL, Inlets, Pools, inlets_of, pools_of, surface_by_pool
from gis.terrain.reaches import NO_CHANNEL, channel_of, is_foothill

# Assumed slope of the water surface: shallow water over built-up flat ground.
FALL_OVER_GROUND = 5e-4

# One standard deviation, metres. 0.38 for heights off surveyed streets, measured by holding out street levels (facts of
# the survey of Nakhon Si Thammarat), 0.25 for a denser model; the smaller is used, because a city without a denser
# model should not draw depths at all.
TERRAIN_SIGMA_M = 0.25

HOLLOW_M = 0.1  # Assumed: shallower hollows of a slope are noise of the terrain.


@dataclass(frozen=True, eq=False)
class Channels:
    """What the gauges say of each channel cell: its level, how far it stands over its bank, and one deviation; m."""

    level_m: Floats
    over_m: Floats
    sigma_m: Floats


class Method(Protocol):
    """A way from the channels to the water on the ground."""

    @property
    def count(self) -> int:
        """How many surfaces it numbers, from 0."""

    def surfaces_m(self, channels: Channels, *, doubt: float) -> Heights:
        """The height of each surface, `doubt` standard deviations above the best estimate; `DRY` without water.

        The doubt of the terrain counts as the water's: what matters is how far one lies over the other.
        """


@dataclass(frozen=True, eq=False)
class ConnectedSurface:
    """The surfaces of pools, let in where a channel stands over its bank."""

    pools: Pools
    inlets: Inlets

    @property
    def count(self) -> int:
        """One for each pool."""
        return self.pools.count

    def surfaces_m(self, channels: Channels, *, doubt: float) -> Heights:
        """What runs from pool to pool; a channel lets water out by the doubt of its level alone."""
        source_m = channels.level_m + doubt * np.hypot(TERRAIN_SIGMA_M, channels.sigma_m)
        is_over = channels.over_m + doubt * channels.sigma_m > 0
        return surface_by_pool(
            self.pools, self.inlets, source_m=np.where(is_over, source_m, np.nan).astype(np.float32),
            fall_m_per_m=FALL_OVER_GROUND,
        )


@dataclass(frozen=True, eq=False)
class HandByReach:
    """A surface for each channel cell that ground drains to: `bank_m` is the height of the bank there."""

    channel: Cells
    bank_m: Heights

    @property
    def count(self) -> int:
        """One for each of these channel cells."""
        return int(self.channel.size)

    def surfaces_m(self, channels: Channels, *, doubt: float) -> Heights:
        """The bank and what stands over it: on a slope, levels between two gauges are no straight line, stages are."""
        over_m, sigma_m = channels.over_m[self.channel], channels.sigma_m[self.channel]
        stage_m = over_m + doubt * np.hypot(TERRAIN_SIGMA_M, sigma_m)
        is_over = over_m + doubt * sigma_m > 0
        return np.where(is_over, self.bank_m + stage_m, DRY).astype(np.float32)


@dataclass(frozen=True, eq=False)
class WaterOver:
    """The ground with the surface that decides over each cell: its number among those of all methods in turn.

    `ground_m` (rows x columns) is what the surface is measured against; `decides` is -1 where nothing is known.
    """

    methods: tuple[Method, ...]
    decides: Cells
    ground_m: Heights

    def surfaces_m(self, channels: Channels, *, doubt: float) -> Heights:
        """Every method's surfaces in turn, metres; `DRY` without water."""
        return np.concatenate([method.surfaces_m(channels, doubt=doubt) for method in self.methods])


def water_over(
    grid: Grid, heights_m: Heights, *, holds: Mask, channel: Cells, bank: Cells
) -> WaterOver:
    """The ground made ready: flat land by connected surface, foothills that drain to a channel by HAND.

    `holds` (rows x columns) are channels that keep their level, `channel` all channel cells (numbers on the grid) and
    `bank` the cell nearest to each that is none.
    """
    pools = pools_of(grid, heights_m, holds)
    flat = ConnectedSurface(pools, inlets_of(grid, pools, channel))
    steep = is_foothill(grid, heights_m) & (pools.of_cell != NO_POOL)
    if not steep.any() or not channel.size:
        return WaterOver(methods=(flat,), decides=pools.of_cell, ground_m=pools.ground_m)
    is_channel = np.zeros(grid.shape, dtype=bool)
    is_channel.ravel()[channel] = True
    drainage = drainage_of(heights_m, threshold=1)
    drains_to = channel_of(drainage.directions, is_channel)
    # A hollow has to be filled first before its water runs anywhere: whether it is joined is for the other method.
    is_hollow = drainage.filled_m - heights_m > HOLLOW_M
    steep &= (drains_to != NO_CHANNEL) & ~is_channel & ~is_hollow
    number = np.searchsorted(channel, drains_to[steep]).astype(np.int32)
    hand = HandByReach(channel=np.arange(channel.size, dtype=np.int32), bank_m=heights_m.ravel()[bank])
    decides = pools.of_cell.copy()
    decides[steep] = flat.count + number
    return WaterOver(methods=(flat, hand), decides=decides, ground_m=pools.ground_m)
