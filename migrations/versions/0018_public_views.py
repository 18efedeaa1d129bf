"""The map as it is served: prepared shapes, counts of incidents by cell, and the public views with their own role."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

from core.settings import secret

revision = "0018_public_views"
down_revision = "0017_forecast_runs"
branch_labels = None
depends_on = None

BANDS = ("map_far", "map_middle", "map_near")
LEVELS = (12, 14, 16, 18, 20)
ROLE = "faonam_public"
VIEWS = ("layers", "areas", "roads", "waterways", "facilities", "buildings", "gauges", "flood_polygons", "zones")


def upgrade() -> None:
    """The map's tables, the counts, the views and the role exist; incidents that were there are counted."""
    _bands()
    _keys()
    _tally()
    _views()
    _role()


def downgrade() -> None:
    """They are gone; the role stays where another database of the server may use it, but may do nothing here."""
    op.execute(f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN "
               f"REVOKE ALL ON ALL TABLES IN SCHEMA gis_public FROM {ROLE}; "
               f"REVOKE ALL ON SCHEMA gis_public FROM {ROLE}; END IF; END $$")
    op.execute("DROP SCHEMA gis_public CASCADE")
    for event in ("inserted", "deleted", "updated", "emptied"):
        op.execute(f"DROP TRIGGER incident_tally_{event} ON incident")
    op.execute("DROP TRIGGER incident_tally_ranked ON category")
    op.execute("DROP FUNCTION incident_tally_note(), incident_tally_forget(), incident_tally_again()")
    op.execute("DROP FUNCTION incident_tally_recount()")
    op.drop_table("incident_tally")
    op.drop_column("incident", "map_key")
    op.execute("DROP FUNCTION map_key(geometry)")
    op.execute("DROP FUNCTION map_spread(bigint)")
    for band in BANDS:
        op.drop_table(band)
    op.drop_table("map_prepared")


