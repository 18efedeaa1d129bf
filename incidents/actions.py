"""What happens to reports and incidents. Every change of state goes through `change_state` or `advance_state`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.errors import InvalidInputError
from core.events import publish
from flood.queries import depth_at
from gis import queries as gis_queries
from gis.points import LonLat
from incidents import (
    agencies,
    catalogue,
    history,
    joining,
    keeping,
    near_queries,
    photos,
    queries,
    redaction,
    rules,
    telling,
)
from incidents.errors import AlreadyMergedError
from incidents.events import IncidentChanged, IncidentMoved, IncidentOpened, ReportJoined
from incidents.models import Category, Incident, Photo, Report
from incidents.rules import NewReport


def load_categories(session: Session) -> int:
    """The 24 categories of the shipped file are in the database, and the office's calendar; how many were new.

    A category that is there already stays as the city has made it; running this again changes nothing.
    """
    rows = [
        {**category, "position": position}
        for position, category in enumerate(catalogue.shipped().category_columns(), start=1)
    ]
    added = session.execute(
        insert(Category).values(rows).on_conflict_do_nothing(index_elements=["code"]).returning(Category.code)
    )
    count = len(added.all())
    keeping.load_calendar(session)
    session.flush()
    return count


# ── Reports ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def receive_report(session: Session, new: NewReport, category: Category | None = None) -> tuple[Report, Incident]:
    """The report is stored and belongs to an incident: the open one it tells of, or a new one.

    Where that is in doubt the new one is shown with those that are perhaps the same. `category` is the report's, where
    it is known already. Raises NotFoundError for an unknown category.
    """
    now = clock.now()
    category = category or queries.category(session, new.category_code)
    judgement, incident = joining.incident_told(session, new, category, now=now)
    same = judgement.same
    if incident is None:
        incident = _open_incident(session, new, category, now=now)
        joining.note_perhaps(session, incident, judgement.perhaps, now=now)
    report = Report(
        resident_id=new.resident_id,
        incident_id=incident.id,
        source=new.source,
        text=new.text,
        category_code=category.code,
        place=_wkt(new.place),
        place_source=new.place_source,
        radius_m=new.radius_m,
        join_terms={"score": same.score, "terms": dict(same.terms), "distance_m": same.distance_m} if same else None,
        created_at=now,
        is_private=new.is_private,
        offered=dict(new.offered) if new.offered else None,
        category_model_id=new.offered["model"] if new.offered else None,
    )
    session.add(report)
    session.flush()
    _attach_photos(session, new.photo_ids, report_id=report.id, incident_id=incident.id)
    if same is not None:
        _join(session, report, incident, now=now)
    return report, incident


def open_apart(session: Session, new: NewReport, *, opened_at: datetime) -> Incident:
    """An incident of its own is open for the report, whatever lies near, and counts from `opened_at`."""
    return _open_incident(session, new, queries.category(session, new.category_code), now=opened_at)


def _wkt(place: LonLat) -> str:
    return f"SRID=4326;POINT({place.lon!r} {place.lat!r})"


def _open_incident(session: Session, new: NewReport, category: Category, *, now: datetime) -> Incident:
    spot = gis_queries.spot(session, new.place)
    reached = agencies.reached_by(session, category, new.place, radius_m=new.radius_m)
    promised_at, mark_due_at = keeping.first_promise(session, category, now)
    incident = Incident(
        number=queries.next_number(now),
        category_code=category.code,
        agency_code=reached[0].code,
        state="new",
        place=_wkt(new.place),
        place_source=new.place_source,
        place_label_th=spot.label_th,
        place_label_en=spot.label_en,
        area_id=spot.area_id,
        summary=rules.summary_of(new.text, otherwise=category.name_th),
        depth_m=depth_at(session, new.place),
        people=rules.people_in(new.text),
        report_count=1,
        last_report_at=now,
        opened_at=now,
        promised_at=promised_at,
        promise_hours=category.promise_hours,
        promise_in=category.promise_in,
        mark_due_at=mark_due_at,
    )
    session.add(incident)
    session.flush()
    agencies.keep_first(session, incident, reached, now=now)
    history.write(session, incident, from_state=None, by="", reason="", now=now)
    publish(
        session,
        IncidentOpened(
            incident_id=incident.id,
            number=incident.number,
            category_code=category.code,
            tier=category.tier,
            needs=tuple(category.needs),
            lon=new.place.lon,
            lat=new.place.lat,
            opened_at=now,
        ),
    )
    return incident


def _join(session: Session, report: Report, incident: Incident, *, now: datetime) -> None:
    incident.report_count += 1
    incident.last_report_at = now
    place, category = queries.place_of_report(session, report.id), queries.category(session, incident.category_code)
    agencies.reach_more(session, incident, category, place, radius_m=report.radius_m, now=now)
    people = rules.people_in(report.text)
    if people is not None:
        incident.people = max(people, incident.people or 0)
    session.flush()
    publish(
        session,
        ReportJoined(
            incident_id=incident.id, number=incident.number, report_id=report.id, report_count=incident.report_count
        ),
    )


def move_incident(session: Session, incident_id: int, place: LonLat) -> Incident:
    """The incident lies where a later pin says, with the depth and the name of that place."""
    incident = near_queries.locked_survivor(session, incident_id)
    spot = gis_queries.spot(session, place)
    incident.place = _wkt(place)
    incident.place_source = "pin"
    incident.place_label_th, incident.place_label_en = spot.label_th, spot.label_en
    incident.area_id = spot.area_id
    incident.depth_m = depth_at(session, place)
    agencies.reroute(session, incident, place, now=clock.now())
    session.flush()
    publish(session, IncidentMoved(incident_id=incident.id, number=incident.number, lon=place.lon, lat=place.lat))
    return incident


def add_words(session: Session, *, incident_id: int, resident_id: int, text: str) -> None:
    """What a resident wrote after the report stands with it, wherever it was merged."""
    incident = near_queries.locked_survivor(session, incident_id)
    report = session.scalar(
        sa.select(Report)
        .where(Report.incident_id == incident.id, Report.resident_id == resident_id)
        .order_by(Report.id.desc())
        .limit(1)
    )
    if report is None:
        return
    report.text = f"{report.text}\n{text}".strip()
    people = rules.people_in(text)
    if people is not None:
        incident.people = max(people, incident.people or 0)
    session.flush()


# ── States ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def change_state(
    session: Session, incident_id: int, to: str, *, by: str, reason: str, note: Mapping[str, str] | None = None,
    seen_state: str | None = None,
) -> Incident:
    """The incident is in the state `to`, its history says who and why, and every reporter will hear of it once.

    `note` is a sentence for the reporters by language; without one they read `reason` where it explains an end
    (done, rejected). Raises WrongStateError where the step is not allowed, or the state is not the one that was seen.
    """
    incident = queries.locked_incident(session, incident_id)
    rules.check_seen(seen_state, incident.state)
    rules.check_step(incident.state, to)
    return _walk(session, incident, [to], by=by, reason=reason, note=note)


def advance_state(
    session: Session, incident_id: int, to: str, *, by: str, reason: str, note: Mapping[str, str] | None = None
) -> Incident:
    """The incident has gone forward to `to` through every state between; history has each, reporters hear once.

    Nothing changes where it is there already. Raises WrongStateError where no way leads there.
    """
    incident = queries.locked_incident(session, incident_id)
    way = rules.steps_between(incident.state, to)
    return _walk(session, incident, way, by=by, reason=reason, note=note) if way else incident


def _walk(
    session: Session,
    incident: Incident,
    way: Sequence[str],
    *,
    by: str,
    reason: str,
    note: Mapping[str, str] | None,
) -> Incident:
    if incident.merged_into_id is not None:
        raise AlreadyMergedError(
            f"Incident {incident.number} was merged into another.", into_id=incident.merged_into_id
        )
    now = clock.now()
    began = incident.state
    for state in way:
        before, incident.state = incident.state, state
        change = history.write(session, incident, from_state=before, by=by, reason=reason, now=now)
    _keep_times(session, incident, by=by, now=now)
    publish(
        session,
        IncidentChanged(
            incident_id=incident.id,
            change_id=change.id,
            number=incident.number,
            from_state=began,
            to_state=incident.state,
            at=now,
        ),
    )
    ends = incident.state in {"done", "rejected"}
    words = note or ({"th": reason, "en": reason} if ends else {})
    telling.note_change(session, incident, change, note=words, now=now)
    return incident


def _keep_times(session: Session, incident: Incident, *, by: str, now: datetime) -> None:
    """When it ended stands with it, and its promise's clock stops there and goes on where it is opened again."""
    ended_at = incident.done_at or incident.closed_at
    if incident.state == "done":
        incident.done_at = now
    if incident.state in {"closed", "rejected"}:
        incident.closed_at = now
    if incident.state in {"done", "rejected"}:
        keeping.stop_at_end(session, incident, by=by, now=now)
    if incident.state == "reopened":
        incident.done_at = incident.closed_at = None
        keeping.go_on_after_end(session, incident, ended_at=ended_at or now, by=by, now=now)
    session.flush()


