"""The streets as a graph and the fastest ways through the water. Pure kernels over arrays; only workers import this.

A boat travels on its trailer where the road is passable, is launched where the water carries it, and floats from
there: two layers of the same streets, joined by launching. Distances in metres, times in seconds, depths in metres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from dispatch import speeds
from gis.points import LonLat

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
EARTH_RADIUS_M = 6_371_000.0
SAME_PLACE_DECIMALS = 7  # 1e-7 degrees are a centimetre: pieces of street that meet share this vertex.
PIECE_M = 100.0
SNAP_M = 60.0  # Further than half a piece and a front garden: a last leg worth a word.
LAST_LEG_LIMIT_M = 400.0
AFLOAT_LEG_KMH = 5.0


@dataclass(frozen=True)
class Street:
    """A piece of street: its id, OpenStreetMap class, whether it is a bridge, and its vertices (n x 2, lon lat)."""

    id: int
    road_class: str
    is_bridge: bool
    lonlat: Floats


@dataclass(frozen=True, eq=False)
class RoadGraph:
    """Nodes are the streets' vertices, edges the pieces between; all arrays by edge but `node_*` (by node)."""

    node_lonlat: Floats
    node_m: Floats
    tail: Ints
    head: Ints
    length_m: Floats
    free_kmh: Floats
    is_for_cars: NDArray[np.bool_]
    street: Ints
    street_ids: tuple[int, ...]
    bridges: frozenset[int]
    tree: cKDTree
    metres_per_degree: Floats

    @property
    def node_count(self) -> int:
        """How many nodes there are."""
        return len(self.node_lonlat)

    def to_metres(self, place: LonLat) -> Floats:
        """The place in the graph's own plane, metres (equirectangular about the city; 0.1 % over 20 km)."""
        plane: Floats = np.array([place.lon, place.lat]) * self.metres_per_degree
        return plane


@dataclass(frozen=True)
class Vehicle:
    """How a crew travels: `kind` car, truck, boat or foot; `limit_m` the deepest ford, for a boat the shallowest."""

    kind: str
    limit_m: float


@dataclass(frozen=True)
class Way:
    """A way to a place: time and length by road, the last leg beside the road, and the line (n x 2, lon lat)."""

    travel_s: float
    distance_m: float
    last_leg_m: float
    lonlat: Floats


def build_graph(streets: Sequence[Street]) -> RoadGraph:
    """The graph of the streets; streets that share a vertex meet there. Raises ValueError without any street."""
    if not streets:
        raise ValueError("A graph needs at least one street.")
    lines = [_dense(street.lonlat) for street in streets]
    coordinates = np.concatenate(lines)
    keys = np.round(coordinates, SAME_PLACE_DECIMALS)
    node_lonlat, node = np.unique(keys, axis=0, return_inverse=True)
    node = node.reshape(-1).astype(np.int64)
    counts = np.array([len(line) for line in lines])
    street_of_vertex = np.repeat(np.arange(len(streets)), counts)
    joins = street_of_vertex[:-1] == street_of_vertex[1:]
    tail, head, street = node[:-1][joins], node[1:][joins], street_of_vertex[:-1][joins]
    metres = np.radians(1.0) * EARTH_RADIUS_M
    scale = np.array([metres * np.cos(np.radians(node_lonlat[:, 1].mean())), metres])
    node_m = node_lonlat * scale
    length_m = np.hypot(*(node_m[head] - node_m[tail]).T)
    free = np.array([speeds.FREE_KMH.get(_plain(s.road_class), speeds.FREE_KMH_OTHERWISE) for s in streets])
    for_cars = np.array([s.road_class not in speeds.NOT_FOR_CARS for s in streets])
    return RoadGraph(
        node_lonlat=node_lonlat,
        node_m=node_m,
        tail=tail,
        head=head,
        length_m=length_m,
        free_kmh=free[street],
        is_for_cars=for_cars[street],
        street=street.astype(np.int64),
        street_ids=tuple(s.id for s in streets),
        bridges=frozenset(s.id for s in streets if s.is_bridge),
        tree=cKDTree(node_m),
        metres_per_degree=scale,
    )


def _dense(lonlat: Floats) -> Floats:
    """The line with further vertices, none more than 100 m apart, so that a house in a long street finds it near."""
    rounded = np.round(lonlat, SAME_PLACE_DECIMALS)
    degree_m = np.radians(1.0) * EARTH_RADIUS_M
    step = np.diff(rounded, axis=0) * degree_m * np.array([np.cos(np.radians(rounded[0, 1])), 1.0])
    pieces = np.maximum(np.ceil(np.hypot(*step.T) / PIECE_M), 1).astype(np.int64)
    starts = np.repeat(rounded[:-1], pieces, axis=0)
    ends = np.repeat(rounded[1:], pieces, axis=0)
    first = np.concatenate([[0], np.cumsum(pieces)[:-1]])
    share = (np.arange(len(starts)) - np.repeat(first, pieces)) / np.repeat(pieces, pieces)
    inner = starts + (ends - starts) * share[:, None]
    return np.concatenate([inner, rounded[-1:]])


def _plain(road_class: str) -> str:
    return road_class.removesuffix("_link")


def edge_depths(graph: RoadGraph, depth_by_street: Mapping[int, float]) -> Floats:
    """The water on each edge, metres; a bridge over a flood stays dry."""
    by_street = np.array(
        [0.0 if street in graph.bridges else depth_by_street.get(street, 0.0) for street in graph.street_ids]
    )
    depth_m: Floats = by_street[graph.street]
    return depth_m


