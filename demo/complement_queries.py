"""What the complement reads of the imported city, in metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

Floats = NDArray[np.float64]

STREET_LEVELS_WITHIN_M = 5000.0
LEAST_STREET_LEVELS = 50


@dataclass(frozen=True)
class Community:
    """A community's shape (metres), people where known, and whether it is listed as flooding."""

    code: str
    name_th: str
    name_en: str
    geom: Any
    population: float | None
    floods: bool


def boundary(session: Session, *, srid: int) -> Any:
    """The municipality's boundary."""
    found = session.scalar(sa.text("SELECT ST_AsBinary(ST_Transform(boundary, :srid)) FROM city"), {"srid": srid})
    return shapely.from_wkb(bytes(found or b""))


def waterways(session: Session, *, srid: int) -> list[Any]:
    """Every piece of river and canal."""
    return _shapes(session, "SELECT ST_AsBinary(ST_Transform(geom, :srid)) FROM waterway ORDER BY id", srid)


def roads(session: Session, *, srid: int) -> list[Any]:
    """Every piece of street that is no bridge."""
    return _shapes(
        session, "SELECT ST_AsBinary(ST_Transform(geom, :srid)) FROM road WHERE NOT is_bridge ORDER BY id", srid
    )


def gauge_places(session: Session, *, srid: int) -> Floats:
    """East and north of every gauge, by id (metres)."""
    points = _shapes(
        session, "SELECT ST_AsBinary(ST_Transform(geom, :srid)) FROM station WHERE kind = 'gauge' ORDER BY id", srid
    )
    return shapely.get_coordinates(points)


def _shapes(session: Session, statement: str, srid: int) -> list[Any]:
    rows = session.scalars(sa.text(statement), {"srid": srid})
    return [shapely.from_wkb(bytes(wkb)) for wkb in rows]


def communities(session: Session, *, srid: int) -> list[Community]:
    """The communities; `flood_types` and `population` are attributes that a pack may bring."""
    rows = session.execute(
        sa.text(
            "SELECT code, name_th, name_en, ST_AsBinary(ST_Transform(geom, :srid)) AS wkb, attributes "
            "FROM area WHERE kind = 'community' ORDER BY code"
        ),
        {"srid": srid},
    )
    return [
        Community(
            code=row.code, name_th=row.name_th, name_en=row.name_en, geom=shapely.from_wkb(bytes(row.wkb)),
            population=_number(row.attributes.get("population")), floods=bool(row.attributes.get("flood_types")),
        )
        for row in rows
    ]


def _number(value: object) -> float | None:
    return float(str(value)) if value not in (None, "") else None


def street_level_by_the_eastern_edge_m(session: Session, *, srid: int) -> float | None:
    """The middle surveyed street level within 5 km east of the extent, m MSL; None where too few were surveyed."""
    row = session.execute(
        sa.text(
            """
            WITH edge AS (SELECT ST_Transform(extent, :srid) AS geom FROM city)
            SELECT count(*) AS levels, percentile_cont(0.5) WITHIN GROUP (ORDER BY level_m_msl) AS middle
            FROM survey_point, edge
            WHERE kind = 'road_level' AND ST_DWithin(ST_Transform(survey_point.geom, :srid), edge.geom, :within)
            """
        ),
        {"srid": srid, "within": STREET_LEVELS_WITHIN_M},
    ).one()
    return float(row.middle) if row.levels >= LEAST_STREET_LEVELS else None
