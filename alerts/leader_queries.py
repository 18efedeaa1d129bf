"""What is read about leaders' groups, what they were told and what they acknowledged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import rules
from alerts.leader_models import (
    Leader,
    LeaderAcknowledgement,
    LeaderCall,
    LeaderCode,
    LeaderGroup,
    LeaderGroupZone,
)
from alerts.models import Alert, AlertThread, AlertZone
from alerts.templates import Named
from core import sealing
from core.errors import NotFoundError
from flood.models import Zone
from gis.models import Area
from residents.models import Resident

_HOMES = sa.text((Path(__file__).parent / "sql" / "leader_homes.sql").read_text(encoding="utf-8"))
_IS_OPEN = sa.and_(LeaderGroup.group_hash.is_not(None), LeaderGroup.ended_at.is_(None))


@dataclass(frozen=True)
class ZoneOf:
    """A zone that a group answers for."""

    id: int
    code: str
    name: Named


@dataclass(frozen=True)
class Touched:
    """A group that answers for zones of an alert, and which."""

    group: LeaderGroup
    zones: tuple[ZoneOf, ...]


def group(session: Session, group_id: int) -> LeaderGroup:
    """The group of this number, held until the transaction ends. Raises NotFoundError."""
    found = session.get(LeaderGroup, group_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError(f"There is no leaders' group {group_id}.")
    return found


def group_on_line(session: Session, line_group_id: str) -> LeaderGroup | None:
    """The leaders' group that this group on LINE is; None where no code was typed there, or it has ended."""
    hashed = sealing.fingerprint(line_group_id)
    return session.scalar(sa.select(LeaderGroup).where(LeaderGroup.group_hash == hashed, _IS_OPEN))


def group_of_code(session: Session, code_id: int) -> LeaderGroup | None:
    """The group that the code is for, where it has not ended; held until the transaction ends."""
    wanted = (
        sa.select(LeaderGroup)
        .join(LeaderCode, LeaderCode.leader_group_id == LeaderGroup.id)
        .where(LeaderCode.code_id == code_id, LeaderGroup.ended_at.is_(None))
        .with_for_update(of=LeaderGroup)
    )
    return session.scalar(wanted.execution_options(populate_existing=True))


def groups(session: Session) -> Sequence[LeaderGroup]:
    """The groups that have not ended, those of the same area together."""
    wanted = sa.select(LeaderGroup).where(LeaderGroup.ended_at.is_(None))
    return session.scalars(wanted.order_by(LeaderGroup.area_id, LeaderGroup.id)).all()


def open_group_ids(session: Session) -> list[int]:
    """The groups in which the city's account is."""
    return list(session.scalars(sa.select(LeaderGroup.id).where(_IS_OPEN).order_by(LeaderGroup.id)))


def leader_counts(session: Session, group_ids: Collection[int]) -> dict[int, int]:
    """How many leaders have typed a code, by group."""
    rows = session.execute(
        sa.select(Leader.leader_group_id, sa.func.count())
        .where(Leader.leader_group_id.in_(list(group_ids)))
        .group_by(Leader.leader_group_id)
    )
    return dict(rows.all())


def is_leader(session: Session, group_id: int, line_user_id: str) -> bool:
    """The person has typed a code of this group."""
    return session.get(Leader, (group_id, sealing.fingerprint(line_user_id))) is not None


def area_names(session: Session, area_ids: Collection[int]) -> dict[int, Named]:
    """The areas' names."""
    rows = session.execute(sa.select(Area.id, Area.name_th, Area.name_en).where(Area.id.in_(list(area_ids))))
    return {area_id: Named(th=th, en=en) for area_id, th, en in rows}


def _answers_for() -> sa.ColumnElement[bool]:
    named = sa.select(LeaderGroupZone.zone_id).where(LeaderGroupZone.leader_group_id == LeaderGroup.id)
    return sa.or_(Zone.area_id == LeaderGroup.area_id, Zone.id.in_(named))


