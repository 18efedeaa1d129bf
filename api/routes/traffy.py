"""The exchange API for partners, compatible with Traffy's, at /exchange-api; and where Traffy's webhooks come in."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from api.deps import SessionDep
from core import clock, db, errors
from core.db import transaction
from core.logs import get_logger
from core.settings import secret
from incidents.exchange import (
    keys,
    partner_calls,
    partner_deeds,
    traffy,
    traffy_actions,
    traffy_exchange,
    traffy_queries,
    traffy_server,
)
from incidents.exchange.errors import KeyRefusedError, OwnNewsError, TooOftenError, UnusableReportError
from incidents.exchange.models import ApiKey
from incidents.exchange.traffy_server import STATUSES, key_of_token, token

log = get_logger("api.traffy")
router = APIRouter(include_in_schema=False)

PREFIX = "/exchange-api"
TOKEN_LASTS = timedelta(hours=24)
DURATIONS = {"today": timedelta(days=1), "3days": timedelta(days=3), "3day": timedelta(days=3), "all": None}
SEARCH_BYTES = 3
TOKEN_KEY = "exchange-token-key"  # noqa: S105 - the name of the secret.


@dataclass(frozen=True)
class Asked:
    """One call: its parameters or body, and the key that makes it."""

    key: ApiKey
    given: Mapping[str, Any]
    media_url: str


Answer = dict[str, Any] | Response
Given = TypeVar("Given")


def _refused(sentence: str, *, began_s: float) -> Response:
    return _wrapped({"results": []}, status="fail", message=sentence, began_s=began_s)


def _wrapped(more: Mapping[str, Any], *, status: str = "success", message: str = "", began_s: float) -> Response:
    """The exchange's wrapper: HTTP 200 whatever became of the call, which `status` says."""
    content = {
        "status": status, "message": message, "exec_time": round(time.monotonic() - began_s, 3), "source": "db",
        "credit_balance": None, **more, "api_log_session_id": secrets.token_hex(8),
    }
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _sentence(error: Exception) -> str:
    """What went wrong, for the caller; what nobody foresaw goes to the log."""
    if isinstance(error, errors.FaonamError):
        thai = error.facts.get("detail_th")
        return f"{error.detail} | {thai}" if thai else error.detail
    if db.is_away(error):
        return "The database does not answer; nothing was changed | ฐานข้อมูลไม่ตอบสนอง"
    log.error("request.failed", path=PREFIX, exc_info=error)
    return "Nothing was changed; the failure has been logged | ระบบขัดข้อง"


# ── Signing in ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _sign_in(given: Mapping[str, Any], *, began_s: float) -> Response:
    """The key's name and the key, for a token of 24 hours."""
    with transaction() as session:
        try:
            key = keys.opened_by(session, str(given.get("pass") or ""), scope="traffy-read")
        except KeyRefusedError:
            key = None
        if key is None or key.name != str(given.get("user") or ""):
            return _refused("Invalid user or pass | ชื่อผู้ใช้หรือรหัสผ่านไม่ถูกต้อง", began_s=began_s)
        now = clock.wall_now()
        made = token(key_id=key.id, expires_at=now + TOKEN_LASTS, secret=secret(TOKEN_KEY))
        may_write = {"traffy-write", "traffy-update"} & set(key.scopes)
    return _wrapped(
        {
            "quota_limit": None,
            "permissions": ["read", "write"] if may_write else ["read"],
            "results": {"token": made, "expire_timestamp": traffy.said_time(now + TOKEN_LASTS)[:19]},
        },
        began_s=began_s,
    )


def _key(session: SessionDep, request: Request, given: Mapping[str, Any], *, scope: str) -> ApiKey:
    """Who calls, by bearer token or `token_secret_key`. Raises KeyRefusedError and TooOftenError."""
    bearer = request.headers.get("authorization", "")
    if bearer.lower().startswith("bearer "):
        found = key_of_token(bearer[7:].strip(), now=clock.wall_now(), secret=secret(TOKEN_KEY))
        if isinstance(found, str):
            raise KeyRefusedError(found)
        key = keys.opened_by_id(session, found, scope=scope)
    else:
        try:
            key = keys.opened_by(session, str(given.get("token_secret_key") or ""), scope=scope)
        except KeyRefusedError:
            raise KeyRefusedError("ERR 1 - Invalid token | Token ไม่ถูกต้อง") from None
    return key


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _issues(session: SessionDep, asked: Asked) -> list[dict[str, Any]]:
    given = asked.given
    duration = str(given.get("duration") or "today")
    if duration not in DURATIONS:
        raise errors.InvalidInputError("duration is none of today, 3days and all")
    span = DURATIONS[duration]
    names = ("type_name_th", "type_name", "category_name_th", "category_name")
    category = traffy_exchange.category_asked(
        session,
        name=next((str(given[name]) for name in names if given.get(name)), ""),
        number=str(given.get("issue_category_id") or ""),
    )
    numbers = traffy_queries.issue_numbers(
        session,
        since=clock.now() - span if span is not None else None,
        agency_codes=traffy_exchange.agencies_asked(session, str(given.get("org_id") or "")),
        category_code=category,
    )
    found = traffy_queries.public_issues(session, numbers, media_url=asked.media_url)
    times = traffy_queries.times(session, numbers)
    place = {number: position for position, number in enumerate(numbers)}
    found.sort(key=lambda one: place[one.request_id])
    return [traffy_server.issue_row(one, times[one.request_id]) for one in found]


