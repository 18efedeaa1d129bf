"""An alert as officers see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy.orm import Session

from alerts import cap_queries, ledger, previewing, queries, rules
from alerts.channels import progress
from alerts.channels.progress import Progress
from alerts.models import Alert, AlertZone
from core import clock


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


class Target(BaseModel):
    """Whom an alert or news is for beside the homes of its zones; `ref_id` is missing for everyone."""

    kind: Literal["area", "group", "person", "everyone"]
    ref_id: int | None = None


class Audience(BaseModel):
    """Residents who will be or were told (`count`), and those who are not, with the reason."""

    count: int
    by_language: dict[str, int]
    vulnerable: int
    unreachable: int
    suppressed: int
    suppressed_by_reason: dict[str, int]


class ChannelProgress(BaseModel):
    """Of whom a channel was to tell, what became: residents (line, exercise, blackhole), institutions (mail, webhook),
    or the one public feed (cap_feed).
    """

    channel: str
    queued: int
    accepted: int
    failed: int
    unknown: int
    cancelled: int


class Delivery(BaseModel):
    """Requests to LINE by state, and residents in those that LINE accepted. Accepted is not delivered."""

    queued: int
    accepted: int
    failed: int
    unknown: int
    cancelled: int
    recipients: int
    accepted_recipients: int
    channels: list[ChannelProgress]


class AlertView(BaseModel):
    """An alert as officers see it. `state` is `expired` for an active one whose time has run out."""

    id: int
    number: str
    event_id: int
    kind: Literal["alert", "update", "all_clear", "news"]
    hazard: str
    source: Literal["rule", "officer", "outside"]
    level: int
    state: str
    is_exercise: bool
    revision: int
    zones: list[ZoneName]
    proposed_at: datetime
    revised_at: datetime
    approved_at: datetime | None
    expires_at: datetime | None
    closed_at: datetime | None
    closed_reason: str | None
    is_expired: bool
    is_expiring: bool
    evidence: list[dict[str, Any]]
    texts: dict[str, dict[str, str]]
    audience: Audience
    delivery: Delivery
    answers: dict[str, int]
    references: list[int]
    proposed_by: str | None
    checked_by: str | None
    checked_at: datetime | None
    is_check_valid: bool
    needs_persons: int
    needs_typed_name: bool
    approved_by: str | None
    is_armed: bool
    hold_until_at: datetime | None
    sends_itself_at: datetime | None
    targets: list[Target]
    has_cap: bool
    cap_problems: list[dict[str, str]]


class ZoneCount(BaseModel):
    """How many residents with a home in a zone are told; who has homes in two counts in both."""

    zone_id: int
    name: Name
    count: int


class Allowance(BaseModel):
    """What an alert means for LINE's allowance of the month: LINE counts each person once, a group by its members.

    `quota_limit` and `left` are null where there is no limit. `cost_thb` is what it adds to the month's bill under the
    account's plan.
    """

    quota_limit: int | None
    used: int | None
    left: int | None
    messages: int
    missing: int
    cost_thb: float
    is_enough: bool
    asked_wall_at: datetime | None
    plan: str
    are_prices_assumed: bool


class PreviewView(BaseModel):
    """Whom an alert is for as things are now, and the LINE messages by language; what was decided is as it was frozen.

    `already_told` of `count` had an earlier message of the event. `messages` are requests to LINE. `quota` is null for
    what is decided or uses no allowance, and before LINE has said what there is.
    """

    revision: int
    count: int
    vulnerable: int
    already_told: int
    messages: int
    by_zone: list[ZoneCount]
    by_language: dict[str, int]
    by_reason: dict[str, int]
    suppressed_by_reason: dict[str, int]
    samples: dict[str, list[dict[str, Any]]]
    quota: Allowance | None


class Alerts(BaseModel):
    """Alerts, those that wait for approval first, then the newest."""

    alerts: list[AlertView]


def zone_name(row: AlertZone) -> ZoneName:
    """The zone as it was named when the alert was proposed."""
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


def _delivery(states: dict[str, tuple[int, int]], channels: Sequence[Progress]) -> Delivery:
    chunks = {state: count for state, (count, _) in states.items()}
    return Delivery(
        queued=chunks.get("queued", 0) + chunks.get("sending", 0),
        accepted=chunks.get("accepted", 0),
        failed=chunks.get("failed", 0),
        unknown=chunks.get("unknown", 0),
        cancelled=chunks.get("cancelled", 0),
        recipients=sum(recipients for _, recipients in states.values()),
        accepted_recipients=states.get("accepted", (0, 0))[1],
        channels=[ChannelProgress(**vars(one)) for one in channels],
    )


def needs_typed_name(alert: Alert, rule: rules.LevelRule) -> bool:
    """Whoever approves it types a zone's name first: a warning of a level that wakes people, no all-clear."""
    return rule.needs_typed_name and alert.kind != "all_clear"


