"""A resident's own page inside LINE, and the copy of everything that the city holds about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from api import export_page, problems
from api.bodies import OnceRoute
from api.deps import CSRF_HEADER, SAFE_METHODS, SessionDep
from api.routes.city import Names, Place
from core import clock, jobs
from core.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from core.settings import settings
from gis.points import LonLat
from incidents import photos
from incidents import queries as incident_queries
from incidents.personal import reports_of
from line import identity
from residents import actions, cards, codes, doors, household, queries, rules, tasks, watching
from residents.errors import WrongCodeError
from residents.models import Resident
from staff.rules import csrf_token, is_csrf_token

router = APIRouter(route_class=OnceRoute, prefix="/resident", tags=["resident"])
COOKIE = "faonam_resident"
WAY = "liff"
Language = Literal["th", "en", "ms", "my"]
Purpose = Literal["warnings", "needs", "news"]


class PageSettingsOut(BaseModel):
    """How the page learns who opened it: by LINE's own script, or from the stand-in's link where there is none."""

    channel_id: str | None
    liff_id: str | None
    sdk: str | None


class IdTokenIn(BaseModel):
    """The raw ID token, as LINE gave it to the page. Nothing else that the page knows is believed."""

    id_token: str = Field(min_length=1, max_length=identity.TOKEN_LIMIT)


class PageOut(BaseModel):
    """The page is open until `ends_at` (real time); send `csrf_token` back as X-CSRF-Token with every change."""

    csrf_token: str
    ends_at: datetime | None = None


class ConsentOut(BaseModel):
    """A purpose, the text that asks for it now, and whether the resident's last word on it was yes."""

    purpose: Purpose
    version: str
    text: str
    is_given: bool
    is_outdated: bool


class NeedOut(BaseModel):
    """A need that a household may tell of, in the resident's language."""

    code: str
    name: str


class HomeOut(BaseModel):
    """One of the resident's homes."""

    id: int
    place: Place
    name: str | None
    is_main: bool
    is_approximate: bool
    community: Names | None
    needs: list[str]


class CommunityOut(BaseModel):
    """A community that stands for a home without a pin."""

    code: str
    name: Names


class MeOut(BaseModel):
    """What the page shows: everything that its resident can change, and the words for it."""

    number: int
    language: Language
    csrf_token: str
    is_identity_checked: bool
    groups: list[Names]
    consents: list[ConsentOut]
    homes: list[HomeOut]
    homes_limit: int
    needs: list[NeedOut]
    communities: list[CommunityOut]
    areas: list[str]
    areas_limit: int


class LanguageIn(BaseModel):
    """The language in which the city shall write."""

    language: Language


class ConsentIn(BaseModel):
    """Yes or no to the text of this version, which the page has shown."""

    purpose: Purpose
    version: str = Field(max_length=40)
    is_given: bool


class MainHomeIn(BaseModel):
    """The main home: a pin, or a community without one."""

    place: Place | None = None
    community: str | None = Field(default=None, max_length=80)


class OtherHomeIn(BaseModel):
    """One home more: a pin and the resident's own word for it."""

    place: Place
    name: str = Field(min_length=1, max_length=2000)


class NeedsIn(BaseModel):
    """The needs of who lives in a home; none where the list is empty."""

    needs: list[str] = Field(max_length=40)


class AreasIn(BaseModel):
    """The communities that the resident follows beside their homes, by code; none where the list is empty."""

    areas: list[Annotated[str, Field(max_length=80)]] = Field(max_length=40)


class CodeIn(BaseModel):
    """A code that the city handed over."""

    code: str = Field(min_length=1, max_length=40)


class OpenedOut(BaseModel):
    """What the code opened: a group, or nothing more than a checked identity."""

    group: Names | None


class LinkOut(BaseModel):
    """An address that shows everything for a quarter of an hour."""

    url: str


def _page_token(request: Request) -> str:
    return request.cookies.get(COOKIE) or ""


def get_resident(request: Request, session: SessionDep) -> Resident:
    """Whose page is asking. Raises UnauthenticatedError where none is open, ForbiddenError without its CSRF token."""
    token = _page_token(request)
    resident = doors.resident_of_page(session, token) if token else None
    if resident is None:
        raise UnauthenticatedError("This page has been open for long enough. Open it again from the chat.")
    if request.method not in SAFE_METHODS and not is_csrf_token(request.headers.get(CSRF_HEADER), token=token):
        raise ForbiddenError(f"The {CSRF_HEADER} header is missing or is not this page's. Open it again from the chat.")
    return resident


