"""Tables of sensors, which are the entities of SensorThings: a station's Thing, its datastreams, their readings.

`reading` is partitioned by day and what a device says is never changed: doubt is a flag beside the value. Rows that
belong to a station of a city pack name it in `station_id`; those without it came from generic clients, and no gauge,
state, map or alert looks at them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry, WKBElement
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import sensors.nowcast_models  # noqa: F401 - tables of this room too.
from core.db import Base

_AT = sa.DateTime(timezone=True)
_GEOMETRY = Geometry("GEOMETRY", srid=4326, spatial_index=False)


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


class Thing(Base):
    """A thing of the world that is observed; the one of a station names it."""

    __tablename__ = "thing"
    __table_args__ = (sa.Index("ix_thing_station_id", "station_id", unique=True),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    properties: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    trust: Mapped[str]
    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("station.id", ondelete="CASCADE"))


class Sensor(Base):
    """An instrument or procedure that observes: SensorThings' Sensor. Those of stations have a code."""

    __tablename__ = "sensor"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    properties: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    trust: Mapped[str]
    encoding_type: Mapped[str]
    # An attribute of this name belongs to SQLAlchemy.
    metadata_: Mapped[Any] = mapped_column("metadata", JSONB)
    code: Mapped[str | None] = mapped_column(unique=True)


class ObservedProperty(Base):
    """What is observed, with its definition; those of stations have a code."""

    __tablename__ = "observed_property"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    properties: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    trust: Mapped[str]
    definition: Mapped[str]
    code: Mapped[str | None] = mapped_column(unique=True)


