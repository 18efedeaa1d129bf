"""What partners say of tickets: their reporters' stars."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047_partner_words"
down_revision = "0046_drawn_together"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A service request has stars of its own."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.create_table(
        "exchange_rating",
        sa.Column(
            "service_request_id", sa.BigInteger, sa.ForeignKey("service_request.id", ondelete="CASCADE"),
            primary_key=True, autoincrement=False,
        ),
        sa.Column("stars", sa.SmallInteger, nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_exchange_rating_stars")),
    )


def downgrade() -> None:
    """The stars of partners are forgotten."""
    op.drop_table("exchange_rating")
