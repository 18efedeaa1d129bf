"""Drainage is what its definition says, cell by cell, however the raster is cut into tiles."""

from __future__ import annotations

from collections import deque

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gis.terrain.accumulation import accumulate
from gis.terrain.directions import CODES, CORNER, DOWN, NOWHERE, OUTLET, RIGHT
from gis.terrain.hydrology import Drainage, drainage_of
from gis.terrain.tiles import NOTHING, Tiling

Cell = tuple[int, int]

# Few different heights make plateaus, ties and lakes; -0.0 is a height that equals another one but has other bits.
heights = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 2.0, 3.0]), st.floats(-5, 50, width=32), st.just(float("nan")), st.just(1.0)
)
terrains = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=heights)


def _near(ground_m: np.ndarray, cell: Cell) -> list[tuple[int, Cell, float]]:
    """The neighbours in the order of ties, with their code and what a fall to them counts; NaN beyond the raster."""
    return [
        (int(code), (cell[0] + int(down), cell[1] + int(right)), 1.0 if 0 in (down, right) else float(CORNER))
        for code, down, right in zip(CODES, DOWN, RIGHT, strict=True)
    ]


def _height(ground_m: np.ndarray, cell: Cell) -> float:
    is_inside = 0 <= cell[0] < ground_m.shape[0] and 0 <= cell[1] < ground_m.shape[1]
    return float(ground_m[cell]) if is_inside else float("nan")


def _is_outlet(ground_m: np.ndarray, cell: Cell) -> bool:
    return any(np.isnan(_height(ground_m, near)) for _, near, _ in _near(ground_m, cell))


def _filled(ground_m: np.ndarray) -> np.ndarray:
    """Lowered from above until nothing falls any more: the greatest surface from which water can leave everywhere."""
    filled = np.full(ground_m.shape, np.inf, np.float32)
    filled[np.isnan(ground_m)] = np.nan
    has_fallen = True
    while has_fallen:
        has_fallen = False
        for cell in zip(*np.nonzero(~np.isnan(ground_m)), strict=True):
            ways = [_height(filled, near) for _, near, _ in _near(filled, cell)]
            level = ground_m[cell] if _is_outlet(ground_m, cell) else max(ground_m[cell], min(ways))
            if level < filled[cell]:
                filled[cell], has_fallen = level, True
    return filled + np.float32(0.0)


def _directions(filled: np.ndarray) -> np.ndarray:
    towards = np.full(filled.shape, NOWHERE)
    steps_off: dict[Cell, int] = {}
    for cell in zip(*np.nonzero(~np.isnan(filled)), strict=True):
        best = np.float32(0)
        for code, near, weight in _near(filled, cell):
            fall = (filled[cell] - np.float32(_height(filled, near))) * np.float32(weight)
            if fall > best:
                best, towards[cell] = fall, code
        if best == 0 and _is_outlet(filled, cell):
            towards[cell] = OUTLET
        if towards[cell] != NOWHERE:
            steps_off[cell] = 0
    waiting = deque(steps_off)
    while waiting:
        cell = waiting.popleft()
        for _, near, _ in _near(filled, cell):
            if near not in steps_off and _height(filled, near) == filled[cell]:
                steps_off[near] = steps_off[cell] + 1
                waiting.append(near)
    for cell, distance in steps_off.items():
        if distance:
            towards[cell] = next(
                code for code, near, _ in _near(filled, cell)
                if _height(filled, near) == filled[cell] and steps_off[near] == distance - 1
            )
    return towards


def _way(towards: np.ndarray, cell: Cell) -> list[Cell]:
    """The cell and all that its water passes, to its outlet."""
    way = [cell]
    while towards[way[-1]] != OUTLET:
        turn = int(np.flatnonzero(towards[way[-1]] == CODES)[0])
        way.append((way[-1][0] + int(DOWN[turn]), way[-1][1] + int(RIGHT[turn])))
        assert len(way) <= towards.size, "water goes round in a circle"
    return way


def _by_definition(ground_m: np.ndarray, threshold: int) -> Drainage:
    filled = _filled(ground_m)
    towards = _directions(filled)
    counts = np.zeros(filled.shape, np.int32)
    ways = {cell: _way(towards, cell) for cell in zip(*np.nonzero(towards != NOWHERE), strict=True)}
    for way in ways.values():
        for cell in way:
            counts[cell] += 1
    above = np.full(filled.shape, np.nan, np.float32)
    for cell, way in ways.items():
        drain = next((passed for passed in way if counts[passed] >= threshold), None)
        if drain is not None:
            above[cell] = filled[cell] - filled[drain]
    return Drainage(filled, towards, counts, above)


