"""Institutions that are told of alerts: put there, looked at and removed by hand."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
from alerts.channels import rules
from alerts.channels.errors import AddressError
from alerts.channels.models import AlertDelivery, AlertSubscriber
from alerts.templates import LANGUAGES
from core import clock, sealing
from core.errors import ConflictError, InvalidInputError, NotFoundError
from gis.models import Area
from incidents.exchange.hook_bodies import SECRET_PREFIX
from incidents.exchange.hook_client import HookClient, read_address
from staff.rules import AccountRef

KINDS = ("mail", "webhook")
LONGEST_NAME = 100
_WAITING = sa.select(sa.func.count()).where(
    AlertDelivery.subscriber_id == AlertSubscriber.id, AlertDelivery.state == "queued"
)
_LAST_TOLD = sa.select(sa.func.max(AlertDelivery.ended_wall_at)).where(
    AlertDelivery.subscriber_id == AlertSubscriber.id, AlertDelivery.state == "accepted"
)
_FAULT = (
    sa.select(AlertDelivery.fault)
    .where(AlertDelivery.subscriber_id == AlertSubscriber.id)
    .order_by(AlertDelivery.id.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Added:
    """A new subscriber's number; a webhook's `secret` is shown this once."""

    id: int
    secret: str | None


@dataclass(frozen=True)
class SubscriberRow:
    """A subscriber as operators and officers see it; nothing of it is secret. `fault` is of the newest delivery."""

    id: int
    name: str
    kind: str
    shown: str
    language: str
    area_codes: list[str]
    takes_exercises: bool
    made_at: datetime
    waiting: int
    told_wall_at: datetime | None
    fault: str


def add(
    session: Session,
    *,
    name: str,
    kind: str,
    address: str,
    client: HookClient,
    language: str = "th",
    area_codes: Collection[str] = (),
    takes_exercises: bool = False,
    by: AccountRef | None = None,
) -> Added:
    """The institution is told from the next alert on that touches these areas; of every one where none is named.

    Raises InvalidInputError for what cannot be used, AddressError, NotFoundError for an area, ConflictError for a name
    that is taken, SetupError for a webhook beyond this machine without HOOKS_LIVE=1.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidInputError(f"A subscriber has a name of at most {LONGEST_NAME} characters.")
    if kind not in KINDS or language not in LANGUAGES:
        raise InvalidInputError(f"A subscriber is told by {' or '.join(KINDS)}, in {', '.join(LANGUAGES)}.")
    codes = _known_areas(session, area_codes)
    if session.scalar(sa.select(AlertSubscriber.id).where(*_is_named(name))) is not None:
        raise ConflictError(f"There is a subscriber of the name '{name}' already: remove it first.")
    shown = _shown(kind, address, client)
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode() if kind == "webhook" else None
    row = AlertSubscriber(
        name=name, kind=kind, address_sealed=sealing.seal(address),
        secret_sealed=sealing.seal(secret) if secret else None, shown=shown, language=language, area_codes=codes,
        takes_exercises=takes_exercises, made_at=clock.now(),
    )
    session.add(row)
    session.flush()
    _note(session, by, row, "subscriber.added")
    return Added(row.id, secret)


def _known_areas(session: Session, codes: Collection[str]) -> list[str]:
    wanted = sorted(set(codes))
    known = set(session.scalars(sa.select(Area.code).where(Area.code.in_(wanted))))
    unknown = [code for code in wanted if code not in known]
    if unknown:
        raise NotFoundError(f"The city has no area '{unknown[0]}'.")
    return wanted


def _shown(kind: str, address: str, client: HookClient) -> str:
    if kind == "webhook":
        return read_address(address, is_live=client.is_live).host
    if not rules.is_mail_address(address):
        raise AddressError("This is no plain address of mail, like office@school.example.")
    return rules.shown_mail_address(address)


def _is_named(name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return AlertSubscriber.name == name, AlertSubscriber.removed_at.is_(None)


def _note(session: Session, by: AccountRef | None, row: AlertSubscriber, action: str) -> None:
    detail = {"name": row.name, "kind": row.kind, "areas": row.area_codes}
    staff.actions.record(session, account=by, action=action, subject=f"alert-subscriber:{row.id}", detail=detail)


def remove(session: Session, subscriber_id: int, *, by: AccountRef | None = None) -> None:
    """The institution is told nothing any more, and its address is gone; how often it was told stays.

    Raises NotFoundError.
    """
    row = session.get(AlertSubscriber, subscriber_id, with_for_update=True, populate_existing=True)
    if row is None or row.removed_at is not None:
        raise NotFoundError(f"There is no subscriber {subscriber_id}.")
    row.address_sealed = row.secret_sealed = None
    row.removed_at = clock.now()
    session.execute(
        sa.update(AlertDelivery)
        .where(AlertDelivery.subscriber_id == row.id, AlertDelivery.state == "queued")
        .values(state="cancelled", ended_wall_at=clock.wall_now())
    )
    session.flush()
    _note(session, by, row, "subscriber.removed")


def id_of(session: Session, name: str) -> int:
    """The number of the subscriber of this name. Raises NotFoundError."""
    found = session.scalar(sa.select(AlertSubscriber.id).where(*_is_named(name)))
    if found is None:
        raise NotFoundError(f"There is no subscriber of the name '{name}'.")
    return found


def subscribers(session: Session) -> Sequence[SubscriberRow]:
    """Every subscriber, in the order of names."""
    one = AlertSubscriber
    rows = session.execute(
        sa.select(
            one.id, one.name, one.kind, one.shown, one.language, one.area_codes, one.takes_exercises, one.made_at,
            _WAITING.scalar_subquery(), _LAST_TOLD.scalar_subquery(), sa.func.coalesce(_FAULT.scalar_subquery(), ""),
        )
        .where(one.removed_at.is_(None))
        .order_by(one.name)
    )
    return [SubscriberRow(*row) for row in rows]
