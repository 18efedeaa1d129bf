"""What is read about accounts, sign-ins and the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from staff.models import Account, AuditEntry, SignIn, SignInFailure
from staff.rules import AccountRef, Failure


@dataclass(frozen=True)
class LiveSignIn:
    """A sign-in that has not expired, of an account that is active."""

    account: AccountRef
    expires_wall_at: datetime


@dataclass(frozen=True)
class AuditLine:
    """One line of the audit log."""

    id: int
    recorded_at: datetime
    recorded_wall_at: datetime
    username: str
    action: str
    subject: str
    detail: dict[str, Any]


def account_ref(account: Account) -> AccountRef:
    """The account as the other rooms see it."""
    return AccountRef(
        id=account.id,
        username=account.username,
        display_name=account.display_name,
        roles=frozenset(account.roles),
        crew_code=account.crew_code,
    )


def account_by_username(session: Session, username: str) -> Account | None:
    """The account of that username, active or not."""
    return session.scalar(sa.select(Account).where(Account.username == username))


def live_sign_in(session: Session, token_hash: bytes, *, now: datetime) -> LiveSignIn | None:
    """The sign-in whose token has this hash, where it still holds at `now` (real time)."""
    row = session.execute(
        sa.select(Account, SignIn.expires_wall_at)
        .join(SignIn, SignIn.account_id == Account.id)
        .where(SignIn.token_hash == token_hash, SignIn.expires_wall_at > now, Account.is_active)
    ).one_or_none()
    if row is None:
        return None
    return LiveSignIn(account=account_ref(row[0]), expires_wall_at=row[1])


def failures_since(session: Session, *, address: str, since: datetime) -> list[Failure]:
    """The wrong passwords at this address since a moment of real time."""
    rows = session.execute(
        sa.select(SignInFailure.username, SignInFailure.failed_wall_at).where(
            SignInFailure.address == address, SignInFailure.failed_wall_at > since
        )
    )
    return [Failure(username=row.username, failed_wall_at=row.failed_wall_at) for row in rows]


def audit_lines(session: Session, *, before_id: int | None, limit: int) -> list[AuditLine]:
    """The newest lines of the audit log first, those before `before_id` where it is given."""
    wanted = sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if before_id is not None:
        wanted = wanted.where(AuditEntry.id < before_id)
    return [
        AuditLine(
            id=entry.id,
            recorded_at=entry.recorded_at,
            recorded_wall_at=entry.recorded_wall_at,
            username=entry.username,
            action=entry.action,
            subject=entry.subject,
            detail=entry.detail,
        )
        for entry in session.scalars(wanted)
    ]
