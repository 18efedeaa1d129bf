"""How likely each spot is wet, from the same water drawn at several doubts (numba; never imported by the API)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from gis.terrain.grid import Cells, Floats, Heights
from gis.terrain.pools import DRY


def chances(of_cell: Cells, ground_m: Heights, surfaces_m: Heights, doubts: Floats) -> Heights:
    """The probability (rows x columns, 0 to 1) that a cell is wet; NaN where `of_cell` has no number.

    `surfaces_m` (numbers x doubts) are the surfaces at rising doubts, standard deviations above the best estimate. A
    cell is wet from the doubt on at which the surface passes its ground, found between two drawn ones on the straight
    line through both depths. Where water comes all at once, over a sill, the line goes on below the first doubt that
    was drawn with water, but not farther than half way to the one before: between the two the sill was passed. Errors
    are taken as normal, and as common to the surface and the ground beneath it.
    """
    chance = np.empty(ground_m.shape, dtype=np.float32)
    _fill(chance.ravel(), of_cell.ravel(), ground_m.ravel(), surfaces_m, doubts)
    return chance


@njit(cache=True, nogil=True)
def _fill(chance: Heights, pool: Cells, ground: Heights, surfaces: Heights, doubts: Floats) -> None:
    last = doubts.size - 1
    for cell in range(chance.size):
        number = pool[cell]
        if number < 0:
            chance[cell] = np.nan
            continue
        if surfaces[number, last] <= ground[cell]:
            chance[cell] = 0.0
            continue
        first = 0
        while surfaces[number, first] <= ground[cell]:
            first += 1
        doubt, above = doubts[first], surfaces[number, first] - ground[cell]
        if first > 0 and surfaces[number, first - 1] > DRY:
            below = ground[cell] - surfaces[number, first - 1]
            doubt = doubts[first - 1] + (doubts[first] - doubts[first - 1]) * below / (below + above)
        elif 0 < first < last and surfaces[number, first + 1] > surfaces[number, first]:
            rise = (surfaces[number, first + 1] - surfaces[number, first]) / (doubts[first + 1] - doubts[first])
            doubt = max(doubts[first] - above / rise, (doubts[first - 1] + doubts[first]) / 2)
        chance[cell] = 0.5 * math.erfc(doubt / math.sqrt(2.0))
