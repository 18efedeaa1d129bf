"""Everything that the stand-in's addresses share: memory, judgement, faults, phones that listen, the city's webhook."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from fastapi import Request

from line.standin.faults import Faults
from line.standin.platform import Platform, Reply
from line.standin.store import Store
from line.standin.webhooks import Outcome, Webhooks, ulid

QUEUE_LIMIT = 1000


class World:
    """The stand-in of one city."""

    def __init__(self, store: Store, webhooks: Webhooks, *, now: Callable[[], datetime], token: str) -> None:
        """Nobody listens, nothing goes wrong. `token` is the channel access token that callers must bear."""
        self.store = store
        self.webhooks = webhooks
        self.platform = Platform(store, now=now)
        self.faults = Faults()
        self.token = token
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

    def event(self, kind: str, user_id: str, *, at: datetime, **parts: Any) -> dict[str, Any]:
        """A webhook event of this type from this user, as LINE shapes it."""
        return {
            "type": kind,
            "mode": "active",
            "timestamp": int(at.timestamp() * 1000),
            "source": {"type": "user", "userId": user_id},
            "webhookEventId": ulid(at),
            "deliveryContext": {"isRedelivery": False},
            **parts,
        }

    def token_for(self, user_no: int) -> str:
        """A fresh reply token by which the city may answer this user once."""
        token = secrets.token_hex(16)
        self.store.issue_token(token, user_no, aged_s=self.platform.aged_s())
        return token

    async def tell(self, event: dict[str, Any], *, message_id: str | None = None) -> dict[str, Any]:
        """The city has been told once (and will be again, where it did not answer); how it went."""
        outcome: Outcome = await self.webhooks.tell(event)
        return {
            "message_id": message_id,
            "webhook_event_id": event["webhookEventId"],
            "reply_token": event.get("replyToken"),
            "webhook": {"status": outcome.status, "error": outcome.error, "ms": round(outcome.ms, 1)},
        }


def world_of(request: Request) -> World:
    """The stand-in's world, for its addresses."""
    world: World = request.app.state.world
    return world
