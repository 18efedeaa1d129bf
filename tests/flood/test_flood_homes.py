"""Which homes stand in which zone of the ground: those that the zones' whole outlines hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from flood import standing
from flood.ground import ground_of
from residents.queries import register


def _redraw(session: Session, code: str, shape: shapely.Geometry) -> None:
    """The zone has this outline, and parts of it, as a new version of it would."""
    zone_id, version = session.execute(
        sa.text(
            "UPDATE zone SET geom = ST_Multi(ST_GeomFromWKB(:wkb, 4326)), version = version + 1 WHERE code = :code "
            "RETURNING id, version"
        ),
        {"wkb": shape.wkb, "code": code},
    ).one()
    standing.subdivide(session, zone_id=zone_id, version=version)


def _house(session: Session, lonlats: np.ndarray) -> None:
    session.execute(
        sa.text(
            "INSERT INTO home (resident_id, geom, is_vulnerable, label) "
            "SELECT 1 + n % 380, ST_SetSRID(ST_MakePoint(x, y), 4326), false, '' "
            "FROM unnest(CAST(:x AS float8[]), CAST(:y AS float8[])) WITH ORDINALITY AS p(x, y, n)"
        ),
        {"x": lonlats[:, 0].tolist(), "y": lonlats[:, 1].tolist()},
    )


def _ragged_pair(town: Any) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Two neighbours whose outlines have 800 corners each and one long border in common."""
    rng = np.random.default_rng(5)
    north, south = town.place(600, 300).lat, town.place(600, 900).lat
    border = np.column_stack([town.place(600, 600).lon + rng.uniform(-4e-4, 4e-4, 400), np.linspace(north, south, 400)])
    jag, back = rng.uniform(0, 3e-4, 400), np.sort(rng.uniform(south, north, 400))
    west, east = town.place(150, 600).lon, town.place(1050, 600).lon
    return (
        shapely.Polygon(np.vstack([border, np.column_stack([west + jag, back])])),
        shapely.Polygon(np.vstack([border, np.column_stack([east + jag, back])])),
    )


def test_homes_on_edges_are_in_the_zone(town: Any) -> None:
    """A zone's homes are those of its whole outline, edges and corners included, wherever its parts were cut.

    A home on the border of two zones counts in the first of them alone.
    """
    session = town.session
    pair = _ragged_pair(town)
    for code, shape in zip(("Z-west", "Z-east"), pair, strict=True):
        _redraw(session, code, shape)
    corners = np.vstack([shapely.get_coordinates(shape) for shape in pair])
    sides = [corners[:-1] + share * (corners[1:] - corners[:-1]) for share in np.linspace(0.05, 0.95, 19)]
    _house(session, np.vstack([corners, *sides]))
    expected = session.execute(
        sa.text(
            "SELECT zone, count(*) FROM (SELECT DISTINCT ON (h.id) h.id, z.code AS zone FROM zone z "
            "JOIN home h ON ST_Intersects(z.geom, h.geom) ORDER BY h.id, z.id) one GROUP BY zone"
        )
    ).all()
    ground = ground_of(session)
    counted = np.bincount(ground.homes.zone[ground.homes.zone >= 0], minlength=2)
    assert dict(expected) == {row.code: counted[number] for number, row in enumerate(ground.zones.rows)}
    assert min(dict(expected).values()) > 600


def test_the_register_holds_every_home_on_earth(town: Any) -> None:
    """Whose, where and how vulnerable are read as they stand; a home without a place is left out and stops nothing."""
    session = town.session
    session.execute(
        sa.text(
            "INSERT INTO home (resident_id, geom, is_vulnerable, label) VALUES "
            "(1, ST_GeomFromText('POINT EMPTY', 4326), false, ''), "
            "(2, ST_SetSRID(ST_MakePoint('NaN', 8.4), 4326), false, ''), "
            "(3, ST_SetSRID(ST_MakePoint(100, 'Infinity'), 4326), false, '')"
        )
    )
    rows = session.execute(
        sa.text("SELECT resident_id, is_vulnerable, ST_X(geom), ST_Y(geom) FROM home ORDER BY id LIMIT 400")
    ).all()
    found = register(session)
    held = zip(
        found.resident.tolist(),
        found.is_vulnerable.tolist(),
        found.places.lon.tolist(),
        found.places.lat.tolist(),
        strict=True,
    )
    assert sorted(held) == sorted(map(tuple, rows))
    session.execute(sa.text("DELETE FROM home"))
    assert register(session).places.lon.size == 0
    assert (ground_of(session).homes.zone.size, ground_of(session).homes.cell.size) == (0, 0)
