"""A picture of the flood as vector tiles: its water by depth class, the zones as that picture saw them, wet roads."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from flood.models import FloodRun
from gis.tiles import BOX, Tile, first_fitting

# Each rung doubles the tolerance and the smallest water shown, and halves the most roads and zones; at the last one a
# pixel is as large as the tile and nothing is left, so that the ladder always ends.
RUNGS = range(13)
MOST_ROADS, MOST_ZONES = 2_000, 1_000

_TILE = sa.text(
    f"""
    WITH {BOX},
    water AS (
        SELECT depth_class, (ST_Dump(ST_CollectionExtract(
            ST_Simplify(ST_Transform(ST_ClipByBox2D(geom, box.degrees), 3857), :tolerance_m, true), 3))).geom AS part
        FROM flood_polygon, box WHERE run_id = :run_id AND geom && box.degrees
    ),
    shown_water AS (
        SELECT depth_class, ST_AsMVTGeom(ST_Collect(part), box.mercator, 4096, 64, true) AS shape
        FROM water, box WHERE ST_Area(part) >= :least_m2 GROUP BY depth_class, box.mercator ORDER BY depth_class
    ),
    shown_zones AS (
        SELECT z.id, z.code, z.name_th, z.name_en, s.severity, (s.falling_to IS NOT NULL) AS is_falling, s.depth_class,
            ST_AsMVTGeom(ST_Simplify(ST_Transform(z.geom, 3857), :tolerance_m, true), box.mercator, 4096, 64, true)
                AS shape
        FROM box, zone z JOIN zone_state s ON s.zone_id = z.id AND s.run_id = :run_id
        WHERE z.geom && box.degrees ORDER BY s.severity DESC, z.id LIMIT :most_zones
    ),
    shown_roads AS (
        SELECT r.id, f.max_depth_m,
            ST_AsMVTGeom(ST_Simplify(ST_Transform(r.geom, 3857), :tolerance_m, true), box.mercator, 4096, 64, true)
                AS shape
        FROM box, road r JOIN flood_road f ON f.road_id = r.id AND f.run_id = :run_id
        WHERE r.geom && box.degrees ORDER BY f.max_depth_m DESC, r.id LIMIT :most_roads
    )
    SELECT (SELECT coalesce(ST_AsMVT(w, 'flood', 4096, 'shape'), '') FROM shown_water w WHERE shape IS NOT NULL)
        || (SELECT coalesce(ST_AsMVT(z, 'zone', 4096, 'shape', 'id'), '') FROM shown_zones z WHERE shape IS NOT NULL)
        || (SELECT coalesce(ST_AsMVT(r, 'flooded_road', 4096, 'shape', 'id'), '') FROM shown_roads r
            WHERE shape IS NOT NULL)
    """  # noqa: S608 - a constant of ours.
)


def check_run(session: Session, run_id: int) -> None:
    """There is such a picture; raises NotFoundError."""
    if session.scalar(sa.select(sa.exists().where(FloodRun.id == run_id))) is not True:
        raise NotFoundError(f"There is no picture of the flood {run_id}.")


def drawn(session: Session, tile: Tile, *, run_id: int) -> bytes:
    """The tile of a picture, at most `gis.tiles.LARGEST_BYTES`; empty where the picture shows nothing.

    Layers `flood` (depth_class), `zone` (id; code, names, severity, is_falling, depth_class) and `flooded_road` (id;
    max_depth_m). Outlines of zones and roads are those of now: an import of other ones begins with pictures of its own.
    """

    def draw(rung: int) -> bytes:
        tolerance_m = tile.pixel_m * 2**rung
        parameters = {
            **tile.box, "run_id": run_id, "tolerance_m": tolerance_m, "least_m2": tolerance_m**2,
            "most_roads": MOST_ROADS >> rung, "most_zones": MOST_ZONES >> rung,
        }
        return bytes(session.scalar(_TILE, parameters) or b"")

    return first_fitting(draw, RUNGS)
