"""Each resident once, whatever happens on the way: the stand-in's delivery log is the oracle."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core import clock
from core.db import transaction
from core.events import EventRecord
from core.settings import LineSettings
from line import messages, outbox, queries, rules
from line.client import LineSender
from line.errors import NotLiveError, UnfitMessageError
from line.models import OutboxChunk, SendBucket
from line.sender import Sender

if TYPE_CHECKING:
    from tests.line.conftest import StandinServer

HELLO = [messages.text("น้ำจะท่วม")]


def enqueue(to: list[str], *, subject: str = "alert:1", kind: str = "multicast", priority: int = 0) -> list[int]:
    with transaction() as session:
        return [
            outbox.enqueue(
                session, subject=subject, kind=kind, to=to[i : i + 500], messages=HELLO, priority=priority
            )
            for i in range(0, len(to), 500)
        ]


def send_all(*, limit_s: float = 30, attempt_limit_s: float = 6.0, at_once: int = 12) -> None:
    """One sender has run until nothing is open."""

    async def whole() -> None:
        async with LineSender(attempt_limit_s=attempt_limit_s) as line:
            sender = Sender(line, at_once=at_once)
            running = asyncio.create_task(sender.run())
            deadline = time.monotonic() + limit_s
            while await asyncio.to_thread(is_open) and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            sender.stop()
            await running

    asyncio.run(whole())


def is_open() -> bool:
    with transaction() as session:
        return session.scalar(sa.select(sa.exists().where(OutboxChunk.state.in_(["queued", "sending"])))) is True


def chunks() -> list[OutboxChunk]:
    with transaction() as session:
        return list(session.scalars(sa.select(OutboxChunk).order_by(OutboxChunk.id)))


def events_named(name: str) -> list[dict[str, Any]]:
    with transaction() as session:
        return list(session.scalars(sa.select(EventRecord.payload).where(EventRecord.name == name)))


def told_accepted() -> list[int]:
    """The chunks that the rooms above were told of."""
    return [chunk_id for fact in events_named("line.chunks_accepted") for chunk_id in fact["chunk_ids"]]


def once(to: list[str]) -> Counter[str]:
    return Counter(dict.fromkeys(to, 1))


def test_everybody_once_and_told_upwards(standin: StandinServer) -> None:
    """Accepted chunks carry LINE's request id and both times, and each is told upwards once."""
    to = standin.register(1200)
    ids = enqueue(to)
    send_all()
    assert standin.told() == once(to)
    assert [(c.state, c.attempts, c.request_id is not None) for c in chunks()] == [("accepted", 1, True)] * 3
    facts = events_named("line.chunks_accepted")
    assert sorted(told_accepted()) == ids
    assert sum(f["recipient_count"] for f in facts) == 1200


@pytest.mark.parametrize(
    "fault", ["error_500_before", "error_500_after", "reset", "reset_after", "accept_then_timeout"]
)
def test_lost_answers_double_nothing(fault: str, standin: StandinServer) -> None:
    """An answer lost before or after LINE took the chunk: the same key goes again, and 409 is success."""
    to = standin.register(2500)
    standin.break_next(fault, count=3)
    ids = enqueue(to)
    send_all(attempt_limit_s=0.7)
    assert standin.told() == once(to)
    assert {c.state for c in chunks()} == {"accepted"}
    assert all(c.request_id for c in chunks())
    assert sorted(told_accepted()) == ids


def test_slow_answers_are_waited_for(standin: StandinServer) -> None:
    """An answer that is slow but within the limit is one attempt."""
    to = standin.register(10)
    standin.break_next("slow_ms", ms=600)
    enqueue(to)
    send_all(attempt_limit_s=3)
    assert [(c.state, c.attempts) for c in chunks()] == [("accepted", 1)]


