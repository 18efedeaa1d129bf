"""Alerts: what waits for approval and why, who would be told, what was sent, and the CAP document of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import Response as AnyResponse

from alerts import actions, queries
from alerts.errors import ProposalChangedError
from alerts.models import Alert, AlertZone
from api import problems
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from core import clock
from core.errors import NotFoundError
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["alerts"])

CAP_TYPE = "application/cap+xml"
Approver = Annotated[AccountRef, Depends(needs("approver"))]
Officer = Annotated[AccountRef, Depends(needs("officer", "approver"))]


class Name(BaseModel):
    """A name or a sentence in Thai and English."""

    th: str
    en: str


class ZoneName(BaseModel):
    """A zone of an alert, in the version that the alert is for."""

    id: int
    code: str
    version: int
    name: Name


class Audience(BaseModel):
    """Residents who will be or were told (`count`), and those who are not, with the reason."""

    count: int
    by_language: dict[str, int]
    vulnerable: int
    unreachable: int
    suppressed: int
    suppressed_by_reason: dict[str, int]


class Delivery(BaseModel):
    """Requests to LINE by state, and residents in those that LINE accepted. Accepted is not delivered."""

    queued: int
    accepted: int
    failed: int
    unknown: int
    cancelled: int
    recipients: int
    accepted_recipients: int


class AlertView(BaseModel):
    """An alert as officers see it. `state` is `expired` for an active one whose time has run out."""

    id: int
    number: str
    event_id: int
    kind: Literal["alert", "update", "all_clear"]
    level: int
    state: str
    revision: int
    zones: list[ZoneName]
    proposed_at: datetime
    revised_at: datetime
    approved_at: datetime | None
    expires_at: datetime | None
    closed_at: datetime | None
    closed_reason: str | None
    is_expired: bool
    evidence: list[dict[str, Any]]
    texts: dict[str, dict[str, str]]
    audience: Audience
    delivery: Delivery
    answers: dict[str, int]
    references: list[int]
    proposed_by: str | None
    approved_by: str | None
    has_cap: bool


class Alerts(BaseModel):
    """Alerts, those that wait for approval first, then the newest."""

    alerts: list[AlertView]


class Approval(BaseModel):
    """Which revision was looked at."""

    revision: int = Field(ge=1)


class Reason(BaseModel):
    """Why, in the officer's words."""

    reason: str = Field(max_length=500)


