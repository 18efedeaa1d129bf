"""Incidents as officers take them along, as table or map: what the inbox's filter shows. Who took what is logged."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from api.routes.inbox import PageIn, wanted_of
from api.routes.incidents import READERS
from api.routes.open_incidents import CSV, GEOJSON
from core import clock
from incidents import export_queries, inbox, inbox_queries, opendata
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["incidents"])
Reader = Annotated[AccountRef, Depends(needs(*READERS))]


class ExportIn(PageIn):
    """The inbox's filter, and how much is taken along at once."""

    limit: Annotated[int, Field(ge=1, le=opendata.LARGEST_PAGE)] = opendata.LARGEST_PAGE


ExportDep = Annotated[ExportIn, Query()]


def _page(
    session: SessionDep, account: AccountRef, request: Request, asked: ExportIn
) -> tuple[list[dict[str, Any]], str | None]:
    """The page and the address of the next one; the log has who took how many, and what they asked for."""
    after = inbox.read(asked.after) if asked.after else None
    found = inbox_queries.page(
        session, wanted_of(asked, account), order=asked.order, after=after, limit=asked.limit + 1, now=clock.now()
    )
    rows = export_queries.rows_of(session, [incident_id for incident_id, *_ in found[: asked.limit]])
    staff_actions.record(
        session, account=account, action="incident.exported", subject="incidents",
        detail={"count": len(rows), "asked": request.url.query, "form": request.url.path.rpartition(".")[2]},
    )
    if len(found) <= asked.limit:
        return rows, None
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    last = inbox.written(found[asked.limit - 1][2])
    return rows, f"{request.url.path}?{urlencode([*query, ('after', last)])}"


def _answer(body: bytes, following: str | None, *, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    return Response(body, media_type=media_type, headers=headers)


@router.get("/incidents/export.csv", summary="Incidents to take along, as a table", response_class=Response,
            responses={200: {"content": {"text/csv": {}}}})
def export_incidents_csv(session: SessionDep, account: Reader, request: Request, asked: ExportDep) -> Response:
    """What the inbox's filter shows, in its order: exact places and first words, for those who act on them only."""
    rows, following = _page(session, account, request, asked)
    return _answer(
        opendata.as_csv(rows, export_queries.COLUMNS), following, media_type=CSV, name="incidents.csv"
    )


@router.get("/incidents/export.geojson", summary="Incidents to take along, as GeoJSON", response_class=Response,
            responses={200: {"content": {GEOJSON: {}}}})
def export_incidents_geojson(session: SessionDep, account: Reader, request: Request, asked: ExportDep) -> Response:
    """The same as points."""
    rows, following = _page(session, account, request, asked)
    links = [{"rel": "next", "href": following, "type": GEOJSON}] if following else []
    return _answer(
        opendata.as_geojson(rows, export_queries.COLUMNS, links=links), following, media_type=GEOJSON,
        name="incidents.geojson",
    )
