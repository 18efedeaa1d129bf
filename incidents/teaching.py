"""Models of categories: learnt from taps, corrections and labelled texts, and active where they are no worse.

A candidate is judged beside the active model on labelled texts that came after that one was learnt: a third of them,
which the candidate has not seen either. Then a model learns from all and takes over. Nothing of a text stays in it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import UnavailableError
from core.logs import get_logger
from incidents import queries
from incidents.category_models import CategoryExample, CategoryModel
from incidents.classify import normalise
from incidents.understanding.child import Learnt, Lesson, learn_aside
from incidents.understanding.sayings import Labelled

log = get_logger("incidents.teaching")

MOST_REPORTS, MOST_EXAMPLES = 3000, 3000  # The newest: a lesson of all takes a minute or two.
HELD_OUT_OF = 3
LEAST_HELD_OUT = 30  # Fewer judge nothing.

_LABELLED = sa.text(
    """
    (SELECT r.text, ARRAY[coalesce(c.category_code, r.category_code)] AS codes,
            greatest(r.created_at, c.corrected_at) AS labelled_at
     FROM report r LEFT JOIN LATERAL (
         SELECT k.category_code, k.corrected_at FROM category_correction k
         WHERE k.report_id = r.id ORDER BY k.corrected_at DESC, k.id DESC LIMIT 1
     ) c ON true
     WHERE r.text <> '' AND (jsonb_typeof(r.offered) = 'object' OR c.category_code IS NOT NULL)
     ORDER BY labelled_at DESC LIMIT :reports)
    UNION ALL
    (SELECT text, category_codes, labelled_at FROM category_example
     ORDER BY labelled_at DESC, text_hash LIMIT :examples)
    """
)


@dataclass(frozen=True)
class Taught:
    """What became of a lesson; `model` is None where nothing was learnt, `why` a code that says so."""

    model: CategoryModel | None
    why: str
    held_out: int = 0
    learnt: Learnt | None = None


def keep_examples(session: Session, examples: Sequence[Labelled], *, source: str, now: datetime) -> int:
    """The labelled texts are there, each once, with these labels; how many are new or have other labels than before."""
    rows = {
        hashlib.sha256(normalise(one.text).encode(errors="replace")).digest(): {
            "text": one.text, "category_codes": list(one.codes), "source": source, "labelled_at": now
        }
        for one in examples
    }
    if not rows:
        return 0
    statement = insert(CategoryExample)
    fresh = {name: statement.excluded[name] for name in ("category_codes", "source", "labelled_at")}
    changed = session.execute(
        statement.on_conflict_do_update(
            index_elements=["text_hash"], set_=fresh,
            where=CategoryExample.category_codes != statement.excluded.category_codes,
        ).returning(CategoryExample.text_hash),
        [{"text_hash": text_hash, **row} for text_hash, row in rows.items()],
    )
    return len(changed.all())


def learn_first(session: Session, *, now: datetime) -> CategoryModel | None:
    """The city has a model of its categories, learnt from sayings of our own where it had none; else None.

    Where that fails the city goes on with words alone, and the next night tries again.
    """
    if session.scalar(sa.select(CategoryModel.id).where(CategoryModel.is_active)) is not None:
        return None
    try:
        return learn(session, now=now).model
    except UnavailableError as failed:
        log.error("categories.not_learnt", reason=failed.detail)
        return None


def learn_nightly(session: Session, *, now: datetime) -> Taught | None:
    """As `learn`; where it fails, the model before goes on."""
    try:
        return learn(session, now=now)
    except UnavailableError as failed:
        log.error("categories.not_learnt", reason=failed.detail)
        return None


def learn(session: Session, *, now: datetime) -> Taught:
    """A new model was learnt and, where it is no worse than the one before, is active.

    `why` is first, no_worse or other_categories where it is; worse or too_few (new labelled texts) where it is not.
    Raises UnavailableError where learning fails or lasts.
    """
    # Two lessons at once would both want to be the active one.
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('incidents.teaching'))"))
    active = session.scalar(sa.select(CategoryModel).where(CategoryModel.is_active))
    words = {category.code: category.words for category in queries.categories(session)}
    known, fresh = labelled_texts(session, since=active.trained_at if active else None)
    held_out = [one for one in fresh if zlib.crc32(normalise(one.text).encode(errors="replace")) % HELD_OUT_OF == 0]
    is_other = active is not None and set(active.figures["codes"]) != set(words)
    if active is not None and not is_other and len(held_out) < LEAST_HELD_OUT:
        return Taught(None, "too_few", len(held_out))
    held = set(held_out)
    lesson = Lesson(
        words=words, labelled=[one for one in (*known, *fresh) if one not in held], held_out=held_out,
        before=active.document if active is not None and not is_other else None,
    )
    learnt = learn_aside(lesson)
    why = "first" if active is None else "other_categories" if is_other else verdict(learnt)
    model = _keep(session, learnt, lesson, active, is_better=why != "worse", now=now)
    log.info("categories.learnt", model_id=model.id, texts=model.texts, held_out=model.held_out, why=why)
    return Taught(model, why, len(held_out), learnt)


def verdict(learnt: Learnt) -> str:
    """`worse` where the candidate finds fewer held-out reports first, or as many first and fewer in three."""
    if learnt.before is None or learnt.candidate is None:
        return "no_worse"
    candidate, before = learnt.candidate, learnt.before
    return "no_worse" if (candidate.first, candidate.in_three) >= (before.first, before.in_three) else "worse"


def labelled_texts(session: Session, *, since: datetime | None) -> tuple[list[Labelled], list[Labelled]]:
    """Labelled texts, each once with its newest label: those that the model of `since` may know, and newer ones."""
    rows = session.execute(_LABELLED, {"reports": MOST_REPORTS, "examples": MOST_EXAMPLES}).all()
    newest: dict[str, tuple[datetime, Labelled]] = {}
    for text, codes, labelled_at in rows:
        plain = normalise(text)
        if plain and (plain not in newest or newest[plain][0] < labelled_at):
            newest[plain] = (labelled_at, Labelled(text, tuple(codes)))
    known = [one for at, one in newest.values() if since is not None and at <= since]
    fresh = [one for at, one in newest.values() if since is None or at > since]
    return known, fresh


def _keep(
    session: Session, learnt: Learnt, lesson: Lesson, active: CategoryModel | None, *, is_better: bool, now: datetime
) -> CategoryModel:
    if active is not None and is_better:
        active.is_active, active.document = False, None
        session.flush()
    model = CategoryModel(
        trained_at=now, texts=len(lesson.labelled) + len(lesson.held_out), held_out=len(lesson.held_out),
        figures={
            "codes": list(lesson.words),
            "candidate": asdict(learnt.candidate) if learnt.candidate else None,
            "before": asdict(learnt.before) if learnt.before else None,
        },
        is_active=is_better, document=learnt.document if is_better else None,
    )
    session.add(model)
    session.flush()
    return model
