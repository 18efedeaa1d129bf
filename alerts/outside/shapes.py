"""Outlines of warnings against the city's: what touches it, covers how much of each zone, is far larger. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from alerts.outside.mapping import WIDE_TIMES_CITY, is_province
from alerts.outside.said import Place

KM_PER_DEGREE = 111.32
_CORNERS = 64
# Of outlines beyond so many corners near the city only the boxes are kept: a hostile one must not stop a worker.
MOST_CORNERS = 500_000
TOUCHING, ELSEWHERE, UNKNOWN = "touching", "elsewhere", "unknown"


@dataclass(frozen=True)
class CityShape:
    """The city's boundary and the outlines of its zones by id, in degrees."""

    boundary: BaseGeometry
    zones: Mapping[int, BaseGeometry]


@dataclass(frozen=True)
class Outline:
    """The part of a warning's outline that is near the city, and what it says of the city.

    `reach`: touching, elsewhere, or unknown where the warning has no outline.
    """

    geom: MultiPolygon | None
    reach: str
    is_wide: bool


def outline_of(places: Sequence[Place], city: CityShape) -> Outline:
    """The union of all that lies near the city. Outlines elsewhere are not built: there may be thousands."""
    extent = city.boundary.bounds
    has_any, corners = False, 0
    near: list[BaseGeometry] = []
    for ring in _rings(places):
        has_any = True
        bounds = _bounds(ring)
        if not _overlap(bounds, extent):
            continue
        corners += len(ring)
        shape: BaseGeometry = Polygon(ring) if corners <= MOST_CORNERS else box(*bounds)
        near.append(shape if shape.is_valid else shapely.make_valid(shape))
    if not has_any:
        return Outline(None, UNKNOWN, any(is_province(place) for place in places))
    whole = _polygons(shapely.union_all(near)) if near else None
    if whole is None or not whole.intersects(city.boundary):
        return Outline(whole, ELSEWHERE, is_wide=False)
    return Outline(whole, TOUCHING, _is_wide(whole, city.boundary))


def shares(geom: BaseGeometry | None, zones: Mapping[int, BaseGeometry]) -> dict[int, float]:
    """How much of each zone the outline covers, 0..1; zones that it does not touch are left out."""
    if geom is None:
        return {}
    shapely.prepare(geom)
    found = {}
    for zone_id, zone in zones.items():
        if geom.covers(zone):
            found[zone_id] = 1.0
        elif geom.intersects(zone) and zone.area > 0:
            share = geom.intersection(zone).area / zone.area
            if share > 0:
                found[zone_id] = min(1.0, share)
    return found


def _is_wide(geom: MultiPolygon, boundary: BaseGeometry) -> bool:
    touching = sum(part.area for part in geom.geoms if part.intersects(boundary))
    return bool(touching > WIDE_TIMES_CITY * boundary.area)


def _rings(places: Sequence[Place]) -> Iterator[Sequence[tuple[float, float]]]:
    for place in places:
        for ring in place.rings:
            if len(ring) >= 4:
                yield ring
        for lon, lat, radius_km in place.circles:
            if radius_km > 0:
                yield _circle(lon, lat, radius_km)


def _circle(lon: float, lat: float, radius_km: float) -> list[tuple[float, float]]:
    """Corners around the circle, so that nobody inside it is outside of them."""
    y = radius_km / KM_PER_DEGREE / math.cos(math.pi / _CORNERS)
    x = y / max(math.cos(math.radians(lat)), 0.01)
    turns = (2 * math.pi * corner / _CORNERS for corner in range(_CORNERS))
    ring = [(lon + x * math.cos(turn), lat + y * math.sin(turn)) for turn in turns]
    return [*ring, ring[0]]


def _bounds(ring: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    lons, lats = [pair[0] for pair in ring], [pair[1] for pair in ring]
    return min(lons), min(lats), max(lons), max(lats)


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _polygons(geom: BaseGeometry) -> MultiPolygon | None:
    parts = [part for part in shapely.get_parts(shapely.get_parts(geom)) if isinstance(part, Polygon)]
    flat = [part for part in parts if part.area > 0]
    return MultiPolygon(flat) if flat else None