def _bands() -> None:
    """One table for each band of zooms: shapes in Web Mercator, generalised for the nearest zoom of the band."""
    op.create_table(
        "map_prepared",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("data_version", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_map_prepared_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_map_prepared")),
    )
    for band in BANDS:
        op.create_table(
            band,
            sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
            sa.Column("layer", sa.String(), nullable=False),
            sa.Column("source_id", sa.BigInteger()),
            *(sa.Column(name, sa.String()) for name in ("code", "kind", "class", "name_th", "name_en")),
            sa.Column("is_bridge", sa.SmallInteger()),
            sa.Column("from_zoom", sa.SmallInteger(), nullable=False),
            sa.Column("rank", sa.Float(), nullable=False),
            sa.Column("shape", Geometry("GEOMETRY", srid=3857, spatial_index=False), nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{band}")),
        )
        op.create_index(f"ix_{band}_shape", band, ["shape"], postgresql_using="gist")


def _keys() -> None:
    """Every incident knows its cell of the Web Mercator grid at level 21 (19 m), as a Morton number."""
    op.execute(
        """
        CREATE FUNCTION map_spread(n bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
        BEGIN
            n := (n | (n << 16)) & 281470681808895;
            n := (n | (n << 8)) & 71777214294589695;
            n := (n | (n << 4)) & 1085102592571150095;
            n := (n | (n << 2)) & 3689348814741910323;
            RETURN (n | (n << 1)) & 6148914691236517205;
        END $$
        """
    )
    # Radians of less than a millionth of a micrometre would be an error of the server, not a place on the equator.
    # A body that is parsed here and now holds no names that a restored database would look up in vain.
    op.execute(
        """
        CREATE FUNCTION map_key(place geometry) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN map_spread(least(greatest(floor((ST_X(place) + 180) / 360 * 2097152), 0), 2097151)::bigint)
            | (map_spread(least(greatest(floor(
                (1 - asinh(tan(radians(
                    CASE WHEN abs(ST_Y(place)) < 1e-12 THEN 0 ELSE least(greatest(ST_Y(place), -85.05), 85.05) END
                ))) / pi()) / 2 * 2097152
            ), 0), 2097151)::bigint) << 1)
        """
    )
    op.add_column("incident", sa.Column("map_key", sa.BigInteger(), sa.Computed("map_key(place)", persisted=True)))
    op.create_index("ix_incident_map_key", "incident", ["map_key"])


_COUNTED = """
    sum(sign) AS total,
    sum(sign) FILTER (WHERE is_open AND tier = 1) AS open_1, sum(sign) FILTER (WHERE is_open AND tier = 2) AS open_2,
    sum(sign) FILTER (WHERE is_open AND tier = 3) AS open_3, sum(sign) FILTER (WHERE is_open AND tier = 4) AS open_4
"""
_OPEN = "i.state IN ('new', 'accepted', 'in_progress', 'reopened')"


def _tally_of(*signed: tuple[int, str]) -> str:
    """The INSERT that counts the incidents of these tables, each with its sign; what evens out is left out."""
    rows = " UNION ALL ".join(
        f"SELECT {sign} AS sign, i.map_key, c.tier, {_OPEN} AS is_open "
        f"FROM {table} i JOIN category c ON c.code = i.category_code"
        for sign, table in signed
    )
    levels = ", ".join(f"({level})" for level in LEVELS)
    return f"""
        INSERT INTO incident_tally (level, cell, total, open_1, open_2, open_3, open_4)
        SELECT level, cell, total, coalesce(open_1, 0), coalesce(open_2, 0), coalesce(open_3, 0), coalesce(open_4, 0)
        FROM (
            SELECT level, map_key >> (2 * (21 - level)) AS cell, {_COUNTED}
            FROM ({rows}) counted CROSS JOIN (VALUES {levels}) AS grid (level) GROUP BY 1, 2
        ) cells
        WHERE (total, coalesce(open_1, 0), coalesce(open_2, 0), coalesce(open_3, 0), coalesce(open_4, 0))
            <> (0, 0, 0, 0, 0)
    """


def _tally() -> None:
    """Counts of incidents by cell, as changes that are only added: nobody waits for another's row of the same cell."""
    op.create_table(
        "incident_tally",
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("total", "open_1", "open_2", "open_3", "open_4")),
    )
    op.create_index(
        "ix_incident_tally_cell", "incident_tally", ["level", "cell"],
        postgresql_include=["total", "open_1", "open_2", "open_3", "open_4"],
    )
    op.execute(
        f"""
        CREATE FUNCTION incident_tally_note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN {_tally_of((1, "fresh"))};
            ELSIF TG_OP = 'DELETE' THEN {_tally_of((-1, "old"))};
            ELSE {_tally_of((-1, "old"), (1, "fresh"))};
            END IF;
            RETURN NULL;
        END $$
        """
    )
    # One statement, so that one snapshot: what another transaction adds meanwhile is neither lost nor counted twice.
    op.execute(
        f"""
        CREATE FUNCTION incident_tally_recount() RETURNS void LANGUAGE sql AS $$
            WITH gone AS (DELETE FROM incident_tally) {_tally_of((1, "incident"))}
        $$
        """
    )
    op.execute(
        "CREATE FUNCTION incident_tally_forget() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN TRUNCATE incident_tally; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE FUNCTION incident_tally_again() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM incident_tally_recount(); RETURN NULL; END $$"
    )
    fresh, old = "NEW TABLE AS fresh", "OLD TABLE AS old"
    for event, when, tables in (
        ("inserted", "INSERT", fresh), ("deleted", "DELETE", old), ("updated", "UPDATE", f"{old} {fresh}"),
    ):
        op.execute(
            f"CREATE TRIGGER incident_tally_{event} AFTER {when} ON incident REFERENCING {tables} "
            "FOR EACH STATEMENT EXECUTE FUNCTION incident_tally_note()"
        )
    op.execute(
        "CREATE TRIGGER incident_tally_emptied AFTER TRUNCATE ON incident "
        "FOR EACH STATEMENT EXECUTE FUNCTION incident_tally_forget()"
    )
    op.execute(
        "CREATE TRIGGER incident_tally_ranked AFTER UPDATE OF tier ON category "
        "FOR EACH ROW WHEN (OLD.tier IS DISTINCT FROM NEW.tier) EXECUTE FUNCTION incident_tally_again()"
    )
    op.execute("SELECT incident_tally_recount()")


def _views() -> None:
    """Only what the public page shows already: no homes, residents, members, reports, crews or accounts."""
    op.execute("CREATE SCHEMA gis_public")
    op.execute("COMMENT ON SCHEMA gis_public IS 'Open data: views that everybody may read through /ogc'")
    named = "name_th, name_en"
    trust = "LEFT JOIN layer l ON l.id = t.layer_id"
    simulated = "(SELECT is_simulated FROM city) AS is_simulated"
    newest = "(SELECT max(id) FROM flood_run WHERE horizon_min = 0)"
    views = {
        "layers": "SELECT l.id, l.name, l.kind, l.source, l.licence, l.dated, l.trust, l.row_count, l.version, "
        "c.extent AS geom FROM layer l CROSS JOIN city c",
        "areas": f"SELECT id, kind, code, {named}, trust, geom FROM area",
        "roads": f"SELECT t.id, t.code, t.{named.replace(', ', ', t.')}, t.class, t.is_bridge, t.length_m, l.trust, "
        f"t.geom FROM road t {trust}",
        "waterways": f"SELECT t.id, t.code, t.{named.replace(', ', ', t.')}, t.kind, l.trust, t.geom "
        f"FROM waterway t {trust}",
        "facilities": f"SELECT t.id, t.code, t.kind, t.{named.replace(', ', ', t.')}, t.capacity, l.trust, t.geom "
        f"FROM facility t {trust}",
        "buildings": f"SELECT t.id, t.code, t.kind, l.trust, t.geom FROM building t {trust}",
        "gauges": "SELECT s.id, s.code, s.name_th, s.name_en, s.kind, r.good_value AS level_m_msl, "
        "r.good_observed_at AS observed_at, v.state, s.bank_m_msl, d.watch_m_msl, d.warning_m_msl, d.danger_m_msl, "
        "d.datum, s.trust, s.geom FROM station s "
        "JOIN datastream d ON d.station_id = s.id AND d.observed_property = 'water_level' "
        "LEFT JOIN latest_reading r ON r.datastream_id = d.id LEFT JOIN level_state v ON v.datastream_id = d.id",
        "flood_polygons": "SELECT p.id, p.run_id, r.computed_at, r.valid_at, r.horizon_min, r.method, r.confidence, "
        f"p.depth_class, p.run_id = {newest} AS is_current, {simulated}, p.geom "
        "FROM flood_polygon p JOIN flood_run r ON r.id = p.run_id",
        "zones": "SELECT z.id, z.code, z.name_th, z.name_en, z.version, s.run_id, r.computed_at, "
        f"coalesce(s.severity, 0::smallint) AS severity, s.falling_to IS NOT NULL AS is_falling, "
        f"coalesce(s.depth_class, 0::smallint) AS depth_class, {simulated}, z.geom FROM zone z "
        f"LEFT JOIN zone_state s ON s.zone_id = z.id AND s.run_id = {newest} "
        "LEFT JOIN flood_run r ON r.id = s.run_id WHERE NOT z.is_retired",
    }
    for name in VIEWS:
        op.execute(f"CREATE VIEW gis_public.{name} AS {views[name]}")


def _role() -> None:
    """A role that may read the views and nothing else. A database owner who may create no roles goes without.

    A role belongs to the whole server, so that it may be there already; its password is this installation's secret.
    """
    driver = op.get_bind().connection.driver_connection
    assert driver is not None  # noqa: S101 - a migration runs on an open connection.
    client = driver.pgconn
    password = client.encrypt_password(secret("public-database").encode(), ROLE.encode(), b"scram-sha-256").decode()
    password = password.replace(":", r"\:")  # A colon would begin a parameter.
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE ROLE {ROLE} LOGIN PASSWORD '{password}' NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION;
            GRANT {ROLE} TO CURRENT_USER;
        EXCEPTION
            WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
        END $$
        """
    )
    op.execute(
        f"""
        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                GRANT USAGE ON SCHEMA gis_public TO {ROLE};
                GRANT SELECT ON ALL TABLES IN SCHEMA gis_public TO {ROLE};
            END IF;
        END $$
        """
    )
