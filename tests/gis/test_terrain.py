"""Kernels of ground and water: connected, monotonic, without gaps."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gis.exposure import count_by_zone, deepest_by_road, distinct_by_zone, road_pieces
from gis.terrain.chance import chances
from gis.terrain.grid import OUTSIDE, Grid, sample
from gis.terrain.network import network_of, reach_of, snap
from gis.terrain.outline import outlines, sieved
from gis.terrain.pools import DRY, depths_m, inlets_of, pools_of, surface_by_pool
from gis.terrain.raster import labelled_by, touched_by, with_sunken_sides


def grid_of(rows: int, columns: int, cell_m: float = 10.0) -> Grid:
    return Grid(rows=rows, columns=columns, cell_m=cell_m, west_m=600_000.0, north_m=930_000.0, srid=32647)


def surface_over_ground(
    ground_m: np.ndarray, cells: np.ndarray, surface_m: np.ndarray, *, holds: np.ndarray, fall_m_per_m: float,
    shallow_m: float = 0.0,
) -> np.ndarray:
    """The surface of every wet cell (rows x columns), NaN where it is dry or a wall."""
    grid = grid_of(*ground_m.shape)
    pools = pools_of(grid, ground_m.astype(np.float32), holds, shallow_m=shallow_m)
    found_m = surface_by_pool(
        pools, inlets_of(grid, pools, cells), source_m=surface_m.astype(np.float32), fall_m_per_m=fall_m_per_m
    )
    depth_m = depths_m(pools.of_cell, pools.ground_m, found_m)
    is_wet = depth_m > 0
    surface = np.full(ground_m.shape, np.nan, dtype=np.float32)
    surface[is_wet] = found_m[pools.of_cell[is_wet]]
    return surface


def spread_from_first_column(ground_m: np.ndarray, level_m: float, *, fall_m_per_m: float = 0.0) -> np.ndarray:
    rows, columns = ground_m.shape
    cells = (np.arange(rows) * columns).astype(np.int32)
    return surface_over_ground(
        ground_m, cells, np.full(rows, level_m), holds=np.zeros(ground_m.shape, dtype=bool), fall_m_per_m=fall_m_per_m
    )


def test_a_cell_is_found_again_by_its_centre() -> None:
    """Every cell holds its own centre, and a place outside the grid has none."""
    grid = grid_of(7, 5)
    cells = np.arange(grid.size, dtype=np.int32)
    assert (grid.cells_at(*grid.centres_m(cells)) == cells).all()
    assert grid.cells_at(np.array([grid.west_m - 1]), np.array([grid.north_m - 1])).tolist() == [OUTSIDE]


def test_nothing_is_known_outside_the_grid() -> None:
    """A sample outside is the value given for outside, never that of the last cell."""
    found = sample(np.array([1.0, 2.0], dtype=np.float32), np.array([0, OUTSIDE], dtype=np.int32), outside=np.nan)
    assert found[0] == 1.0
    assert np.isnan(found[1])


def test_a_basin_behind_a_closed_levee_stays_dry() -> None:
    """Ground below the water surface stays dry where no water can come, though the levee is one slanting cell wide."""
    ground_m = np.zeros((20, 40))
    for row in range(20):
        ground_m[row, 10 + row] = 5.0
    wet = ~np.isnan(spread_from_first_column(ground_m, 1.0))
    assert wet[:, 9].all()
    assert not any(wet[row, 11 + row :].any() for row in range(20))


def test_water_comes_through_a_gap_in_the_levee() -> None:
    """One low cell in a levee lets the water through to all ground behind it."""
    ground_m = np.zeros((20, 40))
    ground_m[:, 12] = 5.0
    ground_m[7, 12] = 0.0
    wet = ~np.isnan(spread_from_first_column(ground_m, 1.0))
    assert wet[:, 13:].all()


def test_the_surface_falls_on_its_way() -> None:
    """Ground far from the channel is not flooded: the surface falls by the slope times the way, a pool at a time."""
    surface_m = spread_from_first_column(np.zeros((3, 301)), 1.0, fall_m_per_m=5e-4)
    assert surface_m[1, 100] == pytest.approx(0.5, abs=0.02)
    assert np.isnan(surface_m[1, 250])


def test_a_measured_channel_lets_no_water_across() -> None:
    """A canal that is known to be low takes the flood of its neighbour away."""
    ground_m = np.zeros((5, 20), dtype=np.float32)
    holds = np.zeros(ground_m.shape, dtype=bool)
    holds[:, 10] = True
    surface_m = surface_over_ground(
        ground_m, np.array([40], dtype=np.int32), np.array([1.0]), holds=holds, fall_m_per_m=0.0
    )
    assert not np.isnan(surface_m[:, :10]).any()
    assert np.isnan(surface_m[:, 10:]).all()


def test_a_measured_channel_lets_its_own_water_out() -> None:
    """A channel that keeps its level floods both its sides where it stands above them, and no other."""
    ground_m = np.zeros((5, 20), dtype=np.float32)
    ground_m[:, 11:] = 2.0
    holds = np.zeros(ground_m.shape, dtype=bool)
    holds[:, 10] = True
    cells = np.flatnonzero(holds).astype(np.int32)
    surface_m = surface_over_ground(ground_m, cells, np.full(5, 1.0), holds=holds, fall_m_per_m=0.0)
    assert (surface_m[:, :10] == 1.0).all()
    assert np.isnan(surface_m[:, 10:]).all()


@settings(max_examples=40, deadline=None)
@given(
    ground_m=hnp.arrays(np.float32, (12, 15), elements=st.floats(0, 4, width=32)),
    level_m=st.floats(0, 4), rise_m=st.floats(0, 2),
)
def test_more_water_never_makes_less_flood(ground_m: np.ndarray, level_m: float, rise_m: float) -> None:
    """Where a higher level stands, the surface is nowhere lower and no wet cell is dry."""
    low = np.nan_to_num(spread_from_first_column(ground_m, level_m, fall_m_per_m=1e-3), nan=-1e6)
    high = np.nan_to_num(spread_from_first_column(ground_m, level_m + rise_m, fall_m_per_m=1e-3), nan=-1e6)
    assert (high >= low).all()


def _still_water(ground_m: np.ndarray, sources: dict[int, float], holds: np.ndarray) -> np.ndarray:
    """The definition, looked at cell by cell until nothing rises: slow, and plainly what the docstring says."""
    rows, columns = ground_m.shape
    water = np.full(ground_m.shape, DRY, dtype=np.float32)
    near = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))

    def rise(row: int, column: int, level_m: np.float32) -> bool:
        if not (0 <= row < rows and 0 <= column < columns) or holds[row, column]:
            return False
        if level_m <= max(ground_m[row, column], water[row, column]):
            return False
        water[row, column] = level_m
        return True

    for cell, level_m in sources.items():
        for down, right in near:
            rise(cell // columns + down, cell % columns + right, np.float32(level_m))
    has_risen = True
    while has_risen:
        has_risen = any(
            rise(row + down, column + right, water[row, column])
            for row, column in np.ndindex(rows, columns)
            if water[row, column] > DRY
            for down, right in near
        )
    return np.where(water > DRY, water, np.float32(np.nan))


@settings(max_examples=100, deadline=None)
@given(
    ground_m=hnp.arrays(np.float32, (11, 13), elements=st.floats(0, 2, width=32) | st.sampled_from([0.0, 1.0, 2.0])),
    holds=hnp.arrays(bool, (11, 13), elements=st.integers(0, 6).map(lambda n: n == 0)),
    sources=st.dictionaries(st.integers(0, 142), st.floats(0, 3, width=32), min_size=1, max_size=5),
)
def test_the_surface_is_the_one_of_the_definition(
    ground_m: np.ndarray, holds: np.ndarray, sources: dict[int, float]
) -> None:
    """Still water over pools is to the bit what it is cell by cell: the same ground is joined, over the same height."""
    cells, surface_m = np.array(list(sources), dtype=np.int32), np.array(list(sources.values()), dtype=np.float32)
    expected = _still_water(ground_m, sources, holds)
    found = surface_over_ground(ground_m, cells, surface_m, holds=holds, fall_m_per_m=0.0)
    assert np.array_equal(found, expected, equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(
    ground_m=hnp.arrays(np.float32, (11, 13), elements=st.floats(0, 1, width=32)), level_m=st.floats(0, 1, width=32),
    shallow_m=st.floats(1 / 64, 0.25, width=32),
)
def test_shallow_hollows_are_shallow(ground_m: np.ndarray, level_m: float, shallow_m: float) -> None:
    """Where hollows are not told apart, no wet ground is lost, and what is wet besides is no deeper than they are."""
    assume(not (ground_m == np.float32(level_m)).any())  # Water just at a crest may be told to be beyond it, or not.
    cells, holds = np.array([0], dtype=np.int32), np.zeros(ground_m.shape, dtype=bool)
    exact, plain = (
        surface_over_ground(ground_m, cells, np.array([level_m]), holds=holds, fall_m_per_m=0.0, shallow_m=shallow)
        for shallow in (0.0, shallow_m)
    )
    assert (np.isfinite(plain) | ~np.isfinite(exact)).all()
    beside = np.isfinite(plain) & ~np.isfinite(exact)
    first_wet = np.isfinite(exact).any() or not beside.any()
    assert first_wet
    if beside.any():
        assert (level_m - ground_m[beside]).max() <= shallow_m + 1e-6


@settings(max_examples=40, deadline=None)
@given(ground_m=hnp.arrays(np.float32, (12, 15), elements=st.floats(0, 4, width=32)), level_m=st.floats(0, 4))
def test_every_wet_cell_touches_water_by_a_side(ground_m: np.ndarray, level_m: float) -> None:
    """Water reaches a cell only from a wet neighbour on one of its four sides, the channel at last."""
    wet = ~np.isnan(spread_from_first_column(ground_m, level_m))
    reached = np.zeros_like(wet)
    reached[:, 0] = True
    for _ in range(wet.size):
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= wet
        if (grown == reached).all():
            break
        reached = grown
    assert (reached == wet).all()


@settings(max_examples=30, deadline=None)
@given(ground_m=hnp.arrays(np.float32, (12, 15), elements=st.floats(0, 3, width=32)), level_m=st.floats(0.5, 3))
def test_chances_agree_with_the_depths(ground_m: np.ndarray, level_m: float) -> None:
    """Ground that is wet by the best estimate is so with one half or more, in the 90th percentile with a tenth."""
    grid, doubts = grid_of(12, 15), np.array([-2.0, 0.0, 1.2816, 2.0])
    pools = pools_of(grid, ground_m, np.zeros(ground_m.shape, dtype=bool))
    inlets = inlets_of(grid, pools, (np.arange(12) * 15).astype(np.int32))
    surfaces = np.stack(
        [
            surface_by_pool(
                pools, inlets, source_m=np.full(12, level_m + 0.3 * doubt, dtype=np.float32), fall_m_per_m=1e-3
            )
            for doubt in doubts
        ],
        axis=1,
    )
    chance = chances(pools.of_cell, pools.ground_m, surfaces, doubts)
    assert ((chance >= 0.5) == (depths_m(pools.of_cell, pools.ground_m, surfaces[:, 1]) > 0)).all()
    is_wet = depths_m(pools.of_cell, pools.ground_m, surfaces[:, 2]) > 0
    # Ground within a millimetre of the surface may be told either way: 1.2816 is rounded, and so are metres.
    assert is_wet[chance >= 0.101].all()
    assert (chance[is_wet] >= 0.099).all()
    assert (chance <= 0.98).all()


def canal(grid: Grid, *lines: list[tuple[float, float]]) -> np.ndarray:
    shapes = [shapely.LineString([(grid.west_m + x, grid.north_m - y) for x, y in line]) for line in lines]
    return touched_by(grid, shapes)


def gauges_at(grid: Grid, *places: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([grid.west_m + x for x, _ in places]), np.array([grid.north_m - y for _, y in places])


def test_the_surface_falls_evenly_between_two_gauges() -> None:
    """Half way along a canal the level is the mean of the two; beyond the last gauge it is that gauge's."""
    grid = grid_of(20, 101)
    network = network_of(grid, canal(grid, [(0, 105), (1010, 105)]))
    reach = reach_of(network, snap(network, *gauges_at(grid, (105, 105), (905, 105))))
    level_m = reach.weights @ np.array([3.0, 1.0])
    assert level_m[50] == pytest.approx(2.0)
    assert level_m[0] == pytest.approx(3.0)
    assert reach.beyond_m[50] == 0.0
    assert reach.beyond_m[0] == pytest.approx(100.0)
    assert reach.nearest_m[50] == pytest.approx(400.0)


