"""What strangers cry in groups on LINE, for officers to see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050_group_calls"
down_revision = "0049_sight"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """A call is what is cried in one group within ten minutes; its cries are kept sealed."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.create_table(
        "group_call",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("group_hash", sa.LargeBinary, nullable=False),
        sa.Column("group_sealed", sa.LargeBinary, nullable=False),
        sa.Column("name_sealed", sa.LargeBinary),
        sa.Column("began_at", _AT, nullable=False),
        sa.Column("last_at", _AT, nullable=False),
        sa.Column("cries", sa.Integer, nullable=False),
        sa.Column("ended_at", _AT),
        sa.Column("ended_by", sa.String),
        sa.Column("was_answered", sa.Boolean, server_default=sa.false(), nullable=False),
    )
    op.create_index("ix_group_call_group_hash", "group_call", ["group_hash", "began_at"])
    op.create_index("ix_group_call_waiting", "group_call", ["began_at"], postgresql_where=sa.text("ended_at IS NULL"))
    op.create_table(
        "group_cry",
        sa.Column("webhook_event_id", sa.String, primary_key=True),
        sa.Column("call_id", sa.BigInteger, sa.ForeignKey("group_call.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_hash", sa.LargeBinary),
        sa.Column("text_sealed", sa.LargeBinary, nullable=False),
        sa.Column("happened_at", _AT, nullable=False),
    )
    op.create_index("ix_group_cry_call_id", "group_cry", ["call_id"])
    op.create_index("ix_group_cry_user_hash", "group_cry", ["user_hash"])


def downgrade() -> None:
    """Nobody hears strangers in groups any more."""
    op.drop_table("group_cry")
    op.drop_table("group_call")
