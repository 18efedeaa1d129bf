"""What officers say of an event's zones when it is over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058_event_outcome"
down_revision = "0057_words"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Each word is a row; the newest of a zone holds."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.create_table(
        "event_outcome",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("zone_id", sa.Integer, sa.ForeignKey("zone.id", ondelete="CASCADE"), nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("flooded_at", _AT),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("said_by", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("said_at", _AT, nullable=False),
        sa.CheckConstraint("outcome IN ('flooded', 'not_flooded', 'unknown')", name="outcome"),
        sa.CheckConstraint("flooded_at IS NULL OR outcome = 'flooded'", name="flooded_at"),
    )
    op.create_index("ix_event_outcome_event_id", "event_outcome", ["event_id", "zone_id", "id"])


def downgrade() -> None:
    """Only witnesses speak of what became of a zone."""
    op.drop_table("event_outcome")
