"""An officer puts right whose work an incident is, before anybody has begun with it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core import clock
from core.events import publish
from incidents import agencies, history, promise_queries, queries, telling
from incidents.errors import HandingError
from incidents.events import AgencyAssigned
from incidents.models import Incident

WAITING_STATES = ("new", "sent_on", "reopened")


def assign_agency(session: Session, incident_id: int, to_code: str, *, by: str, reason: str) -> Incident:
    """This agency leads the incident, in the state that it was in; it is no sending on, and counts as none.

    Every reporter hears of it. Raises HandingError where that agency leads it already, or where somebody has accepted
    it and so only sends it on; NotFoundError.
    """
    now = clock.now()
    incident = queries.locked_incident(session, incident_id)
    to = promise_queries.agency(session, to_code)
    names = {"th": to.name_th, "en": to.name_en}
    if incident.state not in WAITING_STATES:
        raise HandingError("assigning-begun")
    if incident.agency_code == to_code:
        raise HandingError("handing-same", agency=names)
    before = incident.agency_code
    agencies.put_lead(session, incident, to_code, reason="assigned", by=by, now=now)
    change = history.write(
        session, incident, from_state=incident.state, by=by, reason=reason, now=now, kind="agency",
        from_agency_code=before, to_agency_code=to_code,
    )
    publish(session, AgencyAssigned(incident_id=incident.id, number=incident.number, agency_code=to_code))
    telling.note_change(session, incident, change, note={}, now=now)
    return incident
