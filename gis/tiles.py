"""The base map as Mapbox vector tiles, made by PostGIS: the fewer and the plainer the farther one stands off.

Only what the public may see: no homes, no members, no crews.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.errors import NoSuchTileError

LOWEST_ZOOM, HIGHEST_ZOOM = 8, 18
# Ground size of a pixel at zoom 0 in Web Mercator, for tiles of 512 pixels (OGC WebMercatorQuad: 156543.03 m at 256).
PIXEL_AT_ZOOM_0_M = 78_271.52
MAIN_ROADS = ("motorway", "trunk", "primary", "secondary", "motorway_link", "trunk_link", "primary_link")


@dataclass(frozen=True)
class Tile:
    """A tile of the Web Mercator pyramid; raises NoSuchTileError where there is none."""

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        """The tile exists at its zoom."""
        if not (LOWEST_ZOOM <= self.z <= HIGHEST_ZOOM and 0 <= self.x < 2**self.z and 0 <= self.y < 2**self.z):
            raise NoSuchTileError(
                f"There is no tile {self.z}/{self.x}/{self.y}: zoom is {LOWEST_ZOOM} to {HIGHEST_ZOOM}, "
                "x and y lie below 2 to the power of zoom."
            )

    @property
    def pixel_m(self) -> float:
        """The ground size of a pixel, metres of Web Mercator."""
        return float(PIXEL_AT_ZOOM_0_M / 2**self.z)


@dataclass(frozen=True)
class _TileLayer:
    """One layer of a tile: its columns, which rows it shows at a zoom, and from which zoom on."""

    name: str
    columns: str
    from_zoom: int
    shown: str = "true"
    is_simplified: bool = True
    shape: str = "geom"
    table: str = ""


_LAYERS = (
    _TileLayer("boundary", "name_th, name_en", 8, table="area", shown="kind = 'municipality'"),
    _TileLayer("area", "id, code, kind, name_th, name_en", 11, shown="kind = 'community'"),
    _TileLayer("waterway", "id, kind, name_th, name_en", 8, shown=":z >= 12 OR kind IN ('river', 'canal')"),
    _TileLayer(
        "road", "id, class, name_th, name_en, is_bridge::int AS is_bridge", 8,
        shown=":z >= 13 OR (:z >= 12 AND class <> 'service') OR class = ANY(:main_roads)",
    ),
    _TileLayer("building", "kind", 14),
    _TileLayer("facility", "id, kind, name_th, name_en", 13, is_simplified=False),
)


def _layer_sql(layer: _TileLayer) -> str:
    """SQL of one layer as bytes. The tile's box is transformed, never the column, so that the index is used."""
    moved = f"ST_Transform({layer.shape}, 3857)"
    if layer.is_simplified:
        moved = f"ST_Simplify({moved}, :pixel_m, true)"
    return f"""
    (SELECT coalesce(ST_AsMVT(feature, '{layer.name}', 4096, 'shape'), ''::bytea) FROM (
        SELECT {layer.columns}, ST_AsMVTGeom({moved}, box.mercator, 4096, 64, true) AS shape
        FROM {layer.table or layer.name}, box
        WHERE geom && box.degrees AND ({layer.shown})
    ) feature WHERE shape IS NOT NULL)"""  # noqa: S608 - layer names and columns are the constants above.


def tile_bytes(session: Session, tile: Tile) -> bytes:
    """The tile with layers boundary, area, waterway, road, building, facility; empty where nothing is there."""
    shown = [layer for layer in _LAYERS if layer.from_zoom <= tile.z]
    statement = sa.text(
        """
        WITH box AS (
            SELECT ST_TileEnvelope(:z, :x, :y) AS mercator,
                   ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => 64.0 / 4096), 4326) AS degrees
        )
        SELECT """
        + " || ".join(_layer_sql(layer) for layer in shown)
    )
    found = session.scalar(
        statement,
        {"z": tile.z, "x": tile.x, "y": tile.y, "pixel_m": tile.pixel_m, "main_roads": list(MAIN_ROADS)},
    )
    return bytes(found or b"")
