"""What happens to jobs and crews."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.errors import NotFoundError
from core.events import publish
from core.words import words
from dispatch import queries, ranking, rules
from dispatch.errors import JobTakenError, NotYourJobError
from dispatch.events import CrewMoved, JobAssigned, JobChanged, JobOpened
from dispatch.models import Crew, CrewSuggestion, Job, JobCrew, JobEvent, JobMove
from dispatch.queries import Suggestion
from gis.points import LonLat
from incidents import actions as incident_actions
from incidents import near_queries as incident_near_queries
from incidents import queries as incident_queries
from incidents.rules import OPEN_STATES
from staff.rules import AccountRef

LANGUAGES = ("th", "en")


# ── Opening and ordering ─────────────────────────────────────────────────────────────────────────────────────────────


def open_job(session: Session, incident_id: int) -> Job | None:
    """The incident has a live job with its priority; None where its category sends no crew. Twice is once."""
    facts = queries.facts(session, [incident_id])[incident_id]
    if not facts.needs:
        return None
    found = queries.live_job_of(session, incident_id)
    if found is not None:
        return found
    weights = queries.weights(session)
    [ranked] = ranking.priorities(session, [facts], weights=weights.weights)
    job = Job(
        incident_id=incident_id,
        state="open",
        needs=facts.needs,
        tier=ranked.tier,
        score=ranked.score,
        terms=ranking.terms_of(ranked),
        weights_version=weights.version,
        created_at=clock.now(),
    )
    session.add(job)
    session.flush()
    publish(
        session,
        JobOpened(job_id=job.id, incident_id=incident_id, number=facts.number, tier=job.tier, score=job.score),
    )
    return job


def suggest(session: Session, job_id: int) -> list[Suggestion]:
    """The crews for a job as they were last drawn, the best first; raises NotFoundError for an unknown job."""
    if session.get(Job, job_id) is None:
        raise NotFoundError(f"There is no job {job_id}.")
    return queries.suggestions(session, job_id)


# ── Giving a job to a crew ───────────────────────────────────────────────────────────────────────────────────────────


def assign(session: Session, job_id: int, crew_code: str, *, by: str) -> Job:
    """The crew has the job, its incident is in progress and the reporters will hear so; the same crew twice is once.

    Raises NotFoundError, and JobTakenError where a crew is already on the way.
    """
    job = queries.locked_job(session, job_id)
    crew = queries.crew_by_code(session, crew_code)
    if job.crew_id == crew.id and job.state in rules.WITH_CREW_STATES:
        return job
    rules.check_assignable(job.state)
    offered = session.get(CrewSuggestion, (job.id, crew.id))
    job.crew_id = crew.id
    job.state = "assigned"
    job.assigned_at = clock.now()
    job.assigned_by = by
    job.route = offered.route if offered else None
    job.travel_s = offered.travel_s if offered else None
    job.distance_m = offered.distance_m if offered else None
    job.last_leg_m = offered.last_leg_m if offered else None
    session.flush()
    given = insert(JobCrew).values(job_id=job.id, crew_id=crew.id, assigned_at=clock.now())
    session.execute(given.on_conflict_do_nothing())
    publish(
        session,
        JobAssigned(
            job_id=job.id,
            incident_id=job.incident_id,
            crew_code=crew.code,
            by=by,
            has_route=job.route is not None,
        ),
    )
    _begin_work(session, job, crew, by=by)
    return job


def check_crew_seen(session: Session, job_id: int, *, seen_code: str | None) -> None:
    """The job is still with the crew that the dispatcher saw, or with none, until the end of the transaction.

    Raises JobTakenError where a colleague has given it to another meanwhile, NotFoundError.
    """
    job = queries.locked_job(session, job_id)
    crew = session.get(Crew, job.crew_id) if job.crew_id is not None else None
    if crew is not None and crew.code != seen_code:
        names = {"th": crew.name_th, "en": crew.name_en}
        raise JobTakenError(
            words("dispatch", "assigned-meanwhile", language="en", crew=names["en"]),
            detail_th=words("dispatch", "assigned-meanwhile", language="th", crew=names["th"]),
        )


def _begin_work(session: Session, job: Job, crew: Crew, *, by: str) -> None:
    """Accepted and in progress in one message; a job handed from crew to crew tells the reporters nothing new."""
    state = incident_queries.incident(session, job.incident_id).state
    if state not in {"new", "reopened", "accepted", "sent_on"}:
        return
    names = {"th": crew.name_th, "en": crew.name_en}
    note = {tongue: words("dispatch", "crew-assigned", language=tongue, crew=names[tongue]) for tongue in LANGUAGES}
    incident_actions.advance_state(session, job.incident_id, "in_progress", by=by, reason=crew.code, note=note)


def cancel_job(session: Session, incident_id: int) -> None:
    """An incident that ended without its crew needs none: its live job is cancelled, the crew free again."""
    job = queries.live_job_of(session, incident_id)
    if job is None:
        return
    _move(session, queries.locked_job(session, job.id), "cancelled")


def fit_job(session: Session, incident_id: int) -> Job | None:
    """The incident's live job asks for what its category asks for; a crew that is sent goes on.

    None where there is none: it has ended, or its category sends no crew and nobody was sent yet. Twice is once.
    """
    incident = incident_queries.incident(session, incident_id)
    if incident.state not in OPEN_STATES:
        return None
    needs = queries.facts(session, [incident_id])[incident_id].needs
    job = queries.live_job_of(session, incident_id)
    if job is None:
        return open_job(session, incident_id)
    held = queries.locked_job(session, job.id)
    if held.state == "open" and not needs:
        _move(session, held, "cancelled")
        return None
    held.needs = needs or held.needs
    session.flush()
    return held


def take_over_jobs(session: Session, *, merge_id: int, from_id: int, to_id: int) -> None:
    """The jobs of the merged incident are the survivor's; of two live ones the further on stays, the other is no more.

    Twice is the same as once; nothing happens where the merge was undone since.
    """
    for incident_id in sorted((from_id, to_id)):  # As whoever merges and undoes holds them.
        incident_queries.locked_incident(session, incident_id)
    merge = incident_near_queries.merge(session, merge_id)
    if merge is None or merge.undone_at is not None:
        return
    theirs, ours = queries.live_job_of(session, from_id), queries.live_job_of(session, to_id)
    if theirs is not None and ours is not None:
        lesser = min((ours, theirs), key=lambda job: (rules.LIVE_STATES.index(job.state), job.id == theirs.id, -job.id))
        _move(session, queries.locked_job(session, lesser.id), "cancelled")
    moved = queries.job_ids_of(session, from_id)
    if moved:
        session.execute(insert(JobMove).values([{"merge_id": merge_id, "job_id": job_id} for job_id in moved]))
        session.execute(sa.update(Job).where(Job.id.in_(moved)).values(incident_id=to_id))
    session.expire_all()
    live = queries.live_job_of(session, to_id)
    crew = session.get(Crew, live.crew_id) if live is not None and live.crew_id is not None else None
    if live is not None and crew is not None:
        _begin_work(session, live, crew, by=live.assigned_by or "")


def give_back_jobs(session: Session, *, merge_id: int, to_id: int, from_id: int) -> None:
    """The jobs that came with the merge are the other incident's again; both have a live one where they are open."""
    for incident_id in sorted((from_id, to_id)):
        incident_queries.locked_incident(session, incident_id)
    moved = queries.jobs_moved(session, merge_id)
    session.execute(sa.update(Job).where(Job.id.in_(moved), Job.incident_id == from_id).values(incident_id=to_id))
    session.execute(sa.delete(JobMove).where(JobMove.merge_id == merge_id))
    session.expire_all()
    for incident_id in (to_id, from_id):
        if incident_queries.incident(session, incident_id).state in OPEN_STATES:
            open_job(session, incident_id)


