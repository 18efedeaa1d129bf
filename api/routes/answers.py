"""What the city knows and what it is asked: articles in versions, and residents' questions that wait for an officer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from answers import actions, handing, index, queries, rules
from answers.models import ArticleVersion
from answers.queries import ArticleRow, Helped
from answers.rules import Draft
from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from core import clock
from staff import actions as staff_actions
from staff.rules import AccountRef

# What a bigint holds; and more letters than any rule takes, so that the rule's sentence answers.
BIGGEST_ID, MOST_LETTERS = 2**63 - 1, 100_000
Id = Annotated[int, Field(ge=1, le=BIGGEST_ID)]
Words = Annotated[str, Field(max_length=MOST_LETTERS)]
# Who asks is not named; what they ask may name them: for those who answer, not for whoever may look.
Officer = Annotated[AccountRef, Depends(needs("officer", "admin"))]

router = APIRouter(route_class=OnceRoute, tags=["answers"])


class ArticleIn(BaseModel):
    """What an article says, and from which source."""

    title: Words
    short_answer: Words
    body: Words = ""
    asked_as: list[Words] = Field(default_factory=list, max_length=50)
    agency_code: str | None = Field(default=None, max_length=60)
    source_title: Words
    source_page: Words | None = None
    source_url: Words | None = None
    source_dated: date
    valid_until: date | None = None
    review_on: date

    def draft(self) -> Draft:
        """The same as plain values."""
        said = self.model_dump()
        return Draft(**{**{name: said[name] for name in _OF_DRAFT}, "asked_as": tuple(self.asked_as)})


_OF_DRAFT = tuple(ArticleIn.model_fields)


class NewArticleIn(ArticleIn):
    """An article that is not there yet."""

    code: Annotated[str, Field(max_length=60)]
    language: Literal["th", "en", "ms", "my"] = "th"


class ChangedArticleIn(ArticleIn):
    """An article's next version; `based_on` is the number of the version that the writer read."""

    based_on: Id


class WithdrawIn(BaseModel):
    """The version that is withdrawn."""

    based_on: Id


class ArticleOut(ArticleIn):
    """An article with its newest version, and how it did as an answer."""

    id: int
    code: str
    language: str
    trust: str
    number: int
    state: Literal["current", "review", "expired", "withdrawn"]
    made_by: str
    made_at: datetime
    answered: int
    helped: int
    not_helped: int


class ArticlesOut(BaseModel):
    """Articles by number; the next ones come `after` the last."""

    articles: list[ArticleOut]


class VersionOut(ArticleIn):
    """An article as it was written once."""

    number: int
    is_withdrawn: bool
    made_by: str
    made_at: datetime


class ArticleDetailOut(ArticleOut):
    """An article with every version of it, the newest first."""

    versions: list[VersionOut]


class WaitingOut(BaseModel):
    """A question to an officer with its last words."""

    id: int
    state: Literal["waiting", "answered", "closed"]
    opened_at: datetime
    moved_at: datetime
    closes_at: datetime | None
    words: str


class QuestionsOut(BaseModel):
    """Questions to officers: who waits longest first; how many wait in all."""

    waiting: int
    questions: list[WaitingOut]


class LineOut(BaseModel):
    """One thing said: by an officer, or by the resident where `by` is null."""

    id: int
    by: str | None
    words: str
    said_at: datetime


class SuggestionOut(BaseModel):
    """An article that holds some of the last question."""

    article_id: int
    title: str
    short_answer: str
    share: float


class QuestionOut(BaseModel):
    """A question to an officer with all that was said; the two last ids go back with the answer."""

    id: int
    state: Literal["waiting", "answered", "closed"]
    opened_at: datetime
    closes_at: datetime | None
    closed_by: str | None
    last_answer_id: int
    last_question_id: int
    lines: list[LineOut]
    suggestions: list[SuggestionOut]