def _bits(drainage: Drainage) -> list[bytes]:
    layers = (drainage.filled_m, drainage.directions, drainage.accumulation, drainage.above_drain_m)
    return [np.ascontiguousarray(layer).tobytes() for layer in layers]


def _assert_same(found: Drainage, wanted: Drainage) -> None:
    np.testing.assert_array_equal(found.filled_m, wanted.filled_m)
    np.testing.assert_array_equal(found.directions, wanted.directions)
    np.testing.assert_array_equal(found.accumulation, wanted.accumulation)
    np.testing.assert_array_equal(found.above_drain_m, wanted.above_drain_m)


@settings(max_examples=50)
@given(ground_m=terrains, side=st.integers(1, 10), threshold=st.integers(1, 12))
def test_every_tiling_gives_what_the_definition_says(ground_m: np.ndarray, side: int, threshold: int) -> None:
    """Filled, directions, counts and heights above drains are those of the definition, in tiles of every size."""
    _assert_same(drainage_of(ground_m, threshold=threshold, side=side), _by_definition(ground_m, threshold))


@settings(max_examples=20)
@given(
    ground_m=hnp.arrays(np.float32, (9, 12), elements=heights), sides=st.tuples(st.integers(1, 13), st.integers(1, 13))
)
def test_two_tilings_agree_to_the_bit(ground_m: np.ndarray, sides: tuple[int, int]) -> None:
    """The same bytes come out for any two sizes of tile, down to tiles of one cell."""
    one, other = (drainage_of(ground_m, threshold=5, side=side) for side in sides)
    assert _bits(one) == _bits(other)


def test_a_lake_over_many_tiles_drains_by_its_spill() -> None:
    """On level ground that winds through many tiles every cell finds the one way out."""
    ground_m = np.full((14, 14), 9.0, np.float32)
    for row in range(1, 13, 2):  # A channel to and fro, each turn at the other end.
        ground_m[row, 1:13] = 1.0
        ground_m[row + 1, 12 if row % 4 == 1 else 1] = 1.0
    ground_m[0, 1] = 0.0
    wanted = _by_definition(ground_m, 10)
    assert (wanted.filled_m[1:12][ground_m[1:12] == 1.0] == 1.0).all()
    assert wanted.accumulation[0, 1] > 80
    for side in (1, 3, 5, 14):
        _assert_same(drainage_of(ground_m, threshold=10, side=side), wanted)


def test_a_way_that_meets_no_stream_has_no_height() -> None:
    """Such a cell is told apart: it is not given the height above its outlet."""
    ground_m = np.add.outer(np.zeros(5), np.arange(6.0)).astype(np.float32)
    found = drainage_of(ground_m, threshold=7, side=4)
    assert np.isnan(found.above_drain_m).all()
    assert (drainage_of(ground_m, threshold=6, side=4).above_drain_m[2] == np.arange(6.0)).all()


@settings(max_examples=20)
@given(ground_m=terrains)
def test_no_height_above_a_drain_is_negative(ground_m: np.ndarray) -> None:
    """Heights and ways come from one surface, on which water never climbs."""
    above_m = drainage_of(ground_m, threshold=3, side=5).above_drain_m
    assert not (above_m[~np.isnan(above_m)] < 0).any()


def test_a_basin_of_billions_of_cells_is_counted_in_64_bits() -> None:
    """Where a count could pass 2**31 the counts are wide, and the kernels count in them as they do in narrow ones."""
    assert Tiling(rows=46_340, columns=46_340, side=1024).count_layer == "accumulation"
    assert Tiling(rows=46_341, columns=46_341, side=1024).count_layer == "accumulation_wide"
    towards = np.full((3, 6), NOWHERE)
    towards[1, 1:5] = 1
    counts = np.empty(towards.shape, NOTHING["accumulation_wide"].dtype)
    accumulate(towards, np.array([8]), np.array([2**40]), counts)
    assert counts[1].tolist() == [0, 1, 2**40 + 2, 2**40 + 3, 2**40 + 4, 2**40 + 4]


def test_a_terrain_of_nothing_drains_nowhere() -> None:
    """Where nothing is known nothing is said."""
    found = drainage_of(np.full((9, 7), np.nan, np.float32), threshold=1, side=4)
    assert (found.directions == NOWHERE).all()
    assert (found.accumulation == 0).all()
    assert np.isnan(found.filled_m).all()
    assert np.isnan(found.above_drain_m).all()
