"""Whom an officer has blocked from ordinary reports: what they send is held, but for cries for help."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from core import clock
from incidents import cards, catalogue, meanings, promise_queries, queries
from line import outbox, pace
from line.events import MessageReceived, PostbackReceived
from residents import blocking
from residents import cards as residents_cards
from residents.models import Resident

# What begins or adds to a report. Looking at one's reports, taking one back and answering stay open, as do emergencies.
_ORDINARY = ("report:", "mine:add:", "mine:place:", "mine:home:")


def keeps_out(
    session: Session, resident: Resident, line_user_id: str, event: MessageReceived | PostbackReceived
) -> bool:
    """What a blocked resident sent is no emergency, and stands as held; the first time they hear of the block."""
    is_ordinary = (
        _is_ordinary_message(session, resident.id, event.message)
        if isinstance(event, MessageReceived)
        else event.data.startswith(_ORDINARY)
    )
    if not is_ordinary or _is_in_danger(session, resident.id):
        return False
    pace.hold_blocked(session, event.webhook_event_id)
    if resident.blocked_until_at is not None and blocking.must_be_told(session, resident.id):
        until = cards.moment(resident.blocked_until_at, resident.language)
        outbox.reply(
            session, subject="blocked", reply_token=event.reply_token, line_user_id=line_user_id,
            messages=[residents_cards.plain("blocked", resident.language, until=until)],
        )
    return True


def _is_ordinary_message(session: Session, resident_id: int, message: dict[str, Any]) -> bool:
    text = message.get("text")
    if not isinstance(text, str):
        return True
    if catalogue.shipped().emergency.category_of(text) is not None or meanings.asks_for_status(text):
        return False
    return promise_queries.pause_being_answered(session, resident_id, now=clock.now()) is None


def _is_in_danger(session: Session, resident_id: int) -> bool:
    """The resident has cried for help a moment ago: pin, photos and words belong to it."""
    stored = queries.draft_of(session, resident_id, now=clock.now())
    return stored is not None and stored.step == "emergency_pin"
