"""An incident's history: one line for everything that happens to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from incidents.models import Incident, IncidentChange


def write(
    session: Session,
    incident: Incident,
    *,
    from_state: str | None,
    by: str,
    reason: str,
    now: datetime,
    kind: str = "state",
    from_agency_code: str | None = None,
    to_agency_code: str | None = None,
) -> IncidentChange:
    """The history says how the incident came into the state it is in, or what else happened while it stayed."""
    change = IncidentChange(
        incident_id=incident.id,
        from_state=from_state,
        to_state=incident.state,
        changed_at=now,
        changed_by=by,
        reason=reason,
        kind=kind,
        from_agency_code=from_agency_code,
        to_agency_code=to_agency_code,
    )
    session.add(change)
    session.flush()
    return change
