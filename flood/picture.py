"""Levels to water surface, to depth, to classes and outlines (heavy kernels; never imported by the API).

The surface falls evenly between gauges along the canals. Away from every way between gauges, and over the ground, it
falls by a slope, so that ground far from any gauge is not flooded by extrapolation. Canals overflow only where the
level between the gauges stands above the bank; `flood.methods` says how far the water then goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from flood import rules
from flood.ground import Terrain, reach_from
from flood.methods import Channels
from gis.terrain.chance import chances
from gis.terrain.grid import Floats, Heights, Mask
from gis.terrain.network import Reach
from gis.terrain.outline import outlines, sieved
from gis.terrain.pools import depths_m

FALL_BEYOND_GAUGES = 5e-4  # Assumed slope of the water surface beyond the last gauge of a canal.

GAUGE_SIGMA_M = 0.05  # Assumed, one standard deviation: a well-kept pressure or radar gauge with its datum.
SIGMA_PER_M = 5e-5  # Assumed: 5 cm of doubt for each kilometre of canal between a place and the nearest gauge.
Z90 = 1.2816  # The 90th percentile of the normal distribution.
# Doubts (standard deviations) at which the water is drawn to learn how likely each spot is wet.
DOUBTS = (-2.0, -1.2816, -0.6, 0.0, 0.4, 0.8416, Z90, 2.0)

SPECK_M2 = 1500.0  # Smaller patches are noise of the terrain, not something to draw.
TOLERANCE_CELLS = 1.2


@dataclass(frozen=True, eq=False)
class Picture:
    """Depths in metres by cell (flat; 0 dry, NaN where nothing is known), and class outlines.

    `depth_m` is the best estimate, `likely_m` the 90th percentile, `chance` the probability (0 to 1) that the ground is
    wet: at least one half where `depth_m` is above 0, and a tenth where `likely_m` is. A channel's own cell has what
    its bank has; it counts as ground in no outline and no share.
    """

    depth_m: Heights
    likely_m: Heights
    chance: Heights
    outlines: dict[int, shapely.MultiPolygon]


def picture_of(
    terrain: Terrain, level_m_msl: Mapping[int, float], *, sigma_m: Mapping[int, float] | None = None
) -> Picture:
    """The picture at these levels (by station id, metres in the terrain's datum); at least one gauge is needed.

    `sigma_m` is one standard deviation of each level beyond that of a well-kept gauge, as of a forecast.
    """
    channels = channels_at(terrain, level_m_msl, sigma_m=sigma_m or {})
    water = terrain.water
    surfaces = np.stack([water.surfaces_m(channels, doubt=doubt) for doubt in DOUBTS], axis=1)
    depth_m = depths_m(water.decides, water.ground_m, surfaces[:, DOUBTS.index(0.0)])
    likely_m = depths_m(water.decides, water.ground_m, surfaces[:, DOUBTS.index(Z90)])
    chance = chances(water.decides, water.ground_m, surfaces, np.array(DOUBTS))
    for values in (depth_m, likely_m, chance):
        values.ravel()[terrain.channel] = values.ravel()[terrain.bank]
    return Picture(
        depth_m=depth_m.ravel(), likely_m=likely_m.ravel(), chance=chance.ravel(),
        outlines=class_outlines(terrain, depth_m),
    )


def class_outlines(terrain: Terrain, depth_m: Heights) -> dict[int, shapely.MultiPolygon]:
    """The depth classes (1 to 4) as polygons in the terrain's metric system, without specks, gaps or overlaps."""
    grid = terrain.grid
    classes = depth_classes(depth_m)
    classes.ravel()[terrain.channel] = 0
    least_cells = max(round(SPECK_M2 / grid.cell_m**2), 2)
    return outlines(grid, sieved(classes, least_cells=least_cells), tolerance_m=TOLERANCE_CELLS * grid.cell_m)


def depth_classes(depth_m: Heights) -> NDArray[np.uint8]:
    """0 for dry and unknown ground, 1 ankle, 2 knee, 3 waist, 4 above."""
    classes: NDArray[np.uint8] = np.greater(depth_m, 0.0).astype(np.uint8)
    for bound_m in rules.CLASS_BOUNDS_M:
        classes += np.greater_equal(depth_m, np.float32(bound_m))
    return classes


def prone_ground(terrain: Terrain, *, over_danger_m: float) -> Mask:
    """The ground (rows x columns) that water would reach if every gauge stood so far above its danger level or bank."""
    if not terrain.gauges:
        return np.zeros(terrain.grid.shape, dtype=bool)
    marks_m = [gauge.danger_m_msl if gauge.danger_m_msl is not None else bank_m
               for gauge, bank_m in zip(terrain.gauges, terrain.bank_m, strict=True)]
    level_m = np.array(marks_m) + over_danger_m
    over_m = level_m - np.minimum(terrain.bank_m, marks_m)
    channels = _channels(
        reach_from(terrain, _all(terrain)), level_m, over_m, more_sigma_m=np.zeros(len(terrain.gauges))
    )
    water = terrain.water
    is_wet: Mask = depths_m(water.decides, water.ground_m, water.surfaces_m(channels, doubt=0.0)) > 0
    is_wet.ravel()[terrain.channel] = channels.over_m > 0
    return is_wet


def channels_at(terrain: Terrain, level_m_msl: Mapping[int, float], *, sigma_m: Mapping[int, float]) -> Channels:
    """What these levels (by station id) say of the channels; gauges without one are left out."""
    usable = tuple(n for n in _all(terrain) if terrain.gauges[n].station_id in level_m_msl)
    stations = [terrain.gauges[n].station_id for n in usable]
    level_m = np.array([level_m_msl[station] for station in stations])
    more_m = np.array([sigma_m.get(station, 0.0) for station in stations])
    return _channels(
        reach_from(terrain, usable), level_m, level_m - terrain.bank_m[list(usable)], more_sigma_m=more_m
    )


def _all(terrain: Terrain) -> tuple[int, ...]:
    return tuple(range(len(terrain.gauges)))


def _channels(reach: Reach, level_m: Floats, over_m: Floats, *, more_sigma_m: Floats) -> Channels:
    fall_m = FALL_BEYOND_GAUGES * reach.beyond_m
    is_known = reach.weights.sum(axis=1) > 0.5
    return Channels(
        level_m=np.where(is_known, reach.weights @ level_m - fall_m, np.nan),
        over_m=np.where(is_known, reach.weights @ over_m - fall_m, -np.inf),
        # Neighbouring forecasts err together, so their deviations are averaged, not their squares.
        sigma_m=np.hypot(np.hypot(GAUGE_SIGMA_M, SIGMA_PER_M * reach.nearest_m), reach.weights @ more_sigma_m),
    )
