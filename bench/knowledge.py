"""Answers from the city's articles: found, found among three, refused where no article answers; and how fast.

Quality is counted on the questions of bench/questions.toml, half of which thresholds and synonyms were chosen without;
texts of our own sayings are reports that must not be answered. Speed is counted among 10,000 articles: what a question
costs a receiver, with the look whether an article has changed. The peer is likeness in PostgreSQL (pg_trgm) on the same
articles and questions.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from answers import actions, queries
from answers.hearing import heard, kind_of
from answers.index import Base, Keeper
from answers.models import Article, ArticleVersion
from answers.rules import Draft
from bench.measure import Limit, Result, Timing, check, rounded
from bench.places import own_database
from core import db
from core.progress import step
from demo.articles import article_columns
from incidents import catalogue
from incidents.understanding.sayings import made_up
from incidents.understanding.segments import words_of

FILE = Path(__file__).with_name("questions.toml")
TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
ARTICLES, QUESTIONS, SAYINGS = 10_000, 500, 1500
# A receiver's turn has 2 s at p95 (`faonam bench intake`); a question may cost it a hundredth of that.
LIMIT_S = 0.02
# A wrong answer costs more than a hand-over: most questions are answered, hardly any wrongly.
LEAST = {"kept_hit_at_1": 0.85, "kept_hit_at_3": 0.92, "kept_answered": 0.6}
MOST = {
    "kept_wrong_answers": 0.02, "kept_false_answers": 0.03, "kept_reports_answered": 0.05, "sayings_answered": 0.005,
    "p95_s": LIMIT_S, "first_question_s": 1.0, "read_again_s": 2.0,
}
# What is asked of the city is no report, and has sayings under `other`.
_REPORTED = catalogue.shipped().codes - {"other"}
_AS_WRITTEN = ("title", "short_answer", "body", "agency_code", "source_title", "source_page")
_LIKE = sa.text("""
    SELECT a.code FROM article a JOIN article_version v ON v.article_id = a.id
    ORDER BY greatest(similarity(:question, v.title),
                      (SELECT max(similarity(:question, asked)) FROM unnest(v.asked_as) asked)) DESC NULLS LAST
    LIMIT 1
""")


class _Half(BaseModel):
    model_config = ConfigDict(extra="forbid")

    answered: dict[str, list[str]]
    unknown: list[str]
    reports: list[str]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tuning: _Half
    kept: _Half


def measure(*, seed: int) -> Result:
    """The demo city's articles asked by the labelled questions; then the same among 10,000 articles, timed."""
    file = _File.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))
    with own_database("knowledge"):
        with db.transaction() as session, step("writing the demo city's articles"):
            written = write_demo_articles(session)
            base = Keeper().base(session, today=TODAY)
            figures = {**_quality(base, file.tuning, "tuning"), **_quality(base, file.kept, "kept")}
            sayings = made_up(count=SAYINGS, codes=_REPORTED, seed=seed)
            figures["sayings_answered"] = _answered(base, [one.text for one in sayings])
            figures["likeness_kept_hit_at_1"] = _likeness(session, file.kept)
        with db.transaction() as session, step("writing 10,000 articles"):
            _write_many(session, np.random.default_rng(seed), known=written)
            session.execute(sa.text("ANALYZE"))  # As of a database that has stood for a minute.
        keeper = Keeper()
        with db.transaction() as session, step("asking among 10,000 articles"):
            figures["first_question_s"] = _took_s(lambda: keeper.base(session, today=TODAY).search("รถขยะมาวันไหน"))
            check(len(keeper.base(session, today=TODAY)) == ARTICLES, "not every article can be found.")
            asked = _timed(session, keeper, file)
            first = queries.articles(session, after=0, limit=1)[0]
            actions.withdraw(session, first.article.id, based_on=first.version.number, by="bench", now=NOW)
            figures["read_again_s"] = _took_s(lambda: keeper.base(session, today=TODAY))
            check(len(keeper.base(session, today=TODAY)) == ARTICLES - 1, "a withdrawn article is still there.")
    figures["p95_s"] = asked.p95_s
    facts = {"demo_articles": written, "articles": ARTICLES, "questions": QUESTIONS, "seed": seed}
    shown = {name: rounded(value) for name, value in figures.items()}
    return Result("knowledge", facts, asked, {"limit": Limit(LIMIT_S)}, {"limit": 1.0}, shown, MOST, LEAST)


