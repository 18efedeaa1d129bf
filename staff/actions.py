"""What happens to accounts and sign-ins, and how the audit log learns of it."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.errors import ConflictError, NotFoundError
from staff import passwords, queries, rules
from staff.errors import TooManyAttemptsError
from staff.models import Account, AuditEntry, SignIn, SignInFailure
from staff.rules import AccountRef

FAILURES_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class SignedIn:
    """A new sign-in; `token` goes into the browser's cookie and is known to nobody else."""

    account: AccountRef
    token: str


def record(session: Session, *, account: AccountRef | None, action: str, subject: str, detail: dict[str, Any]) -> None:
    """The audit log says that `account` did `action` (`alert.approved`) to `subject` (`alert:12`).

    Without an account it was the system itself. `detail` holds plain JSON values; never a password, a LINE id or a
    resident's words.
    """
    session.add(
        AuditEntry(
            recorded_at=clock.now(),
            recorded_wall_at=clock.wall_now(),
            account_id=account.id if account else None,
            username=account.username if account else "",
            action=action,
            subject=subject,
            detail=detail,
        )
    )
    session.flush()


def create_account(
    session: Session,
    *,
    username: str,
    display_name: str,
    password: str,
    roles: Collection[str],
    crew_code: str | None = None,
) -> AccountRef:
    """An active account exists.

    Raises InvalidInputError for unusable values, ConflictError where the username is taken.
    """
    rules.check_new_account(username=username, display_name=display_name, password=password, roles=roles)
    if queries.account_by_username(session, username) is not None:
        raise ConflictError(f"There is already an account '{username}'.")
    account = Account(
        username=username,
        display_name=display_name.strip(),
        password_hash=passwords.hash_password(password),
        roles=sorted(set(roles)),
        crew_code=crew_code,
        created_at=clock.now(),
    )
    session.add(account)
    session.flush()
    ref = queries.account_ref(account)
    detail = {"roles": account.roles}
    record(session, account=None, action="account.created", subject=f"account:{username}", detail=detail)
    return ref


def set_password(session: Session, *, username: str, password: str) -> None:
    """The account has this password and is signed out everywhere; raises NotFoundError, InvalidInputError."""
    rules.check_password(password)
    account = queries.account_by_username(session, username)
    if account is None:
        raise NotFoundError(f"There is no account '{username}'.")
    account.password_hash = passwords.hash_password(password)
    session.execute(sa.delete(SignIn).where(SignIn.account_id == account.id))
    record(session, account=None, action="account.password_set", subject=f"account:{username}", detail={})


def sign_in(session: Session, *, username: str, password: str, address: str) -> SignedIn | None:
    """A sign-in exists, or None where username and password do not belong together; either is in the audit log.

    Raises TooManyAttemptsError (with `retry_after_s`) after too many failures of this username, or of any, at this
    address.
    """
    now = clock.wall_now()
    failures = queries.failures_since(session, address=address, since=now - rules.FAILURES_WITHIN)
    wait = rules.wait_after_failures(failures, username=username, now=now)
    if wait is not None:
        raise TooManyAttemptsError(
            f"Too many wrong passwords came from here. Try again in {wait.seconds // 60 + 1} minutes.",
            retry_after_s=wait.seconds + 1,
        )
    account = queries.account_by_username(session, username)
    # An inactive account is checked like an unknown one, so that time does not tell which names exist.
    known_hash = account.password_hash if account is not None and account.is_active else None
    if account is None or not passwords.is_password(password, password_hash=known_hash):
        _note_failure(session, username=username, address=address)
        return None
    if passwords.is_hash_outdated(account.password_hash):
        account.password_hash = passwords.hash_password(password)
    return _open_sign_in(session, queries.account_ref(account), address=address)


def sign_out(session: Session, *, token: str, account: AccountRef) -> None:
    """The token opens nothing any more."""
    session.execute(sa.delete(SignIn).where(SignIn.token_hash == rules.token_hash(token)))
    record(session, account=account, action="session.closed", subject=f"account:{account.username}", detail={})


def account_of_token(session: Session, token: str) -> AccountRef | None:
    """Who is signed in with this token, or None; being used moves its expiry on."""
    now = clock.wall_now()
    hashed = rules.token_hash(token)
    found = queries.live_sign_in(session, hashed, now=now)
    if found is None:
        return None
    expiry = rules.next_expiry(expires_wall_at=found.expires_wall_at, now=now)
    if expiry is not None:
        session.execute(sa.update(SignIn).where(SignIn.token_hash == hashed).values(expires_wall_at=expiry))
    return found.account


def _open_sign_in(session: Session, account: AccountRef, *, address: str) -> SignedIn:
    now = clock.wall_now()
    token = secrets.token_urlsafe(32)
    session.execute(sa.delete(SignIn).where(SignIn.account_id == account.id, SignIn.expires_wall_at <= now))
    session.execute(
        sa.delete(SignInFailure).where(SignInFailure.username == account.username, SignInFailure.address == address)
    )
    session.add(
        SignIn(
            token_hash=rules.token_hash(token),
            account_id=account.id,
            created_wall_at=now,
            expires_wall_at=now + rules.SIGN_IN_LASTS,
        )
    )
    record(
        session,
        account=account,
        action="session.opened",
        subject=f"account:{account.username}",
        detail={"address": address},
    )
    return SignedIn(account=account, token=token)


def _note_failure(session: Session, *, username: str, address: str) -> None:
    now = clock.wall_now()
    session.execute(sa.delete(SignInFailure).where(SignInFailure.failed_wall_at < now - FAILURES_KEPT))
    session.add(SignInFailure(username=username, address=address, failed_wall_at=now))
    record(
        session,
        account=None,
        action="session.refused",
        subject=f"account:{username}",
        detail={"address": address},
    )
