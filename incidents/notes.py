"""Notes among officers: said of an incident, to nobody else."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core import clock
from core.events import publish
from incidents import queries
from incidents.events import IncidentNoted
from incidents.inbox_models import IncidentNote


def write_note(session: Session, incident_id: int, text: str, *, by: str) -> IncidentNote:
    """The note stands with the incident, whatever becomes of it; no reporter hears of it. Raises NotFoundError."""
    incident = queries.incident(session, incident_id)
    note = IncidentNote(incident_id=incident.id, text=text, written_by=by, written_at=clock.now())
    session.add(note)
    session.flush()
    publish(session, IncidentNoted(incident_id=incident.id, number=incident.number))
    return note
