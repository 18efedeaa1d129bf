"""How much is kept of what clients publish on topics that nothing is taken from: so much a minute, the rest is counted.

A client with a mistyped topic is worth a look, and what it says worth keeping; one that floods such topics must not
fill the inbox. What is over the bound is acknowledged all the same: a client that waits for an answer would hold back
its good messages, and one that hears none sends again.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from core import clock
from core.logs import get_logger
from sensors.inbox import Message
from sensors.payloads import MAX_KEPT_CHARS

log = get_logger("sensors.astray")

MINUTE_S = 60.0
# A message a second, as the quickest gauge sends, or what a gateway forwards for 300 gauges of five minutes.
KEPT_OF_CLIENT = 60
# With the most that is kept of each (64 kB): 1.2 GB of the inbox's 4 in an hour without a database.
KEPT_OF_ALL = 300
# No client can publish on a pattern, so what stands in the inbox under this one is the broker's own word.
NOT_KEPT = "faonam/v1/#"
SHOWN_CHARS = 200


@dataclass
class Bound:
    """What has been kept in the minute under way, by client and in all."""

    began_s: float = float("-inf")
    kept: Counter[str] = field(default_factory=Counter)

    def admits(self, client: str, *, now_s: float) -> bool:
        """Whether one more message of this client may be kept, which then counts."""
        if now_s - self.began_s >= MINUTE_S:
            self.began_s, self.kept = now_s, Counter()
        if self.kept.total() >= KEPT_OF_ALL or self.kept[client] >= KEPT_OF_CLIENT:
            return False
        self.kept[client] += 1
        return True


class Strays:
    """Bounds what is kept, and tells of the rest: a line in the log and a message to `keep`, once a minute at most.

    Must be used in a running event loop.
    """

    def __init__(self, keep: Callable[[Message], object], *, tell_after_s: float = MINUTE_S) -> None:
        self._keep, self._tell_after_s = keep, tell_after_s
        self._bound = Bound()
        self._not_kept = 0
        self._newest = ("", "")
        self._due: asyncio.TimerHandle | None = None

    def admitted(self, client: str, message: Message) -> Message | None:
        """The message as it is to be kept: as much of it as quarantine keeps; None where it is over the bound."""
        loop = asyncio.get_running_loop()
        if self._bound.admits(client, now_s=loop.time()):
            # One letter beyond what is kept says that there was more.
            return Message(message.topic, message.payload[: MAX_KEPT_CHARS + 1], message.received_wall_at)
        self._not_kept += 1
        self._newest = (client[:SHOWN_CHARS], message.topic[:SHOWN_CHARS])
        if self._due is None:
            self._due = loop.call_later(self._tell_after_s, self.tell)
        return None

    def tell(self) -> None:
        """What has not been kept since the last time is told, if there is any."""
        if self._due is None:
            return
        self._due.cancel()
        client, topic = self._newest
        log.warning("astray.not_kept", messages=self._not_kept, newest_client=client, newest_topic=topic)
        self._keep(not_kept_message(self._not_kept, topic=topic, at=clock.wall_now()))
        self._due, self._not_kept = None, 0


def not_kept_message(messages: int, *, topic: str, at: datetime) -> Message:
    """What the broker tells by the inbox of messages that it did not keep, the newest of which was on this topic."""
    return Message(NOT_KEPT, json.dumps({"not_kept": messages, "newest_topic": topic}).encode(), at)


def said_not_kept(message: Message) -> dict[str, str]:
    """Such a message as quarantine keeps it: its text, the topic, and how many messages were not kept."""
    told = json.loads(message.payload)
    return {"topic": told["newest_topic"], "not_kept": str(told["not_kept"]), "text": message.payload.decode()}
