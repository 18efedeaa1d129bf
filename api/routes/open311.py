"""Open311 GeoReport v2 at /open311/v2/, its discovery beside it: the standard's addresses, formats and errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api.deps import SessionDep
from core import clock, db, errors
from core.db import transaction
from core.logs import get_logger
from core.words import words
from gis import queries as gis_queries
from gis.errors import NoCityError
from incidents import cards, photos
from incidents.exchange import actions, keys, open311, open311_answers, open311_updates, queries, services, wire
from incidents.exchange.errors import KeyRefusedError, NoSuchRequestError, TooOftenError, UnusableReportError
from incidents.exchange.models import ApiKey
from incidents.exchange.open311 import Parameters, first

log = get_logger("api.open311")
router = APIRouter(include_in_schema=False)


class _WholePath(Convertor[str]):
    """Whatever follows, line breaks too: every address below the base is answered in the format that it asks for."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("whole", _WholePath())

BASE = "/open311/v2/"
READING = ("GET", "HEAD")
RETRY_AFTER_S = 60
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
UPDATES = "servicerequestupdates"
UPDATES_AT_MOST, UPDATES_SPAN = 1_000, timedelta(hours=2)


@dataclass(frozen=True)
class Asked:
    """One request: which resource in which format, with its parameters and the files of a form."""

    resource: tuple[str, ...]
    form: str
    parameters: Parameters
    base_url: str
    host: str
    language: str
    files: Sequence[bytes] = field(default_factory=tuple)

    @property
    def media_url(self) -> str:
        """The address of a picture with {id} for its id."""
        return f"{self.base_url}/open311/media/{{id}}.jpg"


class NoSuchResourceError(errors.NotFoundError):
    """The standard knows no such address."""


def asked_for(request: Request, path: str, parameters: Parameters, files: Sequence[bytes] = ()) -> Asked:
    """What the request asks for; the format is the ending of the path, XML where there is none."""
    stem, _, ending = path.strip("/").rpartition(".")
    form = ending if ending in open311.FORMS else ""
    languages = request.headers.get("accept-language", "")
    return Asked(
        resource=tuple(stem.split("/")) if form else (),
        form=form or "xml",
        parameters=parameters,
        base_url=str(request.base_url).rstrip("/"),
        host=(request.url.hostname or "").removeprefix("www."),
        language="en" if languages.strip().lower().startswith("en") else "th",
        files=files,
    )


# ── Answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _answer(asked: Asked, document: wire.Document, *, status: int = 200, headers: Mapping[str, str] = {}) -> Response:
    return Response(
        wire.written(document, asked.form),
        status_code=status,
        headers={
            "Content-Type": wire.CONTENT_TYPES[asked.form],
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": "no-store",
            "Vary": "Accept-Language",
            **headers,
        },
    )


def _refusal(asked: Asked, error: Exception) -> Response:
    """The standard's errors in the format that was asked for: 404, 403, and 400 for what is wrong with the request."""
    match error:
        case UnusableReportError(findings=findings):
            faults, status = list(findings), 400
        case KeyRefusedError(detail=detail):
            faults, status = [detail], 403
        case errors.NotFoundError(detail=detail):
            faults, status = [detail], 404
        case TooOftenError(detail=detail):
            faults, status = [detail], 429
        case errors.InvalidInputError(detail=detail):
            faults, status = [detail], 400
        case errors.FaonamError(detail=detail):
            faults, status = [detail], 503
        case _ if db.is_away(error):
            log.warning("database.down", path="open311", error=type(error).__name__)
            faults, status = ["The city's database does not answer; nothing was changed. Try again."], 503
        case _:
            log.error("request.failed", path="open311", exc_info=error)
            faults, status = ["Nothing was changed. The failure has been logged."], 500
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status in (429, 503) else {}
    return _answer(asked, wire.errors([(status, fault) for fault in faults]), status=status, headers=headers)


