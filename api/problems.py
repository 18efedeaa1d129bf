"""Errors as RFC 9457 problem documents: one table from what went wrong to status and type.

Every problem has `type` (a URN), `title` and `title_th`, `status`, `detail` (a sentence of this case), `instance` (the
path asked for); some add `facts`, `errors` (one sentence a field) or a Retry-After header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.bodies import FieldTwiceError
from core import db, errors
from core.logs import get_logger
from core.words import words
from incidents.errors import AlreadyMergedError
from line.errors import IdTokenError
from residents.errors import TooManyTriesError
from sensors.errors import DeviceKeyMissingError, DeviceKeyUnknownError
from staff.errors import TooManyAttemptsError

log = get_logger("api")

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2  # A killed PostgreSQL accepts again after 0.1 to 3 s.

# The most exact class wins; a room's own error is what its parent here is.
STATUS: dict[type[errors.FaonamError], tuple[int, str]] = {
    errors.NotFoundError: (404, "not-found"),
    errors.InvalidInputError: (422, "invalid-input"),
    FieldTwiceError: (422, "field-twice"),
    AlreadyMergedError: (409, "already-merged"),
    errors.ConflictError: (409, "conflict"),
    errors.ForbiddenError: (403, "forbidden"),
    errors.UnauthenticatedError: (401, "unauthenticated"),
    errors.UnavailableError: (503, "unavailable"),
    errors.SetupError: (503, "setup"),
    DeviceKeyMissingError: (401, "device-key-missing"),
    DeviceKeyUnknownError: (401, "device-key-unknown"),
    TooManyAttemptsError: (429, "too-many-attempts"),
    TooManyTriesError: (429, "too-many-tries"),
    IdTokenError: (401, "id-token"),
    errors.FaonamError: (500, "internal"),
}
HTTP_SLUGS = {401: "unauthenticated", 403: "forbidden", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}
# Faults of a field for which the locale files have a sentence; the others say what the library says.
OWN_SENTENCES = frozenset({"timezone_aware"})
# The database lives, but this transaction met another one.
BUSY = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.QueryCanceled,
)


def problem(
    *,
    status: int,
    slug: str,
    detail: str,
    instance: str,
    title: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """A problem document; without a title the one of `slug` in the locale files."""
    content = {
        "type": f"urn:faonam:problem:{slug}",
        "title": title or words("api", slug, language="en"),
        "title_th": words("api", slug, language="th"),
        "status": status,
        "detail": detail,
        "instance": instance,
        **more,
    }
    return JSONResponse(
        jsonable_encoder(content), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def slug_of(error: errors.FaonamError) -> str:
    """The kind of the error, as its problem document and the locale files name it."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)[1]


def of_error(error: errors.FaonamError, *, instance: str) -> JSONResponse:
    """The problem that a domain error is."""
    status, slug = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers: dict[str, str] = {}
    if "retry_after_s" in error.facts:
        headers["Retry-After"] = str(error.facts["retry_after_s"])
    elif status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    facts = dict(error.facts)
    more = {"detail_th": facts.pop("detail_th")} if "detail_th" in facts else {}
    more |= {"facts": facts} if facts else {}
    return problem(
        status=status, slug=slug, title=error.title, detail=error.detail, instance=instance, headers=headers, **more
    )


def of_database(error: Exception, *, instance: str) -> JSONResponse:
    """The database is away, or too busy with the same rows: 503, to be tried again soon."""
    is_busy = isinstance(getattr(error, "orig", error), BUSY)
    log.warning("database.busy" if is_busy else "database.down", path=instance, error=type(error).__name__)
    return problem(
        status=503,
        slug="database-busy" if is_busy else "database-down",
        detail=(
            "Another change to the same thing is under way; nothing was changed by this one. Try again."
            if is_busy
            else "Nothing was changed. The database is expected back within seconds; try again."
        ),
        instance=instance,
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def of_failure(error: Exception, *, instance: str) -> JSONResponse:
    """Something that nobody foresaw: 500 without its inside, which goes to the log."""
    log.error("request.failed", path=instance, exc_info=error)
    return problem(
        status=500, slug="internal", detail="Nothing was changed. The failure has been logged.", instance=instance
    )


def of_exception(error: Exception, *, instance: str) -> JSONResponse:
    """The problem that any exception is."""
    if isinstance(error, errors.FaonamError):
        return of_error(error, instance=instance)
    if db.is_away(error):
        return of_database(error, instance=instance)
    if isinstance(error, sa.exc.DataError):
        # A number that no column holds, or a NUL in a text: whoever asked wrote it, whatever the door let through.
        detail = "A number is out of range, or a text holds a character that cannot be kept; nothing was changed."
        return problem(status=422, slug="invalid-input", detail=detail, instance=instance)
    return of_failure(error, instance=instance)


def _field_sentence(error: Mapping[str, Any]) -> dict[str, str]:
    place, *path = [str(part) for part in error["loc"]]
    field = ".".join(path) or place
    if error["type"] in OWN_SENTENCES:
        own = {tongue: words("api", f"field-{error['type']}", language=tongue, field=field) for tongue in ("en", "th")}
        return {"field": field, "in": place, "sentence": f"{own['en']}.", "sentence_th": own["th"]}
    return {"field": field, "in": place, "sentence": f"{field}: {error['msg']}."}


def _of_validation(error: RequestValidationError, *, instance: str) -> JSONResponse:
    fields = [_field_sentence(one) for one in error.errors()]
    detail = " ".join(one["sentence"] for one in fields[:3])
    if len(fields) > 3:
        detail += f" And {len(fields) - 3} more."
    in_thai = [one["sentence_th"] for one in fields if "sentence_th" in one]
    more: dict[str, Any] = {"detail_th": " ".join(in_thai)} if len(in_thai) == len(fields) else {}
    return problem(status=422, slug="invalid-input", detail=detail, instance=instance, errors=fields, **more)


def _of_http(error: HTTPException, *, instance: str) -> JSONResponse:
    slug = HTTP_SLUGS.get(error.status_code, "http")
    return problem(
        status=error.status_code, slug=slug, detail=str(error.detail), instance=instance, headers=error.headers
    )


def add_problems(app: FastAPI) -> None:
    """Every error that an endpoint raises leaves `app` as a problem document."""

    def answer_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only.
        return _of_validation(error, instance=request.url.path)

    def answer_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only.
        return _of_http(error, instance=request.url.path)

    def answer_domain(request: Request, error: Exception) -> JSONResponse:
        return of_exception(error, instance=request.url.path)

    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(errors.FaonamError, answer_domain)