def zones_of(session: Session, group_ids: Collection[int]) -> dict[int, list[ZoneOf]]:
    """The zones that each group answers for now, by code."""
    rows = session.execute(
        sa.select(LeaderGroup.id, Zone.id, Zone.code, Zone.name_th, Zone.name_en)
        .select_from(LeaderGroup)
        .join(Zone, _answers_for())
        .where(LeaderGroup.id.in_(list(group_ids)), Zone.is_retired.is_(False))
        .order_by(Zone.code)
    )
    found: dict[int, list[ZoneOf]] = defaultdict(list)
    for group_id, zone_id, code, th, en in rows:
        found[group_id].append(ZoneOf(zone_id, code, Named(th=th, en=en)))
    return found


def touched(session: Session, alert_id: int) -> list[Touched]:
    """The groups on LINE that answer for zones of the alert, each with those, by group."""
    rows = session.execute(
        sa.select(LeaderGroup, AlertZone.zone_id, AlertZone.code, AlertZone.name_th, AlertZone.name_en)
        .select_from(LeaderGroup)
        .join(Zone, _answers_for())
        .join(AlertZone, AlertZone.zone_id == Zone.id)
        .where(AlertZone.alert_id == alert_id, _IS_OPEN)
        .order_by(LeaderGroup.id, AlertZone.code)
    )
    found: dict[int, tuple[LeaderGroup, list[ZoneOf]]] = {}
    for one, zone_id, code, th, en in rows:
        found.setdefault(one.id, (one, []))[1].append(ZoneOf(zone_id, code, Named(th=th, en=en)))
    return [Touched(one, tuple(zones)) for one, zones in found.values()]


def told_in_event(session: Session, event_id: int) -> list[Touched]:
    """The groups on LINE that a warning of the event went to, each with all zones that it was told of."""
    alerts = session.scalars(
        sa.select(LeaderCall.alert_id)
        .join(Alert, Alert.id == LeaderCall.alert_id)
        .where(Alert.event_id == event_id, Alert.kind != "all_clear")
        .distinct()
    )
    found: dict[int, tuple[LeaderGroup, dict[int, ZoneOf]]] = {}
    for alert_id in alerts:
        called = set(session.scalars(sa.select(LeaderCall.leader_group_id).where(LeaderCall.alert_id == alert_id)))
        for one in touched(session, alert_id):
            if one.group.id in called:
                found.setdefault(one.group.id, (one.group, {}))[1].update({zone.id: zone for zone in one.zones})
    return [
        Touched(one, tuple(sorted(zones.values(), key=lambda zone: zone.code)))
        for _, (one, zones) in sorted(found.items())
    ]


def homes_by_group(session: Session, alert_id: int, touched_groups: Sequence[Touched]) -> dict[int, tuple[int, int]]:
    """(homes, homes with people who need help) in the zones that each group answers for."""
    pairs = [(one.group.id, zone.id) for one in touched_groups for zone in one.zones]
    rows = session.execute(
        _HOMES,
        {"alert_id": alert_id, "group_ids": [pair[0] for pair in pairs], "zone_ids": [pair[1] for pair in pairs]},
    )
    return {row.leader_group_id: (row.homes, row.vulnerable) for row in rows}


def alerts_to_look_at(session: Session, *, now: datetime) -> Sequence[Alert]:
    """Warnings that are out and in force: no exercises, neither held for the morning nor over by the clock."""
    return session.scalars(
        sa.select(Alert)
        .where(
            Alert.state.in_(sorted(rules.TOLD)),
            Alert.kind.in_(("alert", "update")),
            Alert.is_exercise.is_(False),
            Alert.hold_until_at.is_(None),
            sa.or_(Alert.expires_at.is_(None), Alert.expires_at > now),
        )
        .order_by(Alert.id)
        .execution_options(populate_existing=True)
    ).all()


def waiting_calls(session: Session, group_id: int, *, now: datetime) -> list[int]:
    """The alerts in force that this group was told of."""
    in_force = {alert.id for alert in alerts_to_look_at(session, now=now)}
    told = session.scalars(sa.select(LeaderCall.alert_id).where(LeaderCall.leader_group_id == group_id))
    return sorted(in_force & set(told))


