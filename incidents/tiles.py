"""Incidents as vector tiles: each by itself where a tile holds few, by cells of a grid where it holds many.

Triggers count incidents by cell with every change (`incident_tally`), so that a tile is never older than the table.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.tiles import Tile, first_fitting
from incidents.rules import OPEN_STATES

FINEST_LEVEL = 21
LEVELS = (12, 14, 16, 18, 20)
MOST_SINGLE = 250
# A cell that more changes than this add up to is summed up into one row.
MOST_CHANGES = 8


def level_of(zoom: int) -> int:
    """The level of the grid whose cells are shown at a zoom: 16 or 8 cells along a tile's side, 4 at zoom 18."""
    return min(zoom + 4 - zoom % 2, LEVELS[-1])


def first_cell(tile: Tile, *, level: int) -> int:
    """The Morton number of the tile's first cell at a level; the tile's other cells follow it without a gap."""
    morton = sum(((tile.x >> bit & 1) | (tile.y >> bit & 1) << 1) << 2 * bit for bit in range(tile.z))
    return morton << 2 * (level - tile.z)


# A cell's place in its tile, from its number there: even bits are columns, odd bits rows, four of each at most.
_COLUMN = " | ".join(f"((place >> {bit}) & {1 << bit})" for bit in range(4))
_ROW = " | ".join(f"((place >> {bit + 1}) & {1 << bit})" for bit in range(4))

_TILE = sa.text(
    f"""
    WITH cells AS MATERIALIZED (
        SELECT cell - :first AS place, sum(total) AS total, sum(open_1) AS open_1, sum(open_2) AS open_2,
               sum(open_3) AS open_3, sum(open_4) AS open_4
        FROM incident_tally WHERE level = :level AND cell >= :first AND cell < :after
        GROUP BY cell HAVING sum(total) > 0
    ),
    few AS MATERIALIZED (
        SELECT i.id, i.number, i.category_code, i.state, ST_X(i.place) AS lon, ST_Y(i.place) AS lat,
               coalesce(i.fading_at > greatest(i.last_report_at, i.confirmed_at), false) AS is_fading
        FROM incident i WHERE i.map_key >= :first_key AND i.map_key < :after_key
    )
    SELECT CASE WHEN (SELECT coalesce(sum(total), 0) FROM cells) <= :most_single THEN (
        SELECT ST_AsMVT(feature, 'incident', 4096, 'shape', 'id') FROM (
            SELECT few.id, number, category_code AS category, c.tier, state, state = ANY(:open) AS is_open, is_fading,
                   ST_MakePoint(
                       ((lon + 180) / 360 * :across - :x) * 4096,
                       ((1 - asinh(tan(radians(lat))) / pi()) / 2 * :across - :y) * 4096
                   ) AS shape
            FROM few JOIN category c ON c.code = category_code ORDER BY few.id
        ) feature
    ) ELSE (
        SELECT ST_AsMVT(feature, 'incident_cluster', 4096, 'shape') FROM (
            SELECT total AS count, open_1 + open_2 + open_3 + open_4 AS open,
                   CASE WHEN open_1 > 0 THEN 1 WHEN open_2 > 0 THEN 2 WHEN open_3 > 0 THEN 3
                        WHEN open_4 > 0 THEN 4 END
                       AS worst_tier,
                   ST_MakePoint((({_COLUMN}) + 0.5) * :units, (({_ROW}) + 0.5) * :units) AS shape
            FROM cells ORDER BY place
        ) feature
    ) END
    """  # noqa: S608 - numbers of ours.
)


def drawn(session: Session, tile: Tile) -> bytes:
    """The tile of the city's incidents as they are now, at most `gis.tiles.LARGEST_BYTES`; empty where there are none.

    Layer `incident` (id; number, category, tier, state, is_open, is_fading) where the tile holds `MOST_SINGLE` or
    fewer, else `incident_cluster` (count, open, worst_tier: the gravest tier of an open one) at the middles of cells.
    """
    level = level_of(tile.z)
    first, cells = first_cell(tile, level=level), 4 ** (level - tile.z)
    shift = 2 * (FINEST_LEVEL - level)
    parameters = {
        "x": tile.x, "y": tile.y, "across": float(2**tile.z), "level": level, "first": first,
        "after": first + cells, "first_key": first << shift, "after_key": (first + cells) << shift,
        "units": 4096 / 2 ** (level - tile.z), "open": list(OPEN_STATES),
    }

    def draw(most_single: int) -> bytes:
        return bytes(session.scalar(_TILE, {**parameters, "most_single": most_single}) or b"")

    return first_fitting(draw, (MOST_SINGLE, 0))


_FOLD = sa.text(
    """
    WITH busy AS (SELECT level, cell FROM incident_tally GROUP BY level, cell HAVING count(*) > :most_changes),
    gone AS (
        DELETE FROM incident_tally t USING busy WHERE t.level = busy.level AND t.cell = busy.cell
        RETURNING t.level, t.cell, t.total, t.open_1, t.open_2, t.open_3, t.open_4
    )
    INSERT INTO incident_tally (level, cell, total, open_1, open_2, open_3, open_4)
    SELECT level, cell, sum(total), sum(open_1), sum(open_2), sum(open_3), sum(open_4) FROM gone
    GROUP BY level, cell HAVING sum(total) > 0
    """
)


def fold_tally(session: Session) -> None:
    """Changes of busy cells are summed up; what tiles show stays the same. Twice at once is as once."""
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('incidents.fold_tally', 0))"))
    session.execute(_FOLD, {"most_changes": MOST_CHANGES})
