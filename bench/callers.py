"""LINE's side of a webhook: signed calls to the city at the times at which they are due, whatever it answers.

A call's wait runs from the moment it was due, so that a server that holds up one call cannot hide how long the next
ones would have waited (coordinated omission).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.settings import settings
from line.rules import signature

CONNECTIONS = 24
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Call:
    """One webhook call: when it is due, in seconds from the start, and its body."""

    due_s: float
    body: bytes


@dataclass
class Calls:
    """How the calls went: the seconds that each waited for its answer, and how many had none or a bad one."""

    waits_s: list[float] = field(default_factory=list)
    failed: int = 0
    late_s: float = 0.0


def call_of(events: Sequence[dict[str, Any]], *, due_s: float) -> Call:
    """A call with these events, as LINE's servers send it."""
    return Call(due_s, json.dumps({"destination": "U" + "0" * 32, "events": list(events)}, ensure_ascii=False).encode())


def make_calls(port: int, calls: Sequence[Call], *, tell: Callable[[str], None]) -> Calls:
    """All calls have been made when they were due, and answered or given up."""
    secret = settings().line.channel_secret
    assert secret is not None  # noqa: S101 - every installation has one, random unless given.
    return asyncio.run(_make(port, calls, channel_secret=secret.get_secret_value(), tell=tell))


async def _make(port: int, calls: Sequence[Call], *, channel_secret: str, tell: Callable[[str], None]) -> Calls:
    found = Calls()
    waiting: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
    callers = [asyncio.create_task(_call_on(port, waiting, found)) for _ in range(CONNECTIONS)]
    began_s = time.perf_counter()
    for number, call in enumerate(sorted(calls, key=lambda call: call.due_s)):
        request = _request(call.body, signature(call.body, channel_secret=channel_secret))
        due_s = began_s + call.due_s
        ahead_s = due_s - time.perf_counter()
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
        found.late_s = max(found.late_s, -ahead_s)
        waiting.put_nowait((due_s, request))
        if number % 500 == 0:
            tell(f"{number:,} of {len(calls):,} calls")
    for _ in callers:
        waiting.put_nowait(None)
    await asyncio.gather(*callers)
    return found


def _request(body: bytes, signed: str) -> bytes:
    head = (
        "POST /line/webhook HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"x-line-signature: {signed}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _call_on(port: int, waiting: asyncio.Queue[tuple[float, bytes] | None], found: Calls) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (one := await waiting.get()) is not None:
        due_s, request = one
        try:
            writer.write(request)
            is_good = await asyncio.wait_for(_is_good(reader), PATIENCE_S)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            is_good = False
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        found.waits_s.append(time.perf_counter() - due_s)
        found.failed += not is_good
    writer.close()


async def _is_good(reader: asyncio.StreamReader) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    await reader.readexactly(length)
    return head.split(b" ", 2)[1] == b"200"
