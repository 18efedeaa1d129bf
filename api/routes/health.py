"""Is the process up, and can it do its work."""

from __future__ import annotations

import shutil
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from api import queries
from api.deps import SessionDep
from core.errors import UnavailableError
from core.settings import data_dir

router = APIRouter(tags=["health"])

LEAST_FREE_BYTES = 20_000_000  # A few pictures of the flood.


class Health(BaseModel):
    """It is well; anything else is a problem document."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", summary="The process is up")
def healthz() -> Health:
    """The process answers; it may still lack its database."""
    return Health()


@router.get("/readyz", summary="The process can do its work")
def readyz(session: SessionDep) -> Health:
    """The database answers and the data folder has room to write; 503 where not."""
    queries.is_answering(session)
    if shutil.disk_usage(data_dir()).free < LEAST_FREE_BYTES:
        raise UnavailableError("The disk is full: pictures of the flood and photos cannot be written.")
    return Health()
