"""The demo city's streets: a crooked lattice with bridges and lanes, one graph whose pieces share vertices."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from demo.city.channels import SIDE_M, Channel

Floats = NDArray[np.float64]

SPACING_M = 225.0
JITTER_M = 42.0
MAIN_EVERY, MIDDLE_EVERY = 6, 3
BRIDGE_HALF_M = 14.0
KEEP_OFF_WATER_M = 28.0
SMALL_STREETS_THAT_CROSS = 0.25
LANES_PER_STREET = 1.3


@dataclass(frozen=True)
class Piece:
    """A straight piece of street between two vertices, metres from the corner."""

    start: tuple[float, float]
    end: tuple[float, float]
    road_class: str
    name_th: str
    name_en: str
    is_bridge: bool = False

    @property
    def line(self) -> shapely.LineString:
        """The piece as a line."""
        return shapely.LineString([self.start, self.end])


def streets(
    boundary: shapely.Polygon, channels: Sequence[Channel], names: Mapping[str, Any], rng: np.random.Generator
) -> list[Piece]:
    """Every piece of street; all of them can be reached from one another."""
    water = shapely.union_all([channel.line for channel in channels])
    lattice = _lattice(boundary, water, names, rng)
    pieces: list[Piece] = []
    for street in _connected(lattice):
        pieces += _with_lanes(street, water, names, rng)
    return _connected(pieces)


def _lattice(
    boundary: shapely.Polygon, water: shapely.Geometry, names: Mapping[str, Any], rng: np.random.Generator
) -> list[Piece]:
    count = int(SIDE_M / SPACING_M)
    steps = np.arange(count) * SPACING_M + SPACING_M / 2
    even = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)
    places = np.round(_turned(even + rng.uniform(-JITTER_M, JITTER_M, even.shape), degrees=7.0), 2)
    points = shapely.points(places)
    shapely.prepare(boundary)
    is_there = np.asarray(shapely.contains(boundary, points) & (shapely.distance(points, water) > KEEP_OFF_WATER_M))
    pieces: list[Piece] = []
    for axis, (step_i, step_j) in enumerate(((1, 0), (0, 1))):
        for i in range(count - step_i):
            for j in range(count - step_j):
                if is_there[i, j] and is_there[i + step_i, j + step_j]:
                    along = j if axis == 0 else i
                    street = _street(tuple(places[i, j]), tuple(places[i + step_i, j + step_j]), axis, along, names)
                    pieces += _over_water(street, water, rng)
    return pieces


def _turned(places: Floats, *, degrees: float) -> Floats:
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned: Floats = (places - SIDE_M / 2) @ matrix.T + SIDE_M / 2
    return turned


def _street(
    start: tuple[float, float], end: tuple[float, float], axis: int, along: int, names: Mapping[str, Any]
) -> Piece:
    if along % MAIN_EVERY == MIDDLE_EVERY:
        name_th, name_en = names["main"][(2 * (along // MAIN_EVERY) + axis) % len(names["main"])]
        return Piece(start, end, "primary" if axis == 0 else "secondary", name_th, name_en)
    number = 2 * along + axis + 1
    road_class = "tertiary" if along % MIDDLE_EVERY == 0 else "residential"
    return Piece(start, end, road_class, f"{names['street_th']} {number}", f"{names['street_en']} {number}")


def _over_water(street: Piece, water: shapely.Geometry, rng: np.random.Generator) -> list[Piece]:
    """The street as it is on dry land; cut with a bridge in the middle over one water; nothing over two."""
    crossings = shapely.get_coordinates(street.line.intersection(water))
    if len(crossings) == 0:
        return [street]
    is_small = street.road_class == "residential"
    if len(crossings) > 1 or (is_small and rng.random() > SMALL_STREETS_THAT_CROSS):
        return []
    line = street.line
    middle_m = line.project(shapely.Point(crossings[0]))
    if not 2 * BRIDGE_HALF_M < middle_m < line.length - 2 * BRIDGE_HALF_M:
        return []
    on, off = (_vertex(line, middle_m + side) for side in (-BRIDGE_HALF_M, BRIDGE_HALF_M))
    named = (street.road_class, street.name_th, street.name_en)
    return [Piece(street.start, on, *named), Piece(on, off, *named, is_bridge=True), Piece(off, street.end, *named)]


def _vertex(line: shapely.LineString, at_m: float) -> tuple[float, float]:
    point = line.interpolate(at_m)
    return round(point.x, 2), round(point.y, 2)


def _with_lanes(
    street: Piece, water: shapely.Geometry, names: Mapping[str, Any], rng: np.random.Generator
) -> list[Piece]:
    """The street cut where dead-end lanes leave it, and the lanes."""
    line = street.line
    if street.is_bridge or street.road_class == "primary" or line.length < SPACING_M / 2:
        return [street]
    cuts = np.sort(rng.uniform(0.36, 0.64, rng.poisson(LANES_PER_STREET))) * line.length
    cuts = cuts[np.concatenate([[True], np.diff(cuts) > 18.0])] if len(cuts) else cuts
    vertices = [street.start, *(_vertex(line, cut) for cut in cuts), street.end]
    named = (street.road_class, street.name_th, street.name_en)
    pieces = [Piece(one, other, *named) for one, other in itertools.pairwise(vertices)]
    across = np.array([street.start[1] - street.end[1], street.end[0] - street.start[0]]) / line.length
    for number, root in enumerate(vertices[1:-1], start=1):
        reach = rng.choice([-1.0, 1.0]) * rng.uniform(40.0, 72.0)
        tip = (round(root[0] + across[0] * reach, 2), round(root[1] + across[1] * reach, 2))
        lane = Piece(root, tip, "service", f"{names['lane_th']} {street.name_th.split()[-1]}/{number}",
                     f"{names['lane_en']} {street.name_en.split()[-1]}/{number}")
        if lane.line.distance(water) > KEEP_OFF_WATER_M / 2:
            pieces.append(lane)
    return pieces


def _connected(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces of the largest network among them."""
    number: dict[tuple[float, float], int] = {}
    ends = np.array([[number.setdefault(end, len(number)) for end in (p.start, p.end)] for p in pieces])
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(number), len(number)))
    _, label = connected_components(graph, directed=False)
    largest = np.bincount(label[ends[:, 0]]).argmax()
    return [piece for piece, end in zip(pieces, ends, strict=True) if label[end[0]] == largest]
