"""Places in words: from free text to ranked places, and from a spot to its names. Open to everybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.deps import SessionDep
from api.routes.city import Names, Place
from core.words import words
from gis.errors import InvalidPlaceError, UnreadableTextError
from gis.gazetteer import queries as gazetteer
from gis.gazetteer.geocode import TEXT_READ, Answer, Candidate, geocode
from gis.gazetteer.queries import BegunName
from gis.gazetteer.reverse import Holder, Nearby, NearestHouse, whereabouts
from gis.points import LonLat

router = APIRouter(tags=["places"])

# A name that was only begun, or is only alike, is never sure.
BEGUN_MOST = 0.5


class CandidateOut(BaseModel):
    """A place that the text may mean: the true one lies within `radius_m`; `matched` are the words that say so.

    A house or soi that `is_approximate` is not known itself: it lies there by its number, among those that are.
    """

    lon: float
    lat: float
    radius_m: float
    kind: str
    label: str
    label_en: str
    matched: str
    confidence: float = Field(ge=0, le=1)
    code: str
    is_approximate: bool


class GeocodedOut(BaseModel):
    """The likeliest place first; where there is none, `reason` (Thai) and `reason_en` say why."""

    q: str
    candidates: list[CandidateOut]
    reason: str | None
    reason_en: str | None


class HolderOut(BaseModel):
    """An area or administrative unit that holds the spot; `is_simplified` where its outline is only for drawing."""

    kind: str
    code: str
    name: Names
    is_simplified: bool


class NearbyOut(BaseModel):
    """The nearest named road or facility, and how far away it is."""

    kind: str
    code: str
    name: Names
    away_m: float


class HouseOut(BaseModel):
    """The nearest numbered house, the street that it is counted in, and how far away it is."""

    house_number: str
    street: Names
    away_m: float


class WhereaboutsOut(BaseModel):
    """What a spot is called, the areas that hold it (the smallest first), the nearest road and facility within 2 km,
    the nearest house number within 40 m.
    """

    place: Place
    label: Names
    areas: list[HolderOut]
    road: NearbyOut | None
    facility: NearbyOut | None
    house: HouseOut | None


@router.get("/geocode")
def find_places(
    session: SessionDep,
    q: Annotated[str, Query(description="Thai or English text: an address, a report, a name", max_length=TEXT_READ)],
    near: Annotated[
        str | None, Query(description="Where the asker looks, as longitude,latitude in degrees", max_length=60)
    ] = None,
) -> GeocodedOut:
    """Where the text says it is, at most five candidates; coordinates, map links and Plus Codes are read too."""
    if "\x00" in q:
        raise UnreadableTextError("q: the text holds a NUL character; send it without.")
    if not q.strip():
        raise UnreadableTextError("q: there is no text to look for.")
    asker = _near(near) if near is not None else None
    answer = geocode(gazetteer.gazetteer(session), q, near=asker)
    found = [_candidate(candidate) for candidate in answer.candidates]
    if not found and _may_be_begun(answer, q):
        found = [_begun(name, q) for name in gazetteer.names_begun(session, q)]
    return GeocodedOut(
        q=q,
        candidates=found,
        reason=None if found else _why(answer, "th"),
        reason_en=None if found else _why(answer, "en"),
    )


@router.get("/reverse")
def name_place(
    session: SessionDep,
    lon: Annotated[float, Query(description="longitude, degrees")],
    lat: Annotated[float, Query(description="latitude, degrees")],
) -> WhereaboutsOut:
    """What the spot is called, and what holds it and lies next to it."""
    found = whereabouts(session, LonLat(lon=lon, lat=lat))
    return WhereaboutsOut(
        place=Place(lon=lon, lat=lat),
        label=Names(th=found.label_th, en=found.label_en),
        areas=[_holder(holder) for holder in found.areas],
        road=_nearby(found.road),
        facility=_nearby(found.facility),
        house=_house(found.house),
    )


def _near(text: str) -> LonLat:
    """The place written as longitude,latitude; raises InvalidPlaceError that says what is wrong with it."""
    parts = text.split(",")
    try:
        lon, lat = (float(part) for part in parts)
    except ValueError:
        raise InvalidPlaceError(f"near: '{text}' is not longitude,latitude in degrees, such as 99.96,8.43.") from None
    return LonLat(lon=lon, lat=lat)


def _may_be_begun(answer: Answer, q: str) -> bool:
    """The text may be the beginning of a name: none is in it, or more follows the one that many places bear."""
    if answer.shared is not None:
        return answer.shared.name.strip() != q.strip()
    return answer.reason == "no-name"


def _why(answer: Answer, language: str) -> str:
    """Why there is no place, in a sentence."""
    shared = answer.shared._asdict() if answer.shared is not None else {}
    return words("gis", f"no-place-{answer.reason}", language=language, **shared)


def _candidate(found: Candidate) -> CandidateOut:
    return CandidateOut(
        lon=round(found.place.lon, 6), lat=round(found.place.lat, 6), radius_m=found.radius_m, kind=found.kind,
        label=found.label_th, label_en=found.label_en, matched=found.matched, confidence=found.confidence,
        code=found.code, is_approximate=found.is_approximate,
    )


def _begun(name: BegunName, asked: str) -> CandidateOut:
    return CandidateOut(
        lon=round(name.place.lon, 6), lat=round(name.place.lat, 6), radius_m=float(round(name.radius_m)),
        kind=name.kind, label=name.name_th, label_en=name.name_en, matched=asked.strip(),
        confidence=round(min(BEGUN_MOST, BEGUN_MOST * name.likeness), 3), code=name.code, is_approximate=False,
    )


def _holder(holder: Holder) -> HolderOut:
    return HolderOut(
        kind=holder.kind, code=holder.code, name=Names(th=holder.name_th, en=holder.name_en),
        is_simplified=holder.is_simplified,
    )


def _nearby(found: Nearby | None) -> NearbyOut | None:
    if found is None:
        return None
    return NearbyOut(
        kind=found.kind, code=found.code, name=Names(th=found.name_th, en=found.name_en), away_m=found.away_m
    )


def _house(found: NearestHouse | None) -> HouseOut | None:
    if found is None:
        return None
    street = Names(th=found.street_th, en=found.street_en)
    return HouseOut(house_number=found.house_number, street=street, away_m=found.away_m)
