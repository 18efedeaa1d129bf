"""What ended without being done is said to have kept no promise: neither kept nor broken."""

from __future__ import annotations

from alembic import op

revision = "0046_undone"
down_revision = "0045_queues"
branch_labels = None
depends_on = None

BEFORE = "WHEN coalesce(i.done_at, i.closed_at) IS NOT NULL"
AFTER = "WHEN coalesce(i.done_at, i.closed_at) IS NOT NULL AND i.state <> 'rejected'"
# As in 0043, with what keeps a promise left open.
VIEW = """
    CREATE OR REPLACE VIEW gis_public.incidents AS
    SELECT i.id, i.opened_at, i.number, i.category_code AS category, c.name_th AS category_th, c.name_en AS category_en,
           i.state, i.agency_code AS agency, a.name_th AS agency_th, a.name_en AS agency_en, i.promised_at,
           coalesce(i.done_at, i.closed_at) AS ended_at,
           CASE WHEN i.done_at > i.promised_at
                     OR EXISTS (SELECT FROM promise_mark m WHERE m.incident_id = i.id AND m.kind = 'breached')
                THEN false
                {kept} THEN true END AS is_promise_kept,
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
    """An incident that was not accepted, or was cancelled by its reporter, keeps no promise; one broken stays so."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.execute(VIEW.format(kept=AFTER))


def downgrade() -> None:
    """Whatever ended in time counts as kept."""
    op.execute(VIEW.format(kept=BEFORE))
