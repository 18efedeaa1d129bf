"""What an alert costs, and whether LINE's allowance of the month is enough: said before approval, and checked then."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import exercise, leaders, rules, thread
from alerts.errors import QuotaTooSmallError
from alerts.events import AlertShortOfQuota
from alerts.models import Alert
from core import events
from core.logs import get_logger
from core.settings import settings
from line import quota as line_quota
from line.rules import MULTICAST_LIMIT

log = get_logger("alerts")
_HERE = Path(__file__).parent
_MOST_ENDANGERED_FIRST = sa.text((_HERE / "sql" / "endangered_first.sql").read_text(encoding="utf-8"))
_FORGET_FROZEN = sa.text(
    "DELETE FROM alert_chunk WHERE alert_id = :alert_id AND suppressed IS NULL AND state = 'frozen' AND number <= :upto"
)
_LAST_NUMBER = sa.text("SELECT coalesce(max(number), 0) FROM alert_chunk WHERE alert_id = :alert_id")
# Frozen and not yet in the outbox: being packed, or waiting for the morning.
_FROZEN = sa.text("""
    SELECT coalesce(sum(cardinality(c.resident_ids)), 0)
    FROM alert_chunk c JOIN alert a ON a.id = c.alert_id AND a.state = ANY(CAST(:told AS text[])) AND NOT a.is_exercise
    WHERE c.state = 'frozen' AND c.suppressed IS NULL
""")


@dataclass(frozen=True)
class Plan:
    """A plan of LINE's: messages included in a month, its price, and that of each further one (None: none is sold)."""

    name: str
    included: int
    price_thb: float
    extra_thb: float | None


@dataclass(frozen=True)
class Forecast:
    """What so many messages mean for the month's allowance. `left` is what is free now, before these messages.

    `quota_limit` and `left` are None where LINE sets no limit, and where it was never asked (`is_known` False).
    `used` are messages that LINE has counted or that we have pledged. `cost_thb` is what these messages add to the
    month's bill, by prices that are assumed where `are_prices_assumed` says so.
    """

    quota_limit: int | None
    used: int | None
    left: int | None
    messages: int
    missing: int
    cost_thb: float
    is_enough: bool
    is_known: bool
    asked_wall_at: datetime | None
    plan: str
    are_prices_assumed: bool


@functools.cache
def plans() -> tuple[dict[str, Plan], bool]:
    """The plans by name, from `alerts/data/line_plans.toml`, and whether their prices are assumed."""
    found = tomllib.loads((_HERE / "data" / "line_plans.toml").read_text(encoding="utf-8"))
    read = [Plan(p["name"], p["included"], p["price_thb"], p.get("extra_thb")) for p in found["plan"]]
    return {plan.name: plan for plan in read}, found["are_assumed"]


def added_cost_thb(plan: Plan, *, used: int, messages: int) -> float:
    """What these messages add to the month's bill: those beyond what the plan includes, at its price for each."""
    beyond = max(0, used + messages - plan.included) - max(0, used - plan.included)
    return round(beyond * (plan.extra_thb or 0.0), 2)


def forecast(session: Session, recipients: int) -> Forecast:
    """What a message to so many people means for the month's allowance; LINE counts each of them once."""
    found, are_assumed = plans()
    plan = found[settings().line.plan]
    said = line_quota.known(session)
    used = None
    if said is not None:
        frozen = int(session.scalar(_FROZEN, {"told": sorted(rules.TOLD)}) or 0)
        used = said.used + line_quota.pledged(session, since_wall_at=said.asked_wall_at) + frozen
    limit = said.limit if said is not None else None
    left = None if limit is None or used is None else max(0, limit - used)
    missing = 0 if left is None else max(0, recipients - left)
    return Forecast(
        quota_limit=limit,
        used=used,
        left=left,
        messages=recipients,
        missing=missing,
        cost_thb=added_cost_thb(plan, used=used or 0, messages=recipients),
        is_enough=missing == 0,
        is_known=said is not None,
        asked_wall_at=said.asked_wall_at if said is not None else None,
        plan=plan.name,
        are_prices_assumed=are_assumed,
    )


def is_never_refused(alert: Alert) -> bool:
    """Danger, and the end of one, go out as far as they get; everything else waits until there is enough."""
    return alert.level == rules.DANGER or alert.kind == "all_clear"


def forecast_of(session: Session, alert: Alert, recipients: int) -> Forecast | None:
    """What the alert means for the allowance: it goes to so many residents, and to the leaders' groups of its zones.

    None where it does not go out by the live channel. To be asked before its audience is frozen: what is frozen counts
    as used.
    """
    if exercise.line_channel(alert) != "line":
        return None
    groups = leaders.messages_needed(session, alert.id) if alert.kind in {"alert", "update"} else 0
    return forecast(session, recipients + groups)


def refuse_where_short(alert: Alert, said: Forecast | None) -> None:
    """Raises QuotaTooSmallError with the number missing, but for what `is_never_refused`."""
    if said is None or said.is_enough or is_never_refused(alert):
        return
    raise QuotaTooSmallError(
        f"LINE's allowance of this month is too small for alert {alert.number}: {said.messages} messages are needed,"
        f" {said.left} are left, {said.missing} are missing. Raise it in LINE's console, or choose fewer people.",
        missing=said.missing,
    )


def go_as_far_as_it_gets(session: Session, alert: Alert, said: Forecast) -> None:
    """The frozen audience of an alert for which there is not enough: who is in most danger comes first.

    The first `left` people fill chunks of their own, so that LINE takes all of these before it takes none any more. A
    person is called: the shortage stands in the event's thread, and every screen is told.
    """
    upto = session.execute(_LAST_NUMBER, {"alert_id": alert.id}).scalar_one()
    facts = {
        "alert_id": alert.id, "run_id": alert.run_id, "left": said.left or 0, "size": MULTICAST_LIMIT, "upto": upto,
    }
    session.execute(_MOST_ENDANGERED_FIRST, facts)
    session.execute(_FORGET_FROZEN, facts)
    thread.note(
        session, event_id=alert.event_id, alert_id=alert.id, kind="quota_short", needed=said.messages, left=said.left
    )
    events.publish(session, AlertShortOfQuota(alert_id=alert.id, needed=said.messages, left=said.left or 0))
    log.error("alert.short_of_quota", alert=alert.id, needed=said.messages, left=said.left)


