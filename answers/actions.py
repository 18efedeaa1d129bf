"""Articles are written, changed and withdrawn; every change is a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from answers import cutting, queries, rules
from answers.cutting import Cut
from answers.errors import ChangedMeanwhileError, UnfitArticleError
from answers.models import Article, ArticleTerms, ArticleVersion
from answers.queries import ArticleRow
from answers.rules import Draft

REAL = "real"
LONGEST_CODE = 60


def hold_articles(session: Session) -> None:
    """Articles are written one after the other, so that a greater number of a version is also the later commit."""
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('answers.articles', 0))"))


def write_new(
    session: Session, *, code: str, language: str, draft: Draft, by: str, now: datetime, trust: str = REAL
) -> ArticleRow:
    """The article is there with its first version.

    Raises UnfitArticleError where it cannot be shown, ChangedMeanwhileError where there is one of this code and
    language already.
    """
    checked = rules.checked(draft)
    if language not in rules.LANGUAGES:
        raise UnfitArticleError(f"'{language}' is none of {', '.join(rules.LANGUAGES)}.")
    if not code or len(code) > LONGEST_CODE or not all(c.isascii() and (c.isalnum() or c == "-") for c in code):
        raise UnfitArticleError(f"'{code[:LONGEST_CODE]}' is no code: a-z, digits and -, {LONGEST_CODE} at most.")
    hold_articles(session)
    if queries.article_of(session, code=code, language=language) is not None:
        raise ChangedMeanwhileError(f"There is an article '{code}' in this language already.")
    article = Article(code=code, language=language, trust=trust)
    session.add(article)
    session.flush()
    return ArticleRow(article, _add_version(session, article, checked, number=1, by=by, now=now))


def rewrite(
    session: Session, article_id: int, *, draft: Draft, based_on: int, by: str, now: datetime,
    is_withdrawn: bool = False,
) -> ArticleRow:
    """The article has a new version; `based_on` is the number of the version that the writer had before them.

    Raises UnfitArticleError where it cannot be shown, ChangedMeanwhileError where somebody was quicker.
    """
    checked = rules.checked(draft)
    hold_articles(session)
    row = queries.article(session, article_id)
    if row.version.number != based_on:
        raise ChangedMeanwhileError(f"The article has been changed since version {based_on}. Read it again.")
    version = _add_version(
        session, row.article, checked, number=based_on + 1, by=by, now=now, is_withdrawn=is_withdrawn
    )
    return ArticleRow(row.article, version)


def withdraw(session: Session, article_id: int, *, based_on: int, by: str, now: datetime) -> ArticleRow:
    """Nobody is answered with the article any more; writing it again brings it back."""
    row = queries.article(session, article_id)
    draft = draft_of(row.version)
    return rewrite(session, article_id, draft=draft, based_on=based_on, by=by, now=now, is_withdrawn=True)


def renew_after_erasure(session: Session, article_id: int, *, now: datetime) -> None:
    """The article has a new version that says the same: whoever keeps articles in memory reads them anew.

    Who was writing it has its former words before them, and is told to read it again.
    """
    row = queries.article(session, article_id)
    _add_version(
        session, row.article, draft_of(row.version), number=row.version.number + 1, by=queries.ERASURE, now=now,
        is_withdrawn=row.version.is_withdrawn,
    )


def draft_of(version: ArticleVersion) -> Draft:
    """What was written in a version."""
    said = {field.name: getattr(version, field.name) for field in fields(Draft)}
    return Draft(**{**said, "asked_as": tuple(version.asked_as)})


def _add_version(
    session: Session, article: Article, draft: Draft, *, number: int, by: str, now: datetime, is_withdrawn: bool = False
) -> ArticleVersion:
    said = {field.name: getattr(draft, field.name) for field in fields(Draft)}
    version = ArticleVersion(
        article_id=article.id, number=number, is_withdrawn=is_withdrawn, made_by=by, made_at=now,
        **{**said, "asked_as": list(draft.asked_as)},
    )
    session.add(version)
    session.flush()
    keep_terms(session, [version])
    return version


def keep_terms(session: Session, versions: Sequence[ArticleVersion]) -> None:
    """Each of these versions is found by the words that it has now."""
    kept = []
    for one in versions:
        terms, times = cutting.kept(cut_of(one))
        kept.append({"version_id": one.id, "terms": terms, "times": times})
    if not kept:
        return
    said = insert(ArticleTerms).values(cut_by=cutting.cut_by())
    changed = {name: said.excluded[name] for name in ("cut_by", "terms", "times")}
    session.execute(said.on_conflict_do_update(index_elements=[ArticleTerms.version_id], set_=changed), kept)


def cut_of(version: ArticleVersion) -> Cut:
    """The version's terms as they are cut now, each with how much it counts there."""
    return cutting.cut(
        title=version.title, asked_as=version.asked_as, short_answer=version.short_answer, body=version.body
    )


def cut_anew(session: Session, *, most: int) -> int:
    """Newest versions whose terms were cut otherwise than now, or never, are cut, `most` at once; how many were."""
    found = queries.uncut(session, cut_by=cutting.cut_by(), most=most)
    keep_terms(session, found)
    return len(found)
