"""A minute of LINE's webhook at 300 new events a second, a fifth of them delivered again, while receivers are killed.

The API and two receivers run as processes of their own. Each call holds one event, as LINE's calls mostly do; events
come in Poisson's disorder, are shuffled by up to two seconds, and one in five comes a second time within ten. One
receiver gets SIGKILL every few seconds and another begins. Afterwards every event must have been handled once: each
carries its own reply token, and the city must have written one answer to each, to nobody else, and to none twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from bench.callers import Caller, body_of
from bench.measure import Result, Timing, check, rounded
from bench.places import own_database
from bench.programs import begin, kill
from bench.servers import free_port, process, serve_ours
from core import db, sealing
from core.progress import Progress, step
from incidents.actions import load_categories
from line.models import InboxEvent, OutboxChunk

EVENTS_PER_S, SECONDS = 300, 60
PEOPLE = 2_000
AGAIN_SHARE, AGAIN_WITHIN_S, SHUFFLED_BY_S = 0.2, 10.0, 2.0
RECEIVERS, KILL_EVERY_S = 2, (3.0, 8.0)
LATEST_S = 300.0
TEXTS = (
    "น้ำท่วมหน้าบ้านครับ", "ไฟดับทั้งซอย", "ขยะไม่มาเก็บ 3 วันแล้ว", "ต้นไม้ล้มขวางถนน", "ถนนเป็นหลุม", "สวัสดีค่ะ",
    "เรื่องของฉันถึงไหนแล้ว", "flooded street", "ท่อตัน น้ำเน่า", "ฝาท่อหาย อันตรายมาก",
)


def measure(*, seed: int) -> Result:
    """The seconds are those from when a call was due to its answer."""
    rng = np.random.default_rng(seed)
    events = _events(rng)
    with own_database("webhook"):
        with db.transaction() as session:
            load_categories(session)
        port = free_port()
        with process(serve_ours, port), _receivers(rng) as receivers, step("a minute of events") as tell:
            began_s = time.monotonic()
            calls = asyncio.run(_call_all(port, _due(events, rng), tell))
            receivers.stop_killing()
            handled_s = _await_handled(tell) - began_s
        once, twice, missing, foreign = _answers([event["replyToken"] for event in events])
    check(calls.late_s < 1.0, "the machine was too busy to make the calls when they were due.")
    p99_s = float(np.quantile(calls.waits_s, 0.99))
    figures = {
        "answered_p99_ms": rounded(1000 * p99_s), "slowest_ms": rounded(1000 * max(calls.waits_s)),
        "refused_or_unanswered": float(calls.failed), "handled_once": float(once), "handled_twice": float(twice),
        "not_handled": float(missing), "answers_to_nobody": float(foreign), "kills": float(receivers.kills),
        "handled_per_s": rounded(len(events) / handled_s), "slowest_start_of_a_call_ms": rounded(1000 * calls.late_s),
    }
    facts = {"events": len(events), "calls": len(calls.waits_s), "people": PEOPLE, "seed": seed}
    return Result(
        "webhook", facts, Timing(tuple(calls.waits_s)), {}, {}, figures,
        most={
            "answered_p99_ms": 200.0, "refused_or_unanswered": 0.0, "handled_twice": 0.0, "not_handled": 0.0,
            "answers_to_nobody": 0.0,
        },
        least={"handled_once": float(EVENTS_PER_S * SECONDS), "kills": 5.0},
    )


def _events(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Texts, pins and stickers, each with a reply token of its own."""
    now_ms = int(time.time() * 1000)
    return [_event(number, now_ms + number * 1000 // EVENTS_PER_S, rng) for number in range(EVENTS_PER_S * SECONDS)]


def _event(number: int, at_ms: int, rng: np.random.Generator) -> dict[str, Any]:
    kind = rng.choice(["text", "location", "sticker"], p=[0.8, 0.15, 0.05])
    message: dict[str, Any] = {"type": str(kind), "id": str(number)}
    if kind == "text":
        message["text"] = str(rng.choice(TEXTS))
    elif kind == "location":
        message |= {"latitude": 8.4 + 0.1 * rng.random(), "longitude": 99.9 + 0.1 * rng.random()}
    return {
        "type": "message",
        "mode": "active",
        "timestamp": at_ms,
        "source": {"type": "user", "userId": f"U{int(rng.integers(PEOPLE)):032x}"},
        "webhookEventId": f"01B{number:023d}",
        "deliveryContext": {"isRedelivery": False},
        "replyToken": f"{number:032x}",
        "message": message,
    }


def _due(events: Sequence[dict[str, Any]], rng: np.random.Generator) -> list[tuple[float, bytes]]:
    """When each call is due, in seconds from the start, and its body; in the order of time."""
    due_s = np.sort(rng.uniform(0.0, SECONDS, len(events))) + rng.uniform(0.0, SHUFFLED_BY_S, len(events))
    calls = [(float(at_s), body_of([event])) for event, at_s in zip(events, due_s, strict=True)]
    for number in np.flatnonzero(rng.random(len(events)) < AGAIN_SHARE).tolist():
        event = events[number] | {"deliveryContext": {"isRedelivery": True}}
        calls.append((float(due_s[number] + rng.uniform(0.05, AGAIN_WITHIN_S)), body_of([event])))
    return sorted(calls)


@dataclass
class _Calls:
    """How the calls went: the seconds that each waited, how many had no good answer, how late one was begun at most."""

    waits_s: list[float] = field(default_factory=list)
    failed: int = 0
    late_s: float = 0.0


async def _call_all(port: int, due: Sequence[tuple[float, bytes]], tell: Progress) -> _Calls:
    """All calls were made when they were due, whatever the city answered.

    A wait runs from when the call was due, so that who holds up one call cannot hide how long the next would have
    waited (coordinated omission).
    """
    found, caller = _Calls(), Caller(port)

    async def call(due_s: float, body: bytes) -> None:
        is_good = await caller.call(body)
        found.waits_s.append(time.perf_counter() - due_s)
        found.failed += not is_good

    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, (after_s, body) in enumerate(due):
            ahead_s = began_s + after_s - time.perf_counter()
            await asyncio.sleep(max(0.0, ahead_s))
            found.late_s = max(found.late_s, -ahead_s)
            tasks.create_task(call(began_s + after_s, body))
            if number % 500 == 0:
                tell(f"{number:,} of {len(due):,} calls")
    return found


class _Receivers(threading.Thread):
    """Receivers as processes of their own; every few seconds one of them is killed and another begun."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(daemon=True)
        self.kills = 0
        self._rng = np.random.default_rng(rng.integers(2**32))
        self._over = threading.Event()
        self._running = [_receiver() for _ in range(RECEIVERS)]

    def run(self) -> None:
        while not self._over.wait(self._rng.uniform(*KILL_EVERY_S)):
            kill(self._running.pop(int(self._rng.integers(len(self._running)))))
            self.kills += 1
            self._running.append(_receiver())

    def stop_killing(self) -> None:
        """Those that run now go on to the end."""
        self._over.set()
        self.join()

    def end(self) -> None:
        """None runs any more."""
        self.stop_killing()
        for child in self._running:
            kill(child)


@contextlib.contextmanager
def _receivers(rng: np.random.Generator) -> Iterator[_Receivers]:
    receivers = _Receivers(rng)
    receivers.start()
    try:
        yield receivers
    finally:
        receivers.end()


def _receiver() -> subprocess.Popen[bytes]:
    return begin("receiver")


def _await_handled(tell: Progress) -> float:
    """When nothing waited any more; gives up after five minutes."""
    waiting = sa.select(sa.func.count()).select_from(InboxEvent).where(InboxEvent.handled_at.is_(None))
    deadline_s = time.monotonic() + LATEST_S
    while time.monotonic() < deadline_s:
        with db.transaction() as session:
            left = session.scalar(waiting)
        if not left:
            break
        tell(f"{left:,} events wait")
        time.sleep(0.2)
    return time.monotonic()


def _answers(tokens: Sequence[str]) -> tuple[int, int, int, int]:
    """How many events were answered once, more than once, never, and how many answers belong to no event."""
    with db.transaction() as session:
        sealed = session.scalars(sa.select(OutboxChunk.to_sealed).where(OutboxChunk.kind == "reply")).all()
    answered = Counter(json.loads(sealing.unseal(one or b""))[0] for one in sealed)
    counts = [answered.pop(token, 0) for token in tokens]
    return counts.count(1), sum(count > 1 for count in counts), counts.count(0), sum(answered.values())
