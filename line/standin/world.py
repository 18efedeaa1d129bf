"""Everything that the stand-in's addresses share: memory, judgement, faults, phones that listen, the city's webhook."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request

from line.standin.clockwork import Clock
from line.standin.faults import Faults
from line.standin.operations import Reply
from line.standin.platform import Platform
from line.standin.store import Store
from line.standin.tokens import Tokens
from line.standin.webhooks import Outcome, Webhooks, ulid

QUEUE_LIMIT = 1000


@dataclass(frozen=True)
class Channel:
    """The city's channel at LINE: its id, secret, long-lived token and bot; and the token that exercises go out by."""

    channel_id: str
    secret: str
    access_token: str
    bot_user_id: str
    exercise_token: str | None = None


class World:
    """The stand-in of one city."""

    def __init__(
        self, store: Store, webhooks: Webhooks, *, now: Callable[[], datetime], channel: Channel, clock: Clock
    ) -> None:
        """Nobody listens, nothing goes wrong."""
        self.store = store
        self.webhooks = webhooks
        self.platform = Platform(store, now=now, clock=clock)
        self.faults = Faults()
        self.channel = channel
        tokens = [channel.access_token, *([channel.exercise_token] if channel.exercise_token else [])]
        self.bearers = [f"Bearer {token}".encode() for token in tokens]
        self.tokens = Tokens(store.things, clock)
        self.now = now
        self._phones: dict[str, set[asyncio.Queue[dict[str, Any]]]] = defaultdict(set)

    @contextlib.contextmanager
    def phone(self, user_id: str) -> Iterator[asyncio.Queue[dict[str, Any]]]:
        """New bubbles of the user come into the queue while the block runs."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(QUEUE_LIMIT)
        self._phones[user_id].add(queue)
        try:
            yield queue
        finally:
            self._phones[user_id].discard(queue)

    def show(self, user_id: str, bubble: dict[str, Any]) -> None:
        """The bubble appears on every phone of the user that listens; a phone that fell far behind misses it."""
        for queue in self._phones.get(user_id, ()):
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(bubble)

    def show_accepted(self, kind: str, reply: Reply) -> None:
        """The bubbles of an accepted request appear on the phones that listen."""
        if reply.at is None or not self._phones:
            return
        for user_id in self._phones.keys() & reply.delivered.keys():
            for i, message in enumerate(reply.messages):
                bubble = {
                    "id": reply.delivered[user_id] + i,
                    "direction": "out",
                    "at": reply.at.isoformat(timespec="milliseconds"),
                    "wall_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "request_id": reply.headers.get("x-line-request-id"),
                    "kind": kind,
                    "message": message,
                }
                self.show(user_id, bubble)

    def event(
        self, kind: str, user_id: str | None, *, at: datetime, chat: str | None = None, **parts: Any
    ) -> dict[str, Any]:
        """A webhook event of this type from this user, perhaps in a group or room, as LINE shapes it."""
        return {
            "type": kind,
            "mode": "active",
            "timestamp": int(at.timestamp() * 1000),
            "source": source_of(user_id, chat),
            "webhookEventId": ulid(at),
            "deliveryContext": {"isRedelivery": False},
            **parts,
        }

    def token_for(self, target: str) -> str:
        """A fresh reply token by which the city may answer this user, group or room once."""
        token = secrets.token_hex(16)
        self.store.issue_token(token, target, aged_s=self.platform.aged_s())
        return token

    def read_token(self, message_id: str) -> str:
        """By this token the city marks the message as read."""
        seal = hmac.new(self.channel.secret.encode(), message_id.encode(), hashlib.sha256).hexdigest()
        return f"{message_id}.{seal[:32]}"

    def is_read_token(self, token: str) -> bool:
        """The token came with one of our messages."""
        return hmac.compare_digest(self.read_token(token.partition(".")[0]).encode(), token.encode())

    def deliver_by_phone(self, body: dict[str, Any], user: sqlite3.Row, *, tag: str | None) -> Reply:
        """The notification message is in the chat; with a tag the city hears of it by a `delivery` event."""
        reply = self.platform.deliver_to_anyone("pnp", body, user["user_id"])
        self.show_accepted("pnp", reply)
        if tag is not None:
            event = self.event("delivery", user["user_id"], at=self.now(), delivery={"data": tag})
            self.webhooks.tell_soon(event)
        return reply

    async def tell(self, event: dict[str, Any], *, message_id: str | None = None) -> dict[str, Any]:
        """The city has been told once (and will be again, where it did not answer); how it went."""
        outcome: Outcome = await self.webhooks.tell(event)
        return {
            "message_id": message_id,
            "webhook_event_id": event["webhookEventId"],
            "reply_token": event.get("replyToken"),
            "webhook": {"status": outcome.status, "error": outcome.error, "ms": round(outcome.ms, 1)},
        }


def source_of(user_id: str | None, chat: str | None) -> dict[str, str]:
    """Who said it and where, as LINE's events name them."""
    who = {} if user_id is None else {"userId": user_id}
    if chat is None:
        return {"type": "user"} | who
    kind = "group" if chat.startswith("C") else "room"
    return {"type": kind, f"{kind}Id": chat} | who


def world_of(request: Request) -> World:
    """The stand-in's world, for its addresses."""
    world: World = request.app.state.world
    return world
