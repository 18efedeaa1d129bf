"""The entities of SensorThings 1.1, their properties and relations, as the standard draws them (18-088, clause 8.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """What values a property or an expression has."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    TIME = "time"  # An instant.
    PERIOD = "period"  # Two instants; one where both are the same.
    DATE = "date"
    CLOCK = "clock"  # A time of day.
    DURATION = "duration"
    SHAPE = "shape"
    JSON = "json"
    ANY = "any"  # An observation's result: a number, or any JSON.
    NULL = "null"


@dataclass(frozen=True)
class Relation:
    """A way from an entity to another or to many; a new entity must have it where it is required."""

    name: str
    target: str
    is_many: bool
    is_required: bool = False


@dataclass(frozen=True)
class Entity:
    """One kind of entity: its name, that of its collection, its properties and its relations."""

    name: str
    collection: str
    properties: dict[str, Kind]
    required: frozenset[str]
    relations: dict[str, Relation] = field(default_factory=dict)
    # What the service itself keeps; clients may send it, but it is not taken.
    kept: frozenset[str] = frozenset()


def _one(target: str, *, required: bool = True) -> Relation:
    return Relation(target, target, is_many=False, is_required=required)


def _many(target: str, name: str) -> Relation:
    return Relation(name, target, is_many=True)


def _entity(
    name: str, collection: str, properties: dict[str, Kind], required: str, *relations: Relation, kept: str = ""
) -> Entity:
    return Entity(
        name, collection, properties, frozenset(required.split()), {relation.name: relation for relation in relations},
        frozenset(kept.split()),
    )


_DESCRIBED = {"name": Kind.TEXT, "description": Kind.TEXT}
_EXTRA = {"properties": Kind.JSON}

ENTITIES = {
    entity.name: entity
    for entity in (
        _entity(
            "Thing", "Things", _DESCRIBED | _EXTRA, "name description",
            _many("Datastream", "Datastreams"), _many("Location", "Locations"),
            _many("HistoricalLocation", "HistoricalLocations"),
        ),
        _entity(
            "Location", "Locations",
            _DESCRIBED | {"encodingType": Kind.TEXT, "location": Kind.SHAPE} | _EXTRA,
            "name description encodingType location",
            _many("Thing", "Things"), _many("HistoricalLocation", "HistoricalLocations"),
        ),
        _entity(
            "HistoricalLocation", "HistoricalLocations", {"time": Kind.TIME}, "time",
            _one("Thing"), Relation("Locations", "Location", is_many=True, is_required=True),
        ),
        _entity(
            "Datastream", "Datastreams",
            _DESCRIBED
            | {
                "unitOfMeasurement": Kind.JSON, "observationType": Kind.TEXT, "observedArea": Kind.SHAPE,
                "phenomenonTime": Kind.PERIOD, "resultTime": Kind.PERIOD,
            }
            | _EXTRA,
            "name description unitOfMeasurement observationType",
            _one("Thing"), _one("Sensor"), _one("ObservedProperty"), _many("Observation", "Observations"),
            kept="phenomenonTime resultTime",
        ),
        _entity(
            "Sensor", "Sensors",
            _DESCRIBED | {"encodingType": Kind.TEXT, "metadata": Kind.JSON} | _EXTRA,
            "name description encodingType metadata",
            _many("Datastream", "Datastreams"),
        ),
        _entity(
            "ObservedProperty", "ObservedProperties",
            {"name": Kind.TEXT, "definition": Kind.TEXT, "description": Kind.TEXT} | _EXTRA,
            "name definition description",
            _many("Datastream", "Datastreams"),
        ),
        _entity(
            "Observation", "Observations",
            {
                "phenomenonTime": Kind.PERIOD, "result": Kind.ANY, "resultTime": Kind.TIME,
                "resultQuality": Kind.JSON, "validTime": Kind.PERIOD, "parameters": Kind.JSON,
            },
            "result",
            _one("Datastream"), _one("FeatureOfInterest", required=False),
        ),
        _entity(
            "FeatureOfInterest", "FeaturesOfInterest",
            _DESCRIBED | {"encodingType": Kind.TEXT, "feature": Kind.SHAPE} | _EXTRA,
            "name description encodingType feature",
            _many("Observation", "Observations"),
        ),
    )
}
COLLECTIONS = {entity.collection: entity for entity in ENTITIES.values()}

THING, LOCATION, HISTORICAL_LOCATION = ENTITIES["Thing"], ENTITIES["Location"], ENTITIES["HistoricalLocation"]
DATASTREAM, SENSOR, OBSERVED_PROPERTY = ENTITIES["Datastream"], ENTITIES["Sensor"], ENTITIES["ObservedProperty"]
OBSERVATION, FEATURE_OF_INTEREST = ENTITIES["Observation"], ENTITIES["FeatureOfInterest"]

ID_NAMES = frozenset({"id", "@iot.id"})
LINK_NAMES = frozenset({"selfLink", "@iot.selfLink"})
LARGEST_ID = 2**63 - 1
