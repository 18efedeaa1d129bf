"""What residents do, told to the city as LINE tells it: signed over the raw bytes, at most 2 s, redelivered."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from line.rules import signature

ANSWER_LIMIT_S = 2.0
REDELIVER_AFTER_S: Sequence[float] = (1.0, 4.0, 15.0, 60.0)  # LINE does not publish its own intervals.
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Outcome:
    """How one attempt ended: the HTTP status, or why there is none; `ms` is how long it took."""

    status: int | None
    error: str | None
    ms: float

    @property
    def is_taken(self) -> bool:
        """The city answered with 2xx in time."""
        return self.status is not None and 200 <= self.status < 300


def ulid(at: datetime) -> str:
    """A sortable id of 26 characters (ULID): 48 bits of time, 80 of chance."""
    number = int(at.timestamp() * 1000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


class Webhooks:
    """Sends signed webhook calls to the city and counts how they went."""

    def __init__(self, url: str, *, channel_secret: str, destination: str) -> None:
        """Calls go to `url` for the bot `destination`."""
        self._url = url
        self._secret = channel_secret
        self._destination = destination
        self._http = httpx.AsyncClient(timeout=ANSWER_LIMIT_S, trust_env=False)
        self._later: set[asyncio.Task[None]] = set()
        self._counts: Counter[str] = Counter()
        self._took_ms: deque[float] = deque(maxlen=100_000)

    async def close(self) -> None:
        """Nothing is redelivered any more."""
        for task in list(self._later):
            task.cancel()
        await self._http.aclose()

    async def tell(self, event: dict[str, Any]) -> Outcome:
        """The event has been sent once; where it was not taken it will be redelivered in the background."""
        self._counts["sent"] += 1
        outcome = await self._attempt(event)
        if not outcome.is_taken:
            task = asyncio.create_task(self._redeliver(event))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        return outcome

    async def _attempt(self, event: dict[str, Any]) -> Outcome:
        raw = json.dumps({"destination": self._destination, "events": [event]}, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "LineBotWebhook/2.0",
            "x-line-signature": signature(raw, channel_secret=self._secret),
        }
        began = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                response = await self._http.post(self._url, content=raw, headers=headers)
            status, error = response.status_code, None
        except (TimeoutError, httpx.TimeoutException):
            status, error = None, "request_timeout"
        except httpx.TransportError:
            status, error = None, "could_not_connect"
        outcome = Outcome(status, error, (time.perf_counter() - began) * 1000)
        self._took_ms.append(outcome.ms)
        if outcome.is_taken:
            self._counts["answered"] += 1
        return outcome

    async def _redeliver(self, event: dict[str, Any]) -> None:
        again = event | {"deliveryContext": {"isRedelivery": True}}
        for wait_s in REDELIVER_AFTER_S:
            await asyncio.sleep(wait_s)
            self._counts["redelivered"] += 1
            if (await self._attempt(again)).is_taken:
                return
        self._counts["gave_up"] += 1

    def as_json(self) -> dict[str, Any]:
        """Counts of calls, and the 50th, 99th and worst answer time in milliseconds."""
        took = sorted(self._took_ms)
        counts = {name: self._counts[name] for name in ("sent", "answered", "redelivered", "gave_up")}
        return counts | {"p50_ms": _at(0.5, took), "p99_ms": _at(0.99, took), "worst_ms": _at(1.0, took)}


def _at(share: float, ordered: Sequence[float]) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else None
