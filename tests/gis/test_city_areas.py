"""Which areas hold a point: one on a shared edge belongs to both sides, and no overlap is left out."""

from __future__ import annotations

import pytest
import shapely
import sqlalchemy as sa
from geoalchemy2.shape import from_shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from gis.citypack.importer import import_city
from gis.models import Area
from gis.points import LonLat
from tests.gis.held import areas_at
from tests.gis.packs import SQUARE, Pack

CUT = st.integers(1, 19)
WHERE = st.integers(0, 20)
KEEP = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def town(session: Session, pack: Pack) -> Session:
    """A session on a database that holds the tiny city."""
    import_city(session, pack.close())
    return session


def put_areas(session: Session, *outlines: shapely.Geometry) -> list[str]:
    """Communities with these outlines and no others; their codes."""
    session.execute(sa.delete(Area).where(Area.kind == "community"))
    layer_id = session.scalar(sa.text("SELECT id FROM layer"))
    for number, outline in enumerate(outlines):
        session.add(
            Area(
                layer_id=layer_id, kind="community", code=f"C{number}", name_th="", name_en="", attributes={},
                geom=from_shape(shapely.MultiPolygon([outline]), srid=4326), trust="simulated",
                place=from_shape(outline.representative_point(), srid=4326),
            )
        )
    session.flush()
    return [f"C{number}" for number in range(len(outlines))]


def codes_at(session: Session, lon: float, lat: float) -> list[str]:
    """The codes of the communities that hold the place."""
    found = areas_at(session, LonLat(lon=lon, lat=lat))
    return [area.code for area in found if area.kind == "community"]


@KEEP
@given(cut=CUT, along=WHERE)
def test_a_point_on_a_shared_edge_belongs_to_both_sides(town: Session, cut: int, along: int) -> None:
    """Wherever the edge lies and wherever on it the point: never to none, never to one alone."""
    west, south, east, north = shapely.Polygon(SQUARE).bounds
    edge = west + cut / 1000
    codes = put_areas(town, shapely.box(west, south, edge, north), shapely.box(edge, south, east, north))
    assert codes_at(town, edge, south + along / 1000) == codes


@KEEP
@given(cuts=st.tuples(CUT, CUT), spot=st.tuples(WHERE, WHERE))
def test_every_point_of_the_city_is_held_and_every_overlap_returned(
    town: Session, cuts: tuple[int, int], spot: tuple[int, int]
) -> None:
    """Two areas that cover the city and may overlap: the database tells exactly those that geometry tells."""
    west, south, east, north = shapely.Polygon(SQUARE).bounds
    low, high = min(cuts), max(cuts)
    outlines = [shapely.box(west, south, west + high / 1000, north), shapely.box(west + low / 1000, south, east, north)]
    codes = put_areas(town, *outlines)
    at = shapely.Point(west + spot[0] / 1000, south + spot[1] / 1000)
    held = [code for code, outline in zip(codes, outlines, strict=True) if outline.intersects(at)]
    assert held
    assert codes_at(town, at.x, at.y) == held
