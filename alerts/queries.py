"""What is read about alerts, and about the city, its zones and its gauges for them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import policy, templates
from alerts.models import (
    Alert,
    AlertRule,
    AlertTarget,
    AlertTemplate,
    AlertThread,
    AlertVocabulary,
    AlertZone,
)
from alerts.models_texts import TemplateVersion
from alerts.rules import REMINDS_BEFORE, TOLD, LevelRule, Policy, Standing
from core.errors import ConflictError, NotFoundError
from flood.models import Zone, ZoneState
from staff.models import Account

_SQL = Path(__file__).parent / "sql"
_STANDING = sa.text((_SQL / "standing.sql").read_text(encoding="utf-8"))
_SHELTER = sa.text((_SQL / "shelter.sql").read_text(encoding="utf-8"))
# Any number that no other lock of ours uses: one decision about alerts at a time, whoever decides.
_DECISION_LOCK = 0xFA0_A1E27
DECLINED_KEPT = timedelta(days=2)


@dataclass(frozen=True)
class CityName:
    """The city as its alerts name it."""

    slug: str
    name: templates.Named
    is_simulated: bool


@dataclass(frozen=True)
class ZoneFacts:
    """A zone with what one picture of the flood says of it."""

    id: int
    code: str
    severity: int
    depth_class: int
    people: int
    members: int
    homes: int
    vulnerable_homes: int
    roads_km: float
    facilities: dict[str, int]
    gauges: dict[str, int]
    confidence: float


def hold_decisions(session: Session) -> None:
    """Until this transaction ends, nobody else proposes, approves, declines or closes an alert."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_DECISION_LOCK)))


def city(session: Session) -> CityName:
    """The city; raises ConflictError before one was imported."""
    row = session.execute(sa.text("SELECT slug, name_th, name_en, is_simulated FROM city")).one_or_none()
    if row is None:
        raise ConflictError("No city has been imported yet.")
    return CityName(slug=row.slug, name=templates.Named(th=row.name_th, en=row.name_en), is_simulated=row.is_simulated)


def alert(session: Session, alert_id: int) -> Alert:
    """The alert as it is in the database now; raises NotFoundError."""
    found = session.get(Alert, alert_id, populate_existing=True)
    if found is None:
        raise NotFoundError(f"There is no alert {alert_id}.")
    return found


def locked_alert(session: Session, alert_id: int) -> Alert:
    """The alert, locked until the transaction ends; raises NotFoundError."""
    found = session.get(Alert, alert_id, populate_existing=True, with_for_update=True)
    if found is None:
        raise NotFoundError(f"There is no alert {alert_id}.")
    return found


def alerts(session: Session, *, limit: int) -> Sequence[Alert]:
    """The newest alerts first, those that wait for approval before all others."""
    waits_last = sa.case((Alert.state == "proposed", 0), (Alert.state == "draft", 1), else_=2)
    return session.scalars(sa.select(Alert).order_by(waits_last, Alert.id.desc()).limit(limit)).all()


def standing(session: Session, *, now: datetime, is_exercise: bool = False) -> list[Standing]:
    """Every alert that the rules have to know of, oldest first; of exercises where they are asked for, else real."""
    rows = session.execute(_STANDING, {"declined_since": now - DECLINED_KEPT, "is_exercise": is_exercise})
    return [
        Standing(
            id=row.id,
            event_id=row.event_id,
            kind=row.kind,
            level=row.level,
            state=row.state,
            zone_ids=frozenset(row.zone_ids),
            expires_at=row.expires_at,
            ended_at=row.closed_at,
            is_by_rule=row.is_by_rule,
        )
        for row in rows
    ]


def current_policy(session: Session) -> Policy:
    """The newest version of the policy."""
    newest = session.scalar(sa.select(sa.func.max(AlertRule.version)))
    return policy.shipped() if newest is None else policy_of(session, newest)


def policy_of(session: Session, version: int) -> Policy:
    """One version of the policy; raises NotFoundError."""
    rows = session.scalars(sa.select(AlertRule).where(AlertRule.version == version).order_by(AlertRule.level)).all()
    if not rows:
        raise NotFoundError(f"There is no version {version} of the policy.")
    levels = tuple(
        LevelRule(
            level=row.level,
            min_severity=row.min_severity,
            is_proposed=row.is_proposed,
            lasts=timedelta(seconds=row.lasts_s),
            declined_holds=timedelta(seconds=row.declined_holds_s),
            priority=row.priority,
            persons=row.persons,
            needs_typed_name=row.needs_typed_name,
            is_quiet_at_night=row.is_quiet_at_night,
            quiet_from_h=row.quiet_from_h,
            quiet_to_h=row.quiet_to_h,
            check_holds=timedelta(seconds=row.check_holds_s),
            may_be_armed=row.may_be_armed,
            armed_delay=timedelta(seconds=row.armed_delay_s),
            armed_at_most=timedelta(seconds=row.armed_at_most_s),
        )
        for row in rows
    )
    return Policy(version=rows[0].version, levels=levels)


