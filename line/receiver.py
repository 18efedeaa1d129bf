"""The process that hands on what residents said. Any number may run at once; killing one loses and doubles nothing.

Each piece of work is one person's waiting events, in their order, in one transaction with the mark that they were
handled: what a killed receiver had begun never was, and the next one begins it anew.
"""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, db, events, sealing
from core.logs import get_logger
from line import queries, rules
from line.facts import fact_of
from line.models import InboxEvent

log = get_logger("line")
Tell = Callable[[Session, events.Event], None]

AT_ONCE = 20
LOOK_EVERY_S = 1.0  # For events that wait for their next attempt, and for a wake-up that was lost.
DATABASE_RETRY_S = 1.0
ATTEMPTS = 6
FIRST_WAIT_S, WAIT_GROWS_BY = 1.0, 4.0


def take(session: Session, tell: Tell = events.tell) -> int:
    """What one person said and nobody has heard yet is told, oldest first; how many events that were.

    Each is handled, or waits for its next attempt, or is given up and kept with the error; it never holds up the next.
    Raises what a database raises that is away.
    """
    waiting = queries.waiting_of_one_speaker(session, most=AT_ONCE)
    for kept in waiting:
        error = _told(session, kept, tell)
        if error is None:
            kept.handled_at = clock.now()
        else:
            _put_off(kept, error)
    session.flush()
    return len(waiting)


def _told(session: Session, kept: InboxEvent, tell: Tell) -> str | None:
    try:
        fact = _fact_of(kept)
        if fact is None:
            log.info("inbox.passed_over", event_type=kept.event_type)
            return None
        with session.begin_nested():
            tell(session, fact)
    except Exception as exc:  # One odd event must not hold up those behind it; it stays kept.
        if db.is_away(exc):
            raise
        log.exception("inbox.not_handed_on", event_type=kept.event_type)
        return type(exc).__name__
    return None


def _put_off(kept: InboxEvent, error: str) -> None:
    kept.attempts += 1
    kept.error = error
    kept.not_before_wall_at = clock.wall_now() + timedelta(
        seconds=FIRST_WAIT_S * WAIT_GROWS_BY ** (kept.attempts - 1)
    )
    if kept.attempts >= ATTEMPTS:
        log.error("inbox.given_up", event_type=kept.event_type, error=error)
        kept.handled_at = clock.now()


def _fact_of(kept: InboxEvent) -> events.Event | None:
    event = json.loads(sealing.unseal(kept.raw_sealed))
    if not isinstance(event, dict) or event.get("mode") == "standby":
        return None  # In standby another module owns the conversation.
    user_id = rules.line_user_of(event)
    if user_id is None:
        return None
    return fact_of(event, webhook_event_id=kept.webhook_event_id, line_user_id=user_id, happened_at=kept.happened_at)


class Receiver:
    """Serves `at_once` people side by side until `stop()`; what is begun then is finished."""

    def __init__(self, *, at_once: int) -> None:
        """Nobody is served before `run`."""
        self._at_once = at_once
        self._news = threading.Condition()
        self._heard = 0
        self._stopping = False

    def stop(self) -> None:
        """Nobody new is served."""
        self._stopping = True
        self._wake()

    def run(self) -> None:
        """People are served until `stop()`."""
        servers = [threading.Thread(target=self._serve, name=f"receiver {n}") for n in range(self._at_once)]
        threading.Thread(target=self._listen, name="receiver ears", daemon=True).start()
        log.info("inbox.receiver_started")
        for server in servers:
            server.start()
        for server in servers:
            server.join()

    def _serve(self) -> None:
        heard = -1
        while not self._stopping:
            try:
                with db.transaction() as session:
                    told = take(session)
            except sa.exc.SQLAlchemyError as exc:  # Nothing of the piece was done; it is begun anew.
                log.error("inbox.database_away", error=type(exc).__name__)
                self._wait(DATABASE_RETRY_S, heard=self._heard)
                continue
            if not told:
                heard = self._wait(LOOK_EVERY_S, heard=heard)

    def _wait(self, seconds: float, *, heard: int) -> int:
        """The seconds are over, or there is news since the `heard`-th; which news is the newest."""
        with self._news:
            self._news.wait_for(lambda: self._stopping or self._heard != heard, seconds)
            return self._heard

    def _wake(self) -> None:
        with self._news:
            self._heard += 1
            self._news.notify_all()

    def _listen(self) -> None:
        while not self._stopping:
            try:
                with psycopg.connect(db.database_url(), autocommit=True) as connection:
                    connection.execute(f"LISTEN {queries.INBOX_CHANNEL}")
                    for _ in connection.notifies():
                        self._wake()
            except psycopg.Error as exc:
                log.warning("inbox.not_listening", error=type(exc).__name__)
            with self._news:
                self._news.wait_for(lambda: self._stopping, DATABASE_RETRY_S)


def run(*, at_once: int) -> None:
    """People are served until this process is asked to stop (SIGTERM, SIGINT)."""
    receiver = Receiver(at_once=at_once)
    with contextlib.suppress(ValueError):  # Only a main thread may listen.
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: receiver.stop())
    receiver.run()
