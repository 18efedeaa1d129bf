"""Which ground of each community can flood, as zones (heavy kernels; only at import)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from scipy.ndimage import binary_closing

from flood.ground import Terrain
from flood.picture import prone_ground
from gis.terrain.grid import Cells, Floats
from gis.terrain.outline import outlines, sieved
from gis.terrain.raster import labelled_by

OVER_DANGER_M = 1.5  # Assumed: the highest water worth planning for, above every gauge's danger level.
PATCH_M2 = 10_000.0  # Smaller patches and dry islands go to their surroundings: people there are cut off too.
LEAST_M2 = 20_000.0
LEAST_HOMES = 20
TOLERANCE_CELLS = 2.0


def zone_shapes(terrain: Terrain, communities: Sequence[bytes], homes: tuple[Floats, Floats]) -> dict[int, bytes]:
    """WKB (metric) of the ground that can flood, by the number of the community; communities without any are absent.

    Zones share their borders and never overlap. A zone has at least `LEAST_HOMES` homes (east, north) or `LEAST_M2`.
    """
    if not communities:
        return {}
    grid = terrain.grid
    labels = labelled_by(grid, list(shapely.from_wkb(list(communities))))
    prone = prone_ground(terrain, over_danger_m=OVER_DANGER_M)
    prone = prone | (terrain.is_channel & binary_closing(prone | terrain.is_channel, iterations=2))
    zones = sieved(np.where(prone, labels, 0), least_cells=max(round(PATCH_M2 / grid.cell_m**2), 2))
    zones = np.where(labels > 0, zones, 0).astype(np.int32)
    kept = _worth_it(zones, grid.cells_at(*homes), cell_m2=grid.cell_m**2, count=len(communities))
    shapes = outlines(grid, np.where(np.isin(zones, kept), zones, 0), tolerance_m=TOLERANCE_CELLS * grid.cell_m)
    return {number - 1: shape.wkb for number, shape in shapes.items()}


def _worth_it(zones: Cells, home_cells: Cells, *, cell_m2: float, count: int) -> list[int]:
    area_m2 = np.bincount(zones.ravel(), minlength=count + 1) * cell_m2
    inside = home_cells[home_cells >= 0]
    homes = np.bincount(zones.ravel()[inside], minlength=count + 1)
    return [n for n in range(1, count + 1) if area_m2[n] >= LEAST_M2 or homes[n] >= LEAST_HOMES]
