"""What the storm and its closing figures read from the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import sealing
from demo.actors.residents import Neighbour
from gis.points import LonLat

# In small pieces, so that the index of the homes finds who stands in the water however little of it there is.
_WET_HOMES = sa.text(
    """
    WITH water AS MATERIALIZED (
        SELECT ST_Subdivide(geom, 64) AS geom FROM flood_polygon
        WHERE run_id = (SELECT max(id) FROM flood_run WHERE horizon_min = 0) AND depth_class >= 2
    ),
    wet AS MATERIALIZED (
        SELECT home.resident_id, home.geom, md5(home.id::text || :seed) AS turn
        FROM water JOIN home ON ST_Intersects(water.geom, home.geom)
        ORDER BY turn LIMIT :limit
    )
    SELECT resident.line_user_sealed, ST_X(wet.geom) AS lon, ST_Y(wet.geom) AS lat
    FROM wet JOIN resident ON resident.id = wet.resident_id AND resident.is_reachable
    ORDER BY wet.turn
    """
)
_DRY_HOMES = sa.text(
    """
    SELECT resident.line_user_sealed, ST_X(home.geom) AS lon, ST_Y(home.geom) AS lat
    FROM home TABLESAMPLE SYSTEM (20)
    JOIN resident ON resident.id = home.resident_id AND resident.is_reachable
    WHERE NOT EXISTS (
        SELECT FROM flood_polygon WHERE run_id = (SELECT max(id) FROM flood_run WHERE horizon_min = 0)
        AND ST_Intersects(flood_polygon.geom, home.geom))
    ORDER BY md5(home.id::text || :seed) LIMIT :limit
    """
)
_NEIGHBOURS = sa.text(
    """
    SELECT resident.line_user_sealed, ST_X(home.geom) AS lon, ST_Y(home.geom) AS lat
    FROM home JOIN resident ON resident.id = home.resident_id AND resident.is_reachable
    WHERE ST_DWithin(home.geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 0.0004)
    ORDER BY home.geom <-> ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) LIMIT :limit
    """
)
_LINE_MEMBERS = sa.text("SELECT line_user_sealed, language FROM resident ORDER BY id")


def _people(rows: Iterable[sa.Row[Any]]) -> list[Neighbour]:
    return [
        Neighbour(user_id=sealing.unseal(bytes(row.line_user_sealed)), home=LonLat(lon=row.lon, lat=row.lat))
        for row in rows
    ]


def people_in_wet_homes(session: Session, *, seed: str, limit: int) -> list[Neighbour]:
    """Up to `limit` reachable residents whose home is now knee-deep in water or worse, in an order of the seed's."""
    return _people(session.execute(_WET_HOMES, {"seed": seed, "limit": limit}))


def people_in_dry_homes(session: Session, *, seed: str, limit: int) -> list[Neighbour]:
    """Up to `limit` reachable residents whose home is now dry, out of a random fifth of the homes."""
    return _people(session.execute(_DRY_HOMES, {"seed": seed, "limit": limit}))


def people_nearby(session: Session, place: LonLat, *, limit: int) -> list[Neighbour]:
    """Reachable residents within about 40 m of the place, the nearest first."""
    return _people(session.execute(_NEIGHBOURS, {"lon": place.lon, "lat": place.lat, "limit": limit}))


def line_members(session: Session) -> list[tuple[str, str]]:
    """Every resident's LINE user id and language."""
    return [(sealing.unseal(bytes(sealed)), language) for sealed, language in session.execute(_LINE_MEMBERS)]


def is_warning_waiting(session: Session) -> bool:
    """An alert that warns waits for somebody's approval."""
    asked = "SELECT EXISTS (SELECT FROM alert WHERE state = 'proposed' AND kind <> 'all_clear')"
    return bool(session.scalar(sa.text(asked)))