def _arcs(graph: RoadGraph, kmh: Floats, *, shift: int = 0) -> tuple[Ints, Ints, Floats]:
    """Arcs both ways for the edges that are open (speed > 0), with their seconds; a shift moves them to a layer."""
    is_open = kmh > 0
    seconds = np.maximum(graph.length_m[is_open] / (kmh[is_open] / 3.6), 1e-3)
    tail, head = graph.tail[is_open] + shift, graph.head[is_open] + shift
    return np.concatenate([tail, head]), np.concatenate([head, tail]), np.concatenate([seconds, seconds])


@dataclass(frozen=True)
class Network:
    """The arcs that one vehicle can use at this flood; a boat's second layer lies `node_count` nodes higher."""

    graph: RoadGraph
    vehicle: Vehicle
    seconds: csr_matrix

    @property
    def is_boat(self) -> bool:
        """The vehicle floats."""
        return self.vehicle.kind == "boat"


def network(graph: RoadGraph, depth_m: Floats, vehicle: Vehicle) -> Network:
    """What is open to the vehicle at these depths (by edge) and how long each piece takes."""
    size = graph.node_count
    if vehicle.kind == "foot":
        parts = [_arcs(graph, speeds.on_foot_kmh(depth_m, wade_limit_m=vehicle.limit_m))]
    else:
        fords_m = speeds.TRAILER_FORDS_M if vehicle.kind == "boat" else vehicle.limit_m
        rolling = speeds.wheels_kmh(graph.free_kmh, depth_m, ford_limit_m=fords_m)
        parts = [_arcs(graph, np.where(graph.is_for_cars, rolling, 0.0))]
    if vehicle.kind == "boat":
        floating = speeds.afloat_kmh(depth_m, floats_from_m=vehicle.limit_m)
        parts.append(_arcs(graph, floating, shift=size))
        # A launch is possible where a floating edge begins; taking the boat out again takes as long.
        shores = np.unique(np.concatenate([graph.tail[floating > 0], graph.head[floating > 0]]))
        launch = np.full(len(shores), speeds.LAUNCH_S)
        parts += [(shores, shores + size, launch), (shores + size, shores, launch)]
        size *= 2
    tail, head, seconds = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Network(graph, vehicle, _fastest(tail, head, seconds, size=size))


def _fastest(tail: Ints, head: Ints, seconds: Floats, *, size: int) -> csr_matrix:
    """Of parallel arcs only the fastest counts (a sparse matrix would add them)."""
    order = np.lexsort((seconds, head, tail))
    tail, head, seconds = tail[order], head[order], seconds[order]
    is_first = np.ones(len(tail), dtype=bool)
    is_first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    return csr_matrix((seconds[is_first], (tail[is_first], head[is_first])), shape=(size, size))


@dataclass(frozen=True)
class Reach:
    """Everything that one crew can reach: seconds and predecessor by node of its network, infinite where cut off."""

    network: Network
    start_s: float
    seconds: Floats
    before: Ints


def reach(net: Network, origin: LonLat) -> Reach:
    """How long the crew takes from its place to every node; its way to the nearest node is walked at 4.5 km/h."""
    away_m, node = net.graph.tree.query(net.graph.to_metres(origin))
    seconds, before = dijkstra(net.seconds, indices=int(node), return_predecessors=True)
    return Reach(net, _leg_s(float(away_m), speeds.WALK_KMH), seconds, before.astype(np.int64))


def _leg_s(leg_m: float, kmh: float) -> float:
    return leg_m / (kmh / 3.6)


def way_to(found: Reach, target: LonLat, *, depth_at_target_m: float) -> Way | None:
    """The fastest way to the place, with its last leg from the road; None where the place is cut off.

    The last leg starts at any reachable node within 400 m, walked on dry ground, waded in water up to 0.5 m, floated
    by a boat; deeper water ends a crew on foot. Cut off is said as None, never as a long time.
    """
    graph = found.network.graph
    place_m = graph.to_metres(target)
    snap_m, nearest = graph.tree.query(place_m)
    near = np.array([*graph.tree.query_ball_point(place_m, LAST_LEG_LIMIT_M), nearest], dtype=np.int64)
    layers = (0, graph.node_count) if found.network.is_boat else (0,)
    candidates = np.concatenate([near + shift for shift in layers])
    leg_m = np.hypot(*(graph.node_m[candidates % graph.node_count] - place_m).T)
    is_afloat = candidates >= graph.node_count
    leg_kmh = np.full(len(candidates), speeds.WALK_KMH)
    if depth_at_target_m > 0.05:
        leg_kmh[:] = speeds.WADE_KMH
    if depth_at_target_m > speeds.WADE_LIMIT_M:
        leg_kmh[(leg_m > max(SNAP_M, float(snap_m))) & ~is_afloat] = np.nan
    leg_kmh[is_afloat] = AFLOAT_LEG_KMH
    total_s = found.start_s + found.seconds[candidates] + leg_m / (leg_kmh / 3.6)
    total_s = np.where(np.isnan(total_s), np.inf, total_s)
    best = int(np.argmin(total_s))
    if not np.isfinite(total_s[best]):
        return None
    nodes = _nodes_to(found, int(candidates[best]))
    line_m = graph.node_m[nodes]
    along_m = float(np.hypot(*np.diff(line_m, axis=0).T).sum()) if len(nodes) > 1 else 0.0
    return Way(float(total_s[best]), along_m, float(leg_m[best]), graph.node_lonlat[nodes])


def _nodes_to(found: Reach, node: int) -> Ints:
    """The nodes of the way in their order, each street vertex once where a launch stays in place."""
    nodes = [node]
    while found.before[nodes[-1]] >= 0:
        nodes.append(int(found.before[nodes[-1]]))
    order = np.array(nodes[::-1], dtype=np.int64) % found.network.graph.node_count
    keep = np.ones(len(order), dtype=bool)
    keep[1:] = order[1:] != order[:-1]
    return order[keep]
