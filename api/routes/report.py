"""The form for those without LINE, and the page on which they follow their report; both work without scripts."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api import report_page
from api.deps import SessionDep
from api.report_page import Followed, Page
from core import clock, sealing
from core.db import transaction
from core.errors import ForbiddenError
from gis import queries as gis_queries
from incidents import photos
from incidents.exchange import arrivals, keys, queries, webform
from incidents.exchange.errors import NoSuchRequestError, UnusableReportError
from incidents.exchange.webform import WebReport

router = APIRouter(include_in_schema=False)

# No part of a page of ours is kept by others, and the link to a report goes to nobody else.
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def _language(request: Request) -> str:
    return "en" if request.query_params.get("lang") == "en" else "th"


def _page(session: SessionDep, request: Request) -> Page:
    city, language = gis_queries.city(session), _language(request)
    return Page(city.name_en if language == "en" else city.name_th, city.is_simulated, language)


def _answer(page: Page, content: str, *, status: int = 200) -> Response:
    return HTMLResponse(report_page.whole(page, content), status_code=status, headers=HEADERS)


@router.get("/report")
def show_form(request: Request, session: SessionDep) -> Response:
    """The empty form."""
    page = _page(session, request)
    return _answer(
        page, report_page.form(page, queries.services(session), stamp=webform.stamp(clock.wall_now()), given={})
    )


@router.post("/report")
async def send_form(request: Request) -> Response:
    """The report is taken and its page is shown; or the form again with what is amiss."""
    origin = request.headers.get("origin")
    if origin not in (None, "null") and origin.partition("://")[2] != request.headers.get("host"):
        raise ForbiddenError("A page of another site cannot report here.")
    fields: dict[str, str] = {}
    pictures: list[bytes] = []
    is_readable = True
    try:
        async with request.form(max_files=arrivals.PHOTOS_AT_MOST + 1, max_fields=30) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    pictures.append(await value.read(photos.SIZE_LIMIT_BYTES + 1))
                else:
                    fields[name] = value
    except HTTPException:
        is_readable = False
    sent = [content for content in pictures if content]
    return await run_in_threadpool(_take, request, fields, sent, () if is_readable else ("photos",))


def _take(request: Request, fields: dict[str, str], pictures: Sequence[bytes], faults: Sequence[str]) -> Response:
    who = sealing.fingerprint(f"report|{request.client.host if request.client else ''}")
    with transaction() as session:
        uses = keys.count_use(session, door="report", who=who)
        page = _page(session, request)
        services = queries.services(session)
    report, amiss = webform.read_form(fields, codes={one.code for one in services})
    faults = [*faults, *amiss]
    if not webform.is_stamp_good(fields.get("stamp", ""), now=clock.wall_now()):
        faults.append("stamp")
    if uses > webform.PER_MINUTE:
        faults.append("often")
    token = ""
    if not faults:
        try:
            with transaction() as session:
                token = _receive(session, report, pictures, who=who)
        except UnusableReportError:
            faults.append(_fault_of_place(report))
    if not faults:
        return RedirectResponse(f"/report/follow/{token}?lang={page.language}", status_code=303, headers=HEADERS)
    if pictures:
        faults.append("photos-again")
    shown = report_page.form(page, services, stamp=webform.stamp(clock.wall_now()), given=fields, faults=faults)
    return _answer(page, shown, status=429 if "often" in faults else 422)


def _fault_of_place(report: WebReport) -> str:
    if report.place is not None:
        return "place"
    return "address" if report.address else "photo-place"


def _receive(session: SessionDep, report: WebReport, pictures: Sequence[bytes], *, who: bytes) -> str:
    at_photo = arrivals.spot_of_pictures(session, pictures) if report.is_at_photo and report.place is None else None
    spot = at_photo or arrivals.spot_of(session, place=report.place, address=report.address)
    exact = report.place or (at_photo.place if at_photo else None)
    where = f"{exact.lon:.5f} {exact.lat:.5f}" if exact else report.address
    request = arrivals.receive(
        session,
        arrivals.Arrival(
            door="web",
            category_code=report.category_code,
            description=report.text,
            told=report.address,
            spot=spot,
            repeat_of=f"{who.hex()}|{report.category_code}|{where}|{report.text}|{report.is_private}",
            token=secrets.token_urlsafe(24),
            contact={"phone": report.phone} if report.phone else {},
            pictures=pictures,
            is_private=report.is_private,
        ),
    )
    return request.token or ""


@router.get("/report/follow/{token}")
def follow(token: str, request: Request, session: SessionDep) -> Response:
    """Where a report stands, for who has its link; nothing on it is personal."""
    page = _page(session, request)
    try:
        followed = queries.followed(session, token)
    except NoSuchRequestError:
        return _answer(page, report_page.unknown(page), status=404)
    return _answer(page, report_page.follow(page, _followed(followed, page)))


def _followed(found: queries.FollowedRow, page: Page) -> Followed:
    return Followed(
        number=found.number,
        category=found.category_en if page.language == "en" else found.category_th,
        state=found.state,
        promised_at=found.promised_at,
        report_count=found.report_count,
        refused_pictures=found.refused_pictures,
        steps=found.steps,
    )
