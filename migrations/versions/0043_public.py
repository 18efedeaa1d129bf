"""What everybody may see of incidents: one view, on a grid by category, without reports that are kept private."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043_public"
down_revision = "0042_inbox"
branch_labels = None
depends_on = None

ROLE = "faonam_public"

# The middle of the cell that holds the place, as `incidents.exchange.privacy.coarsened` has it.
_CELL = """
    CREATE FUNCTION public_cell(place geometry, degrees double precision) RETURNS geometry
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT ST_SetSRID(ST_MakePoint(
            round((floor(ST_X(place) / degrees) + 0.5) * degrees * 1e6) / 1e6,
            round((floor(ST_Y(place) / degrees) + 0.5) * degrees * 1e6) / 1e6
        ), 4326)
    $$
"""
# Coarse: the category asks for it, the place is somebody's home, or one of those who reported it stays out of sight.
# Not at all: the category is hidden, all who reported it stay out of sight, or it leads to another incident.
_VIEW = """
    CREATE VIEW gis_public.incidents AS
    SELECT i.id, i.opened_at, i.number, i.category_code AS category, c.name_th AS category_th, c.name_en AS category_en,
           i.state, i.agency_code AS agency, a.name_th AS agency_th, a.name_en AS agency_en, i.promised_at,
           coalesce(i.done_at, i.closed_at) AS ended_at,
           CASE WHEN i.done_at > i.promised_at
                     OR EXISTS (SELECT FROM promise_mark m WHERE m.incident_id = i.id AND m.kind = 'breached')
                THEN false
                WHEN coalesce(i.done_at, i.closed_at) IS NOT NULL THEN true END AS is_promise_kept,
           i.report_count,
           CASE WHEN p.is_coarse THEN coalesce(r.name_th, '') ELSE i.place_label_th END AS place_th,
           CASE WHEN p.is_coarse THEN coalesce(r.name_en, '') ELSE i.place_label_en END AS place_en,
           p.is_coarse, p.cell_degrees, public_cell(i.place, p.cell_degrees) AS geom
    FROM incident i
    JOIN category c ON c.code = i.category_code
    LEFT JOIN open_service o ON o.category_code = i.category_code
    LEFT JOIN agency a ON a.code = i.agency_code
    LEFT JOIN area r ON r.id = i.area_id
    CROSS JOIN LATERAL (
        SELECT coalesce(o.exposure, 'coarse') = 'coarse' OR i.place_source = 'home' OR EXISTS (
            SELECT FROM report s WHERE s.incident_id = i.id AND s.is_private) AS is_coarse
    ) k
    CROSS JOIN LATERAL (
        SELECT k.is_coarse, CASE WHEN k.is_coarse THEN greatest(o.grid_degrees, 0.005)
            ELSE coalesce(o.grid_degrees, 0.0005) END AS cell_degrees
    ) p
    WHERE i.merged_into_id IS NULL AND coalesce(o.exposure, 'coarse') <> 'hidden' AND NOT (
        EXISTS (SELECT FROM report s WHERE s.incident_id = i.id AND s.is_private)
        AND NOT EXISTS (SELECT FROM report s WHERE s.incident_id = i.id AND NOT s.is_private)
    )
"""


def upgrade() -> None:
    """Every report of before is as public as its category; what that is, the view says for every door."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.add_column("report", sa.Column("is_private", sa.Boolean, server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_report_private", "report", ["incident_id"], postgresql_where=sa.text("is_private")
    )
    op.add_column("open_service", sa.Column("grid_degrees", sa.Float))
    op.create_check_constraint(
        op.f("ck_open_service_grid_degrees"), "open_service", "grid_degrees BETWEEN 0.0001 AND 0.1"
    )
    op.execute(_CELL)
    op.execute(_VIEW)
    op.execute(
        f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN "
        f"GRANT SELECT ON gis_public.incidents TO {ROLE}; END IF; END $$"
    )


def downgrade() -> None:
    """What was kept out of sight is as public as its category again."""
    op.execute("DROP VIEW gis_public.incidents")
    op.execute("DROP FUNCTION public_cell(geometry, double precision)")
    op.drop_constraint(op.f("ck_open_service_grid_degrees"), "open_service")
    op.drop_column("open_service", "grid_degrees")
    op.drop_index("ix_report_private", "report")
    op.drop_column("report", "is_private")
