"""Warnings of others: what holds now and for which zones, how their sources do, and the ways in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import Response as AnyResponse

from alerts.outside import evidence, queries, taking, tasks, wire
from alerts.outside.health import condition_of
from alerts.outside.models import OutsideHealth, OutsideSource, OutsideWarningRow
from alerts.outside.queries import ZoneView
from alerts.outside.sources import SourceKind
from alerts.templates import moment
from api import problems
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from core import clock
from core.errors import InvalidInputError
from core.words import words
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["alerts"])

Officer = Annotated[AccountRef, Depends(needs("officer", "approver", "admin"))]


class Bilingual(BaseModel):
    """A text in Thai and English."""

    th: str
    en: str


class WarnedZone(BaseModel):
    """A zone that the city's table names, the level it would have, and how much of it the outline covers (0..1)."""

    id: int
    code: str
    name: Bilingual
    level: int
    acts_as: Literal["context", "proposal"]
    share: float


class SourceName(BaseModel):
    """Who warns."""

    code: str
    name: Bilingual
    kind: str


class OutsideWarningView(BaseModel):
    """A warning of another that holds now. `age_s` is since it was issued.

    `is_wide`: it is for an area far larger than the city, mostly a province. `findings` say in words what is odd.
    """

    id: int
    source: SourceName
    identifier: str
    sender: str
    sent_at: datetime
    received_at: datetime
    effective_at: datetime | None
    onset_at: datetime | None
    expires_at: datetime
    age_s: int
    age: Bilingual
    status: str
    state: str
    message_type: str
    event: str
    hazard: str
    severity: str
    urgency: str
    certainty: str
    grade: int | None
    headline: Bilingual
    words: dict[str, dict[str, str]]
    places: list[dict[str, Any]]
    facts: dict[str, Any]
    issues: int
    reach: Literal["touching", "elsewhere", "unknown"]
    is_wide: bool
    acts_as: Literal["context", "proposal"]
    level: int
    zones: list[WarnedZone]
    findings: list[Bilingual]
    mapped_version: int | None
    mapped_row: int | None
    has_contact: bool


class OutsideWarnings(BaseModel):
    """The warnings of others that hold now, those that propose first, then the worst and newest."""

    warnings: list[OutsideWarningView]


class SourceView(BaseModel):
    """A source and how it does; attempts are in real time. `line` says it in words."""

    code: str
    name: Bilingual
    kind: str
    host: str | None
    is_asked: bool
    is_enabled: bool
    period_s: int
    condition: Literal["off", "waiting", "working", "silent", "failing"]
    since_wall_at: datetime | None
    line: Bilingual
    last_attempt_wall_at: datetime | None
    last_success_wall_at: datetime | None
    failing_since_wall_at: datetime | None
    next_attempt_wall_at: datetime | None
    newest_sent_at: datetime | None
    failures: int
    trouble: str | None
    trouble_detail: str | None


class RefusedDocument(BaseModel):
    """Something that came and could not be read; its bytes are kept."""

    id: int
    source: str
    address: str
    received_at: datetime
    size_bytes: int
    reason: str | None
    detail: str | None


class OutsideSources(BaseModel):
    """Every source, those that fail or are silent first, and the newest documents that could not be read."""

    sources: list[SourceView]
    refused: list[RefusedDocument]


class CallTaken(BaseModel):
    """What became of a signed call; a repeated one said nothing new."""

    warning_id: int | None
    state: str
    is_repeated: bool


class WithdrawnReason(BaseModel):
    """Why, in the officer's words."""

    reason: str = Field(max_length=500)


class ContactView(BaseModel):
    """Who is to be called back."""

    contact: str | None


async def _body(request: Request) -> bytes:
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > wire.BODY_LIMIT_BYTES:
            raise InvalidInputError(f"The body is larger than {wire.BODY_LIMIT_BYTES} bytes.")
    return bytes(raw)


Content = Annotated[bytes, Depends(_body)]


@router.get("/outside-warnings", summary="What others warn of now")
def list_outside_warnings(
    session: SessionDep,
    account: CurrentAccount,
    elsewhere: Annotated[bool, Query(description="Also those whose outline is not in the city.")] = False,
) -> OutsideWarnings:
    """Those that hold by the clock, with the zones that the city's table names, and what is odd about them."""
    rows = queries.current(session, now=clock.now(), with_elsewhere=elsewhere)
    return OutsideWarnings(warnings=_views(session, rows))


