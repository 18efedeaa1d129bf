"""Tables of sensors. `reading` is partitioned by day and never changed: doubt is a flag beside the value."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry, WKBElement
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_AT = sa.DateTime(timezone=True)


class Station(Base):
    """A place that measures: a gauge, a rain gauge, or a camera (whose sensor is an eye)."""

    __tablename__ = "station"
    __table_args__ = (
        sa.Index("ix_station_geom", "geom", postgresql_using="gist"),
        sa.CheckConstraint("kind IN ('gauge', 'camera', 'rain')", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name_th: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    geom: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    bank_m_msl: Mapped[float | None]
    bed_m_msl: Mapped[float | None]
    trust: Mapped[str]
    layer: Mapped[str]
    device_key_hash: Mapped[bytes | None]


class Datastream(Base):
    """One observed property of a station in one unit, with the range its site allows and its thresholds."""

    __tablename__ = "datastream"

    id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(sa.ForeignKey("station.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(unique=True)
    observed_property: Mapped[str]
    unit: Mapped[str]
    datum: Mapped[str | None]
    range_min: Mapped[float]
    range_max: Mapped[float]
    watch_m_msl: Mapped[float | None]
    warning_m_msl: Mapped[float | None]
    danger_m_msl: Mapped[float | None]
    dead_band_m: Mapped[float] = mapped_column(default=0.10)
    good_readings_needed: Mapped[int] = mapped_column(default=2)
    interval_s: Mapped[int]


class Reading(Base):
    """What a sensor gave, once and for ever, with its quality flag (QARTOD) and when it arrived."""

    __tablename__ = "reading"
    __table_args__ = ({"postgresql_partition_by": "RANGE (observed_at)"},)

    datastream_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    observed_at: Mapped[datetime] = mapped_column(_AT, primary_key=True)
    value: Mapped[float | None]
    qc_flag: Mapped[int] = mapped_column(sa.SmallInteger)
    qc_reason: Mapped[str | None]
    confidence: Mapped[float | None]
    source: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(_AT)
    received_wall_at: Mapped[datetime] = mapped_column(_AT)


class ReadingRefused(Base):
    """What could not be kept as a reading, as it came, and why."""

    __tablename__ = "reading_refused"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    raw: Mapped[dict[str, Any]]
    reason: Mapped[str]
    source: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(_AT, index=True)


class LatestReading(Base):
    """The newest reading of a datastream, and the newest good one; both only move forward."""

    __tablename__ = "latest_reading"

    datastream_id: Mapped[int] = mapped_column(sa.ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True)
    observed_at: Mapped[datetime] = mapped_column(_AT)
    value: Mapped[float | None]
    qc_flag: Mapped[int] = mapped_column(sa.SmallInteger)
    qc_reason: Mapped[str | None]
    confidence: Mapped[float | None]
    good_observed_at: Mapped[datetime | None] = mapped_column(_AT)
    good_value: Mapped[float | None]
    good_received_wall_at: Mapped[datetime | None] = mapped_column(_AT)


class LevelStateRow(Base):
    """Where the state machine of a gauge stands (`sensors.rules.LevelState`)."""

    __tablename__ = "level_state"

    datastream_id: Mapped[int] = mapped_column(sa.ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    pending_state: Mapped[int | None] = mapped_column(sa.SmallInteger)
    pending_count: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    since_at: Mapped[datetime | None] = mapped_column(_AT)
    level_m_msl: Mapped[float | None]
    observed_at: Mapped[datetime | None] = mapped_column(_AT)


class LevelStateChange(Base):
    """The history of a gauge's states; never changed."""

    __tablename__ = "level_state_change"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    datastream_id: Mapped[int] = mapped_column(sa.ForeignKey("datastream.id", ondelete="CASCADE"), index=True)
    observed_at: Mapped[datetime] = mapped_column(_AT)
    from_state: Mapped[int] = mapped_column(sa.SmallInteger)
    to_state: Mapped[int] = mapped_column(sa.SmallInteger)
    level_m_msl: Mapped[float]
    received_wall_at: Mapped[datetime] = mapped_column(_AT)
