"""Whether a resident wants news decides who is told: a crowd in memory hears of it."""

from __future__ import annotations

from alembic import op

revision = "0063_news_decide"
down_revision = "0062_alert_channels"
branch_labels = None
depends_on = None

_BEFORE = ("language", "consented_at", "is_reachable", "blocked_until_at")


def _watch(columns: tuple[str, ...]) -> None:
    differs = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    op.execute("DROP TRIGGER note_audience_update ON resident")
    op.execute(
        f"CREATE TRIGGER note_audience_update AFTER UPDATE OF {', '.join(columns)} ON resident "
        f"FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION note_resident_change()"
    )


def upgrade() -> None:
    """The database notes that somebody refused news, or wants them again."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    _watch((*_BEFORE, "news_refused_at"))


def downgrade() -> None:
    """Only what decided before is noted."""
    _watch(_BEFORE)
