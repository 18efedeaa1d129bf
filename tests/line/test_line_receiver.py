"""What residents said is handed on person by person, in order, once, whatever befalls the receiver."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, db
from core.db import transaction
from core.events import Event
from core.settings import ROOT
from incidents import cries
from line import inbox_queries, personal, receiver, webhook
from line.events import MessageReceived
from line.models import InboxEvent

PEOPLE, WORDS = 12, 15


def _accept(session: Session, *given: dict[str, Any]) -> None:
    raw = json.dumps({"destination": "U0", "events": list(given)}).encode()
    webhook.keep(session, [raw], is_urgent=cries.is_cry)


def _said(person: int, word: int) -> dict[str, Any]:
    return {
        "type": "message",
        "mode": "active",
        "timestamp": 1_795_000_000_000 + word,
        "source": {"type": "user", "userId": f"U{person:032x}"},
        "webhookEventId": f"{person}-{word}",
        "replyToken": f"{person}-{word}",
        "message": {"type": "text", "id": f"{person}-{word}", "text": str(word)},
    }


def _ids(facts: list[Event]) -> list[str]:
    return [fact.webhook_event_id for fact in facts if isinstance(fact, MessageReceived)]


def test_a_piece_of_work_is_all_that_so_many_people_said(session: Session) -> None:
    """The one who waited longest first, each in their order; who waits beyond them is served next."""
    _accept(session, _said(2, 2), _said(1, 3), _said(2, 4), _said(1, 1), _said(3, 5))
    heard: list[Event] = []
    assert receiver.take(session, lambda _, fact: heard.append(fact), people=1) == receiver.Served(2, has_more=True)
    assert _ids(heard) == ["1-1", "1-3"]
    assert receiver.take(session, lambda _, fact: heard.append(fact)) == receiver.Served(3, has_more=False)
    assert _ids(heard)[2:] == ["2-2", "2-4", "3-5"]
    assert receiver.take(session, lambda _, fact: heard.append(fact)).count == 0


def test_an_odd_event_undoes_its_piece_and_nobody_is_heard_twice(database: sa.Engine) -> None:
    """Others who share the piece are begun anew without it: what was done for them stands once."""
    with transaction() as session:
        _accept(session, *(_said(person, person) for person in range(1, 6)))

    def tell(inner: Session, fact: Event) -> None:
        inner.execute(sa.text("INSERT INTO webhook_refusal (day, count) VALUES (CAST(:day AS date), 1)"),
                      {"day": f"2026-01-{_ids([fact])[0].split('-')[1].zfill(2)}"})
        if _ids([fact]) == ["3-3"]:
            raise ValueError("odd")

    assert [receiver.serve(tell).count for _ in range(3)] == [1, 4, 0]
    with transaction() as session:
        heard = session.scalars(sa.text("SELECT extract(day FROM day)::int FROM webhook_refusal ORDER BY 1"))
        assert list(heard) == [1, 2, 4, 5]


def test_who_cries_for_help_is_served_first(session: Session) -> None:
    """Emergency words and the help button of an alert overtake everybody, with what that person said before."""
    cry = _said(3, 9) | {"message": {"type": "text", "id": "3-9", "text": "ช่วยด้วย น้ำท่วมถึงคอ"}}
    button = _said(4, 8) | {"type": "postback", "postback": {"data": "help:7"}}
    _accept(session, _said(1, 1), _said(2, 2), _said(3, 3), button, cry)
    order = []
    for _ in range(2):
        heard: list[Event] = []
        receiver.take(session, lambda _, fact, heard=heard: heard.append(fact))  # type: ignore[misc]
        order.append([fact.webhook_event_id for fact in heard])  # type: ignore[attr-defined]
    assert order == [["3-3", "4-8", "3-9"], ["1-1", "2-2"]]


def test_what_cannot_be_handled_holds_up_nothing(database: sa.Engine) -> None:
    """It is tried again later, six times, then kept with its error; its own changes are undone each time."""
    with transaction() as session:
        _accept(session, _said(1, 1), _said(1, 2))
    heard: list[Event] = []

    def tell(inner: Session, fact: Event) -> None:
        heard.append(fact)
        if _ids([fact]) == ["1-1"]:
            inner.execute(sa.text("UPDATE inbox_event SET event_type = 'broken'"))
            raise ValueError("odd")

    for attempt in range(1, receiver.ATTEMPTS + 1):
        assert receiver.serve(tell).count == 1
        assert receiver.serve(tell).count == (1 if attempt == 1 else 0), "the odd one waits"
        with transaction() as session:
            kept = session.get_one(InboxEvent, "1-1")
            assert (kept.attempts, kept.error) == (attempt, "ValueError")
            kept.not_before_wall_at = clock.wall_now() - timedelta(seconds=1)
    assert receiver.serve(tell).count == 0
    assert Counter(_ids(heard)) == {"1-1": receiver.ATTEMPTS, "1-2": 1}
    assert kept.handled_at is not None
    with transaction() as session:
        assert set(session.scalars(sa.select(InboxEvent.event_type))) == {"message"}


def test_what_came_before_an_odd_event_is_done_once(database: sa.Engine) -> None:
    """What was done for a person's earlier words is undone with the odd one's, and done anew: once in the end."""
    with transaction() as session:
        _accept(session, _said(1, 1), _said(1, 2))

    def tell(inner: Session, fact: Event) -> None:
        inner.execute(sa.text("INSERT INTO webhook_refusal (day, count) VALUES ('2026-01-01', 1)"))
        if _ids([fact]) == ["1-2"]:
            raise ValueError("odd")

    assert [receiver.serve(tell).count for _ in range(3)] == [1, 1, 0]
    with transaction() as session:
        assert session.scalar(sa.text("SELECT sum(count) FROM webhook_refusal")) == 1


def test_what_cannot_be_opened_holds_up_nobody(database: sa.Engine) -> None:
    """An event whose seal is broken is put off like any odd one, of somebody who sends very much too."""
    with transaction() as session:
        _accept(session, *(_said(1, word) for word in range(70)))
        for broken in ("1-0", "1-69"):
            session.get_one(InboxEvent, broken).raw_sealed = b"broken"
        _accept(session, _said(2, 100))
    heard: list[Event] = []
    while receiver.serve(lambda _, fact: heard.append(fact)).count:
        pass
    assert "2-100" in _ids(heard)
    with transaction() as session:
        put_off = session.scalars(sa.select(InboxEvent.webhook_event_id).where(InboxEvent.error.is_not(None)))
        assert set(put_off) == {"1-0", "1-69"}


def test_two_receivers_never_serve_one_person(database: sa.Engine) -> None:
    """While one serves a person, another hears nothing of them, later words neither; then it goes on in order."""
    with transaction() as session:
        _accept(session, _said(1, 1))
    heard: list[Event] = []
    with transaction() as one:
        assert receiver.take(one, lambda _, fact: heard.append(fact)).count == 1
        with transaction() as session:
            _accept(session, _said(1, 2))
        with transaction() as two:
            assert receiver.take(two, lambda _, fact: heard.append(fact)).count == 0
    with transaction() as two:
        assert receiver.take(two, lambda _, fact: heard.append(fact)).count == 1
    assert _ids(heard) == ["1-1", "1-2"]


def test_who_forgets_waits_for_those_who_hear(database: sa.Engine) -> None:
    """Erasing a person waits until what they said last has been handed on; until it ends nobody hears of them."""
    with transaction() as session:
        _accept(session, _said(1, 1))
    done: list[str] = []

    def forget() -> None:
        with transaction() as session:
            personal.hold(session, f"U{1:032x}")
            done.append("held")

    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction() as session:
            assert receiver.take(session, lambda _session, _fact: None).count == 1
            forgetting = pool.submit(forget)
            with pytest.raises(TimeoutError):
                forgetting.result(timeout=0.5)
            done.append("heard")
        forgetting.result(timeout=10)
    assert done == ["heard", "held"]
    with transaction() as holder:
        personal.hold(holder, f"U{1:032x}")
        with transaction() as session:
            _accept(session, _said(1, 2))
        with transaction() as session:
            assert receiver.take(session, lambda _session, _fact: None).count == 0


_HEARS = """
import sqlalchemy as sa
from core.events import subscribes
from line import receiver
from line.events import MessageReceived, open_line_user

