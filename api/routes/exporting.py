"""Incidents as officers take them along, as a table or a map; who took what is logged."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from api.routes.incidents import READERS
from api.routes.open_incidents import CSV, GEOJSON, WantedDep, next_page
from incidents import export_queries, opendata
from incidents.opendata import Wanted
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["incidents"])
Reader = Annotated[AccountRef, Depends(needs(*READERS))]
Agencies = Annotated[list[str], Query(max_length=100)]
SearchWords = Annotated[str, Query(max_length=200, description="In the summary, or the whole number")]


def _page(
    session: SessionDep, account: AccountRef, request: Request, asked: Wanted, agencies: list[str], words: str
) -> tuple[list[dict[str, Any]], str | None]:
    """The page and the address of the next one; the log has who took how many, and what they asked for."""
    rows = export_queries.export_page(
        session, asked, agencies=[code.replace("\x00", "") for code in agencies], words=words
    )
    staff_actions.record(
        session, account=account, action="incident.exported", subject="incidents",
        detail={"count": len(rows), "asked": request.url.query, "form": request.url.path.rpartition(".")[2]},
    )
    return rows, next_page(request, rows, asked)


def _answer(body: bytes, following: str | None, *, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    return Response(body, media_type=media_type, headers=headers)


@router.get("/incidents/export.csv", summary="Incidents to take along, as a table", response_class=Response,
            responses={200: {"content": {"text/csv": {}}}})
def export_incidents_csv(
    session: SessionDep, account: Reader, request: Request, asked: WantedDep, agency: Agencies = [],  # noqa: B006 - FastAPI copies it.
    words: SearchWords = "",
) -> Response:
    """What the filters leave, newest first; exact places and first words: for those who act on them only."""
    rows, following = _page(session, account, request, asked, agency, words)
    return _answer(
        opendata.as_csv(rows, export_queries.COLUMNS), following, media_type=CSV, name="incidents.csv"
    )


@router.get("/incidents/export.geojson", summary="Incidents to take along, as GeoJSON", response_class=Response,
            responses={200: {"content": {GEOJSON: {}}}})
def export_incidents_geojson(
    session: SessionDep, account: Reader, request: Request, asked: WantedDep, agency: Agencies = [],  # noqa: B006 - FastAPI copies it.
    words: SearchWords = "",
) -> Response:
    """The same as points."""
    rows, following = _page(session, account, request, asked, agency, words)
    links = [{"rel": "next", "href": following, "type": GEOJSON}] if following else []
    return _answer(
        opendata.as_geojson(rows, export_queries.COLUMNS, links=links), following, media_type=GEOJSON,
        name="incidents.geojson",
    )
