"""Officers' own judgement of a reading, beside what the tests said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031_overrides"
down_revision = "0030_nowcast"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each override says which reading, which flag, by whom, when, why, and what the flag was before."""
    op.create_table(
        "flag_override",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("datastream_id", sa.Integer, sa.ForeignKey("datastream.id", ondelete="CASCADE"), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flag", sa.SmallInteger, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tested_flag", sa.SmallInteger, nullable=False),
        sa.Column("tested_reason", sa.String),
        sa.CheckConstraint("flag IN (1, 3, 4)", name=op.f("ck_flag_override_flag")),
    )
    op.create_index("ix_flag_override_reading", "flag_override", ["datastream_id", "observed_at", "id"])


def downgrade() -> None:
    """Readings keep the flags that officers gave them."""
    op.drop_table("flag_override")
