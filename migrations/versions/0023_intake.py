"""The intake's memory of each datastream of a station, and the parameters that its readings are judged by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023_intake"
down_revision = "0022_sensorthings"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """What was stored before is known as such, so that a repetition of it is none of news."""
    op.create_table(
        "stream_memory",
        sa.Column(
            "datastream_id", sa.Integer, sa.ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True,
            autoincrement=False,
        ),
        sa.Column("newest_at", _AT),
        # JSON as bytes: the database keeps it and never looks inside, so it need not take it apart.
        sa.Column("document", sa.LargeBinary),
        # Rewritten with every batch: free room lets PostgreSQL do it in place (HOT).
        postgresql_with={"fillfactor": "50"},
    )
    op.execute(
        "INSERT INTO stream_memory (datastream_id, newest_at) SELECT d.id, "
        "(SELECT max(r.observed_at) FROM reading r WHERE r.datastream_id = d.id) "
        "FROM datastream d WHERE d.station_id IS NOT NULL"
    )
    for table in ("latest_reading", "level_state"):
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 50)")


def downgrade() -> None:
    """The intake remembers nothing between two batches."""
    for table in ("latest_reading", "level_state"):
        op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
    op.drop_table("stream_memory")
