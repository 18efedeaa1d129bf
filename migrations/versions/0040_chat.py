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
    op.add_column("report", sa.Column("withdrawn_at", _AT))
    op.create_table(
        "incident_rating",
        sa.Column("incident_id", sa.BigInteger, sa.ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("resident_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("stars", sa.SmallInteger, nullable=False),
        sa.Column("words", sa.String, server_default="", nullable=False),
        sa.Column("rated_at", _AT, nullable=False),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name="ck_incident_rating_stars"),
    )
    op.create_index("ix_incident_rating_resident_id", "incident_rating", ["resident_id"])


def downgrade() -> None:
    """Each photo is answered by itself; what was taken back stands again, ratings are gone."""
    op.drop_table("incident_rating")
    op.drop_column("report", "withdrawn_at")
    op.drop_index("ix_draft_answer_due_at", "draft")
    op.drop_column("draft", "answer_token_sealed")
    op.drop_column("draft", "answer_due_at")
