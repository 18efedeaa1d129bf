"""Questions that go to an officer: handed over, answered once by LINE, closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from answers import cards, queries, rules
from answers.errors import ChangedMeanwhileError, QuestionClosedError
from answers.events import QuestionMoved
from answers.models import HandOver, OfficerAnswer, Question
from core import events, sealing
from line import outbox
from residents import queries as residents_queries
from residents.models import Resident
from staff.rules import AccountRef

ANSWER_PRIORITY = 2
SUBJECT = "hand_over"
BY_TIME, BY_RESIDENT = "time", "resident"


def note_question(
    session: Session, resident_id: int, text: str, *, now: datetime, answered_with: int | None = None
) -> Question:
    """What was asked is kept sealed, with the article's version that answered it, if one did."""
    question = Question(
        resident_id=resident_id, text_sealed=sealing.seal(rules.seen(text[: rules.WORDS_LIMIT])), asked_at=now,
        article_version_id=answered_with, has_helped=None, hand_over_id=None,
    )
    session.add(question)
    session.flush()
    return question


def hand_over(session: Session, question: Question, *, now: datetime) -> HandOver:
    """The question waits for an officer, with those that the resident has asked since the first one."""
    resident_id = question.resident_id
    if resident_id is None:
        raise QuestionClosedError("Whoever asked this has been forgotten.")
    open_one = queries.open_hand_over_of(session, resident_id)
    if open_one is None:
        open_one = HandOver(resident_id=resident_id, state="waiting", opened_at=now, moved_at=now, closed_at=None)
        session.add(open_one)
        session.flush()
    elif question.hand_over_id != open_one.id:
        open_one.state, open_one.moved_at = "waiting", now
    question.hand_over_id = open_one.id
    _publish(session, open_one)
    return open_one


def answer(
    session: Session, hand_over_id: int, *, text: str, after_answer_id: int, after_question_id: int,
    account: AccountRef, now: datetime,
) -> OfficerAnswer:
    """The resident hears the answer on LINE once, as soon as LINE takes it.

    `after_answer_id` is the newest answer that the officer had before them, 0 for none: who answers twice, or while
    another does, is told so and nothing goes out. Where the resident has asked more since `after_question_id`, they
    still wait. Raises ChangedMeanwhileError, QuestionClosedError, UnfitWordsError
    for words that cannot be sent, NoSuchQuestionError.
    """
    words = rules.checked_words(text, most=rules.ANSWER_LIMIT, what="The answer")
    found = queries.locked_hand_over(session, hand_over_id)
    if found.state == "closed":
        raise QuestionClosedError("The question is closed; nothing was sent.")
    if queries.last_answer_id(session, hand_over_id) != after_answer_id:
        raise ChangedMeanwhileError("It has been answered meanwhile; nothing more was sent. Read it again.")
    said = OfficerAnswer(
        hand_over_id=hand_over_id, account_id=account.id, text_sealed=sealing.seal(words), answered_at=now,
        chunk_id=None,
    )
    session.add(said)
    has_asked_more = queries.last_question_id(session, hand_over_id) > after_question_id
    found.state, found.moved_at = "waiting" if has_asked_more else "answered", now
    resident = session.get_one(Resident, found.resident_id)
    said.chunk_id = _push(session, resident, found.id, [cards.officers_answer(words, found.id, resident.language)])
    session.flush()
    _publish(session, found)
    return said


def check_read(session: Session, hand_over_id: int, *, after_question_id: int) -> None:
    """The officer has read everything that the resident asked, and it stays so until the end of the transaction.

    Raises ChangedMeanwhileError where the resident has written more, NoSuchQuestionError.
    """
    queries.locked_hand_over(session, hand_over_id)
    if queries.last_question_id(session, hand_over_id) > after_question_id:
        raise ChangedMeanwhileError("The resident has written more meanwhile. Read it, then close the question.")


def close(session: Session, hand_over_id: int, *, by: str, now: datetime) -> HandOver:
    """Nobody waits any more; closing twice is as once. Who never had an answer is told that it is closed."""
    found = queries.locked_hand_over(session, hand_over_id)
    if found.state == "closed":
        return found
    was_waiting = found.state == "waiting"
    found.state, found.closed_at, found.closed_by, found.moved_at = "closed", now, by, now
    if was_waiting and by != BY_RESIDENT:
        resident = session.get_one(Resident, found.resident_id)
        _push(session, resident, found.id, [cards.plain("closed-by-officer", resident.language)])
    _publish(session, found)
    return found


def close_quiet(session: Session, *, now: datetime) -> int:
    """Hand-overs that an officer answered a day ago, with no word since, are closed; how many."""
    quiet = sa.select(HandOver.id).where(
        HandOver.state == "answered", HandOver.moved_at <= now - rules.CLOSES_AFTER
    )
    ids: Sequence[int] = session.scalars(quiet.order_by(HandOver.id).limit(500)).all()
    for hand_over_id in ids:
        close(session, hand_over_id, by=BY_TIME, now=now)
    return len(ids)


def forget_old_words(session: Session, *, now: datetime) -> None:
    """What was asked long ago stays as a count; conversations that were closed long ago are gone."""
    before = now - rules.WORDS_KEPT
    session.execute(sa.delete(HandOver).where(HandOver.state == "closed", HandOver.closed_at < before))
    session.execute(
        sa.update(Question)
        .where(Question.asked_at < before, Question.hand_over_id.is_(None), Question.text_sealed.is_not(None))
        .values(text_sealed=None, resident_id=None)
    )


def _push(session: Session, resident: Resident, hand_over_id: int, messages: list[dict[str, Any]]) -> int | None:
    """The message waits for LINE; None where the resident has blocked the account."""
    line_user_id = residents_queries.line_ids(session, [resident.id]).get(resident.id)
    if line_user_id is None or not resident.is_reachable:
        return None
    return outbox.enqueue(
        session, subject=f"{SUBJECT}:{hand_over_id}", kind="push", to=[line_user_id], messages=messages,
        priority=ANSWER_PRIORITY,
    )


def _publish(session: Session, found: HandOver) -> None:
    session.flush()
    events.publish(session, QuestionMoved(hand_over_id=found.id, state=found.state))