def _get_issues(session: SessionDep, asked: Asked) -> Answer:
    rows = _issues(session, asked)
    return {"org_id": _org_ids(asked), "count": len(rows), "results": rows}


def _org_ids(asked: Asked) -> list[str]:
    return [part.strip() for part in str(asked.given.get("org_id") or "").split(",") if part.strip()]


def _download(session: SessionDep, asked: Asked) -> Answer:
    content = traffy_server.issues_csv(_issues(session, asked))
    return Response(content, media_type="text/csv; charset=utf-8", headers={"Cache-Control": "no-store"})


def _get_issue(session: SessionDep, asked: Asked) -> Answer:
    number = str(asked.given.get("ticket_id") or "")
    if not number:
        raise errors.InvalidInputError("ticket_id is not specified | ไม่ได้ระบุ ticket_id")
    times = traffy_queries.times(session, [number])
    found = traffy_queries.public_issues(session, [number], media_url=asked.media_url)
    if not found or number not in times:
        raise errors.NotFoundError(f"There is no ticket {number[:100]} | ไม่พบเรื่องนี้")
    return {"ticket_id": number, "results": traffy_server.issue_detail(found[0], times[number])}


def _types(session: SessionDep, asked: Asked) -> Answer:
    rows = traffy_exchange.types(session)
    return {"org_id": None, "count": len(rows), "results": rows}


def _statuses(session: SessionDep, asked: Asked) -> Answer:
    rows = [
        {
            "issue_status_id": one.number, "org_statuses_id": None, "status": one.th, "status_en": one.en,
            "status_type": one.kind, "sort_order": one.number, "is_active": True,
        }
        for one in STATUSES
    ]
    return {"org_id": None, "count": len(rows), "results": rows}


def _orgs(session: SessionDep, asked: Asked) -> Answer:
    rows = traffy_exchange.organisations(session, _org_ids(asked))
    return {"org_id": _org_ids(asked), "count": len(rows), "results": rows}


def _search(session: SessionDep, asked: Asked) -> Answer:
    text = str(asked.given.get("text") or "").strip()
    if len(text.encode()) < SEARCH_BYTES:
        raise errors.InvalidInputError("text is not specified, or shorter than 3 bytes | คำค้นสั้นเกินไป")
    rows = [
        row for row in traffy_exchange.organisations(session, [])
        if text.lower() in row["name"].lower() or text.lower() in row["name_en"].lower()
    ]
    return {"text": text, "count": len(rows), "results": rows}


# ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(read: Callable[[Mapping[str, Any]], tuple[Given, tuple[str, ...]]], asked: Asked) -> Given:
    """What the partner sends, read; raises UnusableReportError with a sentence for each field that cannot be used."""
    given, findings = read(asked.given)
    if findings:
        raise UnusableReportError(findings)
    return given


def _new_issue(session: SessionDep, asked: Asked) -> Answer:
    issue = _read(traffy_server.read_new_issue, asked)
    request = traffy_exchange.take_issue(session, issue, key=asked.key)
    results = {"ticket_id": request.request_id, "password": request.token}
    if issue.client_id:
        results["client_ticket_id"] = issue.client_id
    # `api_log_session` is spelled so in this call alone.
    return {"org_id": [], "results": results, "api_log_session": secrets.token_hex(8)}


def _star(session: SessionDep, asked: Asked) -> Answer:
    star = _read(partner_calls.read_star, asked)
    partner_deeds.rate(session, star, key=asked.key)
    return {}


def _comment(session: SessionDep, asked: Asked) -> Answer:
    comment = _read(partner_calls.read_comment, asked)
    partner_deeds.say(session, comment, key=asked.key)
    return {}


def _join_forward(session: SessionDep, asked: Asked) -> Answer:
    joined = _read(partner_calls.read_join_forward, asked)
    partner_deeds.join_forward(session, joined, key=asked.key)
    return {"results": {}}


def _update_issue(session: SessionDep, asked: Asked) -> Answer:
    update = _read(traffy_server.read_update_issue, asked)
    traffy_exchange.take_step(session, update, key=asked.key)
    return {"org_id": "", "results": {}}


