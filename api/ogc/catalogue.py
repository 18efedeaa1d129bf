"""What is published, and who reads it: asyncpg stays in this package, because tipg speaks nothing else."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI
from tipg.collections import Catalog, pg_get_collection_index
from tipg.database import DB_CATALOG_FILE
from tipg.settings import DatabaseSettings

from api.ogc.incidents import DATED_BY, Incidents
from api.ogc.public import SCHEMA, PublicCollection
from core import clock, db
from core.logs import get_logger
from core.settings import secret

log = get_logger("api.ogc")

ROLE = "faonam_public"
FRESH_S = 60.0
# Views of hundreds of thousands of rows.
INCIDENTS = "incidents"
UNMEASURED = [f"{SCHEMA}.{INCIDENTS}"]
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
    if found.table == INCIDENTS:
        dated = next(column for column in found.table_columns if column.name == DATED_BY)
        return _named(Incidents, found, datetime_column=dated)
    return _named(PublicCollection, found)


def _named(kind: type[PublicCollection], found: Any, **other: Any) -> PublicCollection:
    parts = {name: getattr(found, name) for name in type(found).model_fields if name != "dbschema"}
    return kind(**{**parts, "id": found.table, "schema": found.dbschema, **other})
