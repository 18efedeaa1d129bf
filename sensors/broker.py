"""The embedded MQTT broker, for a city without one of its own: `python -m sensors.broker PORT`, on loopback only.

It lets anyone in: whoever reaches loopback. What a device says is believed only with its station's key. A city sets
`MQTT_URL` to use its own broker, with accounts and TLS, and then this one never starts.

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
from typing import Any

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import INCOMING, IncomingApplicationMessage, OutgoingApplicationMessage, Session

from core import clock
from core.logs import configure_logs, get_logger
from sensors.inbox import Doorkeeper, Inbox, Message, inbox_path
from sensors.topics import is_taken

log = get_logger("sensors.broker")

HOST = "127.0.0.1"
_PARENT_CHECK_S = 0.5


class KeepingHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt ships no types.
    """One client's connection: what it publishes for the house is on disk before it is acknowledged."""

    def __init__(self, plugins_manager: Any, doorkeeper: Doorkeeper) -> None:
        super().__init__(plugins_manager)
        self._doorkeeper = doorkeeper

    async def _handle_message_flow(
        self, app_message: IncomingApplicationMessage | OutgoingApplicationMessage
    ) -> None:
        if app_message.direction == INCOMING and is_taken(app_message.topic):
            message = Message(app_message.topic, bytes(app_message.data), clock.wall_now())
            try:
                await self._doorkeeper.keep(message)
            except sqlite3.Error as fault:
                # No answer: the device still has it. Hanging up makes it send again when it has come back.
                log.error("message.not_kept", reason=str(fault))
                await self.handle_connection_closed()
                return
        await super()._handle_message_flow(app_message)


class KeepingBroker(Broker):  # type: ignore[misc]
    """amqtt's broker with connections that keep."""

    def __init__(self, config: dict[str, Any], doorkeeper: Doorkeeper) -> None:
        super().__init__(config, loop=asyncio.get_running_loop())
        self._doorkeeper = doorkeeper

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        _, session = await super()._initialize_client_session(reader, writer, remote_address, remote_port)
        return KeepingHandler(self.plugins_manager, self._doorkeeper), session


async def serve(port: int) -> None:
    """The broker listens on this port of loopback until it is told to stop or its parent is gone."""
    stop, loop, parent = asyncio.Event(), asyncio.get_running_loop(), os.getppid()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    with Inbox(inbox_path()) as inbox:
        doorkeeper = Doorkeeper(inbox)
        broker = KeepingBroker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            },
            doorkeeper,
        )
        await broker.start()
        while not stop.is_set() and os.getppid() == parent:
            try:
                await asyncio.wait_for(stop.wait(), _PARENT_CHECK_S)
            except TimeoutError:
                continue
        await broker.shutdown()
        await doorkeeper.close()


if __name__ == "__main__":
    configure_logs()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the gateway says when to stop.
    asyncio.run(serve(int(sys.argv[1])))