@router.get("/outside-warnings/{warning_id}", summary="One warning of others")
def read_outside_warning(warning_id: int, session: SessionDep, account: CurrentAccount) -> OutsideWarningView:
    """Also one that holds no longer: `state` says so, or its `expires_at` has passed."""
    return _views(session, [queries.warning(session, warning_id)])[0]


@router.post("/outside-warnings", status_code=201, summary="What an officer was told")
def enter_outside_warning(
    entered: wire.EnteredWarning, session: SessionDep, account: Officer
) -> OutsideWarningView:
    """It stands as a warning from the telephone, with who said it and when; another person approves a proposal."""
    return _views(session, [taking.enter(session, entered, account)])[0]


@router.post("/outside-warnings/{warning_id}/withdraw", summary="What an officer was told holds no longer")
def withdraw_outside_warning(
    warning_id: int, body: WithdrawnReason, session: SessionDep, account: Officer
) -> OutsideWarningView:
    """A proposal that it made and nobody decided is taken back; 409 for warnings of other systems."""
    return _views(session, [taking.withdraw(session, warning_id, body.reason, account)])[0]


@router.get("/outside-warnings/{warning_id}/contact", summary="Who told the officer")
def read_outside_contact(warning_id: int, session: SessionDep, account: Officer) -> ContactView:
    """Name and number to call back; every look is in the audit log."""
    return ContactView(contact=taking.contact(session, warning_id, account))


@router.get("/outside-sources", summary="How the sources of others' warnings do")
def list_outside_sources(session: SessionDep, account: CurrentAccount) -> OutsideSources:
    """Since when a source is silent or failing, when it is asked again, and what of it could not be read."""
    order = ("failing", "silent", "waiting", "working", "off")
    views = [_source(source, health) for source, health in queries.sources(session)]
    refused = [
        RefusedDocument(
            id=one.id, source=code, address=one.address, received_at=one.received_at, size_bytes=one.size_bytes,
            reason=one.reason, detail=one.detail,
        )
        for one, code in queries.refused(session, limit=50)
    ]  # fmt: skip
    views.sort(key=lambda one: (order.index(one.condition), one.code))
    return OutsideSources(sources=views, refused=refused)


@router.post("/outside-sources/{code}/poll", status_code=202, summary="Ask a source now")
def poll_outside_source(code: str, session: SessionDep, account: Officer) -> SourceView:
    """It is asked as soon as a worker is free; 422 where it sends by itself, 409 where it is switched off."""
    tasks.ask_now(session, code)
    staff_actions.record(session, account=account, action="outside.asked", subject=f"outside_source:{code}", detail={})
    return next(_source(one, health) for one, health in queries.sources(session) if one.code == code)


@router.get("/outside-documents/{document_id}", response_class=Response, summary="What came, byte by byte")
def read_outside_document(document_id: int, session: SessionDep, account: Officer) -> AnyResponse:
    """As a download that no browser opens: it is a stranger's."""
    headers = {"Content-Disposition": f'attachment; filename="outside-{document_id}.bin"'}
    return Response(queries.body(session, document_id), media_type="application/octet-stream", headers=headers)


_CALL = {
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": told}
        for name, told in (
            ("webhook-id", "The caller's own id of this call; sent again it is the same call."),
            ("webhook-timestamp", "Unix time in seconds; at most five minutes away from ours."),
            ("webhook-signature", "v1, and base64 of HMAC-SHA-256 over {webhook-id}.{webhook-timestamp}.{body}."),
        )
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": wire.call_schema()}},
    },
}  # fmt: skip


@router.post(
    "/outside/{source}", response_model=CallTaken, openapi_extra=_CALL, summary="Another system's signed warning",
    responses={401: {"description": "Not signed by it"}, 409: {"description": "Switched off, or another body"}},
)
def receive_outside_call(
    source: str, content: Content, request: Request, session: SessionDep
) -> CallTaken | AnyResponse:
    """One warning, signed over the raw bytes as Standard Webhooks says; taken once, whatever comes how often.

    A signed call that cannot be read is kept for officers to see, and answered 422 with what is wrong.
    """
    taken = taking.take_call(session, source, content, request.headers)
    if isinstance(taken, taking.CallRefusedError):
        # Returned, not raised: what came is kept.
        return problems.of_error(taken, instance=request.url.path)
    return CallTaken(warning_id=taken.warning_id, state=taken.state, is_repeated=taken.is_repeated)


