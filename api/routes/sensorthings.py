"""OGC SensorThings API 1.1 at /sta/v1.1: the standard's addresses, status codes and errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.routing import APIRoute

from api.deps import OptionalAccount, SessionDep
from core import clock, errors
from core.settings import settings
from sensors.sensorthings import mime
from sensors.sensorthings.answering import (
    BATCH,
    JSON_PATCH,
    Answer,
    Question,
    answer,
    answer_batch,
    content_of_error,
    responses_to,
    status_of,
)
from sensors.sensorthings.errors import QueryError, ReadingRefusedError
from sensors.sensorthings.payloads import content_of
from sensors.sensorthings.reading import Reader
from sensors.sensorthings.service import ROOT, service_root
from staff.rules import AccountRef

READING = ["GET", "HEAD"]
WRITERS = ("officer", "admin")
# A page from elsewhere can send these without asking first; it must not write to a service on this machine.
FORMS = frozenset({"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})


class StandardError(Exception):
    """A domain error on an address of the standard, which has a form of its own for errors."""

    def __init__(self, error: errors.FaonamError, status: int) -> None:
        super().__init__(error.detail)
        self.error, self.status = error, status


class _Route(APIRoute):
    """Domain errors become the standard's; they are raised on, because a session that sees none is committed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def answer_or_raise(request: Request) -> Response:
            try:
                return await inner(request)
            except errors.FaonamError as error:
                status = status_of(error)
                if status is None:
                    raise
                raise StandardError(error, status) from error

        return answer_or_raise


def add_problems(app: FastAPI) -> None:
    """Errors on the standard's addresses are JSON with a code, its title and the sentence of the case."""

    def tell(request: Request, fault: Exception) -> JSONResponse:
        assert isinstance(fault, StandardError)  # noqa: S101 - registered for this class only.
        return JSONResponse(content_of_error(fault.error, fault.status), status_code=fault.status)

    app.add_exception_handler(StandardError, tell)


router = APIRouter(prefix=ROOT, tags=["sensorthings"], route_class=_Route, include_in_schema=False)


async def _body(request: Request) -> bytes:
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise errors.ForbiddenError("A page of another site cannot write here.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in FORMS:
        raise QueryError(f"The body must be application/json, not {kind}.")
    return await request.body()


Body = Annotated[bytes, Depends(_body)]
DeviceKey = Annotated[str | None, Header(alias="X-Device-Key")]


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}{ROOT}"


def _reader(session: SessionDep, request: Request) -> Reader:
    return Reader(session, base=_base(request), now=clock.now())


AskedReader = Annotated[Reader, Depends(_reader)]


def _refuse_stranger(account: AccountRef | None) -> None:
    if settings().has_open_sta_writes or (account is not None and account.has_any(WRITERS)):
        return
    if account is None:
        raise errors.UnauthenticatedError("Writing here needs an officer's sign-in or a device's key.")
    raise errors.ForbiddenError(f"Writing here needs the role {' or '.join(WRITERS)}.")


@router.api_route("", methods=READING)
@router.api_route("/", methods=READING)
def read_root(request: Request) -> JSONResponse:
    """The collections, and what of the standard is kept."""
    return JSONResponse(service_root(_base(request), broker=settings().sta_mqtt_endpoint))


def _told(answered: Answer) -> Response:
    headers = dict(answered.headers)
    if answered.is_empty:
        return Response(status_code=answered.status, headers=headers)
    if answered.is_text:
        return PlainTextResponse(answered.content, status_code=answered.status)
    return Response(
        _json(answered.content), status_code=answered.status, headers=headers, media_type="application/json"
    )


def _json(content: Any) -> bytes:
    try:
        return orjson.dumps(content)
    except TypeError:  # A client may have kept a whole number of more than 64 bits, which orjson does not write.
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


@router.api_route("/{path:path}", methods=READING)
def read(path: str, request: Request, reader: AskedReader) -> Response:
    """One entity, a page of a collection, a property, or their references."""
    return _told(answer(reader, Question("GET", path, request.url.query)))


def _told_in_parts(reader: Reader, body: bytes, *, asked: Question, content_type: str) -> Response:
    if asked.method != "POST" or asked.path.strip("/") != BATCH:
        raise QueryError(f"{mime.MULTIPART} is for batches; other bodies are application/json.")
    requests = mime.requests_of(body, content_type=content_type)
    told, kind = mime.written(requests, responses_to(reader, requests, asked=asked))
    return Response(told, media_type=kind)


@router.api_route("/{path:path}", methods=["POST", "PATCH", "PUT"])
def write(
    path: str,
    request: Request,
    body: Body,
    reader: AskedReader,
    account: OptionalAccount,
    device_key: DeviceKey = None,
    prefer: Annotated[str, Header()] = "",
    content_type: Annotated[str, Header()] = "",
) -> Response:
    """A new entity with all inside it, arrays of observations, a change, or a batch of all these."""
    kind = content_type.partition(";")[0].strip().lower()
    is_mime = kind == mime.MULTIPART
    question = Question(
        request.method,
        path,
        content=None if is_mime else content_of(body),
        check_writer=lambda: _refuse_stranger(account),
        device_key=device_key,
        is_json_patch=kind == JSON_PATCH,
        is_minimal="return=minimal" in prefer.replace(" ", ""),
    )
    if is_mime:
        return _told_in_parts(reader, body, asked=question, content_type=content_type)
    if request.method == "POST" and path.strip("/") == BATCH:
        return _told(answer_batch(reader, question.content, asked=question))
    try:
        return _told(answer(reader, question))
    except ReadingRefusedError as refused:
        # Returned, not raised: the refused reading must be committed to the quarantine.
        return _told(Answer(status=400, content=content_of_error(refused, 400)))


@router.delete("/{path:path}")
def delete(path: str, reader: AskedReader, account: OptionalAccount) -> Response:
    """The entity is gone with what depends on it."""
    return _told(answer(reader, Question("DELETE", path, check_writer=lambda: _refuse_stranger(account))))
