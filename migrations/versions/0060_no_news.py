"""Residents who want no news from the city."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0060_no_news"
down_revision = "0059_leaders"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Since when a resident wants none; who never said so gets them."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.add_column("resident", sa.Column("news_refused_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """News reach everybody who is written to."""
    op.drop_column("resident", "news_refused_at")
