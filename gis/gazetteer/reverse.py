"""What a spot is called: the areas and units that hold it, the nearest named road and facility, the house."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.gazetteer.files import titled
from gis.points import LonLat
from gis.queries import place_labels

# Further away a road or facility says nothing of the spot, metres.
NEARBY_M = 2_000.0
# A spot further from a numbered house is at another one (assumed: two or three plots).
HOUSE_WITHIN_M = 40.0

_HOLDING = sa.text(
    """
    WITH here AS (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom)
    SELECT kind, code, name_th, name_en, is_drawn, turn FROM (
        SELECT area.kind, code, name_th, name_en, true AS is_drawn, 0 AS turn FROM area, here
        WHERE ST_Intersects(area.geom, here.geom)
        UNION ALL
        SELECT admin_unit.kind, code, name_th, name_en, false, 1 FROM admin_unit, here
        WHERE ST_Intersects(admin_unit.geom, here.geom)
    ) AS holding
    ORDER BY array_position(ARRAY['community', 'village', 'subdistrict', 'municipality', 'district', 'province'],
                            kind::text), turn, code
    """
)
_NEAREST_ROAD = sa.text(
    """
    SELECT 'road' AS kind, code, name_th, name_en, ST_Distance(geom::geography, here::geography) AS away_m
    FROM road, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS here) AS asked
    WHERE name_th <> '' ORDER BY geom <-> here LIMIT 1
    """
)
_NEAREST_FACILITY = sa.text(
    """
    SELECT kind, code, name_th, name_en, ST_Distance(geom::geography, here::geography) AS away_m
    FROM facility, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS here) AS asked
    WHERE name_th <> '' ORDER BY geom <-> here LIMIT 1
    """
)
_NEAREST_HOUSE = sa.text(
    """
    SELECT house_number, street_th, street_en, ST_Distance(geom::geography, here::geography) AS away_m
    FROM address, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS here) AS asked ORDER BY geom <-> here LIMIT 1
    """
)


@dataclass(frozen=True, slots=True)
class Holder:
    """An area or unit that holds the spot; `is_simplified` where its outline is only good enough to draw."""

    kind: str
    code: str
    name_th: str
    name_en: str
    is_simplified: bool


@dataclass(frozen=True, slots=True)
class Nearby:
    """The nearest of a kind and how far it is from the spot, metres."""

    kind: str
    code: str
    name_th: str
    name_en: str
    away_m: float


@dataclass(frozen=True, slots=True)
class NearestHouse:
    """The nearest numbered house, the street that it is counted in, and how far it is from the spot, metres."""

    house_number: str
    street_th: str
    street_en: str
    away_m: float


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A spot in words: what people call it, what holds it (the smallest first), and what is nearest."""

    label_th: str
    label_en: str
    areas: tuple[Holder, ...]
    road: Nearby | None
    facility: Nearby | None
    house: NearestHouse | None


def whereabouts(session: Session, place: LonLat) -> Whereabouts:
    """What the place is called and what holds it; raises NoCityError where no city has been imported."""
    label_th, label_en = place_labels(session, place)
    return Whereabouts(
        label_th=label_th,
        label_en=label_en,
        areas=_areas(session, place),
        road=_nearest(session, _NEAREST_ROAD, place),
        facility=_nearest(session, _NEAREST_FACILITY, place),
        house=_nearest_house(session, place),
    )


def _areas(session: Session, place: LonLat) -> tuple[Holder, ...]:
    """The holders, one of a kind: the city's own outline before the country's simplified one."""
    found: dict[str, Holder] = {}
    for row in session.execute(_HOLDING, {"lon": place.lon, "lat": place.lat}):
        name = row.name_th if row.is_drawn else titled(row.kind, row.name_th, code=row.code)
        found.setdefault(row.kind, Holder(row.kind, row.code, name, row.name_en, not row.is_drawn))
    return tuple(found.values())


def _nearest(session: Session, asked: sa.TextClause, place: LonLat) -> Nearby | None:
    row = session.execute(asked, {"lon": place.lon, "lat": place.lat}).one_or_none()
    if row is None or row.away_m > NEARBY_M:
        return None
    return Nearby(row.kind, row.code, row.name_th, row.name_en, round(float(row.away_m), 1))


def _nearest_house(session: Session, place: LonLat) -> NearestHouse | None:
    row = session.execute(_NEAREST_HOUSE, {"lon": place.lon, "lat": place.lat}).one_or_none()
    if row is None or row.away_m > HOUSE_WITHIN_M:
        return None
    return NearestHouse(row.house_number, row.street_th, row.street_en, round(float(row.away_m), 1))