def test_a_side_canal_takes_the_level_of_its_mouth() -> None:
    """A branch without a gauge has the level where it leaves, and the way to it counts as extrapolation."""
    grid = grid_of(60, 101)
    network = network_of(grid, canal(grid, [(0, 105), (1010, 105)], [(505, 105), (505, 595)]))
    reach = reach_of(network, snap(network, *gauges_at(grid, (105, 105), (905, 105))))
    end = int(np.argmin(network.y_m))
    assert (reach.weights @ np.array([3.0, 1.0]))[end] == pytest.approx(2.0, abs=0.05)
    assert reach.beyond_m[end] == pytest.approx(480.0, abs=15.0)


def test_weights_are_shares() -> None:
    """No weight is negative and those of a joined cell add up to one, so a higher gauge never lowers the surface."""
    grid = grid_of(60, 101)
    network = network_of(grid, canal(grid, [(0, 105), (1010, 105)], [(505, 105), (505, 595)], [(905, 105), (905, 300)]))
    reach = reach_of(network, snap(network, *gauges_at(grid, (105, 105), (105, 108), (505, 405), (905, 205))))
    assert (reach.weights >= 0).all()
    assert reach.weights.sum(axis=1) == pytest.approx(1.0)


def test_a_canal_without_gauge_listens_to_near_gauges_only() -> None:
    """A water that no canal joins takes inverse-distance levels from gauges near by, and none from far away."""
    grid = grid_of(20, 801)
    network = network_of(grid, canal(grid, [(0, 55), (300, 55)], [(500, 55), (600, 55)], [(7000, 55), (8000, 55)]))
    reach = reach_of(network, snap(network, *gauges_at(grid, (105, 55))))
    total = reach.weights.sum(axis=1)
    x_m = network.x_m - grid.west_m
    assert (total[x_m < 700] == 1).all()
    assert (total[x_m > 6000] == 0).all()
    assert reach.beyond_m[(x_m > 500) & (x_m < 700)].min() > 300


