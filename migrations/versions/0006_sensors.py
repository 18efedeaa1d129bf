"""Tables of sensors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006_sensors"
down_revision = "0005_residents"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """The tables of sensors exist."""
    _create_stations()
    _create_readings()
    _create_states()


def _create_stations() -> None:
    op.create_table(
        "station",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("name_th", sa.String, nullable=False),
        sa.Column("name_en", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("bank_m_msl", sa.Float),
        sa.Column("bed_m_msl", sa.Float),
        sa.Column("trust", sa.String, nullable=False),
        sa.Column("layer", sa.String, nullable=False),
        sa.Column("device_key_hash", sa.LargeBinary),
        sa.UniqueConstraint("code", name="uq_station_code"),
        sa.CheckConstraint("kind IN ('gauge', 'camera', 'rain')", name=op.f("ck_station_kind")),
    )
    op.create_index("ix_station_geom", "station", ["geom"], postgresql_using="gist")
    op.create_table(
        "datastream",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("station_id", sa.Integer, sa.ForeignKey("station.id", ondelete="CASCADE"), nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("observed_property", sa.String, nullable=False),
        sa.Column("unit", sa.String, nullable=False),
        sa.Column("datum", sa.String),
        sa.Column("range_min", sa.Float, nullable=False),
        sa.Column("range_max", sa.Float, nullable=False),
        sa.Column("watch_m_msl", sa.Float),
        sa.Column("warning_m_msl", sa.Float),
        sa.Column("danger_m_msl", sa.Float),
        sa.Column("dead_band_m", sa.Float, nullable=False),
        sa.Column("good_readings_needed", sa.Integer, nullable=False),
        sa.Column("interval_s", sa.Integer, nullable=False),
        sa.UniqueConstraint("code", name="uq_datastream_code"),
    )
    op.create_index("ix_datastream_station_id", "datastream", ["station_id"])


def _create_readings() -> None:
    # No foreign key on purpose: a batch then writes to one table only, and partitions attach without a scan.
    op.create_table(
        "reading",
        sa.Column("datastream_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("observed_at", _AT, primary_key=True),
        sa.Column("value", sa.Float),
        sa.Column("qc_flag", sa.SmallInteger, nullable=False),
        sa.Column("qc_reason", sa.String),
        sa.Column("confidence", sa.Float),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("received_at", _AT, nullable=False),
        sa.Column("received_wall_at", _AT, nullable=False),
        postgresql_partition_by="RANGE (observed_at)",
    )
    op.create_table(
        "reading_refused",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("raw", JSONB, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("received_at", _AT, nullable=False),
    )
    op.create_index("ix_reading_refused_received_at", "reading_refused", ["received_at"])
    op.create_table(
        "latest_reading",
        sa.Column("datastream_id", sa.Integer, sa.ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("observed_at", _AT, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("qc_flag", sa.SmallInteger, nullable=False),
        sa.Column("qc_reason", sa.String),
        sa.Column("confidence", sa.Float),
        sa.Column("good_observed_at", _AT),
        sa.Column("good_value", sa.Float),
        sa.Column("good_received_wall_at", _AT),
    )


def _create_states() -> None:
    op.create_table(
        "level_state",
        sa.Column("datastream_id", sa.Integer, sa.ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("pending_state", sa.SmallInteger),
        sa.Column("pending_count", sa.SmallInteger, nullable=False),
        sa.Column("since_at", _AT),
        sa.Column("level_m_msl", sa.Float),
        sa.Column("observed_at", _AT),
    )
    op.create_table(
        "level_state_change",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("datastream_id", sa.Integer, sa.ForeignKey("datastream.id", ondelete="CASCADE"), nullable=False),
        sa.Column("observed_at", _AT, nullable=False),
        sa.Column("from_state", sa.SmallInteger, nullable=False),
        sa.Column("to_state", sa.SmallInteger, nullable=False),
        sa.Column("level_m_msl", sa.Float, nullable=False),
        sa.Column("received_wall_at", _AT, nullable=False),
    )
    op.create_index("ix_level_state_change_datastream_id", "level_state_change", ["datastream_id"])


def downgrade() -> None:
    """The tables of sensors are gone."""
    for table in (
        "level_state_change",
        "level_state",
        "latest_reading",
        "reading_refused",
        "reading",
        "datastream",
        "station",
    ):
        op.drop_table(table)
