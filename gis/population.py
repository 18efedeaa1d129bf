"""Where the people of a unit live: its total spread over houses, else streets, else bare ground. Pure kernels.

Dasymetric mapping: a total known for an area is given to what people live in, and stays the total. Nobody is counted
twice and nobody is lost: what lies outside the city's data and what has no place at all is told beside the spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Geoms = NDArray[np.object_]

BUILDINGS, STREETS, GROUND = "buildings", "streets", "ground"
# Assumed: with less floor than this a head the footprints are not all there, and a few houses would hold everybody.
LEAST_FLOOR_M2 = 5.0
GROUND_CELL_M = 150.0
STREET_PIECE_M = 100.0
# What the words of OpenStreetMap's `building` say nobody lives in; `yes` and everything else may be a home.
NOT_HOMES = frozenset({
    "school", "university", "college", "kindergarten", "hospital", "clinic", "temple", "church", "mosque", "chapel",
    "shrine", "religious", "pagoda", "monastery", "industrial", "warehouse", "factory", "manufacture", "commercial",
    "retail", "supermarket", "mall", "office", "government", "public", "civic", "train_station", "transportation",
    "parking", "garage", "garages", "carport", "shed", "roof", "hangar", "service", "transformer_tower", "stadium",
    "grandstand", "sports_hall", "sports_centre", "greenhouse", "farm_auxiliary", "barn", "stable", "sty", "hotel",
    "storage_tank", "toilets", "kiosk", "bridge", "bunker", "fire_station", "power", "construction", "ruins",
})
# Assumed: how many homes stand along a street of each class, relative to a residential one.
HOMES_ALONG: Mapping[str, float] = {
    "residential": 1.0, "living_street": 1.0, "unclassified": 0.6, "tertiary": 0.6, "service": 0.5, "road": 0.5,
    "secondary": 0.4, "pedestrian": 0.4, "primary": 0.2, "track": 0.2, "tertiary_link": 0.1,
}


@dataclass(frozen=True)
class Unit:
    """An area of which the number of people is known; `outline` is metric, `reach` the part where homes are known."""

    code: str
    people: int
    outline: BaseGeometry
    reach: BaseGeometry


@dataclass(frozen=True)
class Dwellings:
    """Places where people may live, metric: points and how much each weighs (m2 of floor, m of street)."""

    points: Geoms
    weights: Floats


@dataclass(frozen=True)
class Spread:
    """People by place, metric, all above 0, with the unit and the method of each; and those who have no place here.

    `outside` live in parts of the units of which nothing is known here, by the share of the area.
    """

    points: Geoms
    people: Whole
    unit_codes: tuple[str, ...]
    methods: tuple[str, ...]
    outside: int

    @property
    def by_method(self) -> dict[str, int]:
        """How many people were spread by each method."""
        methods = np.array(self.methods)
        return {method: int(self.people[methods == method].sum()) for method in sorted(set(self.methods))}


def spread(units: Sequence[Unit], *, homes: Dwellings, streets: Dwellings) -> Spread:
    """Every unit's people on its homes, else along its streets, else over its ground; units share no people.

    For each unit, the sum over its places and its part of `outside` is its total, to the person.
    """
    parts = [_of_unit(unit, homes=homes, streets=streets) for unit in units]
    outside = sum(unit.people - int(people.sum()) for unit, (_, people, _) in zip(units, parts, strict=True))
    some = [(unit.code, *part) for unit, part in zip(units, parts, strict=True) if len(part[0])]
    return Spread(
        points=np.concatenate([points for _, points, _, _ in some]) if some else np.array([], dtype=object),
        people=np.concatenate([people for _, _, people, _ in some]) if some else np.array([], dtype=np.int64),
        unit_codes=tuple(code for code, points, _, _ in some for _ in range(len(points))),
        methods=tuple(method for _, points, _, method in some for _ in range(len(points))),
        outside=outside,
    )


def _of_unit(unit: Unit, *, homes: Dwellings, streets: Dwellings) -> tuple[Geoms, Whole, str]:
    inside = shapely.intersection(unit.outline, unit.reach)
    share = inside.area / unit.outline.area if unit.outline.area else 0.0
    people = min(unit.people, round(unit.people * share))
    points, weights, method = _places(inside, people, homes, streets)
    counts = whole_shares(people, weights)
    is_lived_in = counts > 0
    return points[is_lived_in], counts[is_lived_in], method


def _places(
    inside: BaseGeometry, people: int, homes: Dwellings, streets: Dwellings
) -> tuple[Geoms, Floats, str]:
    if inside.is_empty or people == 0:
        return np.array([], dtype=object), np.array([]), GROUND
    points, weights = _within(homes, inside)
    if weights.sum() >= LEAST_FLOOR_M2 * people:
        return points, weights, BUILDINGS
    points, weights = _within(streets, inside)
    if weights.sum() > 0:
        return points, weights, STREETS
    points = ground_points(inside)
    return points, np.ones(len(points)), GROUND


def _within(places: Dwellings, area: BaseGeometry) -> tuple[Geoms, Floats]:
    shapely.prepare(area)
    is_in = shapely.intersects(area, places.points)
    return places.points[is_in], places.weights[is_in]


def whole_shares(total: int, weights: Floats) -> Whole:
    """The total in whole parts as near to the weights' shares as can be (largest remainder); they sum to the total.

    No weights, or none above 0: no parts, all 0.
    """
    if not len(weights) or weights.sum() <= 0:
        return np.zeros(len(weights), dtype=np.int64)
    exact = total * (weights / weights.sum())
    parts: Whole = np.floor(exact).astype(np.int64)
    missing = total - int(parts.sum())
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[:missing]] += 1
    return parts


def ground_points(area: BaseGeometry) -> Geoms:
    """Points 150 m apart over the area; one inside it where it is smaller than that."""
    west, south, east, north = area.bounds
    half = GROUND_CELL_M / 2
    easts, norths = np.meshgrid(
        np.arange(west + half, east, GROUND_CELL_M), np.arange(south + half, north, GROUND_CELL_M)
    )
    points = shapely.points(easts.ravel(), norths.ravel())
    shapely.prepare(area)
    points = points[shapely.intersects(area, points)] if len(points) else points
    return points if len(points) else np.array([area.representative_point()], dtype=object)


def homes_of(footprints: Geoms, kinds: Sequence[str], levels: Sequence[int | None]) -> Dwellings:
    """The buildings that people may live in, by floor: the footprint's m2 times its levels, one where unknown."""
    may_be = np.array([kind not in NOT_HOMES for kind in kinds], dtype=bool)
    floors = np.array([level or 1 for level in levels], dtype=np.float64)
    points = shapely.point_on_surface(footprints[may_be]) if may_be.any() else np.array([], dtype=object)
    return Dwellings(points=points, weights=(shapely.area(footprints) * floors)[may_be])


def along_streets(lines: Geoms, classes: Sequence[str]) -> Dwellings:
    """The streets in pieces of at most 100 m, by length and by how many homes stand along their class."""
    cut = shapely.segmentize(lines, STREET_PIECE_M)
    corners, street = shapely.get_coordinates(cut, return_index=True)
    is_piece = street[1:] == street[:-1]
    start, end = corners[:-1][is_piece], corners[1:][is_piece]
    along = np.array([HOMES_ALONG.get(name, 0.0) for name in classes], dtype=np.float64)
    weights = np.hypot(*(end - start).T) * along[street[1:][is_piece]]
    is_lived_on = weights > 0
    return Dwellings(points=shapely.points((start + end)[is_lived_on] / 2), weights=weights[is_lived_on])