def views(session: Session, rows: Sequence[Alert]) -> list[AlertView]:
    """The alerts as officers see them, in the order given."""
    ids = [row.id for row in rows]
    zones, states = queries.zones(session, ids), ledger.chunk_states(session, ids)
    answers, now = ledger.answers(session, ids), clock.now()
    people = {who for row in rows for who in (row.proposed_by, row.checked_by, row.approved_by) if who is not None}
    names, policy = queries.account_names(session, people), queries.current_policy(session)
    targets, channels = queries.targets(session, ids), progress.progress(session, [r.id for r in rows if r.approved_at])
    cap_problems = cap_queries.problems(session, ids)
    found = []
    for row in rows:
        rule = policy.rule(row.level)
        is_expired = row.state == "active" and row.expires_at is not None and row.expires_at <= now
        found.append(
            AlertView(
                id=row.id,
                number=row.number,
                event_id=row.event_id,
                kind=row.kind,
                hazard=row.hazard,
                source=row.source,
                is_exercise=row.is_exercise,
                level=row.level,
                state="expired" if is_expired else row.state,
                revision=row.revision,
                zones=[zone_name(zone) for zone in zones[row.id]],
                proposed_at=row.proposed_at,
                revised_at=row.revised_at,
                approved_at=row.approved_at,
                expires_at=row.expires_at,
                closed_at=row.closed_at,
                closed_reason=row.closed_reason,
                is_expired=is_expired,
                is_expiring=row.kind in {"alert", "update"} and rules.is_expiring(row.state, row.expires_at, now=now),
                evidence=row.evidence,
                texts=row.texts,
                audience=_audience(row),
                delivery=_delivery(states[row.id], channels.get(row.id, [])),
                answers=answers[row.id],
                references=row.references,
                proposed_by=names.get(row.proposed_by) if row.proposed_by is not None else None,
                checked_by=names.get(row.checked_by) if row.checked_by is not None else None,
                checked_at=row.checked_at,
                is_check_valid=rules.is_check_valid(row.checked_at, rule, now=now),
                needs_persons=1 if row.kind == "all_clear" else rule.persons,
                needs_typed_name=needs_typed_name(row, rule),
                approved_by=names.get(row.approved_by) if row.approved_by is not None else None,
                is_armed=row.armed_policy_id is not None,
                hold_until_at=row.hold_until_at,
                sends_itself_at=row.sends_itself_at,
                targets=[Target(kind=one.kind, ref_id=one.ref_id) for one in targets[row.id]],
                has_cap=row.cap_identifier is not None,
                cap_problems=cap_problems[row.id],
            )
        )
    return found


def view(session: Session, alert: Alert) -> AlertView:
    """One alert as officers see it."""
    return views(session, [alert])[0]


def preview_view(session: Session, alert_id: int) -> PreviewView:
    """What the approver sees of the audience and the messages."""
    alert, shown = queries.alert(session, alert_id), previewing.show(session, alert_id)
    reach = shown.reach
    by_zone = sorted(reach.by_zone.items(), key=lambda counted: (-counted[1], counted[0]))
    return PreviewView(
        revision=alert.revision,
        count=reach.count,
        vulnerable=reach.vulnerable,
        already_told=reach.already_told,
        messages=reach.chunks,
        by_zone=[
            ZoneCount(zone_id=zone_id, name=Name(**vars(shown.zone_names[zone_id])), count=count)
            for zone_id, count in by_zone
        ],
        by_language=reach.by_language,
        by_reason=reach.by_reason,
        suppressed_by_reason=reach.suppressed,
        samples=shown.samples,
        quota=Allowance(**vars(shown.allowance)) if shown.allowance is not None else None,
    )
