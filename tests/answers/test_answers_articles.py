"""Articles: written by officers and by packs, in versions, checked, out of date, found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from answers import actions, cutting, queries, rules
from answers.citypack import load_articles
from answers.errors import ChangedMeanwhileError, NoSuchArticleError, UnfitArticleError
from answers.index import Keeper
from answers.models import ArticleTerms
from answers.rules import Draft
from demo.articles import article_columns
from gis.citypack.layers import LayerMeta, LayerRows
from gis.errors import CityPackError

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
TODAY = date(2026, 11, 21)
HOURS = Draft(
    title="เวลาทำการของเทศบาล", short_answer="เปิด 08.30-16.30 น.", body="", asked_as=("เทศบาลเปิดกี่โมง",),
    agency_code="CLERK", source_title="คู่มือ", source_page="3", source_url=None, source_dated=date(2026, 1, 1),
    valid_until=None, review_on=date(2027, 1, 1),
)


def _write(session: Session, draft: Draft = HOURS, *, code: str = "hours") -> queries.ArticleRow:
    return actions.write_new(session, code=code, language="th", draft=draft, by="anong", now=NOW)


def _layer(columns: dict[str, list[object]]) -> LayerRows:
    meta = LayerMeta(
        id=1, name="articles", kind="articles", file="articles.csv", source="test", licence="test", dated=TODAY,
        trust="simulated", version=1,
    )
    count = len(columns["matter"])
    return LayerRows(layer=meta, numbers=list(range(2, count + 2)), columns=columns, geoms=None)


def _demo(*, count: int | None = None) -> dict[str, list[object]]:
    columns = {name: values[:count] for name, values in article_columns().items()}
    columns["valid_until"] = [value or None for value in columns["valid_until"]]
    return columns


def test_every_version_of_an_article_is_kept(session: Session) -> None:
    """What residents were told last month can still be read."""
    row = _write(session)
    actions.rewrite(
        session, row.article.id, draft=replace(HOURS, short_answer="เปิด 09.00 น."), based_on=1, by="boon", now=NOW
    )
    kept = queries.versions_of(session, row.article.id)
    assert [(one.number, one.short_answer, one.made_by) for one in kept] == [
        (2, "เปิด 09.00 น.", "boon"), (1, "เปิด 08.30-16.30 น.", "anong"),
    ]


def test_two_officers_do_not_overwrite_each_other(session: Session) -> None:
    """Who writes on an older version is told so, and nothing is lost."""
    row = _write(session)
    actions.rewrite(session, row.article.id, draft=HOURS, based_on=1, by="boon", now=NOW)
    with pytest.raises(ChangedMeanwhileError):
        actions.rewrite(session, row.article.id, draft=HOURS, based_on=1, by="anong", now=NOW)
    with pytest.raises(ChangedMeanwhileError):
        _write(session)
    with pytest.raises(NoSuchArticleError):
        queries.article(session, 10**9)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "<b>เวลา</b>"}, {"short_answer": "ดู <a href='x'>ที่นี่</a>"}, {"body": "<script>alert(1)</script>"},
        {"title": "\u200b\u200e"}, {"short_answer": ""}, {"title": "ก" * 100_000}, {"short_answer": "ก" * 601},
        {"source_url": "javascript:alert(1)"}, {"source_url": "คู่มือหน้า 3"}, {"source_url": "https://"},
        {"source_url": "https://[::1"}, {"source_url": "ftp://example.org/a"}, {"source_title": " "},
        {"asked_as": ("<i>x</i>",)},
    ],
)
def test_an_article_that_cannot_be_shown_is_refused(session: Session, change: dict[str, object]) -> None:
    """HTML, invisible letters, too much text and sources that nobody can open reach no resident."""
    with pytest.raises(UnfitArticleError):
        _write(session, replace(HOURS, **change))  # type: ignore[arg-type]  # the cases name fields of Draft


def test_less_than_is_no_markup() -> None:
    """Plain words with < in them are written as they are, and invisible letters are taken out."""
    assert rules.checked(replace(HOURS, body="สูง < 3 เมตร\u200b")).body == "สูง < 3 เมตร"


def test_what_is_out_of_date_is_not_answered_from(session: Session) -> None:
    """On its last day an article answers, the day after it does not; officers see that it has expired."""
    _write(session, replace(HOURS, valid_until=TODAY))
    keeper = Keeper()
    assert keeper.base(session, today=TODAY).search("เทศบาลเปิดกี่โมง")
    assert not keeper.base(session, today=date(2026, 11, 22)).search("เทศบาลเปิดกี่โมง")
    states = [
        rules.state_of(valid_until=TODAY, review_on=date(2026, 11, 21), is_withdrawn=False, today=day)
        for day in (date(2026, 11, 20), TODAY, date(2026, 11, 22))
    ]
    assert states == ["current", "review", "expired"]


def test_a_change_is_found_at_once(session: Session) -> None:
    """What was written is found by the next question, what was withdrawn is not."""
    keeper = Keeper()
    assert not keeper.base(session, today=TODAY).search("เทศบาลเปิดกี่โมง")
    row = _write(session)
    assert keeper.base(session, today=TODAY).search("เทศบาลเปิดกี่โมง")[0].version_id == row.version.id
    actions.withdraw(session, row.article.id, based_on=1, by="anong", now=NOW)
    assert not keeper.base(session, today=TODAY).search("เทศบาลเปิดกี่โมง")


def test_the_demo_citys_articles_are_a_layer(session: Session) -> None:
    """Every one can be shown, is marked as simulated, and a second import changes nothing."""
    assert load_articles(session, _layer(_demo())) == len(article_columns()["matter"])
    newest = queries.newest_version_id(session)
    rows = queries.articles(session, after=0, limit=1000)
    assert {row.article.trust for row in rows} == {"simulated"}
    assert any(row.version.valid_until is not None for row in rows)
    load_articles(session, _layer(_demo()))
    assert queries.newest_version_id(session) == newest


def test_an_import_leaves_what_an_officer_wrote(session: Session) -> None:
    """The officer's version stays; what the layer no longer holds is withdrawn."""
    load_articles(session, _layer(_demo(count=4)))
    first, second, *_ = queries.articles(session, after=0, limit=4)
    actions.rewrite(session, first.article.id, draft=HOURS, based_on=1, by="anong", now=NOW)
    load_articles(session, _layer(_demo(count=1)))
    assert queries.article(session, first.article.id).version.made_by == "anong"
    assert queries.article(session, second.article.id).version.is_withdrawn


