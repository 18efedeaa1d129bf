"""Alerts to subscribers: queued at approval, carried by jobs of their own, tried again while the alert holds.

Nothing of this is on LINE's way: a server that hangs keeps a worker busy for a while, and no resident waiting.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import cap_queries, exercise, queries, templates
from alerts.channels import rules
from alerts.channels.carriers import Carrier
from alerts.channels.letters import Letter
from alerts.channels.models import AlertDelivery, AlertSubscriber
from alerts.channels.rules import Verdict
from alerts.models import Alert
from alerts.rules import TOLD
from core import clock, sealing
from core.db import transaction
from core.logs import get_logger
from core.words import words

log = get_logger("alerts.channels")
CHANNELS = ("mail", "webhook")
# What a job takes at once, and for how long it goes on; what it was killed over waits again as long.
AT_ONCE = 8
SERVED_S = 20.0
LEASE = timedelta(seconds=120)
# Whom an alert concerns: areas that its zones touch, and whoever was told of the same event before.
_OFFER = sa.text("""
    INSERT INTO alert_delivery (alert_id, subscriber_id, channel, what, state, attempts, was_handed_over, fault,
                                queued_wall_at, not_before_wall_at)
    SELECT :alert_id, s.id, s.kind, :what, 'queued', 0, false, '', :wall_at, :wall_at
    FROM alert_subscriber s
    WHERE s.removed_at IS NULL AND (s.takes_exercises OR NOT :is_exercise) AND (
        s.area_codes = '{}'
        OR EXISTS (SELECT FROM alert_zone z JOIN area a ON ST_Intersects(a.geom, z.geom)
                   WHERE z.alert_id = :alert_id AND a.code = ANY(s.area_codes))
        OR EXISTS (SELECT FROM alert_delivery d JOIN alert e ON e.id = d.alert_id
                   WHERE d.subscriber_id = s.id AND e.event_id = :event_id AND d.state IN ('accepted', 'unknown'))
    )
    ON CONFLICT DO NOTHING RETURNING channel
""")
_WITHDRAW = sa.text("""
    INSERT INTO alert_delivery (alert_id, subscriber_id, channel, what, state, attempts, was_handed_over, fault,
                                queued_wall_at, not_before_wall_at)
    SELECT d.alert_id, d.subscriber_id, d.channel, 'withdrawal', 'queued', 0, false, '', :wall_at, :wall_at
    FROM alert_delivery d JOIN alert_subscriber s ON s.id = d.subscriber_id AND s.removed_at IS NULL
    WHERE d.alert_id = :alert_id AND d.what = 'message' AND d.state IN ('accepted', 'unknown')
    ON CONFLICT DO NOTHING RETURNING channel
