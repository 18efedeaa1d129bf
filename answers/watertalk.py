"""The water at a resident's home, asked on LINE: answered with what the pictures say of that one place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from answers import handing, queries, rules, watercards, wording
from core import clock, sealing
from flood.at_place import water_at
from gis.points import LonLat
from incidents.speaking import ANSWER_PRIORITY, Speaker
from line import outbox
from residents import queries as residents_queries

SUBJECT = "answers"


def answer(session: Session, speaker: Speaker, text: str, *, now: datetime) -> None:
    """The resident has heard what is known of the water at their home, or has been asked for a pin."""
    question = handing.note_question(session, speaker.resident_id, text, now=now)
    home = residents_queries.home_of(session, speaker.resident_id)
    if home is None:
        _say(session, speaker, watercards.ask_place(question.id, speaker.language))
        return
    water = water_at(session, home, now=now)
    _say(session, speaker, watercards.water(water, "home", question.id, speaker.language, now=now))


def hear_place(session: Session, speaker: Speaker, place: LonLat) -> bool:
    """True where the resident had just asked of the water, and has heard it for this place. It is not kept."""
    now = clock.now()
    question = queries.newest_question_of(session, speaker.resident_id, after=now - rules.PIN_ANSWERS_FOR)
    if question is None or question.text_sealed is None or question.article_version_id is not None:
        return False
    if not wording.asks_of_water_at_home(wording.beginning(sealing.unseal(bytes(question.text_sealed)))):
        return False
    water = water_at(session, place, now=now)
    _say(session, speaker, watercards.water(water, "pin", question.id, speaker.language, now=now))
    return True


def _say(session: Session, speaker: Speaker, message: dict[str, Any]) -> None:
    outbox.reply(
        session, subject=SUBJECT, reply_token=speaker.reply_token, line_user_id=speaker.line_user_id,
        messages=[message], priority=ANSWER_PRIORITY,
    )
