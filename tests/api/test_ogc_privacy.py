"""Residents are not reachable through the open data: every collection, function and column is on a list."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.ogc import catalogue
from core import db
from core.db import transaction
from tests.api.test_ogc_requirements import Api

NAMED = {"id", "code", "name_th", "name_en"}
ALLOWED = {
    "layers": {"id", "name", "kind", "source", "licence", "dated", "trust", "row_count", "version", "geom"},
    "areas": NAMED | {"kind", "trust", "geom"},
    "roads": NAMED | {"class", "is_bridge", "length_m", "trust", "geom"},
    "waterways": NAMED | {"kind", "trust", "geom"},
    "facilities": NAMED | {"kind", "capacity", "trust", "geom"},
    "buildings": {"id", "code", "kind", "trust", "geom"},
    "gauges": NAMED | {"kind", "level_m_msl", "observed_at", "state", "bank_m_msl", "watch_m_msl", "warning_m_msl",
                       "danger_m_msl", "datum", "trust", "geom"},
    "flood_polygons": {"id", "run_id", "computed_at", "valid_at", "horizon_min", "method", "confidence", "depth_class",
                       "is_current", "is_simulated", "geom"},
    "incidents": {"id", "opened_at", "number", "category", "category_th", "category_en", "state", "agency", "agency_th",
                  "agency_en", "promised_at", "ended_at", "is_promise_kept", "report_count", "place_th", "place_en",
                  "is_coarse", "cell_degrees", "geom"},
    "zones": NAMED | {"version", "run_id", "computed_at", "severity", "is_falling", "depth_class", "is_simulated",
                      "geom"},
}
ABUSE = (
    "set_config('role','none',false)='x'", "pg_sleep(9)='x'", "query_to_xml('select 1 from home',true,true,'')='x'",
    "current_setting('data_directory')='x'", "(" * 500 + "id=1" + ")" * 500, "NOT " * 500 + "id=1", "id=1 OR " * 1000,
    "line_user_hash='x'", "id='; DROP TABLE road; --'", "id=(SELECT 1)", "", "💧", "id='\x00'",
    '{"op":"pg_sleep","args":[9]}', '{"op":"=","args":[{"op":"version","args":[]},"x"]}', '{"op":1}',
    '{"property":"id"}',
)


@pytest.fixture
def api(browser: TestClient) -> Api:
    """The open data of a database without a city."""
    return Api(browser)


def _as_role(question: str) -> Any:
    """The first value of a statement, asked as the open data's own connection asks."""

    async def ask() -> Any:
        pool = await catalogue.open_pool()
        try:
            return await pool.fetchval(question)
        finally:
            await pool.close()

    return asyncio.run(ask())


def test_every_collection_and_column_is_on_the_list(api: Api) -> None:
    """What is published is exactly this; a new column needs a line here."""
    published = {
        one["id"]: set(api.get(f"collections/{one['id']}/queryables")["properties"])
        for one in api.get("collections")["collections"]
    }
    assert published == ALLOWED


def test_no_function_is_a_collection(api: Api) -> None:
    """PostGIS's functions that give rows are not published, nor is anything else of its schema."""
    for name in ("st_subdivide", "st_squaregrid", "st_hexagongrid", "public.st_subdivide", "public.home", "home",
                 "resident", "gis_public.roads", "spatial_ref_sys", "pg_catalog.pg_roles", "incident", "report"):
        for path in (name, f"{name}/items", f"{name}/queryables", f"{name}/tiles/WebMercatorQuad/0/0/0"):
            api.get(f"collections/{path}", status=404)


