"""What a zone's newest picture calls for, and what its water is falling to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_flood_falling"
down_revision = "0011_dispatch"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Earlier pictures call for what they hold, and nothing falls."""
    op.add_column("zone_state", sa.Column("calls_for", sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("zone_state", sa.Column("falling_to", sa.SmallInteger))
    op.execute("UPDATE zone_state SET calls_for = severity")


def downgrade() -> None:
    """Zones hold their severity without saying whether their water falls."""
    op.drop_column("zone_state", "falling_to")
    op.drop_column("zone_state", "calls_for")
