"""The officers' inbox: open incidents by their promise, named filters, notes among officers, redaction."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0042_inbox"
down_revision = "0041_answers"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_OPEN = "state IN ('new', 'accepted', 'in_progress', 'reopened', 'sent_on')"


def upgrade() -> None:
    """Nobody has a filter or a note yet, and no picture was reviewed: none is public until one is."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    _filters()
    _notes()
    _redaction()


def _filters() -> None:
    op.create_index(
        "ix_incident_open_promised", "incident", ["promised_at", "id"],
        postgresql_include=["category_code", "state"], postgresql_where=sa.text(_OPEN),
    )
    op.create_index(
        "ix_incident_likeness_open", "incident_likeness", ["incident_id", "other_id"],
        postgresql_where=sa.text("verdict IS NULL"),
    )
    op.create_table(
        "inbox_desk",
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
        sa.Column("agency_code", sa.String, sa.ForeignKey("agency.code", ondelete="CASCADE"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_inbox_desk")),
    )
    op.create_table(
        "inbox_filter",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("wanted", JSONB, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("agency_code", sa.String, sa.ForeignKey("agency.code", ondelete="SET NULL")),
        sa.Column("saved_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_filter")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_inbox_filter_name")),
    )
    op.create_index(
        "uq_inbox_filter_default", "inbox_filter", ["account_id"], unique=True, postgresql_where=sa.text("is_default")
    )
    op.create_index(
        "ix_inbox_filter_agency_code", "inbox_filter", ["agency_code"],
        postgresql_where=sa.text("agency_code IS NOT NULL"),
    )


def _notes() -> None:
    op.create_table(
        "incident_note",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("incident_id", sa.BigInteger, sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("written_by", sa.String, nullable=False),
        sa.Column("written_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_note")),
    )
    op.create_index("ix_incident_note_incident_id", "incident_note", ["incident_id"])


def _redaction() -> None:
    op.create_table(
        "photo_review",
        sa.Column("photo_id", sa.BigInteger, sa.ForeignKey("photo.id", ondelete="CASCADE"), nullable=False),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("boxes", JSONB, nullable=False),
        sa.Column("path", sa.String),
        sa.Column("sha256", sa.String),
        sa.Column("content_type", sa.String),
        sa.Column("reviewed_by", sa.String, nullable=False),
        sa.Column("reviewed_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("photo_id", name=op.f("pk_photo_review")),
        sa.CheckConstraint("verdict IN ('open', 'redacted', 'hidden')", name=op.f("ck_photo_review_verdict")),
        sa.CheckConstraint("(verdict = 'redacted') = (path IS NOT NULL)", name=op.f("ck_photo_review_made")),
    )
    op.create_table(
        "report_redaction",
        sa.Column("report_id", sa.BigInteger, sa.ForeignKey("report.id", ondelete="CASCADE"), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary, nullable=False),
        sa.Column("redacted_by", sa.String, nullable=False),
        sa.Column("redacted_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_report_redaction")),
    )


def downgrade() -> None:
    """Filters, notes and what was hidden are gone; incidents stay as they are."""
    for table in ("report_redaction", "photo_review", "incident_note", "inbox_filter", "inbox_desk"):
        op.drop_table(table)
    op.drop_index("ix_incident_likeness_open", "incident_likeness")
    op.drop_index("ix_incident_open_promised", "incident")
