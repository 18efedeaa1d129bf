"""From an approved alert to the CAP document, and back from LINE: what was accepted, what was not."""

from __future__ import annotations

from datetime import datetime

import shapely
from sqlalchemy.orm import Session

from alerts import queries, queueing, templates
from alerts.cap import checking, outlines, writing
from alerts.events import AlertDelivered
from alerts.models import Alert
from alerts.proposals import move
from alerts.queries import CityName
from core import clock, events
from core.logs import get_logger

log = get_logger("alerts")
SIMULATED_NOTE = "Simulated data of a demonstration city: all recipients disregard."


def _sender(city: CityName) -> str:
    return f"faonam.{city.slug}"


def _identifier(alert: Alert, city: CityName) -> str:
    return f"{_sender(city)}.{alert.number}"


def _infos(session: Session, alert: Alert, city: CityName) -> tuple[writing.Info, ...]:
    words = queries.wording(session, alert.words_version)
    level = templates.ALL_CLEAR if alert.kind == "all_clear" else alert.level
    areas = [
        (code, name, tuple(outlines.as_text(outline) for outline in outlines.outlines(shapely.from_wkb(wkb))))
        for code, name, wkb in queries.zone_outlines(session, alert.id)
    ]
    return tuple(
        writing.Info(
            language=language,
            event=words.vocabularies[language].level[level],
            headline=alert.texts[language]["title"],
            description=alert.texts[language]["situation"],
            instruction=alert.texts[language]["action"],
            sender_name=city.name.in_language(language),
            areas=tuple(
                writing.Area(name=name.in_language(language), code=code, polygons=polygons)
                for code, name, polygons in areas
            ),
        )
        for language in writing.CAP_LANGUAGES
    )


def _references(session: Session, alert: Alert, city: CityName) -> tuple[writing.Reference, ...]:
    earlier = [queries.alert(session, alert_id) for alert_id in alert.references]
    return tuple(
        writing.Reference(sender=_sender(city), identifier=one.cap_identifier, sent_at=one.approved_at)
        for one in earlier
        if one.cap_identifier and one.approved_at
    )


def store_cap(session: Session, alert: Alert, city: CityName, *, sent_at: datetime, expires_at: datetime) -> None:
    """The alert carries its CAP 1.2 document.

    A simulated city sends status Test ("technical testing only, all recipients disregard"): Exercise would ask its
    recipients to act. What our own check finds is logged and stops nothing: the warning of people goes first.
    """
    references = _references(session, alert, city)
    document = writing.to_xml(
        writing.CapAlert(
            identifier=_identifier(alert, city),
            sender=_sender(city),
            sent_at=sent_at,
            status="Test" if city.is_simulated else "Actual",
            # An Update must name a message in force; an all-clear after the last one expired stands alone.
            message_type="Update" if references else "Alert",
            level=templates.ALL_CLEAR if alert.kind == "all_clear" else alert.level,
            expires_at=expires_at,
            infos=_infos(session, alert, city),
            note=SIMULATED_NOTE if city.is_simulated else None,
            references=references,
            incidents=f"{_sender(city)}.event.{alert.event_id}",
        )
    )
    for finding in checking.problems(document):
        log.error("alert.cap_doubtful", alert=alert.id, field=finding.field, problem=finding.problem)
    alert.cap_identifier, alert.cap_xml = _identifier(alert, city), document.decode()


def note_progress(session: Session, alert_id: int) -> None:
    """The alert is active once none of its chunks waits any more; told once, as AlertDelivered."""
    alert = queries.locked_alert(session, alert_id)
    if alert.hold_until_at is not None:
        return  # Nothing of it is on its way before the morning.
    states = queries.chunk_states(session, [alert_id])[alert_id]
    alert.accepted_last_wall_at = queries.accepted_last_wall_at(session, alert_id)
    if alert.delivered_wall_at is not None or states.keys() & {"queued", "sending"}:
        return
    alert.delivered_wall_at = clock.wall_now()
    queueing.write_ledger_behind(session, alert_id)
    if alert.state in {"approved", "sending"}:
        now = clock.now()
        move(session, alert, "active", now=now)
        if alert.kind in {"all_clear", "news"}:
            move(session, alert, "ended", now=now)
    session.flush()
    _, accepted = states.get("accepted", (0, 0))
    events.publish(
        session,
        AlertDelivered(alert_id=alert_id, accepted_recipients=accepted, seconds_from_reading=_seconds(alert)),
    )
    log.info("alert.delivered", alert=alert_id, accepted_recipients=accepted, seconds_from_reading=_seconds(alert))


def _seconds(alert: Alert) -> float | None:
    if alert.trigger_received_wall_at is None or alert.accepted_last_wall_at is None:
        return None
    return (alert.accepted_last_wall_at - alert.trigger_received_wall_at).total_seconds()
