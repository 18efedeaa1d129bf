"""Entities as messages (18-088, clause 14): which topic a change is told on, what it says, what a posted one means.

The broker stands elsewhere; nothing here knows it. The prefix is the version, as in `v1.1/Datastreams(1)/Observations`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from sensors.sensorthings.errors import NoSuchResourceError, QueryError, TooLargeError, TopicError
from sensors.sensorthings.model import COLLECTIONS, ENTITIES, OBSERVATION, Entity
from sensors.sensorthings.options import Address, Options, address_of, options_of_query
from sensors.sensorthings.payloads import Draft, content_of, draft_of
from sensors.sensorthings.rendering import form_of, property_value, written
from sensors.sensorthings.service import VERSION

MAX_MESSAGE_BYTES = 64 * 1024


def plain_topics(entity: Entity, id_: int, *, datastream_id: int | None = None) -> tuple[str, ...]:
    """The topics on which a new or changed entity is told to whoever subscribes to a pattern."""
    own = (f"{VERSION}/{entity.collection}", f"{VERSION}/{entity.collection}({id_})")
    if entity is not OBSERVATION or datastream_id is None:
        return own
    return (*own, f"{VERSION}/Datastreams({datastream_id})/Observations")


def message_of(row: Mapping[str, Any], entity: Entity, options: Options, *, base: str) -> bytes:
    """The entity of a row (as `rendering.written` takes it), or what $select leaves of it, as a message in UTF-8."""
    return _said(written(row, form_of(entity, options), base=base))


def property_message(row: Mapping[str, Any], entity: Entity, names: Sequence[str]) -> bytes | None:
    """The one property with its name, or what its JSON holds behind further names; None where there is none."""
    said = property_value(row, names[0], entity.properties[names[0]])
    for name in names[1:]:
        said = said.get(name) if isinstance(said, dict) else None
    return None if said is None and len(names) > 1 else _said({names[-1]: said})


def _said(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def entity_at(address: Address) -> Entity:
    """What the last step of the address leads to."""
    entity = COLLECTIONS[address.steps[0].name]
    for step in address.steps[1:]:
        entity = ENTITIES[entity.relations[step.name].target]
    return entity


def subscription(topic: str) -> tuple[Address, Options]:
    """What a subscriber of the topic asks for: an address and its $select. Raises QueryError or NoSuchResourceError.

    A topic may only choose properties; filters and expansion belong to questions.
    """
    version, _, rest = topic.partition("/")
    if version != VERSION:
        raise QueryError(f"Topics begin with {VERSION}/.")
    path, _, query = rest.partition("?")
    address = address_of(unquote(path))
    options = options_of_query(query, entity_at(address))
    if set(options.raw) - {"$select"}:
        raise QueryError("A topic chooses properties by $select; nothing else.")
    return address, options


def posted_observation(topic: str, payload: bytes) -> Draft:
    """The observation that a message on the topic of a collection of Observations describes.

    Raises BodyError where it is none, QueryError for a time that is none, TopicError where the topic takes none.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise TooLargeError("The message is larger than 64 kB.")
    parent = _parent_of(topic)
    draft = draft_of(OBSERVATION, content_of(payload), given=frozenset(parent))
    return Draft(OBSERVATION, draft.columns, draft.links | parent)


def _parent_of(topic: str) -> dict[str, tuple[int | Draft, ...]]:
    """The relation that the topic of a collection of Observations says already, with the id; none for all of them."""
    try:
        address, options = subscription(topic)
    except (QueryError, NoSuchResourceError) as fault:
        raise TopicError(fault.detail) from None
    *before, last = address.steps
    if last.name != OBSERVATION.collection or last.id is not None or address.property or options.raw:
        raise TopicError("Only collections of Observations take messages.")
    if not before:
        return {}
    parent = before[-1]
    if len(before) > 1 or parent.id is None or parent.name not in {"Datastreams", "FeaturesOfInterest"}:
        raise TopicError("Messages go to Observations, or to those of one Datastream or FeatureOfInterest.")
    return {COLLECTIONS[parent.name].name: (parent.id,)}
