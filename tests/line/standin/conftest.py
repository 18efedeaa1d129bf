"""A stand-in on a port of its own, judged on every answer by LINE's contract, and a city that takes its webhooks."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import uvicorn
import yaml
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import clock
from core.settings import settings
from line.standin import schemas
from line.standin.app import create_app

WEBHOOK = schemas.FOLDER / "webhook.yml"
GENERAL_STATUSES = {400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500}


def user(n: int) -> str:
    return f"U{n:032x}"


@dataclass
class Judge:
    """Between the server and the stand-in: what was asked, and every answer that LINE's contract would not give."""

    app: ASGIApp
    asked: set[str] = field(default_factory=set)
    succeeded: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on and look at the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], re.sub("^/_(api|data)/", "/", scope["path"])
        status, body = 0, b""

        async def listen(message: Message) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                body += message.get("body", b"")
            await send(message)

        scope["standin.send"] = send  # So that the stand-in can still cut the connection.
        await self.app(scope, receive, listen)
        clause = _clause(method, path)
        if clause is not None and status:
            self._judge(clause, status, body)

    def _judge(self, clause: schemas.Clause, status: int, body: bytes) -> None:
        self.asked.add(clause.name)
        if status < 300:
            self.succeeded.add(clause.name)
            if status not in clause.statuses:
                self.wrong.append(f"{clause.name}: {status} is not declared")
        elif status not in clause.statuses | GENERAL_STATUSES:
            self.wrong.append(f"{clause.name}: {status} is no status of LINE's")
        validator = clause.answer(status)
        if validator is not None:
            answer = json.loads(body)
            errors = validator.iter_errors(answer)
            self.wrong += [f"{clause.name} {status}: {error.instance_path} {error.message}" for error in errors]
        elif status >= 400:
            answer = json.loads(body)
            if not (isinstance(answer.get("message"), str) or isinstance(answer.get("error"), str)):
                self.wrong.append(f"{clause.name} {status}: no error body of LINE's: {answer}")


def _clause(method: str, path: str) -> schemas.Clause | None:
    fitting = [
        clause
        for (asked, template), clause in schemas.clauses().items()
        if asked == method and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path)
    ]
    return min(fitting, key=lambda clause: clause.path.count("{"), default=None)


@dataclass
class Served:
    """The stand-in over real HTTP: `line` bears the channel's token, `admin` plays everybody else."""

    url: str
    judge: Judge
    line: httpx.Client
    admin: httpx.Client

    def load(self, count: int) -> list[str]:
        """So many friends; their ids."""
        self.admin.post("/users/load", json={"count": count}).raise_for_status()
        return [user(n) for n in range(count)]

    def move_clock(self, seconds: float) -> None:
        """Everything is that much older."""
        self.admin.post("/clock", json={"advance_s": seconds}).raise_for_status()

    def stop_clock(self) -> None:
        """Time passes only by `move_clock`."""
        self.admin.post("/clock", json={"is_stopped": True}).raise_for_status()

    def deliveries(self) -> list[dict[str, Any]]:
        """The delivery log."""
        return [json.loads(line) for line in self.admin.get("/deliveries").text.splitlines()]


@contextlib.contextmanager
def served(folder: Path, *, contract: Path = schemas.FOLDER) -> Iterator[Served]:
    judge = Judge(create_app(folder, now=clock.wall_now, contract=contract))
    config = uvicorn.Config(judge, port=0, log_level="error", ws="none", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    token = settings().line.channel_access_token
    assert token is not None
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    with (
        httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as line,
        httpx.Client(base_url=f"{url}/_standin", trust_env=False, timeout=60) as admin,
    ):
        yield Served(url, judge, line, admin)
    server.should_exit = True
    thread.join()
    assert not judge.wrong


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[Served]:
    """A fresh stand-in; at the end, none of its answers was against LINE's contract."""
    with served(tmp_path / "standin") as found:
        yield found


@pytest.fixture(params=["contract", "by hand"])
def any_standin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A fresh stand-in that has LINE's contract, and one that has its rules by hand only."""
    contract = schemas.FOLDER if request.param == "contract" else tmp_path
    with served(tmp_path / "standin", contract=contract) as found:
        yield found


@dataclass
class City:
    """Takes webhooks as a city would: what came, and how it answers (status, seconds) in turn, then 200 at once."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    answers: list[tuple[int, float]] = field(default_factory=list)

    def events(self) -> list[dict[str, Any]]:
        """All events that came, in order."""
        return [event for body in self.bodies for event in json.loads(body)["events"]]

    def wait_for(self, count: int, *, within_s: float = 20.0) -> list[dict[str, Any]]:
        """The events, once so many calls came or the time is over."""
        until = time.monotonic() + within_s
        while len(self.bodies) < count and time.monotonic() < until:
            time.sleep(0.02)
        return self.events()


@pytest.fixture
def city(standin: Served) -> Iterator[City]:
    """A city whose webhook the stand-in calls; at the end, every call was as LINE's contract has it."""
    found = City("")

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            found.signatures.append(self.headers["x-line-signature"])
            status, wait_s = found.answers.pop(0) if found.answers else (200, 0.0)
            time.sleep(wait_s)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/line/webhook"
    standin.line.put("/v2/bot/channel/webhook/endpoint", json={"endpoint": found.url}).raise_for_status()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()
    if WEBHOOK.exists():
        for body in found.bodies:
            assert [(e.instance_path, e.message) for e in _events().iter_errors(json.loads(body))] == []


@functools.cache
def _events() -> Any:
    """The validator of webhook calls, by LINE's contract with its discriminators expanded."""
    document = yaml.safe_load(WEBHOOK.read_text())
    components = {"schemas": schemas.expanded(document["components"]["schemas"], is_closed=False)}
    return jsonschema_rs.validator_for(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": "#/components/schemas/CallbackRequest",
            "components": components,
        }
    )
