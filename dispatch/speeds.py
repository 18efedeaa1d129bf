"""How fast a vehicle drives on a road, dry or flooded. Arrays in, arrays out; km/h, metres of water."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Free speeds by OpenStreetMap's road class, km/h, in a Thai town at night with people about [assumed].
FREE_KMH = {
    "motorway": 90.0,
    "trunk": 70.0,
    "primary": 55.0,
    "secondary": 45.0,
    "tertiary": 40.0,
    "residential": 25.0,
    "unclassified": 30.0,
    "living_street": 15.0,
    "service": 15.0,
    "track": 12.0,
    "path": 6.0,
    "footway": 5.0,
    "pedestrian": 5.0,
    "steps": 3.0,
}
FREE_KMH_OTHERWISE = 25.0
# Classes that no car drives on; boats float over them and people walk them.
NOT_FOR_CARS = frozenset({"path", "footway", "pedestrian", "steps", "cycleway"})

PREGNOLATO_CLOSED_MM = 300.0
BOAT_KMH = 10.0
# A boat is drawn to the water behind a raised pickup, which fords 0.45 m (AR&R large 4WD, cap 0.50) [assumed].
TRAILER_FORDS_M = 0.45
LAUNCH_S = 300.0
WALK_KMH = 4.5
WADE_KMH = 1.8
WADE_LIMIT_M = 0.5


def pregnolato_kmh(depth_mm: Floats) -> Floats:
    """The speed of an ordinary car in water: v = 0.0009 w² - 0.5529 w + 86.9448 km/h for w < 300 mm, then closed (0).

    Pregnolato et al. 2017, Transportation Research D 55:67-81, doi 10.1016/j.trd.2017.06.020. Never evaluated beyond
    300 mm, where the parabola turns.
    """
    w = np.clip(depth_mm, 0.0, PREGNOLATO_CLOSED_MM)
    speed = 0.0009 * w**2 - 0.5529 * w + 86.9448
    return np.where(depth_mm >= PREGNOLATO_CLOSED_MM, 0.0, speed)


def wheels_kmh(free_kmh: Floats, depth_m: Floats, *, ford_limit_m: float) -> Floats:
    """The speed of a vehicle on wheels: the lower of the road's and the water's; 0 where the water is too deep for it.

    Other vehicles than cars use w' = 300 mm · depth / ford limit in the same formula [assumed].
    """
    equivalent_mm = PREGNOLATO_CLOSED_MM * depth_m / ford_limit_m
    wet_kmh = np.minimum(free_kmh, pregnolato_kmh(equivalent_mm))
    return np.where(depth_m <= 0.0, free_kmh, wet_kmh)


def afloat_kmh(depth_m: Floats, *, floats_from_m: float) -> Floats:
    """The speed of a boat: 10 km/h where it floats, 0 where the water is too shallow: a boat's limits are reversed."""
    return np.where(depth_m >= floats_from_m, BOAT_KMH, 0.0)


def on_foot_kmh(depth_m: Floats, *, wade_limit_m: float) -> Floats:
    """The speed of people: 4.5 km/h on dry ground, 1.8 wading, 0 beyond 0.5 m (AR&R, people in still water)."""
    return np.where(depth_m <= 0.05, WALK_KMH, np.where(depth_m <= wade_limit_m, WADE_KMH, 0.0))
