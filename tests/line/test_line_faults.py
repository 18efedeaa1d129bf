"""What becomes of messages while LINE, the clock, the allowance or an officer's mind fail: each with its outcome."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import clock
from core.db import transaction
from core.events import EventRecord
from line import messages, outbox, queries, steady
from line.client import LineSender
from line.models import OutboxChunk
from line.sender import Sender
from tests.line.conftest import StandinServer, standin_at, user

HELLO = [messages.text("น้ำจะท่วม")]
FEW = 10  # Recipients of a chunk: these tests are about chunks.
HOURS = timedelta(hours=1)


def enqueue(to: list[str], *, subject: str = "alert:1", priority: int = 0) -> None:
    """Multicasts of ten wait to go out."""
    with transaction() as session:
        for start in range(0, len(to), FEW):
            outbox.enqueue(
                session, subject=subject, kind="multicast", to=to[start : start + FEW], messages=HELLO,
                priority=priority,
            )  # fmt: skip


def states() -> Counter[str]:
    """How many chunks stand in each state."""
    with transaction() as session:
        return Counter(session.scalars(sa.select(OutboxChunk.state)))


def is_open() -> bool:
    """Something waits or is on its way."""
    return bool(states().keys() & {"queued", "sending"})


def news(name: str) -> list[dict[str, Any]]:
    """What the rooms above were told under this name."""
    with transaction() as session:
        return list(session.scalars(sa.select(EventRecord.payload).where(EventRecord.name == name)))


@contextmanager
def sending(*, at_once: int = 12, attempt_limit_s: float = 3.0) -> Iterator[None]:
    """A sender sends while the block runs; what is then on its way is answered before it ends."""
    is_over = threading.Event()

    async def whole() -> None:
        async with LineSender(attempt_limit_s=attempt_limit_s) as line:
            sender = Sender(line, at_once=at_once)
            running = asyncio.create_task(sender.run())
            while not is_over.is_set():
                await asyncio.sleep(0.02)
            sender.stop()
            await running

    thread = threading.Thread(target=asyncio.run, args=(whole(),))
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def await_that(holds: Callable[[], bool], limit_s: float = 20.0) -> None:
    """It holds within the limit."""
    deadline_s = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def set_clock(by: timedelta) -> None:
    """The database's wall clock has been set by so much: everything it noted lies that much further back."""
    with transaction() as session:
        for table in ("outbox_chunk", "send_bucket", "send_clock"):
            named = sa.text(
                "SELECT column_name FROM information_schema.columns WHERE table_name = :table"
                " AND column_name LIKE '%wall_at'"
            )
            for column in session.scalars(named, {"table": table}).all():
                session.execute(sa.text(f"UPDATE {table} SET {column} = {column} - :by"), {"by": by})  # noqa: S608


def is_tried(*, ago: timedelta, lease_ends_in: timedelta | None = None) -> None:
    """Every chunk was tried that long ago, without an answer; with a lease, by a sender that has died since."""
    now = clock.wall_now()
    with transaction() as session:
        session.execute(
            sa.update(OutboxChunk).values(
                state="queued" if lease_ends_in is None else "sending", attempts=1, first_attempt_wall_at=now - ago,
                lease_until_wall_at=None if lease_ends_in is None else now + lease_ends_in,
            )
        )


def test_line_is_down(database: sa.Engine, standin_port: int, tmp_path: Path) -> None:
    """While nobody answers at LINE's address everything waits as never tried; then everybody is told once."""
    with standin_at(standin_port, tmp_path) as standin:
        to = standin.register(50)
    enqueue(to)
    with sending():
        await_that(lambda: "ConnectError" in errors())
        time.sleep(0.5)
        assert states() == {"queued": 5}
        assert attempts() == {0}
        with standin_at(standin_port, tmp_path) as standin:
            await_that(lambda: not is_open())
            assert standin.told() == Counter(to)


def errors() -> set[str | None]:
    with transaction() as session:
        return set(session.scalars(sa.select(OutboxChunk.error)))


def attempts() -> set[int]:
    """How often the chunks that are not being tried now were tried."""
    with transaction() as session:
        return set(session.scalars(sa.select(OutboxChunk.attempts).where(OutboxChunk.state != "sending")))


def test_called_back_while_line_is_down(database: sa.Engine, standin_port: int, tmp_path: Path) -> None:
    """What never reached LINE can be called back whole: nobody gets yesterday's alarm when LINE is back."""
    enqueue([user(n) for n in range(50)])
    with sending():
        await_that(lambda: "ConnectError" in errors())
        with transaction() as session:
            outbox.cancel(session, subject="alert:1")
        await_that(lambda: not is_open())
    assert states() == {"cancelled": 5}