def test_a_layer_with_an_article_twice_or_with_html_is_refused(session: Session) -> None:
    """Nothing of it is loaded, and the row is named."""
    twice = {name: [values[0], values[0]] for name, values in _demo().items()}
    with pytest.raises(CityPackError, match="row 2"):
        load_articles(session, _layer(twice))
    with pytest.raises(CityPackError, match="HTML"):
        load_articles(session, _layer({**_demo(count=1), "body": ["<p>x</p>"]}))
    assert queries.newest_version_id(session) == 0


CAT = ("แมว", np.ones(1, dtype="<f4").tobytes())


def _kept(session: Session) -> dict[int, ArticleTerms]:
    session.expire_all()
    return {one.version_id: one for one in session.scalars(sa.select(ArticleTerms))}


def test_a_version_is_cut_when_it_is_written(session: Session) -> None:
    """A process that asks first reads terms; it finds by what is kept, and cuts nothing."""
    row = _write(session)
    kept = _kept(session)[row.version.id]
    read, cut = cutting.read(kept.terms, kept.times), actions.cut_of(row.version)
    assert (read.terms, list(read.times)) == (cut.terms, list(cut.times))
    kept.terms, kept.times = CAT
    session.flush()
    assert [hit.version_id for hit in Keeper().base(session, today=TODAY).search("แมว")] == [row.version.id]


def test_terms_that_were_cut_otherwise_are_not_trusted(session: Session) -> None:
    """After words or code changed questions are answered as if the article were new; its terms are cut again, once."""
    row = _write(session)
    kept = _kept(session)[row.version.id]
    kept.cut_by, (kept.terms, kept.times) = "older", CAT
    session.flush()
    base = Keeper().base(session, today=TODAY)
    assert base.search("แมว") == []
    assert [hit.version_id for hit in base.search(HOURS.title)] == [row.version.id]
    assert [actions.cut_anew(session, most=10), actions.cut_anew(session, most=10)] == [1, 0]
    assert "แมว" not in _kept(session)[row.version.id].terms
    assert cutting.read(*cutting.kept(cutting.cut(title="?", asked_as=[], short_answer="", body=""))).terms == ()