def test_a_gauge_far_from_water_has_no_place_on_it() -> None:
    """A gauge 500 m off every canal is not forced onto one."""
    grid = grid_of(100, 100)
    network = network_of(grid, canal(grid, [(0, 5), (1000, 5)]))
    assert snap(network, *gauges_at(grid, (500, 505), (500, 25)))[0] == -1


def patchwork(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 5, size=(12, 12))
    return np.kron(coarse, np.ones((6, 6), dtype=int)).astype(np.uint8)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), tolerance_m=st.sampled_from([1.0, 12.0, 40.0]))
def test_classes_leave_no_gap_and_do_not_overlap(seed: int, tolerance_m: float) -> None:
    """Simplified classes are valid, share their borders exactly, and cover together what the cells covered."""
    grid = grid_of(72, 72)
    classes = patchwork(seed)
    smooth = outlines(grid, classes, tolerance_m=tolerance_m)
    parts = list(smooth.values())
    assert all(part.is_valid and part.geom_type == "MultiPolygon" for part in parts)
    together = shapely.union_all(parts)
    assert sum(part.area for part in parts) == pytest.approx(together.area, rel=1e-9)
    assert all(a.intersection(b).area == pytest.approx(0, abs=1e-6) for i, a in enumerate(parts) for b in parts[:i])