# ── What crews tell ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CrewEvent:
    """What a crew's phone tells of a job: `kind` accept, depart, arrive, finish or fail; `happened_at` by its clock."""

    client_event_id: uuid.UUID
    kind: str
    happened_at: datetime
    note: str | None = None


@dataclass(frozen=True)
class EventAnswer:
    """What an event did: the job's state after it, whether it came too late to move it, whether it was known before."""

    state: str
    is_late: bool
    is_repeated: bool


def apply_event(session: Session, job_id: int, event: CrewEvent, *, account: AccountRef) -> EventAnswer:
    """The event is kept once and the job is where it says, unless it came late; repeating it gives the first answer.

    Raises NotFoundError for an unknown job, NotYourJobError where the account's crew never had it.
    """
    job = queries.locked_job(session, job_id)
    known = session.get(JobEvent, event.client_event_id)
    if known is not None:
        return EventAnswer(known.state_after, known.is_late, is_repeated=True)
    crew = _crew_of(session, account)
    _check_had_job(session, job, crew)
    now = clock.now()
    is_same_crew = crew is None or crew.id == job.crew_id
    step = rules.step(job.state, kind=event.kind, is_same_crew=is_same_crew)
    session.execute(
        insert(JobEvent).values(
            client_event_id=event.client_event_id,
            job_id=job.id,
            crew_id=crew.id if crew else job.crew_id,
            kind=event.kind,
            happened_at=event.happened_at,
            received_at=now,
            account_id=account.id,
            note=event.note,
            is_late=step.is_late,
            is_clock_doubtful=rules.is_clock_doubtful(happened_at=event.happened_at, received_at=now),
            state_after=step.state,
        )
    )
    if not step.is_late:
        _follow(session, job, event, step.state, crew=crew, account=account)
    return EventAnswer(step.state, step.is_late, is_repeated=False)