@subscribes(MessageReceived, by="tests.write_down")
def write_down(session, event):
    who = open_line_user(event.line_user_id_sealed)
    session.execute(sa.text("INSERT INTO heard (who, word) VALUES (:who, :word)"), {
        "who": who, "word": int(event.message["text"])
    })
    session.execute(sa.text("SELECT pg_sleep(0.004)"))

receiver.run(at_once=3)
"""


@pytest.fixture
def heard(database: sa.Engine) -> Iterator[None]:
    with transaction() as session:
        session.execute(sa.text("CREATE TABLE heard (id bigserial, who text, word int)"))
    yield
    with transaction() as session:
        session.execute(sa.text("DROP TABLE heard"))


def test_every_notice_is_understood(database: sa.Engine) -> None:
    """New events, a call to look again and a person who is forgotten each wake somebody: none ends the listening."""
    with psycopg.connect(db.database_url(), autocommit=True) as ears:
        ears.execute(f"LISTEN {inbox_queries.INBOX_CHANNEL}")
        with transaction() as session:
            _accept(session, _said(1, 1), _said(2, 1))
        with transaction() as session:
            inbox_queries.wake_receivers(session)
        with transaction() as session:
            personal.forget_letters(session, f"U{1:032x}", until=None)
        notices = list(ears.notifies(timeout=10, stop_after=3))
    assert [receiver.news_in(notice.payload) for notice in notices] == [2, 1, 1]


def test_killed_receivers_lose_and_double_nothing(heard: None) -> None:
    """Receivers get SIGKILL again and again while people speak, a fifth of it delivered twice, out of order."""
    running = [_start(), _start()]
    accepting = threading.Thread(target=_speak)
    accepting.start()
    try:
        deadline = time.monotonic() + 60
        kills = 0
        while _waiting() or accepting.is_alive():
            assert time.monotonic() < deadline
            time.sleep(1.0)
            if kills < 3:
                victim = running.pop(0)
                victim.kill()
                victim.wait()
                running.append(_start())
                kills += 1
    finally:
        accepting.join()
        for process in running:
            process.kill()
            process.wait()
    with transaction() as session:
        rows = session.execute(sa.text("SELECT who, word FROM heard ORDER BY id")).all()
    assert kills == 3
    assert Counter((who, word) for who, word in rows) == Counter(
        (f"U{person:032x}", word) for person in range(PEOPLE) for word in range(WORDS)
    )


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _HEARS], cwd=ROOT)


def _speak() -> None:
    for word in range(WORDS):
        for person in range(PEOPLE):
            with transaction() as session:
                _accept(session, _said(person, word))
                if person % 5 == 0:
                    _accept(session, _said(person, word), _said(person, max(0, word - 2)))
            time.sleep(0.02)


def _waiting() -> int:
    with transaction() as session:
        waiting = sa.select(sa.func.count()).select_from(InboxEvent).where(InboxEvent.handled_at.is_(None))
        return session.scalar(waiting) or 0
