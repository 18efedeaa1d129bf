"""The collection of incidents, which are too many to read for a page of ten: box, time and page are asked by index."""

from __future__ import annotations

from datetime import datetime as moment
from typing import Any

import asyncpg
from morecantile import Tile, TileMatrixSet
from tipg.collections import ItemList
from tipg.settings import FeaturesSettings

from api.ogc.public import SCHEMA, PublicCollection

DATED_BY = "opened_at"
LARGEST_TILE = 10_000
# What lies on a tile's edge lies in it, however its bounds are rounded.
EDGE_DEG = 1e-6
# As what a question is asked of the database's functions: west, south, east, north, first and last moment.
Span = tuple[float | None, float | None, float | None, float | None, moment | None, moment | None]
_MATCHED = f"SELECT {SCHEMA}.incidents_matched($1, $2, $3, $4, $5, $6)"
_FROM = f"FROM {SCHEMA}.incidents_page($1, $2, $3, $4, $5, $6, $7, $8) AS incidents"
_SPAN = "span"
_SHAPE = ("properties", "bbox_only", "simplify", "geom_as_wkt")


def span_of(*, bbox: list[float] | None, datetime: list[str] | None) -> Span | None:
    """The box and the time of a question; None for a box that crosses the antimeridian, which is two."""
    west, south, east, north = (None,) * 4 if bbox is None else bbox if len(bbox) == 4 else (*bbox[:2], *bbox[3:5])
    if west is not None and east is not None and west > east:
        return None
    first, last = (moment.fromisoformat(at) if at else None for at in (datetime or ["", ""]))
    return west, south, east, north, first, last


class Incidents(PublicCollection):
    """Incidents: asked for by box and time alone they come from an index, else from the whole view."""

    def _from(self, function_parameters: dict[str, Any] | None, params: list[Any]) -> str:
        """The view, or of it the page that `function_parameters` carry."""
        if not function_parameters:
            return str(super()._from(function_parameters, params))
        params.extend(function_parameters[_SPAN])
        return _FROM

    async def features(
        self,
        conn: asyncpg.Connection,
        *,
        bbox_filter: list[float] | None = None,
        datetime_filter: list[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        **more: Any,
    ) -> ItemList:
        """The page that was asked for, and how many match."""
        span = span_of(bbox=bbox_filter, datetime=datetime_filter)
        shape: dict[str, Any] = {name: more.get(name) for name in _SHAPE}
        if span is None or any(asked for name, asked in more.items() if name not in shape):
            found: ItemList = await super().features(
                conn, bbox_filter=bbox_filter, datetime_filter=datetime_filter, limit=limit, offset=offset, **more
            )
            return found
        most, skipped = limit or FeaturesSettings().default_features_limit, offset or 0
        matched = await conn.fetchval(_MATCHED, *span)
        asked: Any = {_SPAN: (*span, most, skipped)}
        page = self._features_query(conn, **shape, limit=most, function_parameters=asked)
        items = [item async for item in page]
        end = skipped + len(items)
        return ItemList(
            items=items, matched=matched, next=end if end < matched else None,
            prev=max(skipped - most, 0) if skipped else None,
        )

    async def get_tile(
        self,
        conn: asyncpg.Connection,
        *,
        tms: TileMatrixSet,
        tile: Tile,
        bbox_filter: list[float] | None = None,
        datetime_filter: list[str] | None = None,
        limit: int | None = None,
        **more: Any,
    ) -> bytes:
        """The tile; tipg narrows it to the tile's own bounds once more."""
        bounds = tms.bounds(tile)
        asked = [bounds.left - EDGE_DEG, bounds.bottom - EDGE_DEG, bounds.right + EDGE_DEG, bounds.top + EDGE_DEG]
        span = span_of(bbox=asked, datetime=datetime_filter)
        page = {_SPAN: (*span, limit or LARGEST_TILE, 0)} if span and not bbox_filter else None
        if any(more.get(name) for name in ("ids_filter", "properties_filter", "cql_filter", "sortby")):
            page = None
        drawn: bytes = await super().get_tile(
            conn, tms=tms, tile=tile, bbox_filter=bbox_filter, datetime_filter=datetime_filter, limit=limit,
            **{**more, "function_parameters": page},
        )
        return drawn
