"""What dispatch holds of whoever reported an incident: the way to their door, and what crews wrote; forgotten."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from dispatch.models import Crew, CrewSuggestion, Job, JobEvent
from gis.points import LonLat
from incidents import queries as incident_queries
from incidents.personal import FORGOTTEN, GRID_DEG, incident_ids_of
from residents import rules as residents_rules
from residents.erasure import Person, forgets

# A crew that has just finished stands at the incident's very place (1e-6 degrees are 0.1 m), and was told to be there.
_SAME_DEG = 1e-6
_MOVE_FACTS = sa.text("""
    UPDATE event SET payload = payload || jsonb_build_object(
        'lon', round((payload ->> 'lon')::numeric / CAST(:grid AS numeric)) * CAST(:grid AS numeric),
        'lat', round((payload ->> 'lat')::numeric / CAST(:grid AS numeric)) * CAST(:grid AS numeric))
    WHERE name = 'dispatch.crew_moved' AND EXISTS (
        SELECT FROM unnest(CAST(:lons AS float8[]), CAST(:lats AS float8[])) AS left_place (lon, lat)
        WHERE abs((payload ->> 'lon')::float8 - lon) < :same AND abs((payload ->> 'lat')::float8 - lat) < :same)
""")


@forgets(room="dispatch")
def forget(session: Session, person: Person) -> dict[str, int]:
    """No way leads to the person's places any more, no crew stands exactly there, no note of a crew names them."""
    incident_ids = incident_ids_of(session, person.resident_id)
    places = [incident_queries.place_of(session, incident_id) for incident_id in incident_ids]
    _step_away(session, places)
    jobs = session.scalars(sa.select(Job).where(Job.incident_id.in_(incident_ids))).all()
    for job in jobs:
        job.route = None
        job.note = _without(job.note, person)
    job_ids = [job.id for job in jobs]
    for told in session.scalars(sa.select(JobEvent).where(JobEvent.job_id.in_(job_ids), JobEvent.note.is_not(None))):
        told.note = _without(told.note, person)
    session.execute(sa.update(CrewSuggestion).where(CrewSuggestion.job_id.in_(job_ids)).values(route=None))
    session.flush()
    return {}


def _without(note: str | None, person: Person) -> str | None:
    return None if note is None else residents_rules.without(note, person.words, instead=FORGOTTEN)


def _step_away(session: Session, places: Sequence[LonLat]) -> None:
    for place in places:
        spot = sa.func.ST_SetSRID(sa.func.ST_MakePoint(place.lon, place.lat), 4326)
        session.execute(
            sa.update(Crew)
            .where(sa.func.ST_DWithin(Crew.position, spot, _SAME_DEG))
            .values(position=sa.func.ST_SnapToGrid(Crew.position, GRID_DEG))
        )
    facts = {"lons": [one.lon for one in places], "lats": [one.lat for one in places]}
    session.execute(_MOVE_FACTS, {**facts, "grid": GRID_DEG, "same": _SAME_DEG})
