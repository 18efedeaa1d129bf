"""Signing in and out over HTTP, roles, and the token that changes must carry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from fastapi.testclient import TestClient

from api.deps import needs
from core import clock
from core.db import transaction
from staff.models import SignIn
from staff.rules import AccountRef
from tests.accounts import PASSWORD

SignsIn = Callable[[str], TestClient]
Adds = Callable[[APIRouter], None]

changes = APIRouter()


@changes.post("/test/change")
def change(account: Annotated[AccountRef, Depends(needs("approver", "admin"))]) -> str:
    return account.username


def test_signing_in_gives_a_cookie_that_scripts_cannot_read(browser: TestClient) -> None:
    """The sign-in's secret is HttpOnly and SameSite=Strict; the answer says who it is and what to send back."""
    answer = browser.post("/api/v1/session", json={"username": "Officer ", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert answer.json()["account"]["roles"] == ["officer"]
    assert answer.headers["cache-control"] == "no-store"
    again = browser.get("/api/v1/session").json()
    assert again == answer.json()


def test_the_cookie_is_secure_over_https(browser: TestClient) -> None:
    """Behind TLS the cookie never travels in the clear."""
    browser.base_url = "https://testserver"
    answer = browser.post("/api/v1/session", json={"username": "officer", "password": PASSWORD})
    assert "Secure" in answer.headers["set-cookie"]


def test_a_wrong_password_is_a_401_that_is_remembered(signed_in: SignsIn, browser: TestClient) -> None:
    """A failed sign-in answers 401 and still stands in the audit log."""
    answer = browser.post("/api/v1/session", json={"username": "viewer", "password": "wrong"})
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:faonam:problem:unauthenticated"
    entries = signed_in("admin").get("/api/v1/audit").json()["entries"]
    assert [(e["action"], e["subject"]) for e in entries[:2]] == [
        ("session.opened", "account:admin"),
        ("session.refused", "account:viewer"),
    ]


def test_guessing_is_answered_429_with_the_wait(browser: TestClient) -> None:
    """The eleventh try says how long to wait."""
    answers = [
        browser.post("/api/v1/session", json={"username": "nobody", "password": f"guess {n}"}) for n in range(11)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 300


def test_nobody_signed_in_is_401(browser: TestClient) -> None:
    """Without a sign-in there is nothing to see."""
    for path in ("/api/v1/session", "/api/v1/overview", "/api/v1/live", "/api/v1/audit"):
        assert browser.get(path).status_code == 401, path


def test_a_change_without_its_csrf_token_is_refused(signed_in: SignsIn, add_routes: Adds) -> None:
    """A foreign page can make the browser send its cookie, but not the token."""
    add_routes(changes)
    browser = signed_in("approver")
    assert browser.post("/test/change").json() == "approver"
    for wrong in ("", "0" * 64):
        browser.headers["X-CSRF-Token"] = wrong
        assert browser.post("/test/change").status_code == 403
    assert browser.get("/api/v1/session").status_code == 200


def test_a_role_that_is_missing_is_refused(signed_in: SignsIn, add_routes: Adds) -> None:
    """An officer may look but not approve; no role includes another."""
    add_routes(changes)
    browser = signed_in("officer")
    answer = browser.post("/test/change")
    assert answer.status_code == 403
    assert "approver or admin" in answer.json()["detail"]
    assert browser.get("/api/v1/audit").status_code == 403


def test_signing_out_ends_it(signed_in: SignsIn) -> None:
    """The cookie is gone, and the old one opens nothing."""
    browser = signed_in("officer")
    token = browser.cookies["faonam_session"]
    assert browser.delete("/api/v1/session").status_code == 204
    assert "faonam_session" not in browser.cookies
    browser.cookies.set("faonam_session", token)
    assert browser.get("/api/v1/session").status_code == 401


def test_a_sign_in_expires(signed_in: SignsIn) -> None:
    """Twelve hours unused end a sign-in; use moves the end on."""
    browser = signed_in("officer")
    _expire_in(timedelta(hours=1))
    assert browser.get("/api/v1/session").status_code == 200
    with transaction() as session:
        expires = session.execute(sa.select(SignIn.expires_wall_at)).scalar_one()
    assert expires > clock.wall_now() + timedelta(hours=11)
    _expire_in(timedelta(seconds=-1))
    assert browser.get("/api/v1/session").status_code == 401


def _expire_in(left: timedelta) -> None:
    with transaction() as session:
        session.execute(sa.update(SignIn).values(expires_wall_at=clock.wall_now() + left))
