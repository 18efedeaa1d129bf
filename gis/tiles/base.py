"""The base map as Mapbox vector tiles, made by PostGIS: the fewer and the plainer the farther one stands off.

Only what the public may see: no homes, no members, no crews. Shapes are moved to Web Mercator and generalised once
after each import, for three bands of zooms; a tile then takes what lies in its box, the most important first, as long
as its estimated weight allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.tiles.prepare import prepare
from gis.tiles.pyramid import BOX, LARGEST_BYTES, Tile, first_fitting

# More features than this never fit: the smallest weigh about 25 bytes.
MOST_FEATURES = 4_000
# Of the limit, by how much the estimated weight is cut until the drawn tile fits; the first nearly always does.
_BUDGETS = (0.97, 0.75, 0.5, 0.25, 0.1, 0.0)


@dataclass(frozen=True)
class _TileLayer:
    """One layer of a tile and the columns that its features carry."""

    name: str
    columns: str


_LAYERS = (
    _TileLayer("boundary", "name_th, name_en"),
    _TileLayer("area", "source_id AS id, code, kind, name_th, name_en"),
    _TileLayer("waterway", "source_id AS id, kind, name_th, name_en"),
    _TileLayer("road", "source_id AS id, kind AS class, name_th, name_en, is_bridge"),
    _TileLayer("building", "kind"),
    _TileLayer("facility", "source_id AS id, kind, name_th, name_en"),
)


def band_of(zoom: int) -> str:
    """The table that holds the shapes for a zoom."""
    if zoom <= 11:
        return "map_far"
    return "map_middle" if zoom <= 13 else "map_near"


def _layer_sql(layer: _TileLayer) -> str:
    return (
        f"(SELECT coalesce(ST_AsMVT(feature, '{layer.name}', 4096, 'shape'), ''::bytea) FROM ("  # noqa: S608 - ours.
        f"SELECT {layer.columns}, shape FROM weighed WHERE layer = '{layer.name}' AND weight <= :budget) feature)"
    )


def _statement(band: str) -> sa.TextClause:
    """SQL of a tile from a band. A vertex weighs 4 bytes at most (two numbers below 2^14), a feature about 40 besides.

    Names are weighed each time, although a layer writes equal ones once: the estimate errs on the heavy side.
    """
    return sa.text(
        f"""
        WITH {BOX},
        found AS MATERIALIZED (
            SELECT m.* FROM {band} m, box WHERE m.shape && box.wide AND m.from_zoom <= :z
            ORDER BY m.rank, m.id LIMIT {MOST_FEATURES}
        ),
        clipped AS MATERIALIZED (
            SELECT layer, source_id, code, kind, name_th, name_en, is_bridge, rank, id,
                   ST_AsMVTGeom(found.shape, box.mercator, 4096, 64, true) AS shape
            FROM found, box
        ),
        weighed AS MATERIALIZED (
            SELECT *, sum(40 + 4 * ST_NPoints(shape) + 3 * ST_NumGeometries(shape)
                          + octet_length(name_th) + octet_length(name_en) + octet_length(code))
                      OVER (ORDER BY rank, id) AS weight
            FROM clipped WHERE shape IS NOT NULL
        )
        SELECT {" || ".join(_layer_sql(layer) for layer in _LAYERS)}
        """  # noqa: S608 - names of our own tables and columns.
    )


_STATEMENTS = {band: _statement(band) for band in ("map_far", "map_middle", "map_near")}
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
    statement = _STATEMENTS[band_of(tile.z)]

    def draw(share: float) -> bytes:
        found = session.scalar(statement, {**tile.box, "budget": share * LARGEST_BYTES})
        return bytes(found or b"")

    return first_fitting(draw, _BUDGETS)
