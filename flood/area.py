"""What lies in an area that somebody drew, and what of it stands in the water of a picture: one statement in SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from flood.errors import InvalidAreaError
from flood.models import FloodRun
from gis import queries as gis_queries
from gis.points import LonLat

Ring = Sequence[LonLat]

MOST_VERTICES = 500
STATEMENT_LIMIT_MS = 8_000
# Fewer people than this could be told by name by a neighbour: their number is not given (PDPA; docs/decisions/0010).
FEWEST_TOLD = 3


@dataclass(frozen=True)
class Part:
    """So many of so many stand in the water; `wet` is None where no picture says so."""

    wet: float | None
    total: float


@dataclass(frozen=True)
class AreaExposure:
    """An area by its size and by what it holds; lengths in kilometres, sizes in square metres.

    `wet_m2` and `roads_wet_km` are by depth class (1 ankle to 4 above the waist), empty where nothing is known.
    `people` are the registered ones, spread over the ground (`gis.population`); `people_by` says over what. They are
    None where no register was imported. A resident with two homes is one of the `members`.
    """

    area_m2: float
    wet_m2: dict[int, float]
    homes: Part
    vulnerable_homes: Part
    members: Part
    people: Part | None
    people_by: dict[str, int]
    roads_km: float
    roads_wet_km: dict[int, float]
    facilities: dict[str, Part]


_FAULT = sa.text(
    "SELECT reason, ST_X(location), ST_Y(location) "
    "FROM ST_IsValidDetail(ST_GeomFromGeoJSON(:outline)) WHERE NOT valid"
)

# The water is cut to the area and into small pieces first: each then finds its homes and roads by their index.
_EXPOSURE = sa.text(
    """
    WITH drawn AS MATERIALIZED (SELECT ST_SetSRID(ST_GeomFromGeoJSON(:outline), 4326) AS geom),
    water AS MATERIALIZED (
        SELECT f.depth_class, ST_Subdivide(ST_CollectionExtract(ST_Intersection(
            ST_MakeValid(ST_ClipByBox2D(f.geom, Box2D(drawn.geom))), drawn.geom), 3), 128) AS geom
        FROM flood_polygon f, drawn WHERE f.run_id = :run_id AND f.geom && drawn.geom
    ),
    wet_home AS (SELECT DISTINCT h.id FROM water w JOIN home h ON ST_Intersects(w.geom, h.geom)),
    found_home AS (
        SELECT h.resident_id, h.is_vulnerable, wet_home.id IS NOT NULL AS is_wet
        FROM drawn JOIN home h ON ST_Intersects(drawn.geom, h.geom) LEFT JOIN wet_home ON wet_home.id = h.id
    ),
    homes AS (
        SELECT count(*) AS total, count(*) FILTER (WHERE is_wet) AS wet,
            count(*) FILTER (WHERE is_vulnerable) AS vulnerable,
            count(*) FILTER (WHERE is_vulnerable AND is_wet) AS vulnerable_wet,
            count(DISTINCT resident_id) AS members,
            count(DISTINCT resident_id) FILTER (WHERE is_wet) AS members_wet
        FROM found_home
    ),
    people AS (
        SELECT p.method, sum(p.people) AS people
        FROM drawn JOIN population_point p ON ST_Intersects(drawn.geom, p.geom) GROUP BY p.method
    ),
    wet_people AS (
        SELECT coalesce(sum(people), 0) AS people FROM population_point WHERE id IN (
            SELECT p.id FROM water w JOIN population_point p ON ST_Intersects(w.geom, p.geom))
    ),
    wet_road AS (
        SELECT w.depth_class, sum(ST_Length(ST_Intersection(r.geom, w.geom)::geography)) / 1000 AS km
        FROM water w JOIN road r ON ST_Intersects(w.geom, r.geom) WHERE NOT r.is_bridge GROUP BY w.depth_class
    ),
    wet_facility AS (SELECT DISTINCT f.id FROM water w JOIN facility f ON ST_Intersects(w.geom, f.geom)),
    facilities AS (
        SELECT f.kind, count(wet_facility.id) AS wet, count(*) AS total
        FROM drawn JOIN facility f ON ST_Intersects(drawn.geom, f.geom)
        LEFT JOIN wet_facility ON wet_facility.id = f.id GROUP BY f.kind
    )
    SELECT ST_Area(drawn.geom::geography) AS area_m2, homes.*,
        (SELECT coalesce(json_object_agg(depth_class, m2), '{}') FROM (
            SELECT depth_class, sum(ST_Area(geom::geography)) AS m2 FROM water GROUP BY depth_class) w) AS wet_m2,
        (SELECT coalesce(json_object_agg(method, people), '{}') FROM people) AS people_by,
        (SELECT people FROM wet_people) AS people_wet,
        EXISTS (SELECT FROM population_point) AS has_register,
        (SELECT coalesce(sum(ST_Length(ST_Intersection(r.geom, drawn.geom)::geography)), 0) / 1000
            FROM road r WHERE ST_Intersects(drawn.geom, r.geom)) AS roads_km,
        (SELECT coalesce(json_object_agg(depth_class, km), '{}') FROM wet_road) AS roads_wet_km,
        (SELECT coalesce(json_object_agg(kind, json_build_array(wet, total)), '{}') FROM facilities) AS facilities
    FROM drawn, homes
    """
)


def exposure_in(session: Session, rings: Sequence[Ring], *, run: FloodRun | None) -> AreaExposure:
    """What lies within the outline (its outer ring, then its holes) and what of it is wet in the picture.

    Nothing is known to be wet or dry without a picture, or in one that was drawn without usable gauges. Raises
    InvalidAreaError that says what is wrong with the outline. Takes at most `STATEMENT_LIMIT_MS`, or the database
    refuses.
    """
    check_rings(rings, bbox=gis_queries.city_card(session).bbox)
    outline = json.dumps({"type": "Polygon", "coordinates": [[(p.lon, p.lat) for p in ring] for ring in rings]})
    session.execute(sa.text("SELECT set_config('statement_timeout', :limit, true)"), {"limit": str(STATEMENT_LIMIT_MS)})
    fault = session.execute(_FAULT, {"outline": outline}).one_or_none()
    if fault is not None:
        raise InvalidAreaError(_sentence(*fault))
    known = run is not None and run.method != "no-data"
    row = session.execute(_EXPOSURE, {"outline": outline, "run_id": run.id if run and known else None}).one()

    def part(wet: float, total: float) -> Part:
        return Part(wet=wet if known else None, total=total)

    return AreaExposure(
        area_m2=row.area_m2,
        wet_m2={int(depth_class): m2 for depth_class, m2 in row.wet_m2.items()},
        homes=part(row.wet, row.total),
        vulnerable_homes=part(row.vulnerable_wet, row.vulnerable),
        members=part(row.members_wet, row.members),
        people=part(int(row.people_wet), sum(row.people_by.values())) if row.has_register else None,
        people_by=dict(row.people_by),
        roads_km=row.roads_km,
        roads_wet_km={int(depth_class): km for depth_class, km in row.roads_wet_km.items()},
        facilities={kind: part(wet, total) for kind, (wet, total) in sorted(row.facilities.items())},
    )


def check_rings(rings: Sequence[Ring], *, bbox: tuple[float, float, float, float]) -> None:
    """The rings are closed, have corners, few enough, and lie in the box (west, south, east, north).

    Raises InvalidAreaError.
    """
    vertices = sum(len(ring) for ring in rings)
    if vertices > MOST_VERTICES:
        raise InvalidAreaError(f"The area has {vertices:,} corners; draw it with at most {MOST_VERTICES}.")
    if not rings or any(len(ring) < 4 for ring in rings):
        raise InvalidAreaError("An area needs at least three corners.")
    if any(ring[0] != ring[-1] for ring in rings):
        raise InvalidAreaError("The area is not closed: its last corner must be its first one.")
    west, south, east, north = bbox
    for place in (place for ring in rings for place in ring):
        if not (west <= place.lon <= east and south <= place.lat <= north):
            raise InvalidAreaError(f"The corner {place.lon:.5f}, {place.lat:.5f} lies outside the city.")


def told(count: float | None) -> int | None:
    """A count of members' things as it may be told: None for one or two (`FEWEST_TOLD`), and where it is unknown."""
    if count is None or 0 < count < FEWEST_TOLD:
        return None
    return int(count)


def _sentence(reason: str, lon: float | None, lat: float | None) -> str:
    where = "" if lon is None or lat is None else f" near {lon:.5f}, {lat:.5f}"
    if "intersection" in reason.lower():
        return f"The outline crosses itself{where}. Draw it so that no side crosses another."
    return f"The outline is no area{where}: {reason}."
