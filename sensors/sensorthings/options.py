"""The query options of SensorThings, at the top and inside $expand, and the path of the address. Pure.

No input raises anything but QueryError (or NoSuchResourceError for the path).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from sensors.payloads import UNSTORABLE
from sensors.sensorthings.errors import NoSuchResourceError, NotBuiltError, QueryError
from sensors.sensorthings.expressions import Expression, OrderKey, filter_of, order_of
from sensors.sensorthings.model import COLLECTIONS, ID_NAMES, LARGEST_ID, LINK_NAMES, Entity, Kind

PAGE = 1_000
LARGEST_PAGE = 10_000
LONGEST_CHARS = 16_000
DEEPEST_EXPAND = 6
MOST_EXPANDS = 30
_NAMES = frozenset(
    {"$filter", "$expand", "$select", "$orderby", "$top", "$skip", "$count", "$skiptoken", "$resultFormat"}
)
# System query options of OData that are not built: 501 (18-088, request-data/query-status-code).
_OF_ODATA = frozenset({"$search", "$format", "$apply", "$compute", "$deltatoken", "$index", "$schemaversion"})


@dataclass(frozen=True)
class Expand:
    """One relation to be shown in full, by its own options."""

    relation: str
    options: Options


@dataclass(frozen=True)
class Options:
    """What was asked of one collection or entity; `raw` keeps the words of each option for links to further pages."""

    filter: Expression | None = None
    order: tuple[OrderKey, ...] = ()
    select: tuple[str, ...] | None = None
    expand: tuple[Expand, ...] = ()
    top: int = PAGE
    skip: int = 0
    is_counted: bool = False
    token: str | None = None
    is_data_array: bool = False
    raw: dict[str, str] = field(default_factory=dict)


def options_of_query(query: str, entity: Entity) -> Options:
    """The options of the address behind its question mark. Raises QueryError."""
    if len(query) > LONGEST_CHARS:
        raise QueryError(f"A question of more than {LONGEST_CHARS} characters is not read.")
    pairs = []
    for part in query.split("&"):
        name, sign, value = part.partition("=")
        if sign:
            pairs.append((_decoded(name), _decoded(value)))
        elif part:  # Some clients encode an option whole, with the sign between its name and its value.
            pairs.append(_decoded(part).partition("=")[::2])
    return options_of(pairs, entity, depth=0)


def _decoded(text: str) -> str:
    try:
        plain = unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise QueryError("The question is not UTF-8.") from None
    if UNSTORABLE.search(plain):
        raise QueryError("The question holds a character that no text has.")
    return plain


def options_of(pairs: Iterable[tuple[str, str]], entity: Entity, *, depth: int) -> Options:
    """The options of this entity that the pairs say, each at most once. Raises QueryError."""
    raw: dict[str, str] = {}
    for name, value in pairs:
        known = name if name.startswith("$") else f"${name}"
        if known not in _NAMES and depth == 0 and not name.startswith(("$", "@")):
            continue  # An option of somebody's own (OData 4.0, part 2, clause 5.2), such as one against caches.
        if known in _OF_ODATA:
            raise NotBuiltError(f"The option '{known}' of OData is not built.")
        if known not in _NAMES:
            raise QueryError(f"There is no option '{name[:40]}'.")
        if known in raw:
            raise QueryError(f"The option '{known}' is said twice.")
        raw[known] = value.strip()
    return Options(
        filter=filter_of(raw["$filter"]) if "$filter" in raw else None,
        order=order_of(raw["$orderby"]) if "$orderby" in raw else (),
        select=_select(raw["$select"], entity) if "$select" in raw else None,
        expand=_expand(raw["$expand"], entity, depth=depth) if "$expand" in raw else (),
        top=min(_whole(raw, "$top", PAGE), LARGEST_PAGE),
        skip=_whole(raw, "$skip", 0),
        is_counted=_yes(raw),
        token=raw.get("$skiptoken"),
        is_data_array=_is_data_array(raw, entity),
        raw=raw,
    )


def _whole(raw: dict[str, str], name: str, default: int) -> int:
    if name not in raw:
        return default
    if not re.fullmatch(r"\d{1,15}", raw[name], re.ASCII):
        raise QueryError(f"{name} must be a whole number that is not negative.")
    return int(raw[name])


def _yes(raw: dict[str, str]) -> bool:
    value = raw.get("$count", "false").lower()
    if value not in {"true", "false"}:
        raise QueryError("$count must be true or false.")
    return value == "true"


def _is_data_array(raw: dict[str, str], entity: Entity) -> bool:
    form = raw.get("$resultFormat")
    if form is None:
        return False
    if form.lower() != "dataarray" or entity.name != "Observation":
        raise QueryError("The only $resultFormat is dataArray, for Observations.")
    return True


def _select(text: str, entity: Entity) -> tuple[str, ...]:
    names = []
    for name in (part.strip() for part in text.split(",")):
        if name == "*":
            names += list(entity.properties)
        elif name.split("/")[0] in entity.properties or name in entity.relations or name in ID_NAMES | LINK_NAMES:
            names.append(name.split("/")[0])
        else:
            raise QueryError(f"{entity.collection} have no property '{name[:60]}'.")
    return tuple(dict.fromkeys(names))


def _expand(text: str, entity: Entity, *, depth: int) -> tuple[Expand, ...]:
    if depth >= DEEPEST_EXPAND:
        raise QueryError(f"$expand goes at most {DEEPEST_EXPAND} levels deep.")
    found: dict[str, Expand] = {}
    for item in _split(text, ","):
        one = _expand_item(item.strip(), entity, depth=depth)
        before = found.get(one.relation)
        found[one.relation] = one if before is None else _merged(before, one)
    if len(found) > MOST_EXPANDS or not found:
        raise QueryError("$expand names no relation, or too many.")
    return tuple(found.values())


def _merged(one: Expand, other: Expand) -> Expand:
    """Both ways in one, as `Datastreams/Sensor,Datastreams/Thing` say them; one of them may have options of its own."""
    if one.options.raw.keys() - {"$expand"} and other.options.raw.keys() - {"$expand"}:
        raise QueryError(f"$expand says {one.relation} twice, each with options.")
    said, more = (one, other) if one.options.raw.keys() - {"$expand"} else (other, one)
    ways = {way.relation: way for way in (*one.options.expand, *other.options.expand)}
    for way in one.options.expand:
        for again in other.options.expand:
            if way.relation == again.relation:
                ways[way.relation] = _merged(way, again)
    words = ",".join(w.options.raw["$expand"] for w in (said, more) if "$expand" in w.options.raw)
    raw = said.options.raw | ({"$expand": words} if words else {})
    options = said.options
    return Expand(one.relation, Options(
        filter=options.filter, order=options.order, select=options.select, expand=tuple(ways.values()),
        top=options.top, skip=options.skip, is_counted=options.is_counted, raw=raw,
    ))


def _expand_item(item: str, entity: Entity, *, depth: int) -> Expand:
    name = re.match(r"\w*", item).group()  # type: ignore[union-attr]  # it matches the empty text too.
    rest = item[len(name) :].strip()
    relation = entity.relations.get(name)
    if relation is None:
        raise QueryError(f"{entity.collection} have no relation '{name[:40] or item[:40]}'.")
    target = _target(relation.target)
    if rest.startswith("/"):
        return Expand(name, options_of([("$expand", rest[1:])], target, depth=depth + 1))
    if not rest:
        return Expand(name, options_of([], target, depth=depth + 1))
    if not (rest.startswith("(") and rest.endswith(")")):
        raise QueryError(f"$expand cannot be read at '{rest[:40]}'.")
    pairs = []
    for part in _split(rest[1:-1], ";"):
        key, sign, value = part.partition("=")
        if not sign:
            raise QueryError(f"$expand({part[:40]}) says no option.")
        pairs.append((key.strip(), value))
    nested = options_of(pairs, target, depth=depth + 1)
    if nested.token is not None or nested.is_data_array:
        raise QueryError("$skiptoken and $resultFormat are not said inside $expand.")
    return Expand(name, nested)


def _target(name: str) -> Entity:
    return next(entity for entity in COLLECTIONS.values() if entity.name == name)


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks outside parentheses and quotes. Raises QueryError where these are not closed."""
    parts, depth, is_quoted, start = [], 0, False, 0
    for at, sign in enumerate(text):
        if sign == "'":
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth < 0:
                raise QueryError("A parenthesis is closed that was never opened.")
        elif sign == mark and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    if depth or is_quoted:
        raise QueryError("A parenthesis or a quote is not closed.")
    return [*parts, text[start:]]


