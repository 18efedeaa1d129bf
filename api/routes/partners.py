"""Partners who are told of incidents without asking, as officers see them: who listens, and who does not."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from api.deps import SessionDep, needs
from incidents.exchange import hook_queries
from staff.rules import AccountRef

router = APIRouter(tags=["incidents"])

Officer = Annotated[AccountRef, Depends(needs("officer", "admin"))]


class PartnerOut(BaseModel):
    """A partner that is told. `fault` says why the last attempt failed; paused it is told nothing until an operator
    acts. Moments of attempts are in real time.
    """

    name: str
    agency_code: str | None
    host: str
    waiting: int
    refused: int
    failures: int
    fault: str
    told_wall_at: datetime | None
    failing_since_wall_at: datetime | None
    paused_wall_at: datetime | None


class PartnersOut(BaseModel):
    """Every partner that is told, in the order of names."""

    partners: list[PartnerOut]


@router.get("/partners", summary="Who is told of incidents, and who does not listen")
def list_partners(session: SessionDep, account: Officer) -> PartnersOut:
    """Where and how well each is told; never its whole address, nor what signs the calls."""
    return PartnersOut(
        partners=[
            PartnerOut(
                name=one.name, agency_code=one.agency_code, host=one.host, waiting=one.waiting, refused=one.refused,
                failures=one.failures, fault=one.fault, told_wall_at=one.told_wall_at,
                failing_since_wall_at=one.failing_since_wall_at, paused_wall_at=one.paused_wall_at,
            )
            for one in hook_queries.hooks(session)
        ]
    )
