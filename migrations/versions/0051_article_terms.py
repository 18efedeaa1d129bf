"""An article's terms are kept with each version, so that no process cuts them all at its first question."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051_article_terms"
down_revision = "0050_group_calls"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Versions of before have none yet; `answers.cut_terms` cuts them within minutes."""
    op.create_table(
        "article_terms",
        sa.Column(
            "version_id", sa.BigInteger, sa.ForeignKey("article_version.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("cut_by", sa.String, nullable=False),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("times", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Each process cuts for itself."""
    op.drop_table("article_terms")
