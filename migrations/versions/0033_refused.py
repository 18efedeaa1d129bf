"""Refused rows can be tried again: what they came with beside their text, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033_refused"
down_revision = "0032_sta_mqtt"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """What was refused before has no key and no topic: only an operator who vouches for it can have it tried again."""
    for column in (
        sa.Column("topic_code", sa.String), sa.Column("key_hash", sa.LargeBinary), sa.Column("received_wall_at", _AT),
        sa.Column("replayed_at", _AT), sa.Column("replayed_by", sa.String),
    ):
        op.add_column("reading_refused", column)


def downgrade() -> None:
    """Refused rows are what they were, taken at a later try or not."""
    for name in ("replayed_by", "replayed_at", "received_wall_at", "key_hash", "topic_code"):
        op.drop_column("reading_refused", name)
