"""Is the process up, and can it do its work."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from api import queries
from api.deps import SessionDep

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """It is well; anything else is a problem document."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", summary="The process is up")
def healthz() -> Health:
    """The process answers; it may still lack its database."""
    return Health()


@router.get("/readyz", summary="The process can do its work")
def readyz(session: SessionDep) -> Health:
    """The database answers too; 503 where it does not."""
    queries.is_answering(session)
    return Health()
