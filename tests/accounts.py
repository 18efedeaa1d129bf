"""Accounts for tests of other rooms than staff: their one password is hashed once, since that is slow on purpose."""

from __future__ import annotations

import functools
from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from staff import AccountRef, queries
from staff.models import Account
from staff.passwords import hash_password

PASSWORD = "the canal is rising"


def add_account(session: Session, username: str, *, roles: Collection[str], crew_code: str | None = None) -> AccountRef:
    """An active account that can sign in with PASSWORD."""
    account = Account(
        username=username,
        display_name=username.title(),
        password_hash=_hash(),
        roles=sorted(roles),
        crew_code=crew_code,
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    session.add(account)
    session.flush()
    return queries.account_ref(account)


@functools.cache
def _hash() -> str:
    return hash_password(PASSWORD)
