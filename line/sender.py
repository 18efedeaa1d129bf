"""The process that sends the outbox to LINE. Any number may run at once; killing one loses and doubles nothing.

A chunk is leased, tried with the retry key that was stored before its first attempt, and its answer recorded. A sender
that dies between LINE's answer and the record leaves a lease that runs out; the next attempt bears the same key and
the same bytes, and LINE answers 409: taken already.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.orm import Session

from core import clock, events
from core.db import database_url, transaction
from core.logs import get_logger
from core.settings import settings
from line import outbox, queries, rules, steady
from line.client import Blackhole, LineSender
from line.events import ChunkGivenUp, ChunksAccepted, QuotaUsedUp
from line.models import KINDS
from line.queries import Claim, Claimed

log = get_logger("line")
POLL_S = 0.5
TOKEN_WAIT_S = 0.02
CLOSED_WAIT_S = 0.1
GIVE_UP_EVERY_S = 30.0
LOOK_AT_CLOCK_EVERY_S = 10.0
DATABASE_RETRY_S = 1.0
GATHERED_S = 0.05  # What is said meanwhile shares one claim.
RECORD_AT_ONCE = 100
RECORD_AFTER_S = 0.15

T = TypeVar("T")


@dataclass(frozen=True)
class Answered:
    """A chunk that was sent, and what LINE's answer means for it."""

    chunk: Claimed
    outcome: rules.Outcome


def record(session: Session, answered: Sequence[Answered]) -> None:
    """What LINE's answers mean stands in the outbox; the rooms above are told in the same transaction."""
    accepted: dict[tuple[str, str], list[Claimed]] = defaultdict(list)
    at, wall_at = clock.now(), clock.wall_now()
    for chunk in queries.accept(session, _request_ids(answered), at=at, wall_at=wall_at):
        accepted[chunk.subject, chunk.kind].append(chunk)
    for one in answered:
        chunk, outcome = one.chunk, one.outcome
        if outcome.state == "accepted":
            continue
        if outcome.state == "queued":
            state = queries.wait(session, chunk, outcome)
            if state in {"cancelled", "unknown"}:
                _tell_given_up(session, chunk, state=state, error=outcome.error or "")
            _close_where_asked(session, chunk, outcome)
        elif queries.end(session, chunk, state=outcome.state, error=outcome.error):
            _tell_given_up(session, chunk, state=outcome.state, error=outcome.error or "")
    for (subject, kind), chunks in accepted.items():
        if not rules.is_about_something(subject):
            continue  # Nobody waits to hear that a word of a conversation went out.
        fact = ChunksAccepted(
            chunk_ids=tuple(chunk.id for chunk in chunks),
            subject=subject,
            kind=kind,
            recipient_count=sum(chunk.recipient_count for chunk in chunks),
            accepted_at=at,
        )
        events.publish(session, fact)


def _request_ids(answered: Sequence[Answered]) -> list[tuple[Claimed, str | None]]:
    return [(one.chunk, one.outcome.request_id) for one in answered if one.outcome.state == "accepted"]


def _close_where_asked(session: Session, chunk: Claimed, outcome: rules.Outcome) -> None:
    if outcome.pause_s:
        queries.close_channel(session, kind=chunk.kind, pause_s=outcome.pause_s, channel=chunk.channel)
    if not outcome.is_quota:
        return
    until_wall_at = queries.close_quota(session, channel=chunk.channel)
    if until_wall_at is None:
        return
    log.error("outbox.quota_used_up", channel=chunk.channel, until_wall_at=until_wall_at.isoformat())
    if chunk.channel == "line":
        events.publish(session, QuotaUsedUp(until_wall_at=until_wall_at))


def _tell_given_up(session: Session, chunk: Claimed | sa.Row[tuple[object, ...]], *, state: str, error: str) -> None:
    log.error("outbox.given_up", chunk=chunk.id, subject=chunk.subject, state=state, error=error)
    events.publish(
        session,
        ChunkGivenUp(
            chunk_id=chunk.id,
            subject=chunk.subject,
            kind=chunk.kind,
            recipient_count=chunk.recipient_count,
            state=state,
            error=error,
        ),
    )


