"""Groups and rooms: nothing said there is a report or answered, but for a cry for help."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.events import subscribes
from incidents import cards, group_calls, talk
from incidents.speaking import EMERGENCY_PRIORITY, Speaker
from line import messages as line_messages
from line import outbox
from line.events import CriedInGroup, JoinedGroup, open_line_user
from residents import queries as residents_queries

GREETING_PRIORITY = 3
LANGUAGE = "th"  # Of everybody in a group nobody knows the language; the emergency numbers are read in any.


@subscribes(JoinedGroup, by="incidents.greet_group")
def greet_group(session: Session, event: JoinedGroup) -> None:
    """The group has read once that reports are told in a private chat."""
    message = line_messages.text(cards.say("group-greeting", LANGUAGE))
    outbox.enqueue(
        session, subject="group", kind="reply", to=[event.reply_token], messages=[message], priority=GREETING_PRIORITY
    )


@subscribes(CriedInGroup, by="incidents.hear_cry_in_group")
def hear_cry_in_group(session: Session, event: CriedInGroup) -> None:
    """The group sees the emergency numbers and nothing of anybody; a member's cry is acted on as in their own chat.

    That opens a rescue where they were last or at home, or asks them, alone, where they are. Of whom the city does not
    know, or cannot reach, an officer hears: without a place and a person there is nobody to send.
    """
    if event.reply_token is not None:
        card = cards.emergency_card(cards.say("group-cry", LANGUAGE), language=LANGUAGE, quick=None)
        outbox.enqueue(
            session, subject="group", kind="reply", to=[event.reply_token], messages=[card], priority=EMERGENCY_PRIORITY
        )
    line_user_id = open_line_user(event.line_user_id_sealed) if event.line_user_id_sealed is not None else ""
    resident = residents_queries.by_line_user(session, line_user_id) if line_user_id else None
    if resident is None or not resident.is_reachable:
        group_calls.note(session, event)
        return
    speaker = Speaker(resident.id, line_user_id, resident.language, reply_token=None, spoke_at=event.happened_at)
    talk.take_turn(session, speaker, event.text)
