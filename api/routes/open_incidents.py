"""Incidents for everybody, as map and table: rounded places, no words, nothing of who reported."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response, status
from pydantic import AwareDatetime

from api.deps import SessionDep
from core.db import transaction
from core.settings import settings
from core.words import words
from gis import queries as gis_queries
from incidents import opendata, public_queries
from incidents.opendata import LARGEST_PAGE, PAGE, Wanted

router = APIRouter(prefix="/public", tags=["public"])

GEOJSON, CSV = "application/geo+json", "text/csv; charset=utf-8"
JSON_LD = "application/ld+json"
State = Literal["new", "accepted", "in_progress", "done", "closed", "rejected", "reopened", "sent_on"]
# In a flood the whole city looks: an answer is made once in this time, whoever asks; so many different ones are kept.
SAME_ANSWER_S, ANSWERS_KEPT = 5.0, 64
KEPT_BY_BROWSERS_S = 30
LARGEST_ID = 2**63 - 1


def wanted(
    category: Annotated[list[str], Query(max_length=40)] = [],  # noqa: B006 - FastAPI copies it.
    state: Annotated[list[State], Query()] = [],  # noqa: B006 - FastAPI copies it.
    from_: Annotated[AwareDatetime | None, Query(alias="from", description="Opened at or after")] = None,
    to: Annotated[AwareDatetime | None, Query(description="Opened before")] = None,
    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees", max_length=200)] = None,
    after: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="As the link to the next page says")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE,
) -> Wanted:
    """What the question asks for; raises InvalidInputError for a box that is none."""
    return Wanted(
        categories=[one.replace("\x00", "") for one in category], states=state, from_at=from_, to_at=to,
        bbox=opendata.read_bbox(bbox), after=after, limit=limit,
    )


WantedDep = Annotated[Wanted, Depends(wanted)]


class RecentAnswers:
    """Answers of the last seconds by what was asked: the same for all who ask within `SAME_ANSWER_S`."""

    def __init__(self) -> None:
        """Nothing was made yet."""
        self._lock = threading.Lock()
        self._made: OrderedDict[str, tuple[float, bytes, str | None]] = OrderedDict()

    def answer(self, asked: str, make: Callable[[], tuple[bytes, str | None]]) -> tuple[bytes, str | None]:
        """Body and address of the next page, at most `SAME_ANSWER_S` old."""
        now_s = time.monotonic()
        with self._lock:
            known = self._made.get(asked)
        if known is not None and now_s - known[0] <= SAME_ANSWER_S:
            return known[1:]
        body, following = make()
        with self._lock:
            self._made[asked] = (now_s, body, following)
            self._made.move_to_end(asked)
            while len(self._made) > ANSWERS_KEPT:
                self._made.popitem(last=False)
        return body, following


def next_page(request: Request, rows: list[dict[str, Any]], asked: Wanted) -> str | None:
    """The address of the page after this one, None where this one is the last."""
    if len(rows) < asked.limit:
        return None
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return f"{request.url.path}?{urlencode([*query, ('after', rows[-1]['id'])])}"


def of_page(request: Request, body: bytes, following: str | None, *, media_type: str) -> Response:
    """The page with its tag and the link to the next one; 304 where the client has it."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={KEPT_BY_BROWSERS_S}"}
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _answer(
    request: Request, asked: Wanted, *, media_type: str, write: Callable[[list[dict[str, Any]], str | None], bytes]
) -> Response:
    """A page is read whole before it goes out, so that a slow reader holds no connection to the database."""

    def make() -> tuple[bytes, str | None]:
        with transaction() as session:
            rows = public_queries.public_page(session, asked)
        following = next_page(request, rows, asked)
        return write(rows, following), following

    recent: RecentAnswers = request.app.state.open_incidents
    body, following = recent.answer(f"{media_type} {request.url.path}?{request.url.query}", make)
    return of_page(request, body, following, media_type=media_type)


