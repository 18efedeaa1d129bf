"""Cries for help in groups on LINE by people whom the city does not know."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from core import sealing
from incidents import group_calls
from incidents.group_models import GroupCall
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["people"])

Officer = Annotated[AccountRef, Depends(needs("officer", "dispatcher", "approver", "admin"))]


class GroupCallOut(BaseModel):
    """How often somebody unknown cried for help in a group, and since when; `group` is its name where LINE tells it."""

    id: int
    group: str | None
    began_at: datetime
    last_at: datetime
    cries: int


class GroupCallsOut(BaseModel):
    """Calls that nobody has seen to, the last one first."""

    calls: list[GroupCallOut]


class CryOut(BaseModel):
    """What was cried, and when."""

    text: str
    at: datetime


class HeardOut(BaseModel):
    """The words of a call, the oldest first; further cries than these are counted."""

    cries: list[CryOut]


class AnswerIn(BaseModel):
    """What everybody in the group will read."""

    text: Annotated[str, Field(min_length=1, max_length=group_calls.ANSWER_LIMIT)]


def _out(call: GroupCall) -> GroupCallOut:
    name = sealing.unseal(bytes(call.name_sealed)) if call.name_sealed is not None else None
    return GroupCallOut(id=call.id, group=name, began_at=call.began_at, last_at=call.last_at, cries=call.cries)


@router.get("/group-calls", summary="Cries for help in groups that nobody has seen to")
def list_calls(session: SessionDep, account: Officer) -> GroupCallsOut:
    """In which groups, since when and how often; the words are read one call at a time."""
    return GroupCallsOut(calls=[_out(call) for call in group_calls.waiting(session)])


@router.get("/group-calls/{call_id}", summary="What was cried in a group")
def hear_call(session: SessionDep, account: Officer, call_id: int) -> HeardOut:
    """The words, and not whose; each look is logged."""
    heard = group_calls.hear(session, call_id, account=account)
    return HeardOut(cries=[CryOut(text=one.text, at=one.happened_at) for one in heard.cries])


@router.post("/group-calls/{call_id}/looked-at", summary="Somebody has looked at a call")
def look_at_call(session: SessionDep, account: Officer, call_id: int) -> GroupCallsOut:
    """The call waits no more; 409 where somebody else was faster."""
    group_calls.look_at(session, call_id, account=account)
    return list_calls(session, account)


@router.post("/group-calls/{call_id}/answer", summary="Answer a group")
def answer_call(session: SessionDep, account: Officer, call_id: int, given: AnswerIn) -> GroupCallsOut:
    """Everybody in the group reads these words from the city; 409 where somebody else was faster."""
    group_calls.answer(session, call_id, given.text, account=account)
    return list_calls(session, account)