class AnswerIn(BaseModel):
    """What the officer answers, and the newest answer and question that they had before them, 0 for none."""

    text: Words
    after_answer_id: Annotated[int, Field(ge=0, le=BIGGEST_ID)]
    after_question_id: Annotated[int, Field(ge=0, le=BIGGEST_ID)]


class CloseIn(BaseModel):
    """The newest question that the officer had before them; without it nobody asks whether there is a newer one."""

    after_question_id: Annotated[int, Field(ge=0, le=BIGGEST_ID)] | None = None


def _said(version: ArticleVersion) -> dict[str, object]:
    return {name: getattr(version, name) for name in _OF_DRAFT}


def _article(row: ArticleRow, helped: Helped | None, *, today: date) -> ArticleOut:
    version = row.version
    state = rules.state_of(
        valid_until=version.valid_until, review_on=version.review_on, is_withdrawn=version.is_withdrawn, today=today
    )
    counts = helped or Helped(0, 0, 0)
    return ArticleOut.model_validate(
        _said(version) | {
            "id": row.article.id, "code": row.article.code, "language": row.article.language,
            "trust": row.article.trust, "number": version.number, "state": state, "made_by": version.made_by,
            "made_at": version.made_at, "answered": counts.answered, "helped": counts.helped,
            "not_helped": counts.not_helped,
        }
    )


def _detail(session: SessionDep, article_id: int) -> ArticleDetailOut:
    row = queries.article(session, article_id)
    helped = queries.helped_by(session, [row.version.id]).get(row.version.id)
    versions = [
        _said(one) | {
            "number": one.number, "is_withdrawn": one.is_withdrawn, "made_by": one.made_by, "made_at": one.made_at,
        }
        for one in queries.versions_of(session, article_id)
    ]
    shown = _article(row, helped, today=rules.today(clock.now()))
    return ArticleDetailOut.model_validate(shown.model_dump() | {"versions": versions})


