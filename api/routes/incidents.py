"""What residents reported and what the city makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from core import clock
from core.errors import ForbiddenError, NotFoundError
from dispatch import queries as dispatch_queries
from dispatch.queries import JobRow
from gis.crs import distance_m
from incidents import actions, near_queries, photos, promise_queries, queries, redaction_queries, rules
from incidents.models import Photo
from incidents.queries import IncidentRow
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["incidents"])

READERS = ("officer", "approver", "dispatcher", "admin")
Changer = Annotated[AccountRef, Depends(needs("officer", "dispatcher", "admin"))]
NextState = Literal["new", "accepted", "in_progress", "done", "closed", "rejected", "reopened"]
State = Literal[NextState, "sent_on"]


class Words(BaseModel):
    """A name or sentence in Thai and English."""

    th: str
    en: str


class PlaceOut(BaseModel):
    """A place in degrees, WGS 84."""

    lon: float
    lat: float


class CategoryOut(BaseModel):
    """What an incident is about."""

    code: str
    name: Words
    icon: str


class AgencyOut(BaseModel):
    """Whose work it is."""

    code: str
    name: Words


class IncidentOut(BaseModel):
    """What the city acts on; depth in metres at the place, None where unknown."""

    id: int
    number: str
    category: CategoryOut
    agency: AgencyOut | None
    state: str
    place: PlaceOut
    place_source: str
    place_label: Words
    summary: str
    depth_m: float | None
    people: int | None
    report_count: int
    opened_at: datetime
    promised_at: datetime
    done_at: datetime | None
    closed_at: datetime | None
    is_overdue: bool
    is_fading: bool
    tier: int
    job_id: int | None
    photos: list[str]


class IncidentsOut(BaseModel):
    """Incidents, newest first."""

    incidents: list[IncidentOut]


class ReportOut(BaseModel):
    """What a resident sent; nothing here says who. `is_private`: its sender asked that nobody outside sees it."""

    id: int
    source: str
    text: str
    category_code: str
    place: PlaceOut
    place_source: str
    created_at: datetime
    join_terms: dict[str, Any] | None
    withdrawn_at: datetime | None
    is_private: bool


class ChangeOut(BaseModel):
    """One line of the history."""

    from_state: str | None
    to_state: str
    at: datetime
    by: str
    reason: str
    kind: str
    from_agency: AgencyOut | None
    to_agency: AgencyOut | None


class NumberOut(BaseModel):
    """Another incident, by the number that residents know."""

    id: int
    number: str


class PerhapsSameOut(BaseModel):
    """An open incident that is perhaps the same: how likely (0..1), by which terms, and how far away."""

    incident: IncidentOut
    score: float
    terms: dict[str, float]
    distance_m: float


class IncidentDetailOut(IncidentOut):
    """An incident with its history; `reports` is empty for accounts that may not read residents' words.

    `merged_into` is where it leads, where it was merged; `took_in` what was merged into it.
    """

    merged_into: NumberOut | None
    took_in: list[NumberOut]
    perhaps_same: list[PerhapsSameOut]
    reports: list[ReportOut]
    changes: list[ChangeOut]


class StateChangeIn(BaseModel):
    """The next state, and why; with `seen` nothing changes where somebody else was faster."""

    to: NextState
    reason: str = Field(default="", max_length=500)
    seen: State | None = None


def incident_fields(row: IncidentRow, *, job_id: int | None, now: datetime) -> dict[str, Any]:
    """An incident's row as the fields of `IncidentOut`."""
    agency = None
    if row.agency_code is not None:
        agency = AgencyOut(code=row.agency_code, name=Words(th=row.agency_th or "", en=row.agency_en or ""))
    return {
        "id": row.id,
        "number": row.number,
        "category": CategoryOut(
            code=row.category_code, name=Words(th=row.category_th, en=row.category_en), icon=row.icon
        ),
        "agency": agency,
        "state": row.state,
        "place": PlaceOut(lon=row.lon, lat=row.lat),
        "place_source": row.place_source,
        "place_label": Words(th=row.place_label_th, en=row.place_label_en),
        "summary": row.summary,
        "depth_m": row.depth_m,
        "people": row.people,
        "report_count": row.report_count,
        "opened_at": row.opened_at,
        "promised_at": row.promised_at,
        "done_at": row.done_at,
        "closed_at": row.closed_at,
        "is_overdue": row.was_breached
        or rules.is_overdue(state=row.state, promised_at=row.promised_at, done_at=row.done_at, now=now),
        "is_fading": row.is_fading,
        "tier": row.tier,
        "job_id": job_id,
        "photos": photo_urls(row.photo_ids),
    }


Row = TypeVar("Row", IncidentRow, JobRow)


def as_seen_by(session: SessionDep, account: AccountRef, rows: Sequence[Row]) -> list[Row]:
    """The rows; who may not read residents' words does not hear of pictures that nobody has reviewed either."""
    if account.has_any(READERS):
        return list(rows)
    reviewed = redaction_queries.reviewed(session, [photo_id for row in rows for photo_id in row.photo_ids])
    return [replace(row, photo_ids=[photo_id for photo_id in row.photo_ids if photo_id in reviewed]) for row in rows]


def photo_urls(photo_ids: list[int]) -> list[str]:
    """Where signed-in screens find these photos."""
    return [f"/api/v1/photos/{photo_id}.jpg" for photo_id in photo_ids]