def _answered(asked: Asked, act: Callable[[Asked], Response]) -> Response:
    """The answer of `act`, or its errors as the standard writes them. Here an error ends, whatever it is."""
    try:
        return act(asked)
    except Exception as error:
        return _refusal(asked, error)


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(asked: Asked) -> Response:
    if asked.resource == ("discovery",):  # Some clients look for it beside the resources.
        return _discovered(asked)
    with transaction() as session:
        _check_jurisdiction(session, asked)
        match asked.resource:
            case ("services",):
                return _answer(
                    asked, open311_answers.services_document(queries.services(session), language=asked.language)
                )
            case ("services", code):
                return _definition(session, asked, code)
            case ("requests",):
                return _requests(session, asked)
            case ("requests", request_id):
                found = queries.public_request(session, request_id, media_url=asked.media_url)
                return _answer(asked, open311_answers.requests_document([found], language=asked.language))
            case ("tokens", token):
                request = queries.request_of_token(session, token)
                return _answer(asked, open311_answers.token_document(request_id=request.request_id, token=token))
            case (name,) if name == UPDATES:
                return _updates(session, asked)
    raise NoSuchResourceError(_NO_RESOURCE)


_NO_RESOURCE = (
    "There is no such resource. There are services, services/CODE, requests, requests/ID and tokens/ID, "
    "each with .xml or .json at its end."
)


def _check_jurisdiction(session: SessionDep, asked: Asked) -> None:
    """One city is served: its short name and its host are known, everything else is another city's."""
    given = first(asked.parameters, "jurisdiction_id")
    if not given or given.removeprefix("www.") == asked.host:
        return
    try:
        slug = gis_queries.city(session).slug
    except NoCityError:
        return
    if given != slug:
        raise errors.NotFoundError(f"jurisdiction_id '{given[:100]}' was not found; here is '{slug}'.")


def _definition(session: SessionDep, asked: Asked, code: str) -> Response:
    service = queries.service(session, code)
    if service is None:
        raise errors.NotFoundError(f"service_code '{code[:100]}' was not found.")
    return _answer(asked, open311_answers.definition_document(service, language=asked.language))


def _requests(session: SessionDep, asked: Asked) -> Response:
    filters, findings = open311.read_filters(asked.parameters, now=clock.now())
    if findings:
        raise UnusableReportError(findings)
    found = queries.public_requests(session, filters, media_url=asked.media_url)
    return _answer(asked, open311_answers.requests_document(found, language=asked.language))


def _updates(session: SessionDep, asked: Asked) -> Response:
    findings: list[str] = []
    moments = []
    for name in ("start_date", "end_date"):
        text = first(asked.parameters, name)
        moments.append(open311.read_moment(text) if text else None)
        if text and moments[-1] is None:
            findings.append(f"{name} must be a W3C date with its zone, such as 2026-11-21T08:30:00Z")
    if findings:
        raise UnusableReportError(tuple(findings))
    end_at = moments[1] or clock.now()
    start_at = moments[0] or end_at - UPDATES_SPAN
    found = queries.public_updates(session, start_at=start_at, end_at=end_at, limit=UPDATES_AT_MOST)
    return _answer(asked, open311_updates.updates_document(found, language=asked.language))


# ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _write(asked: Asked) -> Response:
    if asked.resource not in {("requests",), (UPDATES,)}:
        raise NoSuchResourceError(_NO_RESOURCE)
    with transaction() as session:
        _check_jurisdiction(session, asked)
        key = keys.opened_by(session, first(asked.parameters, "api_key"), scope="open311")
        uses = keys.count_use(session, door="open311", who=key.key_hash)
    if uses > key.per_minute:
        raise TooOftenError(f"This api_key may be used {key.per_minute} times a minute. Try again in a minute.")
    with transaction() as session:
        return _take_update(session, asked, key) if asked.resource == (UPDATES,) else _take(session, asked, key)


def _take(session: SessionDep, asked: Asked, key: ApiKey) -> Response:
    code = first(asked.parameters, "service_code")
    if not code:
        raise UnusableReportError(("service_code was not provided",))
    service = queries.service(session, code)
    if service is None:
        raise errors.NotFoundError(f"service_code '{code[:100]}' was not found.")
    submission, findings = open311.read_submission(asked.parameters, service.questions)
    if findings:
        raise UnusableReportError(findings)
    request = actions.take_submission(session, submission, service=service, key=key, pictures=asked.files)
    is_english = asked.language == "en"
    notice = words(
        "incidents", "open311-taken", language=asked.language,
        name=service.name_en if is_english else service.name_th,
        promised=cards.moment(
            request.created_at + timedelta(hours=service.promise_hours), asked.language
        ),
    )
    return _answer(
        asked,
        open311_answers.taken_document(
            request_id=request.request_id if service.service_type == "realtime" else None,
            token=request.token if service.service_type == "batch" else None,
            notice=notice,
            account_id=submission.account_id,
        ),
    )


