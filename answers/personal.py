"""What the room of answers holds of one person: shown to them, and forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from answers import actions, queries
from answers.citypack import IMPORT
from answers.models import ArticleVersion, HandOver, Question
from core import clock, sealing
from residents import rules as residents_rules
from residents.erasure import Person, forgets

FORGOTTEN = "[…]"
_WRITTEN = ("title", "short_answer", "body")


@dataclass(frozen=True)
class MyQuestion:
    """What the resident asked, or an officer answered; `article` is what it was answered with."""

    asked_at: datetime
    words: str
    by_officer: bool
    article: str | None


def questions_of(session: Session, resident_id: int) -> list[MyQuestion]:
    """Everything that the resident asked and what officers answered, in its order."""
    rows = session.execute(
        sa.select(Question, ArticleVersion.title)
        .outerjoin(ArticleVersion, ArticleVersion.id == Question.article_version_id)
        .where(Question.resident_id == resident_id)
    )
    mine = [
        MyQuestion(one.asked_at, sealing.unseal(bytes(one.text_sealed)), False, title)
        for one, title in rows
        if one.text_sealed is not None
    ]
    for hand_over_id in session.scalars(sa.select(HandOver.id).where(HandOver.resident_id == resident_id)):
        lines = queries.lines_of(session, hand_over_id)
        mine += [MyQuestion(line.said_at, line.words, True, None) for line in lines if line.by is not None]
    return sorted(mine, key=lambda one: (one.asked_at, one.by_officer))


@forgets(room="answers")
def forget(session: Session, person: Person) -> dict[str, int]:
    """Conversations with officers are gone, questions stay as counts of an article, and no article names the person."""
    conversations = session.execute(
        sa.delete(HandOver).where(HandOver.resident_id == person.resident_id).returning(HandOver.id)
    ).all()
    session.execute(
        sa.update(Question)
        .where(Question.resident_id == person.resident_id)
        .values(text_sealed=None, resident_id=None)
    )
    if person.words:
        _take_out_of_articles(session, person)
    session.flush()
    return {"conversations": len(conversations)}


def _take_out_of_articles(session: Session, person: Person) -> None:
    """An officer may have made an article of what the person asked, with the name in it."""
    actions.hold_articles(session)
    changed = []
    for version in session.scalars(sa.select(ArticleVersion).where(~ArticleVersion.made_by.startswith(IMPORT))):
        for name in _WRITTEN:
            setattr(version, name, _without(getattr(version, name), person))
        version.asked_as = [_without(asked, person) for asked in version.asked_as]
        if session.is_modified(version):
            changed.append(version)
    session.flush()
    actions.keep_terms(session, changed)
    for article_id in sorted({version.article_id for version in changed}):
        actions.renew_after_erasure(session, article_id, now=clock.now())


def _without(text: str, person: Person) -> str:
    return residents_rules.without(text, person.words, instead=FORGOTTEN)
