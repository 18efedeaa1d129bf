"""What residents do by chat, as officers see it: how they rate, who is held for sending too much, who is blocked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from incidents import own_queries
from incidents.exchange import traffy_queries
from residents import blocking
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["people"])

Officer = Annotated[AccountRef, Depends(needs("officer", "admin"))]
Reader = Annotated[AccountRef, Depends(needs("officer", "dispatcher", "approver", "admin"))]
Reason = Annotated[str, Field(min_length=1, max_length=blocking.REASON_LIMIT)]


class RatingOut(BaseModel):
    """How well a reporter says that it was done; nothing says who."""

    stars: int
    words: str
    rated_at: datetime


class RatingsOut(BaseModel):
    """The ratings of an incident, the oldest first."""

    ratings: list[RatingOut]


class HeldOut(BaseModel):
    """How many messages of one member are held: for their `pace`, or by a `block`."""

    number: int
    messages: int
    first_at: datetime
    last_at: datetime
    held_for: Literal["pace", "block"]
    blocked_until: datetime | None


class HeldPeopleOut(BaseModel):
    """Of whom messages are held, who has most first."""

    held: list[HeldOut]


class LetThroughOut(BaseModel):
    """How many messages will be heard and answered after all."""

    messages: int


class BlockIn(BaseModel):
    """For how long, and why."""

    hours: Annotated[int, Field(ge=1, le=blocking.LONGEST // timedelta(hours=1))]
    reason: Reason


class LiftIn(BaseModel):
    """Why the block ends."""

    reason: Reason


class BlockOut(BaseModel):
    """One block of a member, as it began and ended."""

    blocked_at: datetime
    blocked_by: str
    until: datetime
    reason: str
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None


class BlocksOut(BaseModel):
    """The blocks of a member, the newest first."""

    blocks: list[BlockOut]


@router.get("/incidents/{incident_id}/ratings", summary="How its reporters rate an incident")
def list_ratings(session: SessionDep, account: Reader, incident_id: int) -> RatingsOut:
    """Stars and words of those who reported it, also through partners; only for those who act on them."""
    return RatingsOut(
        ratings=[
            RatingOut(stars=one.stars, words=one.words, rated_at=one.rated_at)
            for one in own_queries.ratings_of(session, incident_id)
        ]
        + [
            RatingOut(stars=one.stars, words="", rated_at=one.rated_at)
            for one in traffy_queries.ratings(session, incident_id)
        ]
    )


@router.get("/chat/held", summary="Of whom messages are held")
def list_held(session: SessionDep, account: Officer) -> HeldPeopleOut:
    """Members who sent more than anybody tells, or are blocked: how much of theirs waits, never what."""
    return HeldPeopleOut(
        held=[
            HeldOut(
                number=one.resident_id, messages=one.messages, first_at=one.first_at, last_at=one.last_at,
                held_for="block" if one.held_for == "block" else "pace", blocked_until=one.blocked_until_at,
            )
            for one in blocking.held_people(session)
        ]
    )


@router.post("/residents/{number}/let-through", summary="Hear what was held of a member")
def let_through(session: SessionDep, account: Officer, number: int) -> LetThroughOut:
    """What was held is heard and answered, in its order. 409 while the member is blocked."""
    return LetThroughOut(messages=blocking.let_through(session, account=account, resident_id=number))


@router.get("/residents/{number}/blocks", summary="When and why a member was blocked")
def list_blocks(session: SessionDep, account: Officer, number: int) -> BlocksOut:
    """Every block of the member, by whom, why, and how it ended."""
    return BlocksOut(
        blocks=[
            BlockOut(
                blocked_at=one.blocked_at, blocked_by=one.blocked_by, until=one.until_at, reason=one.reason,
                lifted_at=one.lifted_at, lifted_by=one.lifted_by, lift_reason=one.lift_reason,
            )
            for one in blocking.blocks_of(session, number)
        ]
    )


@router.post("/residents/{number}/block", summary="Keep a member from ordinary reports", status_code=201)
def block(session: SessionDep, account: Officer, number: int, given: BlockIn) -> BlocksOut:
    """For so long only emergencies of the member are heard; everything else is kept."""
    lasts = timedelta(hours=given.hours)
    blocking.block(session, account=account, resident_id=number, lasts=lasts, reason=given.reason)
    return list_blocks(session, account, number)


@router.post("/residents/{number}/unblock", summary="Hear a member again")
def unblock(session: SessionDep, account: Officer, number: int, given: LiftIn) -> BlocksOut:
    """The member is heard again; 409 where they are not blocked."""
    blocking.lift(session, account=account, resident_id=number, reason=given.reason)
    return list_blocks(session, account, number)
