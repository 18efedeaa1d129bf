"""Every address of LINE in one order: host, token, rate, fault, retry key, body, contract, answer, fault."""

from __future__ import annotations

import asyncio
import hmac
import inspect
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.routing import Route

from line.standin import schemas
from line.standin.faults import Fault
from line.standin.operations import BadQueryError, Call, Operation, Reply, bad_query, refusal
from line.standin.platform import CONCURRENCY_TEXT, QUOTA_TEXT, RATE_TEXT
from line.standin.world import World

UNAUTHORISED = (
    "Authentication failed due to the following reason: invalid token. "
    "Confirm that the access token in the authorization header is valid."
)
TIMEOUT_HOLD_S = 60.0
NESTING_LIMIT = 64
NOT_JSON = "The request body could not be parsed as JSON"


def routes(world: World, operations: list[Operation], *, contract: Path) -> list[Route]:
    """Each operation at its path, held to the contract in this folder, or to the rules by hand where it is absent."""
    clauses = schemas.clauses(contract)
    return [
        Route(op.path, _endpoint(world, op, op.clause(clauses)), methods=[op.method]) for op in operations
    ]


def _endpoint(
    world: World, op: Operation, clause: schemas.Clause | None
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        refused = _refuse(world, op, request)
        if refused is not None:
            return as_response(refused)
        fault = world.faults.next_for(op.name, also=op.path.removeprefix("/v2/bot/message/"))
        instead = await _befall_before(fault, request)
        if instead is not None:
            return as_response(instead)
        read = await _read(op, clause, request)
        try:
            reply = read if isinstance(read, Reply) else op.answer(world, read)
        except BadQueryError as exc:
            reply = bad_query(str(exc))
        if inspect.isawaitable(reply):
            reply = await reply
        return as_response(await _befall_after(fault, request, reply))

    return endpoint


def as_response(reply: Reply) -> Response:
    """The answer as HTTP, with the request's id."""
    headers = {"x-line-request-id": str(uuid.uuid4())} | reply.headers
    if reply.content is not None:
        return Response(reply.content[1], reply.status, media_type=reply.content[0], headers=headers)
    return JSONResponse(reply.body, status_code=reply.status, headers=headers)


def _refuse(world: World, op: Operation, request: Request) -> Reply | None:
    host = request.scope.get("standin.host")
    if host is not None and (host == "data") is not op.is_on_data_host:
        return refusal(404, "Not found")
    if op.bears == "channel" and not _is_channels(world, request.headers.get("authorization", "")):
        return refusal(401, UNAUTHORISED)
    if not world.platform.buckets.take((op.method, op.path), op.rate, now_s=world.platform.aged_s()):
        return refusal(429, RATE_TEXT)
    if not op.takes_retry_key and "x-line-retry-key" in request.headers:
        return refusal(400, "The retry key is not supported by this endpoint")
    return None


def _is_channels(world: World, given: str) -> bool:
    if any(hmac.compare_digest(given.encode(), bearer) for bearer in world.bearers):
        return True
    return world.tokens.is_good(given.removeprefix("Bearer "))


async def _read(op: Operation, clause: schemas.Clause | None, request: Request) -> Call | Reply:
    """The call as its handler takes it, or what LINE holds against it."""
    query = {name: request.query_params.getlist(name) for name in request.query_params}
    wrong = schemas.query_faults(clause, query)
    if wrong:
        return refusal(400, f"The value for the '{wrong[0].property}' parameter is invalid", wrong)
    body: Any = None
    raw = b""
    if op.takes == "upload":
        body = await _form(request, op.limit_bytes)
        if isinstance(body, Reply):
            return body
    elif op.takes != "nothing":
        read = await _bytes(request, op.limit_bytes)
        if read is None:
            return refusal(413, "Request entity too large")
        raw = read
    if op.takes in {"json", "form"}:
        found = _judged(op, clause, raw)
        if isinstance(found, Reply):
            return found
        body = found
    return Call(request.path_params, query, body, raw, request.headers)


def _judged(op: Operation, clause: schemas.Clause | None, raw: bytes) -> Any:
    if op.takes == "form":
        body: Any = {name: values[-1] for name, values in parse_qs(raw.decode("utf-8", "replace")).items()}
    elif not raw and not op.is_body_needed:
        return {}
    else:
        body = parsed(raw)
    if body is None:
        return refusal(400, NOT_JSON)
    wrong = {fault.property: fault for fault in [*op.by_hand(body), *schemas.body_faults(clause, body)]}
    if not wrong:
        return body
    if op.takes == "form":
        first = next(iter(wrong.values()))
        detail = f"{first.property}: {first.message}"
        return Reply(400, {"error": "invalid_request", "error_description": detail})
    return refusal(400, f"The request body has {len(wrong)} error(s)", list(wrong.values()))


def parsed(raw: bytes) -> dict[str, Any] | None:
    """The JSON object; None for anything else, for text that is no Unicode, and for what is nested beyond reason."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) and _is_shallow(body) else None


def _is_shallow(body: dict[str, Any]) -> bool:
    level: list[Any] = [body]
    for _ in range(NESTING_LIMIT):
        if not level:
            return True
        level = [
            value
            for node in level
            for value in (node.values() if isinstance(node, dict) else node)
            if isinstance(value, dict | list)
        ]
    return False


async def _bytes(request: Request, limit: int) -> bytes | None:
    received = bytearray()
    async for piece in request.stream():
        received += piece
        if len(received) > limit:
            return None
    return bytes(received)


async def _form(request: Request, limit: int) -> dict[str, Any] | Reply:
    if int(request.headers.get("content-length") or 0) > limit:
        return refusal(413, "Request entity too large")
    try:
        form = await request.form(max_files=1, max_fields=20, max_part_size=limit)
    except HTTPException:
        return refusal(400, "The request body could not be parsed as multipart/form-data")
    found: Mapping[str, Any] = {
        name: await value.read() if isinstance(value, UploadFile) else value for name, value in form.items()
    }
    await form.close()
    return dict(found)


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
        case "concurrency_429":
            return refusal(429, CONCURRENCY_TEXT)
        case "forbidden_403":
            return refusal(403, "Access to this API is not available for your account")
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


def _cut(request: Request) -> None:
    transport = getattr(getattr(request.scope["standin.send"], "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
