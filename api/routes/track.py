"""Where everybody follows an incident by its number, without signing in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from api import track_page
from api.deps import SessionDep
from api.report_page import Page
from core import clock
from gis import queries as gis_queries
from incidents import public_queries

router = APIRouter(include_in_schema=False)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": track_page.POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@router.get("/t/{number}")
def track(number: str, request: Request, session: SessionDep) -> Response:
    """How an incident stands; a number that nobody has and one that is not public are answered alike."""
    language = "en" if request.query_params.get("lang") == "en" else "th"
    city = gis_queries.city(session)
    page = Page(city.name_en if language == "en" else city.name_th, city.is_simulated, language)
    found = public_queries.tracked(session, number)
    if found is None:
        return HTMLResponse(track_page.nothing_public(page), status_code=404, headers=HEADERS)
    return HTMLResponse(track_page.tracking(page, found, now=clock.now()), headers=HEADERS)