def write_demo_articles(session: Session) -> int:
    """The demo city's articles that may be said today are written; how many."""
    columns = article_columns()
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for row in rows:
        draft = Draft(
            **{name: row[name] for name in _AS_WRITTEN},
            asked_as=tuple(row["asked_as"].split("|")), source_url=None, source_dated=row["source_dated"],
            valid_until=row["valid_until"] or None, review_on=row["review_on"],
        )
        actions.write_new(
            session, code=row["matter"], language=row["language"], draft=draft, by="bench", now=NOW, trust="simulated"
        )
    return sum(not row["valid_until"] for row in rows)


def _quality(base: Base, half: _Half, name: str) -> dict[str, float]:
    questions = [(code, question) for code, asked in half.answered.items() for question in asked]
    first = three = right = wrong = 0
    for code, question in questions:
        codes = list(dict.fromkeys(hit.candidate.code for hit in base.search(question)))[:3]
        first += codes[:1] == [code]
        three += code in codes
        answer = heard(base, question, kind=kind_of(question)).answer
        right += answer is not None and answer.candidate.code == code
        wrong += answer is not None and answer.candidate.code != code
    count = len(questions)
    return {
        f"{name}_questions": count, f"{name}_hit_at_1": first / count, f"{name}_hit_at_3": three / count,
        f"{name}_answered": right / count, f"{name}_wrong_answers": wrong / count,
        f"{name}_unknown": len(half.unknown), f"{name}_false_answers": _answered(base, half.unknown),
        f"{name}_reports": len(half.reports), f"{name}_reports_answered": _answered(base, half.reports),
    }


def _answered(base: Base, texts: Sequence[str]) -> float:
    return sum(heard(base, text, kind=kind_of(text)).answer is not None for text in texts) / len(texts)


def _likeness(session: Session, half: _Half) -> float:
    questions = [(code, question) for code, asked in half.answered.items() for question in asked]
    hits = sum(bool(session.scalar(_LIKE, {"question": question}) == code) for code, question in questions)
    return hits / len(questions)


def _write_many(session: Session, rng: np.random.Generator, *, known: int) -> None:
    """Articles of words drawn as words of a language are: few of them often, most of them seldom."""
    words = sorted({word for one in made_up(count=4000, codes=_REPORTED, seed=1) for word in one.text.split()})
    ranks = np.arange(1, len(words) + 1)
    chances = (1 / ranks) / (1 / ranks).sum()
    count = ARTICLES - known
    articles = [{"code": f"many-{n}", "language": "th", "trust": "simulated"} for n in range(count)]
    ids = session.scalars(sa.insert(Article).returning(Article.id), articles).all()
    session.execute(
        sa.insert(ArticleVersion), [_many(article_id, _drawn(rng, words, chances)) for article_id in ids]
    )
    check(actions.cut_anew(session, most=ARTICLES) == count, "not every article was cut.")


def _drawn(rng: np.random.Generator, words: Sequence[str], chances: npt.NDArray[np.float64]) -> list[str]:
    return [words[place] for place in rng.choice(len(words), 40, p=chances)]


def _many(article_id: int, words: Sequence[str]) -> Mapping[str, object]:
    return {
        "article_id": article_id, "number": 1, "title": "".join(words[:5]), "short_answer": " ".join(words[5:20]),
        "body": " ".join(words[20:]), "asked_as": ["".join(words[2:7])], "source_title": "bench",
        "source_dated": TODAY, "review_on": TODAY, "is_withdrawn": False, "made_by": "bench", "made_at": NOW,
    }


def _took_s(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _timed(session: Session, keeper: Keeper, file: _File) -> Timing:
    """Each question by itself, as if its words had never been cut before."""
    asked = [question for half in (file.tuning, file.kept) for some in half.answered.values() for question in some]
    taken = []
    for number in range(QUESTIONS):
        text = asked[number % len(asked)]
        words_of.cache_clear()
        began_s = time.perf_counter()
        found = heard(keeper.base(session, today=TODAY), text, kind=kind_of(text))
        if found.answer is not None:
            queries.versions(session, [found.answer.version_id])
        taken.append(time.perf_counter() - began_s)
    return Timing(tuple(taken))
