"""SensorThings: stations are Things, readings are Observations, and the other entities have tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022_sensorthings"
down_revision = "0021_addresses"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
ENTITIES = ("thing", "sensor", "observed_property", "feature_of_interest", "location")
GENERIC = ("station_id", "code", "observed_property", "unit", "range_min", "range_max", "dead_band_m",
           "good_readings_needed", "interval_s")
READING_COLUMNS = ("id", "copy", "ended_at", "result", "result_time", "result_quality", "valid_from", "valid_to",
                   "parameters", "foi_id")
LATEST_COLUMNS = ("first_observed_at", "last_ended_at", "first_result_time", "last_result_time")


def upgrade() -> None:
    """Every entity of the standard has its table; stations and readings that were there are Things and Observations."""
    _create_entities()
    _create_relations()
    _widen_datastreams()
    _describe_stations()
    _widen_readings()
    _widen_latest()


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True)


def _described() -> list[sa.Column[object]]:
    return [
        sa.Column("name", sa.String, nullable=False),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("properties", JSONB),
        sa.Column("trust", sa.String, nullable=False),
    ]


def _of_station() -> sa.Column[int]:
    return sa.Column("station_id", sa.Integer, sa.ForeignKey("station.id", ondelete="CASCADE"))


def _create_entities() -> None:
    op.create_table("thing", _id(), *_described(), _of_station())
    op.create_index("ix_thing_station_id", "thing", ["station_id"], unique=True)
    op.create_table(
        "sensor",
        _id(),
        *_described(),
        sa.Column("encoding_type", sa.String, nullable=False),
        sa.Column("metadata", JSONB, nullable=False),
        sa.Column("code", sa.String),
        sa.UniqueConstraint("code", name="uq_sensor_code"),
    )
    op.create_table(
        "observed_property",
        _id(),
        *_described(),
        sa.Column("definition", sa.String, nullable=False),
        sa.Column("code", sa.String),
        sa.UniqueConstraint("code", name="uq_observed_property_code"),
    )
    for table, content in (("feature_of_interest", "feature"), ("location", "location")):
        op.create_table(
            table,
            _id(),
            *_described(),
            sa.Column("encoding_type", sa.String, nullable=False),
            sa.Column(content, JSONB, nullable=False),
            sa.Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False)),
            _of_station(),
        )
        op.create_index(f"ix_{table}_station_id", table, ["station_id"], unique=True)
        op.create_index(f"ix_{table}_geom", table, ["geom"], postgresql_using="gist")
    # The feature that was made of a place for observations that named none; they share it.
    made = sa.Column("foi_id", sa.BigInteger, sa.ForeignKey("feature_of_interest.id", ondelete="SET NULL"))
    op.add_column("location", made)
    op.create_index("ix_location_foi_id", "location", ["foi_id"])


def _create_relations() -> None:
    op.create_table(
        "thing_location",
        sa.Column("thing_id", sa.BigInteger, sa.ForeignKey("thing.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("location_id", sa.BigInteger, sa.ForeignKey("location.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_thing_location_location_id", "thing_location", ["location_id"])
    op.create_table(
        "historical_location",
        _id(),
        sa.Column("thing_id", sa.BigInteger, sa.ForeignKey("thing.id", ondelete="CASCADE"), nullable=False),
        sa.Column("time", _AT, nullable=False),
    )
    op.create_index("ix_historical_location_thing_id", "historical_location", ["thing_id", "time"])
    op.create_table(
        "historical_location_location",
        sa.Column(
            "historical_location_id",
            sa.BigInteger,
            sa.ForeignKey("historical_location.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("location_id", sa.BigInteger, sa.ForeignKey("location.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index(
        "ix_historical_location_location_location_id", "historical_location_location", ["location_id"]
    )


def _widen_datastreams() -> None:
    for column in (
        sa.Column("thing_id", sa.BigInteger, sa.ForeignKey("thing.id", ondelete="CASCADE")),
        sa.Column("sensor_id", sa.BigInteger, sa.ForeignKey("sensor.id", ondelete="CASCADE")),
        sa.Column("observed_property_id", sa.BigInteger, sa.ForeignKey("observed_property.id", ondelete="CASCADE")),
        sa.Column("foi_id", sa.BigInteger, sa.ForeignKey("feature_of_interest.id", ondelete="SET NULL")),
        sa.Column("name", sa.String),
        sa.Column("description", sa.String),
        sa.Column("unit_name", sa.String),
        sa.Column("unit_symbol", sa.String),
        sa.Column("unit_definition", sa.String),
        sa.Column("observation_type", sa.String),
        sa.Column("properties", JSONB),
        sa.Column("observed_area", Geometry("GEOMETRY", srid=4326, spatial_index=False)),
        sa.Column("trust", sa.String),
    ):
        op.add_column("datastream", column)
    for name in ("thing_id", "sensor_id", "observed_property_id", "foi_id"):
        op.create_index(f"ix_datastream_{name}", "datastream", [name])
    op.create_index("ix_datastream_observed_area", "datastream", ["observed_area"], postgresql_using="gist")
    for name in GENERIC:
        op.alter_column("datastream", name, nullable=True)


def _describe_stations() -> None:
    """Stations that were there before become Things; the next import of their layer words them in full."""
    op.execute("INSERT INTO thing (name, description, properties, trust, station_id) "
               "SELECT name_th, name_en, jsonb_build_object('code', code, 'kind', kind), trust, id FROM station")
    op.execute("INSERT INTO sensor (name, description, trust, encoding_type, metadata, code) "
               "SELECT kind, kind, min(trust), 'text/plain', to_jsonb(kind), kind FROM station GROUP BY kind")
    op.execute("INSERT INTO observed_property (name, description, trust, definition, code) "
               "SELECT observed_property, observed_property, 'real', observed_property, observed_property "
               "FROM datastream GROUP BY observed_property")
    for table, content in (("location", "location"), ("feature_of_interest", "feature")):
        op.execute(f"INSERT INTO {table} (name, description, trust, encoding_type, {content}, geom, station_id) "
                   "SELECT name_th, name_en, trust, 'application/geo+json', ST_AsGeoJSON(geom)::jsonb, geom, id "
                   "FROM station")
    op.execute("UPDATE location SET foi_id = f.id FROM feature_of_interest f WHERE f.station_id = location.station_id")
    op.execute("INSERT INTO thing_location SELECT t.id, l.id FROM thing t JOIN location l USING (station_id)")
    op.execute("INSERT INTO historical_location (thing_id, time) SELECT id, now() FROM thing")
    op.execute("INSERT INTO historical_location_location SELECT h.id, tl.location_id "
               "FROM historical_location h JOIN thing_location tl USING (thing_id)")
    op.execute(
        "UPDATE datastream d SET thing_id = t.id, sensor_id = se.id, observed_property_id = p.id, foi_id = f.id, "
        "name = s.name_th, description = s.name_en, unit_name = d.unit, unit_symbol = d.unit, "
        "unit_definition = 'ucum:' || d.unit, trust = s.trust, observed_area = s.geom, "
        "observation_type = 'http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement' "
        "FROM station s JOIN thing t ON t.station_id = s.id JOIN sensor se ON se.code = s.kind "
        "JOIN feature_of_interest f ON f.station_id = s.id, observed_property p "
        "WHERE d.station_id = s.id AND p.code = d.observed_property"
    )
    for name in ("thing_id", "sensor_id", "observed_property_id", "name", "description", "observation_type", "trust"):
        op.alter_column("datastream", name, nullable=False)


def _widen_readings() -> None:
    op.execute("CREATE SEQUENCE reading_id_seq AS bigint")
    op.execute(
        "ALTER TABLE reading ADD COLUMN id bigint NOT NULL DEFAULT nextval('reading_id_seq'), "
        "ADD COLUMN copy smallint NOT NULL DEFAULT 0, ADD COLUMN ended_at timestamptz, ADD COLUMN result jsonb, "
        "ADD COLUMN result_time timestamptz, ADD COLUMN result_quality jsonb, ADD COLUMN valid_from timestamptz, "
        "ADD COLUMN valid_to timestamptz, ADD COLUMN parameters jsonb, ADD COLUMN foi_id bigint"
    )
    op.execute("ALTER SEQUENCE reading_id_seq OWNED BY reading.id")
    # Two observations of one time may be posted by a generic client; what a device says of a time stays one, copy 0.
    op.execute("ALTER TABLE reading DROP CONSTRAINT pk_reading")
    op.execute("ALTER TABLE reading ADD CONSTRAINT pk_reading PRIMARY KEY (datastream_id, observed_at, copy)")
    op.create_index("ix_reading_id", "reading", ["id"])
    op.execute("CREATE INDEX ix_reading_foi_id ON reading (foi_id, id) WHERE foi_id IS NOT NULL")
    op.execute("CREATE TABLE reading_default PARTITION OF reading DEFAULT")


def _widen_latest() -> None:
    for name in LATEST_COLUMNS:
        op.add_column("latest_reading", sa.Column(name, _AT))
    op.execute("UPDATE latest_reading l SET first_observed_at = coalesce((SELECT min(observed_at) FROM reading r "
               "WHERE r.datastream_id = l.datastream_id), l.observed_at)")
    op.alter_column("latest_reading", "first_observed_at", nullable=False)


def downgrade() -> None:
    """Stations and their readings are as before; what generic clients stored is gone."""
    op.execute("DELETE FROM reading WHERE copy > 0 OR "
               "datastream_id IN (SELECT id FROM datastream WHERE station_id IS NULL)")
    op.execute("DELETE FROM datastream WHERE station_id IS NULL")
    _days_of_the_default()
    op.execute("DROP INDEX ix_reading_id, ix_reading_foi_id")
    op.execute("ALTER TABLE reading DROP CONSTRAINT pk_reading")
    for name in READING_COLUMNS:
        op.drop_column("reading", name)
    op.execute("ALTER TABLE reading ADD CONSTRAINT pk_reading PRIMARY KEY (datastream_id, observed_at)")
    for name in LATEST_COLUMNS:
        op.drop_column("latest_reading", name)
    for name in GENERIC:
        op.alter_column("datastream", name, nullable=False)
    for name in ("thing_id", "sensor_id", "observed_property_id", "foi_id", "name", "description", "unit_name",
                 "unit_symbol", "unit_definition", "observation_type", "properties", "observed_area", "trust"):
        op.drop_column("datastream", name)
    for table in ("historical_location_location", "historical_location", "thing_location", "location",
                  "feature_of_interest", "observed_property", "sensor", "thing"):
        op.drop_table(table)


def _days_of_the_default() -> None:
    """Readings of days without a partition get theirs, and the table that took them is gone."""
    op.execute("ALTER TABLE reading DETACH PARTITION reading_default")
    op.execute(
        "DO $$ DECLARE day date; BEGIN "
        "FOR day IN SELECT DISTINCT (observed_at AT TIME ZONE 'UTC')::date FROM reading_default LOOP "
        "EXECUTE format('CREATE TABLE %I PARTITION OF reading FOR VALUES FROM (%L) TO (%L)', "
        "'reading_' || to_char(day, 'YYYYMMDD'), day::text || ' 00:00+00', (day + 1)::text || ' 00:00+00'); "
        "END LOOP; END $$"
    )
    op.execute("INSERT INTO reading SELECT * FROM reading_default")
    op.execute("DROP TABLE reading_default")
