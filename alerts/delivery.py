"""From LINE back to the alert: what was accepted, what was not."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from alerts import ledger, queries, queueing, thread
from alerts.events import AlertDelivered
from alerts.models import Alert
from alerts.proposals import move
from core import clock, events
from core.logs import get_logger

log = get_logger("alerts")


def note_progress(session: Session, alert_id: int) -> None:
    """The alert is active once none of its chunks waits any more; told once, as AlertDelivered.

    Asked with each answer of LINE's, of which a large alert has thousands: until the last it costs one look.
    """
    if ledger.is_on_its_way(session, alert_id):
        return
    alert = queries.locked_alert(session, alert_id)
    if alert.hold_until_at is not None:
        return  # Nothing of it is on its way before the morning.
    if alert.delivered_wall_at is not None:
        return
    alert.accepted_last_wall_at = ledger.accepted_last_wall_at(session, alert_id)
    alert.delivered_wall_at = clock.wall_now()
    queueing.write_ledger_behind(session, alert_id)
    if alert.state in {"approved", "sending"}:
        now = clock.now()
        move(session, alert, "active", now=now)
        if alert.kind in {"all_clear", "news"}:
            move(session, alert, "ended", now=now)
    session.flush()
    _, accepted = ledger.chunk_states(session, [alert_id])[alert_id].get("accepted", (0, 0))
    events.publish(
        session,
        AlertDelivered(alert_id=alert_id, accepted_recipients=accepted, seconds_from_reading=_seconds(alert)),
    )
    log.info("alert.delivered", alert=alert_id, accepted_recipients=accepted, seconds_from_reading=_seconds(alert))


def note_given_up(session: Session, alert_id: int, *, state: str, recipient_count: int) -> None:
    """The thread says how many were not told, or perhaps not (`state` unknown); of what was called back it tells."""
    if state == "cancelled":
        return
    alert = queries.alert(session, alert_id)
    thread.note(
        session, event_id=alert.event_id, alert_id=alert_id, kind="given_up", state=state, residents=recipient_count
    )


def note_quota_used_up(session: Session, *, until_wall_at: datetime) -> None:
    """The thread of every alert on its way says that it stands still, and until when if nobody does anything."""
    for alert in queries.sending(session):
        thread.note(
            session, event_id=alert.event_id, alert_id=alert.id, kind="quota_used_up",
            until_wall_at=until_wall_at.isoformat(),
        )


def _seconds(alert: Alert) -> float | None:
    if alert.trigger_received_wall_at is None or alert.accepted_last_wall_at is None:
        return None
    return (alert.accepted_last_wall_at - alert.trigger_received_wall_at).total_seconds()