@router.get("/incidents", summary="Incidents, newest first")
def list_incidents(
    session: SessionDep,
    account: CurrentAccount,
    state: Annotated[State | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> IncidentsOut:
    """The newest incidents, all or those in one state."""
    found = queries.incident_rows(session, states=[state] if state else rules.STATES, limit=limit)
    rows = as_seen_by(session, account, found)
    job_ids = dispatch_queries.job_ids_by_incident(session, [row.id for row in rows])
    now = clock.now()
    return IncidentsOut(
        incidents=[IncidentOut(**incident_fields(row, job_id=job_ids.get(row.id), now=now)) for row in rows]
    )


@router.get("/incidents/{incident_id}", summary="One incident with its reports and history")
def show_incident(session: SessionDep, account: CurrentAccount, incident_id: int) -> IncidentDetailOut:
    """Everything about an incident; residents' words only for those who act on them."""
    row = as_seen_by(session, account, [queries.incident_row(session, incident_id)])[0]
    job_ids = dispatch_queries.job_ids_by_incident(session, [incident_id])
    fields = incident_fields(row, job_id=job_ids.get(incident_id), now=clock.now())
    reports = queries.report_rows(session, incident_id) if account.has_any(READERS) else []
    agencies = {
        agency.code: AgencyOut(code=agency.code, name=Words(th=agency.name_th, en=agency.name_en))
        for agency in promise_queries.agency_rows(session)
    }
    signpost = near_queries.signpost(session, incident_id)
    return IncidentDetailOut(
        **fields,
        merged_into=NumberOut(id=signpost[0], number=signpost[1]) if signpost else None,
        took_in=[NumberOut(id=id_, number=number) for id_, number in near_queries.taken_in(session, incident_id)],
        perhaps_same=_perhaps_same(session, account, row),
        reports=[
            ReportOut(
                id=report.id,
                source=report.source,
                text=report.text,
                category_code=report.category_code,
                place=PlaceOut(lon=report.lon, lat=report.lat),
                place_source=report.place_source,
                created_at=report.created_at,
                join_terms=report.join_terms,
                withdrawn_at=report.withdrawn_at,
                is_private=report.is_private,
            )
            for report in reports
        ],
        changes=[
            ChangeOut(
                from_state=change.from_state,
                to_state=change.to_state,
                at=change.changed_at,
                by=change.changed_by,
                reason=change.reason,
                kind=change.kind,
                from_agency=agencies.get(change.from_agency_code or ""),
                to_agency=agencies.get(change.to_agency_code or ""),
            )
            for change in queries.change_rows(session, incident_id)
        ],
    )


def _perhaps_same(session: SessionDep, account: AccountRef, row: IncidentRow) -> list[PerhapsSameOut]:
    found = near_queries.perhaps_same(session, row.id)
    job_ids = dispatch_queries.job_ids_by_incident(session, [other_id for other_id, *_ in found])
    now = clock.now()
    shown = []
    for other_id, score, terms in found:
        other = as_seen_by(session, account, [queries.incident_row(session, other_id)])[0]
        shown.append(
            PerhapsSameOut(
                incident=IncidentOut(**incident_fields(other, job_id=job_ids.get(other_id), now=now)),
                score=score,
                terms=terms,
                distance_m=round(distance_m(row.place, other.place), 1),
            )
        )
    return shown


@router.post("/incidents/{incident_id}/state", summary="Move an incident to its next state")
def change_incident_state(
    session: SessionDep, account: Changer, incident_id: int, given: StateChangeIn
) -> IncidentDetailOut:
    """The incident is in the new state and everybody who reported it is told once; 409 where that is no step."""
    actions.change_state(
        session, incident_id, given.to, by=account.username, reason=given.reason, seen_state=given.seen
    )
    staff_actions.record(
        session,
        account=account,
        action="incident.state_changed",
        subject=f"incident:{incident_id}",
        detail={"to": given.to},
    )
    return show_incident(session, account, incident_id)


@router.get("/photos/{name}", summary="A photo", response_class=Response)
def show_photo(session: SessionDep, account: CurrentAccount, request: Request, name: str) -> Response:
    """The picture, redacted where an officer has done so, for signed-in people only; asked for anew each time.

    What nobody has reviewed is for those who read residents' words, and each look at it is in the audit log.
    """
    stem, _, ending = name.partition(".")
    if not stem.isdecimal() or ending not in {"jpg", "png"}:
        raise NotFoundError(f"There is no photo '{name}'.")
    photo = queries.photo(session, int(stem))
    review = redaction_queries.review_of(session, photo.id)
    if review is None:
        return _unreviewed(session, account, photo)
    if review.verdict == "hidden":
        raise NotFoundError(f"There is no photo '{name}'.")
    shown = review if review.path is not None else photo
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{shown.sha256}"'}
    picture = kept_picture(photo.id, shown.path)
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(picture, media_type=shown.content_type, headers=headers)


def _unreviewed(session: SessionDep, account: AccountRef, photo: Photo) -> Response:
    """Kept by no browser, so that a second look is asked for and logged as well."""
    if not account.has_any(READERS):
        raise ForbiddenError(f"Nobody has reviewed photo {photo.id} yet: it is for {' or '.join(READERS)}.")
    picture = kept_picture(photo.id, photo.path)
    note_look(session, account, photo.id)
    return Response(picture, media_type=photo.content_type, headers={"Cache-Control": "no-store"})


def kept_picture(photo_id: int, name: str | None) -> bytes:
    """The bytes of a photo's file; raises NotFoundError where it is missing."""
    path = photos.folder() / (name or "")
    if not path.is_file():
        raise NotFoundError(f"The file of photo {photo_id} is missing.")
    return path.read_bytes()


def note_look(session: SessionDep, account: AccountRef, photo_id: int) -> None:
    """The audit log says who looked at the picture as it came."""
    staff_actions.record(session, account=account, action="photo.looked_at", subject=f"photo:{photo_id}", detail={})
