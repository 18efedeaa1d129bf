"""The audience of an alert is frozen as chunks of ids; who may be told is counted in memory and never from old news."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0054_frozen_audience"
down_revision = "0053_alert_states"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
# Below this many rows a statement names each resident; above it the whole register is read again.
_NAMED_AT_MOST = 5_000
_WATCHED = {"resident": ("id", ("INSERT", "DELETE")), "home": ("resident_id", ("INSERT", "UPDATE", "DELETE"))}
# A resident's own row changes with every other word in the chat; only these columns decide who is told.
_DECIDES = ("language", "consented_at", "is_reachable", "blocked_until_at")
_NOTE = f"""
    CREATE FUNCTION note_audience_change() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        touched bigint[];
    BEGIN
        IF TG_OP = 'TRUNCATE' THEN
            INSERT INTO audience_change (resident_id) VALUES (NULL);
            RETURN NULL;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            EXECUTE format('SELECT array_agg(r) FROM (SELECT %I AS r FROM after_rows LIMIT {_NAMED_AT_MOST + 1}) t',
                           TG_ARGV[0]) INTO touched;
        END IF;
        IF TG_OP <> 'INSERT' THEN
            EXECUTE format('SELECT $1 || array_agg(r) FROM '
                           '(SELECT %I AS r FROM before_rows LIMIT {_NAMED_AT_MOST + 1}) t',
                           TG_ARGV[0]) INTO touched USING touched;
        END IF;
        IF cardinality(touched) > {_NAMED_AT_MOST} THEN
            INSERT INTO audience_change (resident_id) VALUES (NULL);
        ELSE
            INSERT INTO audience_change (resident_id) SELECT DISTINCT r FROM unnest(touched) r;
        END IF;
        RETURN NULL;
    END $$
"""
_NOTE_ONE = """
    CREATE FUNCTION note_resident_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO audience_change (resident_id) VALUES (NEW.id);
        RETURN NULL;
    END $$
"""
_NAMES = """
    CREATE FUNCTION reasons_named(reasons smallint) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT array_remove(ARRAY[
            CASE WHEN reasons & 1 > 0 THEN 'home' END, CASE WHEN reasons & 2 > 0 THEN 'area' END,
            CASE WHEN reasons & 4 > 0 THEN 'group' END, CASE WHEN reasons & 8 > 0 THEN 'person' END,
            CASE WHEN reasons & 16 > 0 THEN 'everyone' END, CASE WHEN reasons & 32 > 0 THEN 'told_before' END
        ], NULL)
    $$
"""
_TABLES_SEEN = {
    "INSERT": "NEW TABLE AS after_rows",
    "UPDATE": "OLD TABLE AS before_rows NEW TABLE AS after_rows",
    "DELETE": "OLD TABLE AS before_rows",
}
_BACKFILL = """
    INSERT INTO alert_chunk (alert_id, number, language, suppressed, resident_ids, home_ids, reasons, priority, state,
                             outbox_chunk_id, is_in_ledger)
    SELECT alert_id, row_number() OVER (PARTITION BY alert_id ORDER BY chunk_id, language, suppressed), language,
           suppressed, resident_ids, home_ids, reasons, 0,
           CASE WHEN suppressed IS NOT NULL THEN 'suppressed' WHEN chunk_id IS NULL THEN 'cancelled' ELSE 'packed' END,
           chunk_id, true
    FROM (
        SELECT r.alert_id, r.chunk_id, r.language, CASE WHEN r.state = 'suppressed' THEN r.reason END AS suppressed,
               array_agg(r.resident_id ORDER BY r.resident_id) AS resident_ids,
               array_agg(r.home_id ORDER BY r.resident_id) AS home_ids,
               array_agg(CASE r.reason WHEN 'told_before' THEN 32 ELSE 1 END::smallint ORDER BY r.resident_id)
                   AS reasons
        FROM alert_recipient r GROUP BY 1, 2, 3, 4
    ) told
