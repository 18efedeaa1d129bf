"""The tables under SensorThings: stations are Things, no day is without a table, and the way back keeps data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.points import LonLat
from migrations import upgrade
from sensors.actions import IncomingReading, NewStation, register_station, store_readings
from sensors.models import Datastream, HistoricalLocation, Location, Thing
from sensors.partitions import ensure_partitions

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # Where the test clock stands.


def _station(**changes: object) -> NewStation:
    facts: dict[str, object] = {
        "code": "G1", "name_th": "สะพาน", "name_en": "Bridge", "kind": "gauge", "place": LonLat(lon=100.0, lat=8.0),
        "bank_m_msl": 5.0, "bed_m_msl": 0.0, "watch_m_msl": 3.0, "warning_m_msl": 4.0, "danger_m_msl": 5.0,
        "interval_s": 300, "device_key": "k" * 32, "trust": "verified", "layer": "gauges",
    }
    return NewStation(**(facts | changes))  # type: ignore[arg-type]  # the facts are those of NewStation


def test_a_registered_station_is_a_thing_with_all_that_the_standard_asks(session: Session) -> None:
    """A station has one Thing, Location and Datastream however often its layer is read; moving it is remembered."""
    for place in (LonLat(lon=100.0, lat=8.0), LonLat(lon=100.0, lat=8.0), LonLat(lon=100.1, lat=8.0)):
        station_id = register_station(session, _station(place=place))
    thing = session.scalars(sa.select(Thing)).one()
    stream = session.scalars(sa.select(Datastream)).one()
    assert (thing.station_id, thing.name, stream.thing_id) == (station_id, "สะพาน", thing.id)
    assert (stream.unit_symbol, stream.unit_definition) == ("m", "ucum:m")
    assert session.scalars(sa.select(Location)).one().location == {"type": "Point", "coordinates": [100.1, 8.0]}
    assert len(session.scalars(sa.select(HistoricalLocation)).all()) == 2


def test_rows_of_a_day_leave_the_default_before_its_partition_comes(session: Session) -> None:
    """A day's readings that came before its partition stand in it afterwards, each once."""
    register_station(session, _station())
    stream_id = session.scalars(sa.select(Datastream.id)).one()
    days = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 2)]
    for at in days:
        session.execute(
            sa.text("INSERT INTO reading (datastream_id, observed_at, qc_flag, source, received_at, received_wall_at) "
                    "VALUES (:d, :t, 2, 'test', :t, :t)"),
            {"d": stream_id, "t": at},
        )
    assert ensure_partitions(session, [days[0].date()]) == [days[0].date()]
    rows = session.execute(sa.text("SELECT observed_at, tableoid::regclass::text FROM reading"))
    assert {row[0]: row[1] for row in rows} == {days[0]: "reading_20260301", days[1]: "reading_default"}


def test_going_back_and_forth_keeps_stations_and_their_readings(database: sa.Engine) -> None:
    """The migration makes Things of the stations that were there, and its way back loses no device's reading."""
    with Session(database) as session, session.begin():
        register_station(session, _station())
        at = NOW - timedelta(hours=1)
        ensure_partitions(session, [at.date()])
        session.execute(
            sa.text("INSERT INTO reading (datastream_id, observed_at, value, qc_flag, source, received_at, "
                    "received_wall_at) SELECT id, t, 1.5, 1, 'test', t, t FROM datastream, "
                    "unnest(CAST(:t AS timestamptz[])) AS t"),
            {"t": [at, datetime(1999, 1, 1, tzinfo=UTC)]},
        )
    upgrade.downgrade(database, "0021_addresses")
    upgrade.upgrade(database)
    with Session(database) as session:
        assert session.scalar(sa.text("SELECT count(*) FROM reading WHERE value = 1.5")) == 2
        thing = session.scalars(sa.select(Thing)).one()
        assert session.scalars(sa.select(Datastream)).one().thing_id == thing.id


def test_an_older_reading_that_comes_late_is_the_first(session: Session) -> None:
    """How far back a datastream reaches is known without a search, also when readings come out of order."""
    register_station(session, _station())
    for minutes in (10, 30, 20):
        at = NOW - timedelta(minutes=minutes)
        store_readings(session, [IncomingReading("G1", at, 1.0, "m")], source="test")
    row = session.execute(sa.text("SELECT first_observed_at, observed_at FROM latest_reading")).one()
    assert tuple(row) == (NOW - timedelta(minutes=30), NOW - timedelta(minutes=10))
