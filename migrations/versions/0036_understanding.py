"""What residents' words are about: models with versions, labelled texts, corrections, and what a report was offered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0036_understanding"
down_revision = "0035_one_incident"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Reports and drafts of before were offered nothing that was kept."""
    op.create_table(
        "category_model",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("trained_at", _AT, nullable=False),
        sa.Column("texts", sa.Integer, nullable=False),
        sa.Column("held_out", sa.Integer, nullable=False),
        sa.Column("figures", JSONB, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("document", sa.Text),
        sa.CheckConstraint("NOT is_active OR document IS NOT NULL", name="ck_category_model_active"),
    )
    op.create_index(
        "ix_category_model_active", "category_model", ["is_active"], unique=True,
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "category_example",
        sa.Column("text_hash", sa.LargeBinary, primary_key=True),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("category_codes", ARRAY(sa.Text), nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("labelled_at", _AT, nullable=False),
    )
    op.create_table(
        "category_correction",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("report_id", sa.BigInteger, sa.ForeignKey("report.id", ondelete="CASCADE"), nullable=False),
        sa.Column("category_code", sa.String, sa.ForeignKey("category.code", ondelete="CASCADE"), nullable=False),
        sa.Column("corrected_by", sa.String, nullable=False),
        sa.Column("corrected_at", _AT, nullable=False),
    )
    op.create_index("ix_category_correction_report_id", "category_correction", ["report_id", "corrected_at"])
    op.add_column("draft", sa.Column("offered", JSONB))
    op.add_column("report", sa.Column("offered", JSONB))
    model = sa.ForeignKey("category_model.id", ondelete="SET NULL")
    op.add_column("report", sa.Column("category_model_id", sa.Integer, model))


def downgrade() -> None:
    """Categories are guessed by words alone."""
    op.drop_column("report", "category_model_id")
    op.drop_column("report", "offered")
    op.drop_column("draft", "offered")
    for table in ("category_correction", "category_example", "category_model"):
        op.drop_table(table)
