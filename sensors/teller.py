"""The gateway's voice: subscribers of SensorThings are told what has changed, once it is committed.

It reads the outbox (`sensors.changes`) when the database calls, sends each change to the topics that somebody waits
for, and takes it out when the broker has it. A gateway that is killed in between tells it again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import aiomqtt
import psycopg
import sqlalchemy.exc

from core import clock
from core.db import database_url, transaction
from core.logs import get_logger
from core.settings import settings
from sensors import changes
from sensors.mqtt import connected
from sensors.sensorthings.reading import Reader
from sensors.sensorthings.service import ROOT
from sensors.sensorthings.telling import Told, Wish, told, wishes_of
from sensors.topics import HOUSE, INTEREST, INTEREST_HELD

log = get_logger("sensors.teller")

BATCH_CHANGES = 500
AT_ONCE = 100  # Messages that wait for the broker's answer together.
RENEW_S = 20.0  # A third of the time after which the database forgets what is waited for.
LISTEN_CHECK_S = 15.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
_AWAY = (sqlalchemy.exc.OperationalError, sqlalchemy.exc.TimeoutError)
_ANY = sqlalchemy.exc.SQLAlchemyError
_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass
class Ears:
    """What is waited for now, and the bell that rings when there may be something to tell."""

    wishes: list[Wish] = field(default_factory=list)
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self, topics: Sequence[str]) -> None:
        """The database knows that these topics are waited for, however long it is away."""
        self.wishes = wishes_of(topics)
        wait_s = FIRST_WAIT_S
        while not await asyncio.to_thread(_is_held, self.wishes):
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        self.bell.set()


def _is_held(wishes: Sequence[Wish]) -> bool:
    try:
        with transaction() as session:
            changes.hold_interest(session, [wish.wanted for wish in wishes])
    except _ANY as fault:
        log.warning("interest.waits", topics=len(wishes), reason=type(fault).__name__)
        return False
    return True


async def tell_all(options: dict[str, Any], stop: asyncio.Event) -> None:
    """Subscribers of the embedded broker are told what they wait for, whenever it is there, until `stop` is set.

    `options` are those of an aiomqtt client that the broker takes for the house's own.
    """
    while not stop.is_set():
        try:
            async with connected(aiomqtt.Client(**options, identifier=f"{HOUSE}-voice")) as client:
                await client.subscribe(INTEREST, qos=0)
                await _tell_who_subscribes(client)
        except* aiomqtt.MqttError:
            await asyncio.sleep(FIRST_WAIT_S)


async def _tell_who_subscribes(client: aiomqtt.Client) -> None:
    ears = Ears()
    async with asyncio.TaskGroup() as group:
        group.create_task(tell_through(client, ears))
        async for message in client.messages:
            serial, topics = json.loads(bytes(message.payload))
            await ears.hold(topics)
            await client.publish(INTEREST_HELD, str(serial), qos=0)


async def tell_through(client: aiomqtt.Client, ears: Ears) -> None:
    """What is noted in the outbox is sent through the client, until this is cancelled or the connection breaks."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_listen(ears.bell))
        group.create_task(_renew(ears))
        group.create_task(_send(client, ears))


async def _renew(ears: Ears) -> None:
    while True:
        await asyncio.sleep(RENEW_S)
        if ears.wishes:
            await asyncio.to_thread(_is_held, ears.wishes)


async def _listen(bell: asyncio.Event) -> None:
    wait_s = FIRST_WAIT_S
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(
                database_url(), autocommit=True, connect_timeout=5, application_name="faonam gateway"
            )
            async with connection:
                await connection.execute(f"LISTEN {changes.CHANNEL}")
                wait_s = FIRST_WAIT_S
                bell.set()  # What was said while nobody listened is lost to the channel.
                while True:
                    async for _ in connection.notifies(timeout=LISTEN_CHECK_S):
                        bell.set()
                    await connection.execute("SELECT 1")  # Finds a connection that died without a word.
        except (psycopg.Error, OSError) as fault:
            log.warning("teller.listening_lost", reason=type(fault).__name__, again_in_s=wait_s)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


async def _send(client: aiomqtt.Client, ears: Ears) -> None:
    while True:
        await ears.bell.wait()
        ears.bell.clear()
        while ears.wishes:
            numbers, messages = await _when_there(_next, ears)
            for start in range(0, len(messages), AT_ONCE):
                together = messages[start : start + AT_ONCE]
                await asyncio.gather(*(client.publish(topic, payload, qos=1) for topic, payload in together))
            if numbers:
                await _when_there(_forget, numbers)
            if len(numbers) < BATCH_CHANGES:
                break


async def _when_there(work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """What the work gives, however long the database is away."""
    while True:
        try:
            return await asyncio.to_thread(work, *args, **kwargs)
        except _ANY as fault:
            log.warning("teller.waits", reason=type(fault).__name__)
        await asyncio.sleep(1.0)


def _next(ears: Ears) -> tuple[list[int], list[Told]]:
    """The oldest notes by their numbers, and the messages that they make.

    What is waited for is looked at after the notes: so it is at least what was waited for when they were made.
    """
    base = f"{settings().api_url}{ROOT}"
    with transaction() as session:
        found = changes.oldest(session, BATCH_CHANGES)
        numbers, there = [number for number, _ in found], [one for _, one in found if one is not None]
        reader = Reader(session, base=base, now=clock.now())
        try:
            return numbers, told(reader, there, ears.wishes)
        except _AWAY:
            raise
        except Exception as fault:  # Readings come by the same gateway: what cannot be told must not stop them.
            log.error("changes.untold", changes=len(numbers), reason=type(fault).__name__)
            return numbers, []


def _forget(numbers: Sequence[int]) -> None:
    with transaction() as session:
        changes.forget(session, numbers)
        dropped = changes.drop_excess(session) if len(numbers) == BATCH_CHANGES else 0
    if dropped:
        log.error("changes.dropped", changes=dropped)
