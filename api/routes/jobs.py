"""Jobs and crews: what comes first and why, who can get there, what crews tell."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, UploadFile
from pydantic import AwareDatetime, BaseModel, Field

from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from api.routes.incidents import CategoryOut, PlaceOut, Words, as_seen_by, photo_urls
from core import clock
from core.errors import ForbiddenError
from core.words import words
from dispatch import actions, queries, rules
from dispatch.actions import CrewEvent
from dispatch.queries import CrewRow, JobRow, Suggestion
from incidents.photos import SIZE_LIMIT_BYTES
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["jobs"])

Dispatcher = Annotated[AccountRef, Depends(needs("dispatcher", "admin"))]
Teller = Annotated[AccountRef, Depends(needs("crew", "dispatcher", "admin"))]
CrewAccount = Annotated[AccountRef, Depends(needs("crew"))]

ENDED_JOBS_SHOWN = 200
CREW_SEES_ENDED_FOR = timedelta(hours=12)


class CrewName(BaseModel):
    """A crew by its code and name."""

    code: str
    name: Words


class TermOut(BaseModel):
    """A term of the score: value (0..1) times weight, with a sentence; the term of the tier weighs nothing."""

    name: str
    value: float
    weight: float
    text: Words


class JobOut(BaseModel):
    """What a crew gets. `route` is a GeoJSON line; `last_leg_m` the part beside the road."""

    id: int
    incident_id: int
    number: str
    category: CategoryOut
    state: str
    tier: int
    score: float
    terms: list[TermOut]
    weights_version: int
    crew: CrewName | None
    place: PlaceOut
    place_label: Words
    summary: str
    depth_m: float | None
    report_count: int
    route: dict[str, Any] | None
    travel_s: float | None
    distance_m: float | None
    last_leg_m: float | None
    note: str | None
    photos: list[str]
    created_at: datetime
    assigned_at: datetime | None
    done_at: datetime | None


class JobsOut(BaseModel):
    """Live jobs, most urgent first, then the newest ended ones."""

    jobs: list[JobOut]


class SuggestionOut(BaseModel):
    """A crew that can take the job, or why it cannot; the route is a GeoJSON line."""

    crew: CrewName
    vehicle: str
    rank: int
    is_excluded: bool
    reason: Words
    travel_s: float | None
    distance_m: float | None
    last_leg_m: float | None
    route: dict[str, Any] | None


class SuggestionsOut(BaseModel):
    """Crews for a job, the best first; None where they have not been worked out yet."""

    job_id: int
    computed_at: datetime | None
    suggestions: list[SuggestionOut]


class CrewSeenIn(BaseModel):
    """The crew that the dispatcher saw with the job; None where it had none."""

    code: str | None


class AssignIn(BaseModel):
    """The crew that shall go; with `seen` nothing changes where a colleague gave it to another meanwhile."""

    crew_code: str = Field(min_length=1, max_length=100)
    seen: CrewSeenIn | None = None


class EventIn(BaseModel):
    """What a crew tells; `client_event_id` is made by the phone, so that sending again changes nothing."""

    client_event_id: uuid.UUID
    kind: Literal["accept", "depart", "arrive", "finish", "fail"]
    at: AwareDatetime
    note: str | None = Field(default=None, max_length=1000)


class EventOut(BaseModel):
    """The job's state after the event; a late one changed nothing, a repeated one gets its first answer."""

    job_id: int
    state: str
    is_late: bool
    is_repeated: bool


class PhotoOut(BaseModel):
    """A kept photo."""

    id: int
    url: str


def _both(key: str, slots: dict[str, Any]) -> Words:
    key, slots = rules.sentence(key, slots)
    return Words(th=words("dispatch", key, language="th", **slots), en=words("dispatch", key, language="en", **slots))


def _crew_name(code: str | None, th: str | None, en: str | None) -> CrewName | None:
    return CrewName(code=code, name=Words(th=th or "", en=en or "")) if code else None


def _job(row: JobRow) -> JobOut:
    return JobOut(
        id=row.id,
        incident_id=row.incident_id,
        number=row.number,
        category=CategoryOut(code=row.category_code, name=Words(th=row.category_th, en=row.category_en), icon=row.icon),
        state=row.state,
        tier=row.tier,
        score=row.score,
        terms=[
            TermOut(
                name=term["name"],
                value=round(term["value"], 4),
                weight=term["weight"],
                text=_both(f"term-{term['name']}", term["slots"]),
            )
            for term in row.terms
        ],
        weights_version=row.weights_version,
        crew=_crew_name(row.crew_code, row.crew_th, row.crew_en),
        place=PlaceOut(lon=row.lon, lat=row.lat),
        place_label=Words(th=row.place_label_th, en=row.place_label_en),
        summary=row.summary,
        depth_m=row.depth_m,
        report_count=row.report_count,
        route=row.route,
        travel_s=row.travel_s,
        distance_m=row.distance_m,
        last_leg_m=row.last_leg_m,
        note=row.note,
        photos=photo_urls(row.photo_ids),
        created_at=row.created_at,
        assigned_at=row.assigned_at,
        done_at=row.done_at,
    )


