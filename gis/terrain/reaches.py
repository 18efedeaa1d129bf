"""Which channel each cell drains to, and where the ground is that of foothills (numba; never imported by the API).

On sloping ground water goes back to the channel that its own water runs to, so a cell is wet when its channel stands
higher over its bank than the cell lies above it (HAND with a stage for each reach: Nobre et al. 2011, Journal of
Hydrology 404; Liu et al. 2018, JAWRA 54).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from gis.terrain.accumulation import steps_by_code
from gis.terrain.directions import NOWHERE, OUTLET, Directions
from gis.terrain.grid import Cells, Grid, Heights, Mask

Numbers = NDArray[np.int64]

NO_CHANNEL = -1
SLOPE_OVER_M = 200.0  # A slope is a foothill's when it goes on so far, not where a road is banked.
FOOTHILL_SLOPE = 0.01  # Assumed: one metre in a hundred; deltas and coastal plains have a tenth of that.


def channel_of(directions: Directions, is_channel: Mask) -> Cells:
    """For each cell (rows x columns) the first channel cell on its water's way (flat), `NO_CHANNEL` where none is."""
    found = np.full(directions.size, np.int32(-2), dtype=np.int32)
    _follow(directions.ravel(), is_channel.ravel(), steps_by_code(directions.shape[1]), found)
    return found.reshape(directions.shape)


def is_foothill(grid: Grid, heights_m: Heights) -> Mask:
    """Where the ground (metres, NaN unknown) rises or falls by 1 % or more over 100 m to any side.

    Heights are means over 200 m, so that a banked road across a plain is no hill.
    """
    cells = max(round(SLOPE_OVER_M / grid.cell_m), 2)
    known = np.isfinite(heights_m)
    share = uniform_filter(known.astype(np.float32), cells, mode="nearest")
    smooth = uniform_filter(np.where(known, heights_m, np.float32(0.0)), cells, mode="nearest")
    smooth = np.divide(smooth, share, out=np.zeros_like(smooth), where=share > 0)
    away = cells // 2
    rise_m = np.float32(FOOTHILL_SLOPE * away * grid.cell_m)
    down = np.abs(smooth[away:] - smooth[:-away]) >= rise_m
    right = np.abs(smooth[:, away:] - smooth[:, :-away]) >= rise_m
    steep = np.zeros(grid.shape, dtype=bool)
    steep[away:] |= down
    steep[:-away] |= down
    steep[:, away:] |= right
    steep[:, :-away] |= right
    return steep & known


@njit(cache=True, nogil=True)
def _follow(code: Directions, is_channel: Mask, steps: Numbers, found: Cells) -> None:
    """`found` is -2 where nothing is known yet; each way is walked once."""
    way = np.empty(code.size, np.int32)
    for start in range(code.size):
        cell, length = start, 0
        while found[cell] == -2:
            if is_channel[cell]:
                found[cell] = cell
            elif code[cell] == OUTLET or code[cell] == NOWHERE:
                found[cell] = NO_CHANNEL
            else:
                way[length] = cell
                length += 1
                cell += steps[code[cell]]
        for place in range(length):
            found[way[place]] = found[cell]
