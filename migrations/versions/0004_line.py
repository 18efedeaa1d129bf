"""Tables of line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004_line"
down_revision = "0003_gis"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """The tables of line exist."""
    op.create_table(
        "inbox_event",
        sa.Column("webhook_event_id", sa.String, primary_key=True),
        sa.Column("event_type", sa.String, nullable=False),
        sa.Column("raw_sealed", sa.LargeBinary, nullable=False),
        sa.Column("happened_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("received_wall_at", TIME, nullable=False),
        sa.Column("handled_at", TIME),
    )
    op.create_index(
        "ix_inbox_event_waiting", "inbox_event", ["happened_at"], postgresql_where=sa.text("handled_at IS NULL")
    )
    op.create_table(
        "webhook_refusal",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_table(
        "outbox_chunk",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("retry_key", sa.Uuid, nullable=False),
        sa.Column("to_sealed", sa.LargeBinary, nullable=False),
        sa.Column("recipient_count", sa.Integer, nullable=False),
        sa.Column("messages", JSONB, nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease_until_wall_at", TIME),
        sa.Column("not_before_wall_at", TIME),
        sa.Column("request_id", sa.String),
        sa.Column("error", sa.String),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_wall_at", TIME, nullable=False),
        sa.Column("first_attempt_wall_at", TIME),
        sa.Column("accepted_at", TIME),
        sa.Column("accepted_wall_at", TIME),
        sa.UniqueConstraint("retry_key", name=op.f("uq_outbox_chunk_retry_key")),
        sa.CheckConstraint("kind IN ('multicast', 'push', 'reply')", name=op.f("ck_outbox_chunk_kind")),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'accepted', 'failed', 'unknown', 'cancelled')",
            name=op.f("ck_outbox_chunk_state"),
        ),
    )
    op.create_index(
        "ix_outbox_chunk_open",
        "outbox_chunk",
        ["priority", "id"],
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index("ix_outbox_chunk_subject", "outbox_chunk", ["subject"])
    op.create_table(
        "send_bucket",
        sa.Column("channel", sa.String, primary_key=True),
        sa.Column("tokens", sa.Float, nullable=False),
        sa.Column("filled_wall_at", TIME, nullable=False),
        sa.Column("closed_until_wall_at", TIME),
        sa.Column("quota_closed_until_wall_at", TIME),
    )


def downgrade() -> None:
    """The tables of line are gone."""
    for table in ("send_bucket", "outbox_chunk", "webhook_refusal", "inbox_event"):
        op.drop_table(table)
