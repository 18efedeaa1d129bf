"""Alerts: what waits for approval and why, who would be told, what was sent, and the CAP document of each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import Response as AnyResponse

from alerts import actions, arming, cap_queries, drafting, ledger, queries, rules, thread
from alerts.drafting import Wanted
from alerts.errors import NameNotTypedError, ProposalChangedError
from api import problems
from api.alert_views import (
    Alerts,
    AlertView,
    PreviewView,
    Target,
    needs_typed_name,
    preview_view,
    view,
    views,
    zone_name,
)
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from core.errors import ForbiddenError, NotFoundError
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["alerts"])

CAP_TYPE = "application/cap+xml"
Approver = Annotated[AccountRef, Depends(needs("approver"))]
Officer = Annotated[AccountRef, Depends(needs("officer", "approver"))]


class Looked(BaseModel):
    """Which revision was looked at."""

    revision: int = Field(ge=1)


class Approval(Looked):
    """Which revision is approved; where the level asks for it, the name of one of its zones, typed by hand."""

    typed_name: str | None = Field(default=None, max_length=200)


class OwnWords(BaseModel):
    """An officer's own words in one language."""

    title: str = Field(min_length=1, max_length=80)
    body: str = Field(min_length=1, max_length=1000)


class NewAlert(BaseModel):
    """An officer's own alert (level 1 to 3, for zones) or news (level 0, in own words). A draft unless proposed."""

    level: int = Field(ge=0, le=3)
    hazard: str = Field(default="flood", max_length=40)
    zone_ids: list[int] = Field(default_factory=list, max_length=5000)
    targets: list[Target] = Field(default_factory=list, max_length=1000)
    words: dict[str, OwnWords] | None = None
    is_exercise: bool = False
    is_proposed: bool = False


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


class ThreadEntry(BaseModel):
    """One thing that happened in an event."""

    id: int
    alert_id: int | None
    happened_at: datetime
    kind: str
    by: str | None
    detail: dict[str, Any]


class Thread(BaseModel):
    """Everything that happened in an event, oldest first."""

    event_id: int
    entries: list[ThreadEntry]



