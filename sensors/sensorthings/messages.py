"""Observations as messages (18-088, clause 14): which topic a change is told on, what it says, what a posted one means.

The broker stands elsewhere; nothing here knows it. The prefix is the version, as in `v1.1/Datastreams(1)/Observations`.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from sensors.sensorthings.errors import BodyError, QueryError
from sensors.sensorthings.model import COLLECTIONS, OBSERVATION
from sensors.sensorthings.options import Address, Options, address_of, options_of_query
from sensors.sensorthings.payloads import Draft, content_of, draft_of
from sensors.sensorthings.rendering import form_of, written
from sensors.sensorthings.service import VERSION

MAX_MESSAGE_BYTES = 64 * 1024


def observation_topics(*, observation_id: int, datastream_id: int) -> tuple[str, ...]:
    """The topics on which a new or changed observation is told."""
    return (
        f"{VERSION}/Observations",
        f"{VERSION}/Datastreams({datastream_id})/Observations",
        f"{VERSION}/Observations({observation_id})",
    )


def observation_message(row: dict[str, Any], *, base: str, options: Options | None = None) -> bytes:
    """The observation of a row (as `rendering.written` takes it) as the payload of a message, in UTF-8."""
    content = written(row, form_of(OBSERVATION, options or Options()), base=base)
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def subscription(topic: str) -> tuple[Address, Options]:
    """What a subscriber of the topic asks for: an address and its $select. Raises QueryError or NoSuchResourceError.

    A topic may only choose properties; filters and expansion belong to questions.
    """
    version, _, rest = topic.partition("/")
    if version != VERSION:
        raise QueryError(f"Topics begin with {VERSION}/.")
    path, _, query = rest.partition("?")
    address = address_of(unquote(path))
    first = COLLECTIONS[address.steps[0].name]
    last = address.steps[-1].name
    entity = COLLECTIONS.get(last, first)
    options = options_of_query(query, entity)
    if set(options.raw) - {"$select"}:
        raise QueryError("A topic chooses properties by $select; nothing else.")
    return address, options


def posted_observation(topic: str, payload: bytes) -> Draft:
    """The observation that a message on the topic of a collection of Observations describes.

    Raises BodyError where it is none, QueryError or NoSuchResourceError where the topic takes none.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise BodyError("The message is larger than 64 kB.")
    address, options = subscription(topic)
    *before, last = address.steps
    if last.name != OBSERVATION.collection or last.id is not None or address.property or options.raw:
        raise QueryError("Only collections of Observations take messages.")
    if not before:
        return draft_of(OBSERVATION, content_of(payload))
    parent = before[-1]
    if len(before) > 1 or parent.id is None or parent.name not in {"Datastreams", "FeaturesOfInterest"}:
        raise QueryError("Messages go to Observations, or to those of one Datastream or FeatureOfInterest.")
    relation = COLLECTIONS[parent.name].name
    draft = draft_of(OBSERVATION, content_of(payload), given=frozenset({relation}))
    return Draft(OBSERVATION, draft.columns, draft.links | {relation: (parent.id,)})
