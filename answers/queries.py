"""What is read of articles, questions and hand-overs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from answers.errors import NoSuchArticleError, NoSuchQuestionError
from answers.models import Article, ArticleTerms, ArticleVersion, HandOver, OfficerAnswer, Question
from core import sealing
from incidents.models import Draft
from staff.models import Account

# Who made the version of an article that came of an erasure; an account's name has no colon.
ERASURE = "erasure:"
# The newest version of each article.
_NEWEST = (
    sa.select(sa.func.max(ArticleVersion.id).label("id")).group_by(ArticleVersion.article_id).subquery("newest")
)


@dataclass(frozen=True)
class ArticleRow:
    """An article with one of its versions."""

    article: Article
    version: ArticleVersion


def newest_version_id(session: Session) -> int:
    """The number by which a change of any article is seen: every change is a new version."""
    return session.scalar(sa.select(sa.func.coalesce(sa.func.max(ArticleVersion.id), 0))) or 0


def has_erased_since(session: Session, version_id: int) -> bool:
    """A person has been taken out of articles since this version was the newest."""
    erased = sa.select(ArticleVersion.id).where(ArticleVersion.id > version_id, ArticleVersion.made_by == ERASURE)
    return session.scalar(sa.select(sa.exists(erased))) or False


def newest_version_ids(session: Session) -> list[int]:
    """The newest version of each article, in their order."""
    return list(session.scalars(sa.select(_NEWEST.c.id).order_by(_NEWEST.c.id)))


def versions(session: Session, version_ids: Collection[int]) -> list[ArticleRow]:
    """These versions with their articles, in the order of their numbers."""
    rows = session.execute(
        sa.select(Article, ArticleVersion)
        .join(Article, Article.id == ArticleVersion.article_id)
        .where(_among(version_ids))
        .order_by(ArticleVersion.id)
    )
    return [ArticleRow(article, version) for article, version in rows]


@dataclass(frozen=True)
class FoundBy:
    """A version with no more than what it is found by: `kept` is None where nobody has cut its terms as we would."""

    version_id: int
    code: str
    language: str
    valid_until: date | None
    is_withdrawn: bool
    kept: tuple[str, bytes] | None


def found_by(session: Session, version_ids: Collection[int], *, cut_by: str) -> list[FoundBy]:
    """By what these versions are found, in the order of their numbers."""
    rows = session.execute(
        sa.select(
            ArticleVersion.id, Article.code, Article.language, ArticleVersion.valid_until, ArticleVersion.is_withdrawn,
            ArticleTerms.terms, ArticleTerms.times,
        )
        .join(Article, Article.id == ArticleVersion.article_id)
        .outerjoin(ArticleTerms, sa.and_(ArticleTerms.version_id == ArticleVersion.id, ArticleTerms.cut_by == cut_by))
        .where(_among(version_ids))
        .order_by(ArticleVersion.id)
    )
    return [
        FoundBy(
            row.id, row.code, row.language, row.valid_until, row.is_withdrawn,
            None if row.terms is None else (row.terms, row.times),
        )
        for row in rows
    ]


def uncut(session: Session, *, cut_by: str, most: int) -> list[ArticleVersion]:
    """Newest versions whose terms are not cut as we would."""
    cut = sa.select(ArticleTerms.version_id).where(ArticleTerms.cut_by == cut_by)
    wanted = sa.select(ArticleVersion).join(_NEWEST, _NEWEST.c.id == ArticleVersion.id)
    return list(session.scalars(wanted.where(ArticleVersion.id.not_in(cut)).order_by(ArticleVersion.id).limit(most)))


def _among(version_ids: Collection[int]) -> sa.ColumnElement[bool]:
    """One list is bound, however long it is."""
    return ArticleVersion.id == sa.any_(sa.literal(list(version_ids), ARRAY(sa.BigInteger)))


def articles(session: Session, *, after: int, limit: int) -> list[ArticleRow]:
    """Articles with their newest version, by number, beginning after the article `after`."""
    rows = session.execute(
        sa.select(Article, ArticleVersion)
        .join(ArticleVersion, ArticleVersion.article_id == Article.id)
        .join(_NEWEST, _NEWEST.c.id == ArticleVersion.id)
        .where(Article.id > after)
        .order_by(Article.id)
        .limit(limit)
    )
    return [ArticleRow(article, version) for article, version in rows]


def article(session: Session, article_id: int) -> ArticleRow:
    """The article with its newest version; raises NoSuchArticleError."""
    found = session.execute(
        sa.select(Article, ArticleVersion)
        .join(ArticleVersion, ArticleVersion.article_id == Article.id)
        .where(Article.id == article_id)
        .order_by(ArticleVersion.number.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        raise NoSuchArticleError(f"There is no article {article_id}.")
    return ArticleRow(found[0], found[1])


def article_of(session: Session, *, code: str, language: str) -> Article | None:
    """The article of this code in this language, None where there is none."""
    return session.scalar(sa.select(Article).where(Article.code == code, Article.language == language))


def versions_of(session: Session, article_id: int) -> list[ArticleVersion]:
    """Every version of an article, the newest first."""
    wanted = sa.select(ArticleVersion).where(ArticleVersion.article_id == article_id)
    return list(session.scalars(wanted.order_by(ArticleVersion.number.desc())))


@dataclass(frozen=True)
class Helped:
    """How often a version was the answer, and how often it helped or did not, by those who said so."""

    answered: int
    helped: int
    not_helped: int


def helped_by(session: Session, version_ids: Collection[int]) -> dict[int, Helped]:
    """How these versions did as answers."""
    rows = session.execute(
        sa.select(
            Question.article_version_id,
            sa.func.count(),
            sa.func.count().filter(Question.has_helped.is_(True)),
            sa.func.count().filter(Question.has_helped.is_(False)),
        )
        .where(Question.article_version_id.in_(version_ids))
        .group_by(Question.article_version_id)
    )
    return {
        version_id: Helped(answered, helped, not_helped)
        for version_id, answered, helped, not_helped in rows
        if version_id is not None
    }


# ── Questions and hand-overs ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Talking:
    """What a resident is in the middle of: which step of a report, by which key, and which hand-over is open."""

    step: str | None
    draft_key: str | None
    hand_over_id: int | None


def talking(session: Session, resident_id: int, *, now: datetime) -> Talking:
    """What the resident is in the middle of, in one look."""
    told = (Draft.resident_id == resident_id, Draft.expires_at > now)
    step, key = sa.select(Draft.step).where(*told), sa.select(Draft.data["key"].as_string()).where(*told)
    open_one = sa.select(HandOver.id).where(HandOver.resident_id == resident_id, HandOver.state != "closed")
    found = sa.select(step.scalar_subquery(), key.scalar_subquery(), open_one.scalar_subquery())
    return Talking(*session.execute(found).one())


def open_hand_over_of(session: Session, resident_id: int) -> HandOver | None:
    """The resident's hand-over that is not closed."""
    wanted = sa.select(HandOver).where(HandOver.resident_id == resident_id, HandOver.state != "closed")
    return session.scalar(wanted)


