"""Which changes are told on which of the topics that somebody waits for, and in which words (18-088, clause 14.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiomqtt import Topic

from core.errors import FaonamError
from sensors.changes import EVERYTHING, Change, Wanted
from sensors.payloads import UNSTORABLE
from sensors.sensorthings.messages import entity_at, message_of, plain_topics, property_message, subscription
from sensors.sensorthings.model import COLLECTIONS, ENTITIES, OBSERVATION, Entity
from sensors.sensorthings.options import Address, Options
from sensors.sensorthings.reading import Reader

Told = tuple[str, bytes]


@dataclass(frozen=True)
class Wish:
    """A topic that somebody waits for: what it is about, read once. A pattern has no address."""

    wanted: Wanted
    address: Address | None
    options: Options

    @property
    def topic(self) -> str:
        """The topic, or pattern, as it was subscribed to."""
        return self.wanted.topic


def wishes_of(topics: Iterable[str]) -> list[Wish]:
    """What the topics ask for; those that ask for nothing of the standard are left out."""
    return [wish for wish in map(_wish, topics) if wish is not None]


def _wish(topic: str) -> Wish | None:
    levels = topic.split("/")
    if UNSTORABLE.search(topic):
        return None
    if {"+", "#"} & set(levels):
        entity = COLLECTIONS.get(levels[-1].partition("(")[0])
        return Wish(Wanted(topic, EVERYTHING if entity is None else entity.name), None, Options())
    try:
        address, options = subscription(topic)
    except FaonamError:
        return None
    if address.ending is not None:
        return None
    first, *others = address.steps
    is_of_stream = first.name == "Datastreams" and [step.name for step in others] == ["Observations"]
    entity = entity_at(address)
    return Wish(Wanted(topic, entity.name, first.id if is_of_stream else None), address, options)


def told(reader: Reader, changes: Sequence[Change], wishes: Sequence[Wish]) -> list[Told]:
    """The messages of the changes in their order, each a topic and a payload, with the entities as they are now.

    Entities that are gone again are told to nobody.
    """
    tellers = {}
    for name in {change.entity for change in changes}:
        about = [wish for wish in wishes if wish.wanted.entity in {name, EVERYTHING}]
        ids = {change.entity_id for change in changes if change.entity == name}
        tellers[name] = _Teller(reader, ENTITIES[name], ids, about)
    return [message for change in changes for message in tellers[change.entity].told(change)]


class _Teller:
    """Tells of the entities of one kind: their rows, and which of them each wish is about, are asked for once."""

    def __init__(self, reader: Reader, entity: Entity, ids: set[int], wishes: Sequence[Wish]) -> None:
        self._entity, self._base = entity, reader.base
        self._rows = reader.rows(entity, ids) if wishes else {}
        self._patterns = [wish.topic for wish in wishes if wish.address is None]
        self._ways = [
            (wish, wish.address, reader.those_at(wish.address, self._rows))
            for wish in wishes
            if wish.address is not None and self._rows
        ]

    def told(self, change: Change) -> Iterator[Told]:
        row = self._rows.get(change.entity_id)
        if row is None:
            return
        done = set()
        for wish, address, ids in self._ways:
            if change.entity_id in ids and (payload := self._payload(change, row, wish, address)) is not None:
                done.add(wish.topic)
                yield wish.topic, payload
        for topic in self._matching(change.entity_id, row):
            if topic not in done:
                yield topic, message_of(row, self._entity, Options(), base=self._base)

    def _payload(self, change: Change, row: Mapping[str, Any], wish: Wish, address: Address) -> bytes | None:
        if not address.property:
            return message_of(row, self._entity, wish.options, base=self._base)
        if change.properties is not None and address.property[0] not in change.properties:
            return None
        return property_message(row, self._entity, address.property)

    def _matching(self, id_: int, row: Mapping[str, Any]) -> Iterator[str]:
        if not self._patterns:
            return
        stream = row["_Datastream"] if self._entity is OBSERVATION else None
        for topic in plain_topics(self._entity, id_, datastream_id=stream):
            if any(Topic(topic).matches(pattern) for pattern in self._patterns):
                yield topic