Me = Annotated[Resident, Depends(get_resident)]


@router.get("/page", summary="How the page learns who opened it")
def page_settings() -> PageSettingsOut:
    """The Login channel, and the LIFF app's id and script; the latter two are null on the stand-in."""
    line = settings().line
    sdk = identity.SDK if line.liff_id else None
    return PageSettingsOut(channel_id=line.login_channel_id, liff_id=line.liff_id, sdk=sdk)


@router.post("/session", summary="Open the page with LINE's ID token")
def open_page(request: Request, response: Response, session: SessionDep, given: IdTokenIn) -> PageOut:
    """The page is open for twenty minutes; 401 with a `reason` where LINE does not vouch for this very token, once."""
    _, token, ends = doors.open_page(session, given.id_token)
    response.set_cookie(
        COOKIE, token, max_age=int(rules.PAGE_LIFE.total_seconds()), httponly=True, samesite="strict",
        secure=request.url.scheme == "https", path="/api/v1/resident",
    )
    return PageOut(csrf_token=csrf_token(token), ends_at=ends)


@router.delete("/session", summary="Close the page", status_code=204)
def close_page(request: Request, response: Response, session: SessionDep, me: Me) -> None:
    """The page shows nothing any more."""
    doors.close_page(session, _page_token(request))
    response.delete_cookie(COOKIE, path="/api/v1/resident", httponly=True, samesite="strict")


@router.get("/me", summary="What the page shows")
def show_me(request: Request, session: SessionDep, me: Me) -> MeOut:
    """Everything that the resident may see and change here."""
    return MeOut(
        number=me.id,
        language=me.language,
        csrf_token=csrf_token(_page_token(request)),
        is_identity_checked=me.identity_checked_at is not None,
        groups=[Names(th=group.name_th, en=group.name_en) for group in queries.groups_of(session, me.id)],
        consents=[_consent(session, me, purpose) for purpose in (*rules.PURPOSES, rules.NEWS)],
        homes=[_home(home) for home in queries.homes_of(session, me.id)],
        homes_limit=rules.HOMES_LIMIT,
        needs=[
            NeedOut(code=kind.code, name=kind.names.get(me.language) or kind.names["th"])
            for kind in queries.need_kinds(session)
        ],
        communities=[
            CommunityOut(code=one.code, name=Names(th=one.name_th, en=one.name_en))
            for one in queries.communities(session)
        ],
        areas=[one.code for one in watching.areas_of(session, me.id)],
        areas_limit=rules.AREAS_LIMIT,
    )


def _consent(session: SessionDep, me: Resident, purpose: Any) -> ConsentOut:
    if purpose == "warnings":
        is_given = me.consented_at is not None
    elif purpose == rules.NEWS:
        is_given = watching.gets_news(me)
    else:
        is_given = queries.is_given(session, me.id, purpose=purpose)
    version = me.consent_version if purpose == "warnings" else None
    return ConsentOut(
        purpose=purpose,
        version=rules.CONSENT_VERSION,
        text=cards.shown_consent(purpose, me.language),
        is_given=is_given,
        is_outdated=is_given and rules.is_consent_outdated(version, asked_version=None),
    )


def _home(home: queries.HomeRow) -> HomeOut:
    community = None
    if home.community_th is not None:
        community = Names(th=home.community_th, en=home.community_en or home.community_th)
    return HomeOut(
        id=home.id, place=Place(lon=home.lon, lat=home.lat), name=home.name, is_main=home.is_main,
        is_approximate=home.is_approximate, community=community, needs=list(home.needs),
    )


@router.put("/language", summary="Choose the language")
def choose_language(request: Request, session: SessionDep, me: Me, given: LanguageIn) -> MeOut:
    """The city writes in this language."""
    actions.choose_language(session, me, given.language)
    jobs.enqueue(session, tasks.link_menu, resident_id=me.id)
    return show_me(request, session, me)


@router.post("/consents", summary="Say yes or no")
def say_consent(request: Request, session: SessionDep, me: Me, given: ConsentIn) -> MeOut:
    """The log has one line more; a no takes away what was kept for that purpose. 409 where the text has changed."""
    shown = actions.Shown(text=cards.shown_consent(given.purpose, me.language), language=me.language, way=WAY)
    household.decide(session, me, purpose=given.purpose, version=given.version, is_given=given.is_given, shown=shown)
    return show_me(request, session, me)


