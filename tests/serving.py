"""Our API on a real socket, for browsers and for clients that are not ours."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.testclient import TestClient

import staff.actions
from api.app import create_app
from api.server import listening_socket, server_of
from core.db import transaction
from staff.rules import csrf_token
from tests.accounts import PASSWORD


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The API's address while it serves on a port of its own; it has ended afterwards."""
    listening = listening_socket("127.0.0.1", 0)
    server = server_of(create_app())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    host, port = listening.getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def browser(app: FastAPI, username: str) -> TestClient:
    """A browser in which this account is signed in."""
    with transaction() as session:
        signed_in = staff.actions.sign_in(session, username=username, password=PASSWORD, address="t")
    assert signed_in is not None
    client = TestClient(app, cookies={"faonam_session": signed_in.token})
    client.headers["X-CSRF-Token"] = csrf_token(signed_in.token)
    return client
