"""What wakes the room: incidents that need a crew, crews that become free, water that closes streets."""

from __future__ import annotations

from sqlalchemy.orm import Session

import dispatch.personal  # noqa: F401 - this is where the room forgets people.
from core import jobs
from core.events import subscribes
from dispatch import actions, queries, ranking, rules, suggestions
from dispatch.events import JobAssigned, JobChanged
from dispatch.models import Job
from flood.events import FloodRedrawn
from flood.queries import current_run
from incidents import near_queries
from incidents.events import (
    IncidentChanged,
    IncidentMoved,
    IncidentOpened,
    IncidentRecategorised,
    IncidentsMerged,
    MergeUndone,
    ReportJoined,
)

QUEUE = "dispatch"


@subscribes(IncidentOpened, by="dispatch.open_job", concerns=lambda event: bool(event.needs))
def open_job(session: Session, event: IncidentOpened) -> None:
    """An incident of a category that sends a crew has a job; where it was merged meanwhile, the survivor has one."""
    actions.open_job(session, near_queries.surviving_id(session, event.incident_id))


@subscribes(ReportJoined, by="dispatch.rank_again_after_report")
def rank_again_after_report(session: Session, event: ReportJoined) -> None:
    """More reports make the job surer and perhaps more urgent."""
    _rank_again(session, event.incident_id)


@subscribes(IncidentMoved, by="dispatch.follow_incident")
def follow_incident(session: Session, event: IncidentMoved) -> None:
    """A better known place means another depth and another way."""
    _rank_and_draw(session, queries.live_job_of(session, event.incident_id))


@subscribes(IncidentChanged, by="dispatch.follow_incident_state")
def follow_incident_state(session: Session, event: IncidentChanged) -> None:
    """An incident that ended by other hands frees its crew; one opened again needs a crew again."""
    if event.to_state in {"done", "closed", "rejected"}:
        actions.cancel_job(session, event.incident_id)
    if event.to_state == "reopened":
        actions.open_job(session, event.incident_id)


@subscribes(IncidentRecategorised, by="dispatch.follow_category")
def follow_category(session: Session, event: IncidentRecategorised) -> None:
    """Another kind of trouble needs another crew, or none, and comes at another rank."""
    _rank_and_draw(session, actions.fit_job(session, event.incident_id))


@subscribes(IncidentsMerged, by="dispatch.follow_merge")
def follow_merge(session: Session, event: IncidentsMerged) -> None:
    """The jobs of both are the survivor's, one of them live."""
    actions.take_over_jobs(session, merge_id=event.merge_id, from_id=event.merged_id, to_id=event.into_id)
    _rank_again(session, event.into_id)


@subscribes(MergeUndone, by="dispatch.follow_undone_merge")
def follow_undone_merge(session: Session, event: MergeUndone) -> None:
    """Each has the jobs that it had, and a live one where it still needs one."""
    actions.give_back_jobs(session, merge_id=event.merge_id, to_id=event.merged_id, from_id=event.into_id)


def _rank_again(session: Session, incident_id: int) -> None:
    job = queries.live_job_of(session, incident_id)
    if job is not None:
        ranking.rank(session, [job.id])


def _rank_and_draw(session: Session, job: Job | None) -> None:
    if job is not None:
        job.drawn_change = None
        session.flush()
        ranking.rank(session, [job.id])


@subscribes(JobAssigned, by="dispatch.suggest_after_assignment", queue=QUEUE)
def suggest_after_assignment(session: Session, event: JobAssigned) -> None:
    """The crew is busy for every other job; its own way is drawn where it was not known yet."""
    suggestions.make_old(session)


@subscribes(JobChanged, by="dispatch.suggest_after_job_ended", queue=QUEUE)
def suggest_after_job_ended(session: Session, event: JobChanged) -> None:
    """A crew that is free again is offered again."""
    if event.to_state in rules.END_STATES:
        suggestions.make_old(session)


@subscribes(FloodRedrawn, by="dispatch.suggest_after_flood", queue=QUEUE, is_serial=True)
def suggest_after_flood(session: Session, event: FloodRedrawn) -> None:
    """Jobs that wait are ranked and routed for the water as it stands; a picture that is already old is passed over."""
    newest = current_run(session)
    if newest is not None and newest.id != event.run_id:
        return
    suggestions.make_old(session)
    ranking.rank(session)


@jobs.periodic(name="dispatch.draw_suggestions", cron="* * * * * */2", queue=QUEUE)
def draw_suggestions(session: Session) -> None:
    """Jobs that are new, and those that a change has made old, have their crews ranked together."""
    suggestions.draw_due(session)


@jobs.periodic(name="dispatch.age_priorities", cron="* * * * *", queue=QUEUE)
def age_priorities(session: Session) -> None:
    """Once a minute of real time the waiting jobs are a little older."""
    ranking.rank(session)