def _take_update(session: SessionDep, asked: Asked, key: ApiKey) -> Response:
    update, findings = open311_updates.read_update(asked.parameters, now=clock.now())
    if findings:
        raise UnusableReportError(findings)
    update_id = actions.take_update(session, update, key=key)
    return _answer(asked, open311_updates.taken_update_document(update_id))


# ── Addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _query(request: Request) -> dict[str, list[str]]:
    return {name: request.query_params.getlist(name) for name in request.query_params}


async def _form(request: Request) -> tuple[dict[str, list[str]], list[bytes]]:
    """The fields and files of a form; what stands in the address counts too. Raises UnusableReportError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    parameters, files = _query(request), []
    if kind and kind not in FORM_TYPES:
        raise UnusableReportError((f"The body must be {FORM_TYPES[0]}, not {kind[:100]}",))
    try:
        async with request.form(max_files=20, max_fields=200) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    files.append(await value.read(photos.SIZE_LIMIT_BYTES + 1))
                else:
                    parameters.setdefault(name, []).append(value)
    except HTTPException as fault:
        raise UnusableReportError((f"The form cannot be read: {fault.detail}".rstrip("."),)) from fault
    if any("\x00" in text for name, texts in parameters.items() for text in (name, *texts)):
        raise UnusableReportError(("The form holds a NUL character; send it without",))
    return parameters, [content for content in files if content]


@router.api_route(BASE + "{path:whole}", methods=ANY_METHOD)
async def serve(path: str, request: Request) -> Response:
    """One resource of the standard."""
    asked = asked_for(request, path, _query(request))
    if request.method in READING:
        return await run_in_threadpool(_answered, asked, _read)
    if request.method != "POST":
        refused = wire.errors([(405, "Resources are read by GET; requests are sent by POST.")])
        return _answer(asked, refused, status=405, headers={"Allow": "GET, HEAD, POST"})
    try:
        parameters, files = await _form(request)
    except UnusableReportError as error:
        return _refusal(asked, error)
    return await run_in_threadpool(_answered, asked_for(request, path, parameters, files), _write)


@router.api_route("/open311/discovery.{form}", methods=["GET", "HEAD"])
def discover(form: str, request: Request) -> Response:
    """Where the API is; `changeset` moves when the services change."""
    asked = asked_for(request, f"discovery.{form}", {})
    return _answered(asked, _discovered)


def _discovered(asked: Asked) -> Response:
    if asked.resource != ("discovery",):
        raise NoSuchResourceError("There are discovery.xml and discovery.json.")
    with transaction() as session:
        changed_at = services.note_services(session).changed_at
        try:
            city = gis_queries.city(session)
        except NoCityError:
            name, is_simulated = "Faonam", True
        else:
            name, is_simulated = (city.name_en if asked.language == "en" else city.name_th), city.is_simulated
        document = open311_answers.discovery_document(
            base_url=f"{asked.base_url}{BASE}",
            changed_at=changed_at,
            contact=words(
                "incidents", "open311-contact", language=asked.language, name=name, url=f"{asked.base_url}/report"
            ),
            key_service=words("incidents", "open311-key-service", language=asked.language, name=name),
            is_simulated=is_simulated,
        )
    return _answer(asked, document)


@router.api_route("/open311/media/{photo_id}.jpg", methods=["GET", "HEAD"])
def show_media(photo_id: int) -> Response:
    """A picture that came by Open311, without what it told about its maker."""
    with transaction() as session:
        found = queries.public_photo_path(session, photo_id) if 0 < photo_id < 2**63 else None
    path = photos.folder() / found[0] if found else None
    if found is None or path is None or not path.is_file():
        raise NoSuchRequestError(f"There is no picture {photo_id}.")
    return Response(path.read_bytes(), media_type=found[1], headers={"Cache-Control": "public, max-age=300"})
