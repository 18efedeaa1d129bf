"""The officers' inbox: open incidents found by their promise, named filters, whose desk somebody sits at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0042_inbox"
down_revision = "0039_receiver"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_OPEN = "state IN ('new', 'accepted', 'in_progress', 'reopened', 'sent_on')"


def upgrade() -> None:
    """Nobody has a filter yet."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    _filters()


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


def downgrade() -> None:
    """Filters are gone; incidents stay as they are."""
    for table in ("inbox_filter", "inbox_desk"):
        op.drop_table(table)
    op.drop_index("ix_incident_likeness_open", "incident_likeness")
    op.drop_index("ix_incident_open_promised", "incident")