""")


def offer(session: Session, alert_id: int) -> set[str]:
    """The alert waits for every subscriber that it concerns, once; by which channels there is something to carry."""
    alert = queries.alert(session, alert_id)
    if alert.kind == "news" or (alert.state not in TOLD and alert.kind != "all_clear"):
        return set()
    facts = {
        "alert_id": alert_id, "event_id": alert.event_id, "is_exercise": alert.is_exercise, "what": "message",
        "wall_at": clock.wall_now(),
    }
    return set(session.scalars(_OFFER, facts))


def withdraw(session: Session, alert_id: int, *, is_cancelled: bool) -> set[str]:
    """What still waits of an alert that is over goes to nobody; who was told of a cancelled one is told that too."""
    session.execute(
        sa.update(AlertDelivery)
        .where(
            AlertDelivery.alert_id == alert_id, AlertDelivery.what == "message", AlertDelivery.state == "queued",
            AlertDelivery.attempts == 0,
        )
        .values(state="cancelled", ended_wall_at=clock.wall_now())
    )
    if not is_cancelled:
        return set()
    return set(session.scalars(_WITHDRAW, {"alert_id": alert_id, "wall_at": clock.wall_now()}))


def has_waiting(session: Session, channel: str) -> bool:
    """Something is due for the channel."""
    return bool(session.scalar(sa.select(sa.exists().where(*_is_due(channel)))))


def serve(session: Session, channel: str, carrier: Carrier) -> None:
    """What is due by the channel has had its attempt. One at a time does this; whoever comes second leaves it alone.

    An attempt is noted before it is made and its end as soon as it is known, each in a transaction of its own: a
    worker that is killed in between tries again, under the same id.
    """
    if not session.scalar(sa.text("SELECT pg_try_advisory_xact_lock(hashtext(:name))"), {"name": f"alerts.{channel}"}):
        return
    until_s = monotonic() + SERVED_S
    while monotonic() < until_s and (letters := _claimed(channel)):
        for letter, verdict in carrier.carry(letters):
            with transaction() as own:
                _note(own, letter, verdict)


def _is_due(channel: str) -> tuple[sa.ColumnElement[bool], ...]:
    one = AlertDelivery
    return one.channel == channel, one.state == "queued", one.not_before_wall_at <= clock.wall_now()


def _claimed(channel: str) -> list[Letter]:
    """What is tried now; what is over has ended."""
    with transaction() as own:
        due = own.execute(
            sa.select(AlertDelivery, AlertSubscriber, Alert)
            .join(AlertSubscriber, AlertSubscriber.id == AlertDelivery.subscriber_id)
            .join(Alert, Alert.id == AlertDelivery.alert_id)
            .where(*_is_due(channel), Alert.hold_until_at.is_(None))
            .order_by(AlertDelivery.attempts, AlertDelivery.id)
            .limit(AT_ONCE)
            .with_for_update(of=AlertDelivery, skip_locked=True)
        ).all()
        kept = []
        for delivery, subscriber, alert in due:
            if _is_over(delivery, alert, now=clock.now()):
                delivery.state = rules.state_when_over(was_handed_over=delivery.was_handed_over)
                delivery.ended_wall_at = clock.wall_now()
                continue
            delivery.attempts += 1
            delivery.not_before_wall_at = clock.wall_now() + LEASE
            kept.append(_letter(own, delivery, subscriber, alert))
        return kept if kept or not due else _claimed(channel)


def _is_over(delivery: AlertDelivery, alert: Alert, *, now: datetime) -> bool:
    """Nobody needs to hear it any more: the alert holds no longer, or the news of its end is old."""
    if delivery.what == "withdrawal" or alert.kind == "all_clear":
        return delivery.queued_wall_at < clock.wall_now() - rules.LATE_NEWS
    return alert.state not in TOLD or (alert.expires_at is not None and alert.expires_at <= now)


def _letter(session: Session, delivery: AlertDelivery, subscriber: AlertSubscriber, alert: Alert) -> Letter:
    language = subscriber.language if subscriber.language in alert.texts else "th"
    city = queries.city(session)
    zones = queries.zones(session, [alert.id])[alert.id]
    names = [templates.Named(th=zone.name_th, en=zone.name_en).in_language(language) for zone in zones]
    text = alert.texts[language]
    cap = next((one for one in reversed(cap_queries.of_alerts(session, [alert.id])) if not one.problems), None)
    slots = {"number": alert.number, "city": city.name.in_language(language)}
    footer = [words("alerts", "subscriber-footer", language=language, **slots)]
    if alert.expires_at is not None:
        until = templates.moment(alert.expires_at, language)
        footer.append(words("alerts", "subscriber-until", language=language, until=until))
    if city.is_simulated:
        footer.append(words("alerts", "subscriber-simulated", language=language))
    said = (text["title"], text["situation"], text["action"])
    if delivery.what == "withdrawal":
        said = (
            words("alerts", "subscriber-withdrawn", language=language, title=text["title"]),
            words("alerts", "subscriber-withdrawn-body", language=language, **slots), "",
        )
        if alert.is_exercise:
            said = (exercise.marked(said[0], language), exercise.marked(said[1], language), "")
    return Letter(
        delivery_id=delivery.id,
        attempts=delivery.attempts,
        what=delivery.what,
        subscriber_id=subscriber.id,
        address=sealing.unseal(bytes(subscriber.address_sealed or b"")),
        secret=sealing.unseal(bytes(subscriber.secret_sealed)) if subscriber.secret_sealed else "",
        language=language,
        number=alert.number,
        event_number=alert.event_id,
        kind=alert.kind,
        level=alert.level,
        is_exercise=alert.is_exercise,
        is_simulated=city.is_simulated,
        sent_at=alert.approved_at or clock.now(),
        expires_at=alert.expires_at,
        zones=tuple(zip((zone.code for zone in zones), names, strict=True)),
        title=said[0],
        situation=said[1],
        action=said[2],
        footer="\n".join(footer),
        cap_identifier=cap.identifier if cap else None,
        cap_xml=cap.xml if cap else None,
    )


def _note(session: Session, letter: Letter, verdict: Verdict) -> None:
    """The attempt's end stands with the delivery, where no later attempt has begun."""
    row = session.get(AlertDelivery, letter.delivery_id, with_for_update=True, populate_existing=True)
    if row is None or row.state != "queued" or row.attempts != letter.attempts:
        return
    now = clock.wall_now()
    row.state = rules.state_after(verdict, attempts=row.attempts, was_handed_over=row.was_handed_over)
    row.was_handed_over |= verdict.was_handed_over
    row.fault = verdict.fault
    if row.state == "queued":
        row.not_before_wall_at = now + timedelta(seconds=rules.wait_s(row.attempts))
    else:
        row.ended_wall_at = now
    if verdict.result != "accepted":
        log.warning(
            "alert.not_carried", delivery=row.id, channel=row.channel, fault=verdict.fault, then=row.state,
            attempts=row.attempts,
        )
