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
    """The history says how the incident came into the state it is in, or what else happened while it stayed.

    A line of a state names who led when it was written, so that a later change of the lead does not rewrite the past.
    """
    if kind == "state" and to_agency_code is None:
        to_agency_code = incident.agency_code
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


def name_new_lead(change: IncidentChange, incident: Incident, led_before: str | None) -> None:
    """The line says from which agency the incident came to which, where what it tells of changed that."""
    if incident.agency_code != led_before:
        change.from_agency_code, change.to_agency_code = led_before, incident.agency_code