def test_out_of_reach_for_23_h_has_failed(database: sa.Engine) -> None:
    """An alert that found LINE out of reach for 23 h is too old to go out, and surely went to nobody: it has failed."""
    enqueue([user(1)])
    is_tried(ago=23.1 * HOURS)
    with transaction() as session:
        session.execute(sa.update(OutboxChunk).values(attempts=0))
        assert [row.state for row in queries.give_up_the_old(session)] == ["failed"]


def test_slow_line_keeps_no_answer_waiting(standin: StandinServer) -> None:
    """LINE takes long over an alert's multicasts: who wrote meanwhile is answered before these are through."""
    to = standin.register(400)
    standin.break_next("slow_ms", count=40, ms=500, endpoint="multicast")
    enqueue(to)
    token = standin.admin.post(f"/users/{to[0]}/send", json={"type": "text", "text": "?"}).json()["reply_token"]
    with sending(at_once=8):
        await_that(lambda: states()["sending"] > 0)
        with transaction() as session:
            outbox.reply(session, subject="talk", reply_token=token, line_user_id=to[0], messages=HELLO)
        await_that(lambda: standin.told()[to[0]] > 0 and is_answered())
        assert states()["queued"] >= 10
        await_that(lambda: not is_open())
    assert standin.told() == Counter(to) + Counter([to[0]])


def is_answered() -> bool:
    with transaction() as session:
        return session.scalar(sa.select(OutboxChunk.state).where(OutboxChunk.kind == "reply")) == "accepted"


def test_ordinary_messages_wait_behind_an_alert(standin: StandinServer) -> None:
    """An alert that comes while news goes out overtakes the rest of it."""
    to = standin.register(300)
    standin.break_next("slow_ms", count=100, ms=60, endpoint="multicast")
    enqueue(to[:200], subject="news:1", priority=5)
    with sending(at_once=4):
        await_that(lambda: states()["accepted"] > 0)
        enqueue(to[200:], subject="alert:1")
        await_that(lambda: not is_open())
    with transaction() as session:
        last = {
            subject: session.scalar(
                sa.select(sa.func.max(OutboxChunk.first_attempt_wall_at)).where(OutboxChunk.subject == subject)
            )
            for subject in ("alert:1", "news:1")
        }
        overtaken = session.scalar(
            sa.select(sa.func.count()).where(
                OutboxChunk.subject == "news:1", OutboxChunk.first_attempt_wall_at > last["alert:1"]
            )
        )
    assert overtaken is not None
    assert overtaken >= 5
    assert standin.told() == Counter(to)


def test_allowance_ends_in_mid_send(standin: StandinServer) -> None:
    """429 by the month's allowance in mid-send stops the rest, and the rooms hear it once; reopened, nobody twice."""
    to = standin.register(100)
    standin.admin.post("/quota", json={"limit": 45})
    enqueue(to)
    with sending(at_once=4):
        await_that(lambda: bool(news("line.quota_used_up")) and not states()["sending"])
        time.sleep(0.5)
        assert states() == {"accepted": 4, "queued": 6}
        assert len(news("line.quota_used_up")) == 1
        standin.admin.post("/quota", json={"limit": None})
        with transaction() as session:
            outbox.reopen_quota(session)
        await_that(lambda: not is_open())
    assert standin.told() == Counter(to)


def test_cancel_in_mid_send(standin: StandinServer) -> None:
    """What has not gone stays; what LINE has, and what stays, add up to the audience, and the log says the same."""
    to = standin.register(400)
    standin.break_next("slow_ms", count=100, ms=100, endpoint="multicast")
    enqueue(to)
    with sending(at_once=4):
        await_that(lambda: states()["accepted"] >= 3)
        with transaction() as session:
            stopped = outbox.cancel(session, subject="alert:1")
        await_that(lambda: not is_open())
    assert stopped > 20
    counts = states()
    assert counts.keys() == {"accepted", "cancelled"}
    assert counts.total() == 40
    assert sum(standin.told().values()) == len(standin.told()) == FEW * counts["accepted"]


def test_called_back_is_never_tried_again(standin: StandinServer) -> None:
    """Who was perhaps told is unknown: neither an attempt that waits nor a dead sender's is made once more."""
    to = standin.register(30)
    enqueue(to[:10])
    is_tried(ago=timedelta(minutes=1))
    enqueue(to[10:20], subject="alert:2")
    with transaction() as session:
        assert queries.claim(session, most=2).chunks  # By a sender that dies.
        for subject in ("alert:1", "alert:2"):
            assert outbox.cancel(session, subject=subject) == 0
        session.execute(sa.update(OutboxChunk).values(lease_until_wall_at=clock.wall_now() - timedelta(seconds=1)))
        assert not queries.claim(session, most=2).chunks
    with sending():
        await_that(lambda: not is_open())
    assert states() == {"unknown": 2}
    assert standin.told() == Counter()


