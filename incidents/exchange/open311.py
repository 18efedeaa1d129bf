"""Open311 GeoReport v2 (frozen specification): from a client's parameters to plain values with findings. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gis.points import LonLat, coordinate_fault, is_swapped_in_thailand
from incidents.exchange import privacy
from incidents.exchange.questions import Question, check_answers

FORMS = ("xml", "json")
SPAN = timedelta(days=90)
PAGE_SIZE = 1_000
DESCRIPTION_LENGTH = 4_000
FIELD_LENGTH = 500
PAGES = 100_000
# Inner states that are over for whoever reported; every other one, also one that is added later, is open.
CLOSED_STATES = ("done", "closed", "rejected", "merged")
# What clients call the number of a report in their own books; the first is FixMyStreet's.
CLIENT_IDS = ("fixmystreet_id", "external_id", "client_request_id")

_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,100})\](\[\])?")
_NUMBER = re.compile(r"[+-]?\d{1,3}(\.\d{1,30})?")

def is_closed(state: str) -> bool:
    """The outer status of an inner state."""
    return state in CLOSED_STATES


# ── What is asked ────────────────────────────────────────────────────────────────────────────────────────────────────

Parameters = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Filters:
    """Which requests are asked for; `ids` overrides the others. Times are the first and last that count."""

    ids: tuple[str, ...] = ()
    service_codes: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    start_at: datetime | None = None
    end_at: datetime | None = None
    page: int = 1
    page_size: int = PAGE_SIZE


def first(parameters: Parameters, name: str) -> str:
    """The parameter without blanks around it; empty where it is absent: that is the same."""
    return next((value.strip() for value in parameters.get(name, ()) if value.strip()), "")


def listed(parameters: Parameters, name: str) -> tuple[str, ...]:
    """The values of a comma list, which may also be given several times."""
    values = (part.strip() for value in parameters.get(name, ()) for part in value.split(","))
    return tuple(dict.fromkeys(value for value in values if value))


def read_filters(parameters: Parameters, *, now: datetime) -> tuple[Filters, tuple[str, ...]]:
    """The filters of GET requests, and a finding for each that cannot be used.

    Without dates the last 90 days; with one of them the 90 days that begin or end there.
    """
    findings: list[str] = []
    page = _whole(parameters, "page", 1, most=PAGES, findings=findings)
    page_size = _whole(parameters, "page_size", PAGE_SIZE, most=PAGE_SIZE, findings=findings)
    ids = listed(parameters, "service_request_id")
    if ids:
        return Filters(ids=ids, page=page, page_size=page_size), tuple(findings)
    statuses = listed(parameters, "status")
    findings += [f"status '{one[:40]}' is neither open nor closed" for one in statuses if one not in ("open", "closed")]
    start_at = _moment(parameters, "start_date", findings)
    end_at = _moment(parameters, "end_date", findings)
    if not findings:
        start_at, end_at = _span(start_at, end_at, now=now)
        if start_at > end_at:
            findings.append("start_date lies after end_date")
        elif end_at - start_at > SPAN:
            findings.append("start_date and end_date lie more than 90 days apart")
    filters = Filters(
        service_codes=listed(parameters, "service_code"), statuses=statuses, start_at=start_at, end_at=end_at,
        page=page, page_size=page_size,
    )
    return filters, tuple(findings)


def _span(start_at: datetime | None, end_at: datetime | None, *, now: datetime) -> tuple[datetime, datetime]:
    if start_at is None:
        end_at = end_at or now
        return end_at - SPAN, end_at
    return start_at, end_at if end_at is not None else start_at + SPAN


def _whole(parameters: Parameters, name: str, otherwise: int, *, most: int, findings: list[str]) -> int:
    text = first(parameters, name)
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= most):
        findings.append(f"{name} must be a whole number from 1 to {most:,}")
        return otherwise
    return int(text)


def _moment(parameters: Parameters, name: str, findings: list[str]) -> datetime | None:
    text = first(parameters, name)
    if not text:
        return None
    moment = read_moment(text)
    if moment is None:
        findings.append(f"{name} must be a W3C date with its zone, such as 2026-11-21T08:30:00Z")
    return moment


def read_moment(text: str) -> datetime | None:
    """A W3C date and time with its zone; None for anything else. A plus that a form turned into a blank is put back."""
    try:
        moment = datetime.fromisoformat(re.sub(r" (?=\d\d:\d\d$)", "+", text.strip()))
    except ValueError:
        return None
    if moment.tzinfo is None or not 1900 < moment.year < 2200:
        return None
    return moment


# ── What is reported ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Submission:
    """A report as a client sent it; exactly one of place, address and address_id says where.

    `contact` is what is kept sealed about the sender; `client_id` is the report's number in the client's own books.
    """

    service_code: str
    description: str
    place: LonLat | None
    address: str
    address_id: str
    answers: Mapping[str, list[str]] = field(default_factory=dict)
    contact: Mapping[str, str] = field(default_factory=dict)
    account_id: str = ""
    client_id: str = ""
    media_urls: tuple[str, ...] = ()


def attributes_of(parameters: Parameters) -> dict[str, list[str]]:
    """The values of `attribute[CODE]` and `attribute[CODE][]` by code."""
    found: dict[str, list[str]] = {}
    for name, values in parameters.items():
        match = _ATTRIBUTE.fullmatch(name)
        if match:
            found.setdefault(match[1], []).extend(values)
    return found


def read_submission(
    parameters: Parameters, questions: Sequence[Question]
) -> tuple[Submission, tuple[str, ...]]:
    """The report that the parameters of a POST hold, and a finding for each of them that cannot be used."""
    findings: list[str] = []
    given = attributes_of(parameters)
    answers = check_answers(questions, given)
    place = _place(parameters, findings)
    address, address_id = first(parameters, "address_string"), first(parameters, "address_id")
    if place is None and not address and not address_id and not findings:
        findings.append("A location is missing: lat and long, or address_string, or address_id")
    description = privacy.plain("\n".join(parameters.get("description", ())))
    if len(description) > DESCRIPTION_LENGTH:
        findings.append(f"description has {len(description):,} characters; {DESCRIPTION_LENGTH:,} are allowed")
    media_urls = tuple(url.strip() for url in parameters.get("media_url", ()) if url.strip())
    findings += [f"media_url must be an https address: {url[:100]}" for url in media_urls if not is_link(url)]
    short = ("email", "phone", "first_name", "last_name", "device_id", "account_id", "address_string", "address_id")
    findings += [f"{name} is too long" for name in short if len(first(parameters, name)) > FIELD_LENGTH]
    contact = {name: first(parameters, name) for name in ("first_name", "last_name", "phone", "email")}
    submission = Submission(
        service_code=first(parameters, "service_code"),
        description=description,
        place=place,
        address=address,
        address_id=address_id,
        answers=answers.given,
        contact={name: value for name, value in contact.items() if value},
        account_id=first(parameters, "account_id"),
        client_id=next((text for name in CLIENT_IDS if (text := first(given, name) or first(parameters, name))), ""),
        media_urls=media_urls,
    )
    return submission, (*findings, *answers.findings)


def is_link(text: str) -> bool:
    """An address that others may be shown as a picture's: https, one line, of a length that browsers take."""
    return re.fullmatch(r"https://[^\s<>\"'`\\]{4,1990}", text) is not None


def _place(parameters: Parameters, findings: list[str]) -> LonLat | None:
    lat, long = first(parameters, "lat"), first(parameters, "long")
    if not lat and not long:
        return None
    if not lat or not long:
        findings.append("lat and long are both needed where one of them is sent")
        return None
    if not (_NUMBER.fullmatch(lat) and _NUMBER.fullmatch(long)):
        findings.append("lat and long must be degrees, such as lat=8.43 and long=99.96")
        return None
    fault = coordinate_fault(lon=float(long), lat=float(lat))
    if fault is None and is_swapped_in_thailand(lon=float(long), lat=float(lat)):
        fault = f"lat and long are swapped: lat {lat}, long {long}"
    if fault is not None:
        findings.append(fault.rstrip("."))
        return None
    return LonLat(lon=float(long), lat=float(lat))
