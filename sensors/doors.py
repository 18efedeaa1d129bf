"""Who may do what in the embedded broker, and what the gateway is told of subscribers.

The gateway is known by a password that it gives to the broker it starts. Nobody else may publish what SensorThings
tells: what a client publishes there is an observation on its way in, which goes to the inbox and to nobody else.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from dataclasses import dataclass
from typing import Any

from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from sensors.topics import (
    HOUSE,
    INTEREST,
    INTEREST_HELD,
    is_of_gauges,
    is_of_sensorthings,
    may_tell_of_sensorthings,
)

LONGEST_WAIT_S = 2.0


class HouseDoor(BaseAuthPlugin):  # type: ignore[misc]  # amqtt ships no types.
    """Lets the gateway in by its password, keeps its topics for it, and tells it which ones are waited for."""

    @dataclass
    class Config:
        """The gateway's password; where it is empty nobody is the gateway."""

        password: str = ""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._told: list[str] = []
        self._serial = self._held = 0
        self._has_moved = asyncio.Condition()

    def is_house(self, session: Session | None) -> bool:
        """Whether the session is the gateway's."""
        password: str = self.config.password
        if session is None or not password or session.username != HOUSE:
            return False
        return hmac.compare_digest((session.password or "").encode(), password.encode())

    async def authenticate(self, *, session: Session) -> bool | None:
        """Only the gateway may call itself so; all others are none of this door's business."""
        return self.is_house(session) if session.username == HOUSE else None

    def lets(self, session: Session, topic: str, action: Action) -> bool:
        """Whether the session may publish on, subscribe to or be sent what is on the topic."""
        if is_of_gauges(topic):  # They stand in the inbox, and carry the keys of devices: nobody else is sent them.
            return False
        is_ours = topic in {INTEREST, INTEREST_HELD} or (action is Action.PUBLISH and is_of_sensorthings(topic))
        return not is_ours or self.is_house(session)

    async def on_broker_client_connected(self, **_: object) -> None:
        """A session of before may come with its subscriptions."""
        await self._tell()

    async def on_broker_client_subscribed(self, *, topic: str, **_: object) -> None:
        """The gateway has come and is told, whether anything has changed or not."""
        if topic == INTEREST:
            await self._tell(is_news=True)

    async def on_broker_client_unsubscribed(self, **_: object) -> None:
        """A topic may be waited for by nobody now."""
        await self._tell()

    async def on_broker_client_disconnected(self, **_: object) -> None:
        """So may all of its topics."""
        await self._tell()

    async def hear(self, payload: bytes) -> None:
        """The gateway has taken note of the topics that it was told of under this number."""
        async with self._has_moved:
            self._held = int(payload)
            self._has_moved.notify_all()

    async def announce(self, topic: str) -> None:
        """The gateway has taken note of the new subscription, or does not answer in time.

        So what changes after a subscriber has been acknowledged is told to it.
        """
        if not may_tell_of_sensorthings(topic):
            return
        await self._tell()
        async with self._has_moved:
            wanted = self._serial
            try:
                await asyncio.wait_for(self._has_moved.wait_for(lambda: self._held >= wanted), LONGEST_WAIT_S)
            except TimeoutError:
                return

    async def _tell(self, *, is_news: bool = False) -> None:
        topics = sorted(
            topic
            for topic, subscriptions in self.context.subscriptions.items()
            if may_tell_of_sensorthings(topic)
            and any(session.transitions.state == "connected" for session, _ in subscriptions)
        )
        if topics == self._told and not is_news:
            return
        self._told = topics
        self._serial += 1
        await self.context.broadcast_message(INTEREST, json.dumps([self._serial, topics]).encode())
