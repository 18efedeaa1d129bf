"""Tables of cctv."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0007_cctv"
down_revision = "0006_sensors"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """The tables of cctv exist."""
    op.create_table(
        "camera",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("station_id", sa.Integer, sa.ForeignKey("station.id", ondelete="CASCADE"), nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("calibration", JSONB, nullable=False),
        sa.Column("calibration_version", sa.Integer, nullable=False),
        sa.UniqueConstraint("code", name="uq_camera_code"),
    )
    op.create_index("ix_camera_station_id", "camera", ["station_id"])
    op.create_table(
        "camera_frame",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("camera_id", sa.Integer, sa.ForeignKey("camera.id", ondelete="CASCADE"), nullable=False),
        sa.Column("taken_at", _AT, nullable=False),
        sa.Column("picture_path", sa.String),
        sa.Column("level_m_msl", sa.Float),
        sa.Column("sigma_m", sa.Float),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("reasons", ARRAY(sa.String), nullable=False),
        sa.Column("is_reading", sa.Boolean, nullable=False),
        sa.Column("calibration_version", sa.Integer, nullable=False),
        sa.UniqueConstraint("camera_id", "taken_at", name="uq_camera_frame_camera_id_taken_at"),
    )


def downgrade() -> None:
    """The tables of cctv are gone."""
    op.drop_table("camera_frame")
    op.drop_table("camera")