@router.put("/home", summary="Say where the main home is")
def put_main_home(request: Request, session: SessionDep, me: Me, given: MainHomeIn) -> MeOut:
    """The main home is at the pin, or somewhere in the community; 409 without the consent to be warned."""
    place = None if given.place is None else LonLat(lon=given.place.lon, lat=given.place.lat)
    household.put_main_home(session, me, place=place, community=given.community)
    return show_me(request, session, me)


@router.post("/homes", summary="Add a home")
def add_home(request: Request, session: SessionDep, me: Me, given: OtherHomeIn) -> MeOut:
    """One home more, by the resident's own word for it; 409 where there are five or no consent to be warned."""
    place = LonLat(lon=given.place.lon, lat=given.place.lat)
    household.add_home(session, me, place=place, name=given.name)
    return show_me(request, session, me)


@router.delete("/homes/{home_id}", summary="Delete a home")
def remove_home(request: Request, session: SessionDep, me: Me, home_id: int) -> MeOut:
    """The home and its needs are gone."""
    actions.remove_home(session, resident_id=me.id, home_id=home_id)
    return show_me(request, session, me)


@router.put("/homes/{home_id}/needs", summary="Say what the people in a home need")
def say_needs(request: Request, session: SessionDep, me: Me, home_id: int, given: NeedsIn) -> MeOut:
    """The needs are kept sealed; 409 without the consent to that."""
    household.say_needs(session, me, home_id=home_id, codes=given.needs, at=clock.now())
    return show_me(request, session, me)


@router.put("/areas", summary="Follow further areas")
def follow_areas(request: Request, session: SessionDep, me: Me, given: AreasIn) -> MeOut:
    """Warnings for these communities come as for one's homes; 409 for more than five, or without the consent."""
    watching.set_communities(session, me, given.areas)
    return show_me(request, session, me)


@router.post("/codes", summary="Use a code from the city", response_model=OpenedOut)
def use_code(request: Request, session: SessionDep, me: Me, given: CodeIn) -> OpenedOut | Response:
    """The identity is checked or the group joined; 422 for a wrong code, 429 after five of them in an hour."""
    try:
        opened = codes.use_code(session, me, given.code)
    except WrongCodeError as wrong:
        # Returned, not raised: the wrong try must be committed, since it counts.
        codes.note_wrong_code(session, me)
        return problems.of_error(wrong, instance=request.url.path)
    group = opened.group
    return OpenedOut(group=None if group is None else Names(th=group.name_th, en=group.name_en))


@router.post("/export", summary="Ask for a copy of everything")
def ask_export(session: SessionDep, me: Me) -> LinkOut:
    """A link for a quarter of an hour; 429 where five are alive."""
    return LinkOut(url=doors.export_link(session, me))


@router.get("/export/{token}.json", summary="Everything about its holder, for machines")
def export_json(session: SessionDep, token: str) -> Response:
    """Everything that the city holds about the resident who asked for this link; 404 after a quarter of an hour."""
    resident = doors.resident_of_link(session, token)
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    text = export_page.as_json(export_page.everything(session, resident))
    return Response(text, headers=headers, media_type="application/json")


@router.get("/export/{token}/photos/{photo_id}", summary="A picture that its holder sent", response_class=Response)
def export_photo(session: SessionDep, token: str, photo_id: int) -> Response:
    """One of the resident's own pictures; 404 for anybody else's."""
    resident = doors.resident_of_link(session, token)
    mine = {number for report in reports_of(session, resident.id) for number in report.photo_ids}
    photo = incident_queries.photo(session, photo_id) if photo_id in mine else None
    path = photos.folder() / ((photo.path if photo else None) or "")
    if photo is None or not path.is_file():
        raise NotFoundError(f"There is no picture {photo_id} of yours.")
    return Response(path.read_bytes(), media_type=photo.content_type)


@router.get("/export/{token}", summary="Everything about its holder, to be read", response_class=HTMLResponse)
def export_html(session: SessionDep, token: str) -> HTMLResponse:
    """The same as a page that needs no script."""
    resident = doors.resident_of_link(session, token)
    everything = export_page.everything(session, resident)
    return HTMLResponse(export_page.as_html(everything, language=resident.language, token=token))
