"""Tokens that a resident holds for a short time: the open page inside LINE, and the link to everything about them."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock, sealing
from core.errors import NotFoundError
from core.settings import settings
from line import identity
from line.errors import IdTokenError
from residents import actions, queries, rules
from residents.errors import TooManyTriesError
from residents.models import Resident
from residents.models_rights import ExportLink, ResidentSignIn, UsedIdToken
from staff.rules import token_hash

EXPORTS_ALLOWED = 5


def open_page(session: Session, id_token: str) -> tuple[Resident, str, datetime]:
    """The resident whom LINE names for this ID token, the token of their page, and when it ends (real time).

    Nothing that the page says of itself is believed. Raises IdTokenError, also where the token, or the sign-in that
    made it, has opened a page before.
    """
    person = identity.person_of(id_token)
    now = clock.wall_now()
    session.execute(sa.delete(UsedIdToken).where(UsedIdToken.expires_wall_at <= now))
    used = sealing.fingerprint(f"id-token:{person.nonce or id_token}")
    first = session.execute(
        insert(UsedIdToken)
        .values(token_hash=used, expires_wall_at=person.expires_wall_at)
        .on_conflict_do_nothing()
        .returning(UsedIdToken.token_hash)
    ).one_or_none()
    if first is None:
        detail = "This ID token has opened a page before. Close this page and open it from the chat."
        raise IdTokenError(detail, reason="used")
    resident = actions.resident_of(session, person.line_user_id)
    session.execute(sa.delete(ResidentSignIn).where(ResidentSignIn.expires_wall_at <= now))
    token, ends = secrets.token_urlsafe(32), now + rules.PAGE_LIFE
    session.add(
        ResidentSignIn(token_hash=token_hash(token), resident_id=resident.id, made_wall_at=now, expires_wall_at=ends)
    )
    session.flush()
    return resident, token, ends


def resident_of_page(session: Session, token: str) -> Resident | None:
    """Whose page this token opened, while it lives."""
    return queries.resident_of_token(session, ResidentSignIn, token_hash(token), now=clock.wall_now())


def close_page(session: Session, token: str) -> None:
    """The token opens nothing any more."""
    session.execute(sa.delete(ResidentSignIn).where(ResidentSignIn.token_hash == token_hash(token)))


def export_link(session: Session, resident: Resident) -> str:
    """An address that shows everything about the resident to whoever holds it, for a quarter of an hour.

    Raises TooManyTriesError where five such links are still alive.
    """
    now = clock.wall_now()
    session.execute(sa.delete(ExportLink).where(ExportLink.expires_wall_at <= now))
    alive = session.scalar(
        sa.select(sa.func.count()).select_from(ExportLink).where(ExportLink.resident_id == resident.id)
    )
    if (alive or 0) >= EXPORTS_ALLOWED:
        detail = "There are five links already. Use one, or wait a quarter of an hour."
        raise TooManyTriesError(detail, retry_after_s=900)
    token = secrets.token_urlsafe(32)
    session.add(
        ExportLink(
            token_hash=token_hash(token), resident_id=resident.id, made_wall_at=now,
            expires_wall_at=now + rules.EXPORT_LIFE,
        )
    )
    session.flush()
    return f"{settings().residents_url}/api/v1/resident/export/{token}"


def resident_of_link(session: Session, token: str) -> Resident:
    """Whose link this is. Raises NotFoundError where it has expired or never was; which of both is not said."""
    resident = queries.resident_of_token(session, ExportLink, token_hash(token), now=clock.wall_now())
    if resident is None:
        raise NotFoundError("This link is not valid any more. Ask for a new one in the chat.")
    return resident