def test_senders_killed_at_random_moments(
    standin: StandinServer, sender_process: Callable[[], subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 of senders in the middle of a send, two at a time: every resident once, nobody else."""
    to = standin.register(10_000)
    standin.break_next("slow_ms", count=15, ms=300)
    chance = random.Random(7)
    ids = enqueue(to)
    victims = [sender_process() for _ in range(2)]
    deadline = time.monotonic() + 15
    while len(standin.told()) < 500 and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(chance.random() * 0.1)
    for victim in victims:
        victim.kill()
        victim.wait()
    time.sleep(0.2)  # The database may still be finishing what the dead had asked for.
    with transaction() as session:  # The leases of the dead run out after 10 s; the test does not wait for that.
        session.execute(sa.update(OutboxChunk).values(lease_until_wall_at=clock.wall_now() - timedelta(seconds=1)))
    send_all()
    assert standin.told() == once(to)
    assert {c.state for c in chunks()} == {"accepted"}
    assert sorted(told_accepted()) == ids


def test_the_sender_process_wakes_at_once(
    standin: StandinServer, sender_process: Callable[[], subprocess.Popen[bytes]]
) -> None:
    """From the commit of an enqueued chunk to LINE's acceptance on record passes a fraction of a second."""
    to = standin.register(501)
    sender_process()
    enqueue(to[:1], kind="push")
    while is_open():
        time.sleep(0.01)
    took_ms = []
    for _ in range(8):
        time.sleep(0.05)
        enqueue(to[:500])
        while is_open():
            time.sleep(0.005)
        last = chunks()[-1]
        assert last.accepted_wall_at is not None
        took_ms.append((last.accepted_wall_at - last.created_wall_at).total_seconds() * 1000)
    median_ms = sorted(took_ms)[len(took_ms) // 2]
    print(f"enqueue to accepted: median {median_ms:.0f} ms, worst {max(took_ms):.0f} ms")
    assert median_ms < 300


def test_refusals_are_final(standin: StandinServer) -> None:
    """400 is never retried: the chunk has failed with LINE's words, and the rooms above are told."""
    enqueue(["nobody"])
    send_all()
    (chunk,) = chunks()
    assert (chunk.state, chunk.attempts) == ("failed", 1)
    assert "error(s)" in (chunk.error or "")
    assert [f["state"] for f in events_named("line.chunk_given_up")] == ["failed"]


def test_rate_pauses_all_and_loses_nothing(standin: StandinServer) -> None:
    """429 with the rate's words: all senders pause, then the chunk goes."""
    to = standin.register(1000)
    standin.break_next("rate_429", count=2)
    enqueue(to)
    send_all()
    assert standin.told() == once(to)


def test_quota_stops_all_but_replies(standin: StandinServer) -> None:
    """429 with the quota's words: nothing but replies goes out, an officer is told once; reopening sends the rest."""
    to = standin.register(20)
    standin.admin.post("/quota", json={"limit": 5})
    enqueue(to)
    send_all(limit_s=1.5)
    assert [c.state for c in chunks()] == ["queued"]
    assert len(events_named("line.quota_used_up")) == 1
    token = reply_token(standin, to[0])
    with transaction() as session:
        outbox.reply(session, subject="incident:1", reply_token=token, line_user_id=to[0], messages=HELLO)
    send_all(limit_s=1.5)
    assert [c.state for c in chunks()] == ["queued", "accepted"]
    standin.admin.post("/quota", json={"limit": None})
    with transaction() as session:
        outbox.reopen_quota(session)
    send_all()
    assert standin.told() == once(to) + Counter([to[0]])


def reply_token(standin: StandinServer, user_id: str) -> str:
    answer = standin.admin.post(f"/users/{user_id}/send", json={"type": "text", "text": "สวัสดี"}).json()
    return str(answer["reply_token"])


def test_replies_and_what_follows_a_late_one(standin: StandinServer) -> None:
    """A reply token is good once and for a short time; a reply that comes too late becomes one push."""
    (who,) = standin.register(1)
    token = reply_token(standin, who)
    for _ in range(2):
        with transaction() as session:
            outbox.reply(session, subject="incident:1", reply_token=token, line_user_id=who, messages=HELLO)
        send_all()
    late = reply_token(standin, who)
    standin.admin.post("/clock", json={"advance_s": 3600})
    with transaction() as session:
        outbox.reply(session, subject="incident:1", reply_token=late, line_user_id=who, messages=HELLO)
    send_all()
    assert [(c.kind, c.state) for c in chunks()] == [("reply", "accepted"), ("push", "accepted"), ("push", "accepted")]
    assert standin.told()[who] == 3


def test_a_reply_whose_answer_was_lost_is_never_doubled(standin: StandinServer) -> None:
    """A reply that LINE took but whose answer was lost is unknown, not pushed again."""
    (who,) = standin.register(1)
    standin.break_next("error_500_after", endpoint="reply")
    with transaction() as session:
        outbox.reply(
            session, subject="i:1", reply_token=reply_token(standin, who), line_user_id=who, messages=HELLO
        )
    send_all()
    assert [c.state for c in chunks()] == ["unknown"]
    assert standin.told()[who] == 1


def test_after_23_h_without_an_answer(standin: StandinServer) -> None:
    """A chunk 23 h after its first attempt is unknown and never sent again by itself."""
    to = standin.register(1)
    enqueue(to)
    with transaction() as session:
        session.execute(
            sa.update(OutboxChunk).values(
                state="sending",
                attempts=4,
                first_attempt_wall_at=clock.wall_now() - timedelta(hours=23, minutes=1),
                lease_until_wall_at=clock.wall_now() - timedelta(hours=1),
            )
        )
    send_all(limit_s=3)
    assert [c.state for c in chunks()] == ["unknown"]
    assert standin.told() == Counter()
    assert [f["state"] for f in events_named("line.chunk_given_up")] == ["unknown"]


def test_danger_goes_first(standin: StandinServer) -> None:
    """Where chunks wait, those of priority 0 go before the rest, whatever the order in which they came."""
    to = standin.register(3)
    enqueue(to[:1], priority=2, kind="push", subject="incident:1")
    enqueue(to[1:2], priority=1, kind="push", subject="alert:2")
    enqueue(to[2:], priority=0, kind="push", subject="alert:3")
    send_all(at_once=1)
    order = sorted(chunks(), key=lambda c: c.first_attempt_wall_at or clock.wall_now())
    assert [c.priority for c in order] == [0, 1, 2]


def test_two_claims_never_share_a_chunk(database: sa.Engine) -> None:
    """A leased chunk is nobody else's until its lease ends; the bucket lets no more through than it holds."""
    enqueue([f"U{n:032x}" for n in range(20_000)])
    with transaction() as session:
        first = queries.claim(session, most=10)
    with transaction() as session:
        second = queries.claim(session, most=100)
    taken = [c.id for c in first.chunks + second.chunks]
    assert len(taken) == len(set(taken))
    assert len(first.chunks) == 10
    assert 10 <= len(second.chunks) <= 30  # 25 tokens of burst, less 10, and what the moment between has filled.
    assert second.is_short_of_tokens
    with transaction() as session:
        assert session.scalar(sa.select(SendBucket.tokens)) < 1.0  # type: ignore[operator]  # the row is there


def test_answers_do_not_wait_behind_an_alert(database: sa.Engine) -> None:
    """LINE counts each kind by itself: while multicasts have used up their rate, replies and pushes still go out."""
    enqueue([f"U{n:032x}" for n in range(20_000)])
    with transaction() as session:
        assert len(queries.claim(session, most=100).chunks) < 30
    enqueue(["token", f"U{1:032x}"], kind="reply", priority=2, subject="conversation")
    enqueue([f"U{1:032x}"], kind="push", priority=2, subject="incident:1")
    with transaction() as session:
        claimed = queries.claim(session, most=100)
    assert {"reply", "push"} <= {chunk.kind for chunk in claimed.chunks}
    assert claimed.is_short_of_tokens


def test_cancelled_chunks_stay(standin: StandinServer) -> None:
    """What was cancelled before its first attempt never goes out."""
    to = standin.register(2)
    enqueue(to[:1], subject="alert:1")
    enqueue(to[1:], subject="alert:2")
    with transaction() as session:
        assert outbox.cancel(session, subject="alert:1") == 1
    send_all()
    assert standin.told() == once(to[1:])


def test_unfit_is_refused_before_it_waits(session: Any) -> None:
    """What LINE would refuse never enters the outbox."""
    someone = [f"U{n:032x}" for n in range(501)]
    unfit: list[dict[str, Any]] = [
        {"kind": "multicast", "to": someone, "messages": HELLO},
        {"kind": "multicast", "to": [], "messages": HELLO},
        {"kind": "multicast", "to": someone[:1] * 2, "messages": HELLO},
        {"kind": "push", "to": someone[:2], "messages": HELLO},
        {"kind": "push", "to": someone[:1], "messages": HELLO * 6},
        {"kind": "push", "to": someone[:1], "messages": [{"type": "text", "text": "ก" * 5001}]},
        {"kind": "smoke", "to": someone[:1], "messages": HELLO},
    ]
    for case in unfit:
        with pytest.raises(UnfitMessageError):
            outbox.enqueue(session, subject="x", priority=0, **case)


def test_recipients_are_sealed(session: Any) -> None:
    """No LINE id stands readable in the outbox."""
    chunk_id = outbox.enqueue(session, subject="x", kind="push", to=["U" + "a" * 32], messages=HELLO, priority=1)
    sealed = session.get_one(OutboxChunk, chunk_id).to_sealed
    assert b"aaaa" not in sealed


def test_same_bytes_on_every_attempt() -> None:
    """The body of a chunk depends on nothing but the chunk, and its unit fits LINE's pattern."""
    twice = [outbox.body_of("multicast", "alert:NST-07", ["a", "b"], HELLO) for _ in range(2)]
    assert twice[0] == twice[1]
    assert outbox.unit_of("alert:NST-07") == "alert_NST_07"
    assert len(outbox.unit_of("x" * 80)) == 30


def test_only_this_machine_unless_live() -> None:
    """Without LINE_LIVE=1 the client refuses every host that is not this machine; live, it refuses plain http."""
    for url in ("https://api.line.me", "http://192.168.1.4:8001", "http://localhost.evil.example"):
        with pytest.raises(NotLiveError):
            LineSender(LineSettings(api_base_url=url))
    with pytest.raises(NotLiveError):
        LineSender(LineSettings(api_base_url="http://api.line.me", is_live=True))


@pytest.mark.parametrize(
    ("status", "message", "state"),
    [
        (200, "", "accepted"),
        (409, "The retry key is already accepted", "accepted"),
        (None, "no answer in time", "queued"),
        (500, "", "queued"),
        (429, "The API rate limit has been exceeded. Try again later.", "queued"),
        (429, "You have reached your monthly limit.", "queued"),
        (429, "some third wording", "queued"),
        (400, "The request body has 1 error(s)", "failed"),
        (401, "Authentication failed", "failed"),
        (403, "Access to this API is not available for your account", "failed"),
        (413, "", "failed"),
    ],
)
def test_what_an_answer_means(status: int | None, message: str, state: str) -> None:
    """Only silence, 5xx and 429 are tried again; 409 is success; a third wording of 429 is taken for the rate."""
    outcome = rules.outcome(rules.Answer(status, message=message), kind="multicast", attempts=1)
    assert outcome.state == state
    assert outcome.is_quota == ("monthly" in message)
    assert (outcome.pause_s > 0) == (status == 429 and not outcome.is_quota)


def test_backoff_grows_to_a_minute() -> None:
    """Waits double from 0.2 s and end at a minute, so that a day of trying stays possible."""
    waits = [rules.backoff_s(n, jitter=1.0) for n in range(1, 30)]
    assert waits[:3] == [0.2, 0.4, 0.8]
    assert waits[-1] == 60.0
    assert waits == sorted(waits)
