"""What is published, and who reads it: asyncpg stays in this package, because tipg speaks nothing else."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import orjson
from cql2 import Expr
from fastapi import FastAPI
from tipg.collections import Catalog, PgCollection, pg_get_collection_index
from tipg.database import DB_CATALOG_FILE
from tipg.errors import InvalidPropertyName
from tipg.settings import DatabaseSettings

from core import clock, db
from core.logs import get_logger
from core.settings import secret

log = get_logger("api.ogc")

SCHEMA, ROLE = "gis_public", "faonam_public"
FRESH_S = 60.0
# Views of hundreds of thousands of rows.
UNMEASURED = [f"{SCHEMA}.incidents"]
STATEMENT_LIMIT_MS = 5_000
CONNECTIONS = 6
_SESSION = {
    "application_name": "faonam open data",
    "default_transaction_read_only": "on",
    "statement_timeout": str(STATEMENT_LIMIT_MS),
    "idle_in_transaction_session_timeout": "10000",
    "search_path": f"{SCHEMA},public",
    "timezone": "UTC",
    "jit": "off",
}
_REFUSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError)
_NO_ROLE = (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedObjectError)


async def open_pool() -> asyncpg.Pool:
    """Connections that read the public views, with as few rights as the server allows.

    First as the role itself; else as the owner who has become the role; else as the owner in transactions that may only
    read (where no role could be made), which is logged: then only the catalogue and the refused functions keep the
    other tables from view.
    """
    try:
        return await _pool(_SESSION, user=ROLE, password=secret("public-database"))
    except _REFUSED:
        pass
    try:
        return await _pool({**_SESSION, "role": ROLE})
    except _NO_ROLE:
        log.warning("ogc.without_role", role=ROLE)
    return await _pool(_SESSION)


async def _pool(session: dict[str, str], **login: str) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        db.database_url(), min_size=1, max_size=CONNECTIONS, init=_prepare, server_settings=session, **login
    )


async def _prepare(connection: asyncpg.Connection) -> None:
    """The connection reads JSON as tipg expects, and has tipg's catalogue functions in its own temporary schema."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=orjson.dumps, decoder=orjson.loads, schema="pg_catalog")
    functions = await asyncio.to_thread(DB_CATALOG_FILE.read_text)
    await connection.execute("BEGIN READ WRITE")  # Temporary functions are all that is ever written.
    await connection.execute(functions)
    await connection.execute("COMMIT")


async def refresh(app: FastAPI) -> None:
    """`app.state.collection_catalog` lists the views as they were a minute ago at most; raises where it cannot."""
    read_s = getattr(app.state, "catalogue_read_s", None)
    if read_s is not None and time.monotonic() - read_s < FRESH_S:
        return
    # `functions=[]` publishes none: without it PostGIS's own set-returning functions become collections.
    common: dict[str, Any] = {"schemas": [SCHEMA], "functions": [], "only_spatial_tables": True}
    measured = DatabaseSettings(**common, exclude_tables=UNMEASURED)
    # How far they reach would be asked of every row, each minute.
    unmeasured = DatabaseSettings(**common, tables=UNMEASURED, spatial_extent=False, datetime_extent=False)
    async with app.state.pool.acquire() as connection:
        found = [
            *await pg_get_collection_index(connection, settings=measured),
            *await pg_get_collection_index(connection, settings=unmeasured),
        ]
    app.state.collection_catalog = Catalog(
        collections={one.table: _published(one) for one in found if getattr(one, "dbschema", "") == SCHEMA},
        last_updated=clock.wall_now(),
    )
    app.state.catalogue_read_s = time.monotonic()


def _published(found: Any) -> PublicCollection:
    """The collection under its short name: `roads`, not `gis_public.roads`."""
    parts = {name: getattr(found, name) for name in type(found).model_fields if name != "dbschema"}
    return PublicCollection(**{**parts, "id": found.table, "schema": found.dbschema})


class PublicCollection(PgCollection):
    """A collection whose `bbox` and `datetime` mean what the standard says."""

    def cql_where(  # type: ignore[override]  # tipg's own keywords, taken as they come.
        self,
        *,
        datetime: list[str] | None = None,
        bbox: list[float] | None = None,
        cql: Expr | None = None,
        **more: Any,
    ) -> Expr | None:
        """The filter of a question. Raises InvalidPropertyName for a property that the collection does not have."""
        if cql is not None:
            self._check_properties(cql.to_json())
        also = [Expr(part) for part in (self._in_box(bbox), self._in_time(datetime)) if part is not None]
        where = super().cql_where(cql=cql, **more)
        for part in also:
            where = part if where is None else where + part
        return where

    def _check_properties(self, node: Any) -> None:
        if isinstance(node, dict):
            name = node.get("property")
            if isinstance(name, str) and name not in {column.name for column in self.table_columns}:
                raise InvalidPropertyName(f"'{self.id}' has no property '{name}'.")
            for part in node.values():
                self._check_properties(part)
        elif isinstance(node, list):
            for part in node:
                self._check_properties(part)

    def _in_box(self, bbox: list[float] | None) -> dict[str, Any] | None:
        """Intersects the box; one whose west lies east of its east crosses the antimeridian and is two boxes."""
        if bbox is None or self.geometry_column is None:
            return None
        west, south, east, north = bbox if len(bbox) == 4 else (bbox[0], bbox[1], bbox[3], bbox[4])
        column = {"property": self.geometry_column.name}
        spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        parts = [{"op": "s_intersects", "args": [column, _box(left, south, right, north)]} for left, right in spans]
        return parts[0] if len(parts) == 1 else {"op": "or", "args": parts}

    def _in_time(self, interval: list[str] | None) -> dict[str, Any] | None:
        """At or between the times, both ends included; all features where they carry no time (Features 1, 7.15.4)."""
        if interval is None or self.datetime_column is None:
            return None
        column = {"property": self.datetime_column.name}
        bounds = ((">=", interval[0]), ("<=", interval[-1]))
        parts = [{"op": sign, "args": [column, {"timestamp": at}]} for sign, at in bounds if at]
        return parts[0] if len(parts) == 1 else {"op": "and", "args": parts}


def _box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """The box as GeoJSON: a line or a point where it has no width or no height, for an empty ring meets nothing."""
    if west == east and south == north:
        return {"type": "Point", "coordinates": [west, south]}
    if west == east or south == north:
        return {"type": "LineString", "coordinates": [[west, south], [east, north]]}
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
