"""Two methods behind one interface: connected water on flat land, height above the drain in the foothills."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from flood.methods import Channels, HandByReach, WaterOver, water_over
from gis.terrain.grid import Grid
from gis.terrain.hydrology import drainage_of
from gis.terrain.pools import depths_m
from gis.terrain.reaches import NO_CHANNEL, channel_of, is_foothill

SIDE, CELL_M = 60, 10.0
GRID = Grid(rows=SIDE, columns=SIDE, cell_m=CELL_M, west_m=600_000.0, north_m=930_000.0, srid=32647)
CHANNEL = (np.arange(SIDE) * SIDE + SIDE // 2).astype(np.int32)


def valley(*, slope: float, along: float) -> np.ndarray:
    """A valley whose sides rise by `slope` from a channel in the middle column that falls by `along` to the south."""
    across_m = np.abs(np.arange(SIDE) - SIDE // 2) * CELL_M * slope
    down_m = (SIDE - np.arange(SIDE)) * CELL_M * along
    ground = (10.0 + across_m[None, :] + down_m[:, None]).astype(np.float32)
    ground[:, SIDE // 2] -= 1.0
    return ground


def ready(ground_m: np.ndarray) -> WaterOver:
    holds = np.zeros(GRID.shape, dtype=bool)
    holds.ravel()[CHANNEL] = True
    return water_over(GRID, ground_m, holds=holds, channel=CHANNEL, bank=CHANNEL + 1)


def depth_at(water: WaterOver, ground_m: np.ndarray, over_m: float, *, doubt: float = 0.0) -> np.ndarray:
    bank_m = ground_m.ravel()[CHANNEL + 1]
    channels = Channels(
        level_m=(bank_m + over_m).astype(float), over_m=np.full(SIDE, over_m), sigma_m=np.full(SIDE, 0.05)
    )
    return depths_m(water.decides, water.ground_m, water.surfaces_m(channels, doubt=doubt))


def test_a_foothill_floods_as_high_as_its_channel_stands_over_its_bank() -> None:
    """On a slope, ground is wet where it lies less above its channel's bank than the channel's stage."""
    ground_m = valley(slope=0.05, along=0.005)
    water = ready(ground_m)
    assert any(isinstance(method, HandByReach) for method in water.methods)
    assert (water.decides >= water.methods[0].count).mean() > 0.9
    wet = depth_at(water, ground_m, 1.2)[SIDE // 2]
    # The bank is the first cell, the next two lie 0.5 and 1.0 m above it, the fourth 1.5 m.
    assert wet[SIDE // 2 + 1 : SIDE // 2 + 5].tolist() == pytest.approx([1.2, 0.7, 0.2, 0.0], abs=0.06)
    assert not (wet[SIDE // 2 + 5 :] > 0).any()


def test_a_foothill_stays_dry_below_the_bank() -> None:
    """A channel below its bank floods no slope."""
    ground_m = valley(slope=0.05, along=0.03)
    assert not (depth_at(ready(ground_m), ground_m, -0.2) > 0).any()


def test_flat_land_has_one_method() -> None:
    """On a plain, HAND decides nowhere: it says nothing of who is joined to whom."""
    ground_m = valley(slope=0.0005, along=0.0002)
    assert not is_foothill(GRID, ground_m).any()
    assert len(ready(ground_m).methods) == 1


def test_more_doubt_never_makes_less_water() -> None:
    """Both methods rise with the doubt and with the stage."""
    for ground_m in (valley(slope=0.05, along=0.03), valley(slope=0.0005, along=0.0002)):
        water = ready(ground_m)
        depths = [
            np.nan_to_num(depth_at(water, ground_m, over_m, doubt=doubt)) for over_m in (0.2, 0.6) for doubt in (0, 1)
        ]
        assert (depths[1] >= depths[0]).all()
        assert (depths[2] >= depths[0]).all()
        assert (depths[3] >= depths[2]).all()


def test_a_road_bank_is_no_foothill() -> None:
    """A bank of two metres across a plain is steep and yet no slope that water runs down to a channel."""
    ground_m = valley(slope=0.0005, along=0.0002)
    ground_m[10:12] += 2.0
    assert not is_foothill(GRID, ground_m).any()


@settings(max_examples=30, deadline=None)
@given(ground_m=hnp.arrays(np.float32, (9, 11), elements=st.floats(0, 5, width=32)), seed=st.integers(0, 99))
def test_each_cell_knows_the_first_channel_on_its_way(ground_m: np.ndarray, seed: int) -> None:
    """Walking cell by cell along the directions ends at the same channel cell, or at none."""
    is_channel = np.random.default_rng(seed).random(ground_m.shape) < 0.15
    directions = drainage_of(ground_m, threshold=1).directions
    steps = {1: (0, 1), 2: (1, 1), 4: (1, 0), 8: (1, -1), 16: (0, -1), 32: (-1, -1), 64: (-1, 0), 128: (-1, 1)}
    found = channel_of(directions, is_channel)
    for start in np.ndindex(*ground_m.shape):
        row, column = start
        while not is_channel[row, column] and int(directions[row, column]) in steps:
            down, right = steps[int(directions[row, column])]
            row, column = row + down, column + right
        expected = row * ground_m.shape[1] + column if is_channel[row, column] else NO_CHANNEL
        assert found[start] == expected

