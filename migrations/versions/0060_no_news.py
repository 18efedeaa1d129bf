"""Residents who want no news from the city."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0060_no_news"
down_revision = "0059_leaders"
branch_labels = None
depends_on = None


_DECIDED = ("language", "consented_at", "is_reachable", "blocked_until_at")


def upgrade() -> None:
    """Since when a resident wants none; who never said so gets them. Who changes their mind is counted anew."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.add_column("resident", sa.Column("news_refused_at", sa.DateTime(timezone=True)))
    _note_changes_of(*_DECIDED, "news_refused_at")


def downgrade() -> None:
    """News reach everybody who is written to."""
    _note_changes_of(*_DECIDED)
    op.drop_column("resident", "news_refused_at")


def _note_changes_of(*columns: str) -> None:
    """These columns of a resident decide who is told: a change of one is a change of the audience."""
    differs = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    op.execute("DROP TRIGGER note_audience_update ON resident")
    op.execute(
        f"CREATE TRIGGER note_audience_update AFTER UPDATE OF {', '.join(columns)} ON resident "
        f"FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION note_resident_change()"
    )