@router.get("/incidents.geojson", summary="Incidents for everybody, as GeoJSON", response_class=Response,
            responses={200: {"content": {GEOJSON: {}}}})
def public_incidents_geojson(request: Request, asked: WantedDep) -> Response:
    """The newest incidents that are public, on the grid of their category, one page at a time."""
    return _answer(
        request, asked, media_type=GEOJSON,
        write=lambda rows, following: opendata.as_geojson(
            rows, links=[{"rel": "next", "href": following, "type": GEOJSON}] if following else []
        ),
    )


@router.get("/incidents.csv", summary="Incidents for everybody, as a table", response_class=Response,
            responses={200: {"content": {"text/csv": {}}}})
def public_incidents_csv(request: Request, asked: WantedDep) -> Response:
    """The same as CSV: UTF-8 with its mark, for Excel; the header `Link` leads to the next page."""
    return _answer(request, asked, media_type=CSV, write=lambda rows, following: opendata.as_csv(rows))


@router.get("/incidents/cells.geojson", summary="How many incidents are reported where, for everybody",
            response_class=Response, responses={200: {"content": {GEOJSON: {}}}})
def public_cells_geojson(request: Request, asked: WantedDep) -> Response:
    """All that is asked for, counted by cells of half a kilometre, the fullest first; `after` narrows it as a page."""

    def make() -> tuple[bytes, str | None]:
        with transaction() as session:
            return opendata.cells_as_geojson(public_queries.public_cells(session, asked)), None

    recent: RecentAnswers = request.app.state.open_incidents
    body, _ = recent.answer(f"{request.url.path}?{request.url.query}", make)
    return of_page(request, body, None, media_type=GEOJSON)


@router.get("/incidents", summary="What the open data on incidents are", response_class=Response,
            responses={200: {"content": {JSON_LD: {}}}})
def describe_public_incidents(request: Request, session: SessionDep) -> Response:
    """A DCAT entry: title, licence, every column in Thai and English, the categories, where to fetch it."""
    city = gis_queries.city(session)
    base = str(request.base_url).rstrip("/")
    here = f"{base}{request.url.path}"

    def both(key: str, **slots: str) -> list[dict[str, str]]:
        return [
            {"@language": one, "@value": words("incidents", key, language=one, **slots)} for one in ("th", "en")
        ]

    def way(url: str, media_type: str) -> dict[str, Any]:
        return {"@type": "dcat:Distribution", "dcat:accessURL": {"@id": url}, "dcat:mediaType": media_type,
                "dct:license": {"@id": settings().open_data_licence}}

    known = public_queries.shown_categories(session)
    described = {
        "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/",
                     "csvw": "http://www.w3.org/ns/csvw#", "skos": "http://www.w3.org/2004/02/skos/core#"},
        "@id": here,
        "@type": "dcat:Dataset",
        "dct:title": both("opendata-title"),
        "dct:description": both("opendata-about"),
        "dct:publisher": [{"@language": "th", "@value": city.name_th}, {"@language": "en", "@value": city.name_en}],
        "dct:license": {"@id": settings().open_data_licence},
        "dct:accrualPeriodicity": {"@id": "http://purl.org/cld/freq/continuous"},
        "is_simulated": city.is_simulated,
        "dcat:distribution": [
            way(f"{here}.csv", "text/csv"), way(f"{here}.geojson", GEOJSON),
            way(f"{base}/ogc/collections/incidents/items", GEOJSON),
        ],
        "csvw:column": [
            {"csvw:name": name, "dct:description": both(f"opendata-{name.replace('_', '-')}")}
            for name in opendata.COLUMNS
        ],
        "skos:hasTopConcept": [
            {"skos:notation": code,
             "skos:prefLabel": [{"@language": "th", "@value": th}, {"@language": "en", "@value": en}]}
            for code, th, en in known
        ],
    }
    headers = {"Cache-Control": f"public, max-age={KEPT_BY_BROWSERS_S}"}
    return Response(json.dumps(described, ensure_ascii=False).encode(), media_type=JSON_LD, headers=headers)