class AreaFeatures(BaseModel):
    """GeoJSON: the outlines that the alert is or was for."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[dict[str, Any]]


class LedgerPage(BaseModel):
    """What became of each resident of an alert, and how many stand in each state."""

    counts: dict[str, int]
    lines: list[dict[str, Any]]


def _zone(row: AlertZone) -> ZoneName:
    return ZoneName(id=row.zone_id, code=row.code, version=row.zone_version, name=Name(th=row.name_th, en=row.name_en))


def _audience(alert: Alert) -> Audience:
    reasons = alert.suppressed_by_reason
    return Audience(
        count=alert.audience_count,
        by_language=alert.audience_by_language,
        vulnerable=alert.vulnerable_count,
        unreachable=reasons.get("unreachable", 0),
        suppressed=sum(reasons.values()),
        suppressed_by_reason=reasons,
    )


def _delivery(states: dict[str, tuple[int, int]]) -> Delivery:
    chunks = {state: count for state, (count, _) in states.items()}
    return Delivery(
        queued=chunks.get("queued", 0) + chunks.get("sending", 0),
        accepted=chunks.get("accepted", 0),
        failed=chunks.get("failed", 0),
        unknown=chunks.get("unknown", 0),
        cancelled=chunks.get("cancelled", 0),
        recipients=sum(recipients for _, recipients in states.values()),
        accepted_recipients=states.get("accepted", (0, 0))[1],
    )


def _views(session: SessionDep, rows: Sequence[Alert]) -> list[AlertView]:
    ids = [row.id for row in rows]
    zones, states = queries.zones(session, ids), queries.chunk_states(session, ids)
    answers, now = queries.answers(session, ids), clock.now()
    people = {who for row in rows for who in (row.proposed_by, row.approved_by) if who is not None}
    names = queries.account_names(session, people)
    views = []
    for row in rows:
        is_expired = row.state == "active" and row.expires_at is not None and row.expires_at <= now
        views.append(
            AlertView(
                id=row.id,
                number=row.number,
                event_id=row.event_id,
                kind=row.kind,
                level=row.level,
                state="expired" if is_expired else row.state,
                revision=row.revision,
                zones=[_zone(zone) for zone in zones[row.id]],
                proposed_at=row.proposed_at,
                revised_at=row.revised_at,
                approved_at=row.approved_at,
                expires_at=row.expires_at,
                closed_at=row.closed_at,
                closed_reason=row.closed_reason,
                is_expired=is_expired,
                evidence=row.evidence,
                texts=row.texts,
                audience=_audience(row),
                delivery=_delivery(states[row.id]),
                answers=answers[row.id],
                references=row.references,
                proposed_by=names.get(row.proposed_by) if row.proposed_by is not None else None,
                approved_by=names.get(row.approved_by) if row.approved_by is not None else None,
                has_cap=row.cap_xml is not None,
            )
        )
    return views


def _view(session: SessionDep, alert: Alert) -> AlertView:
    return _views(session, [alert])[0]


@router.get("/alerts")
def list_alerts(
    session: SessionDep, account: CurrentAccount, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> Alerts:
    """The alerts, those that wait for approval first."""
    return Alerts(alerts=_views(session, queries.alerts(session, limit=limit)))


@router.get("/alerts/{alert_id}")
def read_alert(alert_id: int, session: SessionDep, account: CurrentAccount) -> AlertView:
    """One alert."""
    return _view(session, queries.alert(session, alert_id))


@router.post("/alerts/{alert_id}/approve", response_model=AlertView)
def approve_alert(
    alert_id: int, approval: Approval, request: Request, session: SessionDep, account: Approver
) -> AlertView | AnyResponse:
    """The alert goes out to exactly the audience that was shown; 409 and a new revision where it has changed since."""
    try:
        alert = actions.approve(session, alert_id, approval.revision, account)
    except ProposalChangedError as changed:
        # The answer is returned, not raised: the new revision that the officer now has to look at is kept.
        actions.revise(session, alert_id)
        return problems.of_error(changed, instance=request.url.path)
    return _view(session, alert)


@router.post("/alerts/{alert_id}/decline")
def decline_alert(alert_id: int, body: Reason, session: SessionDep, account: Approver) -> AlertView:
    """The proposal goes out to nobody."""
    return _view(session, actions.decline(session, alert_id, body.reason, account))


@router.post("/alerts/{alert_id}/cancel")
def cancel_alert(alert_id: int, body: Reason, session: SessionDep, account: Approver) -> AlertView:
    """What has not gone out yet stays here; an all-clear for those already told waits for approval."""
    return _view(session, actions.cancel(session, alert_id, body.reason, account))


@router.post("/alerts/{alert_id}/all-clear")
def propose_all_clear(alert_id: int, session: SessionDep, account: Officer) -> AlertView:
    """An all-clear for the alert's event waits for another person's approval."""
    return _view(session, actions.propose_all_clear(session, alert_id, account))


@router.get("/alerts/{alert_id}/cap.xml", response_class=Response)
def read_cap(alert_id: int, session: SessionDep, account: CurrentAccount) -> AnyResponse:
    """The alert as a CAP 1.2 document; 404 before its approval."""
    alert = queries.alert(session, alert_id)
    if alert.cap_xml is None:
        raise NotFoundError(f"Alert {alert.number} has no CAP document before it is approved.")
    return Response(alert.cap_xml.encode(), media_type=CAP_TYPE)


@router.get("/alerts/{alert_id}/area")
def read_area(alert_id: int, session: SessionDep, account: CurrentAccount) -> AreaFeatures:
    """The outlines of the alert's zones, as they were when it was proposed."""
    alert = queries.alert(session, alert_id)
    features = [
        {
            "type": "Feature",
            "id": zone.zone_id,
            "geometry": geometry,
            "properties": {**_zone(zone).model_dump(), "level": alert.level},
        }
        for zone, geometry in queries.zone_features(session, alert_id)
    ]
    return AreaFeatures(features=features)


@router.get("/alerts/{alert_id}/ledger")
def read_ledger(
    alert_id: int,
    session: SessionDep,
    account: Approver,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> LedgerPage:
    """What became of each resident of the alert, by our own number of them; every look is in the audit log."""
    alert = queries.alert(session, alert_id)
    staff_actions.record(
        session, account=account, action="alert.ledger_read", subject=f"alert:{alert.id}", detail={"after": after}
    )
    lines = queries.ledger(session, alert_id, after_resident_id=after, limit=limit)
    return LedgerPage(counts=queries.ledger_counts(session, alert_id), lines=[vars(line) for line in lines])