def _views(session: SessionDep, rows: Sequence[OutsideWarningRow]) -> list[OutsideWarningView]:
    zones, now = queries.zones_of(session, [row.id for row in rows]), clock.now()
    names = {source.id: source for source, _ in queries.sources(session)}
    return [_view(row, names[row.source_id], zones[row.id], now=now) for row in rows]


def _view(
    row: OutsideWarningRow, source: OutsideSource, zones: Sequence[ZoneView], *, now: datetime
) -> OutsideWarningView:
    same = {
        name: getattr(row, name)
        for name in OutsideWarningView.model_fields
        if name not in {"source", "age_s", "age", "headline", "zones", "findings", "has_contact"}
    }
    span = now - row.sent_at
    return OutsideWarningView(
        **same,
        source=SourceName(code=source.code, name=Bilingual(th=source.name_th, en=source.name_en), kind=source.kind),
        age_s=max(0, int(span.total_seconds())),
        age=Bilingual(th=evidence.age(span, "th"), en=evidence.age(span, "en")),
        headline=Bilingual(th=evidence.headline(row, "th"), en=evidence.headline(row, "en")),
        zones=[
            WarnedZone(
                id=one.id, code=one.code, name=Bilingual(th=one.name_th, en=one.name_en), level=one.level,
                acts_as=one.acts_as, share=one.share,
            )
            for one in zones
        ],
        findings=_findings(row),
        has_contact=row.contact_sealed is not None,
    )


def _findings(row: OutsideWarningRow) -> list[Bilingual]:
    all_of = [*row.findings, *row.mapped_findings]
    told = zip(evidence.finding_words(all_of, "th"), evidence.finding_words(all_of, "en"), strict=True)
    return [Bilingual(th=th, en=en) for th, en in told]


def _source(source: OutsideSource, health: OutsideHealth | None) -> SourceView:
    now = clock.wall_now()
    condition = condition_of(
        is_enabled=source.is_enabled, is_expected=source.kind != SourceKind.OFFICER, period_s=source.period_s,
        last_success_at=health.last_success_wall_at if health else None,
        failing_since_at=health.failing_since_wall_at if health else None, now=now,
    )  # fmt: skip
    line = {language: _line(source, health, condition.name, language, now=now) for language in ("th", "en")}
    told = ("last_attempt_wall_at", "last_success_wall_at", "failing_since_wall_at", "next_attempt_wall_at",
            "newest_sent_at", "trouble", "trouble_detail")  # fmt: skip
    known = {name: getattr(health, name) if health else None for name in told}
    if source.url is None:
        known["next_attempt_wall_at"] = None
    return SourceView(
        code=source.code, name=Bilingual(th=source.name_th, en=source.name_en), kind=source.kind,
        host=queries.spec_in(source).host, is_asked=source.url is not None, is_enabled=source.is_enabled,
        period_s=source.period_s, condition=condition.name, since_wall_at=condition.since_wall_at,
        line=Bilingual(**line), failures=health.failures if health else 0,
        **known,
    )  # fmt: skip


def _line(source: OutsideSource, health: OutsideHealth | None, name: str, language: str, *, now: datetime) -> str:
    """How the source does, in one sentence; whoever sends by itself is waited for."""
    if health is None or name == "waiting":
        key = "outside-never" if source.url is not None else "outside-waits"
        return words("alerts", "outside-off" if name == "off" else key, language=language)
    last, since = health.last_success_wall_at, health.failing_since_wall_at
    if name == "failing" and since is not None:
        return words(
            "alerts", "outside-failing", language=language, time=moment(since, language), count=health.failures,
            next=moment(health.next_attempt_wall_at or now, language),
        )
    if name == "silent" and last is not None:
        return words("alerts", "outside-silent", language=language, time=moment(last, language))
    if name == "off" or last is None:
        return words("alerts", "outside-off" if name == "off" else "outside-never", language=language)
    return words("alerts", "outside-works", language=language, age=evidence.age(now - last, language))