@dataclass(frozen=True)
class ZoneAnswer:
    """A zone of an alert, who answers for it, since when they know, and the first acknowledgement."""

    zone_id: int
    code: str
    name: Named
    area_id: int | None
    groups: tuple[LeaderGroup, ...]
    told_at: datetime
    acknowledgement: LeaderAcknowledgement | None


def zone_answers(session: Session, alert: Alert) -> list[ZoneAnswer]:
    """Every zone of the alert, by code. A zone without a group counts as told when the alert went out."""
    rows = session.execute(
        sa.select(AlertZone.zone_id, AlertZone.code, AlertZone.name_th, AlertZone.name_en, Zone.area_id)
        .select_from(AlertZone)
        .join(Zone, Zone.id == AlertZone.zone_id, isouter=True)
        .where(AlertZone.alert_id == alert.id)
        .order_by(AlertZone.code)
    ).all()
    told = dict(
        session.execute(
            sa.select(LeaderCall.leader_group_id, LeaderCall.told_at).where(LeaderCall.alert_id == alert.id)
        ).all()
    )
    by_zone: dict[int, list[LeaderGroup]] = defaultdict(list)
    for one in touched(session, alert.id):
        for zone in one.zones:
            if one.group.id in told:
                by_zone[zone.id].append(one.group)
    given = {
        one.zone_id: one
        for one in session.scalars(sa.select(LeaderAcknowledgement).where(LeaderAcknowledgement.alert_id == alert.id))
    }
    went_out_at = _went_out_at(session, alert)
    return [
        ZoneAnswer(
            zone_id=row.zone_id,
            code=row.code,
            name=Named(th=row.name_th, en=row.name_en),
            area_id=row.area_id,
            groups=tuple(by_zone[row.zone_id]),
            told_at=min((told[one.id] for one in by_zone[row.zone_id]), default=went_out_at),
            acknowledgement=given.get(row.zone_id),
        )
        for row in rows
    ]


def _went_out_at(session: Session, alert: Alert) -> datetime:
    """When the first message was queued: what was held for the morning was approved long before."""
    began = sa.select(sa.func.min(AlertThread.happened_at)).where(
        AlertThread.alert_id == alert.id, AlertThread.kind.in_(("sending", "active"))
    )
    return session.scalar(began) or alert.approved_at or alert.proposed_at


def member_numbers(session: Session, user_hashes: Collection[bytes]) -> dict[bytes, int]:
    """The members among the people of these hashes, by number."""
    rows = session.execute(
        sa.select(Resident.line_user_hash, Resident.id).where(Resident.line_user_hash.in_(list(user_hashes)))
    )
    return {bytes(hashed): number for hashed, number in rows}


@dataclass(frozen=True)
class Acknowledged:
    """That somebody was the first to acknowledge an alert."""

    number: str
    acknowledged_at: datetime


def led_by(session: Session, line_user_id: str) -> list[tuple[LeaderGroup, datetime]]:
    """The groups of which the person is a leader, and since when. Only for the person."""
    rows = session.execute(
        sa.select(LeaderGroup, Leader.joined_at)
        .join(Leader, Leader.leader_group_id == LeaderGroup.id)
        .where(Leader.user_hash == sealing.fingerprint(line_user_id))
        .order_by(LeaderGroup.id)
    )
    return [(one, since) for one, since in rows]


def acknowledged_by(session: Session, line_user_id: str) -> list[Acknowledged]:
    """The alerts that the person was the first to acknowledge for some zone, oldest first. Only for the person."""
    rows = session.execute(
        sa.select(Alert.number, sa.func.min(LeaderAcknowledgement.acknowledged_at))
        .select_from(LeaderAcknowledgement)
        .join(Alert, Alert.id == LeaderAcknowledgement.alert_id)
        .where(LeaderAcknowledgement.by_hash == sealing.fingerprint(line_user_id))
        .group_by(Alert.id)
        .order_by(Alert.id)
    )
    return [Acknowledged(number, at) for number, at in rows]
