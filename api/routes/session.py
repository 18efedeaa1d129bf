"""Signing in and out: a cookie that scripts cannot read, and a token that every change must carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from api import problems
from api.bodies import OnceRoute
from api.deps import SESSION_COOKIE, CurrentAccount, SessionDep
from core.errors import UnauthenticatedError
from staff import actions, rules
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["session"])


def _one_seat() -> Iterator[None]:
    yield


# The server decides when a sign-in ends; the browser only must not forget it when a crew's phone closes the page.
COOKIE_KEPT_S = 30 * 24 * 3600

# Hashing takes 64 MiB and a core for a moment: more than two at once would slow the night's real work.
HashingSeat = Annotated[None, Depends(_one_seat, scope="function", max_concurrency=2)]


class Credentials(BaseModel):
    """What an officer types."""

    username: str = Field(min_length=1, max_length=63)
    password: str = Field(min_length=1, max_length=rules.PASSWORD_LENGTH_MAX)


class AccountOut(BaseModel):
    """Who is signed in."""

    id: int
    username: str
    display_name: str
    roles: list[str]
    crew_code: str | None

    @classmethod
    def of(cls, account: AccountRef) -> AccountOut:
        """The account as the screens see it."""
        return cls(
            id=account.id,
            username=account.username,
            display_name=account.display_name,
            roles=sorted(account.roles),
            crew_code=account.crew_code,
        )


class SessionOut(BaseModel):
    """A sign-in; send `csrf_token` back as X-CSRF-Token with every change."""

    account: AccountOut
    csrf_token: str


@router.post("/session", summary="Sign in", response_model=SessionOut)
def sign_in(
    seat: HashingSeat, request: Request, response: Response, session: SessionDep, given: Credentials
) -> SessionOut | Response:
    """Signed in, with a cookie; 401 where username and password do not belong together, 429 after too many tries."""
    address = request.client.host if request.client else ""
    username = given.username.strip().lower()
    signed_in = actions.sign_in(session, username=username, password=given.password, address=address)
    if signed_in is None:
        # Returned, not raised: the failure must be committed, since it counts and is in the audit log.
        wrong = UnauthenticatedError("The username or the password is wrong.")
        return problems.of_error(wrong, instance=request.url.path)
    response.set_cookie(
        SESSION_COOKIE,
        signed_in.token,
        max_age=COOKIE_KEPT_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return SessionOut(account=AccountOut.of(signed_in.account), csrf_token=rules.csrf_token(signed_in.token))


@router.get("/session", summary="Who is signed in")
def current_session(request: Request, account: CurrentAccount) -> SessionOut:
    """The account of this browser's sign-in, which now lasts 12 hours more; 401 where there is none."""
    token = request.cookies[SESSION_COOKIE]
    return SessionOut(account=AccountOut.of(account), csrf_token=rules.csrf_token(token))


@router.delete("/session", summary="Sign out", status_code=204)
def sign_out(request: Request, response: Response, session: SessionDep, account: CurrentAccount) -> None:
    """The sign-in has ended, and the cookie is gone."""
    actions.sign_out(session, token=request.cookies[SESSION_COOKIE], account=account)
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
