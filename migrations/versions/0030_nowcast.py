"""Nowcasts: what was fitted for a gauge, and what was forecast of it and came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0030_nowcast"
down_revision = "0029_rules"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def _datastream() -> sa.Column[int]:
    key = sa.ForeignKey("datastream.id", ondelete="CASCADE")
    return sa.Column("datastream_id", sa.Integer, key, primary_key=True, autoincrement=False)


def upgrade() -> None:
    """A datastream has at most one model, and forecasts by origin and horizon."""
    op.create_table(
        "nowcast_model",
        _datastream(),
        sa.Column("fitted_at", _AT, nullable=False),
        sa.Column("data_from", _AT),
        sa.Column("data_to", _AT),
        sa.Column("readings", sa.Integer, nullable=False),
        sa.Column("step_s", sa.Double),
        sa.Column("choices", JSONB, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("document", sa.Text),
        sa.CheckConstraint("(reason IS NULL) = (document IS NOT NULL)", name="ck_nowcast_model_reason"),
    )
    op.create_table(
        "nowcast",
        _datastream(),
        sa.Column("made_at", _AT, primary_key=True),
        sa.Column("horizon_h", sa.Double, primary_key=True),
        sa.Column("at", _AT, nullable=False),
        sa.Column("origin_m_msl", sa.Double, nullable=False),
        sa.Column("level_m_msl", sa.Double, nullable=False),
        sa.Column("low_m_msl", sa.Double, nullable=False),
        sa.Column("high_m_msl", sa.Double, nullable=False),
        sa.Column("nominal", sa.Double, nullable=False),
        sa.Column("forecaster", sa.String, nullable=False),
        sa.Column("skill", sa.Double),
        sa.Column("skill_rising", sa.Double),
        sa.Column("is_shown", sa.Boolean, nullable=False),
        sa.Column("why", JSONB, nullable=False),
        sa.Column("came_m_msl", sa.Double),
        sa.CheckConstraint("NOT is_shown OR skill_rising IS NOT NULL", name="ck_nowcast_shown"),
    )
    op.create_index("ix_nowcast_made_at", "nowcast", ["made_at"])
    op.create_index("ix_nowcast_awaited", "nowcast", ["at"], postgresql_where=sa.text("came_m_msl IS NULL"))


def downgrade() -> None:
    """No forecast is known; the next night would fit anew."""
    op.drop_table("nowcast")
    op.drop_table("nowcast_model")
