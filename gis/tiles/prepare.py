"""Shapes made ready for tiles, once after each import: in Web Mercator, generalised for three bands of zooms."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.logs import get_logger
from gis.tiles.pyramid import PIXEL_AT_ZOOM_0_M

log = get_logger("gis.tiles")

# What comes first where not everything fits: outline, places, waters, main streets, names of communities, the rest.
# The fraction behind the point puts the longer before the shorter and the larger before the smaller.
_ROADS = """
    SELECT 'road' AS layer, id AS source_id, '' AS code, class AS kind, name_th, name_en, is_bridge::int AS is_bridge,
        CASE WHEN class IN ('motorway', 'trunk', 'primary', 'secondary', 'motorway_link', 'trunk_link', 'primary_link')
                THEN 8
             WHEN class = 'tertiary' THEN 11
             WHEN class = 'service' OR length_m < 60 THEN 13 ELSE 12 END AS from_zoom,
        CASE WHEN class LIKE 'motorway%' OR class LIKE 'trunk%' OR class LIKE 'primary%' THEN 30
             WHEN class LIKE 'secondary%' THEN 31 WHEN class LIKE 'tertiary%' THEN 40
             WHEN class = 'service' THEN 80 ELSE 70 END + 1 / (1 + length_m) AS rank,
        ST_Transform(geom, 3857) AS shape
    FROM road
"""
_WATERWAYS = """
    SELECT 'waterway' AS layer, id AS source_id, '' AS code, kind, name_th, name_en, 0 AS is_bridge,
        CASE WHEN kind IN ('river', 'canal') THEN 8 ELSE 12 END AS from_zoom,
        CASE kind WHEN 'river' THEN 20 WHEN 'canal' THEN 21 ELSE 60 END + 1 / (1 + ST_Length(geom::geography)) AS rank,
        ST_Transform(geom, 3857) AS shape
    FROM waterway
"""
_AREAS = """
    SELECT CASE kind WHEN 'municipality' THEN 'boundary' ELSE 'area' END AS layer, id AS source_id,
        code, kind, name_th, name_en, 0 AS is_bridge,
        CASE kind WHEN 'municipality' THEN 8 ELSE 11 END AS from_zoom,
        CASE kind WHEN 'municipality' THEN 0 ELSE 35 END AS rank,
        ST_Transform(geom, 3857) AS shape
    FROM area WHERE kind IN ('municipality', 'community')
"""
_PLACES = """
    SELECT 'facility' AS layer, id AS source_id, '' AS code, kind, name_th, name_en, 0 AS is_bridge,
        13 AS from_zoom, CASE WHEN kind IN ('hospital', 'shelter') THEN 10 ELSE 11 END AS rank,
        ST_Transform(geom, 3857) AS shape
    FROM facility
    UNION ALL
    SELECT 'building', id, '', kind, '', '', 0, 14, 90 + 1 / (1 + ST_Area(shape)), shape
    FROM (SELECT id, kind, ST_Transform(geom, 3857) AS shape FROM building) footprint
"""
_COLUMNS = "layer, source_id, code, kind, name_th, name_en, is_bridge, from_zoom, rank, shape"
# Pieces of one street or water become one feature in each square of this side: fewer features, and none so large that
# leaving it out would leave a hole in the map.
_SQUARE_M = 19_600
_JOINED = f"""
    SELECT layer, min(source_id) AS source_id, '' AS code, kind, name_th, name_en, max(is_bridge) AS is_bridge,
        min(from_zoom) AS from_zoom, min(rank) AS rank, ST_LineMerge(ST_Collect(shape)) AS shape
    FROM lines GROUP BY layer, kind, name_th, name_en,
        floor(ST_X(ST_StartPoint(shape)) / {_SQUARE_M}), floor(ST_Y(ST_StartPoint(shape)) / {_SQUARE_M})
"""  # noqa: S608 - a constant of ours.


def _pixel_m(zoom: int) -> float:
    return PIXEL_AT_ZOOM_0_M / 2**zoom


_BANDS = {
    "map_far": (
        f"WITH lines AS (SELECT * FROM ({_ROADS} UNION ALL {_WATERWAYS}) line WHERE from_zoom <= 11) "  # noqa: S608 - ours.
        f"{_JOINED} UNION ALL {_AREAS}",
        _pixel_m(11),
    ),
    "map_middle": (f"{_ROADS} UNION ALL {_WATERWAYS} UNION ALL {_AREAS} UNION ALL {_PLACES}", _pixel_m(14)),
    "map_near": (f"{_ROADS} UNION ALL {_WATERWAYS} UNION ALL {_AREAS} UNION ALL {_PLACES}", _pixel_m(18)),
}
_NEAREST_ZOOM = {"map_far": 11, "map_middle": 13, "map_near": 18}


def prepare(session: Session, *, version: str) -> None:
    """The shapes of every band are those of the city's data at `version`; whoever prepares at the same time waits.

    `shape` is in EPSG:3857, simplified to less than a pixel of the band's nearest zoom.
    """
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('gis.tiles.prepare', 0))"))
    if session.scalar(sa.text("SELECT data_version FROM map_prepared")) == version:
        return
    for band, (source, tolerance_m) in _BANDS.items():
        session.execute(sa.text(f"DELETE FROM {band}"))  # noqa: S608 - a table of ours.
        session.execute(
            sa.text(
                f"INSERT INTO {band} ({_COLUMNS}) SELECT * FROM ("  # noqa: S608 - our own words.
                "SELECT layer, source_id, code, kind, name_th, name_en, is_bridge, from_zoom, rank, "
                f"ST_Simplify(shape, :tolerance_m, true) AS shape FROM ({source}) plain WHERE from_zoom <= :nearest"
                ") ready WHERE shape IS NOT NULL AND NOT ST_IsEmpty(shape)"
            ),
            {"tolerance_m": tolerance_m, "nearest": _NEAREST_ZOOM[band]},
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
