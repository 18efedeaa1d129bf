"""Who passes an alert on says so: leaders by button or by word in their group, or to an officer by phone."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from alerts import leader_queries, leaders, queries, thread
from alerts import leader_rules as decide
from alerts.events import AlertAcknowledged
from alerts.leader_models import Leader, LeaderAcknowledgement, LeaderCall, LeaderGroup
from alerts.leader_queries import ZoneOf
from alerts.rules import THAI_TIME
from core import clock, events, sealing
from core.logs import get_logger
from staff.rules import AccountRef

log = get_logger("alerts")


def hear_button(
    session: Session, data: str, *, line_group_id: str, line_user_id: str | None, reply_token: str | None
) -> int:
    """Who tapped an alert's button in a leaders' group has acknowledged it for the group's zones; for how many."""
    alert_id = decide.alert_of_button(data)
    group = leader_queries.group_on_line(session, line_group_id) if alert_id is not None else None
    if alert_id is None or group is None or session.get(LeaderCall, (alert_id, group.id)) is None:
        return 0
    if line_user_id is None or not leader_queries.is_leader(session, group.id, line_user_id):
        leaders.answer(session, group, reply_token, "leader-not-yours")
        return 0
    if alert_id not in leader_queries.waiting_calls(session, group.id, now=clock.now()):
        leaders.answer(session, group, reply_token, "leader-is-over")
        return 0
    return _acknowledge_all(session, group, [alert_id], line_user_id, way="button", reply_token=reply_token)


def hear_words(session: Session, *, line_group_id: str, line_user_id: str | None, reply_token: str | None) -> int:
    """A leader wrote that the warning was read: every alert in force that the group was told of is acknowledged.

    Anybody else's word is met with silence.
    """
    group = leader_queries.group_on_line(session, line_group_id)
    if group is None or line_user_id is None or not leader_queries.is_leader(session, group.id, line_user_id):
        return 0
    alert_ids = leader_queries.waiting_calls(session, group.id, now=clock.now())
    return _acknowledge_all(session, group, alert_ids, line_user_id, way="words", reply_token=reply_token)


def _acknowledge_all(
    session: Session,
    group: LeaderGroup,
    alert_ids: Sequence[int],
    line_user_id: str,
    *,
    way: str,
    reply_token: str | None,
) -> int:
    named: dict[int, ZoneOf] = {}
    count = 0
    for alert_id in alert_ids:
        zones = {one.group.id: one.zones for one in leader_queries.touched(session, alert_id)}.get(group.id, ())
        new = acknowledge(
            session, alert_id, [zone.id for zone in zones], way=way, leader_group_id=group.id,
            line_user_id=line_user_id,
        )
        named |= {zone.id: zone for zone in zones if zone.id in new}
        count += len(new)
    if named:
        zones_said = leaders.zones_in_words(sorted(named.values(), key=lambda zone: zone.code), group.language)
        time = clock.now().astimezone(THAI_TIME).strftime("%H:%M")
        leaders.answer(session, group, reply_token, "leader-acknowledged", time=time, zones=zones_said)
    return count


def acknowledge(
    session: Session,
    alert_id: int,
    zone_ids: Collection[int],
    *,
    way: str,
    leader_group_id: int | None = None,
    line_user_id: str | None = None,
    account: AccountRef | None = None,
) -> set[int]:
    """These zones of the alert are acknowledged; those for which this is the first time are returned, and told."""
    if not zone_ids:
        return set()
    by_hash, by_sealed = None, None
    if line_user_id is not None:
        by_hash, by_sealed = sealing.fingerprint(line_user_id), sealing.seal(line_user_id)
    rows = [
        {
            "alert_id": alert_id, "zone_id": zone_id, "leader_group_id": leader_group_id, "way": way,
            "by_hash": by_hash, "by_sealed": by_sealed, "account_id": account.id if account else None,
            "acknowledged_at": clock.now(),
        }
        for zone_id in sorted(zone_ids)
    ]
    first = insert(LeaderAcknowledgement).values(rows).on_conflict_do_nothing()
    new = set(session.scalars(first.returning(LeaderAcknowledgement.zone_id)))
    if new:
        alert = queries.alert(session, alert_id)
        answers = leader_queries.zone_answers(session, alert)
        given = sum(one.acknowledgement is not None for one in answers)
        codes = [one.code for one in answers if one.zone_id in new]
        thread.note(
            session, event_id=alert.event_id, alert_id=alert.id, kind="zones_acknowledged", by=account, zones=codes,
            way=way, leader_group=leader_group_id,
        )
        events.publish(
            session, AlertAcknowledged(alert_id=alert_id, zones_acknowledged=given, zones_total=len(answers))
        )
        log.info("leaders.acknowledged", alert=alert_id, zones=sorted(new), way=way)
    return new


# ── What is forgotten ────────────────────────────────────────────────────────────────────────────────────────────────


def forget(session: Session, line_user_id: str) -> None:
    """The person is no leader, and no acknowledgement says that it was theirs; that there was one stays."""
    hashed = sealing.fingerprint(line_user_id)
    session.execute(sa.delete(Leader).where(Leader.user_hash == hashed))
    session.execute(
        sa.update(LeaderAcknowledgement)
        .where(LeaderAcknowledgement.by_hash == hashed)
        .values(by_hash=None, by_sealed=None)
    )
