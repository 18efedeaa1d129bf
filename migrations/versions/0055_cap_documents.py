"""CAP documents have a table of their own: an alert may need several, and what is not sound is not published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0055_cap_documents"
down_revision = "0054_frozen_audience"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """The documents of alerts move to their table; an alert names its newest one."""
    op.create_table(
        "cap_document",
        sa.Column("identifier", sa.String, primary_key=True),
        sa.Column("alert_id", sa.BigInteger, sa.ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
        sa.Column("message_type", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("sent_at", _AT, nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.Column("references", ARRAY(sa.String), nullable=False),
        sa.Column("incidents", ARRAY(sa.String), nullable=False),
        sa.Column("problems", JSONB, nullable=False),
        sa.Column("xml", sa.String, nullable=False),
        sa.CheckConstraint("message_type IN ('Alert', 'Update', 'Cancel')", name="message_type"),
        sa.CheckConstraint("status IN ('Actual', 'Exercise', 'Test')", name="status"),
        sa.CheckConstraint("expires_at > sent_at", name="ends"),
    )
    op.create_index("ix_cap_document_alert_id", "cap_document", ["alert_id"])
    op.create_index("ix_cap_document_expires_at", "cap_document", ["expires_at"])
    op.create_index("ix_cap_document_references", "cap_document", ["references"], postgresql_using="gin")
    op.execute(
        "INSERT INTO cap_document SELECT a.cap_identifier, a.id,"
        " CASE WHEN a.cap_xml LIKE '%<msgType>Update<%' THEN 'Update' ELSE 'Alert' END,"
        " CASE WHEN a.cap_xml LIKE '%<status>Test<%' THEN 'Test' ELSE 'Actual' END, a.approved_at, a.expires_at,"
        " coalesce((SELECT array_agg(r.cap_identifier) FROM alert r WHERE r.id = ANY(a.\"references\")"
        " AND r.cap_identifier IS NOT NULL), '{}'), '{}', '[]', a.cap_xml"
        " FROM alert a WHERE a.cap_xml IS NOT NULL AND a.expires_at > a.approved_at"
    )
    op.drop_column("alert", "cap_xml")


def downgrade() -> None:
    """Each alert keeps its newest document only."""
    op.add_column("alert", sa.Column("cap_xml", sa.String))
    op.execute("UPDATE alert a SET cap_xml = d.xml FROM cap_document d WHERE d.identifier = a.cap_identifier")
    op.drop_table("cap_document")
