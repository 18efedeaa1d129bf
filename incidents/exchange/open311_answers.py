"""Open311 GeoReport v2 (frozen specification): from plain values to the documents of its answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.words import words
from gis.points import LonLat
from incidents.exchange.open311 import DESCRIPTION_LENGTH, is_closed
from incidents.exchange.questions import Question
from incidents.exchange.wire import Document, Items
from incidents.rules import LOCAL_TIME

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"


@dataclass(frozen=True)
class Service:
    """A category as the public is offered it."""

    code: str
    name_th: str
    name_en: str
    promise_hours: int
    service_type: str
    exposure: str
    group: str
    keywords: tuple[str, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class PublicRequest:
    """A service request with what the public may learn of it; None where it may not or nobody knows."""

    request_id: str
    state: str
    report_count: int
    reason: str
    service_code: str
    name_th: str
    name_en: str
    description: str
    agency_th: str | None
    agency_en: str | None
    requested_at: datetime
    updated_at: datetime
    promised_at: datetime
    address_th: str
    address_en: str
    place: LonLat
    media_url: str | None


def said_at(moment: datetime) -> str:
    """A moment in W3C form, whole seconds, in Thai time with its zone."""
    return moment.astimezone(LOCAL_TIME).isoformat(timespec="seconds")


def services_document(services: Sequence[Service], *, language: str) -> Document:
    """The list of services."""
    return Document("services", Items("service", [_service(one, language) for one in services]))


def _service(service: Service, language: str) -> dict[str, object]:
    name = service.name_en if language == "en" else service.name_th
    return {
        "service_code": service.code,
        "service_name": name,
        "description": words(
            "incidents", "open311-service", language=language, name=name, hours=service.promise_hours
        ),
        "metadata": bool(service.questions),
        "type": service.service_type,
        "keywords": ", ".join(service.keywords) or None,
        "group": words("incidents", f"open311-group-{group_of(service.group)}", language=language),
    }


def group_of(group_code: str) -> str:
    """The handful of groups under which clients show services."""
    groups = {
        "help": ("rescue", "medical", "supplies"),
        "water": ("flood", "flood_defence", "drain", "canal", "water_supply"),
        "power": ("electricity", "street_light"),
        "streets": ("road", "bridge", "footpath", "traffic", "obstruction", "tree"),
        "living": ("waste", "noise", "animals", "air", "safety"),
    }
    return next((name for name, codes in groups.items() if group_code in codes), "other")


def definition_document(service: Service, *, language: str) -> Document:
    """What the service asks."""
    attributes = [_attribute(question, order, language) for order, question in enumerate(service.questions, 1)]
    return Document(
        "service_definition", {"service_code": service.code, "attributes": Items("attribute", attributes)}
    )


def _attribute(question: Question, order: int, language: str) -> dict[str, object]:
    is_english = language == "en"
    values = [{"key": value.key, "name": value.en if is_english else value.th} for value in question.values]
    return {
        "variable": question.datatype is not None,
        "code": question.code,
        "datatype": question.datatype or "string",
        "required": question.required,
        "datatype_description": (question.hint_en if is_english else question.hint_th) or None,
        "order": order,
        "description": question.en if is_english else question.th,
        "values": Items("value", values),
    }


def requests_document(requests: Sequence[PublicRequest], *, language: str) -> Document:
    """Service requests, in their order."""
    return Document("service_requests", Items("request", [_request(one, language) for one in requests]))


def _request(request: PublicRequest, language: str) -> dict[str, object]:
    is_english = language == "en"
    return {
        "service_request_id": request.request_id,
        "status": "closed" if is_closed(request.state) else "open",
        "status_notes": status_notes(request, language=language),
        "service_name": request.name_en if is_english else request.name_th,
        "service_code": request.service_code,
        "description": request.description[:DESCRIPTION_LENGTH] or None,
        "agency_responsible": request.agency_en if is_english else request.agency_th,
        "service_notice": None,
        "requested_datetime": said_at(request.requested_at),
        "updated_datetime": said_at(request.updated_at),
        "expected_datetime": said_at(request.promised_at),
        "address": request.address_en if is_english else request.address_th,
        "address_id": None,
        "zipcode": None,
        "lat": request.place.lat,
        "long": request.place.lon,
        "media_url": request.media_url,
    }


def status_notes(request: PublicRequest, *, language: str) -> str:
    """The inner state in words, how many told of it, and why it ended."""
    key = f"open311-state-{request.state}" if request.state in _TOLD_STATES else "open311-state-other"
    notes = [words("incidents", key, language=language)]
    if request.report_count > 1:
        notes.append(words("incidents", "open311-others", language=language, count=request.report_count))
    if request.reason:
        notes.append(request.reason)
    return " · ".join(notes)


_TOLD_STATES = ("new", "accepted", "in_progress", "done", "closed", "rejected", "reopened", "merged", "sent_on")


def taken_document(*, request_id: str | None, token: str | None, notice: str, account_id: str) -> Document:
    """What a client is answered that has sent a report: a number or a token, never both."""
    answer: dict[str, object] = {}
    if token is not None:
        answer["token"] = token
    elif request_id is not None:
        answer["service_request_id"] = request_id
    answer["service_notice"] = notice
    answer["account_id"] = account_id or None
    return Document("service_requests", Items("request", [answer]))


def token_document(*, request_id: str, token: str) -> Document:
    """The number under a token."""
    return Document("service_requests", Items("request", [{"service_request_id": request_id, "token": token}]))


def discovery_document(
    *, base_url: str, changed_at: datetime, contact: str, key_service: str, is_simulated: bool
) -> Document:
    """Where the API is, of which version, and how to get a key."""
    endpoint = {
        "specification": SPECIFICATION,
        "url": base_url,
        "changeset": said_at(changed_at),
        "type": "test" if is_simulated else "production",
        "formats": Items("format", ["text/xml", "application/json"]),
    }
    return Document(
        "discovery",
        {
            "changeset": said_at(changed_at),
            "contact": contact,
            "key_service": key_service,
            "endpoints": Items("endpoint", [endpoint]),
        },
    )
