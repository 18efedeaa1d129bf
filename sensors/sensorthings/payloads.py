"""Bodies that clients send, judged against the standard: what is in them, or why they cannot be used. Pure.

No input raises anything but BodyError (or QueryError, from a time).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import shapely
from shapely.geometry import shape as shape_of_geojson

from sensors.payloads import UNSTORABLE
from sensors.sensorthings import times
from sensors.sensorthings.errors import BodyError, NotAnObjectError, NotJsonError, OutOfRangeError, UnknownPropertyError
from sensors.sensorthings.model import ENTITIES, LARGEST_ID, Entity, Relation

DEEPEST_JSON = 60
DEEPEST_INSERT = 12
MOST_POINTS = 50_000
GEOJSON_TYPES = frozenset({"application/geo+json", "application/vnd.geo+json"})
Json = Any


@dataclass(frozen=True)
class Draft:
    """An entity as a body describes it: values by column, and by relation the ids or drafts of others."""

    entity: Entity
    columns: dict[str, Any] = field(default_factory=dict)
    links: dict[str, tuple[int | Draft, ...]] = field(default_factory=dict)


def content_of(body: bytes) -> Json:
    """The JSON of the body: UTF-8, finite numbers, no text that a database cannot keep. Raises BodyError."""
    try:
        content = json.loads(body, parse_constant=_refuse_constant, object_pairs_hook=_said_once)
    except (ValueError, RecursionError):
        raise NotJsonError("The body is not JSON in UTF-8.") from None
    _check_storable(content)
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _said_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise BodyError("An object of the body says a name twice.")
    return content


def _check_storable(content: Json) -> None:
    waiting = [(content, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST_JSON:
            raise BodyError(f"The body is nested over {DEEPEST_JSON} levels deep.")
        if isinstance(value, str) and UNSTORABLE.search(value):
            raise BodyError("The body holds a character that no text has.")
        if isinstance(value, int | float) and not isinstance(value, bool) and not _is_finite(value):
            raise OutOfRangeError("The body holds a number that is too large.")
        if isinstance(value, dict):
            waiting += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in value]


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def draft_of(entity: Entity, content: Json, *, given: frozenset[str] = frozenset(), depth: int = 0) -> Draft:
    """A new entity as the body describes it, whole; `given` are relations that the address says already.

    Raises BodyError where a required property or relation is missing, or anything does not fit.
    """
    if depth > DEEPEST_INSERT:
        raise BodyError(f"Entities are nested over {DEEPEST_INSERT} levels deep.")
    fields = _fields(content, entity)
    for name in sorted(entity.required):
        if name not in fields or (fields[name] is None and name != "result"):
            raise BodyError(f"A {entity.name} needs the property '{name}'.")
    links = _links(entity, fields, depth=depth)
    for relation in entity.relations.values():
        if relation.is_required and relation.name not in links and relation.name not in given:
            raise BodyError(f"A {entity.name} needs its {relation.name}.")
    return Draft(entity, _columns(entity, fields), links)


def changes_of(entity: Entity, content: Json) -> Draft:
    """What a PATCH changes: only what the body says; relations by the ids of others. Raises BodyError."""
    fields = _fields(content, entity)
    for name in sorted(entity.required & fields.keys()):
        if fields[name] is None and name != "result":
            raise BodyError(f"A {entity.name} needs the property '{name}'.")
    links = _links(entity, fields, depth=0)
    if any(isinstance(one, Draft) for linked in links.values() for one in linked):
        raise BodyError("A change names related entities by their @iot.id; new ones are posted by themselves.")
    return Draft(entity, _columns(entity, fields), links)


def replacement_of(entity: Entity, content: Json) -> Draft:
    """What a PUT leaves: the body's properties, and nothing where it says none. Raises BodyError."""
    whole = dict.fromkeys(entity.properties) | (content if isinstance(content, dict) else {})
    draft = draft_of(entity, whole if isinstance(content, dict) else content, given=frozenset(entity.relations))
    if any(isinstance(one, Draft) for linked in draft.links.values() for one in linked):
        raise BodyError("A change names related entities by their @iot.id; new ones are posted by themselves.")
    return draft


def _fields(content: Json, entity: Entity) -> dict[str, Json]:
    if not isinstance(content, dict):
        raise NotAnObjectError(f"A {entity.name} is a JSON object.")
    fields = {}
    for name, value in content.items():
        if "@" in name or name in entity.kept or name in {"id", "selfLink"}:
            continue  # What the service says itself comes back with what a client read.
        if name not in entity.properties and name not in entity.relations:
            raise UnknownPropertyError(f"A {entity.name} has no property '{name[:60]}'.")
        fields[name] = value
    return fields


