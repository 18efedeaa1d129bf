"""The two queues of LINE are cleaned of what is done as soon as it would slow down who looks for what waits."""

from __future__ import annotations

from alembic import op

revision = "0045_queues"
down_revision = "0044_one_question_less"
branch_labels = None
depends_on = None

QUEUES = ("inbox_event", "outbox_chunk")
SETTINGS = ("autovacuum_vacuum_threshold", "autovacuum_vacuum_scale_factor")


def upgrade() -> None:
    """A thousand rows done are enough, however many the table keeps."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    for table in QUEUES:
        op.execute(f"ALTER TABLE {table} SET ({SETTINGS[0]} = 1000, {SETTINGS[1]} = 0.0)")


def downgrade() -> None:
    """As every table."""
    for table in QUEUES:
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(SETTINGS)})")
