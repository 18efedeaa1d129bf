"""Where each property and relation of an entity stands in the tables of sensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

from core.db import Base
from sensors import models
from sensors.sensorthings.model import ENTITIES, Entity, Kind


def table_of(model: type[Base]) -> sa.Table:
    """The model's table, under the type that it has."""
    return cast(sa.Table, model.__table__)


TABLES: dict[str, sa.Table] = {
    "Thing": table_of(models.Thing),
    "Location": table_of(models.Location),
    "HistoricalLocation": table_of(models.HistoricalLocation),
    "Datastream": table_of(models.Datastream),
    "Sensor": table_of(models.Sensor),
    "ObservedProperty": table_of(models.ObservedProperty),
    "Observation": table_of(models.Reading),
    "FeatureOfInterest": table_of(models.FeatureOfInterest),
}
_LATEST = table_of(models.LatestReading)
_STREAM = TABLES["Datastream"]
_AT_PLACE = table_of(models.ThingLocation)
_WAS_AT_PLACE = table_of(models.HistoricalLocationLocation)
Sql = sa.ColumnElement[Any]


@dataclass(frozen=True)
class Typed:
    """An expression with its kind. A period has its `end` beside its start; it may be NULL for an instant."""

    kind: Kind
    sql: Sql
    end: Sql | None = None
    # What a Kind.ANY is where it is no number, and what a Kind.SHAPE looked like as JSON.
    json: Sql | None = None
    is_nullable: bool = True


class Source:
    """One entity's table under an alias of its own."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.table = TABLES[entity.name].alias()

    def __getitem__(self, column: str) -> Sql:
        return self.table.c[column]

    @property
    def id(self) -> Sql:
        """The id of the entity."""
        return self.table.c["id"]

    def property(self, name: str) -> Typed:
        """The property of this name, which the entity must have."""
        special = _SPECIAL.get((self.entity.name, name))
        if special is not None:
            return special(self)
        column = self.table.c[_COLUMNS.get(name, name)]
        return Typed(self.entity.properties[name], column, is_nullable=bool(column.nullable))

    def foreign_key(self, relation: str) -> Sql:
        """The id of the one entity that this relation leads to."""
        if relation == "FeatureOfInterest":
            stream = _STREAM.alias()
            default = sa.select(stream.c.foi_id).where(stream.c.id == self["datastream_id"]).correlate_except(stream)
            return sa.func.coalesce(self["foi_id"], default.scalar_subquery())
        return self[_FOREIGN[relation]]

    def is_shown(self) -> Sql | None:
        """A condition without which the table holds more than the entity: readings outlive a station's datastream."""
        if self.entity.name != "Observation":
            return None
        stream = _STREAM.alias()
        return sa.exists().where(stream.c.id == self["datastream_id"]).correlate_except(stream)


_COLUMNS = {"encodingType": "encoding_type", "observationType": "observation_type", "resultTime": "result_time"}
_FOREIGN = {
    "Thing": "thing_id", "Sensor": "sensor_id", "ObservedProperty": "observed_property_id",
    "Datastream": "datastream_id",
}


_PROPERTIES = {column: name for name, column in _COLUMNS.items()} | {
    "value": "result", "observed_at": "phenomenonTime", "ended_at": "phenomenonTime", "valid_from": "validTime",
    "valid_to": "validTime", "result_quality": "resultQuality", "observed_area": "observedArea",
    "unit_name": "unitOfMeasurement", "unit_symbol": "unitOfMeasurement", "unit_definition": "unitOfMeasurement",
}


def properties_of(entity: Entity, columns: Iterable[str]) -> set[str]:
    """The properties that these columns hold."""
    return {_PROPERTIES.get(column, column) for column in columns} & entity.properties.keys()


def _shape(content: str) -> Callable[[Source], Typed]:
    return lambda source: Typed(Kind.SHAPE, source["geom"], json=source[content])


def _observed_area(source: Source) -> Typed:
    area = source["observed_area"]
    return Typed(Kind.SHAPE, area, json=sa.cast(sa.func.ST_AsGeoJSON(area, type_=sa.Text), JSONB))