def _suggestion(found: Suggestion) -> SuggestionOut:
    return SuggestionOut(
        crew=CrewName(code=found.crew_code, name=Words(th=found.crew_th, en=found.crew_en)),
        vehicle=found.vehicle,
        rank=found.rank,
        is_excluded=found.is_excluded,
        reason=_both(found.reason_key, found.reason_slots),
        travel_s=found.travel_s,
        distance_m=found.distance_m,
        last_leg_m=found.last_leg_m,
        route=found.route,
    )


def _crew_feature(crew: CrewRow) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": crew.id,
        "geometry": {"type": "Point", "coordinates": [crew.lon, crew.lat]},
        "properties": {
            "id": crew.id,
            "code": crew.code,
            "name": {"th": crew.name_th, "en": crew.name_en},
            "kind": crew.kind,
            "capabilities": crew.capabilities,
            "vehicle": crew.vehicle,
            "ford_limit_m": crew.ford_limit_m,
            "position_at": crew.position_at.isoformat(),
            "is_on_duty": crew.is_on_duty,
            "job_id": crew.job_id,
            "job_state": crew.job_state,
            "trust": crew.trust,
        },
    }


@router.get("/jobs", summary="Jobs, most urgent first")
def list_jobs(session: SessionDep, account: CurrentAccount) -> JobsOut:
    """Every live job with the terms of its priority, then the newest ended ones; a crew sees its own alone."""
    if rules.sees_own_jobs_only(account):
        return list_my_jobs(session, account)
    rows = queries.job_rows(session, ended_limit=ENDED_JOBS_SHOWN)
    return JobsOut(jobs=[_job(row) for row in as_seen_by(session, account, rows)])


@router.get("/jobs/{job_id}", summary="One job")
def show_job(session: SessionDep, account: CurrentAccount, job_id: int) -> JobOut:
    """A job with its priority, crew and way; 403 where another crew's is asked for by a crew."""
    actions.check_may_see(session, job_id, account=account)
    return _job(as_seen_by(session, account, [queries.job_row(session, job_id)])[0])


@router.get("/jobs/{job_id}/suggestions", summary="Which crews can take a job")
def list_suggestions(session: SessionDep, account: CurrentAccount, job_id: int) -> SuggestionsOut:
    """Crews by travel time through the flood, with a reason for each one offered and each one left out."""
    actions.check_may_see(session, job_id, account=account)
    found = actions.suggest(session, job_id)
    return SuggestionsOut(
        job_id=job_id,
        computed_at=found[0].computed_at if found else None,
        suggestions=[_suggestion(one) for one in found],
    )


@router.post("/jobs/{job_id}/assign", summary="Give a job to a crew")
def assign_job(session: SessionDep, account: Dispatcher, job_id: int, given: AssignIn) -> JobOut:
    """The crew has the job and the reporters are told; 409 where a crew is already on the way."""
    if given.seen is not None:
        actions.check_crew_seen(session, job_id, seen_code=given.seen.code)
    actions.assign(session, job_id, given.crew_code, by=account.username)
    staff_actions.record(
        session, account=account, action="job.assigned", subject=f"job:{job_id}", detail={"crew": given.crew_code}
    )
    return _job(as_seen_by(session, account, [queries.job_row(session, job_id)])[0])


@router.post("/jobs/{job_id}/events", summary="A crew tells how far it is")
def tell_event(session: SessionDep, account: Teller, job_id: int, given: EventIn) -> EventOut:
    """The event is kept once; sending it again, or late, moves nothing back."""
    event = CrewEvent(given.client_event_id, given.kind, given.at, given.note)
    answer = actions.apply_event(session, job_id, event, account=account)
    if not answer.is_repeated:
        staff_actions.record(
            session,
            account=account,
            action=f"job.{given.kind}",
            subject=f"job:{job_id}",
            detail={"state": answer.state, "is_late": answer.is_late},
        )
    return EventOut(job_id=job_id, state=answer.state, is_late=answer.is_late, is_repeated=answer.is_repeated)


@router.post("/jobs/{job_id}/photos", summary="A crew's photo of its job")
def add_job_photo(session: SessionDep, account: Teller, job_id: int, file: UploadFile) -> PhotoOut:
    """The photo is kept without the traces of who took it; the same picture again is the same photo."""
    raw = file.file.read(SIZE_LIMIT_BYTES + 1)
    photo_id = actions.add_photo(session, job_id, raw, account=account)
    staff_actions.record(
        session, account=account, action="job.photo_added", subject=f"job:{job_id}", detail={"photo": photo_id}
    )
    return PhotoOut(id=photo_id, url=photo_urls([photo_id])[0])


@router.get("/crew/jobs", summary="My crew's jobs")
def list_my_jobs(session: SessionDep, account: CrewAccount) -> JobsOut:
    """The jobs of the crew that is signed in: live ones, then those ended in the last 12 hours."""
    if account.crew_code is None:
        raise ForbiddenError(f"The account {account.username} belongs to no crew.")
    rows = queries.crew_job_rows(session, account.crew_code, since=clock.now() - CREW_SEES_ENDED_FOR)
    return JobsOut(jobs=[_job(row) for row in as_seen_by(session, account, rows)])


@router.get("/crews", summary="Crews on the map")
def list_crews(session: SessionDep, account: CurrentAccount) -> dict[str, Any]:
    """A GeoJSON collection of every crew, with its position's age and its job."""
    return {"type": "FeatureCollection", "features": [_crew_feature(crew) for crew in queries.crews(session)]}
