"""Accounts, sign-ins and the audit log on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.errors import ConflictError, InvalidInputError, NotFoundError
from staff import AccountRef, actions, queries, rules
from staff.errors import TooManyAttemptsError
from staff.models import Account, SignIn

PASSWORD = "the canal is rising"


@pytest.fixture
def officer(session: Session) -> AccountRef:
    return actions.create_account(
        session, username="somchai", display_name="สมชาย", password=PASSWORD, roles=["officer", "approver"]
    )


def _sign_in(session: Session, password: str = PASSWORD, address: str = "10.0.0.5") -> actions.SignedIn | None:
    return actions.sign_in(session, username="somchai", password=password, address=address)


def test_a_sign_in_is_found_again_by_its_token(session: Session, officer: AccountRef) -> None:
    """The token in the browser names the account and its roles."""
    signed_in = _sign_in(session)
    assert signed_in is not None
    assert actions.account_of_token(session, signed_in.token) == officer
    assert officer.roles == {"officer", "approver"}


def test_the_database_never_holds_a_password_or_a_token(session: Session, officer: AccountRef) -> None:
    """Who reads the database can neither sign in nor take over a sign-in."""
    signed_in = _sign_in(session)
    assert signed_in is not None
    kept = session.execute(sa.select(Account.password_hash, SignIn.token_hash).join(SignIn)).one()
    assert PASSWORD not in kept[0]
    assert kept[0].startswith("$argon2id$")
    assert kept[1] == rules.token_hash(signed_in.token)


def test_a_wrong_password_is_refused_and_recorded(session: Session, officer: AccountRef) -> None:
    """A failure is None to the caller and a line in the audit log, without the password."""
    assert _sign_in(session, password="not the password") is None
    line = queries.audit_lines(session, before_id=None, limit=1)[0]
    assert (line.action, line.subject) == ("session.refused", "account:somchai")
    assert "not the password" not in str(line)


def test_an_unknown_or_inactive_account_cannot_sign_in(session: Session, officer: AccountRef) -> None:
    """Leaving the city's service closes the account and every sign-in of it."""
    signed_in = _sign_in(session)
    assert signed_in is not None
    session.execute(sa.update(Account).values(is_active=False))
    session.expire_all()
    assert _sign_in(session) is None
    assert actions.account_of_token(session, signed_in.token) is None
    assert actions.sign_in(session, username="nobody", password=PASSWORD, address="10.0.0.5") is None


def test_guessing_is_slowed_for_one_name_at_one_address(session: Session, officer: AccountRef) -> None:
    """After ten failures even the right password waits, but an officer at another address does not."""
    for _ in range(rules.FAILURES_ALLOWED):
        assert _sign_in(session, password="guess after guess") is None
    with pytest.raises(TooManyAttemptsError):
        _sign_in(session)
    assert _sign_in(session, address="10.0.0.6") is not None


def test_an_expired_sign_in_opens_nothing(session: Session, officer: AccountRef) -> None:
    """Twelve hours without a request end a sign-in."""
    signed_in = _sign_in(session)
    assert signed_in is not None
    session.execute(sa.update(SignIn).values(expires_wall_at=clock.wall_now() - timedelta(seconds=1)))
    assert actions.account_of_token(session, signed_in.token) is None


def test_use_moves_the_expiry_on(session: Session, officer: AccountRef) -> None:
    """Who keeps looking at the map is never thrown out."""
    signed_in = _sign_in(session)
    assert signed_in is not None
    soon = clock.wall_now() + timedelta(hours=1)
    session.execute(sa.update(SignIn).values(expires_wall_at=soon))
    actions.account_of_token(session, signed_in.token)
    expires = session.execute(sa.select(SignIn.expires_wall_at)).scalar_one()
    assert expires > soon + timedelta(hours=10)


def test_signing_out_ends_the_token(session: Session, officer: AccountRef) -> None:
    """A token that was signed out opens nothing."""
    signed_in = _sign_in(session)
    assert signed_in is not None
    actions.sign_out(session, token=signed_in.token, account=officer)
    assert actions.account_of_token(session, signed_in.token) is None


def test_a_new_password_ends_every_sign_in(session: Session, officer: AccountRef) -> None:
    """A stolen sign-in does not outlive the password."""
    signed_in = _sign_in(session)
    assert signed_in is not None
    actions.set_password(session, username="somchai", password="another long password")
    assert actions.account_of_token(session, signed_in.token) is None
    assert _sign_in(session) is None
    assert _sign_in(session, password="another long password") is not None
    with pytest.raises(NotFoundError):
        actions.set_password(session, username="nobody", password="another long password")


def test_unusable_accounts_are_refused_with_a_sentence(session: Session, officer: AccountRef) -> None:
    """Short passwords, unknown roles, odd usernames and taken usernames never become accounts."""
    good: dict[str, Any] = {"username": "malee", "display_name": "มาลี", "password": PASSWORD, "roles": ["viewer"]}
    wrongs: list[dict[str, Any]] = [
        {"password": "short"},
        {"roles": ["king"]},
        {"roles": []},
        {"username": "มาลี"},
        {"display_name": " "},
    ]
    for wrong in wrongs:
        with pytest.raises(InvalidInputError):
            actions.create_account(session, **{**good, **wrong})
    with pytest.raises(ConflictError):
        actions.create_account(session, **{**good, "username": "somchai"})


def test_the_audit_log_only_grows(session: Session, officer: AccountRef) -> None:
    """The database itself refuses to change or delete what was recorded."""
    actions.record(session, account=officer, action="alert.approved", subject="alert:1", detail={"revision": 2})
    for sql in ("UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), session.begin_nested():
            session.execute(sa.text(sql))
