"""Answers to an alert are counted without reading its audience."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_answers"
down_revision = "0012_flood_falling"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Who answered is found by an index of the answers alone."""
    answered = sa.text("answer IS NOT NULL")
    op.create_index("ix_alert_recipient_answered", "alert_recipient", ["alert_id", "answer"], postgresql_where=answered)


def downgrade() -> None:
    """Answers are found among the whole audience."""
    op.drop_index("ix_alert_recipient_answered", "alert_recipient")
