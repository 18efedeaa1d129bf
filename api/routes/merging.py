"""One incident, once: officers merge two, part them again, split reports off, and say which are not the same."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.bodies import OnceRoute
from api.deps import SessionDep
from api.routes.incidents import Changer, IncidentDetailOut, show_incident
from incidents import merging
from staff import actions as staff_actions
from staff.rules import AccountRef

# What a bigint holds.
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]

router = APIRouter(route_class=OnceRoute, prefix="/incidents/{incident_id}", tags=["incidents"])


class MergeIn(BaseModel):
    """The other incident, and why; which of the two survives follows from what they are."""

    other_id: Id
    reason: str = Field(default="", max_length=500)


class OtherIn(BaseModel):
    """The other incident."""

    other_id: Id


class SplitIn(BaseModel):
    """The reports that tell of something else, and why."""

    report_ids: list[Id] = Field(min_length=1, max_length=1000)
    reason: str = Field(default="", max_length=500)


def _record(session: SessionDep, account: AccountRef, action: str, incident_id: int, **detail: object) -> None:
    subject = f"incident:{incident_id}"
    staff_actions.record(session, account=account, action=f"incident.{action}", subject=subject, detail=detail)


@router.post("/merge", summary="Merge two incidents into one")
def merge(session: SessionDep, account: Changer, incident_id: int, given: MergeIn) -> IncidentDetailOut:
    """The survivor, with every report of both; who reported either is told once. 409 where one is not open."""
    survivor = merging.merge_incidents(session, incident_id, given.other_id, by=account.username, reason=given.reason)
    _record(session, account, "merged", incident_id, other_id=given.other_id, survivor_id=survivor.id)
    return show_incident(session, account, survivor.id)


@router.post("/merge/undo", summary="Part a merged incident again")
def undo_merge(session: SessionDep, account: Changer, incident_id: int) -> IncidentDetailOut:
    """The merged incident is open again with all that it had; 409 where it is not merged."""
    merging.undo_merge(session, incident_id, by=account.username)
    _record(session, account, "merge_undone", incident_id)
    return show_incident(session, account, incident_id)


@router.post("/split", summary="Make reports an incident of their own")
def split(session: SessionDep, account: Changer, incident_id: int, given: SplitIn) -> IncidentDetailOut:
    """The new incident; who sent these reports is told its number. 422 where no report would stay."""
    own = merging.split_reports(session, incident_id, given.report_ids, by=account.username, reason=given.reason)
    _record(session, account, "split", incident_id, report_ids=given.report_ids, new_id=own.id)
    return show_incident(session, account, own.id)


@router.post("/not-same", summary="Say that two incidents are not the same")
def keep_apart(session: SessionDep, account: Changer, incident_id: int, given: OtherIn) -> IncidentDetailOut:
    """The incident, without the other among those that are perhaps the same; nobody is asked again."""
    merging.keep_apart(session, incident_id, given.other_id, by=account.username)
    _record(session, account, "kept_apart", incident_id, other_id=given.other_id)
    return show_incident(session, account, incident_id)
