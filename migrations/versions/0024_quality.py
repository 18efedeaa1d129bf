"""Quality as it is judged from reading to reading: its parameters by version, and the tests beside a flag."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024_quality"
down_revision = "0023_intake"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each flag can name its tests and the parameters that gave it; what was flagged before names none."""
    op.create_table(
        "quality_parameters",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("datastream_id", sa.Integer, sa.ForeignKey("datastream.id", ondelete="CASCADE"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String),
        sa.Column("reason", sa.String, nullable=False),
        sa.UniqueConstraint("datastream_id", "version", name="uq_quality_parameters_datastream_id_version"),
    )
    op.execute(
        "ALTER TABLE reading ADD COLUMN qc_tests integer NOT NULL DEFAULT 0, ADD COLUMN qc_parameters_id integer"
    )


def downgrade() -> None:
    """Flags stay, without the tests that gave them."""
    op.drop_column("reading", "qc_parameters_id")
    op.drop_column("reading", "qc_tests")
    op.drop_table("quality_parameters")
