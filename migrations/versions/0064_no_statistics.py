"""No statistics of arrays of ids: nobody searches by them, and reading them took more than half of a sending."""

from __future__ import annotations

from alembic import op

revision = "0064_no_statistics"
down_revision = "0063_news_decide"
branch_labels = None
depends_on = None

_ARRAYS = {
    "outbox_chunk": ("to_each_sealed", "resident_ids"), "alert_chunk": ("resident_ids", "home_ids", "reasons"),
}  # fmt: skip


def _keep(statistics: int) -> None:
    op.execute("SET LOCAL lock_timeout = '10s'")
    for table, columns in _ARRAYS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS {statistics}")


def upgrade() -> None:
    """ANALYZE passes the arrays over."""
    _keep(0)


def downgrade() -> None:
    """ANALYZE reads them again."""
    _keep(-1)