class Carrier(Protocol):
    """Whatever takes requests as LINE does: LINE itself, or the blackhole."""

    async def send(self, kind: str, body: bytes, *, retry_key: str) -> rules.Answer:
        """The answer to one attempt."""


def _claim(most: int, most_of: Mapping[str, int], channel: str) -> Claim:
    """What was claimed and may go out; the rest ends here as failed, and each on its own."""
    with transaction() as session:
        claim = queries.claim(session, most=most, most_of=most_of, channel=channel)
        kept = []
        for chunk in claim.chunks:
            error = _why_not(session, chunk)
            if error is None:
                kept.append(chunk)
            elif queries.end(session, chunk, state="failed", error=error):
                _tell_given_up(session, chunk, state="failed", error=error)
        return replace(claim, chunks=kept)


def _why_not(session: Session, chunk: Claimed) -> str | None:
    """Why the chunk must not go out: nobody can open its addresses, or one of an exercise's is not on its list.

    The database is asked of the addresses as they were unsealed, at the last moment: whatever was frozen or queued,
    and whoever was taken off the list since.
    """
    if not chunk.to:
        return "its recipients were sealed with another key"
    if chunk.channel != "exercise":
        return None
    outsiders = queries.exercise_outsiders(session, chunk.to[-1:] if chunk.kind == "reply" else chunk.to)
    return f"{outsiders} of its recipients are not on the exercise list" if outsiders else None


def _hold_age() -> None:
    with transaction() as session:
        steady.hold_age(session)


def _record_all(answered: list[Answered]) -> None:
    with transaction() as session:
        record(session, answered)


def _give_up_the_old() -> None:
    with transaction() as session:
        for row in queries.give_up_the_old(session):
            _tell_given_up(session, row, state=row.state, error=row.error)


