"""What a person said is handed on from the inbox, in its order, urgent words first, and stands nowhere else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039_receiver"
down_revision = "0038_promises"
branch_labels = None
depends_on = None

_SAID = "('line.message_received', 'line.message_unsent', 'line.postback_received', 'line.followed', 'line.unfollowed')"
_FACTS = f"SELECT id, payload ->> 'webhook_event_id' AS webhook_event_id FROM event WHERE name IN {_SAID}"
_JOBS = "task_name IN ('events.hand_over', 'events.fan_out') AND status = 'todo'"


def upgrade() -> None:
    """What still waited to be heard waits in the inbox; the facts that repeated people's words are gone."""
    own = "sha256(convert_to(webhook_event_id, 'UTF8'))"
    op.execute(f"UPDATE inbox_event SET user_hash = {own} WHERE user_hash IS NULL")
    op.alter_column("inbox_event", "user_hash", nullable=False)
    op.add_column("inbox_event", sa.Column("is_urgent", sa.Boolean, server_default=sa.false(), nullable=False))
    op.add_column("inbox_event", sa.Column("attempts", sa.SmallInteger, server_default="0", nullable=False))
    op.add_column("inbox_event", sa.Column("not_before_wall_at", sa.DateTime(timezone=True)))
    op.add_column("inbox_event", sa.Column("error", sa.String))
    _index_waiting([sa.text("is_urgent DESC"), "happened_at"])
    waiting = f"SELECT (args ->> 'event_id')::bigint FROM procrastinate_jobs WHERE {_JOBS}"
    op.execute(
        f"UPDATE inbox_event i SET handled_at = NULL FROM ({_FACTS}) f "
        f"WHERE f.webhook_event_id = i.webhook_event_id AND f.id IN ({waiting})"
    )
    op.execute(
        f"DELETE FROM procrastinate_jobs WHERE {_JOBS} "
        f"AND (args ->> 'event_id')::bigint IN (SELECT id FROM ({_FACTS}) f)"
    )
    op.execute(f"DELETE FROM event WHERE name IN {_SAID}")


def downgrade() -> None:
    """Events that were put off wait as any other."""
    _index_waiting(["happened_at"])
    for name in ("is_urgent", "error", "not_before_wall_at", "attempts"):
        op.drop_column("inbox_event", name)
    op.alter_column("inbox_event", "user_hash", nullable=True)


def _index_waiting(columns: list[str | sa.TextClause]) -> None:
    op.drop_index("ix_inbox_event_waiting", "inbox_event")
    op.create_index(
        "ix_inbox_event_waiting", "inbox_event", columns, postgresql_where=sa.text("handled_at IS NULL")
    )
