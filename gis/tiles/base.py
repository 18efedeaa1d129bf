"""The base map as Mapbox vector tiles, made by PostGIS: the fewer and the plainer the farther one stands off.

Only what the public may see: no homes, no members, no crews. Shapes are moved to Web Mercator and generalised once
after each import, for three bands of zooms; a tile then takes what lies in its box, the most important first, as long
as its estimated weight allows.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.tiles.prepare import prepare
from gis.tiles.pyramid import BOX, LARGEST_BYTES, Tile, first_fitting

# So many features are drawn without being ranked; where there are more, or they weigh too much, the first ranks are.
MOST_UNRANKED = 2_500
# No more than this ever fit.
MOST_FEATURES = 4_000
# Of the limit, how much the estimated weight may be, until the drawn tile fits; the first of them nearly always does.
_BUDGETS = (0.97, 0.75, 0.5, 0.25, 0.1, 0.0)
_CLIPPED = "ST_AsMVTGeom(m.shape, box.mercator, 4096, 64, true) AS shape"
_FEATURE = "source_id AS id, code, kind, class, name_th, name_en, is_bridge, shape"


def band_of(zoom: int) -> str:
    """The table that holds the shapes for a zoom."""
    if zoom <= 11:
        return "map_far"
    return "map_middle" if zoom <= 14 else "map_near"


def _layers_of(rows: str) -> str:
    """SQL of the layers of these rows as one tile; a property that is null is left out."""
    return (
        "SELECT string_agg(layer_tile, ''::bytea ORDER BY layer) FROM ("  # noqa: S608 - our own words.
        "SELECT layer, ST_AsMVT(feature, layer, 4096, 'shape') AS layer_tile "
        f"FROM {rows} r, LATERAL (SELECT {_FEATURE}) feature WHERE r.shape IS NOT NULL GROUP BY layer) made"
    )


def _unranked(band: str) -> sa.TextClause:
    """SQL of a tile with everything in its box; null where that is too much to draw."""
    return sa.text(
        f"""
        WITH {BOX},
        found AS MATERIALIZED (
            SELECT m.* FROM box, {band} m WHERE m.shape && box.wide AND m.from_zoom <= :z LIMIT {MOST_UNRANKED + 1}
        ),
        clipped AS (SELECT m.layer, m.source_id, m.code, m.kind, m.class, m.name_th, m.name_en, m.is_bridge, {_CLIPPED}
                    FROM found m, box)
        SELECT CASE WHEN (SELECT count(*) FROM found) <= {MOST_UNRANKED}
                    THEN coalesce(({_layers_of("clipped")}), '') END
        """  # noqa: S608 - names of our own tables and columns.
    )


def _ranked(band: str) -> sa.TextClause:
    """SQL of a tile with the first ranks. A vertex weighs about 3 bytes, a feature 24 besides, and its names."""
    return sa.text(
        f"""
        WITH {BOX},
        found AS MATERIALIZED (
            SELECT m.* FROM box, {band} m WHERE m.shape && box.wide AND m.from_zoom <= :z
            ORDER BY m.rank, m.id LIMIT {MOST_FEATURES}
        ),
        clipped AS MATERIALIZED (SELECT m.*, {_CLIPPED.replace("AS shape", "AS clipped")} FROM found m, box),
        weighed AS MATERIALIZED (
            SELECT layer, source_id, code, kind, class, name_th, name_en, is_bridge, clipped AS shape,
                   sum(24 + 3 * ST_NPoints(clipped) + 3 * ST_NumGeometries(clipped)
                       + coalesce(octet_length(name_th), 0) + coalesce(octet_length(name_en), 0))
                   OVER (ORDER BY rank, id) AS weight
            FROM clipped WHERE clipped IS NOT NULL
        ),
        fitting AS (SELECT * FROM weighed WHERE weight <= :budget)
        {_layers_of("fitting")}
        """  # noqa: S608 - names of our own tables and columns.
    )


_BANDS = ("map_far", "map_middle", "map_near")
_UNRANKED = {band: _unranked(band) for band in _BANDS}
_RANKED = {band: _ranked(band) for band in _BANDS}
_VERSIONS = sa.text(
    "SELECT (SELECT coalesce(sum(version), 0) || '-' || count(*) FROM layer), (SELECT data_version FROM map_prepared)"
)


def ready_version(session: Session) -> str:
    """The version of the city's data that tiles show now (`gis.queries.data_version`).

    The first one who asks after an import has the shapes prepared; whoever asks meanwhile waits.
    """
    version, prepared = session.execute(_VERSIONS).one()
    if prepared != version:
        prepare(session, version=str(version))
    return str(version)


def drawn(session: Session, tile: Tile) -> bytes:
    """The tile with layers boundary, area, waterway, road, building, facility, at most `LARGEST_BYTES`.

    Empty where nothing is there; what does not fit is left out from the least important on. `ready_version` has been
    asked before.
    """
    band = band_of(tile.z)
    everything = session.scalar(_UNRANKED[band], tile.box)
    if everything is not None and len(everything) <= LARGEST_BYTES:
        return bytes(everything)

    def draw(share: float) -> bytes:
        return bytes(session.scalar(_RANKED[band], {**tile.box, "budget": share * LARGEST_BYTES}) or b"")

    return first_fitting(draw, _BUDGETS)
