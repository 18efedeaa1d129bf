"""A LINE platform on this machine: the addresses that the city calls, judged as LINE judges them.

LINE has no sandbox and forbids load tests; this is where they are made, and its delivery log is the oracle for
"each resident once".
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from core import clock
from core.errors import SetupError
from core.settings import data_dir, settings
from line.standin import admin, chat
from line.standin.faults import Fault
from line.standin.platform import QUOTA_TEXT, RATE_TEXT, Reply, refusal
from line.standin.store import Store
from line.standin.webhooks import Webhooks
from line.standin.world import World

UNAUTHORISED = (
    "Authentication failed due to the following reason: invalid token. "
    "Confirm that the access token in the authorization header is valid."
)
TIMEOUT_HOLD_S = 60.0
# Validation takes messages without recipients.
_ANYONE: dict[str, dict[str, Any]] = {
    "multicast": {"to": ["U" + "0" * 32]},
    "push": {"to": "U" + "0" * 32},
    "reply": {"replyToken": "0"},
}


class StandinApp(FastAPI):
    """FastAPI that keeps the server's own `send` in reach, so that a connection can be cut as networks cut them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request."""
        scope["standin.send"] = send
        await super().__call__(scope, receive, send)


def _cut(request: Request) -> None:
    transport = getattr(getattr(request.scope["standin.send"], "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()


def shared_now() -> datetime:
    """The shared clock's time, or real time while the city's database is away."""
    try:
        return clock.now()
    except sa.exc.SQLAlchemyError:
        return datetime.now(UTC)


def create_app(folder: Path | None = None, *, now: Callable[[], datetime] = shared_now) -> FastAPI:
    """The stand-in with its memory in `folder` (default: `standin/` in the data folder)."""
    store = Store(folder or data_dir() / "standin")
    line = settings().line
    if line.channel_secret is None or line.channel_access_token is None or line.bot_user_id is None:
        raise SetupError("The LINE stand-in needs the channel's secret, token and bot user id.")
    webhooks = Webhooks(
        f"{settings().api_url}/line/webhook",
        channel_secret=line.channel_secret.get_secret_value(),
        destination=line.bot_user_id,
    )
    world = World(store, webhooks, now=now, token=line.channel_access_token.get_secret_value())

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
    app.include_router(chat.router)
    app.include_router(admin.router)
    _add_line_addresses(app, world, bot_user_id=line.bot_user_id)
    return app


async def _explain(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - registered for nothing else.
    return JSONResponse({"message": exc.detail}, status_code=exc.status_code)


def _add_line_addresses(app: FastAPI, world: World, *, bot_user_id: str) -> None:
    """LINE's own addresses that Faonam calls."""

    def take(kind: str) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return await _answer_sending(world, kind, request)

        return endpoint

    def ask(answer: Callable[..., Reply]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            refused = _refuse(world, request, "other")
            return _as_response(refused or answer(**request.path_params))

        return endpoint

    for kind in ("multicast", "push", "reply"):
        app.add_api_route(f"/v2/bot/message/{kind}", take(kind), methods=["POST"])
        app.add_api_route(f"/v2/bot/message/validate/{kind}", _validator(world, kind), methods=["POST"])
    app.add_api_route("/v2/bot/profile/{user_id}", ask(lambda user_id: _profile(world, user_id)))
    app.add_api_route("/v2/bot/message/quota", ask(lambda: _quota(world)))
    app.add_api_route(
        "/v2/bot/message/quota/consumption", ask(lambda: Reply(200, {"totalUsage": world.store.used_of_quota()}))
    )
    app.add_api_route("/v2/bot/info", ask(lambda: Reply(200, _info(bot_user_id))))

    async def content(message_id: str, request: Request) -> Response:
        refused = _refuse(world, request, "content")
        found = world.store.content(message_id)
        if refused is not None or found is None:
            return _as_response(refused or refusal(404, "Not found"))
        return Response(found[1], media_type=found[0], headers={"x-line-request-id": str(uuid.uuid4())})

    app.add_api_route("/v2/bot/message/{message_id}/content", content)


def _refuse(world: World, request: Request, endpoint: str) -> Reply | None:
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {world.token}".encode()):
        return refusal(401, UNAUTHORISED)
    if not world.platform.is_within_rate(endpoint):
        return refusal(429, RATE_TEXT)
    return None


def _as_response(reply: Reply) -> Response:
    headers = {"x-line-request-id": str(uuid.uuid4())} | reply.headers
    return JSONResponse(reply.body, status_code=reply.status, headers=headers)


async def _answer_sending(world: World, kind: str, request: Request) -> Response:
    refused = _refuse(world, request, kind)
    if refused is not None:
        return _as_response(refused)
    raw = await request.body()
    fault = world.faults.next_for(kind)
    instead = await _befall_before(fault, request)
    if instead is not None:
        return _as_response(instead)
    reply = world.platform.take(kind, raw, retry_key=request.headers.get("x-line-retry-key"))
    if reply.status == 200:
        world.show_accepted(kind, reply)
    return _as_response(await _befall_after(fault, request, reply))


async def _befall_before(fault: Fault | None, request: Request) -> Reply | None:
    """What goes wrong before the request is judged; None where it goes on."""
    if fault is None:
        return None
    match fault.kind:
        case "error_500_before":
            return refusal(500, "Internal server error")
        case "rate_429":
            return refusal(429, RATE_TEXT)
        case "quota_429":
            return refusal(429, QUOTA_TEXT)
        case "reset":
            _cut(request)
            return refusal(500, "Connection reset")
        case "slow_ms":
            await asyncio.sleep(fault.ms / 1000)
    return None


async def _befall_after(fault: Fault | None, request: Request, reply: Reply) -> Reply:
    """What goes wrong after the request was taken: it is delivered, but the answer is lost."""
    if fault is None:
        return reply
    match fault.kind:
        case "accept_then_timeout":
            await _hold(request)
        case "error_500_after":
            return refusal(500, "Internal server error")
        case "reset_after":
            _cut(request)
    return reply


async def _hold(request: Request) -> None:
    """The caller has waited for an answer until it lost patience."""
    deadline = time.monotonic() + TIMEOUT_HOLD_S
    while time.monotonic() < deadline and not await request.is_disconnected():
        await asyncio.sleep(0.1)


def _validator(world: World, kind: str) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        refused = _refuse(world, request, "validate")
        if refused is not None:
            return _as_response(refused)
        body = await request.json()
        whole = body | _ANYONE[kind] if isinstance(body, dict) else body
        _, fault = world.platform.read(kind, json.dumps(whole).encode())
        return _as_response(fault or Reply(200, {}))

    return endpoint


def _profile(world: World, user_id: str) -> Reply:
    user = world.store.user(user_id)
    if user is None or user["state"] != "friend":
        return refusal(404, "Not found")
    profile = {"userId": user_id, "displayName": user["display_name"]}
    return Reply(200, profile | ({"language": user["language"]} if user["language"] else {}))


def _quota(world: World) -> Reply:
    limit = world.platform.quota_limit
    return Reply(200, {"type": "none"} if limit is None else {"type": "limited", "value": limit})


def _info(bot_user_id: str) -> dict[str, str]:
    return {
        "userId": bot_user_id,
        "basicId": "@faonam",
        "displayName": "เฝ้าน้ำ (จำลอง)",
        "chatMode": "bot",
        "markAsReadMode": "auto",
    }