class FeatureOfInterest(Base):
    """What an observation is about; `geom` where its feature is GeoJSON."""

    __tablename__ = "feature_of_interest"
    __table_args__ = (
        sa.Index("ix_feature_of_interest_station_id", "station_id", unique=True),
        sa.Index("ix_feature_of_interest_geom", "geom", postgresql_using="gist"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    properties: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    trust: Mapped[str]
    encoding_type: Mapped[str]
    feature: Mapped[Any] = mapped_column(JSONB)
    geom: Mapped[WKBElement | None] = mapped_column(_GEOMETRY)
    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("station.id", ondelete="CASCADE"))


class Location(Base):
    """Where things are; `geom` where it is GeoJSON, `foi_id` the feature made of it for observations without one."""

    __tablename__ = "location"
    __table_args__ = (
        sa.Index("ix_location_station_id", "station_id", unique=True),
        sa.Index("ix_location_geom", "geom", postgresql_using="gist"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    properties: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    trust: Mapped[str]
    encoding_type: Mapped[str]
    location: Mapped[Any] = mapped_column(JSONB)
    geom: Mapped[WKBElement | None] = mapped_column(_GEOMETRY)
    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("station.id", ondelete="CASCADE"))
    foi_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("feature_of_interest.id", ondelete="SET NULL"), index=True
    )


class ThingLocation(Base):
    """Which things are at which locations now."""

    __tablename__ = "thing_location"

    thing_id: Mapped[int] = mapped_column(sa.ForeignKey("thing.id", ondelete="CASCADE"), primary_key=True)
    location_id: Mapped[int] = mapped_column(
        sa.ForeignKey("location.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class HistoricalLocation(Base):
    """When a thing came to be where it was."""

    __tablename__ = "historical_location"
    __table_args__ = (sa.Index("ix_historical_location_thing_id", "thing_id", "time"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    thing_id: Mapped[int] = mapped_column(sa.ForeignKey("thing.id", ondelete="CASCADE"))
    time: Mapped[datetime] = mapped_column(_AT)


class HistoricalLocationLocation(Base):
    """Where it then was."""

    __tablename__ = "historical_location_location"

    historical_location_id: Mapped[int] = mapped_column(
        sa.ForeignKey("historical_location.id", ondelete="CASCADE"), primary_key=True
    )
    location_id: Mapped[int] = mapped_column(
        sa.ForeignKey("location.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Datastream(Base):
    """One observed property of a thing in one unit; a station's has the range its site allows and its thresholds.

    What only a station's datastream has is empty in those of generic clients: their station_id is None.
    """

    __tablename__ = "datastream"
    __table_args__ = (sa.Index("ix_datastream_observed_area", "observed_area", postgresql_using="gist"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("station.id", ondelete="CASCADE"), index=True)
    code: Mapped[str | None] = mapped_column(unique=True)
    observed_property: Mapped[str | None]
    unit: Mapped[str | None]
    datum: Mapped[str | None]
    range_min: Mapped[float | None]
    range_max: Mapped[float | None]
    watch_m_msl: Mapped[float | None]
    warning_m_msl: Mapped[float | None]
    danger_m_msl: Mapped[float | None]
    dead_band_m: Mapped[float | None]
    good_readings_needed: Mapped[int | None]
    interval_s: Mapped[int | None]
    thing_id: Mapped[int] = mapped_column(sa.ForeignKey("thing.id", ondelete="CASCADE"), index=True)
    sensor_id: Mapped[int] = mapped_column(sa.ForeignKey("sensor.id", ondelete="CASCADE"), index=True)
    observed_property_id: Mapped[int] = mapped_column(
        sa.ForeignKey("observed_property.id", ondelete="CASCADE"), index=True
    )
    # What its observations are about where they do not say it themselves.
    foi_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("feature_of_interest.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str]
    description: Mapped[str]
    unit_name: Mapped[str | None]
    unit_symbol: Mapped[str | None]
    unit_definition: Mapped[str | None]
    observation_type: Mapped[str]
    properties: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    observed_area: Mapped[WKBElement | None] = mapped_column(_GEOMETRY)
    trust: Mapped[str]


READING_ID = sa.Sequence("reading_id_seq", metadata=Base.metadata, data_type=sa.BigInteger)


class Reading(Base):
    """What a sensor gave, once and for ever, with its quality flag (QARTOD) and when it arrived.

    What a device says of one time is one row, copy 0; generic clients may say more than once, each a copy of its own.
    `value` holds a number, `result` whatever else an observation may be.
    """

    __tablename__ = "reading"
    __table_args__ = (
        sa.Index("ix_reading_id", "id"),
        sa.Index("ix_reading_observed_at", "observed_at"),
        sa.Index("ix_reading_foi_id", "foi_id", "id", postgresql_where=sa.text("foi_id IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (observed_at)"},
    )

    datastream_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    observed_at: Mapped[datetime] = mapped_column(_AT, primary_key=True)
    copy: Mapped[int] = mapped_column(
        sa.SmallInteger, primary_key=True, autoincrement=False, default=0, server_default="0"
    )
    value: Mapped[float | None]
    qc_flag: Mapped[int] = mapped_column(sa.SmallInteger)
    qc_reason: Mapped[str | None]
    qc_tests: Mapped[int] = mapped_column(default=0, server_default="0")
    qc_parameters_id: Mapped[int | None]
    confidence: Mapped[float | None]
    source: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(_AT)
    received_wall_at: Mapped[datetime] = mapped_column(_AT)
    id: Mapped[int] = mapped_column(sa.BigInteger, READING_ID, server_default=READING_ID.next_value())
    ended_at: Mapped[datetime | None] = mapped_column(_AT)
    result: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    result_time: Mapped[datetime | None] = mapped_column(_AT)
    result_quality: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    valid_from: Mapped[datetime | None] = mapped_column(_AT)
    valid_to: Mapped[datetime | None] = mapped_column(_AT)
    parameters: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    foi_id: Mapped[int | None] = mapped_column(sa.BigInteger)


class ReadingRefused(Base):
    """What could not be kept as a reading, as it came, and why; never changed but for what became of a later try.

    `raw` holds the text of a device's row without its key, of which `key_hash` is left, what a caller inside the house
    said, or a message with its topic and how it came. A row that was taken at a later try says when and by whom it was
    tried.
    """

    __tablename__ = "reading_refused"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    raw: Mapped[dict[str, Any]]
    reason: Mapped[str]
    source: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(_AT, index=True)
    topic_code: Mapped[str | None]
    key_hash: Mapped[bytes | None]
    received_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    replayed_at: Mapped[datetime | None] = mapped_column(_AT)
    replayed_by: Mapped[str | None]


class LatestReading(Base):
    """The newest reading of a datastream, and the newest good one, which only move forward; and its first times."""

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
    first_observed_at: Mapped[datetime] = mapped_column(_AT)
    last_ended_at: Mapped[datetime | None] = mapped_column(_AT)
    first_result_time: Mapped[datetime | None] = mapped_column(_AT)
    last_result_time: Mapped[datetime | None] = mapped_column(_AT)


class StreamMemory(Base):
    """What the intake knows of a station's datastream between two batches; whoever holds its lock stores for it.

    `newest_at` is the time of the newest reading ever stored, ahead of the clock or not; `document` all else that is
    remembered (`sensors.memory.Memory`).
    """

    __tablename__ = "stream_memory"
    __table_args__ = ({"postgresql_with": {"fillfactor": "50"}},)

    datastream_id: Mapped[int] = mapped_column(
        sa.ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    newest_at: Mapped[datetime | None] = mapped_column(_AT)
    document: Mapped[bytes | None]


class QualityParameters(Base):
    """What a datastream's readings are judged by (`sensors.quality.parameters.Parameters`); the newest version counts.

    Versions are only added, so that every flag still says by what it was given. `changed_by` is None where they follow
    from the station's own bank and interval.
    """

    __tablename__ = "quality_parameters"
    __table_args__ = (sa.UniqueConstraint("datastream_id", "version"),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    datastream_id: Mapped[int] = mapped_column(sa.ForeignKey("datastream.id", ondelete="CASCADE"))
    version: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_at: Mapped[datetime] = mapped_column(_AT)
    changed_by: Mapped[str | None]
    reason: Mapped[str]


class FlagOverride(Base):
    """An officer's own judgement of a reading; the newest of a reading counts, whatever the tests say of it later.

    `tested_flag` and `tested_reason` are what the tests had said.
    """

    __tablename__ = "flag_override"
    __table_args__ = (
        sa.Index("ix_flag_override_reading", "datastream_id", "observed_at", "id"),
        sa.CheckConstraint("flag IN (1, 3, 4)", name="flag"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    datastream_id: Mapped[int] = mapped_column(sa.ForeignKey("datastream.id", ondelete="CASCADE"))
    observed_at: Mapped[datetime] = mapped_column(_AT)
    flag: Mapped[int] = mapped_column(sa.SmallInteger)
    reason: Mapped[str]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    made_at: Mapped[datetime] = mapped_column(_AT)
    tested_flag: Mapped[int] = mapped_column(sa.SmallInteger)
    tested_reason: Mapped[str | None]


class LevelStateRow(Base):
    """How the water stands at a gauge and how far the gauge is to be believed, as the watch last saw it."""

    __tablename__ = "level_state"

    datastream_id: Mapped[int] = mapped_column(sa.ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    since_at: Mapped[datetime | None] = mapped_column(_AT)
    condition: Mapped[int] = mapped_column(sa.SmallInteger, default=0, server_default="0")
    condition_since_at: Mapped[datetime | None] = mapped_column(_AT)


class LevelStateChange(Base):
    """The history of a gauge: each change of its water and of the gauge itself (`sensors.watch.state.ChangeKind`).

    Never changed. `is_announced` are those that somebody is to be told of; `rule_version` is 0 where the rule was that
    of the station's thresholds.
    """

    __tablename__ = "level_state_change"
    __table_args__ = (sa.Index("ix_level_state_change_observed_at", "datastream_id", "observed_at"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    datastream_id: Mapped[int] = mapped_column(sa.ForeignKey("datastream.id", ondelete="CASCADE"), index=True)
    observed_at: Mapped[datetime] = mapped_column(_AT)
    from_state: Mapped[int] = mapped_column(sa.SmallInteger)
    to_state: Mapped[int] = mapped_column(sa.SmallInteger)
    level_m_msl: Mapped[float | None]
    received_wall_at: Mapped[datetime] = mapped_column(_AT)
    kind: Mapped[str] = mapped_column(default="raised", server_default="raised")
    condition: Mapped[int] = mapped_column(sa.SmallInteger, default=0, server_default="0")
    is_announced: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    rule_version: Mapped[int] = mapped_column(default=0, server_default="0")
