"""All readings in the order of their time, whoever they are of: pages of them no longer sort a city's whole past."""

from __future__ import annotations

from alembic import op

revision = "0027_reads"
down_revision = "0026_current_flood"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every partition keeps its times in order; a time that many gauges share is kept once, so it takes little room."""
    op.create_index("ix_reading_observed_at", "reading", ["observed_at"])


def downgrade() -> None:
    """Times are in order within a datastream alone."""
    op.drop_index("ix_reading_observed_at", "reading")
