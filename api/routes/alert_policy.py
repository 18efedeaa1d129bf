"""What the city decided about warning, and when alerts may send themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from alerts import armed_queries, arming, queries
from alerts.models import ArmedPolicy
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from core import clock
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["alerts"])

Approver = Annotated[AccountRef, Depends(needs("approver"))]
Officer = Annotated[AccountRef, Depends(needs("officer", "approver"))]


class NewArmedPolicy(BaseModel):
    """Who owns the policy under which alerts of a level send themselves, for how long, and why."""

    level: int = Field(ge=1, le=3)
    owner: str = Field(max_length=64)
    hours: float = Field(gt=0, le=168)
    reason: str = Field(max_length=500)


class ArmedPolicyView(BaseModel):
    """A policy under which alerts of a level send themselves after `delay_s`, unless somebody stops them."""

    id: int
    level: int
    owner: str
    armed_by: str
    armed_at: datetime
    expires_at: datetime
    delay_s: int
    reason: str
    disarmed_at: datetime | None
    disarmed_by: str | None
    is_armed: bool


class ArmedPolicies(BaseModel):
    """Policies of automatic sending, the newest first."""

    policies: list[ArmedPolicyView]


class PolicyLevel(BaseModel):
    """What the city decided about one level; 0 is news."""

    level: int
    min_severity: int
    is_proposed: bool
    lasts_s: int
    persons: int
    needs_typed_name: bool
    is_quiet_at_night: bool
    quiet_from_h: int
    quiet_to_h: int
    check_holds_s: int
    may_be_armed: bool
    armed_delay_s: int
    armed_at_most_s: int


class PolicyView(BaseModel):
    """The policy that holds, by level."""

    version: int
    levels: list[PolicyLevel]


@router.get("/alert-policy")
def read_policy(session: SessionDep, account: CurrentAccount) -> PolicyView:
    """What the city decided about each level."""
    found = queries.current_policy(session)
    return PolicyView(
        version=found.version,
        levels=[
            PolicyLevel(
                level=rule.level,
                min_severity=rule.min_severity,
                is_proposed=rule.is_proposed,
                lasts_s=int(rule.lasts.total_seconds()),
                persons=rule.persons,
                needs_typed_name=rule.needs_typed_name,
                is_quiet_at_night=rule.is_quiet_at_night,
                quiet_from_h=rule.quiet_from_h,
                quiet_to_h=rule.quiet_to_h,
                check_holds_s=int(rule.check_holds.total_seconds()),
                may_be_armed=rule.may_be_armed,
                armed_delay_s=int(rule.armed_delay.total_seconds()),
                armed_at_most_s=int(rule.armed_at_most.total_seconds()),
            )
            for rule in found.levels
        ],
    )


def _policy_views(session: SessionDep, rows: Sequence[ArmedPolicy]) -> list[ArmedPolicyView]:
    people = {who for row in rows for who in (row.owner_id, row.armed_by, row.disarmed_by) if who is not None}
    names, now = queries.account_names(session, people), clock.now()
    return [
        ArmedPolicyView(
            id=row.id,
            level=row.level,
            owner=names[row.owner_id],
            armed_by=names[row.armed_by],
            armed_at=row.armed_at,
            expires_at=row.expires_at,
            delay_s=row.delay_s,
            reason=row.reason,
            disarmed_at=row.disarmed_at,
            disarmed_by=names.get(row.disarmed_by) if row.disarmed_by is not None else None,
            is_armed=row.disarmed_at is None and row.expires_at > now,
        )
        for row in rows
    ]


@router.get("/armed-policies")
def list_armed_policies(
    session: SessionDep, account: CurrentAccount, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> ArmedPolicies:
    """Under which policies alerts send themselves, and did."""
    return ArmedPolicies(policies=_policy_views(session, armed_queries.armed_policies(session, limit=limit)))


@router.post("/armed-policies", status_code=201)
def arm_policy(body: NewArmedPolicy, session: SessionDep, account: Approver) -> ArmedPolicyView:
    """Alerts of this level send themselves in the owner's name for a time, unless somebody on duty stops them."""
    made = arming.arm(
        session, level=body.level, owner_username=body.owner, lasts=timedelta(hours=body.hours), reason=body.reason,
        by=account,
    )
    return _policy_views(session, [made])[0]


@router.post("/armed-policies/{policy_id}/disarm")
def disarm_policy(policy_id: int, session: SessionDep, account: Officer) -> ArmedPolicyView:
    """Nothing sends itself under this policy any more. Anybody on duty may."""
    return _policy_views(session, [arming.disarm(session, policy_id, by=account)])[0]
