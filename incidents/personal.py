"""What incidents hold of one person: shown to them, and forgotten.

A report stays as what it says of the city: category, area, time. Its words, its pictures and its exact place go.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import sealing
from gis import queries as gis_queries
from gis.models import Area
from gis.points import LonLat
from incidents import actions, group_calls, inbox_queries, queries, redaction, rules
from incidents.after_models import IncidentRating
from incidents.exchange.models import ServiceRequest
from incidents.inbox_models import InboxFilter, IncidentNote
from incidents.models import (
    Incident,
    IncidentChange,
    IncidentMerge,
    IncidentPause,
    Photo,
    Report,
    ReporterNotice,
)
from residents import rules as residents_rules
from residents.erasure import Person, forgets

# Places of the forgotten lie on a grid of about 550 m: enough to know the neighbourhood, too coarse to know the door.
GRID_DEG = 0.005
FORGOTTEN = "[…]"
LEAST_DIGITS = 9
# What officers wrote of an incident, and by which column it is the incident's.
_WRITTEN: tuple[tuple[Any, Any, tuple[str, ...]], ...] = (
    (IncidentChange, IncidentChange.incident_id, ("reason",)),
    (IncidentMerge, IncidentMerge.into_id, ("reason",)),
    (IncidentMerge, IncidentMerge.merged_id, ("reason",)),
    (IncidentPause, IncidentPause.incident_id, ("question",)),
    (ReporterNotice, ReporterNotice.incident_id, ("note_th", "note_en")),
    (IncidentNote, IncidentNote.incident_id, ("text",)),
)
_PLACED = ("incidents.incident_opened", "incidents.incident_moved")
# All at once: nothing leads from an incident to its facts but reading them all.
_MOVE_FACTS = sa.text("""
    UPDATE event e SET payload = e.payload || jsonb_build_object('lon', moved.lon, 'lat', moved.lat)
    FROM unnest(CAST(:ids AS text[]), CAST(:lons AS float8[]), CAST(:lats AS float8[])) AS moved (id, lon, lat)
    WHERE e.name = ANY(:names) AND e.payload ->> 'incident_id' = moved.id
""")
_COARSEN = sa.text("""
    UPDATE report SET place = ST_SnapToGrid(place, :grid), radius_m = NULL, text = '', join_terms = NULL,
           resident_id = NULL
    WHERE resident_id = :resident_id
""")
# A tally holds cells of 38 m: those of the old place have to go with it, once they even out.
_EVEN_OUT = sa.text("""
    WITH old AS (
        DELETE FROM incident_tally WHERE level >= 14 AND cell = CAST(:map_key AS bigint) >> (2 * (21 - level))
        RETURNING level, cell, total, open_1, open_2, open_3, open_4
    )
    INSERT INTO incident_tally (level, cell, total, open_1, open_2, open_3, open_4)
    SELECT level, cell, sum(total), sum(open_1), sum(open_2), sum(open_3), sum(open_4) FROM old
    GROUP BY level, cell HAVING sum(total) > 0
""")
_MAP_KEY = sa.text("SELECT map_key FROM incident WHERE id = :id")


@dataclass(frozen=True)
class MyReport:
    """A report as its reporter sees it."""

    number: str
    category_th: str
    category_en: str
    text: str
    place: LonLat
    state: str
    reported_at: datetime
    photo_ids: tuple[int, ...]
    withdrawn_at: datetime | None
    stars: int | None
    rating_words: str
    notes: int


def reports_of(session: Session, resident_id: int) -> list[MyReport]:
    """Everything that the resident has reported, oldest first."""
    photos = sa.select(sa.func.array_agg(Photo.id)).where(Photo.report_id == Report.id).scalar_subquery()
    rows = session.execute(
        sa.select(
            Report, Incident.number, Incident.state, sa.func.ST_X(Report.place), sa.func.ST_Y(Report.place), photos,
            IncidentRating.stars, IncidentRating.words,
        )
        .join(Incident, Incident.id == Report.incident_id)
        .outerjoin(
            IncidentRating,
            sa.and_(IncidentRating.incident_id == Incident.id, IncidentRating.resident_id == Report.resident_id),
        )
        .where(Report.resident_id == resident_id)
        .order_by(Report.id)
    ).all()
    notes = inbox_queries.note_counts(session, [report.incident_id for report, *_ in rows])
    categories = {category.code: category for category in queries.categories(session)}
    return [
        MyReport(
            number=number,
            category_th=categories[report.category_code].name_th,
            category_en=categories[report.category_code].name_en,
            text=report.text,
            place=LonLat(lon=lon, lat=lat),
            state=state,
            reported_at=report.created_at,
            photo_ids=tuple(sorted(photo_ids or ())),
            withdrawn_at=report.withdrawn_at,
            stars=stars,
            rating_words=rating_words or "",
            notes=notes.get(report.incident_id, 0),
        )
        for report, number, state, lon, lat, photo_ids, stars, rating_words in rows
    ]


def incident_ids_of(session: Session, resident_id: int) -> list[int]:
    """The incidents that the resident has reported, those too that were merged since into another, in order."""
    reports = sa.select(Report.id, Report.incident_id).where(Report.resident_id == resident_id)
    found = session.execute(reports).all()
    merged = sa.select(IncidentMerge.merged_id).where(IncidentMerge.report_ids.overlap([row.id for row in found]))
    return sorted({*(row.incident_id for row in found), *session.scalars(merged)})


@forgets(room="incidents")
def forget(session: Session, person: Person) -> dict[str, int]:
    """The person's reports say what, roughly where and when; their words and pictures are gone, and so is their name
    from what officers wrote about these incidents.
    """
    incident_ids = incident_ids_of(session, person.resident_id)
    photos = _forget_photos(session, person)
    group_calls.forget_of(session, person.line_user_id)
    _forget_contacts(session, person)
    theirs = list(session.scalars(sa.select(Report.id).where(Report.resident_id == person.resident_id)))
    for incident_id in incident_ids:
        redaction.forget_words(session, incident_id, reports=theirs, of_person=person.words)
    _forget_searches(session, person)
    moved = [_forget_in(session, queries.locked_incident(session, incident_id), person) for incident_id in incident_ids]
    facts = {
        "ids": [str(incident_id) for incident_id in incident_ids], "lons": [place.lon for place in moved],
        "lats": [place.lat for place in moved], "names": list(_PLACED),
    }
    session.execute(_MOVE_FACTS, facts)
    reports = session.execute(
        _COARSEN, {"grid": GRID_DEG, "resident_id": person.resident_id}
    ).rowcount  # type: ignore[attr-defined]  # an UPDATE's result counts its rows
    return {"reports": reports, "photos": photos}


def _forget_searches(session: Session, person: Person) -> None:
    """No officer's filter looks for the person by name or number any more."""
    for kept in session.scalars(sa.select(InboxFilter).where(InboxFilter.wanted.has_key("q"))):
        words = residents_rules.without(kept.wanted["q"], person.words, instead="").strip()
        kept.wanted = {**kept.wanted, "q": words}
    session.flush()


