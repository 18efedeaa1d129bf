"""Places and the way between degrees and metres."""

from __future__ import annotations

import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from gis import crs
from gis.points import LonLat

THAI_LON = st.floats(97.5, 105.5)
THAI_LAT = st.floats(5.7, 20.4)


@pytest.mark.parametrize(
    ("lon", "lat", "said"),
    [
        (8.43, 99.96, "swapped"),
        (617_600.0, 914_100.0, "metres"),
        (math.nan, 8.4, "not numbers"),
        (math.inf, 8.4, "not numbers"),
        (200.0, 95.0, "outside the range"),
    ],
)
def test_numbers_that_are_no_place_are_refused_with_the_cause(lon: float, lat: float, said: str) -> None:
    """Swapped axes and metres are the commonest faults of Thai village points: each is named for what it is."""
    with pytest.raises(InvalidInputError, match=said):
        LonLat(lon=lon, lat=lat)


@given(lon=THAI_LON, lat=THAI_LAT)
def test_every_swapped_place_in_thailand_is_refused(lon: float, lat: float) -> None:
    """No Thai longitude is a latitude, so a swapped pair can never pass."""
    with pytest.raises(InvalidInputError, match="swapped"):
        LonLat(lon=lat, lat=lon)


@given(lon=THAI_LON, lat=THAI_LAT)
def test_metres_and_back_is_the_same_place(lon: float, lat: float) -> None:
    """A shape that went to metres and back has moved by less than a millimetre."""
    srid = crs.metric_srid(LonLat(lon=lon, lat=lat))
    back = crs.to_lonlat(crs.to_metric(shapely.Point(lon, lat), srid), srid)
    assert crs.distance_m(LonLat(lon=lon, lat=lat), LonLat(lon=back.x, lat=back.y)) < 0.001


@given(lon=THAI_LON, lat=THAI_LAT)
def test_metric_distance_agrees_with_the_ellipsoid(lon: float, lat: float) -> None:
    """Within its UTM zone a kilometre in the metric system is a kilometre on the ground, to 0.3 %."""
    here, there = LonLat(lon=lon, lat=lat), LonLat(lon=lon, lat=lat + 0.009)
    srid = crs.metric_srid(here)
    line = crs.to_metric(shapely.LineString([(here.lon, here.lat), (there.lon, there.lat)]), srid)
    assert line.length == pytest.approx(crs.distance_m(here, there), rel=0.003)


def test_southern_thailand_is_in_utm_47_north() -> None:
    """EPSG:32647 spans 96 to 102 degrees east; Ubon lies in the next zone."""
    assert crs.metric_srid(LonLat(lon=99.96, lat=8.43)) == 32647
    assert crs.metric_srid(LonLat(lon=104.86, lat=15.24)) == 32648
