"""Between degrees and metres: the only place where coordinates change their system."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from gis.points import LonLat
from gis.terrain.grid import Grid

STORED_SRID = 4326
Shape = TypeVar("Shape", bound=BaseGeometry)


def metric_srid(place: LonLat) -> int:
    """The EPSG number of the UTM zone (WGS 84) that holds the place: 32647 for most of Thailand."""
    zone = min(int((place.lon + 180.0) // 6.0) + 1, 60)
    return (32600 if place.lat >= 0 else 32700) + zone


def to_metric(geom: Shape, srid: int) -> Shape:
    """The shape (in degrees) in the metric system `srid`, metres."""
    return _moved(geom, transformer(STORED_SRID, srid))


def to_lonlat(geom: Shape, srid: int) -> Shape:
    """The shape (in the metric system `srid`) in degrees of longitude and latitude."""
    return _moved(geom, transformer(srid, STORED_SRID))


def outline(grid: Grid) -> shapely.Polygon:
    """What the grid covers, in degrees; its sides bend as the meridians do, with a corner at each eighth."""
    east_m, south_m = grid.west_m + grid.columns * grid.cell_m, grid.north_m - grid.rows * grid.cell_m
    corners = [(grid.west_m, grid.north_m), (east_m, grid.north_m), (east_m, south_m), (grid.west_m, south_m)]
    sides = zip(corners, corners[1:] + corners[:1], strict=True)
    ring_m = np.vstack([np.linspace(start, end, 8, endpoint=False) for start, end in sides])
    return to_lonlat(shapely.Polygon(ring_m), grid.srid)


def distance_m(one: LonLat, other: LonLat) -> float:
    """The distance along the WGS 84 ellipsoid, metres."""
    _, _, distance = _ellipsoid().inv(one.lon, one.lat, other.lon, other.lat)
    return float(distance)


@functools.cache
def transformer(from_srid: int | str, to_srid: int | str) -> Any:
    """The way from one system (EPSG number or name) to another, x before y, made once per process."""
    return pyproj.Transformer.from_crs(from_srid, to_srid, always_xy=True)


@functools.cache
def _ellipsoid() -> Any:
    return pyproj.Geod(ellps="WGS84")


def _moved(geom: Shape, way: Any) -> Shape:
    moved: Shape = shapely.transform(geom, way.transform, interleaved=False)
    return moved
