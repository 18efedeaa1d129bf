"""A LINE platform on this machine: the addresses that the city calls, judged as LINE judges them.

LINE has no sandbox and forbids load tests; this is where they are made, and its delivery log is the oracle for
"each resident once".
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from core import clock
from core.errors import SetupError
from core.settings import data_dir, settings
from line.standin import (
    admin,
    apps,
    audiences,
    chat,
    extras,
    gate,
    hooks,
    identity,
    insight,
    menubar,
    people,
    richmenus,
    rooms,
    schemas,
    sending,
    tokens,
)
from line.standin.clockwork import Clock
from line.standin.operations import Operation
from line.standin.store import Store
from line.standin.webhooks import Webhooks
from line.standin.world import Channel, World

# The first are asked most; within a list a fixed word stands before a `{name}` that would take it.
OPERATIONS: list[Operation] = [
    *sending.OPERATIONS,
    *people.OPERATIONS,
    *richmenus.OPERATIONS,
    *audiences.OPERATIONS,
    *insight.OPERATIONS,
    *hooks.OPERATIONS,
    *tokens.OPERATIONS,
    *identity.OPERATIONS,
    *apps.OPERATIONS,
    *extras.OPERATIONS,
]
# LINE has two hosts. On this machine a base address names one of them by a prefix; without it both answer, because
# LINE's own SDK sends everything to the one host it is given.
_PREFIXES = {"/_api": "api", "/_data": "data"}
_HOSTS = {b"api.line.me": "api", b"api-data.line.me": "data"}


class StandinApp(FastAPI):
    """FastAPI that tells LINE's two hosts apart, and keeps the server's `send` so that a connection can be cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request."""
        scope.setdefault("standin.send", send)
        if scope["type"] == "http":
            scope["standin.host"] = _host_of(scope)
        await super().__call__(scope, receive, send)


def _host_of(scope: Scope) -> str | None:
    """`api` or `data` where prefix or Host header name one (the prefix is taken off); None where neither does."""
    path: str = scope["path"]
    for prefix, host in _PREFIXES.items():
        if path.startswith(f"{prefix}/"):
            scope["path"] = path.removeprefix(prefix)
            scope["raw_path"] = scope.get("raw_path", b"").removeprefix(prefix.encode())
            return host
    named = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return _HOSTS.get(named.partition(b":")[0].lower())


def shared_now() -> datetime:
    """The shared clock's time, or real time while the city's database is away."""
    try:
        return clock.now()
    except sa.exc.SQLAlchemyError:
        return datetime.now(UTC)


def create_app(
    folder: Path | None = None, *, now: Callable[[], datetime] = shared_now, contract: Path = schemas.FOLDER
) -> FastAPI:
    """The stand-in with its memory in `folder` (default: `standin/` in the data folder), held to LINE's contract."""
    store = Store(folder or data_dir() / "standin")
    line = settings().line
    if line.channel_secret is None or line.channel_access_token is None or line.bot_user_id is None:
        raise SetupError("The LINE stand-in needs the channel's secret, token and bot user id.")
    channel = Channel(
        channel_id=_channel_id(line.bot_user_id),
        secret=line.channel_secret.get_secret_value(),
        access_token=line.channel_access_token.get_secret_value(),
        bot_user_id=line.bot_user_id,
        exercise_token=line.exercise_token.get_secret_value() if line.exercise_token else None,
    )
    moved = store.things.get("setting", "webhook")
    webhooks = Webhooks(
        moved["url"] if moved else hooks.own_address(), channel_secret=channel.secret, destination=channel.bot_user_id
    )
    kept = store.things.get("setting", "clock")
    running = Clock(advanced_s=kept["advanced_s"] if kept else 0.0)
    world = World(store, webhooks, now=now, channel=channel, clock=running)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await webhooks.close()
        store.close()

    app = StandinApp(title="A stand-in for LINE", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.world = world
    origins = [settings().api_url, settings().api_url.replace("127.0.0.1", "localhost")]
    app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    app.add_exception_handler(HTTPException, _explain)
    app.router.routes.extend(gate.routes(world, OPERATIONS, contract=contract))
    for router in (chat.router, menubar.router, rooms.router, admin.router):
        app.include_router(router)
    return app


def _channel_id(bot_user_id: str) -> str:
    """Ten digits, as LINE's channel ids are, the same for the same bot."""
    return f"{1_000_000_000 + int(hashlib.sha256(bot_user_id.encode()).hexdigest(), 16) % 1_000_000_000}"


async def _explain(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - registered for nothing else.
    words = "Not found" if exc.detail == "Not Found" else exc.detail
    return JSONResponse({"message": words}, status_code=exc.status_code, headers=exc.headers)
