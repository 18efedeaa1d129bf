"""Outside warnings that the city's table lets propose become proposals, once each; whoever is on duty decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

import alerts.queries
from alerts import proposals, thread
from alerts.models import Alert, AlertZone
from alerts.outside import deciding, queries
from alerts.outside.deciding import Answered, Wanted
from alerts.outside.lifecycle import CURRENT
from alerts.outside.mapping import ActsAs
from alerts.outside.models import OutsideWarningRow
from alerts.outside.said import ALERT_HAZARDS
from core import clock
from core.logs import get_logger
from flood import queries as flood

log = get_logger("alerts.outside")
OUTSIDE = "outside"
GONE = "the outside warning holds no longer, or the city's table says otherwise"
# What a person decided; what was withdrawn by us when a warning ended may be proposed again.
_DECIDED = ("declined", "cancelled", "ended")


def consider(session: Session, issued: Collection[int] = ()) -> list[int]:
    """Proposals follow the outside warnings that hold now: new ones, revised ones, withdrawn ones; their ids.

    Considering the same warnings twice changes nothing. What was approved is never touched. The evidence of open
    proposals of `issued` warnings is gathered anew, others' only where their zones change.
    """
    now = clock.now()
    rows = [row for row in queries.current(session, now=now) if row.acts_as == ActsAs.PROPOSAL]
    if not rows and not _open(session):
        return []
    alerts.queries.hold_decisions(session)
    proposals.store_shipped(session)
    zones = queries.zones_of(session, [row.id for row in rows])
    wanted = [_wanted(row, zones[row.id]) for row in rows if row.hazard in ALERT_HAZARDS]
    _follow_updates(session, {one.warning_id for one in wanted})
    changed = []
    # The worst first, so that of two warnings for one zone the higher one proposes.
    for one in sorted(wanted, key=lambda one: (-max(one.level_by_zone.values(), default=0), one.warning_id)):
        row = next(row for row in rows if row.id == one.warning_id)
        changed += _propose(session, one, row, is_issued=row.id in issued, now=now)
    changed += _withdraw(session, {one.warning_id for one in wanted}, now=now)
    return changed


def _wanted(row: OutsideWarningRow, zones: Sequence[queries.ZoneView]) -> Wanted:
    levels = {zone.id: zone.level for zone in zones if zone.acts_as == ActsAs.PROPOSAL}
    return Wanted(row.id, ALERT_HAZARDS[row.hazard], row.sent_at, levels)


def _open(session: Session) -> Sequence[Alert]:
    return session.scalars(
        sa.select(Alert)
        .where(Alert.source == OUTSIDE, Alert.state == "proposed")
        .order_by(Alert.id)
        .execution_options(populate_existing=True)
    ).all()


def _follow_updates(session: Session, holding: Collection[int]) -> None:
    """A proposal of a warning that another one has replaced stands for that one: it is the same danger."""
    for alert in _open(session):
        seen: set[int] = set()
        while alert.outside_id is not None and alert.outside_id not in holding and alert.outside_id not in seen:
            seen.add(alert.outside_id)
            row = session.get(OutsideWarningRow, alert.outside_id, populate_existing=True)
            if row is None or row.state == CURRENT or row.replaced_by is None:
                break
            alert.outside_id = row.replaced_by
    session.flush()


def _propose(
    session: Session, wanted: Wanted, row: OutsideWarningRow, *, is_issued: bool, now: datetime
) -> list[int]:
    open_ones: Mapping[int, Alert] = {
        alert.level: alert for alert in _open(session) if alert.outside_id == wanted.warning_id
    }
    levels = deciding.needed(
        wanted, alerts.queries.standing(session, now=now), _answered(session, wanted.warning_id),
        own=[alert.id for alert in open_ones.values()], policy=alerts.queries.current_policy(session), now=now,
    )  # fmt: skip
    run = flood.current_run(session)
    run_id = run.id if run else None
    changed = []
    for level, zone_ids in sorted(levels.items(), reverse=True):
        if level in open_ones:
            alert = open_ones[level]
            is_same = zone_ids == {zone.zone_id for zone in alerts.queries.zones(session, [alert.id])[alert.id]}
            if (is_issued or not is_same) and proposals.refresh(session, alert, zone_ids, run_id=run_id, now=now):
                changed.append(alert.id)
            continue
        alert = proposals.open_proposal(
            session, kind="alert", level=level, zone_ids=zone_ids, run_id=run_id, now=now, source=OUTSIDE,
            outside_id=wanted.warning_id, hazard=wanted.hazard, proposed_by=row.entered_by,
        )  # fmt: skip
        thread.note(
            session, event_id=alert.event_id, alert_id=alert.id, kind="outside_warned", outside_id=row.id,
            identifier=row.identifier, sent_at=row.sent_at.isoformat(), is_wide=row.is_wide,
        )
        log.info("outside.proposed", warning=wanted.warning_id, alert=alert.id, level=level)
        changed.append(alert.id)
    for level, alert in open_ones.items():
        if level not in levels:
            proposals.move(session, alert, "withdrawn", now=now, reason=GONE)
            changed.append(alert.id)
    return changed


def _withdraw(session: Session, holding: Collection[int], *, now: datetime) -> list[int]:
    gone = [alert for alert in _open(session) if alert.outside_id not in holding]
    for alert in gone:
        proposals.move(session, alert, "withdrawn", now=now, reason=GONE)
    return [alert.id for alert in gone]


def _answered(session: Session, warning_id: int) -> list[Answered]:
    rows = session.execute(
        sa.select(Alert.id, Alert.level, Alert.closed_at, AlertZone.zone_id)
        .join(AlertZone, AlertZone.alert_id == Alert.id)
        .where(Alert.outside_id == warning_id, Alert.state.in_(_DECIDED), Alert.closed_at.is_not(None))
    )
    zones: dict[int, set[int]] = defaultdict(set)
    facts = {}
    for row in rows:
        zones[row.id].add(row.zone_id)
        facts[row.id] = (row.level, row.closed_at)
    return [Answered(warning_id, level, frozenset(zones[id]), at) for id, (level, at) in facts.items()]
