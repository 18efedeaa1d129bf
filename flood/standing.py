"""What stands still while the water moves, read from the database: terrain, waterways, streets, facilities, zones."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from flood.rules import GaugeSite


@dataclass(frozen=True)
class TerrainFile:
    """The city's terrain: the file, its version, the width of its cells, and the datum of its heights."""

    path: str
    srid: int
    datum: str
    version: int
    cell_m: float


@dataclass(frozen=True)
class GroundVersion:
    """Which terrain with its layers and stations, which zones, and which homes."""

    terrain: str
    zones: str
    homes: str


@dataclass(frozen=True)
class ZoneRow:
    """A zone as the picture needs it; `population` of its community if known.

    `wkb` is its outline in the terrain's metric system, `stored_wkb` in degrees as it is stored.
    """

    id: int
    code: str
    area_id: int | None
    population: float | None
    version: int
    wkb: bytes
    stored_wkb: bytes


@dataclass(frozen=True)
class Community:
    """A community's names and its outline; `wkb` in the system that was asked for."""

    id: int
    code: str
    name_th: str
    name_en: str
    wkb: bytes


def terrain(session: Session) -> TerrainFile | None:
    """The city's terrain, None before a city with one was imported."""
    row = session.execute(sa.text("SELECT path, srid, datum, version, cell_m FROM terrain")).one_or_none()
    return TerrainFile(*row) if row else None


def gauge_sites(session: Session, *, srid: int) -> list[GaugeSite]:
    """All stations that measure a water level, in the metric system `srid`, by id."""
    rows = session.execute(
        sa.text(
            "SELECT s.id, s.code, ST_X(m.place), ST_Y(m.place), s.bank_m_msl, d.danger_m_msl, "
            "coalesce(d.datum, 'unknown') "
            "FROM station s JOIN datastream d ON d.station_id = s.id AND d.observed_property = 'water_level', "
            "LATERAL (SELECT ST_Transform(s.geom, :srid) AS place) m ORDER BY s.id"
        ),
        {"srid": srid},
    )
    return [GaugeSite(*row) for row in rows]


# Where a row lies and who wrote it: both change with every insert, update and delete. A transaction's number is read as
# its distance from the first one, because as a text it would take three times as long for the homes of a city.
_GROUND_VERSION = sa.text(
    """
    WITH first AS (SELECT age('3'::xid) AS age)
    SELECT concat_ws('|',
        (SELECT path || ':' || version FROM terrain),
        (SELECT string_agg(name || ':' || version, ',' ORDER BY name) FROM layer),
        (SELECT bit_xor(hashtidextended(s.ctid, age(s.xmin)::bigint - first.age)) FROM station s, first),
        (SELECT bit_xor(hashtidextended(d.ctid, age(d.xmin)::bigint - first.age)) FROM datastream d, first
         WHERE d.station_id IS NOT NULL)),
        concat((SELECT bit_xor(hashtidextended(z.ctid, age(z.xmin)::bigint - first.age)) FROM zone z, first)),
        concat((SELECT bit_xor(hashtidextended(h.ctid, age(h.xmin)::bigint - first.age)) FROM home h, first))
    """
)


def ground_version(session: Session) -> GroundVersion:
    """Texts that change whenever something that stands still did."""
    return GroundVersion(*session.execute(_GROUND_VERSION).one())


def waterway_shapes(session: Session, *, srid: int) -> list[bytes]:
    """All waterways as WKB in the metric system."""
    return _shapes(session, "SELECT ST_AsBinary(ST_Transform(geom, :srid)) FROM waterway ORDER BY id", srid=srid)


def road_shapes(session: Session, *, srid: int) -> list[tuple[int, bytes]]:
    """(road id, WKB in the metric system) of all roads but bridges, which stand above the water."""
    rows = session.execute(
        sa.text("SELECT id, ST_AsBinary(ST_Transform(geom, :srid)) FROM road WHERE NOT is_bridge ORDER BY id"),
        {"srid": srid},
    )
    return [(road_id, bytes(wkb)) for road_id, wkb in rows]


def facility_places(session: Session, *, srid: int) -> list[tuple[str, float, float]]:
    """(kind, east, north) of all facilities, metres."""
    rows = session.execute(
        sa.text(
            "SELECT kind, ST_X(place), ST_Y(place) "
            "FROM (SELECT kind, ST_Transform(geom, :srid) AS place FROM facility) f"
        ),
        {"srid": srid},
    )
    return [(kind, x_m, y_m) for kind, x_m, y_m in rows]


def zone_rows(session: Session, *, srid: int) -> list[ZoneRow]:
    """The zones that are drawn, by id."""
    rows = session.execute(
        sa.text(
            "SELECT z.id, z.code, z.area_id, "
            "CASE WHEN jsonb_typeof(a.attributes->'population') = 'number' "
            "THEN (a.attributes->>'population')::float8 END, "
            "z.version, ST_AsBinary(ST_Transform(z.geom, :srid)), ST_AsBinary(z.geom) "
            "FROM zone z LEFT JOIN area a ON a.id = z.area_id WHERE NOT z.is_retired ORDER BY z.id"
        ),
        {"srid": srid},
    )
    return [ZoneRow(*row) for row in rows]


def community_shapes(session: Session, *, srid: int) -> list[Community]:
    """The communities that have an outline, by code; outlines in the system `srid`."""
    rows = session.execute(
        sa.text(
            "SELECT id, code, name_th, name_en, ST_AsBinary(ST_Transform(geom, :srid)) FROM area "
            "WHERE kind = 'community' AND geom IS NOT NULL AND NOT ST_IsEmpty(geom) ORDER BY code"
        ),
        {"srid": srid},
    )
    return [Community(*row) for row in rows]


def subdivide(session: Session, *, zone_id: int, version: int) -> None:
    """The parts of this version of a zone are stored, each with at most 128 vertices."""
    session.execute(
        sa.text(
            "INSERT INTO zone_part (zone_id, version, geom) "
            "SELECT id, :version, (ST_Dump(ST_Subdivide(geom, 128))).geom FROM zone WHERE id = :zone_id"
        ),
        {"zone_id": zone_id, "version": version},
    )


def _shapes(session: Session, sql: str, *, srid: int) -> list[bytes]:
    return [bytes(wkb) for (wkb,) in session.execute(sa.text(sql), {"srid": srid})]
