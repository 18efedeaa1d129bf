"""Who speaks on LINE, and how they are answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from incidents import aftertalk, cards, telling
from incidents.conversation import Say
from line import outbox

# What one answer to LINE may hold.
MESSAGES_LIMIT = 5
EMERGENCY_PRIORITY = 1
ANSWER_PRIORITY = 2


@dataclass(frozen=True)
class Speaker:
    """Who speaks on LINE, when by LINE's clock, and how to answer: by the reply token while it lives, else by push."""

    resident_id: int
    line_user_id: str
    language: str
    reply_token: str | None
    spoke_at: datetime
    has_news: bool = True  # Something may wait to be told to them; False where it is known that nothing does.


def say(
    session: Session, speaker: Speaker, says: list[Say], slots: dict[str, str | int], names: dict[str, str]
) -> None:
    """The sayings go out as messages in the speaker's language; where one is an emergency's, before other answers."""
    if not says:
        return
    messages = [cards.message(s, language=speaker.language, slots=slots, category_names=names) for s in says]
    is_emergency = any(s.is_emergency for s in says)
    send(session, speaker, messages, priority=EMERGENCY_PRIORITY if is_emergency else ANSWER_PRIORITY)


def send(session: Session, speaker: Speaker, messages: list[dict[str, Any]], *, priority: int) -> None:
    """The answer goes out, and before it, where there is room, what the resident has not heard of yet."""
    has_room = speaker.has_news and len(messages) < MESSAGES_LIMIT and speaker.reply_token is not None
    taken = telling.take_along(session, speaker.resident_id, speaker.language) if has_room else telling.NOTHING
    if not (messages or taken.messages):
        return
    chunk_id = outbox.reply(
        session,
        subject="conversation",
        reply_token=speaker.reply_token,
        line_user_id=speaker.line_user_id,
        messages=[*taken.messages, *messages],
        priority=priority,
    )
    telling.note_taken(session, taken, chunk_id=chunk_id)


def who(speaker: Speaker) -> aftertalk.Who:
    """The speaker as what was sent before knows them."""
    return aftertalk.Who(speaker.resident_id, speaker.language, speaker.spoke_at)
