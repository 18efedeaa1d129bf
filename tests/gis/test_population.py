"""People are spread over where they live: to the person, by a method that is told."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis import population
from gis.population import Dwellings, Unit

SQUARE = shapely.box(0.0, 0.0, 1000.0, 1000.0)
NOWHERE = Dwellings(points=np.array([], dtype=object), weights=np.array([]))


def houses(*places: tuple[float, float, float]) -> Dwellings:
    """Dwellings at east, north, with floor in m2."""
    return Dwellings(
        points=shapely.points([place[:2] for place in places]), weights=np.array([place[2] for place in places])
    )


@given(total=st.integers(0, 100_000), weights=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=50))
def test_whole_shares_sum_to_the_total(total: int, weights: list[float]) -> None:
    """Nobody is lost to rounding, and no share is off by a whole person."""
    at = np.array(weights)
    shares = population.whole_shares(total, at)
    if at.sum() <= 0:
        assert shares.sum() == 0
        return
    assert shares.sum() == total
    assert (np.abs(shares - total * (at / at.sum())) < 1.0 + 1e-6).all()


@given(
    totals=st.lists(st.integers(0, 5000), min_size=1, max_size=6),
    spots=st.lists(st.tuples(st.floats(1, 5999), st.floats(1, 999), st.floats(10.0, 50_000.0)), max_size=20),
    reach_m=st.floats(100.0, 6000.0),
)
def test_every_unit_keeps_its_people(
    totals: list[int], spots: list[tuple[float, float, float]], reach_m: float
) -> None:
    """Placed and outside together are the unit's total, whatever houses there are and however far the data reach."""
    reach = shapely.box(0.0, 0.0, reach_m, 1000.0)
    units = [
        Unit(str(i), people, shapely.box(i * 1000.0, 0.0, (i + 1) * 1000.0, 1000.0), reach)
        for i, people in enumerate(totals)
    ]
    found = population.spread(units, homes=houses(*spots) if spots else NOWHERE, streets=NOWHERE)
    assert int(found.people.sum()) + found.outside == sum(totals)
    assert (found.people > 0).all()
    for point, code in zip(found.points, found.unit_codes, strict=True):
        assert units[int(code)].outline.intersects(point)


def test_floor_decides_and_where_it_is_missing_the_streets_do() -> None:
    """Twice the floor, twice the people; two houses for a thousand people are no houses, but streets."""
    homes = houses((100.0, 100.0, 2000.0), (900.0, 900.0, 1000.0))
    lines = np.array([shapely.LineString([(0.0, 500.0), (1000.0, 500.0)])], dtype=object)
    streets = population.along_streets(lines, ["residential"])
    found = population.spread([Unit("a", 300, SQUARE, SQUARE)], homes=homes, streets=streets)
    assert found.people.tolist() == [200, 100]
    crowded = population.spread([Unit("a", 10_000, SQUARE, SQUARE)], homes=homes, streets=streets)
    assert crowded.by_method == {"streets": 10_000}
    assert len(crowded.people) == 10
    bare = population.spread([Unit("a", 10_000, SQUARE, SQUARE)], homes=NOWHERE, streets=NOWHERE)
    assert bare.by_method == {"ground": 10_000}


def test_a_unit_across_the_edge_is_split_by_its_area() -> None:
    """Of a unit of which 37 % lies inside, 37 % of the people are placed and the others told."""
    unit = Unit("a", 1000, SQUARE, shapely.box(0.0, 0.0, 370.0, 1000.0))
    found = population.spread([unit], homes=houses((100.0, 100.0, 9000.0), (900.0, 100.0, 9000.0)), streets=NOWHERE)
    assert (int(found.people.sum()), found.outside) == (370, 630)


def test_nobody_lives_in_a_school_and_levels_count() -> None:
    """A house of two storeys holds twice one of the same ground; an unknown number of storeys is one."""
    footprints = np.array([shapely.box(0, 0, 10, 10)] * 3, dtype=object)
    found = population.homes_of(footprints, ["yes", "school", "house"], [None, 4, 2])
    assert found.weights.tolist() == [100.0, 200.0]


def test_nobody_lives_on_a_motorway() -> None:
    """Streets count by length and by what stands along them."""
    lines = np.array([shapely.LineString([(0, y), (250, y)]) for y in (0, 1)], dtype=object)
    found = population.along_streets(lines, ["motorway", "residential"])
    assert found.weights.sum() == 250.0