def current_wording(session: Session) -> templates.Wording:
    """The city's newest version of the words that a second person has reviewed, else the words that come with Faonam.

    Raises TemplateError where the city's version cannot be used.
    """
    version = session.scalar(
        sa.select(sa.func.max(TemplateVersion.version)).where(TemplateVersion.reviewed_at.is_not(None))
    )
    return templates.shipped() if version is None else wording(session, version)


def wording(session: Session, version: int) -> templates.Wording:
    """One version of the words; what an old one does not know yet is as it is shipped now.

    Raises TemplateError where it cannot be used, NotFoundError where there is none.
    """
    shipped = templates.shipped()
    if version == shipped.version:
        return shipped
    names = templates.Template.__dataclass_fields__
    rows = session.scalars(sa.select(AlertTemplate).where(AlertTemplate.version == version)).all()
    if not rows:
        raise NotFoundError(f"There is no version {version} of the alerts' words.")
    known = {one.key: one for one in (templates.Template(**{n: getattr(row, n) for n in names}) for row in rows)}
    words = session.scalars(sa.select(AlertVocabulary).where(AlertVocabulary.version == version))
    own = {row.language: row.words for row in words}
    return templates.wording(
        version=version,
        templates=list({**shipped.templates, **known}.values()),
        words={
            language: {**vars(vocabulary), **own.get(language, {})}
            for language, vocabulary in shipped.vocabularies.items()
        },
    )


def zone_ids_by_code(session: Session, codes: Collection[str]) -> dict[str, int]:
    """The ids of the zones with these codes."""
    rows = session.execute(sa.select(Zone.code, Zone.id).where(Zone.code.in_(list(codes))))
    return dict(rows.all())


def zone_facts(session: Session, run_id: int | None, zone_ids: Collection[int]) -> list[ZoneFacts]:
    """What a picture of the flood says of these zones, the worst first."""
    rows = session.execute(
        sa.select(Zone.code, ZoneState)
        .join(ZoneState, ZoneState.zone_id == Zone.id)
        .where(ZoneState.run_id == run_id, Zone.id.in_(list(zone_ids)))
        .order_by(ZoneState.severity.desc(), ZoneState.people.desc(), Zone.code)
    )
    return [
        ZoneFacts(
            id=state.zone_id,
            code=code,
            severity=state.severity,
            depth_class=state.depth_class,
            people=state.people,
            members=state.members,
            homes=state.homes,
            vulnerable_homes=state.vulnerable_homes,
            roads_km=state.roads_km,
            facilities=state.facilities,
            gauges=state.gauges,
            confidence=state.confidence,
        )
        for code, state in rows
    ]


def set_zones(session: Session, alert_id: int, zone_ids: Collection[int]) -> None:
    """The alert covers these zones, each with the version and outline it has now."""
    session.execute(sa.delete(AlertZone).where(AlertZone.alert_id == alert_id))
    session.execute(
        sa.text(
            "INSERT INTO alert_zone (alert_id, zone_id, zone_version, code, name_th, name_en, geom) "
            "SELECT :alert_id, id, version, code, name_th, name_en, geom FROM zone WHERE id = ANY(:zone_ids)"
        ),
        {"alert_id": alert_id, "zone_ids": sorted(zone_ids)},
    )


def zones(session: Session, alert_ids: Collection[int]) -> dict[int, list[AlertZone]]:
    """The zones of each alert, by code, without their outlines."""
    rows = session.scalars(
        sa.select(AlertZone)
        .options(sa.orm.defer(AlertZone.geom, raiseload=True))
        .where(AlertZone.alert_id.in_(list(alert_ids)))
        .order_by(AlertZone.code)
        .execution_options(populate_existing=True)
    )
    found: dict[int, list[AlertZone]] = {alert_id: [] for alert_id in alert_ids}
    for row in rows:
        found[row.alert_id].append(row)
    return found


def are_zones_as_drawn(session: Session, alert_id: int) -> bool:
    """Each zone of the alert still has the version that the alert was proposed for, and its parts."""
    changed: int | None = session.scalar(
        sa.text(
            "SELECT count(*) FROM alert_zone a WHERE a.alert_id = :alert_id AND NOT EXISTS ("
            "  SELECT 1 FROM zone z JOIN zone_part p ON p.zone_id = z.id AND p.version = z.version"
            "  WHERE z.id = a.zone_id AND z.version = a.zone_version)"
        ),
        {"alert_id": alert_id},
    )
    return changed == 0


def zone_outlines(session: Session, alert_id: int) -> list[tuple[str, templates.Named, bytes]]:
    """(code, name, WKB in EPSG:4326) of the alert's zones."""
    rows = session.execute(
        sa.text(
            "SELECT code, name_th, name_en, ST_AsBinary(geom) AS wkb FROM alert_zone WHERE alert_id = :id ORDER BY code"
        ),
        {"id": alert_id},
    )
    return [(row.code, templates.Named(th=row.name_th, en=row.name_en), bytes(row.wkb)) for row in rows]