def send_on(session: Session, incident_id: int, to_code: str, *, by: str, reason: str) -> Incident:
    """Another agency leads the incident and has yet to accept it; the promise goes on, every reporter hears of it.

    Raises HandingError where it may not go there, WrongStateError where it has ended.
    """
    now = clock.now()
    incident = queries.locked_incident(session, incident_id)
    rules.check_step(incident.state, "sent_on")
    before, from_code = incident.state, incident.agency_code
    agencies.hand_to(session, incident, to_code, by=by, now=now)
    incident.state = "sent_on"
    change = history.write(
        session, incident, from_state=before, by=by, reason=reason, now=now,
        from_agency_code=from_code, to_agency_code=to_code,
    )
    changed = IncidentChanged(
        incident_id=incident.id, change_id=change.id, number=incident.number, from_state=before, to_state="sent_on",
        at=now,
    )
    publish(session, changed)
    telling.note_change(session, incident, change, note={}, now=now)
    return incident


# ── Photos ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def note_line_photo(session: Session, message_id: str) -> int:
    """A photo that a resident sent on LINE is known and will be fetched; its id. Twice is the same as once."""
    session.execute(
        insert(Photo)
        .values(taken_for="report", line_message_id=message_id, created_at=clock.now())
        .on_conflict_do_nothing(index_elements=["line_message_id"])
    )
    return session.execute(sa.select(Photo.id).where(Photo.line_message_id == message_id)).scalar_one()