@dataclass(frozen=True)
class Step:
    """One step of an address: a name, and the id behind it where it has one."""

    name: str
    id: int | None = None


@dataclass(frozen=True)
class Address:
    """What an address means: steps along entities, then maybe a property with a way into its JSON, or an ending."""

    steps: tuple[Step, ...]
    property: tuple[str, ...] = ()
    ending: str | None = None  # $value or $ref


_STEP = re.compile(r"(\w{1,40})(?:\(([^()]{0,60})\))?", re.ASCII)
MOST_STEPS = 12


def address_of(path: str) -> Address:
    """What the path behind the service's root means. Raises NoSuchResourceError or QueryError."""
    parts = path.strip("/").split("/")
    ending = parts.pop() if parts[-1] in {"$value", "$ref"} else None
    if not parts or len(parts) > MOST_STEPS:
        raise NoSuchResourceError("There is nothing at this address.")
    steps: list[Step] = []
    entity: Entity | None = None
    is_one = False
    for index, part in enumerate(parts):
        if is_one and entity is not None and part in entity.properties:
            return _at_property(tuple(steps), parts[index:], entity, ending=ending)
        entity, step, is_one = _step(part, entity, is_one=is_one)
        steps.append(step)
    if ending == "$value":
        raise NoSuchResourceError("$value follows a property.")
    return Address(tuple(steps), ending=ending)


