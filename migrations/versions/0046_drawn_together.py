"""Which jobs are to have their crews ranked is known of each, so that all that wait are drawn together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046_drawn_together"
down_revision = "0045_queues"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No job was drawn yet: all that wait are drawn anew."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.execute(sa.schema.CreateSequence(sa.Sequence("crew_change")))
    op.add_column("job", sa.Column("drawn_change", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Nobody knows which were drawn."""
    op.drop_column("job", "drawn_change")
    op.execute(sa.schema.DropSequence(sa.Sequence("crew_change")))
