"""Which places lie in a zone: exactly those that PostGIS and GEOS name, edges and corners included."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box
from sqlalchemy.orm import Session

from gis.errors import InvalidPlaceError
from gis.membership import CELL_DEG, by_cell

LON, LAT = 100.0, 8.4
# Zones of some twenty cells among a few thousand places: small enough to draw many, large enough for runs of cells.
corner_deg = st.floats(0.0002, 0.0010).map(lambda radius: round(radius, 6))


@st.composite
def ragged(draw: Any, *, at: int) -> Polygon:
    """A ring around its middle, at few decimals so that sides are level, upright or alike; often with a hole."""
    radii = draw(st.lists(corner_deg, min_size=3, max_size=24))
    angle = np.linspace(0.0, 2 * np.pi, len(radii), endpoint=False) + draw(st.floats(0.0, 6.0))
    decimals = draw(st.sampled_from([4, 5, 15]))
    middle = np.array([LON + 0.0025 * at, LAT])
    ring = np.round(middle + np.column_stack([np.cos(angle), np.sin(angle)]) * np.array(radii)[:, None], decimals)
    shape = shapely.make_valid(Polygon(ring), method="structure", keep_collapsed=False)
    if draw(st.booleans()):
        hole = middle + (ring - middle) * draw(st.sampled_from([0.3, 0.5, 0.8]))
        shape = shape.difference(shapely.make_valid(Polygon(hole), method="structure", keep_collapsed=False))
    return shape


@st.composite
def zones(draw: Any) -> MultiPolygon:
    """One to three ragged parts side by side."""
    shapes = [draw(ragged(at=at)) for at in range(draw(st.integers(1, 3)))]
    return MultiPolygon([p for p in shapely.get_parts(shapely.get_parts(shapes)) if not p.is_empty])


def awkward(zone: shapely.Geometry, *, more: int = 1500) -> np.ndarray:
    """Corners, middles of sides as doubles have them, both one step beside to each hand, and places all over."""
    lines = shapely.get_rings(shapely.get_parts(zone))
    corners = shapely.get_coordinates(lines)
    middles = np.vstack([(xy[:-1] + xy[1:]) / 2 for xy in map(shapely.get_coordinates, lines)])
    on = np.vstack([corners, middles])
    beside = [np.column_stack([np.nextafter(on[:, 0], to), on[:, 1]]) for to in (0.0, 200.0)]
    beside += [np.column_stack([on[:, 0], np.nextafter(on[:, 1], to)]) for to in (0.0, 80.0)]
    west, south, east, north = zone.bounds
    rng = np.random.default_rng(len(corners))
    random = rng.uniform((west - CELL_DEG, south - CELL_DEG), (east + CELL_DEG, north + CELL_DEG), (more, 2))
    return np.vstack([on, *beside, random, np.round(random[:300], 4)])


def found(zone: Any, places: np.ndarray) -> np.ndarray:
    """What `within` says of each place, in the order of the places."""
    lon, lat = places.T
    sorted_places, order = by_cell(lon, lat)
    is_within = np.zeros(len(places), dtype=bool)
    is_within[order] = sorted_places.within(zone)
    return is_within


def by_postgis(session: Session, zone: shapely.Geometry, places: np.ndarray) -> np.ndarray:
    """What ST_Intersects says of each place."""
    rows = session.execute(
        sa.text(
            "SELECT ST_Intersects(z.geom, ST_SetSRID(ST_MakePoint(p.x, p.y), 4326)) "
            "FROM (SELECT ST_GeomFromWKB(:zone, 4326) AS geom OFFSET 0) z, "
            "unnest(CAST(:x AS float8[]), CAST(:y AS float8[])) WITH ORDINALITY AS p(x, y, n) ORDER BY n"
        ),
        {"zone": zone.wkb, "x": places[:, 0].tolist(), "y": places[:, 1].tolist()},
    )
    return np.array(rows.scalars().all(), dtype=bool)


def is_a_tie(zone: shapely.Geometry, place: np.ndarray) -> bool:
    """Counted without any rounding, the place misses some side by less than 2^-52 of the side's length."""
    x, y = map(Fraction, place.tolist())
    for ring in shapely.get_rings(shapely.get_parts(zone)):
        corners = [(Fraction(a), Fraction(b)) for a, b in shapely.get_coordinates(ring).tolist()]
        for (ax, ay), (bx, by) in pairwise(corners):
            dx, dy = bx - ax, by - ay
            along, across, square = dx * (x - ax) + dy * (y - ay), dx * (y - ay) - dy * (x - ax), dx * dx + dy * dy
            if 0 <= along <= square and abs(across) < square / 2**52:
                return True
    return False


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=zones())
def test_the_same_places_as_postgis_and_geos(session: Session, zone: MultiPolygon) -> None:
    """On corners, on sides, one step of a double beside them and anywhere, all three name the same places.

    PostGIS rounds two products before it compares them. About once in a million places beside a side these come out
    alike, and it takes the place for one on the side. Nothing else may differ.
    """
    if zone.is_empty:
        return
    places = awkward(zone)
    inside = found(zone, places)
    np.testing.assert_array_equal(inside, shapely.intersects_xy(zone, *places.T))
    says = by_postgis(session, zone, places)
    is_rounded = says & ~inside
    assert all(is_a_tie(zone, place) for place in places[is_rounded])
    np.testing.assert_array_equal(inside | is_rounded, says)


