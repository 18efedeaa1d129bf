"""The `articles` layer of a city pack: what the city says on which matter, from which source, until when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from answers import actions, queries, rules
from answers.errors import UnfitArticleError
from answers.models import Article
from answers.rules import Draft
from core import clock
from gis.citypack.layers import Column, LayerKind, LayerRows, Row, RowFault, refuse_faulty, register

BETWEEN = "|"
IMPORT = "import:"


def load_articles(session: Session, rows: LayerRows) -> int:
    """The layer's articles are those of the city; one that an officer has written since stays as it is.

    What an earlier import brought and this one does not is withdrawn. Raises CityPackError where two rows are one
    article, or a row cannot be shown to residents.
    """
    refuse_faulty(rows, _faults)
    named = Counter((row.fields["matter"], row.fields["language"]) for row in rows.rows)
    refuse_faulty(rows, lambda row: _twice(row, named))
    by = f"{IMPORT}{rows.layer.name}"
    now = clock.now()
    for row in rows.rows:
        _load(session, row, by=by, trust=rows.layer.trust)
    newest = queries.versions(session, queries.newest_version_ids(session))
    for one in newest:
        is_gone = (one.article.code, one.article.language) not in named
        if is_gone and one.version.made_by == by and not one.version.is_withdrawn:
            actions.withdraw(session, one.article.id, based_on=one.version.number, by=by, now=now)
    return len(rows)


def _load(session: Session, row: Row, *, by: str, trust: str) -> None:
    draft, code, language = rules.checked(_draft(row)), row.fields["matter"], row.fields["language"]
    now = clock.now()
    known = queries.article_of(session, code=code, language=language)
    if known is None:
        actions.write_new(session, code=code, language=language, draft=draft, by=by, now=now, trust=trust)
        return
    before = queries.article(session, known.id).version
    if not before.made_by.startswith(IMPORT):
        return
    session.execute(sa.update(Article).where(Article.id == known.id).values(trust=trust))
    if before.is_withdrawn or actions.draft_of(before) != draft:
        actions.rewrite(session, known.id, draft=draft, based_on=before.number, by=by, now=now)


def _draft(row: Row) -> Draft:
    field = row.fields.get
    asked = tuple(part.strip() for part in str(field("asked_as") or "").split(BETWEEN) if part.strip())
    dated: date = row.fields["source_dated"]
    return Draft(
        title=row.fields["title"], short_answer=row.fields["short_answer"], body=field("body") or "", asked_as=asked,
        agency_code=field("agency_code"), source_title=row.fields["source_title"], source_page=field("source_page"),
        source_url=field("source_url"), source_dated=dated, valid_until=field("valid_until"),
        review_on=row.fields["review_on"],
    )


def _faults(row: Row) -> Iterator[RowFault]:
    if row.fields["language"] not in rules.LANGUAGES:
        yield RowFault(f"'{row.fields['language']}' is none of {', '.join(rules.LANGUAGES)}.", "language")
    try:
        rules.checked(_draft(row))
    except UnfitArticleError as unfit:
        yield RowFault(unfit.detail)


def _twice(row: Row, named: Counter[Any]) -> Iterator[RowFault]:
    code, language = row.fields["matter"], row.fields["language"]
    if named[code, language] > 1:
        yield RowFault(f"'{code}' stands here more than once in the language {language}.", "matter")


register(
    LayerKind(
        kind="articles",
        columns={
            "matter": Column(required=True),
            "language": Column(required=True),
            "title": Column(required=True),
            "short_answer": Column(required=True),
            "body": Column(),
            "asked_as": Column(),
            "agency_code": Column(),
            "source_title": Column(required=True),
            "source_page": Column(),
            "source_url": Column(),
            "source_dated": Column(required=True, type=date),
            "valid_until": Column(type=date),
            "review_on": Column(required=True, type=date),
        },
        geometry=None,
        load=load_articles,
        judge=_faults,
    )
)