def _forget_photos(session: Session, person: Person) -> int:
    theirs = sa.select(Report.id).where(Report.resident_id == person.resident_id)
    wanted = sa.select(Photo).where(
        sa.or_(Photo.report_id.in_(theirs), Photo.line_message_id.in_(person.message_ids))
    )
    photos = session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).all()
    for photo in photos:
        actions.forget_photo(session, photo)
    return len(photos)


def _forget_in(session: Session, incident: Incident, person: Person) -> LonLat:
    """The incident tells nothing of the person; where others reported it too, it is theirs from now on, where they say.

    Returns where it lies now.
    """
    category = queries.category(session, incident.category_code)
    other = session.scalar(
        sa.select(Report)
        .where(
            Report.incident_id == incident.id,
            sa.or_(Report.resident_id.is_(None), Report.resident_id != person.resident_id),
        )
        .order_by(Report.id)
        .limit(1)
    )
    incident.summary = rules.summary_of(other.text if other else "", otherwise=category.name_th)
    place = _move(session, incident, _place_of(session, other.id) if other else None)
    for model, of, names in _WRITTEN:
        for row in session.scalars(sa.select(model).where(of == incident.id)):
            for name in names:
                setattr(row, name, residents_rules.without(getattr(row, name), person.words, instead=FORGOTTEN))
    session.flush()
    return place


def _forget_contacts(session: Session, person: Person) -> None:
    """Nobody can be called any more under a number of the person's that came with a report by another way than LINE."""
    numbers = {_digits(word) for word in person.words} - {""}
    for request in session.scalars(sa.select(ServiceRequest).where(ServiceRequest.contact_sealed.is_not(None))):
        contact = json.loads(sealing.unseal(bytes(request.contact_sealed or b"")))
        if numbers & {_digits(str(value)) for value in contact.values()}:
            request.contact_sealed = None
            request.description = residents_rules.without(request.description, person.words, instead=FORGOTTEN)
            report = session.get_one(Report, request.report_id)
            report.text = residents_rules.without(report.text, person.words, instead=FORGOTTEN)
    session.flush()


def _digits(text: str) -> str:
    """A phone number however it is written, as +66 or with its 0; empty for other words."""
    digits = "".join(c for c in text if c.isdecimal())
    return digits[-9:] if len(digits) >= LEAST_DIGITS else ""


def _place_of(session: Session, report_id: int) -> LonLat:
    lon, lat = session.execute(
        sa.select(sa.func.ST_X(Report.place), sa.func.ST_Y(Report.place)).where(Report.id == report_id)
    ).one()
    return LonLat(lon=lon, lat=lat)


def _move(session: Session, incident: Incident, to: LonLat | None) -> LonLat:
    """The incident, what is written of its place and its cells lie elsewhere: where another reporter says, or on the
    coarse grid.
    """
    old_key = session.scalar(_MAP_KEY, {"id": incident.id})
    place = to or _coarse(queries.place_of(session, incident.id))
    incident.place = f"SRID=4326;POINT({place.lon!r} {place.lat!r})"
    if to is None:
        area = session.get(Area, incident.area_id) if incident.area_id is not None else None
        incident.place_label_th = area.name_th if area else FORGOTTEN
        incident.place_label_en = area.name_en if area else FORGOTTEN
    else:
        incident.place_label_th, incident.place_label_en = gis_queries.place_labels(session, place)
    session.flush()
    if old_key is not None:
        session.execute(_EVEN_OUT, {"map_key": old_key})
    return place


def _coarse(place: LonLat) -> LonLat:
    return LonLat(
        lon=round(round(place.lon / GRID_DEG) * GRID_DEG, 6), lat=round(round(place.lat / GRID_DEG) * GRID_DEG, 6)
    )