@router.get("/alerts")
def list_alerts(
    session: SessionDep, account: CurrentAccount, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> Alerts:
    """The alerts, those that wait for approval first."""
    return Alerts(alerts=views(session, queries.alerts(session, limit=limit)))


@router.get("/alerts/{alert_id}")
def read_alert(alert_id: int, session: SessionDep, account: CurrentAccount) -> AlertView:
    """One alert."""
    return view(session, queries.alert(session, alert_id))


@router.post("/alerts", status_code=201)
def draft_alert(body: NewAlert, session: SessionDep, account: Officer) -> AlertView:
    """An officer's own alert or news stands as a draft, or waits for another person's approval."""
    wanted = Wanted(
        level=body.level,
        hazard=body.hazard,
        zone_ids=frozenset(body.zone_ids),
        targets=tuple(dict.fromkeys((target.kind, target.ref_id) for target in body.targets)),
        own_words=None if body.words is None else {k: one.model_dump() for k, one in body.words.items()},
        is_exercise=body.is_exercise,
    )
    return view(session, drafting.draft(session, wanted, account, is_proposed=body.is_proposed))


@router.post("/alerts/{alert_id}/propose")
def propose_alert(alert_id: int, session: SessionDep, account: Officer) -> AlertView:
    """The draft waits for another person's approval."""
    return view(session, drafting.propose(session, alert_id, account))


@router.post("/alerts/{alert_id}/withdraw")
def withdraw_alert(alert_id: int, body: Reason, session: SessionDep, account: Officer) -> AlertView:
    """An officer's draft or proposal is taken back."""
    return view(session, drafting.withdraw(session, alert_id, body.reason, account))


@router.post("/alerts/{alert_id}/check")
def check_alert(alert_id: int, looked: Looked, session: SessionDep, account: Officer) -> AlertView:
    """The first of two people has looked; another one may approve."""
    return view(session, actions.check(session, alert_id, looked.revision, account))


@router.post("/alerts/{alert_id}/stop")
def stop_countdown(alert_id: int, session: SessionDep, account: Officer) -> AlertView:
    """The alert does not send itself; somebody decides. Anybody on duty may."""
    return view(session, arming.stop(session, alert_id, by=account))


@router.post("/alerts/{alert_id}/extend", status_code=201)
def extend_alert(alert_id: int, session: SessionDep, account: Officer) -> AlertView:
    """An alert in force is proposed anew, so that it holds longer."""
    return view(session, drafting.extend(session, alert_id, account))


def _check_may_decide(session: SessionDep, alert_id: int, account: AccountRef) -> None:
    alert = queries.alert(session, alert_id)
    is_own = alert.proposed_by == account.id and actions.may_send_alone(session, alert)
    if not is_own and not account.has_any(["approver"]):
        raise ForbiddenError(f"This needs the role approver; {account.username} has not got it.")


def _check_typed_name(session: SessionDep, alert_id: int, approval: Approval) -> None:
    alert = queries.alert(session, alert_id)
    rule = queries.current_policy(session).rule(alert.level)
    is_decidable = alert.state in rules.OPEN and alert.revision == approval.revision
    if not is_decidable or not needs_typed_name(alert, rule):
        return
    names = [name for zone in queries.zones(session, [alert_id])[alert_id] for name in (zone.name_th, zone.name_en)]
    if not rules.is_name_typed(approval.typed_name, names):
        raise NameNotTypedError("Type the name of one of the alert's zones, as it stands there, then approve.")


@router.post("/alerts/{alert_id}/approve", response_model=AlertView)
def approve_alert(
    alert_id: int, approval: Approval, request: Request, session: SessionDep, account: Officer
) -> AlertView | AnyResponse:
    """The alert goes out to exactly the audience that was shown; 409 and a new revision where it has changed since.

    An officer who may not approve sends their own news to persons and groups by it, and nothing else.
    """
    _check_may_decide(session, alert_id, account)
    _check_typed_name(session, alert_id, approval)
    try:
        alert = actions.approve(session, alert_id, approval.revision, account)
    except ProposalChangedError as changed:
        # The answer is returned, not raised: the new revision that the officer now has to look at is kept.
        actions.revise(session, alert_id)
        return problems.of_error(changed, instance=request.url.path)
    return view(session, alert)


@router.post("/alerts/{alert_id}/decline")
def decline_alert(alert_id: int, body: Reason, session: SessionDep, account: Approver) -> AlertView:
    """The proposal goes out to nobody."""
    return view(session, actions.decline(session, alert_id, body.reason, account))


@router.post("/alerts/{alert_id}/cancel")
def cancel_alert(alert_id: int, body: Reason, session: SessionDep, account: Approver) -> AlertView:
    """What has not gone out yet stays here; an all-clear for those already told waits for approval."""
    return view(session, actions.cancel(session, alert_id, body.reason, account))


@router.post("/alerts/{alert_id}/all-clear")
def propose_all_clear(alert_id: int, session: SessionDep, account: Officer) -> AlertView:
    """An all-clear for the alert's event waits for another person's approval."""
    return view(session, actions.propose_all_clear(session, alert_id, account))


@router.get("/alerts/{alert_id}/cap.xml", response_class=Response)
def read_cap(alert_id: int, session: SessionDep, account: CurrentAccount) -> AnyResponse:
    """The alert's newest CAP 1.2 document, also where it is not published; 404 before the alert goes out."""
    alert = queries.alert(session, alert_id)
    documents = cap_queries.of_alerts(session, [alert_id])
    if not documents:
        raise NotFoundError(f"Alert {alert.number} has no CAP document before it goes out.")
    return Response(documents[-1].xml.encode(), media_type=CAP_TYPE)


@router.get("/alerts/{alert_id}/area")
def read_area(alert_id: int, session: SessionDep, account: CurrentAccount) -> AreaFeatures:
    """The outlines of the alert's zones, as they were when it was proposed."""
    alert = queries.alert(session, alert_id)
    features = [
        {
            "type": "Feature",
            "id": zone.zone_id,
            "geometry": geometry,
            "properties": {**zone_name(zone).model_dump(), "level": alert.level},
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
    lines = ledger.lines(session, alert_id, after_resident_id=after, limit=limit)
    return LedgerPage(counts=ledger.counts(session, alert_id), lines=[vars(line) for line in lines])


@router.get("/alerts/{alert_id}/preview")
def read_preview(alert_id: int, session: SessionDep, account: CurrentAccount) -> PreviewView:
    """Whom the alert is for as things are now: the numbers that are then sent, and each text as LINE gets it."""
    return preview_view(session, alert_id)


@router.get("/alerts/{alert_id}/thread")
def read_thread(alert_id: int, session: SessionDep, account: CurrentAccount) -> Thread:
    """Everything that happened in the alert's event, oldest first."""
    alert = queries.alert(session, alert_id)
    rows = thread.of_event(session, alert.event_id)
    names = queries.account_names(session, {row.account_id for row in rows if row.account_id is not None})
    return Thread(
        event_id=alert.event_id,
        entries=[
            ThreadEntry(
                id=row.id,
                alert_id=row.alert_id,
                happened_at=row.happened_at,
                kind=row.kind,
                by=names.get(row.account_id) if row.account_id is not None else None,
                detail=row.detail,
            )
            for row in rows
        ],
    )
