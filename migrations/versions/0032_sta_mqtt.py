"""The outbox of SensorThings by MQTT: who waits for what, what is to be told, and what was taken already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032_sta_mqtt"
down_revision = "0031_overrides"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three tables, all empty until somebody subscribes or publishes."""
    op.create_table(
        "sta_subscription",
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("entity", sa.String, nullable=False),
        sa.Column("datastream_id", sa.Integer),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "sta_change",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("entity", sa.String, nullable=False),
        sa.Column("entity_id", sa.BigInteger),
        sa.Column("datastream_id", sa.Integer),
        sa.Column("observed_at", sa.DateTime(timezone=True)),
        sa.Column("properties", sa.ARRAY(sa.Text)),
    )
    op.create_table(
        "sta_taken",
        sa.Column("inbox", sa.String, primary_key=True),
        sa.Column("message_id", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """What was not told yet is not told any more."""
    for table in ("sta_taken", "sta_change", "sta_subscription"):
        op.drop_table(table)