_Act = Callable[[SessionDep, Asked], Answer]
CALLS: dict[tuple[str, str], tuple[str, _Act]] = {
    ("GET", "get-issues/v2"): ("traffy-read", _get_issues),
    ("GET", "download-issues/v2"): ("traffy-read", _download),
    ("GET", "get-issue/v1"): ("traffy-read", _get_issue),
    ("GET", "get-type-list/v2"): ("traffy-read", _types),
    ("GET", "get-status-list/v2"): ("traffy-read", _statuses),
    ("GET", "get-org-list/v1"): ("traffy-read", _orgs),
    ("GET", "search-org/v1"): ("traffy-read", _search),
    ("POST", "new-issue/v1"): ("traffy-write", _new_issue),
    ("PATCH", "update-issue/v1"): ("traffy-update", _update_issue),
    ("POST", "star/v1"): ("traffy-write", _star),
    ("POST", "comment/v1"): ("traffy-write traffy-update", _comment),
    ("POST", "join-forward/v1"): ("traffy-update", _join_forward),
}


def _act(request: Request, path: str, given: Mapping[str, Any]) -> Response:
    began_s = time.monotonic()
    try:
        return _acted(request, path, given, began_s=began_s)
    except OwnNewsError as echo:
        return _wrapped({"results": {}}, status="warning", message=echo.detail, began_s=began_s)
    except Exception as error:
        return _refused(_sentence(error), began_s=began_s)


def _acted(request: Request, path: str, given: Mapping[str, Any], *, began_s: float) -> Response:
    if (request.method, path) == ("POST", "get-auth/v1"):
        return _sign_in(given, began_s=began_s)
    scope, act = CALLS.get((request.method, path), (None, None))
    if scope is None or act is None:
        raise errors.NotFoundError("There is no such call | ไม่มีคำสั่งนี้")
    with transaction() as session:
        key = _key(session, request, given, scope=scope)
        uses = keys.count_use(session, door="exchange", who=key.key_hash)
    if uses > key.per_minute:
        raise TooOftenError("Running out of API usage quota: wait a minute | เรียกใช้บ่อยเกินไป รอหนึ่งนาที")
    asked = Asked(key, given, f"{str(request.base_url).rstrip('/')}/open311/media/{{id}}.jpg")
    with transaction() as session:
        answer = act(session, asked)
    return answer if isinstance(answer, Response) else _wrapped(answer, began_s=began_s)


async def _body(request: Request) -> Any:
    """The body as JSON; None where it is none, or holds what no text can keep."""
    try:
        return _sound(json.loads(await request.body()))
    except (ValueError, RecursionError):
        return None


def _sound(given: Any) -> Any:
    """The same, or None where it holds a NUL or half a letter (a lone surrogate)."""
    try:
        written = json.dumps(given, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return None
    return None if b"\\u0000" in written else given


@router.api_route(PREFIX + "/{path:path}", methods=["GET", "POST", "PATCH"])
async def exchange(path: str, request: Request) -> Response:
    """One call of the exchange."""
    given: Any = _sound(dict(request.query_params)) if request.method == "GET" else await _body(request)
    if not isinstance(given, dict):
        return _refused("Invalid input JSON format | รูปแบบ JSON ไม่ถูกต้อง", began_s=time.monotonic())
    return await run_in_threadpool(_act, request, path.strip("/"), given)


# ── Webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@router.api_route("/traffy/hook/{key}", methods=["POST", "PATCH"])
async def hear_traffy(key: str, request: Request) -> Response:
    """What moved at Traffy. The address is the secret: who does not know it finds nothing here."""
    body = await _body(request)
    return await run_in_threadpool(_hear, key, request.method, body)


def _hear(secret_path: str, method: str, body: Any) -> Response:
    with transaction() as session:
        try:
            keys.opened_by(session, secret_path, scope="traffy-hook")
        except KeyRefusedError:
            raise errors.NotFoundError("There is nothing here.") from None
        news, findings = traffy.read_hook(method, body)
        if news is None:
            return JSONResponse({"status": "fail", "message": "; ".join(findings)}, status_code=400)
        try:
            with session.begin_nested():
                has_changed = _heard(session, news)
        except UnusableReportError as fault:
            log.info("traffy.ticket_not_taken", ticket=news.ticket_id, why=fault.detail)
            return JSONResponse({"status": "warning", "message": fault.detail})
    return JSONResponse({"status": "success", "message": "", "results": {"is_new": has_changed}})


def _heard(session: SessionDep, news: traffy.Issue | traffy.StatusNews | traffy.ChatNews) -> bool:
    match news:
        case traffy.StatusNews():
            return traffy_actions.take_status(session, news)
        case traffy.ChatNews():
            return traffy_actions.take_chat(session, news)
        case traffy.Issue():
            return traffy_actions.take_ticket(session, news) is not None