@settings(max_examples=60, deadline=None)
@given(zone=zones())
def test_few_places_and_many_get_the_same_answer(zone: MultiPolygon) -> None:
    """A place's answer depends on the zone alone, not on the company it is asked in (runs of cells, or one by one)."""
    if zone.is_empty:
        return
    places = awkward(zone, more=6000)
    np.testing.assert_array_equal(found(zone, places)[:40], found(zone, places[:40]))


SQUARE = box(LON, LAT, LON + 10 * CELL_DEG, LAT + 10 * CELL_DEG)
STRANGE = {
    "sides on the borders of cells": SQUARE,
    "spike outwards": Polygon([(0, 0), (4, 0), (4, 2), (9, 2), (4, 2), (4, 4), (0, 4)]),
    "spike inwards": Polygon([(0, 0), (8, 0), (8, 4), (2, 4), (8, 4), (8, 8), (0, 8)]),
    "hole that touches the outside in a corner": Polygon([(0, 0), (8, 0), (8, 8), (0, 8)], [[(0, 0), (5, 2), (3, 6)]]),
    "holes that touch each other": Polygon(
        [(0, 0), (9, 0), (9, 9), (0, 9)], [[(1, 1), (4, 4), (1, 4)], [(4, 4), (8, 5), (7, 8)]]
    ),
    "parts that touch in a corner": MultiPolygon([box(0, 0, 3, 3), box(3, 3, 7, 8)]),
    "sliver": Polygon([(0, 0), (12, 7), (12, 7.000001), (0, 0.000001)]),
    "sliver along a row": Polygon([(0, 0.5), (12, 0.5), (12, 0.5000001)]),
    "a corner twice": Polygon([(0, 0), (7, 1), (7, 1), (5, 6), (5, 6), (0, 0)]),
    "smaller than a cell": Polygon([(0.3, 0.3), (0.6, 0.35), (0.5, 0.7)]),
    "island in a lake": MultiPolygon([box(0, 0, 12, 12).difference(box(2, 2, 10, 10)), box(4, 4, 8, 8)]),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_outlines(session: Session, name: str) -> None:
    """Spikes, touching rings, slivers and repeated corners change nothing: the same places as PostGIS."""
    zone = STRANGE[name]
    if zone is not SQUARE:
        zone = shapely.transform(zone, lambda cells: np.array([LON, LAT]) + cells * CELL_DEG * 1.0371)
    places = awkward(zone)
    np.testing.assert_array_equal(found(zone, places), by_postgis(session, zone, places))


def test_a_common_border_belongs_to_both() -> None:
    """A home on the border of two zones, or where three meet, is in each of them, and none between them is lost."""
    rng = np.random.default_rng(3)
    ring = shapely.get_coordinates(Point(LON, LAT).buffer(0.001, quad_segs=8))[:-1]
    ring = ring + rng.uniform(-1e-5, 1e-5, ring.shape)
    slices = [Polygon([(LON, LAT), one, other]) for one, other in zip(ring, np.roll(ring, -1, axis=0), strict=True)]
    borders = np.vstack([[LON, LAT], ring, *(awkward(piece, more=0) for piece in slices)])
    counts = sum(found(piece, borders).astype(int) for piece in slices)
    assert counts[0] == len(slices)
    np.testing.assert_array_equal(counts[1 : 1 + len(ring)], 2)
    anywhere = rng.uniform((LON - 6e-4, LAT - 6e-4), (LON + 6e-4, LAT + 6e-4), (5000, 2))
    assert (sum(found(piece, anywhere).astype(int) for piece in slices) == 1).all()


def test_a_zone_far_away_and_one_around_everything() -> None:
    """No place, an empty zone and a zone elsewhere give nobody; a zone around all places gives all."""
    places = np.random.default_rng(1).uniform((LON, LAT), (LON + 0.01, LAT + 0.01), (3000, 2))
    for elsewhere in (box(LON, LAT + 1, LON + 1, LAT + 2), box(LON + 1, LAT, LON + 2, LAT + 1), MultiPolygon()):
        assert not found(elsewhere, places).any()
    assert found(box(LON - 3, LAT - 3, LON + 3, LAT + 3), places).all()
    assert found(SQUARE, places[:0]).size == 0


@pytest.mark.parametrize(
    ("lon", "lat", "says"),
    [
        (np.nan, LAT, "are not numbers"),
        (LON, np.inf, "are not numbers"),
        (LAT, LON, "are swapped"),
        (608_000.0, 930_000.0, "look like metres"),
    ],
)
def test_what_is_no_place_is_refused(lon: float, lat: float, says: str) -> None:
    """A place or a corner that is none is an error that names it, never a silent outside."""
    with pytest.raises(InvalidPlaceError, match=f"Place 2: .*{says}"):
        by_cell(np.array([LON, lon]), np.array([LAT, lat]))
    places, _ = by_cell(np.array([LON]), np.array([LAT]))
    with np.errstate(invalid="ignore"):  # GEOS notes it, too, and makes the shape all the same.
        zone = Polygon([(LON, LAT), (LON + 1, LAT), (lon, lat)])
    with pytest.raises(InvalidPlaceError, match=f"The zone's outline: .*{says}"):
        places.within(zone)
