"""Who sends more than anybody tells is held: nothing is lost, nothing answered but once, cries for help pass."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.events import Event
from incidents import cries
from line import pace, receiver, webhook
from line.events import MessageReceived, SpeakerHeld
from line.models import InboxEvent

SHORT = pace.limits().windows[0][1]
START_MS = 1_795_000_000_000


@pytest.fixture(autouse=True)
def nobody_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is the first that this process hears of anybody."""
    monkeypatch.setattr(receiver, "_counter", pace.Counter())


def _said(number: int, *, person: int = 1, text: str = "ก", every_ms: int = 1000) -> dict[str, Any]:
    return {
        "type": "message", "mode": "active", "timestamp": START_MS + number * every_ms,
        "source": {"type": "user", "userId": f"U{person:032x}"}, "webhookEventId": f"{person}-{number}",
        "replyToken": f"t{number}", "message": {"type": "text", "id": str(number), "text": text},
    }  # fmt: skip


def _hear(session: Session, *events: dict[str, Any]) -> list[Event]:
    """What the rooms are told, until nothing waits."""
    raw = json.dumps({"destination": "U0", "events": list(events)}).encode()
    webhook.keep(session, [raw], is_urgent=cries.is_cry)
    heard: list[Event] = []
    while receiver.take(session, lambda _, fact: heard.append(fact)).count:
        pass
    return heard


def _kinds(heard: list[Event]) -> tuple[int, int]:
    return (
        sum(isinstance(fact, MessageReceived) for fact in heard), sum(isinstance(fact, SpeakerHeld) for fact in heard)
    )


def _held(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).where(InboxEvent.held_at.is_not(None))) or 0


def test_a_flood_is_held_and_told_once(session: Session) -> None:
    """As many as anybody tells are heard; of the others one word comes back, and every one is kept as it came."""
    heard = _hear(session, *(_said(number) for number in range(SHORT + 40)))
    assert _kinds(heard) == (SHORT, 1)
    assert _held(session) == 40
    assert session.scalar(sa.select(sa.func.count()).select_from(InboxEvent)) == SHORT + 40


def test_others_are_served_as_ever(session: Session) -> None:
    """Somebody else's flood holds nobody up."""
    heard = _hear(session, *(_said(number) for number in range(SHORT + 5)), _said(0, person=2))
    assert "2-0" in [fact.webhook_event_id for fact in heard if isinstance(fact, MessageReceived)]


def test_a_cry_for_help_passes_and_what_follows_it_too(session: Session) -> None:
    """Whoever floods may be in danger: the cry is heard, and for half an hour everything."""
    _hear(session, *(_said(number) for number in range(SHORT + 5)))
    heard = _hear(session, _said(SHORT + 6, text="ช่วยด้วย ติดอยู่บนหลังคา"), _said(SHORT + 7), _said(SHORT + 8))
    assert _kinds(heard) == (3, 0)


def test_who_calms_down_is_heard_again(session: Session) -> None:
    """The time that counts is LINE's: after a quiet quarter of an hour the next word is a word."""
    _hear(session, *(_said(number) for number in range(SHORT + 5)))
    assert _kinds(_hear(session, _said(SHORT + 5 + 900))) == (1, 0)


def test_what_line_delivers_late_is_no_flood(session: Session) -> None:
    """After an hour without us LINE sends an hour's words at once: they were said one after another."""
    heard = _hear(session, *(_said(number, every_ms=20_000) for number in range(180)))
    assert _kinds(heard) == (180, 0)


def test_slow_and_long_is_a_flood_too(session: Session) -> None:
    """A message every twelve seconds, for an hour, is no person's report."""
    most = pace.limits().windows[1][1]
    heard = _hear(session, *(_said(number, every_ms=12_000) for number in range(most + 20)))
    assert _kinds(heard)[0] == most
    assert _held(session) == 20


def test_coming_and_going_is_never_held(session: Session) -> None:
    """Who unfollows in the middle of a flood is not written to any more."""
    gone = {**_said(SHORT + 9), "type": "unfollow"}
    heard = _hear(session, *(_said(number) for number in range(SHORT + 5)), gone)
    assert type(heard[-1]).__name__ == "Unfollowed"


def test_fifty_photos_and_a_report_are_no_flood(session: Session) -> None:
    """LINE's chooser sends fifty at once; the report that they belong to must still get through."""
    assert _kinds(_hear(session, *(_said(number, every_ms=100) for number in range(57)))) == (57, 0)
