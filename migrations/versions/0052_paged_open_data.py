"""Open data of incidents by page, box and time: what is asked for is found by an index before anything is rounded."""

from __future__ import annotations

from alembic import op

revision = "0052_paged_open_data"
down_revision = "0051_article_terms"
branch_labels = None
depends_on = None

ROLE = "faonam_public"

# As the view `gis_public.incidents` has it: which incidents are public, and in whose box the middle of their cell lies.
# Nothing is shown further from where it is than half a cell: so the index finds those that may lie in the box, and what
# lies deeper inside it than that needs no rounding. Where somebody stays out of sight the view alone knows whether and
# where it is shown: a box must not find it where it really is.
_IDS = """
    CREATE FUNCTION public_incident_ids(
        west double precision, south double precision, east double precision, north double precision,
        from_at timestamptz, to_at timestamptz
    ) RETURNS text LANGUAGE plpgsql STABLE AS $$
    DECLARE
        half double precision;
        hidden text := '(SELECT s.incident_id FROM report s WHERE s.is_private AND s.incident_id IS NOT NULL';
        times text := '';
        inner_box text := '';
        edge text := '';
        near text := '';
        shown text := '';
    BEGIN
        IF from_at IS NOT NULL THEN
            times := times || format(' AND opened_at >= %L::timestamptz', from_at);
        END IF;
        IF to_at IS NOT NULL THEN
            times := times || format(' AND opened_at <= %L::timestamptz', to_at);
        END IF;
        IF west IS NOT NULL THEN
            SELECT greatest(max(grid_degrees), 0.005) / 2 + 0.000001 INTO half FROM open_service;
            shown := format(
                ' AND ST_X(v.geom) BETWEEN %1$s AND %3$s AND ST_Y(v.geom) BETWEEN %2$s AND %4$s',
                west, south, east, north);
            inner_box := format(
                ' i.place && ST_Expand(ST_MakeEnvelope(%1$s, %2$s, %3$s, %4$s, 4326), %5$s)
                    AND ST_X(i.place) BETWEEN %1$s + %5$s AND %3$s - %5$s
                    AND ST_Y(i.place) BETWEEN %2$s + %5$s AND %4$s - %5$s',
                west, south, east, north, half);
            near := format(
                ' AND s.incident_id IN (SELECT t.incident_id FROM report t WHERE NOT t.is_private
                    AND t.place && ST_Expand(ST_MakeEnvelope(%1$s, %2$s, %3$s, %4$s, 4326), %5$s))',
                west, south, east, north, half);
            edge := format(
                ' UNION SELECT i.id FROM incident i
                    WHERE i.place && ST_Expand(ST_MakeEnvelope(%1$s, %2$s, %3$s, %4$s, 4326), %5$s) AND NOT (%6$s)
                    AND i.id NOT IN %7$s)%8$s',
                west, south, east, north, half, inner_box, hidden, times);
            inner_box := ' AND ' || inner_box;
        END IF;
        RETURN 'SELECT i.id FROM incident i WHERE i.merged_into_id IS NULL
            AND i.category_code NOT IN (SELECT h.category_code FROM open_service h WHERE h.exposure = ''hidden'')
            AND i.id NOT IN ' || hidden || ')' || times || inner_box
            || ' UNION ALL SELECT v.id FROM gis_public.incidents v WHERE v.id = ANY(ARRAY'
            || hidden || near || edge || '))' || times || shown;
    END $$
"""
_MATCHED = """
    CREATE FUNCTION gis_public.incidents_matched(
        west double precision, south double precision, east double precision, north double precision,
        from_at timestamptz, to_at timestamptz
    ) RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET jit = off AS $$
    DECLARE
        matched bigint;
    BEGIN
        EXECUTE 'SELECT count(*) FROM (' || public_incident_ids(west, south, east, north, from_at, to_at) || ') found'
            INTO matched;
        RETURN matched;
    END $$
"""
# The rows are the view's own, so that nothing but what it shows can come out, whatever was found.
_PAGE = """
    CREATE FUNCTION gis_public.incidents_page(
        west double precision, south double precision, east double precision, north double precision,
        from_at timestamptz, to_at timestamptz, most integer, skipped bigint
    ) RETURNS SETOF gis_public.incidents LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET jit = off AS $$
    BEGIN
        RETURN QUERY EXECUTE 'SELECT v.* FROM gis_public.incidents v WHERE v.id = ANY(ARRAY(SELECT found.id FROM ('
            || public_incident_ids(west, south, east, north, from_at, to_at)
            || ') found ORDER BY found.id LIMIT $1 OFFSET $2)) ORDER BY v.id' USING most, skipped;
    END $$
"""
_BOX_AND_TIME = ("double precision",) * 4 + ("timestamptz",) * 2
FUNCTIONS = (
    f"gis_public.incidents_page({', '.join((*_BOX_AND_TIME, 'integer', 'bigint'))})",
    f"gis_public.incidents_matched({', '.join(_BOX_AND_TIME)})",
)


def upgrade() -> None:
    """The role that reads the views may ask for a page of one of them; nobody else needs to."""
    for made in (_IDS, _MATCHED, _PAGE):
        op.execute(made)
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN "
            f"GRANT EXECUTE ON FUNCTION {function} TO {ROLE}; END IF; END $$"
        )


def downgrade() -> None:
    """Every question reads the whole view."""
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute(f"DROP FUNCTION public_incident_ids({', '.join(_BOX_AND_TIME)})")
