"""The process that hands on what residents said. Any number may run at once; killing one loses and doubles nothing.

Each piece of work is what a few people have said, each in their order, in one transaction with the mark that it was
handled: what a killed receiver had begun never was, and the next one begins it anew. The more people wait the more of
them share a piece, and the less each costs.
"""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, db, events, sealing
from core.logs import get_logger
from line import inbox_queries, pace, rules
from line.events import SpeakerHeld, seal_line_user
from line.facts import fact_of, group_fact_of
from line.models import InboxEvent

log = get_logger("line")
_counter = pace.Counter()
Tell = Callable[[Session, events.Event], None]

AT_ONCE = 20
PEOPLE_AT_ONCE = 8  # Each is answered when the last of them is.
LOOK_EVERY_S = 0.5  # For events that wait for their next attempt, and where who is at work is held up.
DATABASE_RETRY_S = 1.0
ATTEMPTS = 6
FIRST_WAIT_S, WAIT_GROWS_BY = 1.0, 4.0


class NotHandedOnError(Exception):
    """An event could not be handed on: what was done for it, and for those before it, is undone with its transaction.

    `webhook_event_id` says which, `error` is the name of what happened.
    """

    def __init__(self, webhook_event_id: str, error: str) -> None:
        """It is to be put off."""
        super().__init__(error)
        self.webhook_event_id, self.error = webhook_event_id, error


@dataclass(frozen=True)
class Served:
    """How many events one piece of work was, and whether others were waiting when it ended."""

    count: int
    has_more: bool


NOBODY = Served(0, has_more=False)


def serve(tell: Tell = events.tell) -> Served:
    """One piece of work, in a transaction of its own: what a few people said is handed on.

    An event that cannot be handed on waits for its next attempt, or is given up and kept with the error, and all others
    of its piece are begun anew: it never holds them up. Raises what a database raises that is away.
    """
    try:
        with db.transaction() as session:
            return take(session, tell)
    except NotHandedOnError as fault:
        with db.transaction() as session:
            _put_off(session.get_one(InboxEvent, fault.webhook_event_id, with_for_update=True), fault.error)
        return Served(1, has_more=True)


def take(session: Session, tell: Tell = events.tell, *, people: int = PEOPLE_AT_ONCE) -> Served:
    """What a few people said and nobody has heard yet is told, oldest first; a cry for help before all others.

    Raises NotHandedOnError, and what a database raises that is away; either way the transaction is to be rolled back.
    """
    waiting = inbox_queries.spoken(session, people=people, most=AT_ONCE)
    if not waiting:
        return NOBODY
    for kept in waiting:
        _hand_on(session, kept, tell)
    ids = [kept.webhook_event_id for kept in waiting]
    return Served(len(waiting), has_more=inbox_queries.note_handled(session, ids, at=clock.now()))


def _is_held(session: Session, kept: InboxEvent, tell: Tell) -> bool:
    """The person sends more than anybody tells: the event is kept as it is, and they hear of it once."""
    found = pace.held(session, kept)
    if found is None:
        return False
    event = json.loads(sealing.unseal(kept.raw_sealed))
    user_id = rules.line_user_of(event)
    if found.is_news and user_id is not None:
        log.warning("inbox.person_held")
        token = event.get("replyToken")
        try:
            with session.begin_nested():
                tell(session, SpeakerHeld(seal_line_user(user_id), token if isinstance(token, str) else None))
        except Exception as exc:  # What is held stays held, whatever befalls the word about it.
            if db.is_away(exc):
                raise
            log.exception("inbox.held_untold")
    return True


def _hand_on(session: Session, kept: InboxEvent, tell: Tell) -> None:
    """The event is told, or held, or passed over."""
    try:
        if _counter.is_fast(kept.user_hash, kept.happened_at) and _is_held(session, kept, tell):
            return
        fact = _fact_of(kept)
        if fact is None:
            log.info("inbox.passed_over", event_type=kept.event_type)
            return
        tell(session, fact)
        session.flush()
    except Exception as exc:  # One odd event must not hold up those behind it; it stays kept.
        if db.is_away(exc):
            raise
        log.exception("inbox.not_handed_on", event_type=kept.event_type)
        raise NotHandedOnError(kept.webhook_event_id, type(exc).__name__) from exc


def _put_off(kept: InboxEvent, error: str) -> None:
    if kept.handled_at is not None:
        return  # Somebody else has meanwhile handed it on.
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
        return group_fact_of(
            event, webhook_event_id=kept.webhook_event_id, line_user_id=rules.user_named_in(event),
            is_urgent=kept.is_urgent, happened_at=kept.happened_at,
        )
    return fact_of(event, webhook_event_id=kept.webhook_event_id, line_user_id=user_id, happened_at=kept.happened_at)


def news_in(payload: str) -> int:
    """How many new events a notice tells of; one that only asks to look again counts as one."""
    return int(payload) if payload else 1


class Receiver:
    """Serves at most `at_once` pieces side by side until `stop()`; what is begun then is finished.

    One serves, piece after piece, for as long as it keeps up: more of them would wait for each other's turn in this
    process. The others look twice a second whether it does.
    """

    def __init__(self, *, at_once: int) -> None:
        """Nobody is served before `run`."""
        self._at_once = at_once
        self._news = threading.Condition()
        self._arrived = self._looked = self._at_work = 0
        self._stopping = False

    def stop(self) -> None:
        """Nobody new is served."""
        self._stopping = True
        with self._news:
            self._news.notify_all()

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
        with self._news:
            self._at_work += 1
        while not self._stopping:
            arrived = self._arrived
            try:
                has_more = serve().has_more
            except sa.exc.SQLAlchemyError as exc:  # Nothing of the piece was done; it is begun anew.
                log.error("inbox.database_away", error=type(exc).__name__)
                time.sleep(DATABASE_RETRY_S)
                continue
            if not has_more:
                self._wait(arrived)

    def _wait(self, looked: int) -> None:
        """There is news that nobody has looked for since the `looked`-th, or it is time to look without."""
        with self._news:
            self._looked = max(self._looked, looked)
            self._at_work -= 1
            self._news.wait_for(lambda: self._stopping or self._arrived > self._looked, LOOK_EVERY_S)
            self._at_work += 1

    def _wake(self, news: int) -> None:
        """Somebody looks: who is at work once it is done, or one who waits."""
        with self._news:
            self._arrived += news
            if not self._at_work:
                self._news.notify()

    def _listen(self) -> None:
        while not self._stopping:
            try:
                with psycopg.connect(db.database_url(), autocommit=True) as connection:
                    connection.execute(f"LISTEN {inbox_queries.INBOX_CHANNEL}")
                    for notice in connection.notifies():
                        self._wake(news_in(notice.payload))
            except psycopg.Error as exc:
                log.warning("inbox.not_listening", error=type(exc).__name__)
            time.sleep(DATABASE_RETRY_S)


def run(*, at_once: int) -> None:
    """People are served until this process is asked to stop (SIGTERM, SIGINT)."""
    receiver = Receiver(at_once=at_once)
    with contextlib.suppress(ValueError):  # Only a main thread may listen.
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: receiver.stop())
    receiver.run()
