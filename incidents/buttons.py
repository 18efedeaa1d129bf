"""Buttons: of a report being told, and those that are no part of one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from incidents import aftertalk, afterwards, fading, keeping, queries, rules, talk
from incidents.conversation import Say, Tap
from incidents.speaking import ANSWER_PRIORITY, Speaker, say, send, who


def is_ours(data: str) -> bool:
    """The button is one of this room's."""
    return data.partition(":")[0] in {"report", "help", "incident", "mine"}


def answer_button(session: Session, speaker: Speaker, data: str) -> None:
    """A button was pressed: of the report being told, an alert's cry for help, or of a finished incident."""
    verb, _, rest = data.partition(":")
    if verb in {"report", "help"}:
        talk.take_turn(session, speaker, Tap(data))
    elif verb == "incident":
        _answer_about(session, speaker, rest)
    elif (pressed := afterwards.pressed(data)) is not None:
        messages = aftertalk.answer_button(session, who(speaker), pressed)
        send(session, speaker, messages, priority=ANSWER_PRIORITY)


def _answer_about(session: Session, speaker: Speaker, rest: str) -> None:
    """A button under a message about an incident: the question is answered, or the finished work is judged."""
    said, _, incident_id_text = rest.partition(":")
    if not incident_id_text.isdecimal() or len(incident_id_text) > rules.LONGEST_ID:
        return
    incident_id = int(incident_id_text)
    if said in {"still", "gone", "worse"}:
        has_counted = queries.is_reporter(session, incident_id, speaker.resident_id) and fading.answer(
            session, incident_id, speaker.resident_id, said
        )
        say(session, speaker, [Say(f"still-thanks-{said}" if has_counted else "answer-late")], {}, {})
    elif said == "answer":
        is_awaited = keeping.await_answer(session, incident_id, speaker.resident_id)
        say(session, speaker, [Say("answer-write" if is_awaited else "answer-late")], {}, {})
    else:
        messages = aftertalk.judge(session, who(speaker), said, incident_id)
        if messages is not None:
            send(session, speaker, messages, priority=ANSWER_PRIORITY)