def test_specks_go_to_their_surroundings() -> None:
    """A patch smaller than the least size becomes what surrounds it, wet or dry."""
    classes = np.ones((20, 20), dtype=np.uint8)
    classes[5, 5] = 3
    classes[10, 10] = 0
    assert (sieved(classes, least_cells=4) == 1).all()


def test_exposure_equals_point_in_polygon() -> None:
    """Counting homes by cell gives what counting points in the unsimplified polygon gives."""
    grid = grid_of(80, 80)
    rng = np.random.default_rng(7)
    east_m, north_m = grid.west_m + rng.uniform(0, 800, 5000), grid.north_m - rng.uniform(0, 800, 5000)
    wet = patchwork(3)[:80, :80] >= 3
    wet = np.pad(wet, ((0, 8), (0, 8)))
    exact = outlines(grid, wet.astype(np.uint8), tolerance_m=0.0)[1]
    is_wet = wet.ravel()[grid.cells_at(east_m, north_m)]
    counted = count_by_zone(np.zeros(5000, dtype=np.intp), is_wet, 1)
    assert counted.tolist() == [int(shapely.contains_xy(exact, east_m, north_m).sum())]


def test_a_resident_with_two_wet_homes_is_one_person() -> None:
    """Residents are counted once per zone, however many of their homes stand in the water."""
    zone = np.array([0, 0, 1, OUTSIDE], dtype=np.intp)
    owners = distinct_by_zone(zone, np.array([5, 5, 5, 6]), np.ones(4, dtype=bool), 2)
    assert owners.tolist() == [1, 1]


