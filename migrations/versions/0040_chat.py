"""What a resident can do by chat after the first message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040_chat"
down_revision = "0039_receiver"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Photos that belong together can wait for one answer."""
    op.add_column("draft", sa.Column("answer_due_at", _AT))
    op.add_column("draft", sa.Column("answer_token_sealed", sa.LargeBinary))
    op.create_index(
        "ix_draft_answer_due_at", "draft", ["answer_due_at"], postgresql_where=sa.text("answer_due_at IS NOT NULL")
    )


def downgrade() -> None:
    """Each photo is answered by itself."""
    op.drop_index("ix_draft_answer_due_at", "draft")
    op.drop_column("draft", "answer_token_sealed")
    op.drop_column("draft", "answer_due_at")
