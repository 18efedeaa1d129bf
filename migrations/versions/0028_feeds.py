"""Feeds: what is declared of each source, how it does, and how far its devices have counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0028_feeds"
down_revision = "0027_reads"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_KINDS = "'http_json', 'csv', 'mqtt_json', 'tts', 'chirpstack', 'thingsboard', 'thaiwater', 'ea', 'rain_csv'"


def _feed_id() -> sa.Column[int]:
    return sa.Column(
        "feed_id", sa.Integer, sa.ForeignKey("feed.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )


def upgrade() -> None:
    """Sources can be declared; there are none yet."""
    op.create_table(
        "feed",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("name_th", sa.String, nullable=False),
        sa.Column("name_en", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("url", sa.String),
        sa.Column("period_s", sa.Integer, nullable=False),
        sa.Column("streams", JSONB, nullable=False),
        sa.Column("options", JSONB, nullable=False),
        sa.Column("is_enabled", sa.Boolean, nullable=False),
        sa.Column("secret_env", sa.String),
        sa.Column("secret_header", sa.String),
        sa.Column("key_hash", sa.LargeBinary),
        sa.Column("trust", sa.String, nullable=False),
        sa.Column("layer", sa.String),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_feed_kind")),
        sa.CheckConstraint("period_s > 0", name=op.f("ck_feed_period")),
        sa.UniqueConstraint("code", name="uq_feed_code"),
    )
    op.create_table(
        "feed_health",
        _feed_id(),
        sa.Column("last_attempt_wall_at", _AT),
        sa.Column("last_success_wall_at", _AT),
        sa.Column("next_attempt_wall_at", _AT),
        sa.Column("newest_observed_at", _AT),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("trouble", sa.String),
        sa.Column("trouble_detail", sa.String),
        sa.Column("rows_stored", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("rows_repeated", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("rows_refused", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("etag", sa.String),
        sa.Column("last_modified", sa.String),
    )
    op.create_table(
        "feed_device",
        _feed_id(),
        sa.Column("device", sa.String, primary_key=True),
        sa.Column("frame_counter", sa.BigInteger),
        sa.Column("session", sa.String),
        sa.Column("newest_at", _AT, nullable=False),
    )


def downgrade() -> None:
    """No source can be declared; what was stored stays."""
    op.drop_table("feed_device")
    op.drop_table("feed_health")
    op.drop_table("feed")