def _crew_of(session: Session, account: AccountRef) -> Crew | None:
    """The account's crew; None for a dispatcher, who may tell for any crew by radio."""
    return queries.crew_by_code(session, account.crew_code) if account.crew_code else None


def _check_had_job(session: Session, job: Job, crew: Crew | None) -> None:
    if crew is None or job.crew_id == crew.id:
        return
    if not queries.has_had_job(session, job_id=job.id, crew_id=crew.id):
        raise NotYourJobError(f"Job {job.id} was never given to crew '{crew.code}'.")


def check_may_see(session: Session, job_id: int, *, account: AccountRef) -> None:
    """The account may read the job: any one for those who direct, for a crew those it has or had.

    Raises NotFoundError for an unknown job, NotYourJobError.
    """
    if not rules.sees_own_jobs_only(account):
        return
    job = session.get(Job, job_id)
    if job is None:
        raise NotFoundError(f"There is no job {job_id}.")
    crew = _crew_of(session, account)
    if crew is None:
        raise NotYourJobError(f"The account {account.username} belongs to no crew.")
    _check_had_job(session, job, crew)


def _follow(
    session: Session, job: Job, event: CrewEvent, state: str, *, crew: Crew | None, account: AccountRef
) -> None:
    if event.note:
        job.note = event.note
    _move(session, job, state)
    if state in {"on_scene", "done"} and job.crew_id is not None:
        _place_crew(session, job)
    by = crew.code if crew else account.username
    if state == "done":
        incident_id = incident_near_queries.surviving_id(session, job.incident_id)
        incident = incident_queries.incident(session, incident_id)
        if incident.state in {"new", "accepted", "in_progress", "reopened", "sent_on"}:
            note = event.note or ""
            incident_actions.advance_state(session, incident_id, "done", by=by, reason=note)
    if state == "failed":
        open_job(session, job.incident_id)


def _move(session: Session, job: Job, state: str) -> None:
    before = job.state
    job.state = state
    if state in rules.END_STATES:
        job.done_at = clock.now()
    session.flush()
    crew = session.get(Crew, job.crew_id) if job.crew_id else None
    publish(
        session,
        JobChanged(
            job_id=job.id,
            incident_id=job.incident_id,
            crew_code=crew.code if crew else None,
            from_state=before,
            to_state=state,
        ),
    )


def _place_crew(session: Session, job: Job) -> None:
    """A crew that arrived is where its incident is."""
    crew = session.get_one(Crew, job.crew_id)
    place: LonLat = incident_queries.place_of(session, job.incident_id)
    crew.position = f"SRID=4326;POINT({place.lon!r} {place.lat!r})"
    crew.position_at = clock.now()
    session.flush()
    publish(session, CrewMoved(crew_code=crew.code, lon=place.lon, lat=place.lat))


def add_photo(session: Session, job_id: int, raw: bytes, *, account: AccountRef) -> int:
    """A crew's photo of its job is kept; its id. Raises NotFoundError, NotYourJobError, UnusablePhotoError."""
    job = queries.locked_job(session, job_id)
    _check_had_job(session, job, _crew_of(session, account))
    photo_id = incident_actions.add_job_photo(session, incident_id=job.incident_id, raw=raw)
    job.photo_id = photo_id
    session.flush()
    return photo_id