def _unit(source: Source) -> Typed:
    built = sa.func.jsonb_build_object(
        "name", source["unit_name"], "symbol", source["unit_symbol"], "definition", source["unit_definition"],
        type_=JSONB,
    )
    return Typed(Kind.JSON, built)


def _latest(source: Source, expression: Sql) -> Sql:
    query = sa.select(expression).where(_LATEST.c.datastream_id == source.id)
    return query.correlate_except(_LATEST).scalar_subquery()


def _stream_phenomenon_time(source: Source) -> Typed:
    ends = sa.func.greatest(_LATEST.c.observed_at, _LATEST.c.last_ended_at)
    return Typed(Kind.PERIOD, _latest(source, _LATEST.c.first_observed_at), end=_latest(source, ends))


def _stream_result_time(source: Source) -> Typed:
    return Typed(
        Kind.PERIOD, _latest(source, _LATEST.c.first_result_time), end=_latest(source, _LATEST.c.last_result_time)
    )


def _quality(source: Source) -> Typed:
    ours = sa.func.jsonb_strip_nulls(
        sa.func.jsonb_build_object(
            "qartod", source["qc_flag"], "reason", source["qc_reason"], "confidence", source["confidence"], type_=JSONB
        ),
        type_=JSONB,
    )
    flagged = sa.case((source["qc_flag"] != 2, ours), else_=None)
    return Typed(Kind.JSON, sa.func.coalesce(source["result_quality"], flagged, type_=JSONB))


_SPECIAL: dict[tuple[str, str], Callable[[Source], Typed]] = {
    ("Location", "location"): _shape("location"),
    ("FeatureOfInterest", "feature"): _shape("feature"),
    ("Sensor", "metadata"): lambda source: Typed(Kind.JSON, source["metadata"]),
    ("Datastream", "observedArea"): _observed_area,
    ("Datastream", "unitOfMeasurement"): _unit,
    ("Datastream", "phenomenonTime"): _stream_phenomenon_time,
    ("Datastream", "resultTime"): _stream_result_time,
    ("Observation", "phenomenonTime"): lambda source: Typed(
        Kind.PERIOD, source["observed_at"], end=source["ended_at"], is_nullable=False
    ),
    ("Observation", "validTime"): lambda source: Typed(Kind.PERIOD, source["valid_from"], end=source["valid_to"]),
    ("Observation", "result"): lambda source: Typed(Kind.ANY, source["value"], json=source["result"]),
    ("Observation", "resultQuality"): _quality,
}


def is_child(parent: Entity, parent_id: Sql, relation: str, child: Source) -> Sql:
    """The child is one of those that the relation leads to from the parent of this id (a value or a column)."""
    back = (parent.name, relation)
    if not parent.relations[relation].is_many:
        raise KeyError(relation)
    if back in _THROUGH:
        table, mine, theirs = _THROUGH[back]
        link = table.alias()
        return child.id.in_(sa.select(link.c[theirs]).where(link.c[mine] == parent_id).correlate_except(link))
    if back == ("FeatureOfInterest", "Observations"):
        stream = _STREAM.alias()
        streams = sa.select(stream.c.id).where(stream.c.foi_id == parent_id).correlate_except(stream)
        by_default = sa.and_(child["foi_id"].is_(None), child["datastream_id"].in_(streams))
        return sa.or_(child["foi_id"] == parent_id, by_default)
    return child[_FOREIGN[parent.name]] == parent_id


_THROUGH = {
    ("Thing", "Locations"): (_AT_PLACE, "thing_id", "location_id"),
    ("Location", "Things"): (_AT_PLACE, "location_id", "thing_id"),
    ("HistoricalLocation", "Locations"): (_WAS_AT_PLACE, "historical_location_id", "location_id"),
    ("Location", "HistoricalLocations"): (_WAS_AT_PLACE, "location_id", "historical_location_id"),
}


def target(entity: Entity, relation: str) -> Entity:
    """The entity that the relation leads to."""
    return ENTITIES[entity.relations[relation].target]


def is_linked(parent: Source, relation: str, child: Source) -> Sql:
    """The condition of a join along the relation, to one or to many."""
    if parent.entity.relations[relation].is_many:
        return is_child(parent.entity, parent.id, relation, child)
    return child.id == parent.foreign_key(relation)


GEOMETRY = Geometry("GEOMETRY", srid=4326)
