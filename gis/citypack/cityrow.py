"""The city itself: its row, its extent, and the one metric system that all of it is measured in."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely
from geoalchemy2.shape import from_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from core import clock
from core.settings import ANOTHER_DATABASE
from gis import crs
from gis.citypack import loaders
from gis.citypack.findings import Frame
from gis.citypack.manifest import Manifest
from gis.errors import CityPackError
from gis.models import City
from gis.points import LonLat

EXTENT_MARGIN_M = 500.0
LEAST_AREA_M2 = 100_000.0  # Assumed: a tenth of a square kilometre; the smallest municipality of Thailand has several.
MOST_DEGREES = 10.0  # Wider than any region; what encloses the pole or the date line has no one system at all.
# UTM is off by 1:1,030 at its zone's edge on the equator; 1:800 lets a city reach some 30 km beyond (0.29 degrees).
WORST_SCALE = 1 / 800


def check_belongs(manifest: Manifest, city: City | None) -> None:
    """The pack is of the database's city, or of a first one; raises CityPackError where it is not."""
    name = manifest.path.name
    if manifest.extends is not None:
        if city is None or city.slug != manifest.extends:
            here = f"the database holds '{city.slug}'" if city else "the database holds no city yet"
            raise CityPackError([f"{name}, extends: it extends the city '{manifest.extends}', but {here}."])
    elif city is not None and city.slug != manifest.slug:
        needed = f"'{manifest.slug}' needs a database of its own: {ANOTHER_DATABASE}"
        raise CityPackError([f"{name}, slug: the database holds the city '{city.slug}'; {needed}."])


def put_city(session: Session, manifest: Manifest, frame: Frame) -> None:
    """The city's row is what the manifest and the boundary say."""
    middle = frame.boundary.representative_point()
    centre = manifest.centre or LonLat(lon=middle.x, lat=middle.y)
    boundary = loaders.as_multipolygons(np.array([frame.boundary], dtype=object))[0]
    session.merge(
        City(
            id=1, slug=manifest.slug, name_th=manifest.name_th, name_en=manifest.name_en, datum=manifest.datum,
            boundary=from_shape(boundary, srid=crs.STORED_SRID), extent=from_shape(frame.extent, srid=crs.STORED_SRID),
            centre=from_shape(shapely.Point(centre.lon, centre.lat), srid=crs.STORED_SRID),
            metric_srid=metric_srid_of(frame.boundary), imported_at=clock.now(), is_simulated=False,
        )
    )
    session.flush()


def metric_srid_of(boundary: BaseGeometry) -> int:
    """The one metric system of the whole city: the UTM zone of its middle, also where it reaches into the next zone."""
    middle = boundary.centroid
    return crs.metric_srid(LonLat(lon=middle.x, lat=middle.y))


def size_fault(boundary: BaseGeometry) -> str | None:
    """Why the boundary is none of a city: too small, or so wide that no one metric system serves it.

    Lengths may be off by 1:800 at most.
    """
    west, south, east, north = boundary.bounds
    if east - west > MOST_DEGREES or max(abs(south), abs(north)) > 80.0:
        return (
            f"the boundary reaches from {west:.2f} to {east:.2f} degrees east and {south:.2f} to {north:.2f} north: "
            "that is no city."
        )
    srid = metric_srid_of(boundary)
    area_m2 = crs.to_metric(boundary, srid).area
    if area_m2 < LEAST_AREA_M2:
        return f"the boundary holds only {area_m2:,.0f} m²: that is no city."
    factors = pyproj.Proj(srid).get_factors([west, west, east, east], [south, north, south, north])
    worst = float(np.abs(np.asarray(factors.meridional_scale) - 1.0).max())
    if worst <= WORST_SCALE:
        return None
    return (
        f"the city reaches from {west:.2f} to {east:.2f} degrees east: no one metric system serves all of it (in "
        f"EPSG:{srid} lengths would be off by {worst:.2%}, {WORST_SCALE:.3%} are allowed). Is the boundary the city's?"
    )


def extent_of(boundary: BaseGeometry) -> BaseGeometry:
    """The boundary's box and a margin of 500 m, in degrees."""
    srid = metric_srid_of(boundary)
    box = shapely.box(*crs.to_metric(boundary, srid).bounds).buffer(EXTENT_MARGIN_M, join_style="mitre")
    return shapely.box(*crs.to_lonlat(box, srid).bounds)
