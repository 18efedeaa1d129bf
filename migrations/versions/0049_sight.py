"""A report may lie where its photo was taken; out of sight is without a place; what ended undone kept no promise."""

from __future__ import annotations

from alembic import op

revision = "0049_sight"
down_revision = "0048_partner_hooks"
branch_labels = None
depends_on = None

_BEFORE = "place_source IN ('pin', 'home', 'recent_pin', 'officer', 'words')"
_NOW = "place_source IN ('pin', 'home', 'recent_pin', 'officer', 'words', 'photo')"

# As 0043 has it, but for where it is shown, whose word makes it public, and what keeps a promise.
_VIEW = """
    CREATE OR REPLACE VIEW gis_public.incidents AS
    SELECT i.id, i.opened_at, i.number, i.category_code AS category, c.name_th AS category_th, c.name_en AS category_en,
           i.state, i.agency_code AS agency, a.name_th AS agency_th, a.name_en AS agency_en, i.promised_at,
           coalesce(i.done_at, i.closed_at) AS ended_at,
           CASE WHEN i.done_at > i.promised_at
                     OR EXISTS (SELECT FROM promise_mark m WHERE m.incident_id = i.id AND m.kind = 'breached')
                THEN false
                WHEN coalesce(i.done_at, i.closed_at) IS NOT NULL{kept} THEN true END AS is_promise_kept,
           i.report_count,
           CASE WHEN NOT p.is_coarse THEN i.place_label_th {named_th} ELSE coalesce(r.name_th, '') END AS place_th,
           CASE WHEN NOT p.is_coarse THEN i.place_label_en {named_en} ELSE coalesce(r.name_en, '') END AS place_en,
           p.is_coarse, p.cell_degrees, public_cell({place}, p.cell_degrees) AS geom
    FROM incident i
    JOIN category c ON c.code = i.category_code
    LEFT JOIN open_service o ON o.category_code = i.category_code
    LEFT JOIN agency a ON a.code = i.agency_code
    LEFT JOIN area r ON r.id = i.area_id
    LEFT JOIN (SELECT DISTINCT incident_id FROM report WHERE is_private) h ON h.incident_id = i.id
    CROSS JOIN LATERAL (
        SELECT coalesce(o.exposure, 'coarse') = 'coarse' OR i.place_source = 'home' OR h.incident_id IS NOT NULL
            AS is_coarse
    ) k
    CROSS JOIN LATERAL (
        SELECT k.is_coarse, CASE WHEN k.is_coarse THEN greatest(o.grid_degrees, 0.005)
            ELSE coalesce(o.grid_degrees, 0.0005) END AS cell_degrees
    ) p
    WHERE i.merged_into_id IS NULL AND coalesce(o.exposure, 'coarse') <> 'hidden' AND (
        h.incident_id IS NULL
        OR EXISTS (SELECT FROM report s WHERE s.incident_id = i.id AND NOT s.is_private{standing})
    )
"""
# Where one who reported it stays out of sight, it is shown where one says so who does not.
_TOLD = """(
        SELECT s.place FROM report s WHERE s.incident_id = i.id AND NOT s.is_private AND s.withdrawn_at IS NULL
        ORDER BY s.id LIMIT 1)"""
_NAMED = """WHEN h.incident_id IS NOT NULL THEN coalesce((
        SELECT w.{name} FROM area w WHERE w.kind = 'community' AND ST_Covers(w.geom, {told})
        ORDER BY w.id LIMIT 1), '')"""
_VIEW_NOW = _VIEW.format(
    place=f"CASE WHEN h.incident_id IS NULL THEN i.place ELSE {_TOLD} END", standing=" AND s.withdrawn_at IS NULL",
    kept=" AND i.state <> 'rejected'",
    named_th=_NAMED.format(name="name_th", told=_TOLD), named_en=_NAMED.format(name="name_en", told=_TOLD),
)
_VIEW_BEFORE = _VIEW.format(place="i.place", standing="", kept="", named_th="", named_en="")


def upgrade() -> None:
    """Where one reporter stays out of sight, the incident is shown where another one stands.

    An incident that was not accepted, or was cancelled by its reporter, keeps no promise; one broken stays so.
    """
    op.execute("SET LOCAL lock_timeout = '10s'")
    _allow_place_sources(_NOW)
    op.execute(_VIEW_NOW)


def downgrade() -> None:
    """Where a photo was taken counts as what words say: it was no pin."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.execute(_VIEW_BEFORE)
    op.execute("UPDATE report SET place_source = 'words' WHERE place_source = 'photo'")
    op.execute("UPDATE incident SET place_source = 'words' WHERE place_source = 'photo'")
    _allow_place_sources(_BEFORE)


def _allow_place_sources(condition: str) -> None:
    op.drop_constraint(op.f("ck_report_place_source"), "report")
    op.create_check_constraint(op.f("ck_report_place_source"), "report", condition)
