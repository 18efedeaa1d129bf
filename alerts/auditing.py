"""A large audience, which was frozen from memory, is held against PostGIS when nobody waits for it any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from alerts import audience, proposals, queries, thread
from core.logs import get_logger

log = get_logger("alerts")
# A change that was under way at the approval is noted a little before it.
AROUND_APPROVAL = timedelta(minutes=1)


def audit(session: Session, alert_id: int) -> audience.Audit | None:
    """Whether the frozen audience is PostGIS's own; where it is not, the log and the event's thread say by how many.

    None for an alert that is also for whoever was told before, and for one that was not approved.
    """
    alert = queries.alert(session, alert_id)
    reach = proposals.reach_of(session, alert, references=alert.references)
    if reach.told_in or alert.approved_wall_at is None:
        return None
    found = audience.audit(session, reach, since=alert.approved_wall_at - AROUND_APPROVAL)
    if found.strangers or found.missing:
        log.error("alert.audience_differs", alert=alert_id, strangers=found.strangers, missing=found.missing)
        thread.note(
            session, event_id=alert.event_id, alert_id=alert_id, kind="audience_differs", strangers=found.strangers,
            missing=found.missing,
        )
    return found
