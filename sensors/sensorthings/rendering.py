"""Entities as the standard writes them in JSON: what was asked, absolute links, times in UTC. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from sensors.sensorthings import times
from sensors.sensorthings.model import ID_NAMES, LINK_NAMES, Entity, Kind
from sensors.sensorthings.options import Options

_PLAIN = "$,;()/'@:*="
# Python looks a member of an Enum up slowly; a page asks for thousands.
_ANY, _TEXT, _TIME, _PERIOD = Kind.ANY, Kind.TEXT, Kind.TIME, Kind.PERIOD
# Present even where nothing is known: the standard asks for the property.
ALWAYS = frozenset({"result", "resultTime", "phenomenonTime"})


@dataclass(frozen=True)
class Form:
    """Which properties, links and control names of an entity are written."""

    entity: Entity
    properties: tuple[str, ...]
    relations: tuple[str, ...]
    has_id: bool
    has_link: bool
    is_selected: bool


def form_of(entity: Entity, options: Options) -> Form:
    """What $select leaves of the entity; everything where it is absent."""
    if options.select is None:
        return Form(entity, tuple(entity.properties), tuple(entity.relations), True, True, False)
    asked = options.select
    return Form(
        entity,
        properties=tuple(name for name in entity.properties if name in asked),
        relations=tuple(name for name in entity.relations if name in asked),
        has_id=bool(ID_NAMES & set(asked)),
        has_link=bool(LINK_NAMES & set(asked)),
        is_selected=True,
    )


def expanded_form_of(entity: Entity, options: Options) -> Form:
    """As `form_of`, for what $expand shows: links of an expanded entity are written only where $select names them."""
    form = form_of(entity, options)
    return form if form.is_selected else replace(form, relations=())


def link(base: str, entity: Entity, id_: int) -> str:
    """The absolute address of an entity."""
    return f"{base}/{entity.collection}({id_})"


def written(row: Mapping[str, Any], form: Form, *, base: str) -> dict[str, Any]:
    """The entity of a row whose columns are `id`, each property by its name and `NAME_end` of its periods."""
    return all_written([row], form, base=base)[0]


def all_written(rows: Sequence[Mapping[str, Any]], form: Form, *, base: str) -> list[dict[str, Any]]:
    """The entities of such rows; they need no `id` where none of the form's parts shows it."""
    entity, is_observation = form.entity, form.entity.name == "Observation"
    properties = [
        (name, _reader(name, entity.properties[name]), form.is_selected or (name in ALWAYS and is_observation))
        for name in form.properties
    ]
    links = [(f"{name}@iot.navigationLink", f"/{name}") for name in form.relations]
    is_addressed = form.has_link or bool(links)
    if form.is_selected and not (form.has_id or is_addressed):  # The leanest question: nothing but some properties.
        return [{name: read(row) for name, read, _ in properties} for row in rows]
    contents = []
    for row in rows:
        here = link(base, entity, row["id"]) if is_addressed else ""
        content: dict[str, Any] = {}
        if form.has_id:
            content["@iot.id"] = row["id"]
        if form.has_link:
            content["@iot.selfLink"] = here
        for name, read, keeps_null in properties:
            said = read(row)
            if said is not None or keeps_null:
                content[name] = said
        for name, ending in links:
            content[name] = here + ending
        contents.append(content)
    return contents


def _reader(name: str, kind: Kind) -> Callable[[Mapping[str, Any]], Any]:
    return itemgetter(name) if kind is _TEXT else lambda row: property_value(row, name, kind)


def property_value(row: Mapping[str, Any], name: str, kind: Kind) -> Any:
    """The property as JSON; None where it is absent."""
    said = row[name]
    if kind is _ANY:
        return row[f"{name}_json"] if said is None else plain_number(said)
    if said is None or kind is _TEXT:
        return said
    if kind is _TIME:
        return times.written(said)
    if kind is _PERIOD:
        end: datetime | None = row[f"{name}_end"]
        return times.written_period(said, end)
    return said


def plain_number(said: float) -> int | float:
    """The number without a needless fraction, as it was most likely sent."""
    return int(said) if said.is_integer() and abs(said) < 2**53 else said


def question(raw: Mapping[str, str]) -> str:
    """Options as they stand behind the question mark of an address."""
    return "&".join(f"{name}={quoted(value)}" for name, value in raw.items())


def quoted(value: str) -> str:
    """The value of an option as it stands in an address."""
    return quote(value, safe=_PLAIN)


def ending_of(options: Options, *, shown: int) -> str:
    """What stands between a collection's address and the token in the link to its next page.

    The $skip tells people where they are; the $skiptoken, whose value ends the link, is what counts.
    """
    kept = {name: value for name, value in options.raw.items() if name not in {"$skip", "$skiptoken"}}
    return f"?{question(kept | {'$skip': str(options.skip + shown)})}&$skiptoken="


def data_arrays(rows: Sequence[Mapping[str, Any]], form: Form, *, base: str) -> list[dict[str, Any]]:
    """Observations as rows of values, one block a datastream (18-088, clause 12)."""
    names = ([*(["id"] if form.has_id else [])], [*form.properties])
    components = [*names[0], *names[1]]
    blocks: dict[int, list[list[Any]]] = {}
    for row in rows:
        values = [property_value(row, name, form.entity.properties[name]) for name in names[1]]
        blocks.setdefault(row["_Datastream"], []).append([row["id"], *values] if names[0] else values)
    return [
        {
            "Datastream@iot.navigationLink": f"{base}/Datastreams({stream})",
            "components": components,
            "dataArray@iot.count": len(block),
            "dataArray": block,
        }
        for stream, block in blocks.items()
    ]
