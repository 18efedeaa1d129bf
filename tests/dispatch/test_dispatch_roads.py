"""Ways through the flood: closed where the water is too deep for the vehicle, reversed for boats, or cut off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch import roads, speeds
from dispatch.roads import Street, Vehicle, Way
from gis.points import LonLat

CAR, TRUCK, BOAT, FOOT = Vehicle("car", 0.30), Vehicle("truck", 0.60), Vehicle("boat", 0.40), Vehicle("foot", 0.50)
WEST, EAST = LonLat(lon=100.00, lat=8.00), LonLat(lon=100.02, lat=8.00)

# Two ways from west to east: straight along street 1 and 2, or round by the north on 3.
STREETS = (
    Street(1, "residential", False, np.array([[100.00, 8.00], [100.01, 8.00]])),
    Street(2, "residential", False, np.array([[100.01, 8.00], [100.02, 8.00]])),
    Street(3, "residential", False, np.array([[100.00, 8.00], [100.00, 8.01], [100.02, 8.01], [100.02, 8.00]])),
)


def _way(depths: dict[int, float], vehicle: Vehicle, *, to: LonLat = EAST, depth_there_m: float = 0.0) -> Way | None:
    graph = roads.build_graph(STREETS)
    net = roads.network(graph, roads.edge_depths(graph, depths), vehicle)
    return roads.way_to(roads.reach(net, WEST), to, depth_at_target_m=depth_there_m)


def test_pregnolato_is_in_millimetres_and_never_turns_up_again() -> None:
    """150 mm give 24.3 km/h; from 300 mm on a car stands still, whatever the parabola does."""
    assert speeds.pregnolato_kmh(np.array([150.0]))[0] == pytest.approx(24.3, abs=0.1)
    assert speeds.pregnolato_kmh(np.array([300.0, 307.0, 600.0, 2000.0])).tolist() == [0.0] * 4
    deeper = speeds.pregnolato_kmh(np.linspace(0.0, 300.0, 301))
    assert (np.diff(deeper) < 0).all()


def test_the_dry_way_is_the_short_one() -> None:
    """Without water the straight street is taken, with its length in metres."""
    way = _way({}, CAR)
    assert way is not None
    assert way.distance_m == pytest.approx(2202, rel=0.01)
    assert way.last_leg_m == pytest.approx(0, abs=1)


def test_a_car_goes_round_deep_water_and_a_truck_fords_it() -> None:
    """At 0.35 m the car takes the long way; the truck, slower, still drives through when that is quicker."""
    car, truck = _way({2: 0.35}, CAR), _way({2: 0.35}, TRUCK)
    assert car is not None
    assert truck is not None
    assert car.distance_m > 4000
    assert truck.distance_m < 2300


def test_a_place_behind_deep_water_is_cut_off_not_far() -> None:
    """With both ways under a metre there is no way, and no number pretends one."""
    assert _way({1: 1.0, 2: 1.0, 3: 1.0}, TRUCK) is None


def test_a_bridge_over_the_flood_stays_open() -> None:
    """Water under a bridge closes nothing."""
    bridged = (STREETS[0], Street(2, "residential", True, STREETS[1].lonlat))
    graph = roads.build_graph(bridged)
    assert roads.edge_depths(graph, {2: 3.0}).max() == 0.0


def test_boats_are_reversed() -> None:
    """Afloat where cars stand still: deep water opens the way, water too shallow for hull and trailer closes it."""
    deep = _way({1: 1.0, 2: 1.0, 3: 1.0}, BOAT)
    assert deep is not None
    assert deep.travel_s > speeds.LAUNCH_S
    never_floats = Vehicle("boat", 1.2)
    assert _way({1: 1.0, 2: 1.0, 3: 1.0}, never_floats) is None
    assert speeds.afloat_kmh(np.array([0.0, 0.39, 0.40, 5.0]), floats_from_m=0.40).tolist() == [0.0, 0.0, 10.0, 10.0]


def test_a_boat_rides_its_trailer_to_the_water() -> None:
    """Dry street first, then a launch, then afloat: one way for both."""
    way = _way({2: 1.0, 3: 1.0}, BOAT)
    assert way is not None
    dry_s = 1101 / (speeds.FREE_KMH["residential"] / 3.6)
    wet_s = 1101 / (speeds.BOAT_KMH / 3.6)
    assert way.travel_s == pytest.approx(dry_s + speeds.LAUNCH_S + wet_s, rel=0.01)


def test_a_house_on_a_flooded_street_is_reached_by_a_last_leg() -> None:
    """250 m into shallow water are waded from the nearest dry corner; in deep water nobody is sent wading."""
    house = LonLat(lon=100.0123, lat=8.0)
    waded = _way({2: 0.7}, TRUCK, to=house, depth_there_m=0.4)
    assert waded is not None
    assert 200 < waded.last_leg_m < 300
    assert _way({2: 0.7}, TRUCK, to=house, depth_there_m=0.7) is None


def test_people_on_foot_wade_to_half_a_metre() -> None:
    """Walking 4.5 km/h, wading 1.8, and not at all beyond 0.5 m."""
    assert speeds.on_foot_kmh(np.array([0.0, 0.3, 0.51]), wade_limit_m=0.5).tolist() == [4.5, 1.8, 0.0]


@given(
    depths=st.dictionaries(st.sampled_from([1, 2, 3]), st.floats(0.0, 2.0)),
    vehicle=st.sampled_from([CAR, TRUCK, FOOT]),
)
def test_no_route_leads_over_a_closed_street(depths: dict[int, float], vehicle: Vehicle) -> None:
    """Whatever the flood, the pieces of a way are all shallow enough for the vehicle."""
    way = _way(depths, vehicle)
    if way is None:
        return
    corners = {tuple(np.round(point, 6)) for point in way.lonlat}
    used = {s.id for s in STREETS if all(tuple(np.round(p, 6)) in corners for p in s.lonlat)}
    assert all(depths.get(street, 0.0) <= vehicle.limit_m for street in used)


def test_parallel_streets_do_not_add_up() -> None:
    """Two streets between the same corners: the faster one counts."""
    twice = (STREETS[0], Street(9, "primary", False, STREETS[0].lonlat))
    graph = roads.build_graph(twice)
    net = roads.network(graph, roads.edge_depths(graph, {}), CAR)
    way = roads.way_to(roads.reach(net, WEST), LonLat(lon=100.01, lat=8.0), depth_at_target_m=0.0)
    assert way is not None
    assert way.travel_s == pytest.approx(1101 / (speeds.FREE_KMH["primary"] / 3.6), rel=0.01)


def test_no_streets_make_no_graph() -> None:
    """An empty city is said, not guessed."""
    with pytest.raises(ValueError, match="at least one street"):
        roads.build_graph([])