def question_of(session: Session, question_id: int, *, resident_id: int) -> Question | None:
    """The question where it is this resident's, else None."""
    wanted = sa.select(Question).where(Question.id == question_id, Question.resident_id == resident_id)
    return session.scalar(wanted.with_for_update())


def newest_question_of(session: Session, resident_id: int, *, after: datetime) -> Question | None:
    """The last thing that the resident asked since then."""
    wanted = sa.select(Question).where(Question.resident_id == resident_id, Question.asked_at > after)
    return session.scalars(wanted.order_by(Question.id.desc()).limit(1)).one_or_none()


def hand_over(session: Session, hand_over_id: int) -> HandOver:
    """The hand-over; raises NoSuchQuestionError."""
    found = session.get(HandOver, hand_over_id)
    if found is None:
        raise NoSuchQuestionError(f"There is no question {hand_over_id} to an officer.")
    return found


def locked_hand_over(session: Session, hand_over_id: int) -> HandOver:
    """The hand-over, held until the transaction ends; raises NoSuchQuestionError."""
    wanted = sa.select(HandOver).where(HandOver.id == hand_over_id).with_for_update()
    found = session.execute(wanted.execution_options(populate_existing=True)).scalar_one_or_none()
    if found is None:
        raise NoSuchQuestionError(f"There is no question {hand_over_id} to an officer.")
    return found


def last_answer_id(session: Session, hand_over_id: int) -> int:
    """The number of the newest answer in a hand-over, 0 where there is none."""
    wanted = sa.select(sa.func.max(OfficerAnswer.id)).where(OfficerAnswer.hand_over_id == hand_over_id)
    return session.scalar(wanted) or 0


def last_question_id(session: Session, hand_over_id: int) -> int:
    """The number of the newest words of the resident in a hand-over, 0 where there are none."""
    wanted = sa.select(sa.func.max(Question.id)).where(Question.hand_over_id == hand_over_id)
    return session.scalar(wanted) or 0


@dataclass(frozen=True)
class Waiting:
    """A hand-over in the list: its last words by the resident. People's data: never logged."""

    id: int
    state: str
    opened_at: datetime
    moved_at: datetime
    words: str


def hand_overs(session: Session, *, states: Sequence[str], limit: int) -> list[Waiting]:
    """Hand-overs in these states: who waits longest first."""
    last = (
        sa.select(Question.text_sealed)
        .where(Question.hand_over_id == HandOver.id)
        .order_by(Question.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(HandOver, last)
        .where(HandOver.state.in_(states))
        .order_by(sa.case((HandOver.state == "waiting", 0), else_=1), HandOver.opened_at, HandOver.id)
        .limit(limit)
    )
    return [
        Waiting(one.id, one.state, one.opened_at, one.moved_at, _opened(sealed)) for one, sealed in rows
    ]


def waiting_count(session: Session) -> int:
    """How many hand-overs wait for an officer."""
    return session.scalar(sa.select(sa.func.count()).where(HandOver.state == "waiting")) or 0


@dataclass(frozen=True)
class Line:
    """One thing said in a hand-over: by the resident where `by` is None. People's data: never logged."""

    id: int
    by: str | None
    words: str
    said_at: datetime


def lines_of(session: Session, hand_over_id: int) -> list[Line]:
    """Everything that was said in a hand-over, in its order."""
    asked = session.scalars(sa.select(Question).where(Question.hand_over_id == hand_over_id))
    lines = [Line(one.id, None, _opened(one.text_sealed), one.asked_at) for one in asked]
    answered = session.execute(
        sa.select(OfficerAnswer, Account.display_name)
        .join(Account, Account.id == OfficerAnswer.account_id)
        .where(OfficerAnswer.hand_over_id == hand_over_id)
    )
    lines += [Line(one.id, name, _opened(one.text_sealed), one.answered_at) for one, name in answered]
    return sorted(lines, key=lambda line: (line.said_at, line.by is not None, line.id))


def _opened(sealed: bytes | None) -> str:
    return sealing.unseal(bytes(sealed)) if sealed is not None else ""
