"""What a person said is handled in its order: whose it is, how often it was tried, and why it was given up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039_receiver"
down_revision = "0033_refused"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Events that still wait have a key each: nobody can say any more whose they are without the city's own keys."""
    op.add_column("inbox_event", sa.Column("speaker_key", sa.BigInteger))
    op.execute("UPDATE inbox_event SET speaker_key = hashtextextended(webhook_event_id, 0)")
    op.alter_column("inbox_event", "speaker_key", nullable=False)
    op.add_column("inbox_event", sa.Column("is_urgent", sa.Boolean, server_default=sa.false(), nullable=False))
    op.add_column("inbox_event", sa.Column("attempts", sa.SmallInteger, server_default="0", nullable=False))
    op.add_column("inbox_event", sa.Column("not_before_wall_at", sa.DateTime(timezone=True)))
    op.add_column("inbox_event", sa.Column("error", sa.String))
    _index_waiting([sa.text("is_urgent DESC"), "happened_at"])
    op.create_index(
        "ix_inbox_event_speaker", "inbox_event", ["speaker_key"], postgresql_where=sa.text("handled_at IS NULL")
    )


def downgrade() -> None:
    """Events that were put off wait as any other."""
    op.drop_index("ix_inbox_event_speaker", "inbox_event")
    _index_waiting(["happened_at"])
    for name in ("is_urgent", "error", "not_before_wall_at", "attempts", "speaker_key"):
        op.drop_column("inbox_event", name)


def _index_waiting(columns: list[str | sa.TextClause]) -> None:
    op.drop_index("ix_inbox_event_waiting", "inbox_event")
    op.create_index(
        "ix_inbox_event_waiting", "inbox_event", columns, postgresql_where=sa.text("handled_at IS NULL")
    )
