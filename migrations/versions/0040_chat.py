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
    op.add_column("inbox_event", sa.Column("held_at", _AT))
    op.add_column("inbox_event", sa.Column("held_for", sa.String))
    op.add_column("inbox_event", sa.Column("released_at", _AT))
    op.create_check_constraint(op.f("ck_inbox_event_held_for"), "inbox_event", "held_for IN ('pace', 'block')")
    op.create_index(
        "ix_inbox_event_held", "inbox_event", ["held_at"],
        postgresql_where=sa.text("held_at IS NOT NULL AND released_at IS NULL"),
    )
    _index_people(["user_hash", "happened_at"])
    op.add_column("resident", sa.Column("blocked_until_at", _AT))
    op.create_table(
        "resident_block",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("resident_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary, nullable=False),
        sa.Column("blocked_at", _AT, nullable=False),
        sa.Column("blocked_by", sa.String, nullable=False),
        sa.Column("until_at", _AT, nullable=False),
        sa.Column("told_at", _AT),
        sa.Column("lifted_at", _AT),
        sa.Column("lifted_by", sa.String),
        sa.Column("lift_reason_sealed", sa.LargeBinary),
    )
    op.create_index("ix_resident_block_resident_id", "resident_block", ["resident_id", "id"])


def downgrade() -> None:
    """Each photo is answered by itself; what was taken back stands again, ratings are gone."""
    op.drop_table("resident_block")
    op.drop_column("resident", "blocked_until_at")
    _index_people(["user_hash"])
    op.drop_index("ix_inbox_event_held", "inbox_event")
    op.drop_constraint(op.f("ck_inbox_event_held_for"), "inbox_event")
    for name in ("released_at", "held_for", "held_at"):
        op.drop_column("inbox_event", name)
    op.drop_table("incident_rating")
    op.drop_column("report", "withdrawn_at")
    op.drop_index("ix_draft_answer_due_at", "draft")
    op.drop_column("draft", "answer_token_sealed")
    op.drop_column("draft", "answer_due_at")


def _index_people(columns: list[str]) -> None:
    op.drop_index("ix_inbox_event_user_hash", "inbox_event")
    op.create_index("ix_inbox_event_user_hash", "inbox_event", columns)