@pytest.mark.parametrize("by", [5 * HOURS, -5 * HOURS, 24 * HOURS, -24 * HOURS])
def test_clock_is_set_while_a_sender_is_dead(by: timedelta, standin: StandinServer) -> None:
    """Leases, waits, tokens and pauses are the old clock's: what was tried or not goes out at once, each once."""
    to = standin.register(100)
    enqueue(to)
    with transaction() as session:
        steady.hold_age(session)
        claimed = queries.claim(session, most=3)
        assert len(claimed.chunks) == 3
        queries.close_channel(session, kind="multicast", pause_s=0.5)
        queries.close_quota(session)
        session.execute(
            sa.update(OutboxChunk).where(OutboxChunk.state == "queued").values(not_before_wall_at=clock.wall_now())
        )
    set_clock(by)
    began_s = time.monotonic()
    with sending():
        await_that(lambda: not is_open())
    assert time.monotonic() - began_s < 15
    # After a day forward nobody can say how old the three are: they are unknown, and nobody is told twice.
    unknown = 3 if by > 23 * HOURS else 0
    assert states() == {"accepted": 10 - unknown} | ({"unknown": unknown} if unknown else {})
    assert set(standin.told().values()) == {1}
    assert len(standin.told()) == FEW * (10 - unknown)


def test_clock_set_back_makes_no_attempt_younger(database: sa.Engine) -> None:
    """20 h after its first attempt the clock goes back by 5 h: 3 h later it is given up all the same, not 8 h."""
    enqueue([user(1)])
    is_tried(ago=20 * HOURS)
    with transaction() as session:
        steady.hold_age(session)
    set_clock(-5 * HOURS)
    with transaction() as session:
        assert steady.hold_age(session) == pytest.approx(5 * 3600, abs=5)
        assert queries.give_up_the_old(session) == []
        session.execute(sa.text("DELETE FROM send_clock"))  # The hours that pass are not set.
    set_clock(3.1 * HOURS)
    with transaction() as session:
        assert not queries.claim(session, most=1).chunks
        assert [row.state for row in queries.give_up_the_old(session)] == ["unknown"]


def test_answer_after_the_clock_went_forward_still_counts(standin: StandinServer) -> None:
    """A chunk on its way while the clock jumps a day ahead is given up; LINE's answer makes it accepted after all."""
    to = standin.register(10)
    standin.break_next("slow_ms", ms=1500, endpoint="multicast")
    enqueue(to)
    with sending():
        await_that(lambda: states()["sending"] == 1)
        set_clock(24 * HOURS)
        with transaction() as session:
            assert [row.state for row in queries.give_up_the_old(session)] == ["unknown"]
        await_that(lambda: states() == {"accepted": 1})
    assert standin.told() == Counter(to)


class _Recorder(BaseHTTPRequestHandler):
    """Refuses, hangs up, then takes; and keeps every request as it came."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str | None, bytes]]

    def do_POST(self) -> None:
        self.seen.append((self.headers["X-Line-Retry-Key"], self.rfile.read(int(self.headers["Content-Length"]))))
        if len(self.seen) == 2:
            self.close_connection = True
            return
        self.send_response(500 if len(self.seen) == 1 else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


def test_every_attempt_is_the_same_bytes(database: sa.Engine, standin_port: int) -> None:
    """As LINE sees it: refused, hung up on, taken; one key, one body."""
    seen: list[tuple[str | None, bytes]] = []
    server = ThreadingHTTPServer(("127.0.0.1", standin_port), type("Recorder", (_Recorder,), {"seen": seen}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        enqueue([user(n) for n in range(10)])
        with sending():
            await_that(lambda: not is_open())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert seen[0][0]


def test_a_message_that_nobody_can_open_holds_up_no_other(standin: StandinServer) -> None:
    """Sealed with another key, a chunk ends as failed and says so; the others go out, and the sender goes on."""
    users = standin.register(2 * FEW)
    enqueue(users)
    with transaction() as session:
        first = session.scalar(sa.select(sa.func.min(OutboxChunk.id)))
        strange = b"sealed with another key" * 3
        session.execute(sa.update(OutboxChunk).where(OutboxChunk.id == first).values(to_sealed=strange))
    with sending():
        await_that(lambda: not is_open())
    assert states() == {"failed": 1, "accepted": 1}
    assert standin.told() == Counter(users[FEW:])
    [given_up] = news("line.chunk_given_up")
    assert (given_up["state"], "another key" in given_up["error"]) == ("failed", True)
