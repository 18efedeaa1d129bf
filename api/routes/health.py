"""Is the process up, and can it do its work."""

from __future__ import annotations

import hmac
import ipaddress
import shutil
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api import metrics, queries
from api.deps import SessionDep
from core import clock
from core.errors import NotFoundError, UnavailableError
from core.settings import data_dir, settings

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


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
def read_metrics(request: Request, session: SessionDep) -> Response:
    """Counters of this process and one look at the database, for this machine itself or whoever has the token.

    Anybody else is told that there is nothing: how busy a city's desk is, is nobody's business.
    """
    if not _may_watch(request):
        raise NotFoundError("There is nothing at /metrics.")
    page = metrics.exposition(queries.vitals(session, now=clock.now()))
    return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")


def _may_watch(request: Request) -> bool:
    """The asker has the token, or asks on this machine and not through a proxy of it."""
    token = settings().metrics_token
    told = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token is not None:
        return hmac.compare_digest(told.encode(), token.get_secret_value().encode())
    is_passed_on = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return not is_passed_on and request.client is not None and _is_this_machine(request.client.host)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
