"""What came through an open door becomes a report, once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, sealing
from core.errors import InvalidInputError
from gis import queries as gis_queries
from gis.errors import NoCityError
from gis.gazetteer import queries as gazetteer
from gis.gazetteer.geocode import TEXT_READ, geocode
from gis.points import LonLat
from incidents import actions, photo_places, photos
from incidents.exchange import queries
from incidents.exchange.errors import UnusableReportError
from incidents.exchange.models import ServiceRequest
from incidents.models import Photo, Report
from incidents.rules import NewReport

# A pin further out than this from the city's extent is a mistake: about 11 km.
AROUND_DEGREES = 0.1
# Words must name a place at least so surely; a community or subdistrict is wide, but better than a refusal (assumed).
LEAST_CONFIDENCE, WIDEST_M = 0.5, 5_000.0
HOUSE_RADIUS_M = 20.0
PHOTOS_AT_MOST = 5
CONTACTS_KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Spot:
    """Where a report says it is, and how that is known."""

    place: LonLat
    source: str
    radius_m: float | None


@dataclass(frozen=True)
class Arrival:
    """A report at an open door. Equal `repeat_of` within ten minutes are one report."""

    door: str
    category_code: str
    description: str
    spot: Spot
    repeat_of: str
    told: str = ""
    key_id: int | None = None
    token: str | None = None
    answers: Mapping[str, list[str]] = field(default_factory=dict)
    contact: Mapping[str, str] = field(default_factory=dict)
    media_urls: Sequence[str] = ()
    pictures: Sequence[bytes] = ()
    is_private: bool = False


def spot_of(session: Session, *, place: LonLat | None, address: str = "", address_id: str = "") -> Spot:
    """Where it is: the pin, else the house of that id, else what the words name. Raises UnusableReportError."""
    if place is not None:
        spot = Spot(place, "pin", None)
    elif address_id:
        house = queries.house_of(session, address_id)
        if house is None:
            raise UnusableReportError((f"address_id '{address_id}' is not in the city's register of addresses",))
        spot = Spot(house, "words", HOUSE_RADIUS_M)
    else:
        spot = _named(session, address)
    if not _is_about_here(session, spot.place):
        raise UnusableReportError(("The location lies outside this city",))
    return spot


def spot_of_pictures(session: Session, pictures: Sequence[bytes]) -> Spot | None:
    """Where the first picture that says so was taken, in the city; None where none says."""
    for raw in pictures[:PHOTOS_AT_MOST]:
        if (found := photo_places.place_in(session, raw)) is not None:
            return Spot(LonLat(lon=found.lon, lat=found.lat), found.source, found.radius_m)
    return None


def _named(session: Session, address: str) -> Spot:
    found = geocode(gazetteer.gazetteer(session), address[:TEXT_READ]).candidates if "\x00" not in address else []
    likely = [one for one in found if one.confidence >= LEAST_CONFIDENCE and one.radius_m <= WIDEST_M]
    if not likely:
        raise UnusableReportError(("The address was not found in this city; send lat and long",))
    return Spot(likely[0].place, "words", likely[0].radius_m)


def _is_about_here(session: Session, place: LonLat) -> bool:
    try:
        west, south, east, north = gis_queries.city_card(session).bbox
    except NoCityError:
        return True
    around = AROUND_DEGREES
    return west - around <= place.lon <= east + around and south - around <= place.lat <= north + around


def receive(session: Session, arrival: Arrival) -> ServiceRequest:
    """The report is with its incident and has its number; sent once more it is the same one, with its number."""
    repeat_key = sealing.fingerprint(f"{arrival.door}|{arrival.key_id}|{arrival.repeat_of}")
    queries.hold(session, repeat_key)
    now = clock.now()
    known = queries.repeated(session, repeat_key, now=now)
    if known is not None:
        return known
    report, incident = actions.receive_report(
        session,
        NewReport(
            text="\n".join(part for part in (arrival.description, arrival.told) if part),
            category_code=arrival.category_code,
            place=arrival.spot.place,
            place_source=arrival.spot.source,
            source=arrival.door,
            radius_m=arrival.spot.radius_m,
            photo_ids=tuple(_kept(session, raw) for raw in arrival.pictures[:PHOTOS_AT_MOST]),
            is_private=arrival.is_private,
        ),
    )
    has_joined = incident.report_count > 1
    request = ServiceRequest(
        door=arrival.door,
        request_id=f"{incident.number}-{report.id}" if has_joined else incident.number,
        token=arrival.token,
        key_id=arrival.key_id,
        report_id=report.id,
        has_joined=has_joined,
        description=arrival.description,
        answers=dict(arrival.answers),
        media_urls=list(arrival.media_urls),
        contact_sealed=sealing.seal(json.dumps(dict(arrival.contact))) if arrival.contact else None,
        repeat_key=repeat_key,
        created_at=now,
    )
    session.add(request)
    session.flush()
    return request


def _kept(session: Session, raw: bytes) -> int:
    """A picture is kept without what it tells about its maker; one that cannot be, with the reason."""
    photo = Photo(taken_for="report", created_at=clock.now())
    try:
        clean = photos.clean(raw)
    except InvalidInputError as fault:
        photo.refused_reason = fault.detail
    else:
        photo.path, photo.sha256 = photos.keep(clean), clean.sha256
        photo.content_type, photo.size_bytes = clean.content_type, len(clean.content)
    session.add(photo)
    session.flush()
    return photo.id


def contact_of(sealed: bytes) -> dict[str, str]:
    """Who sent it, as far as they said."""
    return dict(json.loads(sealing.unseal(sealed)))


def add_words(session: Session, report_id: int, text: str) -> None:
    """What was said of a report later stands with it."""
    report = session.get_one(Report, report_id, with_for_update=True)
    report.text = f"{report.text}\n{text}".strip()
    session.flush()


def forget_contacts(session: Session, *, before: datetime) -> int:
    """Of incidents that ended before this time nobody knows any more who told of them; how many were forgotten."""
    forgotten = session.execute(
        sa.text(
            "UPDATE service_request SET contact_sealed = NULL FROM report r JOIN incident i ON i.id = r.incident_id "
            "WHERE r.id = service_request.report_id AND contact_sealed IS NOT NULL "
            "AND coalesce(i.closed_at, i.done_at) < :before RETURNING service_request.id"
        ),
        {"before": before},
    )
    return len(forgotten.all())
