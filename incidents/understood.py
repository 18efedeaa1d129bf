"""What a text is about, by the city's active model and words; and what was offered and corrected, kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidInputError, NotFoundError
from core.logs import get_logger
from incidents import queries
from incidents.category_models import CategoryCorrection, CategoryModel
from incidents.classify import Lexicon, is_thai
from incidents.models import Category, Report
from incidents.understanding.features import MOST_LETTERS, Reader
from incidents.understanding.model import Understanding, Weights
from incidents.understanding.stored import from_json

log = get_logger("incidents.understood")

LEAST_SURE = 0.1  # What is less likely is not offered first: the resident is asked without a guess.
_ACTIVE = sa.select(CategoryModel.id, CategoryModel.trained_at).where(CategoryModel.is_active)
Model = tuple[int, datetime]  # Its number, and when it was trained.


@dataclass(frozen=True)
class Offer:
    """A category to offer; without a model it has no confidence."""

    category_code: str
    confidence: float | None


@dataclass(frozen=True)
class Understood:
    """The categories to offer, best first, and by which model; without one by the words alone."""

    model_id: int | None
    offers: tuple[Offer, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The categories, best first."""
        return tuple(offer.category_code for offer in self.offers)

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a draft and a report: the model's version, each category with its confidence."""
        shares = [[one.category_code, one.confidence] for one in self.offers]
        return {"model": self.model_id, "guesses": shares}


def active_model(session: Session) -> Model | None:
    """The model that reads categories now, None before the first was trained."""
    row = session.execute(_ACTIVE).one_or_none()
    return None if row is None else (row.id, row.trained_at)


def understood(
    session: Session, categories: Sequence[Category], text: str, *, model: Model | None
) -> Understood:
    """What the text's beginning is about, at most three categories; none for words that say nothing.

    `model` is what `active_model` says; without one the words alone tell.
    """
    text = text[: 2 * MOST_LETTERS]
    lexicon = _lexicon_of(categories)
    matches = lexicon.top(text)
    if not matches and not is_thai(text):
        return Understood(None, ())
    weights = _weights(session, model) if model is not None else None
    if model is None or weights is None:
        return Understood(None, tuple(Offer(match.category_code, None) for match in matches))
    known = {category.code for category in categories}
    guesses = Understanding(Reader(weights.codes, lexicon), weights).guesses(text)
    if not guesses or guesses[0].confidence < LEAST_SURE:
        return Understood(model[0], ())
    offers = (Offer(one.category_code, round(one.confidence, 4)) for one in guesses if one.category_code in known)
    return Understood(model[0], tuple(offers))


def correct_category(
    session: Session, *, report_id: int, category_code: str, corrected_by: str, now: datetime
) -> CategoryCorrection:
    """The officer's word stands beside the report's own category, and teaches the next model.

    Raises NotFoundError for an unknown report or category.
    """
    queries.category(session, category_code)
    if session.get(Report, report_id) is None:
        raise NotFoundError(f"There is no report {report_id}.")
    correction = CategoryCorrection(
        report_id=report_id, category_code=category_code, corrected_by=corrected_by, corrected_at=now
    )
    session.add(correction)
    session.flush()
    return correction


_latest: tuple[Sequence[Category], Lexicon] | None = None


def _lexicon_of(categories: Sequence[Category]) -> Lexicon:
    """The lexicon of these categories, made once for as long as the same list is asked about."""
    global _latest
    if _latest is None or _latest[0] is not categories:
        _latest = (categories, Lexicon({category.code: dict(category.words) for category in categories}))
    return _latest[1]


_read: dict[Model, Weights | None] = {}


def _weights(session: Session, model: Model) -> Weights | None:
    """The weights of a model, read once by this process; None where it is of a version that cannot be read."""
    if model not in _read:
        document = session.scalar(sa.select(CategoryModel.document).where(CategoryModel.id == model[0]))
        try:
            weights = from_json(document or "")
        except InvalidInputError as unreadable:
            log.error("categories.model_not_read", model_id=model[0], reason=unreadable.detail)
            weights = None
        _read.clear()
        _read[model] = weights
    return _read[model]
