"""What the city knows and who asks it: articles in versions, questions, hand-overs to officers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0041_answers"
down_revision = "0040_chat"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True)


def _articles() -> None:
    op.create_table(
        "article",
        _id(),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("trust", sa.String, nullable=False),
        sa.UniqueConstraint("code", "language", name="uq_article_code_language"),
        sa.CheckConstraint("trust IN ('real', 'derived', 'simulated')", name=op.f("ck_article_trust")),
    )
    op.create_table(
        "article_version",
        _id(),
        sa.Column("article_id", sa.BigInteger, sa.ForeignKey("article.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("short_answer", sa.String, nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("asked_as", ARRAY(sa.Text), nullable=False),
        sa.Column("agency_code", sa.String),
        sa.Column("source_title", sa.String, nullable=False),
        sa.Column("source_page", sa.String),
        sa.Column("source_url", sa.String),
        sa.Column("source_dated", sa.Date, nullable=False),
        sa.Column("valid_until", sa.Date),
        sa.Column("review_on", sa.Date, nullable=False),
        sa.Column("is_withdrawn", sa.Boolean, nullable=False),
        sa.Column("made_by", sa.String, nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        sa.UniqueConstraint("article_id", "number", name="uq_article_version_article_id_number"),
    )


def _hand_overs() -> None:
    op.create_table(
        "hand_over",
        _id(),
        sa.Column("resident_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("opened_at", _AT, nullable=False),
        sa.Column("moved_at", _AT, nullable=False),
        sa.Column("closed_at", _AT),
        sa.Column("closed_by", sa.String),
        sa.CheckConstraint("state IN ('waiting', 'answered', 'closed')", name=op.f("ck_hand_over_state")),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_hand_over_closed_has_time")),
    )
    is_open = sa.text("state <> 'closed'")
    op.create_index("ix_hand_over_open", "hand_over", ["resident_id"], unique=True, postgresql_where=is_open)
    op.create_index("ix_hand_over_resident_id", "hand_over", ["resident_id"])
    op.create_index("ix_hand_over_state", "hand_over", ["state", "opened_at", "id"])
    op.create_table(
        "officer_answer",
        _id(),
        sa.Column("hand_over_id", sa.BigInteger, sa.ForeignKey("hand_over.id", ondelete="CASCADE"), nullable=False),
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary, nullable=False),
        sa.Column("answered_at", _AT, nullable=False),
        sa.Column("chunk_id", sa.BigInteger),
    )
    op.create_index("ix_officer_answer_hand_over_id", "officer_answer", ["hand_over_id", "id"])


def _questions() -> None:
    op.create_table(
        "question",
        _id(),
        sa.Column("resident_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="SET NULL")),
        sa.Column("text_sealed", sa.LargeBinary),
        sa.Column("asked_at", _AT, nullable=False),
        sa.Column("article_version_id", sa.BigInteger, sa.ForeignKey("article_version.id", ondelete="SET NULL")),
        sa.Column("has_helped", sa.Boolean),
        sa.Column("has_become_report", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("hand_over_id", sa.BigInteger, sa.ForeignKey("hand_over.id", ondelete="CASCADE")),
    )
    op.create_index("ix_question_resident_id", "question", ["resident_id"])
    op.create_index("ix_question_hand_over_id", "question", ["hand_over_id", "id"])
    op.create_index("ix_question_asked_at", "question", ["asked_at"])
    op.create_index("ix_question_article_version_id", "question", ["article_version_id"])


def upgrade() -> None:
    """Articles may be written, questions answered, and what nobody has written down goes to an officer."""
    _articles()
    _hand_overs()
    _questions()


def downgrade() -> None:
    """Nothing of it is left."""
    for table in ("question", "officer_answer", "hand_over", "article_version", "article"):
        op.drop_table(table)
