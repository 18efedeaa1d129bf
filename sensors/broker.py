"""The embedded MQTT broker, for a city without one of its own: `python -m sensors.broker PORT`, on loopback only.

It lets anyone in: whoever reaches loopback. What a device says is believed only with its station's key. A city sets
`MQTT_URL` to use its own broker, with accounts and TLS, and then this one never starts. What SensorThings tells comes
from the gateway alone (`sensors.doors`); an observation that a client publishes goes to the inbox and to nobody else.

amqtt acknowledges a message first and looks for somebody to give it to afterwards; what a subscriber has not taken
within five seconds, or while it was away without a name and password, is dropped. Readings therefore do not travel that
way: they stand in the inbox on disk before they are acknowledged, and the gateway takes them from there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import INCOMING, IncomingApplicationMessage, OutgoingApplicationMessage, Session

from core import clock
from core.logs import configure_logs, get_logger
from sensors.astray import Strays
from sensors.doors import HouseDoor
from sensors.inbox import Doorkeeper, Inbox, Message, inbox_path
from sensors.topics import INTEREST_HELD, is_astray, is_taken

log = get_logger("sensors.broker")

HOST = "127.0.0.1"
HOUSE_PASSWORD = "FAONAM_HOUSE_PASSWORD"  # noqa: S105  The name of the variable in which the gateway hands it over.
_PARENT_CHECK_S = 0.5
_REFUSED = 0x80


class KeepingHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt ships no types.
    """One client's connection: what it publishes for the house is on disk before it is acknowledged."""

    def __init__(self, plugins_manager: Any, doorkeeper: Doorkeeper, strays: Strays, door: HouseDoor) -> None:
        super().__init__(plugins_manager)
        self._doorkeeper, self._strays, self._door = doorkeeper, strays, door

    async def _handle_message_flow(
        self, app_message: IncomingApplicationMessage | OutgoingApplicationMessage
    ) -> None:
        is_incoming = app_message.direction == INCOMING
        if is_incoming and app_message.topic == INTEREST_HELD and self._door.is_house(self.session):
            await self._door.hear(app_message.data)
        elif is_incoming and (message := self._to_keep(app_message.topic, app_message.data)) is not None:
            try:
                await self._doorkeeper.keep(message)
            except sqlite3.Error as fault:
                # No answer: the device still has it. Hanging up makes it send again when it has come back.
                log.error("message.not_kept", reason=str(fault))
                await self.handle_connection_closed()
                return
        await super()._handle_message_flow(app_message)

    def _to_keep(self, topic: str, payload: bytes | bytearray) -> Message | None:
        """What of a message is kept for the house: all where something is taken on its topic, a bounded part astray."""
        if self._door.is_house(self.session):
            return None
        if is_taken(topic):
            return Message(topic, bytes(payload), clock.wall_now())
        if is_astray(topic):
            message = Message(topic, bytes(payload), clock.wall_now())
            return self._strays.admitted(self.session.client_id or "", message)
        return None


class _Subscriptions(dict[str, list[tuple[Session, int]]]):
    """Subscriptions by topic, looked through as they were when the look began.

    amqtt waits between one and the next; a client that subscribes meanwhile would end the look, and the message or the
    connection with it.
    """

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().__iter__()))

    def items(self) -> Any:
        """Each topic with its subscribers."""
        return [(topic, list(subscribers)) for topic, subscribers in super().items()]


class KeepingBroker(Broker):  # type: ignore[misc]
    """amqtt's broker with connections that keep."""

    def __init__(self, config: dict[str, Any], doorkeeper: Doorkeeper, strays: Strays) -> None:
        super().__init__(config, loop=asyncio.get_running_loop())
        self._doorkeeper, self._strays = doorkeeper, strays
        self._door = next(plugin for plugin in self.plugins_manager.plugins if isinstance(plugin, HouseDoor))
        self._subscriptions = _Subscriptions()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        _, session = await super()._initialize_client_session(reader, writer, remote_address, remote_port)
        if session.will_flag and not self._door.lets(session, session.will_topic or "", Action.PUBLISH):
            session.will_flag = False  # amqtt asks nobody whether a last will may go out.
        return KeepingHandler(self.plugins_manager, self._doorkeeper, self._strays, self._door), session

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        # amqtt's own way makes a task for every plugin and message; this is asked for every reading.
        return self._door.lets(session, topic, action)

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """As amqtt's; the subscriber is answered when the gateway knows what it waits for."""
        answer: int = await super().add_subscription(subscription, session)
        if answer != _REFUSED:
            await self._door.announce(subscription[0])
        return answer


def _note_fault(kept: asyncio.Future[None]) -> None:
    if not kept.cancelled() and kept.exception() is not None:
        log.error("message.not_kept", reason=str(kept.exception()))


async def serve(port: int) -> None:
    """The broker listens on this port of loopback until it is told to stop or its parent is gone."""
    stop, loop, parent = asyncio.Event(), asyncio.get_running_loop(), os.getppid()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    with Inbox(inbox_path()) as inbox:
        doorkeeper = Doorkeeper(inbox)
        strays = Strays(lambda told: doorkeeper.keep(told).add_done_callback(_note_fault))
        broker = KeepingBroker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
                    "sensors.doors.HouseDoor": {"password": os.environ.get(HOUSE_PASSWORD, "")},
                },
            },
            doorkeeper,
            strays,
        )
        await broker.start()
        while not stop.is_set() and os.getppid() == parent:
            try:
                await asyncio.wait_for(stop.wait(), _PARENT_CHECK_S)
            except TimeoutError:
                continue
        await broker.shutdown()
        strays.tell()
        await doorkeeper.close()


if __name__ == "__main__":
    configure_logs()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the gateway says when to stop.
    asyncio.run(serve(int(sys.argv[1])))
