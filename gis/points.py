"""Places on the ground as one value: longitude and latitude can no longer be taken for one another."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gis.errors import InvalidPlaceError

# The land and the waters of Thailand with room to spare; used only to tell a swapped pair from a wrong one.
_THAI_LON = (96.0, 107.0)
_THAI_LAT = (5.0, 21.5)


@dataclass(frozen=True, slots=True)
class LonLat:
    """A place in EPSG:4326, degrees. Raises InvalidPlaceError where the numbers cannot be a place."""

    lon: float
    lat: float

    def __post_init__(self) -> None:
        """The numbers are a place."""
        fault = coordinate_fault(lon=self.lon, lat=self.lat)
        if fault is not None:
            raise InvalidPlaceError(fault)


def coordinate_fault(*, lon: float, lat: float) -> str | None:
    """Why these numbers cannot be longitude and latitude in degrees, as a sentence; None where they can."""
    if not (math.isfinite(lon) and math.isfinite(lat)):
        return f"the longitude {lon} and latitude {lat} are not numbers."
    if abs(lon) <= 180.0 and abs(lat) <= 90.0:
        return None
    if abs(lon) <= 90.0 and abs(lat) <= 180.0:
        return f"longitude and latitude are swapped: longitude {lon:g}, latitude {lat:g}."
    if abs(lon) > 1000.0 or abs(lat) > 1000.0:
        return f"the coordinates ({lon:g}, {lat:g}) look like metres, not degrees of longitude and latitude."
    return f"the coordinates ({lon:g}, {lat:g}) are outside the range of longitude and latitude."


def is_swapped_in_thailand(*, lon: float, lat: float) -> bool:
    """The pair lies in Thailand only when read the other way round (latitude first)."""
    return (
        not (_is_between(lon, _THAI_LON) and _is_between(lat, _THAI_LAT))
        and _is_between(lat, _THAI_LON)
        and _is_between(lon, _THAI_LAT)
    )


def _is_between(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]
