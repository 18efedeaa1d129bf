"""The door to the open data: plain ASGI, opened by the first who asks, so that the API starts without tipg."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from core import clock
from core.logs import get_logger

if TYPE_CHECKING:
    from fastapi import FastAPI

log = get_logger("api.ogc")

LARGEST_LIMIT = 10_000
_COLLECTION = b'{"type":"FeatureCollection",'


class OpenData:
    """The application under /ogc. It opens its connections when it is first asked, and again where that failed."""

    def __init__(self) -> None:
        """Nothing is open yet."""
        self._app: FastAPI | None = None
        self._opening = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; 503 as a problem while the database does not answer."""
        if scope["type"] != "http":
            return
        try:
            app = await self._opened()
        except Exception as error:
            log.warning("ogc.closed", reason=f"{type(error).__name__}: {error}")
            answer = problems.problem(
                status=503, slug="unavailable", detail="The open data cannot be read now; try again.",
                instance=scope["path"], headers={"Retry-After": str(problems.RETRY_AFTER_S)},
            )
            await answer(scope, receive, send)
            return
        await _answer(app, scope, receive, send)

    async def close(self) -> None:
        """The connections to the database are closed."""
        if self._app is not None:
            app, self._app = self._app, None
            await app.state.pool.close()

    async def _opened(self) -> FastAPI:
        from api.ogc import app, catalogue

        async with self._opening:
            if self._app is None:
                fresh = app.create_app()
                fresh.state.pool = await catalogue.open_pool()
                self._app = fresh
            await catalogue.refresh(self._app)
            return self._app


async def _answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """What tipg leaves to its host: HEAD, a limit above the largest, the time of an answer, other sites' scripts."""
    is_head = scope["method"] == "HEAD"
    asked = {
        **scope,
        "method": "GET" if is_head else scope["method"],
        "query_string": _limited(scope["query_string"]),
        "app_root_path": scope["root_path"],  # Links begin below /ogc, and below what a proxy puts before it.
    }
    start: Message = {}

    async def send_completed(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        body = message.get("body", b"")
        if start:
            headers = MutableHeaders(raw=start["headers"])
            headers["Access-Control-Allow-Origin"] = "*"
            if body.startswith(_COLLECTION):
                made = f'"timeStamp":"{clock.now():%Y-%m-%dT%H:%M:%SZ}",'
                body = _COLLECTION + made.encode() + body[len(_COLLECTION) :]
                headers["Content-Length"] = str(len(body))
            start["headers"] = headers.raw
            await send(start)
            start = {}
        await send({**message, "body": b"" if is_head else body})

    with contextlib.suppress(Exception):  # Starlette raises again what has been logged and answered as a problem.
        await app(asked, receive, send_completed)


def _limited(query: bytes) -> bytes:
    """The query with its limit cut to the largest: asking for more is no error (Features 1, 7.15.2)."""
    if b"limit=" not in query:
        return query
    pairs = [
        (name, _within(value) if name == "limit" else value)
        for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="utf-8")
    ]
    return urlencode(pairs).encode()


def _within(limit: str) -> str:
    return str(min(int(limit[:9]), LARGEST_LIMIT)) if limit.isdecimal() else limit