def _at_property(steps: tuple[Step, ...], names: list[str], entity: Entity, *, ending: str | None) -> Address:
    deep = entity.properties[names[0]] in {Kind.JSON, Kind.SHAPE, Kind.ANY}
    if ending == "$ref" or (len(names) > 1 and not deep) or any(UNSTORABLE.search(name) for name in names):
        raise NoSuchResourceError(f"There is nothing behind the property '{names[0]}'.")
    return Address(steps, property=tuple(names), ending=ending)


def _step(part: str, entity: Entity | None, *, is_one: bool) -> tuple[Entity, Step, bool]:
    found = _STEP.fullmatch(part)
    if found is None:
        raise NoSuchResourceError(f"There is nothing called '{part[:60]}'.")
    name, key = found.groups()
    if entity is None:
        target, many = COLLECTIONS.get(name), True
    elif is_one and name in entity.relations:
        target, many = _target(entity.relations[name].target), entity.relations[name].is_many
    else:
        target, many = None, True
    if target is None:
        raise NoSuchResourceError(f"There is nothing called '{name}' here.")
    if key is None:
        return target, Step(name), not many
    if not many:
        raise NoSuchResourceError(f"'{name}' is one entity and takes no id.")
    if not re.fullmatch(r"\d{1,40}", key.strip(), re.ASCII):
        raise NoSuchResourceError(f"There is no {target.name} {key[:40]}: ids are whole numbers.")
    if int(key) > LARGEST_ID:
        raise NoSuchResourceError(f"There is no {target.name} {key[:40]}.")
    return target, Step(name, int(key)), True
