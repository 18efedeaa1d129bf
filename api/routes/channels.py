"""Who is told of alerts beside residents, and who takes part in exercises."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from alerts import exercise
from alerts.channels import subscribers
from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from incidents.exchange import hook_client
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["alerts"])

Admin = Annotated[AccountRef, Depends(needs("admin"))]
Officer = Annotated[AccountRef, Depends(needs("officer", "approver"))]
BIGGEST_ID = 2**63 - 1


class SubscriberIn(BaseModel):
    """An institution that is told: by mail to `address`, or by a signed webhook there.

    `area_codes` are the city's areas whose alerts it is told of; without any it is told of all.
    """

    name: str = Field(min_length=1, max_length=subscribers.LONGEST_NAME)
    kind: Literal["mail", "webhook"]
    address: str = Field(min_length=3, max_length=2000)
    language: Literal["th", "en", "ms", "my"] = "th"
    area_codes: list[str] = Field(default=[], max_length=500)
    takes_exercises: bool = False


class SubscriberAdded(BaseModel):
    """Its number; what signs a webhook's calls (Standard Webhooks) is shown this once."""

    id: int
    secret: str | None


class SubscriberOut(BaseModel):
    """An institution that is told; `shown` is as much of its address as officers need. `fault` is of the newest alert.

    Moments of attempts are in real time.
    """

    id: int
    name: str
    kind: Literal["mail", "webhook"]
    shown: str
    language: str
    area_codes: list[str]
    takes_exercises: bool
    made_at: datetime
    waiting: int
    told_wall_at: datetime | None
    fault: str


class SubscribersOut(BaseModel):
    """Every institution that is told, in the order of names."""

    subscribers: list[SubscriberOut]


class ParticipantIn(BaseModel):
    """Who is to take part in exercises, by the member number."""

    member: int = Field(ge=1, le=BIGGEST_ID)


class ParticipantOut(BaseModel):
    """Who takes part in exercises, since when, and who put them there."""

    member: int
    added_at: datetime
    added_by: str


class ExerciseList(BaseModel):
    """Everybody who takes part in exercises, by number; nobody else is ever reached by one."""

    participants: list[ParticipantOut]


@router.get("/alert-subscribers")
def list_subscribers(session: SessionDep, account: Admin) -> SubscribersOut:
    """Where and how well each is told; never its whole address, nor what signs the calls."""
    rows = subscribers.subscribers(session)
    return SubscribersOut(subscribers=[SubscriberOut.model_validate(vars(row)) for row in rows])


@router.post("/alert-subscribers", status_code=201)
def add_subscriber(body: SubscriberIn, session: SessionDep, account: Admin) -> SubscriberAdded:
    """The institution is told from the next alert on."""
    added = subscribers.add(session, **body.model_dump(), client=hook_client.configured(), by=account)
    return SubscriberAdded(id=added.id, secret=added.secret)


@router.delete("/alert-subscribers/{subscriber_id}", status_code=204)
def remove_subscriber(subscriber_id: int, session: SessionDep, account: Admin) -> Response:
    """The institution is told nothing any more, and its address is forgotten."""
    subscribers.remove(session, subscriber_id, by=account)
    return Response(status_code=204)


@router.get("/exercise-list")
def read_exercise_list(session: SessionDep, account: Officer) -> ExerciseList:
    """Who takes part in exercises; every look is in the audit log."""
    rows = exercise.participants(session, by=account)
    return ExerciseList(
        participants=[
            ParticipantOut(member=row.resident_id, added_at=row.added_at, added_by=row.added_by) for row in rows
        ]
    )


@router.post("/exercise-list", status_code=204)
def add_participant(body: ParticipantIn, session: SessionDep, account: Officer) -> Response:
    """The member takes part in exercises from now on; twice is as once."""
    exercise.add(session, body.member, by=account)
    return Response(status_code=204)


@router.delete("/exercise-list/{member}", status_code=204)
def remove_participant(member: int, session: SessionDep, account: Officer) -> Response:
    """No exercise reaches the member any more; 409 while one is on its way."""
    exercise.remove(session, member, by=account)
    return Response(status_code=204)
