"""Extensions, the shared clock, events, and procrastinate's queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001_core"
down_revision = None
branch_labels = None
depends_on = None

EXTENSIONS = ("postgis", "pg_trgm", "btree_gist")


def upgrade() -> None:
    """PostGIS and trigrams work; the clock, the events and the job queue have their tables."""
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("real_anchor_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("anchor_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("speed", sa.Float, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_clock_single")),
        sa.CheckConstraint("speed > 0", name=op.f("ck_clock_forward")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "event_handled",
        sa.Column("event_id", sa.BigInteger, sa.ForeignKey("event.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("subscriber", sa.String, primary_key=True),
    )
    # psycopg would read a single % of the queue's functions as a placeholder.
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))


def downgrade() -> None:
    """The queue, the events and the clock are gone; extensions stay, since others may use them."""
    op.execute(
        """
        DO $$ DECLARE victim record; BEGIN
          FOR victim IN SELECT tablename FROM pg_tables
                        WHERE schemaname = 'public' AND tablename LIKE 'procrastinate\\_%' LOOP
            EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', victim.tablename);
          END LOOP;
          FOR victim IN SELECT p.oid::regprocedure AS signature FROM pg_proc p JOIN pg_namespace n
                        ON n.oid = p.pronamespace WHERE n.nspname = 'public' AND proname LIKE 'procrastinate\\_%' LOOP
            EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', victim.signature);
          END LOOP;
          FOR victim IN SELECT typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                        WHERE n.nspname = 'public' AND typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c') LOOP
            EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', victim.typname);
          END LOOP;
        END $$;
        """
    )
    for table in ("event_handled", "event", "clock"):
        op.drop_table(table)
