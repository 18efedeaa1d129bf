"""Partners who are told of incidents without asking, and what waits for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048_partner_hooks"
down_revision = "0047_partner_words"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """A key may have an address, and an address lines of history to be told of."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.create_table(
        "partner_hook",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key_id", sa.Integer, sa.ForeignKey("api_key.id", ondelete="CASCADE"), nullable=False),
        sa.Column("url_sealed", sa.LargeBinary, nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        sa.Column("since_change_id", sa.BigInteger, nullable=False),
        sa.Column("seen_change_id", sa.BigInteger, nullable=False),
        sa.Column("woken_wall_at", _AT),
        sa.Column("told_wall_at", _AT),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since_wall_at", _AT),
        sa.Column("fault", sa.String, nullable=False),
        sa.Column("paused_wall_at", _AT),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_partner_hook_failures")),
        sa.UniqueConstraint("key_id", name="uq_partner_hook_key_id"),
    )
    op.create_table(
        "hook_delivery",
        sa.Column(
            "change_id", sa.BigInteger, sa.ForeignKey("incident_change.id", ondelete="CASCADE"), primary_key=True,
            autoincrement=False,
        ),
        sa.Column(
            "hook_id", sa.Integer, sa.ForeignKey("partner_hook.id", ondelete="CASCADE"), primary_key=True,
            autoincrement=False,
        ),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("fault", sa.String, nullable=False),
        sa.Column("ended_wall_at", _AT),
        sa.CheckConstraint(
            "state IN ('waiting', 'told', 'nothing', 'refused')", name=op.f("ck_hook_delivery_state")
        ),
    )
    op.create_index(
        "ix_hook_delivery_waiting", "hook_delivery", ["hook_id", "change_id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    """Nobody is told any more."""
    op.drop_table("hook_delivery")
    op.drop_table("partner_hook")