"""


def upgrade() -> None:
    """An approval writes a row for 500 residents; the ledger's row for each follows behind the sending."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.create_table(
        "area_watch",
        sa.Column(
            "resident_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("area_id", sa.Integer, sa.ForeignKey("area.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("since", _AT, nullable=False),
    )
    op.create_index("ix_area_watch_area_id", "area_watch", ["area_id"])
    op.create_table(
        "alert_chunk",
        sa.Column("alert_id", sa.BigInteger, sa.ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("suppressed", sa.String),
        sa.Column("resident_ids", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("home_ids", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("reasons", ARRAY(sa.SmallInteger), nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("outbox_chunk_id", sa.BigInteger),
        sa.Column("is_in_ledger", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.CheckConstraint("state IN ('frozen', 'packed', 'cancelled', 'suppressed')", name="state"),
        sa.CheckConstraint(
            "cardinality(home_ids) = cardinality(resident_ids) AND cardinality(reasons) = cardinality(resident_ids)",
            name="one_of_each",
        ),
    )
    for column in ("resident_ids", "home_ids", "reasons"):
        # Half a megabyte a second would go into compressing numbers that hardly shrink.
        op.execute(f"ALTER TABLE alert_chunk ALTER COLUMN {column} SET STORAGE EXTERNAL")
    op.create_index(
        "ix_alert_chunk_frozen", "alert_chunk", ["alert_id", "number"], postgresql_where=sa.text("state = 'frozen'")
    )
    op.create_index(
        "ix_alert_chunk_unwritten", "alert_chunk", ["alert_id", "number"],
        postgresql_where=sa.text("NOT is_in_ledger"),
    )  # fmt: skip
    op.add_column(
        "alert_recipient", sa.Column("reasons", ARRAY(sa.String), nullable=False, server_default=sa.text("'{}'"))
    )
    op.execute(
        "UPDATE alert_recipient SET reasons = ARRAY[CASE reason WHEN 'told_before' THEN reason ELSE 'home' END]"
    )
    op.drop_constraint(op.f("ck_alert_recipient_state"), "alert_recipient", type_="check")
    op.create_check_constraint(
        op.f("ck_alert_recipient_state"), "alert_recipient", "state IN ('frozen', 'queued', 'suppressed', 'cancelled')"
    )
    op.execute(_NAMES)
    op.execute(_BACKFILL)
    op.alter_column("outbox_chunk", "to_sealed", nullable=True)
    op.add_column("outbox_chunk", sa.Column("to_each_sealed", ARRAY(sa.LargeBinary)))
    op.execute("ALTER TABLE outbox_chunk ALTER COLUMN to_each_sealed SET STORAGE EXTERNAL")
    op.add_column("outbox_chunk", sa.Column("part", sa.Integer))
    op.create_check_constraint(
        op.f("ck_outbox_chunk_sealed_once"), "outbox_chunk", "(to_sealed IS NULL) <> (to_each_sealed IS NULL)"
    )
    op.create_index(
        "uq_outbox_chunk_part", "outbox_chunk", ["subject", "part"], unique=True,
        postgresql_where=sa.text("part IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "audience_change",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column(
            "xid", sa.BigInteger, nullable=False, server_default=sa.text("(pg_current_xact_id()::text)::bigint")
        ),
        sa.Column("resident_id", sa.BigInteger),
        sa.Column("noted_wall_at", _AT, nullable=False, server_default=sa.text("clock_timestamp()")),
    )  # fmt: skip
    op.create_index("ix_audience_change_xid", "audience_change", ["xid"])
    op.execute(_NOTE)
    op.execute(_NOTE_ONE)
    differs = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _DECIDES)
    op.execute(
        f"CREATE TRIGGER note_audience_update AFTER UPDATE OF {', '.join(_DECIDES)} ON resident "
        f"FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION note_resident_change()"
    )
    for table, (column, deeds) in _WATCHED.items():
        for deed in deeds:
            op.execute(
                f"CREATE TRIGGER note_audience_{deed.lower()} AFTER {deed} ON {table} REFERENCING {_TABLES_SEEN[deed]} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION note_audience_change('{column}')"
            )
        op.execute(
            f"CREATE TRIGGER note_audience_truncate AFTER TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION note_audience_change('{column}')"
        )


def downgrade() -> None:
    """Each recipient is frozen as a row again."""
    for table in _WATCHED:
        for deed in ("insert", "update", "delete", "truncate"):
            op.execute(f"DROP TRIGGER note_audience_{deed} ON {table}")
    op.execute("DROP FUNCTION note_audience_change()")
    op.execute("DROP FUNCTION note_resident_change()")
    op.drop_table("audience_change")
    op.drop_index("uq_outbox_chunk_part", "outbox_chunk")
    op.drop_constraint(op.f("ck_outbox_chunk_sealed_once"), "outbox_chunk", type_="check")
    op.drop_column("outbox_chunk", "part")
    op.execute("DELETE FROM outbox_chunk WHERE to_sealed IS NULL")
    op.drop_column("outbox_chunk", "to_each_sealed")
    op.alter_column("outbox_chunk", "to_sealed", nullable=False)
    op.drop_constraint(op.f("ck_alert_recipient_state"), "alert_recipient", type_="check")
    op.execute("UPDATE alert_recipient SET state = 'queued' WHERE state = 'cancelled'")
    op.create_check_constraint(
        op.f("ck_alert_recipient_state"), "alert_recipient", "state IN ('frozen', 'queued', 'suppressed')"
    )
    op.drop_column("alert_recipient", "reasons")
    op.drop_table("alert_chunk")
    op.execute("DROP FUNCTION reasons_named(smallint)")
    op.drop_table("area_watch")
