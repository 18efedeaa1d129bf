"""What reporters change of a report that was sent; each change leaves a line in the incident's history."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.events import publish
from gis.crs import distance_m
from gis.points import LonLat
from incidents import actions, afterwards, cards, history, near_queries, own_queries, queries
from incidents.after_models import IncidentRating
from incidents.afterwards import Own
from incidents.events import IncidentNoted
from incidents.models import IncidentChange, IncidentPause, Photo, Report, ReporterNotice

BY_REPORTER = "reporter"
MOST_WORDS = 1000


def add_words(session: Session, own: Own, resident_id: int, text: str) -> None:
    """The words stand with the resident's report."""
    actions.add_words(session, incident_id=own.incident_id, resident_id=resident_id, text=text)
    _write(session, own.incident_id, "words_added")


def add_photo(session: Session, own: Own, resident_id: int, photo_id: int, *, is_first: bool) -> bool:
    """The photo belongs to the resident's report; False where that has as many as it can have."""
    report_id = own_queries.newest_report_id(session, resident_id, own.incident_id)
    if report_id is None or own_queries.photo_count(session, report_id) >= afterwards.MOST_PHOTOS:
        session.execute(sa.delete(Photo).where(Photo.id == photo_id, Photo.path.is_(None)))
        return False
    mine = {"incident_id": own.incident_id, "report_id": report_id}
    session.execute(sa.update(Photo).where(Photo.id == photo_id, Photo.incident_id.is_(None)).values(**mine))
    if is_first:
        _write(session, own.incident_id, "photo_added")
    return True


def move(session: Session, own: Own, resident_id: int, place: LonLat, *, source: str) -> None:
    """The resident's report lies there; with it the incident where nobody else reported it."""
    incident = near_queries.locked_survivor(session, own.incident_id)
    report_id = own_queries.newest_report_id(session, resident_id, incident.id)
    if report_id is None:
        return
    before = near_queries.place_of_report(session, report_id)
    moved = sa.update(Report).where(Report.id == report_id)
    session.execute(
        moved.values(place=f"SRID=4326;POINT({place.lon!r} {place.lat!r})", place_source=source, radius_m=None)
    )
    led_before = incident.agency_code
    if not own.others:
        actions.move_incident(session, incident.id, place)
        incident.place_source = source
    reason = cards.say("reason-moved", "th", distance_m=str(round(distance_m(before, place))))
    change = _write(session, incident.id, "place_changed", reason)
    history.name_new_lead(change, incident, led_before)


def withdraw(session: Session, own: Own, resident_id: int) -> None:
    """The resident's reports of it are taken back, and they hear no more of it.

    Where nobody else reported it, nobody is on the way and no life is at stake, it ends; else an officer sees it.
    """
    now = clock.now()
    incident = near_queries.locked_survivor(session, own.incident_id)
    mine = Report.incident_id == incident.id, Report.resident_id == resident_id, Report.withdrawn_at.is_(None)
    taken_back = session.execute(sa.update(Report).where(*mine).values(withdrawn_at=now).returning(Report.id)).all()
    if not taken_back:
        return
    incident.report_count = max(1, incident.report_count - len(taken_back))
    theirs = ReporterNotice.incident_id == incident.id, ReporterNotice.resident_id == resident_id
    session.execute(sa.delete(ReporterNotice).where(*theirs, ReporterNotice.state == "waiting"))
    session.execute(
        sa.update(IncidentPause)
        .where(IncidentPause.incident_id == incident.id, IncidentPause.answering_id == resident_id)
        .values(answering_id=None, answering_until_at=None)
    )
    _write(session, incident.id, "withdrawn")
    if afterwards.can_end(own):
        reason = cards.say("reason-withdrawn", "th")
        actions.change_state(session, incident.id, "rejected", by=BY_REPORTER, reason=reason)


def set_sight(session: Session, own: Own, resident_id: int, *, is_private: bool) -> None:
    """The resident's reports of it stay out of everybody's sight but officers', or no longer do."""
    incident = near_queries.locked_survivor(session, own.incident_id)
    mine = Report.incident_id == incident.id, Report.resident_id == resident_id, Report.withdrawn_at.is_(None)
    session.execute(sa.update(Report).where(*mine).values(is_private=is_private))
    _write(session, incident.id, "hidden" if is_private else "shown")
    publish(session, IncidentNoted(incident_id=incident.id, number=incident.number))


def rate(session: Session, own: Own, resident_id: int, stars: int) -> None:
    """So many stars are the resident's word on how it was done; the last word counts."""
    row = {"incident_id": own.incident_id, "resident_id": resident_id, "stars": stars, "rated_at": clock.now()}
    statement = insert(IncidentRating).values(words="", **row)
    session.execute(
        statement.on_conflict_do_update(index_elements=["incident_id", "resident_id"], set_=row)
    )
    if own.stars != stars:
        _write(session, own.incident_id, "rated", cards.say("reason-rated", "th", stars=str(stars)))


def add_rating_words(session: Session, own: Own, resident_id: int, text: str) -> None:
    """The words stand with the resident's stars."""
    session.execute(
        sa.update(IncidentRating)
        .where(IncidentRating.incident_id == own.incident_id, IncidentRating.resident_id == resident_id)
        .values(words=text[:MOST_WORDS])
    )


def _write(session: Session, incident_id: int, kind: str, reason: str = "") -> IncidentChange:
    incident = queries.locked_incident(session, incident_id)
    return history.write(
        session, incident, from_state=incident.state, by=BY_REPORTER, reason=reason, now=clock.now(), kind=kind
    )
