"""Levels to water surface, to depth, to classes and outlines (heavy kernels; never imported by the API).

The surface falls evenly between gauges along the canals. Away from every way between gauges, and over the ground, it
falls by a slope, so that ground far from any gauge is not flooded by extrapolation. Canals overflow only where the
level between the gauges stands above the bank; water then goes as far as the ground lets it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from flood import rules
from flood.ground import Terrain, reach_from
from gis.terrain.grid import Cells, Floats, Heights, Mask
from gis.terrain.network import Reach
from gis.terrain.outline import outlines, sieved
from gis.terrain.spread import surface_over_ground

# Assumed slopes of the water surface: shallow water over built-up flat ground, and beyond the last gauge of a canal.
FALL_OVER_GROUND = 5e-4
FALL_BEYOND_GAUGES = 5e-4
HOLDS_WITHIN_M = 500.0  # Assumed: so near the ways between gauges a level is known; farther off, water may cross.

# One standard deviation, metres. Terrain: 0.38 for heights off surveyed streets, measured by holding out street levels
# (facts of the survey of Nakhon Si Thammarat), 0.25 for a denser model; the smaller is used, because a city without a
# denser model should not draw depths at all. Gauge: assumed, a well-kept pressure or radar gauge with its datum.
TERRAIN_SIGMA_M = 0.25
GAUGE_SIGMA_M = 0.05
SIGMA_PER_M = 5e-5  # Assumed: 5 cm of doubt for each kilometre of canal between a place and the nearest gauge.
Z90 = 1.2816  # The 90th percentile of the normal distribution.

SPECK_M2 = 1500.0  # Smaller patches are noise of the terrain, not something to draw.
TOLERANCE_CELLS = 1.2


@dataclass(frozen=True, eq=False)
class Picture:
    """Depths in metres by cell (flat; 0 dry, NaN off the terrain), best and 90th percentile, and class outlines.

    A channel's own cell has the depth of its bank; it counts as ground in no outline and no share.
    """

    depth_m: Heights
    likely_m: Heights
    outlines: dict[int, shapely.MultiPolygon]


def picture_of(terrain: Terrain, level_m_msl: dict[int, float]) -> Picture:
    """The picture at these levels (by station id, metres in the terrain's datum); at least one gauge is needed."""
    usable = tuple(n for n, gauge in enumerate(terrain.gauges) if gauge.station_id in level_m_msl)
    level_m = np.array([level_m_msl[terrain.gauges[n].station_id] for n in usable])
    reach = reach_from(terrain, usable)
    over_m = level_m - terrain.bank_m[list(usable)]
    depth_m = _depth_m(terrain, reach, level_m, over_m, doubt=0.0)
    likely_m = _depth_m(terrain, reach, level_m, over_m, doubt=Z90)
    return Picture(
        depth_m=depth_m.ravel()[terrain.bank_of],
        likely_m=likely_m.ravel()[terrain.bank_of],
        outlines=class_outlines(terrain, depth_m),
    )


def class_outlines(terrain: Terrain, depth_m: Heights) -> dict[int, shapely.MultiPolygon]:
    """The depth classes (1 to 4) as polygons in the terrain's metric system, without specks, gaps or overlaps."""
    grid = terrain.grid
    depth_m = np.nan_to_num(np.where(terrain.is_channel, np.float32(0.0), depth_m), nan=0.0)
    classes = np.where(depth_m > 0, 1 + np.digitize(depth_m, rules.CLASS_BOUNDS_M), 0).astype(np.uint8)
    least_cells = max(round(SPECK_M2 / grid.cell_m**2), 2)
    return outlines(grid, sieved(classes, least_cells=least_cells), tolerance_m=TOLERANCE_CELLS * grid.cell_m)


def prone_ground(terrain: Terrain, *, over_danger_m: float) -> Mask:
    """The ground (rows x columns) that water would reach if every gauge stood so far above its danger level or bank."""
    if not terrain.gauges:
        return np.zeros(terrain.grid.shape, dtype=bool)
    marks_m = [gauge.danger_m_msl if gauge.danger_m_msl is not None else bank_m
               for gauge, bank_m in zip(terrain.gauges, terrain.bank_m, strict=True)]
    reach = reach_from(terrain, tuple(range(len(terrain.gauges))))
    level_m = np.array(marks_m) + over_danger_m
    return _depth_m(terrain, reach, level_m, level_m - np.minimum(terrain.bank_m, marks_m), doubt=0.0) > 0


def _depth_m(terrain: Terrain, reach: Reach, level_m: Floats, over_m: Floats, *, doubt: float) -> Heights:
    """Depths (rows x columns), `doubt` standard deviations above the best estimate."""
    fall_m = FALL_BEYOND_GAUGES * reach.beyond_m
    sigma_level_m = np.hypot(GAUGE_SIGMA_M, SIGMA_PER_M * reach.nearest_m)
    surface_m = reach.weights @ level_m - fall_m + doubt * np.hypot(TERRAIN_SIGMA_M, sigma_level_m)
    is_over = reach.weights @ over_m - fall_m + doubt * sigma_level_m > 0
    overflows = is_over & (reach.weights.sum(axis=1) > 0.5)
    water_m = surface_over_ground(
        grid=terrain.grid, terrain_m=terrain.heights_m, cells=terrain.network.cells[overflows],
        surface_m=surface_m[overflows].astype(np.float32), holds=_holding(terrain, reach),
        fall_m_per_m=FALL_OVER_GROUND,
    )
    depth_m = np.where(np.isnan(water_m), np.float32(0.0), water_m - terrain.heights_m)
    depth_m = np.where(np.isnan(terrain.heights_m), np.float32(np.nan), np.maximum(depth_m, 0.0))
    return depth_m.astype(np.float32)


def _holding(terrain: Terrain, reach: Reach) -> Mask:
    """Channels whose level the gauges know: they keep it and let no other water across."""
    holds = np.zeros(terrain.grid.size, dtype=bool)
    held: Cells = terrain.network.cells[(reach.beyond_m <= HOLDS_WITHIN_M) & (reach.weights.sum(axis=1) > 0.5)]
    holds[held] = True
    return holds.reshape(terrain.grid.shape)
