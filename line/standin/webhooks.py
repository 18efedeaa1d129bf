"""What residents do, told to the city as LINE tells it: signed over the raw bytes, at most 2 s, redelivered."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import httpx

from line.client import is_loopback
from line.rules import signature

ANSWER_LIMIT_S = 2.0
REDELIVER_AFTER_S: Sequence[float] = (1.0, 4.0, 15.0, 60.0)  # LINE does not publish its own intervals.
ERRORS = ("request_timeout", "could_not_connect", "error_status_code")
Order = Literal["kept", "reversed", "shuffled", "together"]
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
        self._is_redelivering = True
        self._held: list[dict[str, Any]] | None = None
        self._later: set[asyncio.Task[Any]] = set()
        self._counts: Counter[str] = Counter()
        self._took_ms: deque[float] = deque(maxlen=100_000)

    async def close(self) -> None:
        """Nothing is redelivered any more."""
        for task in list(self._later):
            task.cancel()
        await self._http.aclose()

    @property
    def url(self) -> str:
        """Where calls go."""
        return self._url

    def send_to(self, url: str) -> None:
        """Calls go there from now on."""
        self._url = url

    def use(self, *, is_redelivering: bool) -> None:
        """What is not taken is sent again, or not: a switch of LINE's console."""
        self._is_redelivering = is_redelivering

    def hold(self) -> None:
        """Events wait until they are released."""
        self._held = []

    async def release(self, *, order: Order, seed: int) -> list[Outcome]:
        """Those that waited have been sent in this order; later ones go at once again."""
        held, self._held = self._held or [], None
        match order:
            case "reversed":
                held = held[::-1]
            case "shuffled":
                random.Random(seed).shuffle(held)  # noqa: S311 - an order for tests, no secret.
            case "together":
                return [await self._tell(held)] if held else []
        return [await self._tell([event]) for event in held]

    async def tell(self, event: dict[str, Any]) -> Outcome:
        """The event has been sent once; where it was not taken it will be redelivered in the background."""
        if self._held is not None:
            self._held.append(event)
            return Outcome(None, "held", 0.0)
        return await self._tell([event])

    def tell_soon(self, event: dict[str, Any]) -> None:
        """The event will be sent in the background."""
        self._keep(asyncio.create_task(self._tell([event])))

    async def send(self, events: Sequence[Any]) -> Outcome:
        """The events have been sent once, and never again."""
        self._counts["sent"] += 1
        return await self._attempt(events)

    async def ask(self, url: str | None = None) -> Outcome:
        """The address has been called without events, as the console's Verify button does."""
        return await self._attempt([], url=url)

    async def _tell(self, events: Sequence[dict[str, Any]]) -> Outcome:
        self._counts["sent"] += 1
        outcome = await self._attempt(events)
        if not outcome.is_taken and self._is_redelivering:
            self._keep(asyncio.create_task(self._redeliver(events)))
        return outcome

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _attempt(self, events: Sequence[Any], *, url: str | None = None) -> Outcome:
        url = url or self._url
        if not is_loopback(url):
            return Outcome(None, "could_not_connect", 0.0)  # The stand-in never calls beyond this machine.
        raw = json.dumps({"destination": self._destination, "events": list(events)}, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "LineBotWebhook/2.0",
            "x-line-signature": signature(raw, channel_secret=self._secret),
        }
        began = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                response = await self._http.post(url, content=raw, headers=headers)
            status, error = response.status_code, None
        except (TimeoutError, httpx.TimeoutException):
            status, error = None, "request_timeout"
        except httpx.TransportError:
            status, error = None, "could_not_connect"
        outcome = Outcome(status, error, (time.perf_counter() - began) * 1000)
        self._took_ms.append(outcome.ms)
        self._counts["answered" if outcome.is_taken else error or "error_status_code"] += 1
        return outcome

    async def _redeliver(self, events: Sequence[dict[str, Any]]) -> None:
        again = [event | {"deliveryContext": {"isRedelivery": True}} for event in events]
        for wait_s in REDELIVER_AFTER_S:
            await asyncio.sleep(wait_s)
            self._counts["redelivered"] += 1
            if (await self._attempt(again)).is_taken:
                return
        self._counts["gave_up"] += 1

    def as_json(self) -> dict[str, Any]:
        """Counts of calls, and the 50th, 99th and worst answer time in milliseconds."""
        took = sorted(self._took_ms)
        counts = {name: self._counts[name] for name in ("sent", "answered", "redelivered", "gave_up", *ERRORS)}
        switches = {"endpoint": self._url, "is_redelivering": self._is_redelivering}
        return counts | switches | {"p50_ms": _at(0.5, took), "p99_ms": _at(0.99, took), "worst_ms": _at(1.0, took)}


def _at(share: float, ordered: Sequence[float]) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else None
