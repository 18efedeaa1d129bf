"""An API over a database with real commits, and browsers that are signed in to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from core.db import transaction
from staff import actions

PASSWORD = "the canal is rising"
ROLES = ("viewer", "officer", "approver", "dispatcher", "admin")


@pytest.fixture
def app(database: sa.Engine) -> FastAPI:
    """The whole API, with one account a role, named like its role."""
    with transaction() as session:
        for role in ROLES:
            actions.create_account(session, username=role, display_name=role, password=PASSWORD, roles=[role])
    return create_app()


@pytest.fixture
def add_routes(app: FastAPI) -> Callable[[APIRouter], None]:
    """Puts a test's own routes before those of the screens, which take every path that is left."""

    def add(router: APIRouter) -> None:
        app.router.routes[:0] = router.routes

    return add


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    """A browser in which nobody is signed in."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def signed_in(browser: TestClient) -> Callable[[str], TestClient]:
    """`signed_in("officer")`: the browser with that account's cookie and CSRF token."""

    def sign_in(role: str) -> TestClient:
        answer = browser.post("/api/v1/session", json={"username": role, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return browser

    return sign_in
