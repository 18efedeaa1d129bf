"""An API over a database with real commits, and browsers that are signed in to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.server import listening_socket, server_of
from core.db import transaction
from tests.accounts import PASSWORD, add_account

ROLES = ("viewer", "officer", "approver", "dispatcher", "admin")


@pytest.fixture
def app(database: sa.Engine) -> FastAPI:
    """The whole API, with one account a role, named like its role."""
    with transaction() as session:
        for role in ROLES:
            add_account(session, role, roles=[role])
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


@dataclass
class Served:
    """The API on a real socket; `client` is signed in as the officer."""

    client: httpx.Client
    stop: Callable[[], float]


@pytest.fixture
def served(app: FastAPI) -> Iterator[Served]:
    """The API as a server of its own, since streams need a real connection; `stop()` says how many seconds it took."""
    listening = listening_socket("127.0.0.1", 0)
    server = server_of(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()

    def stop() -> float:
        began_s = time.monotonic()
        server.should_exit = True
        thread.join(10)
        return time.monotonic() - began_s

    host, port = listening.getsockname()
    with httpx.Client(base_url=f"http://{host}:{port}", timeout=10) as client:
        answer = client.post("/api/v1/session", json={"username": "officer", "password": PASSWORD})
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        yield Served(client, stop)
        stop()
    assert not thread.is_alive()
