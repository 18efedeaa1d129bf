"""Who sends more than anybody tells is held: every word kept, none answered, until an officer lets it through.

A count in this process, which costs the database nothing, says whom to look at; the inbox says how much it really was.
"""

from __future__ import annotations

import functools
import threading
import tomllib
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from line.models import InboxEvent

HELD_TYPES = frozenset({"message", "postback"})
# Whom this process heard lately; beyond that the longest silent is forgotten.
MOST_PEOPLE = 20_000


@dataclass(frozen=True)
class Limits:
    """So many messages in so long; and how long a cry for help and a word about holding last."""

    windows: tuple[tuple[timedelta, int], ...]
    told_again_after: timedelta
    cry_passes: timedelta


@functools.cache
def limits() -> Limits:
    """The limits of `data/pace.toml`, shortest time first."""
    found = tomllib.loads((Path(__file__).parent / "data" / "pace.toml").read_text(encoding="utf-8"))
    windows = tuple((timedelta(seconds=w["seconds"]), w["messages"]) for w in (found["short"], found["long"]))
    held = found["held"]
    return Limits(
        windows, timedelta(seconds=held["told_again_after_seconds"]), timedelta(seconds=held["cry_passes_seconds"])
    )


class Counter:
    """Who has sent half of what is too much, as far as this process heard it: several share the people."""

    def __init__(self) -> None:
        """Nobody was heard."""
        self._lock = threading.Lock()
        self._heard: OrderedDict[bytes, deque[datetime]] = OrderedDict()

    def is_fast(self, user_hash: bytes, happened_at: datetime) -> bool:
        """The person is counted once more, and is worth a look into the inbox."""
        with self._lock:
            times = self._heard.setdefault(user_hash, deque(maxlen=limits().windows[-1][1]))
            self._heard.move_to_end(user_hash)
            if len(self._heard) > MOST_PEOPLE:
                self._heard.popitem(last=False)
            times.append(happened_at)
            return any(
                len(times) > most // 2 and happened_at - times[-(most // 2) - 1] < within
                for within, most in limits().windows
            )


@dataclass(frozen=True)
class Held:
    """The event is held; `is_news` where the person has not heard lately that their messages are."""

    is_news: bool


def held(session: Session, kept: InboxEvent) -> Held | None:
    """The event stands as held where its person has sent too much; None where it is to be heard as any other."""
    if kept.event_type not in HELD_TYPES or kept.is_urgent or kept.released_at is not None:
        return None
    now = clock.now()
    if not _is_too_much(session, kept):
        return None
    since = now - limits().told_again_after
    mine = InboxEvent.user_hash == kept.user_hash
    told = session.scalar(sa.select(sa.exists().where(mine, InboxEvent.held_at > since, InboxEvent.held_for == "pace")))
    kept.held_at, kept.held_for = now, "pace"
    session.flush()
    return Held(is_news=not told)


def _is_too_much(session: Session, kept: InboxEvent) -> bool:
    at = kept.happened_at
    is_message = InboxEvent.event_type.in_(HELD_TYPES)
    counts = [
        sa.func.count().filter(is_message, InboxEvent.happened_at > at - within) for within, _ in limits().windows
    ]
    cried = sa.func.count().filter(InboxEvent.is_urgent, InboxEvent.happened_at > at - limits().cry_passes)
    longest = max(limits().windows[-1][0], limits().cry_passes)
    row = session.execute(
        sa.select(cried, *counts).where(
            InboxEvent.user_hash == kept.user_hash, InboxEvent.happened_at <= at, InboxEvent.happened_at > at - longest
        )
    ).one()
    has_cried, *sent = row
    most = [limit for _, limit in limits().windows]
    return not has_cried and any(one > limit for one, limit in zip(sent, most, strict=True))


def hold_blocked(session: Session, webhook_event_id: str) -> None:
    """What somebody sent whom an officer has blocked is kept as it came, and an officer sees how much it is."""
    session.execute(
        sa.update(InboxEvent)
        .where(InboxEvent.webhook_event_id == webhook_event_id)
        .values(held_at=clock.now(), held_for="block", released_at=None)
    )
