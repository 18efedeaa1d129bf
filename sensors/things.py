"""A station as SensorThings shows it: its Thing, where it is, and with what it measures which property."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.words import words
from sensors.models import (
    Datastream,
    FeatureOfInterest,
    HistoricalLocation,
    HistoricalLocationLocation,
    Location,
    ObservedProperty,
    Sensor,
    Station,
    Thing,
    ThingLocation,
)

MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
GEOJSON = "application/geo+json"
# Names of the CF conventions, and units of UCUM.
DEFINITIONS = {
    "water_level": "http://vocab.nerc.ac.uk/standard_name/water_surface_height_above_reference_datum/",
    "rainfall": "http://vocab.nerc.ac.uk/standard_name/thickness_of_rainfall_amount/",
}
OURS = "real"  # What instruments and properties are is written here, whatever a pack says of its stations.


@dataclass(frozen=True)
class Face:
    """The entities that belong to one station."""

    thing_id: int
    foi_id: int


def show_station(session: Session, station: Station, *, lon: float, lat: float) -> Face:
    """The station has its Thing, its Location (with when it came there) and its FeatureOfInterest, as described now."""
    place = {"type": "Point", "coordinates": [lon, lat]}
    thing = session.scalar(sa.select(Thing).where(Thing.station_id == station.id)) or Thing(station_id=station.id)
    _describe(thing, station)
    thing.properties = {
        "code": station.code,
        "kind": station.kind,
        "name_en": station.name_en,
        "bank_m_msl": station.bank_m_msl,
        "bed_m_msl": station.bed_m_msl,
    }
    found = session.scalar(sa.select(FeatureOfInterest).where(FeatureOfInterest.station_id == station.id))
    feature = found or FeatureOfInterest(station_id=station.id, encoding_type=GEOJSON)
    _describe(feature, station)
    feature.feature, feature.geom = place, station.geom
    session.add_all([thing, feature])
    session.flush()
    _place(session, station, thing_id=thing.id, foi_id=feature.id, place=place)
    return Face(thing_id=thing.id, foi_id=feature.id)


def _describe(entity: Thing | FeatureOfInterest | Location, station: Station) -> None:
    entity.name, entity.trust = station.name_th, station.trust
    entity.description = words("sensors", f"station-{station.kind}", code=station.code)


def _place(session: Session, station: Station, *, thing_id: int, foi_id: int, place: dict[str, Any]) -> None:
    location = session.scalar(sa.select(Location).where(Location.station_id == station.id))
    has_moved = location is None or location.location != place
    location = location or Location(station_id=station.id, encoding_type=GEOJSON)
    _describe(location, station)
    location.location, location.geom, location.foi_id = place, station.geom, foi_id
    session.add(location)
    session.flush()
    if session.get(ThingLocation, (thing_id, location.id)) is None:
        session.add(ThingLocation(thing_id=thing_id, location_id=location.id))
    if has_moved:
        came = HistoricalLocation(thing_id=thing_id, time=clock.now())
        session.add(came)
        session.flush()
        session.add(HistoricalLocationLocation(historical_location_id=came.id, location_id=location.id))
    session.flush()


def show_datastream(session: Session, datastream: Datastream, station: Station, face: Face) -> None:
    """The datastream of this station says in full what it measures, with what, in which unit, and about what.

    `observed_property` and `unit` of the datastream must be set; it is not flushed here.
    """
    measured, unit = datastream.observed_property, datastream.unit
    if measured not in DEFINITIONS or unit is None:
        raise ValueError(f"no definition of what {datastream.code} measures: {measured} in {unit}")
    key = measured.replace("_", "-")
    datastream.thing_id, datastream.foi_id = face.thing_id, face.foi_id
    datastream.sensor_id = _sensor_id(session, station.kind)
    datastream.observed_property_id = _property_id(session, measured)
    datastream.name = words("sensors", f"stream-{key}", name=station.name_th)
    datastream.description = words("sensors", f"stream-{key}", language="en", name=station.name_en)
    datastream.unit_name = words("sensors", f"unit-{unit}", language="en")
    datastream.unit_symbol, datastream.unit_definition = unit, f"ucum:{unit}"
    datastream.observation_type = MEASUREMENT
    datastream.observed_area, datastream.trust = station.geom, station.trust
    datastream.properties = {
        "code": datastream.code,
        "datum": datastream.datum,
        "interval_s": datastream.interval_s,
        "watch_m_msl": datastream.watch_m_msl,
        "warning_m_msl": datastream.warning_m_msl,
        "danger_m_msl": datastream.danger_m_msl,
    }


def _sensor_id(session: Session, kind: str) -> int:
    sensor = session.scalar(sa.select(Sensor).where(Sensor.code == kind)) or Sensor(code=kind, trust=OURS)
    sensor.name = words("sensors", f"sensor-{kind}")
    sensor.description = words("sensors", f"sensor-{kind}", language="en")
    sensor.encoding_type, sensor.metadata_ = "text/plain", sensor.description
    session.add(sensor)
    session.flush()
    return sensor.id


def _property_id(session: Session, measured: str) -> int:
    found = session.scalar(sa.select(ObservedProperty).where(ObservedProperty.code == measured))
    observed = found or ObservedProperty(code=measured, trust=OURS)
    key = measured.replace("_", "-")
    observed.name = words("sensors", f"property-{key}")
    observed.description = words("sensors", f"property-{key}-what", language="en")
    observed.definition = DEFINITIONS[measured]
    session.add(observed)
    session.flush()
    return observed.id
