"""An agency asks others in: the incident reaches them too, and stays with its lead."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from core import clock
from core.events import publish
from incidents import agencies, history, promise_queries, queries, telling
from incidents.events import AgencyInvited
from incidents.models import Incident


def invite_agencies(
    session: Session, incident_id: int, codes: Sequence[str], *, from_code: str, by: str, reason: str
) -> Incident:
    """The incident reaches these agencies beside its lead, in the state that it was in; every reporter hears of it.

    Who has it already is asked no second time. Raises NotFoundError for an agency that does not exist.
    """
    now = clock.now()
    incident = queries.locked_incident(session, incident_id)
    has_it = {row.code for row in promise_queries.reached_rows(session, incident.id)}
    for code in dict.fromkeys(codes):
        promise_queries.agency(session, code)
        if code in has_it:
            continue
        agencies.add_invited(session, incident, code, by=by, now=now)
        change = history.write(
            session, incident, from_state=incident.state, by=by, reason=reason, now=now, kind="invited",
            from_agency_code=from_code, to_agency_code=code,
        )
        publish(session, AgencyInvited(incident_id=incident.id, number=incident.number, agency_code=code))
        telling.note_change(session, incident, change, note={}, now=now)
    return incident