def test_road_pieces_keep_the_length_of_their_road() -> None:
    """The pieces of a road add up to its length, and the deepest of them is the road's depth."""
    grid = grid_of(50, 50)
    roads = [
        shapely.LineString([(grid.west_m + 3, grid.north_m - 3), (grid.west_m + 403, grid.north_m - 303)]),
        shapely.LineString([(grid.west_m - 100, grid.north_m + 5), (grid.west_m - 50, grid.north_m + 5)]),
    ]
    pieces = road_pieces(grid, roads)
    assert np.bincount(pieces.road, weights=pieces.length_m) == pytest.approx([500.0, 50.0])
    depth_m = np.zeros(grid.size, dtype=np.float32)
    depth_m[pieces.cell[10]] = 0.4
    assert deepest_by_road(pieces, depth_m) == pytest.approx([0.4, 0.0])


def test_labels_follow_cell_centres() -> None:
    """A cell belongs to the polygon that holds its centre; polygons are numbered from 1."""
    grid = grid_of(4, 4)
    west, north = grid.west_m, grid.north_m
    boxes = [shapely.box(west + start, north - 40, west + end, north) for start, end in ((0, 14), (26, 40))]
    labels = labelled_by(grid, boxes)
    assert labels[0].tolist() == [1, 0, 0, 2]


def test_a_bed_beside_the_line_is_channel_too() -> None:
    """A river wider than its line, or a few metres off it, is water and not ground; a basin elsewhere is ground."""
    heights_m = np.full((30, 30), 3.0, dtype=np.float32)
    heights_m[:, 14:16] = 0.0
    heights_m[20:28, 22:28] = 1.5
    is_line = np.zeros((30, 30), dtype=bool)
    is_line[:, 13] = True
    assert (np.flatnonzero(with_sunken_sides(is_line, heights_m).any(axis=0)) == [13, 14, 15]).all()
