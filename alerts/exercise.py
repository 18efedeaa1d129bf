"""Exercises: who takes part, how every text of one begins, and what its buttons do.

That nobody else is reached is kept by the database itself (migration `alert_channels`); here is what people see of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

import staff.actions
from alerts import queries
from alerts.channels import rules as channel_rules
from alerts.exercise_models import ExerciseRecipient
from alerts.models import Alert
from alerts.templates import AlertText
from core import clock
from core.errors import ConflictError, NotFoundError
from core.settings import settings
from core.words import words
from residents import queries as residents
from staff.models import Account
from staff.rules import AccountRef

BUTTON = "exercise"


@dataclass(frozen=True)
class Participant:
    """A resident who takes part in exercises, by our own number of them, and who put them on the list."""

    resident_id: int
    added_at: datetime
    added_by: str


def mark(language: str) -> str:
    """How every text of an exercise begins, in this language."""
    return words("alerts", "exercise-mark", language=language)


def marked(text: str, language: str) -> str:
    """The text as an exercise says it; one that begins so already stays as it is."""
    sign = mark(language)
    return text if text.startswith(sign) else f"{sign} {text}"


def marked_texts(texts: Mapping[str, AlertText]) -> dict[str, AlertText]:
    """The texts by language, each beginning with the mark: what stands first in a card, on a lock screen, in a mail."""
    return {
        language: replace(
            text, title=marked(text.title, language), situation=marked(text.situation, language),
            alt=marked(text.alt, language), city=marked(text.city, language) if text.city else "",
        )
        for language, text in texts.items()
    }


def as_exercise(messages: Sequence[dict[str, Any]], *, alert_id: int) -> list[dict[str, Any]]:
    """The messages with buttons that report nothing: each tap says only that it was one of the exercise's.

    The data of a tap becomes `exercise:ALERT:WHAT`, which the rooms that take calls for help do not know.
    """
    return [_with_harmless_buttons(message, alert_id) for message in messages]


def _with_harmless_buttons(thing: Any, alert_id: int) -> Any:
    if isinstance(thing, list):
        return [_with_harmless_buttons(one, alert_id) for one in thing]
    if not isinstance(thing, dict):
        return thing
    inner = {name: _with_harmless_buttons(value, alert_id) for name, value in thing.items()}
    if inner.get("type") == "postback" and isinstance(inner.get("data"), str):
        verb = inner["data"].partition(":")[0]
        inner["data"] = inner["data"] if verb == BUTTON else f"{BUTTON}:{alert_id}:{verb}"
    return inner


def tapped(data: str) -> tuple[int, str] | None:
    """(alert, what) of a tap on an exercise's button; None for every other tap."""
    verb, _, rest = data.partition(":")
    number, _, what = rest.partition(":")
    is_ours = verb == BUTTON and number.isascii() and number.isdigit() and len(number) <= 18
    return (int(number), what) if is_ours else None


def line_channel(alert: Alert) -> str:
    """By which of the outbox's channels the alert's messages go, as this house is set."""
    here = settings()
    return channel_rules.line_channel(
        is_exercise=alert.is_exercise, is_rehearsal=here.rehearsal,
        has_exercise_token=here.line.exercise_token is not None,
    )


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def add(session: Session, resident_id: int, *, by: AccountRef) -> None:
    """The resident takes part in exercises from now on; twice is as once. Raises NotFoundError."""
    residents.resident(session, resident_id)
    added = session.execute(
        postgresql.insert(ExerciseRecipient)
        .values(resident_id=resident_id, added_at=clock.now(), added_by=by.id)
        .on_conflict_do_nothing()
        .returning(ExerciseRecipient.resident_id)
    ).scalar_one_or_none()
    if added is not None:
        _note(session, resident_id, by, "exercise_list.added")


def remove(session: Session, resident_id: int, *, by: AccountRef) -> None:
    """No exercise reaches the resident any more.

    Raises NotFoundError where they are not on the list, ConflictError while an exercise is on its way.
    """
    queries.hold_decisions(session)
    is_going = sa.select(Alert.id).where(Alert.is_exercise, Alert.state.in_(["approved", "sending"]))
    if session.scalar(sa.select(sa.exists(is_going))):
        raise ConflictError("An exercise is on its way. Wait until it has gone out, then take people off the list.")
    gone = session.execute(
        sa.delete(ExerciseRecipient)
        .where(ExerciseRecipient.resident_id == resident_id)
        .returning(ExerciseRecipient.resident_id)
    ).scalar_one_or_none()
    if gone is None:
        raise NotFoundError(f"Member {resident_id} is not on the list of exercises.")
    _note(session, resident_id, by, "exercise_list.removed")


def _note(session: Session, resident_id: int, by: AccountRef, action: str) -> None:
    staff.actions.record(session, account=by, action=action, subject=f"resident:{resident_id}", detail={})


def participants(session: Session, *, by: AccountRef) -> list[Participant]:
    """Who takes part in exercises, by number; that `by` looked is on record."""
    rows = session.execute(
        sa.select(ExerciseRecipient.resident_id, ExerciseRecipient.added_at, Account.display_name)
        .join(Account, Account.id == ExerciseRecipient.added_by)
        .order_by(ExerciseRecipient.resident_id)
    ).all()
    staff.actions.record(session, account=by, action="exercise_list.read", subject="exercise_list", detail={})
    return [Participant(*row) for row in rows]


def listed_ids(session: Session) -> set[int]:
    """The numbers of those who take part in exercises."""
    return set(session.scalars(sa.select(ExerciseRecipient.resident_id)))


def takes_part(session: Session, resident_id: int) -> bool:
    """The resident is on the list now."""
    return session.get(ExerciseRecipient, resident_id, populate_existing=True) is not None
