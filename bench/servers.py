"""Servers that a bench asks: each a process of its own on this machine, asked over one connection."""

from __future__ import annotations

import contextlib
import http.client
import json
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.measure import check
from core import db
from core.errors import UnavailableError
from core.settings import settings

START_LIMIT_S = 60.0


@dataclass
class Server:
    """A server process and one connection to it."""

    connection: http.client.HTTPConnection
    headers: dict[str, str]

    def tile(self, path: str) -> tuple[float, int]:
        """Seconds until the last byte of a tile, and its bytes; raises WrongWorkError where it is refused."""
        took_s, body = self.read(path)
        return took_s, len(body)

    def read(self, path: str) -> tuple[float, bytes]:
        """Seconds until the last byte of an answer, and the answer; raises WrongWorkError where it is refused."""
        try:
            began_s = time.perf_counter()
            self.connection.request("GET", path, headers=self.headers)
            answer = self.connection.getresponse()
        except http.client.RemoteDisconnected:  # It was idle while the other one worked; the next try connects anew.
            self.connection.close()
            return self.read(path)
        body = answer.read()
        took_s = time.perf_counter() - began_s
        check(answer.status == http.client.OK, f"{path} was answered {answer.status}: {body[:200]!r}.")
        return took_s, body


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def our_api() -> Iterator[Server]:
    """The API as `faonam api` runs it, with an officer signed in."""
    from demo.accounts import ensure_demo_accounts

    with db.transaction() as session:
        passwords = ensure_demo_accounts(session, [])
    username, password = next((name, word) for name, word in passwords.items() if not name.startswith("crew"))
    port = free_port()
    with process(serve_ours, port) as connection:
        body = json.dumps({"username": username, "password": password})
        connection.request("POST", "/api/v1/session", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        check(answer.status == http.client.OK, f"signing in was answered {answer.status}.")
        cookie = str(answer.getheader("Set-Cookie")).split(";")[0]
        yield Server(connection, {"Cookie": cookie})


@contextlib.contextmanager
def process(serve: object, port: int) -> Iterator[http.client.HTTPConnection]:
    """A server runs in a process of its own while the block does."""
    child = multiprocessing.get_context("spawn").Process(
        target=serve, args=(port, os.environ["DATABASE_URL"]), daemon=True  # type: ignore[arg-type]  # a function.
    )
    child.start()
    try:
        listening(port)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        with contextlib.closing(connection):
            yield connection
    finally:
        child.terminate()
        child.join()


def listening(port: int) -> None:
    """Somebody listens at this port of this machine; raises UnavailableError where nobody begins to within a minute."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise UnavailableError("A server of the bench did not start.")


def serve_ours(port: int, database_url: str) -> None:
    """The API as `faonam api` runs it, at this port, until the process ends."""
    os.environ |= {"FAONAM_API_PORT": str(port), "DATABASE_URL": database_url}
    settings.cache_clear()
    import api

    api.run()