class Sender:
    """One sender: claims, sends `at_once` chunks side by side, records. `stop()` lets it finish what is on its way.

    It takes what goes out by its `channel` and nothing else.
    """

    def __init__(self, line: Carrier, *, at_once: int | None = None, channel: str = "line") -> None:
        """Nothing is claimed before `run`."""
        self._line = line
        self._channel = channel
        self._at_once = at_once or settings().line.at_once
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._has_more = False
        self._answers: asyncio.Queue[Answered] = asyncio.Queue()
        self._on_their_way: dict[asyncio.Task[None], str] = {}
        self._threads = ThreadPoolExecutor(max_workers=3, thread_name_prefix="outbox")

    def stop(self) -> None:
        """Nothing more is claimed; what is on its way is answered and recorded before `run` returns."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """The outbox is sent until `stop()`."""
        listener = asyncio.create_task(self._listen())
        recorder = asyncio.create_task(self._record())
        old = asyncio.create_task(self._now_and_then(_give_up_the_old, every_s=GIVE_UP_EVERY_S))
        age = asyncio.create_task(self._now_and_then(_hold_age, every_s=LOOK_AT_CLOCK_EVERY_S))
        try:
            while not self._stopping.is_set():
                await self._claim_and_send()
            if self._on_their_way:
                await asyncio.wait(list(self._on_their_way))
            await self._answers.join()
        finally:
            for task in (listener, recorder, old, age, *self._on_their_way):
                task.cancel()
            self._threads.shutdown(wait=False)

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, functools.partial(work, *arguments))

    async def _claim_and_send(self) -> None:
        self._wake.clear()
        free = self._at_once - len(self._on_their_way)
        claim = Claim([], is_short_of_tokens=False, is_short_of_room=True)
        if free > 0:
            try:
                claim = await self._in_thread(_claim, free, self._most_of(), self._channel)
            except sa.exc.DBAPIError as exc:
                log.error("outbox.database_away", error=type(exc).__name__)
                await asyncio.sleep(DATABASE_RETRY_S)
                return
        self._has_more = claim.is_short_of_room
        for chunk in claim.chunks:
            task = asyncio.create_task(self._send(chunk))
            self._on_their_way[task] = chunk.kind
            task.add_done_callback(self._make_room)
        wait_s = CLOSED_WAIT_S if claim.is_closed else min(POLL_S, settings().line.lease_s / 2)
        if claim.is_short_of_tokens:
            wait_s = TOKEN_WAIT_S
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), wait_s)
        if not self._has_more:
            await asyncio.sleep(GATHERED_S)

    def _most_of(self) -> dict[str, int]:
        """How many more of each kind: a slow LINE must not let an alert keep every answer waiting, nor the reverse."""
        busy = Counter(self._on_their_way.values())
        most = self._at_once - self._at_once // 4
        return {kind: max(0, most - busy[kind]) for kind in KINDS}

    def _make_room(self, task: asyncio.Task[None]) -> None:
        del self._on_their_way[task]
        if self._has_more:
            self._wake.set()

    async def _send(self, chunk: Claimed) -> None:
        body = outbox.body_of(chunk.kind, chunk.subject, chunk.to, chunk.messages)
        answer = await self._line.send(chunk.kind, body, retry_key=str(chunk.retry_key))
        outcome = rules.outcome(answer, kind=chunk.kind, attempts=chunk.attempts)
        if outcome.state != "accepted":
            log.warning("outbox.not_accepted", chunk=chunk.id, status=answer.status, then=outcome.state)
        await self._answers.put(Answered(chunk, outcome))

    async def _record(self) -> None:
        while True:
            answered = [await self._answers.get()]
            await asyncio.sleep(RECORD_AFTER_S)  # What LINE answers meanwhile shares the transaction and its news.
            while not self._answers.empty() and len(answered) < RECORD_AT_ONCE:
                answered.append(self._answers.get_nowait())
            try:
                await self._in_thread(_record_all, answered)
            except sa.exc.SQLAlchemyError as exc:
                # The leases run out and the same keys are sent again: LINE answers 409, and that is recorded.
                log.error("outbox.not_recorded", chunks=len(answered), error=type(exc).__name__)
            for one in answered:
                self._answers.task_done()
                if one.outcome.state == "queued":
                    asyncio.get_running_loop().call_later(one.outcome.wait_s + 0.005, self._wake.set)

    async def _now_and_then(self, work: Callable[[], None], *, every_s: float) -> None:
        while True:
            with contextlib.suppress(sa.exc.DBAPIError):
                await self._in_thread(work)
            await asyncio.sleep(every_s)

    def _hears(self) -> str:
        return outbox.CHANNEL if self._channel == "line" else outbox.REHEARSED_CHANNEL

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(database_url(), autocommit=True) as connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._hears())))
                    async for _ in connection.notifies():
                        self._wake.set()
            except psycopg.OperationalError as exc:
                log.warning("outbox.not_listening", error=type(exc).__name__)
            await asyncio.sleep(DATABASE_RETRY_S)


def run() -> None:
    """The outbox is sent until this process is asked to stop (SIGTERM, SIGINT)."""
    asyncio.run(serve())


def run_exercises() -> None:
    """What exercises send goes out by their own token until this process is asked to stop.

    The live token is not there: neither in this process's environment nor in its settings. Raises SetupError without
    LINE_EXERCISE_TOKEN.
    """
    os.environ.pop("LINE_CHANNEL_ACCESS_TOKEN", None)
    os.environ["LINE_MODE"] = "exercise"
    asyncio.run(serve_exercises())


async def serve() -> None:
    """The outbox is sent until the process is asked to stop; raises NotLiveError where it must not send at all.

    Beside it, the blackhole takes what is rehearsed.
    """
    async with LineSender() as line:
        await _until_asked_to_stop(Sender(line), Sender(Blackhole(), channel="blackhole"))


async def serve_exercises() -> None:
    """What exercises send is sent, by whatever token this process's settings have."""
    async with LineSender() as line:
        await _until_asked_to_stop(Sender(line, channel="exercise"))


async def _until_asked_to_stop(*senders: Sender) -> None:
    def stop() -> None:
        for sender in senders:
            sender.stop()

    loop = asyncio.get_running_loop()
    with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):  # Only a main thread may listen.
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, stop)
    log.info("outbox.sender_started", senders=len(senders))
    await asyncio.gather(*(sender.run() for sender in senders))
