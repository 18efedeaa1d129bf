"""What the approver sees before anything goes out: whom it is for, in numbers that are then sent, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from alerts import audience, ledger, proposals, queries, queueing, quota, rules, templates
from alerts.audience import Preview
from alerts.models import Alert
from alerts.quota import Forecast


@dataclass(frozen=True)
class Shown:
    """The audience in numbers, the names of its zones, and the LINE messages by language.

    `allowance` is what it means for LINE's allowance of the month; None where it is decided already or uses none, and
    before LINE has said what there is.
    """

    reach: Preview
    allowance: Forecast | None
    zone_names: dict[int, templates.Named]
    samples: dict[str, list[dict[str, Any]]]


def show(session: Session, alert_id: int) -> Shown:
    """The alert as it would go out now; of one that was decided, as it was frozen (then without zones and reasons)."""
    alert = queries.alert(session, alert_id)
    zones = queries.zones(session, [alert_id])[alert_id]
    reach = _reach(session, alert)
    is_undecided = alert.state in rules.OPEN | {rules.DRAFT}
    allowance = quota.forecast_of(session, alert, reach.count) if is_undecided else None
    return Shown(
        reach=reach,
        allowance=allowance if allowance is not None and allowance.is_known else None,
        zone_names={zone.zone_id: templates.Named(th=zone.name_th, en=zone.name_en) for zone in zones},
        samples=queueing.messages_by_language(session, alert),
    )


def _reach(session: Session, alert: Alert) -> Preview:
    if alert.state in rules.OPEN | {rules.DRAFT}:
        return audience.preview(session, proposals.reach_of(session, alert, references=alert.references))
    return Preview(
        count=alert.audience_count,
        vulnerable=alert.vulnerable_count,
        by_language=alert.audience_by_language,
        by_zone={},
        by_reason={},
        already_told=0,
        suppressed=alert.suppressed_by_reason,
        chunks=ledger.chunks_to_send(session, alert.id),
        ids_hash=alert.audience_hash,
    )