@router.get("/articles", summary="List what the city says")
def list_articles(
    session: SessionDep,
    account: Officer,
    after: Annotated[int, Query(ge=0, le=BIGGEST_ID)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> ArticlesOut:
    """Articles with their newest version: those out of date, to be read again and withdrawn say so."""
    rows = queries.articles(session, after=after, limit=limit)
    helped = queries.helped_by(session, [row.version.id for row in rows])
    today = rules.today(clock.now())
    return ArticlesOut(articles=[_article(row, helped.get(row.version.id), today=today) for row in rows])


@router.get("/articles/{article_id}", summary="Read an article with its versions")
def show_article(session: SessionDep, account: Officer, article_id: int) -> ArticleDetailOut:
    """The article with every version of it."""
    return _detail(session, article_id)


@router.post("/articles", status_code=201, summary="Write an article")
def write_article(session: SessionDep, account: Officer, given: NewArticleIn) -> ArticleDetailOut:
    """The article answers from now on. 409 where there is one already, 422 where residents cannot be shown it."""
    row = actions.write_new(
        session, code=given.code, language=given.language, draft=given.draft(), by=account.username, now=clock.now()
    )
    _record(session, account, "article.written", f"article:{row.article.id}")
    return _detail(session, row.article.id)


@router.put("/articles/{article_id}", summary="Write an article's next version")
def rewrite_article(
    session: SessionDep, account: Officer, article_id: int, given: ChangedArticleIn
) -> ArticleDetailOut:
    """The version before is kept. 409 where somebody else has written one since `based_on`."""
    actions.rewrite(
        session, article_id, draft=given.draft(), based_on=given.based_on, by=account.username, now=clock.now()
    )
    _record(session, account, "article.changed", f"article:{article_id}")
    return _detail(session, article_id)


@router.post("/articles/{article_id}/withdraw", summary="Withdraw an article")
def withdraw_article(
    session: SessionDep, account: Officer, article_id: int, given: WithdrawIn
) -> ArticleDetailOut:
    """Nobody is answered with it any more; writing its next version brings it back."""
    actions.withdraw(session, article_id, based_on=given.based_on, by=account.username, now=clock.now())
    _record(session, account, "article.withdrawn", f"article:{article_id}")
    return _detail(session, article_id)


@router.get("/questions", summary="List residents' questions to officers")
def list_questions(
    session: SessionDep,
    account: Officer,
    state: Annotated[Literal["open", "waiting", "closed"], Query()] = "open",
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> QuestionsOut:
    """Who waits longest first; `open` are those that wait and those that were answered and not closed yet."""
    states = {"open": ("waiting", "answered"), "waiting": ("waiting",), "closed": ("closed",)}[state]
    found = queries.hand_overs(session, states=states, limit=limit)
    return QuestionsOut(
        waiting=queries.waiting_count(session),
        questions=[
            WaitingOut.model_validate(
                {
                    "id": one.id, "state": one.state, "opened_at": one.opened_at, "moved_at": one.moved_at,
                    "closes_at": rules.closes_at(state=one.state, moved_at=one.moved_at), "words": one.words,
                }
            )
            for one in found
        ],
    )


@router.get("/questions/{question_id}", summary="Read a question to an officer")
def show_question(session: SessionDep, account: Officer, question_id: int) -> QuestionOut:
    """All that was said, and the articles that hold some of the last question."""
    found = queries.hand_over(session, question_id)
    lines = queries.lines_of(session, question_id)
    asked = next((line.words for line in reversed(lines) if line.by is None), "")
    return QuestionOut.model_validate(
        {
            "id": found.id, "state": found.state, "opened_at": found.opened_at, "closed_by": found.closed_by,
            "closes_at": rules.closes_at(state=found.state, moved_at=found.moved_at),
            "last_answer_id": queries.last_answer_id(session, question_id),
            "last_question_id": queries.last_question_id(session, question_id),
            "lines": [
                {"id": line.id, "by": line.by, "words": line.words, "said_at": line.said_at} for line in lines
            ],
            "suggestions": _suggestions(session, asked),
        }
    )


def _suggestions(session: SessionDep, asked: str) -> list[SuggestionOut]:
    hits = index.base(session, today=rules.today(clock.now())).search(asked, most=3)
    rows = {row.version.id: row for row in queries.versions(session, [hit.version_id for hit in hits])}
    return [
        SuggestionOut(
            article_id=rows[hit.version_id].article.id, title=rows[hit.version_id].version.title,
            short_answer=rows[hit.version_id].version.short_answer, share=round(hit.candidate.share, 2),
        )
        for hit in hits
    ]


@router.post("/questions/{question_id}/answer", summary="Answer a resident's question")
def answer_question(session: SessionDep, account: Officer, question_id: int, given: AnswerIn) -> QuestionOut:
    """The resident hears it on LINE once, and waits on where they have asked more since.

    409 where it was answered meanwhile, or is closed: nothing is sent then.
    """
    handing.answer(
        session, question_id, text=given.text, after_answer_id=given.after_answer_id,
        after_question_id=given.after_question_id, account=account, now=clock.now(),
    )
    _record(session, account, "question.answered", f"question:{question_id}")
    return show_question(session, account, question_id)


@router.post("/questions/{question_id}/close", summary="Close a question")
def close_question(
    session: SessionDep, account: Officer, question_id: int, given: CloseIn | None = None
) -> QuestionOut:
    """Nobody waits any more; closing twice is as once. 409 where the resident wrote more since the officer read."""
    if given is not None and given.after_question_id is not None:
        handing.check_read(session, question_id, after_question_id=given.after_question_id)
    handing.close(session, question_id, by=account.username, now=clock.now())
    _record(session, account, "question.closed", f"question:{question_id}")
    return show_question(session, account, question_id)


def _record(session: SessionDep, account: AccountRef, action: str, subject: str) -> None:
    staff_actions.record(session, account=account, action=action, subject=subject, detail={})
