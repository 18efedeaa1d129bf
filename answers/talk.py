"""Questions on LINE: answered from an article, or handed to an officer; a report is never taken for one.

No look into the database is spent on words that are plainly a report.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from answers import cards, handing, hearing, index, queries, rules, watertalk, wording
from answers.models import Question
from core import clock, sealing
from incidents import catalogue, conversation, meanings, promise_queries
from incidents import queries as incident_queries
from incidents import talk as reports
from incidents.speaking import ANSWER_PRIORITY, Speaker
from incidents.understood import active_model, understood
from line import outbox

LONGEST_ID = 18
SUBJECT = "answers"
# Steps of a report at which a wish for a person is heard: every word of who is in danger belongs to the incident.
PUT_OFF = ("words", "category", "pin", "confirm")


def hear(session: Session, speaker: Speaker, text: str) -> bool:
    """True where the words are a question, or words to an officer, and have been answered."""
    if catalogue.shipped().emergency.category_of(text) or _is_command(text):
        return False
    kind = hearing.kind_of(text)
    if kind == "report":
        return False
    now = clock.now()
    talking = queries.talking(session, speaker.resident_id, now=now)
    if talking.step in PUT_OFF and talking.draft_key and wording.only_wants_an_officer(wording.beginning(text)):
        handing.hand_over(session, handing.note_question(session, speaker.resident_id, text, now=now), now=now)
        _say(session, speaker, cards.handed_over_meanwhile(speaker.language, talking.draft_key))
        return True
    if talking.step is not None or promise_queries.pause_being_answered(session, speaker.resident_id, now=now):
        return False
    if kind in {"question", "topic"} and wording.asks_of_water_at_home(wording.beginning(text)):
        watertalk.answer(session, speaker, text, now=now)
        return True
    if kind != "broken" and talking.hand_over_id is not None and not wording.only_thanks(text):
        _add(session, speaker, text, now=now)
        return True
    if kind == "long" or meanings.is_small_talk(text):
        return False
    if wording.wants_an_officer(wording.beginning(text)):
        _hand_over(session, speaker, handing.note_question(session, speaker.resident_id, text, now=now), now=now)
        return True
    return _answer(session, speaker, text, kind=kind, now=now)


def _is_command(text: str) -> bool:
    return meanings.asks_for_status(text) or meanings.asks_to_begin(text) or meanings.asks_to_cancel(text)


def _answer(session: Session, speaker: Speaker, text: str, *, kind: rules.Kind, now: datetime) -> bool:
    """True where an article answers, or where a plain question is offered to an officer."""
    base = index.base(session, today=rules.today(now))
    answer = hearing.heard(base, text, kind=kind).answer
    if answer is not None:
        (row,) = queries.versions(session, [base.in_language(answer, speaker.language)])
        question = handing.note_question(session, speaker.resident_id, text, now=now, answered_with=row.version.id)
        _say(session, speaker, cards.article(row, question.id, speaker.language))
        return True
    if kind != "question":
        return False
    question = handing.note_question(session, speaker.resident_id, text, now=now)
    _say(session, speaker, cards.unknown(question.id, speaker.language))
    return True


def _add(session: Session, speaker: Speaker, text: str, *, now: datetime) -> None:
    question = handing.note_question(session, speaker.resident_id, text, now=now)
    handing.hand_over(session, question, now=now)
    _say(session, speaker, cards.added(question.id, speaker.language))


def _hand_over(session: Session, speaker: Speaker, question: Question, *, now: datetime) -> None:
    handing.hand_over(session, question, now=now)
    _say(session, speaker, cards.handed_over(question.id, speaker.language))


# ── Buttons ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_ours(data: str) -> bool:
    """The button is one of this room's."""
    return data.startswith("ask:")


def answer_button(session: Session, speaker: Speaker, data: str) -> None:
    """The button has done what it says; one of an old or a foreign question says so."""
    _, verb, number = (*data.split(":"), "", "")[:3]
    now = clock.now()
    if not (number.isascii() and number.isdecimal() and len(number) <= LONGEST_ID):
        return
    if verb == "end":
        _close(session, speaker, int(number), now=now)
        return
    question = queries.question_of(session, int(number), resident_id=speaker.resident_id)
    if question is None or question.text_sealed is None:
        _say(session, speaker, cards.plain("old-button", speaker.language))
    elif verb in {"yes", "no"}:
        question.has_helped = verb == "yes"
        thanks = cards.plain("helped", speaker.language)
        _say(session, speaker, thanks if verb == "yes" else cards.not_helped(question.id, speaker.language))
    elif verb == "more" and question.article_version_id is not None:
        (row,) = queries.versions(session, [question.article_version_id])
        _say(session, speaker, cards.whole_article(row, question.id, speaker.language))
    elif verb == "officer":
        _hand_over(session, speaker, question, now=now)
    elif verb == "close" and question.hand_over_id is not None:
        _close(session, speaker, question.hand_over_id, now=now)
    elif verb == "report":
        _report(session, speaker, question)


def _close(session: Session, speaker: Speaker, hand_over_id: int, *, now: datetime) -> None:
    """The resident's own open question is closed; any other is left alone, and the presser hears so."""
    open_one = queries.open_hand_over_of(session, speaker.resident_id)
    if open_one is None or open_one.id != hand_over_id:
        _say(session, speaker, cards.plain("old-button", speaker.language))
        return
    handing.close(session, hand_over_id, by=handing.BY_RESIDENT, now=now)
    _say(session, speaker, cards.plain("closed-by-resident", speaker.language))


def _report(session: Session, speaker: Speaker, question: Question) -> None:
    """What was asked was meant as a report: the words begin one as if they had been sent as such; once."""
    if question.has_become_report or question.text_sealed is None:
        _say(session, speaker, cards.plain("old-button", speaker.language))
        return
    question.has_become_report = True
    text = sealing.unseal(bytes(question.text_sealed))
    ranked = understood(session, incident_queries.categories(session), text, model=active_model(session)).codes
    reports.take_turn(session, speaker, conversation.Words(text=text, ranked=ranked))


def _say(session: Session, speaker: Speaker, message: dict[str, Any]) -> None:
    outbox.reply(
        session, subject=SUBJECT, reply_token=speaker.reply_token, line_user_id=speaker.line_user_id,
        messages=[message], priority=ANSWER_PRIORITY,
    )