def test_the_role_reads_the_views_and_no_table(database: sa.Engine) -> None:
    """Asked in SQL, every table of the house but the views is closed, whatever the schema search finds."""
    assert _as_role("SELECT current_user") == catalogue.ROLE
    assert _as_role("SELECT count(*) FROM gis_public.roads") == 0
    with database.connect() as connection:
        tables = list(connection.scalars(sa.text(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'spatial_ref_sys'"
        )))
    assert {"public.home", "public.resident", "public.report", "public.account"} <= set(tables)
    for table in tables:
        may = f"has_table_privilege('{table}', 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
        with database.connect() as connection:
            told = connection.scalar(sa.text(f"SELECT {may.replace('(', '(:role, ', 1)}"), {"role": catalogue.ROLE})
        assert told is False, table
    for question in ("SELECT * FROM public.home", "SELECT line_user_hash FROM public.resident"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            _as_role(question)


@pytest.mark.parametrize("statement", [
    "SET ROLE faonam", "SET SESSION AUTHORIZATION faonam", "CREATE TABLE public.mine (id int)",
    "SELECT pg_read_file('/etc/passwd')", "CREATE SCHEMA mine", "COPY gis_public.roads TO PROGRAM 'true'",
    "SELECT rolpassword FROM pg_authid",
])
def test_the_role_cannot_become_more(database: sa.Engine, statement: str) -> None:
    """It logs in as itself, so that there is nothing to go back to."""
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
        _as_role(statement)


def test_the_role_only_reads(database: sa.Engine) -> None:
    """A transaction of the open data writes nothing."""
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        _as_role("CREATE TEMPORARY TABLE mine (id int)")


def test_no_public_view_depends_on_people(database: sa.Engine) -> None:
    """No view is made from a table that holds residents, their homes, crews or accounts; reports only say whether they
    stay out of sight, and where those stand that do not, to the one view of what they were made into.
    """
    with database.connect() as connection:
        used, of_incidents = (
            set(connection.scalars(sa.text(
                "SELECT DISTINCT table_name FROM information_schema.view_table_usage "
                "WHERE view_schema = 'gis_public' AND (view_name = 'incidents') = :is_of_incidents"
            ), {"is_of_incidents": is_of_incidents}))
            for is_of_incidents in (False, True)
        )
        asked_of_reports = set(connection.scalars(sa.text(
            "SELECT column_name FROM information_schema.view_column_usage "
            "WHERE view_schema = 'gis_public' AND table_name = 'report'"
        )))
    assert of_incidents == {"agency", "area", "category", "incident", "open_service", "promise_mark", "report"}
    assert asked_of_reports == {"id", "incident_id", "is_private", "place", "withdrawn_at"}
    assert used == {
        "area", "building", "city", "datastream", "facility", "flood_polygon", "flood_run", "latest_reading", "layer",
        "level_state", "road", "station", "waterway", "zone", "zone_state",
    }


@pytest.mark.parametrize("question", ABUSE)
def test_a_filter_can_call_nothing(api: Api, question: str) -> None:
    """cql2 turns any name into a call in SQL: only CQL2's own operators pass, and only so deep; else 400."""
    told = api.get("collections/roads/items", status=400, filter=question)
    assert told["type"] == "urn:faonam:problem:invalid-input"


def test_a_sound_filter_works(api: Api) -> None:
    """Comparisons, patterns and shapes are what CQL2 is for."""
    for question in ("name_th LIKE '%ราช%' AND length_m > 3", "S_INTERSECTS(geom, POINT(100 8))",
                     "id IN (1, 2) OR NOT is_bridge = true", "class IS NULL"):
        assert api.items("roads", filter=question)["numberMatched"] == 0
    api.items("gauges", filter="T_AFTER(observed_at, TIMESTAMP('2026-01-01T00:00:00Z'))")


def test_a_database_that_is_away_is_a_problem(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks while it is down is told so, and the next one who asks is answered."""
    right = db.database_url
    monkeypatch.setattr(db, "database_url", lambda: "postgresql://nobody@/none?host=/nonexistent")
    assert api.get("collections", status=503)["type"] == "urn:faonam:problem:unavailable"
    monkeypatch.setattr(db, "database_url", right)
    api.get("collections")


# An empty collection reaches from pole to pole, where this grid ends before.
@pytest.mark.filterwarnings("ignore::morecantile.errors.PointOutsideTMSBounds")
def test_tiles_of_a_collection(api: Api) -> None:
    """OGC API Tiles: one grid, a list of tilesets with links that work, tiles as MVT, no tile outside the grid."""
    assert [one["id"] for one in api.get("tileMatrixSets")["tileMatrixSets"]] == ["WebMercatorQuad"]
    tilesets = api.get("collections/roads/tiles")["tilesets"]
    assert len(tilesets) == 1
    own = next(link["href"] for link in tilesets[0]["links"] if link["rel"] == "self")
    assert own == "http://testserver/ogc/collections/roads/tiles/WebMercatorQuad"
    assert api.client.get(own).json()["dataType"] == "vector"
    tile = api.client.get("/ogc/collections/roads/tiles/WebMercatorQuad/12/3185/1956")
    assert tile.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    for outside in ("12/9999/0", "-1/0/0", "99/0/0", "a/0/0"):
        api.get(f"collections/roads/tiles/WebMercatorQuad/{outside}", status=404)
    api.get("collections/roads/tiles/WorldCRS84Quad/0/0/0", status=404)


def test_the_address_without_a_slash_leads_on(browser: TestClient) -> None:
    """The landing page's links are made for an address with a slash at its end."""
    assert browser.get("/ogc", follow_redirects=False).headers["location"] == "/ogc/"


def test_only_the_newest_picture_of_now_is_open_data_and_at_once(api: Api) -> None:
    """The catalogue is read at the start, a flood comes afterwards; past and forecast water never lies on top of it."""
    assert api.items("flood_polygons")["numberMatched"] == 0
    now_id = [_draw(horizon_min=horizon_min) for horizon_min in (0, 0, 180)][1]
    drawn = api.items("flood_polygons")["features"]
    assert [(one["properties"]["run_id"], one["properties"]["is_current"]) for one in drawn] == [(now_id, True)]


def _draw(*, horizon_min: int) -> int:
    """A picture of the flood that has one polygon; its id."""
    with transaction() as session:
        return int(session.execute(
            sa.text(
                "WITH run AS (INSERT INTO flood_run (computed_at, valid_at, computed_wall_at, method, levels, wall_s, "
                "confidence, horizon_min, basis_run_id) VALUES (now(), now() + make_interval(mins => :horizon_min), "
                "now(), 'canal-network', '{}', 0, 1, :horizon_min, "
                "CASE WHEN :horizon_min > 0 THEN (SELECT max(id) FROM flood_run) END) RETURNING id) "
                "INSERT INTO flood_polygon (run_id, depth_class, geom) SELECT id, 1, "
                "ST_Multi(ST_MakeEnvelope(100, 8, 100.01, 8.01, 4326)) FROM run RETURNING run_id"
            ),
            {"horizon_min": horizon_min},
        ).scalar_one())
