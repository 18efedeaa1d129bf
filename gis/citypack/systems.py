"""Which coordinate system a layer is in: found in what the file or its manifest says, never guessed.

A declared system is believed and then held against the city's place. Where nothing is declared, the systems in use in
Thailand are tried: one that alone puts the layer where the city is, is found; several are an error that says what to
pass and how far apart they would put the layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis import crs
from gis.citypack.findings import Frame
from gis.points import LonLat

METRIC_CANDIDATES = ("EPSG:32647", "EPSG:32648", "EPSG:24047", "EPSG:24048")
DEGREE_CANDIDATES = ("EPSG:4326", "EPSG:4240")
NAMES = {
    "EPSG:4326": "WGS 84 longitude and latitude", "EPSG:32647": "WGS 84, UTM zone 47N",
    "EPSG:32648": "WGS 84, UTM zone 48N", "EPSG:4240": "Indian 1975 longitude and latitude",
    "EPSG:24047": "Indian 1975, UTM zone 47N", "EPSG:24048": "Indian 1975, UTM zone 48N",
}
# EPSG:1304, "Indian 1975 to WGS 84 (2)": three shifts from 62 stations in Thailand, accuracy 5 m. PROJ would prefer
# EPSG:1812, "(4)", for the 3 m that it claims, but as PROJ holds it that one lies 185 m off this and off "(3)".
INDIAN_1975 = ("EPSG:24047", "EPSG:24048", "EPSG:4240")
SHIFT = "+ellps=evrst30 +towgs84=210,814,289,0,0,0,0 +no_defs"
ACCURACY = "converted from Indian 1975 by EPSG:1304 (three shifts, 62 stations), good to 5 m"
_OLD_DATUM = "Indian 1975"
# The land of Thailand with a margin of 0.3 degrees: the old systems are used nowhere else.
THAILAND = shapely.box(97.0, 5.3, 106.0, 20.8)
REACH_DEGREES = 0.15  # About 16 km: a survey beside its city still counts as lying where the city is.


class NoMapSystemError(Exception):
    """The system tells nothing of places on a map; the text says which it is."""


@dataclass(frozen=True)
class System:
    """A coordinate system: what people call it, what PROJ reads, and what a conversion from it costs."""

    name: str
    definition: str
    is_projected: bool
    accuracy: str = ""


def system_of(text: str) -> System:
    """The system that a file or a manifest names; Indian 1975 with its documented conversion.

    Raises pyproj's CRSError for a name that is none, NoMapSystemError for one of heights alone, of space or of a site.
    """
    known = pyproj.CRS.from_user_input(text)
    if not known.is_geographic and not known.is_projected:
        raise NoMapSystemError(
            f"the coordinate system '{known.name}' ({known.type_name.lower()}) has no longitude and latitude, nor east "
            "and north, that could be moved to others."
        )
    if _OLD_DATUM not in known.to_wkt():
        return System(known.to_string() if known.to_epsg() is None else f"EPSG:{known.to_epsg()}", known.to_string(),
                      known.is_projected)
    for name in INDIAN_1975:
        if known.equals(pyproj.CRS(name), ignore_axis_order=True):
            return _indian(name)
    epsg = known.to_epsg(min_confidence=20)
    return _indian(f"EPSG:{epsg}") if f"EPSG:{epsg}" in INDIAN_1975 else System(text, known.to_string(), True)


def _indian(name: str) -> System:
    zone = {"EPSG:24047": 47, "EPSG:24048": 48}.get(name)
    projection = "+proj=longlat" if zone is None else f"+proj=utm +zone={zone} +units=m"
    return System(name, f"{projection} {SHIFT}", zone is not None, ACCURACY)


def is_same(one: System, other: System) -> bool:
    """Both are the same system, whatever the order of their axes."""
    return pyproj.CRS(one.definition).equals(pyproj.CRS(other.definition), ignore_axis_order=True)


def into_degrees(geoms: NDArray[np.object_], system: System) -> NDArray[np.object_]:
    """The shapes, given in `system`, in EPSG:4326, longitude first."""
    way = crs.transformer(system.definition, crs.STORED_SRID)
    moved: NDArray[np.object_] = shapely.transform(geoms, way.transform, interleaved=False)
    return moved


def found(bounds: tuple[float, float, float, float], frame: Frame | None) -> Sequence[System]:
    """The systems that would put a layer with these bounds (as its file has them) where the city is, or in Thailand."""
    is_degrees = max(abs(bounds[0]), abs(bounds[2])) <= 180.0 and max(abs(bounds[1]), abs(bounds[3])) <= 90.0
    names = DEGREE_CANDIDATES if is_degrees else METRIC_CANDIDATES
    return [system for system in map(system_of, names) if _fits(system, bounds, frame)]


def _fits(system: System, bounds: tuple[float, float, float, float], frame: Frame | None) -> bool:
    corners = _moved(system, bounds)
    if corners is None or (system.name in (*INDIAN_1975, *METRIC_CANDIDATES) and not THAILAND.intersects(corners)):
        return False
    if frame is None:
        return system.name == "EPSG:4326" or bool(THAILAND.intersects(corners))
    return bool(shapely.buffer(frame.extent, REACH_DEGREES).intersects(corners))


def _moved(system: System, bounds: tuple[float, float, float, float]) -> BaseGeometry | None:
    way = crs.transformer(system.definition, crs.STORED_SRID)
    west, south, east, north = way.transform_bounds(*bounds)
    if not np.isfinite([west, south, east, north]).all():
        return None
    box: BaseGeometry = shapely.box(west, south, east, north)
    return box


def question(candidates: Sequence[System], bounds: tuple[float, float, float, float]) -> str:
    """What to pass where several systems, or none, put the layer where the city is, and what each would mean."""
    if not candidates:
        return (
            "it does not say its coordinate system, and none in use in Thailand puts it where the city is: say it in "
            "the manifest, crs = \"EPSG:…\"."
        )
    middle = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    spots = [_spot(system, middle) for system in candidates]
    apart_m = max(crs.distance_m(spots[0], spot) for spot in spots)
    named = " or ".join(f'crs = "{system.name}" ({NAMES[system.name]})' for system in candidates)
    return (
        f"it does not say its coordinate system, and {len(candidates)} put it near the city, {apart_m:,.0f} m apart: "
        f"say in the manifest which it is, {named}."
    )


def _spot(system: System, middle: tuple[float, float]) -> LonLat:
    lon, lat = crs.transformer(system.definition, crs.STORED_SRID).transform(*middle)
    return LonLat(lon=lon, lat=lat)
