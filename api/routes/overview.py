"""The figures at the top of the console, the shared clock, and the audit log."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

import sensors.queries
from api import queries
from api.deps import CurrentAccount, SessionDep, needs
from api.security import standin_url
from core import clock
from staff import queries as staff_queries
from staff.rules import AccountRef

router = APIRouter(tags=["overview"])

LEVEL_STATES = ("normal", "watch", "warning", "danger")
OPEN_INCIDENT_STATES = ("new", "accepted", "in_progress", "reopened", "sent_on")
LIVE_JOB_STATES = ("open", "assigned", "accepted", "en_route", "on_scene")
LIVE_ALERT_STATES = ("proposed", "approved", "sending", "active")


class ClockOut(BaseModel):
    """The shared time, and how many shared seconds pass in a real one."""

    now: datetime
    speed: float


class GaugeCounts(BaseModel):
    """Gauges and cameras by the state of their water; a stale one counts as stale, whatever its last state was."""

    total: int
    normal: int = 0
    watch: int = 0
    warning: int = 0
    danger: int = 0
    stale: int = 0
    unknown: int = 0


class IncidentCounts(BaseModel):
    """Incidents by state; overdue ones are open and past the promised time."""

    open: int
    overdue: int
    by_state: dict[str, int]


class JobCounts(BaseModel):
    """Jobs by state; waiting ones have no crew."""

    live: int
    waiting: int
    by_state: dict[str, int]


class AlertCounts(BaseModel):
    """Alerts by state; proposed ones wait for a person."""

    live: int
    proposed: int
    by_state: dict[str, int]


class MemberCounts(BaseModel):
    """Friends of the city's LINE account; reachable ones have not blocked it."""

    total: int
    reachable: int
    homes: int


class OverviewOut(BaseModel):
    """The state of the city in one look."""

    clock: ClockOut
    gauges: GaugeCounts
    zones_by_severity: dict[int, int]
    incidents: IncidentCounts
    jobs: JobCounts
    alerts: AlertCounts
    message_chunks: dict[str, int]
    members: MemberCounts
    is_simulated: bool
    simulated_layers: list[str]
    line_is_standin: bool


class AuditLineOut(BaseModel):
    """Who did what to what, and when: `at` in shared time, `wall_at` in real time; no username: the system itself."""

    id: int
    at: datetime
    wall_at: datetime
    username: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditOut(BaseModel):
    """A page of the audit log, newest first; `next_before_id` asks for the page after it."""

    entries: list[AuditLineOut]
    next_before_id: int | None


def clock_out() -> ClockOut:
    """The shared clock as screens run it on."""
    return ClockOut(now=clock.now(), speed=clock.current().speed)


def _gauge_counts(cards: list[sensors.queries.GaugeCard]) -> GaugeCounts:
    states = Counter(
        "unknown" if card.state is None else "stale" if card.is_stale else LEVEL_STATES[card.state] for card in cards
    )
    return GaugeCounts(total=len(cards), **states)


def _sum(counts: dict[str, int], states: tuple[str, ...]) -> int:
    return sum(counts.get(state, 0) for state in states)


@router.get("/clock", summary="The shared clock")
def shared_clock() -> ClockOut:
    """The time that everything here runs by; faster than real time during a demo storm."""
    return clock_out()


@router.get("/overview", summary="The state of the city in figures")
def overview(session: SessionDep, account: CurrentAccount) -> OverviewOut:
    """How many of everything, by state, at one moment."""
    time = clock_out()
    counts = queries.overview(session, now=time.now)
    return OverviewOut(
        clock=time,
        gauges=_gauge_counts(sensors.queries.gauges(session, time.now)),
        zones_by_severity=counts.zones_by_severity,
        incidents=IncidentCounts(
            open=_sum(counts.incidents, OPEN_INCIDENT_STATES),
            overdue=counts.incidents_overdue,
            by_state=counts.incidents,
        ),
        jobs=JobCounts(live=_sum(counts.jobs, LIVE_JOB_STATES), waiting=counts.jobs_waiting, by_state=counts.jobs),
        alerts=AlertCounts(
            live=_sum(counts.alerts, LIVE_ALERT_STATES),
            proposed=counts.alerts.get("proposed", 0),
            by_state=counts.alerts,
        ),
        message_chunks=counts.chunks,
        members=MemberCounts(total=counts.members, reachable=counts.members_reachable, homes=counts.homes),
        is_simulated=bool(counts.simulated_layers),
        simulated_layers=counts.simulated_layers,
        line_is_standin=standin_url() is not None,
    )


@router.get("/audit", summary="Who did what, and when")
def audit_log(
    session: SessionDep,
    account: Annotated[AccountRef, Depends(needs("admin"))],
    before_id: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditOut:
    """A page of the audit log, newest first."""
    lines = staff_queries.audit_lines(session, before_id=before_id, limit=limit)
    return AuditOut(
        entries=[
            AuditLineOut(
                id=line.id,
                at=line.recorded_at,
                wall_at=line.recorded_wall_at,
                username=line.username,
                action=line.action,
                subject=line.subject,
                detail=line.detail,
            )
            for line in lines
        ],
        next_before_id=lines[-1].id if len(lines) == limit else None,
    )
