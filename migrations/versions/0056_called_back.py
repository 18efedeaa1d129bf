"""A chunk that was called back is not tried again, and a clock that is set back makes no first attempt younger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056_called_back"
down_revision = "0055_cap_documents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was called back; where senders' clocks stand is noted from their next look on."""
    op.add_column("outbox_chunk", sa.Column("is_called_back", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "send_clock",
        sa.Column("host", sa.String, nullable=False),
        sa.Column("steady_s", sa.Float, nullable=False),
        sa.Column("wall_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("host", name="pk_send_clock"),
    )


def downgrade() -> None:
    """What was called back and is on its way is tried again."""
    op.drop_table("send_clock")
    op.drop_column("outbox_chunk", "is_called_back")