def zone_features(session: Session, alert_id: int) -> list[tuple[AlertZone, dict[str, Any]]]:
    """The alert's zones with their outlines as GeoJSON, six decimals."""
    rows = session.execute(
        sa.select(AlertZone, sa.func.ST_AsGeoJSON(AlertZone.geom, 6))
        .where(AlertZone.alert_id == alert_id)
        .order_by(AlertZone.code)
    )
    return [(zone, json.loads(geometry)) for zone, geometry in rows]


def shelter(session: Session, alert_id: int, run_id: int | None) -> templates.Named | None:
    """The nearest shelter outside the water and outside every warned zone; None where there is none."""
    row = session.execute(_SHELTER, {"alert_id": alert_id, "run_id": run_id}).one_or_none()
    return templates.Named(th=row.name_th, en=row.name_en) if row else None


def expected_at(session: Session, run_id: int | None, zone_ids: Collection[int]) -> datetime | None:
    """When water first stands in one of the zones, by the pictures ahead of this one; None where none has it there.

    It is rounded down to the half hour: words that change with each picture would void every look at them.
    """
    first: datetime | None = session.scalar(
        sa.text(
            "SELECT min(r.valid_at) FROM flood_run r JOIN zone_state s ON s.run_id = r.id "
            "WHERE r.basis_run_id = :run_id AND s.zone_id = ANY(:zone_ids) AND s.depth_class > 0"
        ),
        {"run_id": run_id, "zone_ids": list(zone_ids)},
    )
    if first is None:
        return None
    return first.replace(minute=first.minute // 30 * 30, second=0, microsecond=0)


def reports_within(session: Session, alert_id: int, *, since: datetime) -> int:
    """How many reports of residents came from inside the alert's zones."""
    return int(
        session.scalar(
            sa.text(
                "SELECT count(DISTINCT r.id) FROM alert_zone z JOIN report r ON ST_Intersects(z.geom, r.place) "
                "WHERE z.alert_id = :alert_id AND r.created_at >= :since"
            ),
            {"alert_id": alert_id, "since": since},
        )
        or 0
    )


def nearest_station_ids(session: Session, alert_id: int, *, kind: str, limit: int) -> list[int]:
    """The stations of a kind nearest to the middle of the alert's zones."""
    rows = session.scalars(
        sa.text(
            "SELECT s.id FROM station s, (SELECT ST_Centroid(ST_Collect(geom)) AS place FROM alert_zone "
            "WHERE alert_id = :alert_id) m WHERE s.kind = :kind ORDER BY s.geom <-> m.place LIMIT :limit"
        ),
        {"alert_id": alert_id, "kind": kind, "limit": limit},
    )
    return list(rows)


def alerts_of_event(session: Session, event_id: int) -> Sequence[Alert]:
    """The event's alerts, oldest first, as they are in the database now."""
    return session.scalars(
        sa.select(Alert).where(Alert.event_id == event_id).order_by(Alert.id).execution_options(populate_existing=True)
    ).all()


def target_kinds(session: Session, alert_id: int) -> set[str]:
    """The kinds of targets that the alert has beside its zones."""
    return set(session.scalars(sa.select(AlertTarget.kind).where(AlertTarget.alert_id == alert_id)))


def targets(session: Session, alert_ids: Collection[int]) -> dict[int, list[AlertTarget]]:
    """The targets of each alert, in the order in which they were named."""
    rows = session.scalars(
        sa.select(AlertTarget).where(AlertTarget.alert_id.in_(list(alert_ids))).order_by(AlertTarget.id)
    )
    found: dict[int, list[AlertTarget]] = {alert_id: [] for alert_id in alert_ids}
    for row in rows:
        found[row.alert_id].append(row)
    return found


def held(session: Session, *, now: datetime) -> Sequence[Alert]:
    """What was approved for the morning, where the morning has come."""
    return session.scalars(
        sa.select(Alert).where(Alert.state == "approved", Alert.hold_until_at <= now).order_by(Alert.id)
    ).all()


def sending(session: Session) -> Sequence[Alert]:
    """What is on its way now."""
    return session.scalars(sa.select(Alert).where(Alert.state == "sending").order_by(Alert.id)).all()


def expiring_unsaid(session: Session, *, now: datetime) -> Sequence[Alert]:
    """Warnings whose time runs out soon, of which nobody was reminded yet."""
    reminded = sa.exists().where(AlertThread.alert_id == Alert.id, AlertThread.kind == "expiring")
    return session.scalars(
        sa.select(Alert)
        .where(
            Alert.state.in_(TOLD), Alert.kind.in_(("alert", "update")), Alert.expires_at > now,
            Alert.expires_at <= now + REMINDS_BEFORE, ~reminded,
        )
        .order_by(Alert.id)
    ).all()


def subject(alert_id: int) -> str:
    """What the alert's chunks are about, in the outbox."""
    return f"alert:{alert_id}"


def account_names(session: Session, account_ids: Collection[int]) -> dict[int, str]:
    """The names that colleagues see, by account."""
    rows = session.execute(sa.select(Account.id, Account.display_name).where(Account.id.in_(list(account_ids))))
    return dict(rows.all())
