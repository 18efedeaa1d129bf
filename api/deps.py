"""What routes ask for: a session that is committed before the answer goes out, and who is asking."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie
from sqlalchemy.orm import Session

from core.db import transaction
from core.errors import ForbiddenError, UnauthenticatedError
from core.settings import settings
from staff import actions, rules
from staff.rules import AccountRef

SESSION_COOKIE = "faonam_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# Requests that hold a session, worker threads that open a transaction of their own, and one look at the shared clock
# must together fit into the pool (`database_pool_size` + 10), or they wait for each other.
REQUESTS_AT_ONCE = max(2, (settings().database_pool_size + 9) // 2)


def get_session() -> Iterator[Session]:
    """A session in a transaction of its own: committed when the endpoint returns, rolled back when it raises."""
    with transaction() as session:
        yield session


# scope="function" commits before the answer is sent: a failing commit answers 500, never 201. Requests beyond the limit
# wait without a worker thread, so that they cannot starve those that hold a connection and need a thread to go on.
SessionDep = Annotated[Session, Depends(get_session, scope="function", max_concurrency=REQUESTS_AT_ONCE)]


_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="Set by POST /api/v1/session")


def get_optional_account(
    request: Request, session: SessionDep, token: Annotated[str | None, Security(_cookie)]
) -> AccountRef | None:
    """Who is asking, or None where nobody is signed in; raises ForbiddenError for a change without its CSRF token."""
    account = actions.account_of_token(session, token) if token else None
    if token is None or account is None:
        return None
    if request.method not in SAFE_METHODS and not rules.is_csrf_token(request.headers.get(CSRF_HEADER), token=token):
        raise ForbiddenError(f"The {CSRF_HEADER} header is missing or is not this sign-in's. Reload the page.")
    return account


OptionalAccount = Annotated[AccountRef | None, Depends(get_optional_account)]


def get_current_account(account: OptionalAccount) -> AccountRef:
    """Who is asking; raises UnauthenticatedError where nobody is signed in."""
    if account is None:
        raise UnauthenticatedError("You are not signed in, or your sign-in has expired.")
    return account


CurrentAccount = Annotated[AccountRef, Depends(get_current_account)]


@contextlib.contextmanager
def officer_session(request: Request) -> Iterator[Session]:
    """A session in a transaction of its own, for somebody who is signed in; raises UnauthenticatedError.

    For answers that take less time than the worker threads that dependencies of their own would go through.
    """
    with transaction() as session:
        get_current_account(get_optional_account(request, session, request.cookies.get(SESSION_COOKIE)))
        yield session


def needs(*roles: str) -> Callable[[AccountRef], AccountRef]:
    """A dependency that gives the account asking where it holds one of `roles`, and raises ForbiddenError otherwise.

    Used as `account: Annotated[AccountRef, Depends(needs("approver", "admin"))]`. No role includes another.
    """
    unknown = set(roles) - rules.ROLES
    if unknown:
        raise ValueError(f"no such role: {unknown}")

    def account_with_role(account: CurrentAccount) -> AccountRef:
        if not account.has_any(roles):
            raise ForbiddenError(f"This needs the role {' or '.join(roles)}; {account.username} has none of them.")
        return account

    return account_with_role
