"""Shapes made ready for tiles, once after each import: in Web Mercator, generalised for three bands of zooms."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.logs import get_logger
from gis.tiles.pyramid import PIXEL_AT_ZOOM_0_M

log = get_logger("gis.tiles")

# What comes first where not everything fits: outline, places, waters, main streets, names of communities, the rest.
# The fraction behind the point puts the longer before the shorter and the larger before the smaller.
_ROADS = """
    SELECT 'road' AS layer, id AS source_id, NULL AS code, NULL AS kind, class, nullif(name_th, '') AS name_th,
        nullif(name_en, '') AS name_en, is_bridge::int AS is_bridge,
        CASE WHEN class IN ('motorway', 'trunk', 'primary', 'secondary', 'motorway_link', 'trunk_link', 'primary_link')
                THEN 8
             WHEN class LIKE 'tertiary%' THEN 11 WHEN class = 'service' THEN 14 ELSE 13 END AS from_zoom,
        CASE WHEN class LIKE 'motorway%' OR class LIKE 'trunk%' OR class LIKE 'primary%' THEN 30
             WHEN class LIKE 'secondary%' THEN 31 WHEN class LIKE 'tertiary%' THEN 40
             WHEN class = 'service' THEN 80 ELSE 70 END + 1 / (1 + length_m) AS rank,
        ST_Transform(geom, 3857) AS shape
    FROM road
"""
_WATERWAYS = """
    SELECT 'waterway', id, NULL, kind, NULL, nullif(name_th, ''), nullif(name_en, ''), NULL,
        CASE WHEN kind IN ('river', 'canal') THEN 8 ELSE 12 END,
        CASE kind WHEN 'river' THEN 20 WHEN 'canal' THEN 21 ELSE 60 END + 1 / (1 + ST_Length(geom::geography)),
        ST_Transform(geom, 3857)
    FROM waterway
"""
_AREAS = """
    SELECT 'boundary', NULL, NULL, NULL, NULL, name_th, name_en, NULL, 8, 0, ST_Transform(geom, 3857)
    FROM area WHERE kind = 'municipality'
    UNION ALL
    SELECT 'area', id, code, kind, NULL, name_th, name_en, NULL, 11, 35, ST_Transform(geom, 3857)
    FROM area WHERE kind = 'community'
"""
_PLACES = """
    SELECT 'facility', id, NULL, kind, NULL, nullif(name_th, ''), nullif(name_en, ''), NULL, 13,
        CASE WHEN kind IN ('hospital', 'shelter') THEN 10 ELSE 11 END, ST_Transform(geom, 3857)
    FROM facility
    UNION ALL
    SELECT 'building', NULL, NULL, kind, NULL, NULL, NULL, NULL,
        14, 90 + 1 / (1 + ST_Area(shape)), shape
    FROM (SELECT kind, ST_Transform(geom, 3857) AS shape FROM building) footprint
"""
_COLUMNS = "layer, source_id, code, kind, class, name_th, name_en, is_bridge, from_zoom, rank, shape"
_LINES = f"{_ROADS} UNION ALL {_WATERWAYS}"


def _joined(*, square_m: int) -> str:
    """Lines of one kind and name as one feature in each square of this side.

    There are fewer features so, and none so large that leaving it out would leave a great hole in the map.
    """
    return f"""
        SELECT layer, min(source_id) AS source_id, NULL AS code, kind, class, name_th, name_en,
            max(is_bridge) AS is_bridge, min(from_zoom) AS from_zoom, min(rank) AS rank,
            ST_LineMerge(ST_Collect(shape)) AS shape
        FROM ({_LINES}) line GROUP BY layer, kind, class, name_th, name_en, from_zoom, is_bridge,
            floor(ST_X(ST_StartPoint(shape)) / {square_m}), floor(ST_Y(ST_StartPoint(shape)) / {square_m})
    """  # noqa: S608 - our own words.


@dataclass(frozen=True)
class _Band:
    """A table of shapes: what is in it, and the nearest zoom for which it is exact to a pixel."""

    source: str
    nearest_zoom: int
    exact_zoom: int


_BANDS = {
    "map_far": _Band(f"{_joined(square_m=19_600)} UNION ALL {_AREAS}", 11, 11),
    "map_middle": _Band(f"{_joined(square_m=611)} UNION ALL {_AREAS} UNION ALL {_PLACES}", 14, 14),
    "map_near": _Band(f"{_LINES} UNION ALL {_AREAS} UNION ALL {_PLACES}", 18, 18),
}


def prepare(session: Session, *, version: str) -> None:
    """The shapes of every band are those of the city's data at `version`; whoever prepares at the same time waits.

    `shape` is in EPSG:3857, simplified to less than a pixel of the band's nearest zoom.
    """
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('gis.tiles.prepare', 0))"))
    if session.scalar(sa.text("SELECT data_version FROM map_prepared")) == version:
        return
    for band, made in _BANDS.items():
        session.execute(sa.text(f"DELETE FROM {band}"))  # noqa: S608 - a table of ours.
        session.execute(
            sa.text(
                f"INSERT INTO {band} ({_COLUMNS}) SELECT * FROM ("  # noqa: S608 - our own words.
                "SELECT layer, source_id, code, kind, class, name_th, name_en, is_bridge, from_zoom, rank, "
                f"ST_Simplify(shape, :tolerance_m, true) AS shape FROM ({made.source}) plain WHERE from_zoom <= :zoom"
                ") ready WHERE shape IS NOT NULL AND NOT ST_IsEmpty(shape)"
            ),
            {"tolerance_m": PIXEL_AT_ZOOM_0_M / 2**made.exact_zoom, "zoom": made.nearest_zoom},
        )
        session.execute(sa.text(f"ANALYZE {band}"))
    session.execute(
        sa.text(
            "INSERT INTO map_prepared (id, data_version) VALUES (1, :version) "
            "ON CONFLICT (id) DO UPDATE SET data_version = excluded.data_version"
        ),
        {"version": version},
    )
    log.info("tiles.prepared", data_version=version)
