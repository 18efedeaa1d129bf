"""The watch over each gauge: the gauge's own condition beside its water's, and the history of every kind of change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025_watch"
down_revision = "0024_quality"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """States stand as they were; what was half-way up begins its count anew."""
    op.drop_column("level_state", "pending_state")
    op.drop_column("level_state", "pending_count")
    op.add_column("level_state", sa.Column("condition", sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("level_state", sa.Column("condition_since_at", sa.DateTime(timezone=True)))
    op.drop_column("level_state", "level_m_msl")
    op.drop_column("level_state", "observed_at")
    op.add_column("level_state_change", sa.Column("kind", sa.String, nullable=False, server_default="raised"))
    op.execute("UPDATE level_state_change SET kind = 'lowered' WHERE to_state < from_state")
    op.add_column("level_state_change", sa.Column("condition", sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("level_state_change", sa.Column("is_announced", sa.Boolean, nullable=False, server_default=sa.true()))
    op.alter_column("level_state_change", "level_m_msl", nullable=True)
    op.create_index("ix_level_state_change_observed_at", "level_state_change", ["datastream_id", "observed_at"])


def downgrade() -> None:
    """Only the steps of the water are left of the changes."""
    op.drop_index("ix_level_state_change_observed_at", "level_state_change")
    op.execute("DELETE FROM level_state_change WHERE kind NOT IN ('raised', 'lowered') OR level_m_msl IS NULL")
    op.alter_column("level_state_change", "level_m_msl", nullable=False)
    for name in ("is_announced", "condition", "kind"):
        op.drop_column("level_state_change", name)
    op.add_column("level_state", sa.Column("observed_at", sa.DateTime(timezone=True)))
    op.add_column("level_state", sa.Column("level_m_msl", sa.Double))
    for name in ("condition_since_at", "condition"):
        op.drop_column("level_state", name)
    op.add_column("level_state", sa.Column("pending_count", sa.SmallInteger, nullable=False, server_default="0"))
    op.alter_column("level_state", "pending_count", server_default=None)
    op.add_column("level_state", sa.Column("pending_state", sa.SmallInteger))