def _links(entity: Entity, fields: dict[str, Json], *, depth: int) -> dict[str, tuple[int | Draft, ...]]:
    links = {}
    for name, relation in entity.relations.items():
        if name not in fields or fields[name] is None:
            continue
        said = fields[name]
        if relation.is_many != isinstance(said, list):
            raise BodyError(f"{name} is {'a list' if relation.is_many else 'one entity'}.")
        others = said if relation.is_many else [said]
        links[name] = tuple(_link(entity, relation, other, depth=depth) for other in others)
    return links


def _link(entity: Entity, relation: Relation, content: Json, *, depth: int) -> int | Draft:
    if isinstance(content, dict) and ("@iot.id" in content):
        return id_of(content["@iot.id"], relation.target)
    target = ENTITIES[relation.target]
    back = frozenset(name for name, other in target.relations.items() if other.target == entity.name)
    return draft_of(target, content, given=back, depth=depth + 1)


def id_of(said: Json, name: str) -> int:
    """The id that a body names. Raises BodyError."""
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= LARGEST_ID:
        raise BodyError(f"The @iot.id of a {name} is a whole number.")
    return said


def _text(name: str, said: Json) -> str:
    if not isinstance(said, str):
        raise BodyError(f"The property '{name}' is a text.")
    return said


def _object(name: str, said: Json) -> dict[str, Json] | None:
    if said is not None and not isinstance(said, dict):
        raise BodyError(f"The property '{name}' is an object.")
    return said


def _columns(entity: Entity, fields: dict[str, Json]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, said in fields.items():
        if name in entity.properties and not (name == "encodingType" and said is None):
            columns |= _READERS[name](name, said) if name in _READERS else {name: _text(name, said)}
    content = "location" if entity.name == "Location" else "feature"
    if entity.name in {"Location", "FeatureOfInterest"} and content in columns:
        columns["geom"] = geometry_of(columns[content], encoding=columns.get("encoding_type"))
    return columns


def geometry_of(content: Json, *, encoding: str | None) -> str | None:
    """The geometry of GeoJSON, a Feature's too, as EWKT; None for other encodings. Raises BodyError where it is none.

    Without an encoding (a change that says none) it is GeoJSON where it can be.
    """
    if encoding is not None and encoding.partition(";")[0].strip().lower() not in GEOJSON_TYPES:
        return None
    is_feature = isinstance(content, dict) and content.get("type") == "Feature"
    geometry: Any = content.get("geometry") if is_feature else content
    try:
        shape = shape_of_geojson(geometry)
        is_usable = not shape.is_empty and shapely.count_coordinates(shape) <= MOST_POINTS
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, shapely.errors.ShapelyError):
        is_usable = False
    if is_usable:
        return f"SRID=4326;{shapely.force_2d(shape).wkt}"
    if encoding is None:
        return None
    raise BodyError("What application/geo+json holds is a GeoJSON geometry or Feature with its coordinates.")


def _result(name: str, said: Json) -> dict[str, Any]:
    if isinstance(said, int | float) and not isinstance(said, bool) and float(said) == said:
        return {"value": float(said), "result": None}
    return {"value": None, "result": said}


def _instant(column: str) -> Callable[[str, Json], dict[str, Any]]:
    return lambda name, said: {column: None if said is None else times.instant(_text(name, said))}


def _period(start: str, end: str) -> Callable[[str, Json], dict[str, Any]]:
    def read(name: str, said: Json) -> dict[str, Any]:
        if said is None:
            return {start: None, end: None}
        first, last = times.period(_text(name, said))
        return {start: first, end: last if "/" in said else None}

    return read


def _area(name: str, said: Json) -> dict[str, Any]:
    return {"observed_area": None if said is None else geometry_of(said, encoding="application/geo+json")}


def _unit(name: str, said: Json) -> dict[str, Any]:
    unit = _object(name, said) or {}
    parts = {part: unit.get(part) for part in ("name", "symbol", "definition")}
    if any(part is not None and not isinstance(part, str) for part in parts.values()):
        raise BodyError("The name, symbol and definition of a unit are texts.")
    return {f"unit_{part}": value for part, value in parts.items()}


_READERS: dict[str, Callable[[str, Json], dict[str, Any]]] = {
    "encodingType": lambda name, said: {"encoding_type": _text(name, said)},
    "observationType": lambda name, said: {"observation_type": _text(name, said)},
    "properties": lambda name, said: {name: _object(name, said)},
    "parameters": lambda name, said: {name: _object(name, said)},
    "metadata": lambda name, said: {name: said},
    "location": lambda name, said: {name: said},
    "feature": lambda name, said: {name: said},
    "observedArea": _area,
    "unitOfMeasurement": _unit,
    "time": lambda name, said: {name: times.instant(_text(name, said))},
    "result": _result,
    "resultTime": _instant("result_time"),
    "resultQuality": lambda name, said: {"result_quality": said},
    "phenomenonTime": _period("observed_at", "ended_at"),
    "validTime": _period("valid_from", "valid_to"),
}