def keep_line_photo(session: Session, photo_id: int, raw: bytes) -> None:
    """The fetched photo is cleaned and kept; or refused, with the reason beside it."""
    photo = session.get_one(Photo, photo_id)
    try:
        kept = photos.clean(raw)
    except InvalidInputError as exc:
        photo.refused_reason = exc.detail
        return
    _fill(photo, kept)


def add_job_photo(session: Session, *, incident_id: int, raw: bytes) -> int:
    """A crew's photo belongs to the incident; its id. The same picture twice is one. Raises UnusablePhotoError."""
    kept = photos.clean(raw)
    known = session.scalar(
        sa.select(Photo.id).where(
            Photo.incident_id == incident_id, Photo.sha256 == kept.sha256, Photo.taken_for == "job"
        )
    )
    if known is not None:
        return known
    photo = Photo(taken_for="job", incident_id=incident_id, created_at=clock.now())
    _fill(photo, kept)
    session.add(photo)
    session.flush()
    return photo.id


def attach_photo(session: Session, *, photo_id: int, incident_id: int) -> None:
    """A photo that came after its report belongs to the incident too."""
    incident = near_queries.locked_survivor(session, incident_id)
    _attach_photos(session, [photo_id], report_id=None, incident_id=incident.id)


def forget_line_photo(session: Session, message_id: str) -> None:
    """A picture that its sender took back on LINE is gone here too, with its file where nothing else shows it."""
    photo = session.scalar(sa.select(Photo).where(Photo.line_message_id == message_id))
    if photo is not None:
        forget_photo(session, photo)


def forget_stray_photos(session: Session, *, before: datetime) -> int:
    """Pictures of reports that were never finished are gone where they came before this time; how many."""
    strays = session.scalars(sa.select(Photo).where(Photo.incident_id.is_(None), Photo.created_at < before)).all()
    for photo in strays:
        forget_photo(session, photo)
    return len(strays)


def forget_photo(session: Session, photo: Photo) -> None:
    """The picture is gone, with its file where nothing else shows it."""
    others = session.scalar(
        sa.select(sa.func.count()).select_from(Photo).where(Photo.path == photo.path, Photo.id != photo.id)
    )
    if photo.path is not None and not others:
        (photos.folder() / photo.path).unlink(missing_ok=True)
    redaction.forget_copy(session, photo.id)
    session.delete(photo)
    session.flush()


def _fill(photo: Photo, kept: photos.CleanPhoto) -> None:
    photo.path = photos.keep(kept)
    photo.sha256 = kept.sha256
    photo.content_type = kept.content_type
    photo.size_bytes = len(kept.content)


def _attach_photos(session: Session, photo_ids: Sequence[int], *, report_id: int | None, incident_id: int) -> None:
    if not photo_ids:
        return
    values: dict[str, int] = {"incident_id": incident_id}
    if report_id is not None:
        values["report_id"] = report_id
    session.execute(sa.update(Photo).where(Photo.id.in_(photo_ids), Photo.incident_id.is_(None)).values(**values))
