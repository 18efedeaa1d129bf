"""What partners are told without asking, in the shape of Traffy's webhooks, and how it is signed. Pure.

Beside Traffy's shape every call has an id that stays when it is sent again, and a signature, in the headers of the
Standard Webhooks specification (webhook-id, webhook-timestamp, webhook-signature), so that its libraries check them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from incidents.exchange.open311_answers import PublicRequest
from incidents.exchange.traffy import said_time
from incidents.exchange.traffy_server import stable_number, status_of

SECRET_PREFIX = "whsec_"  # noqa: S105 - how the specification marks a secret, none itself.
_IDS = uuid.UUID("5b0d7c1e-3a51-4a6f-9d0e-6a8f5f1a2c77")


@dataclass(frozen=True)
class Call:
    """One call to a partner's address; `marks` are by what it is known again when the partner sends it back."""

    event_id: str
    method: str
    body: Mapping[str, Any]
    marks: tuple[str, ...]

    @property
    def raw(self) -> bytes:
        """The body as it travels and is signed."""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Org:
    """An agency that has the incident."""

    code: str
    name_th: str


@dataclass(frozen=True)
class Step:
    """A line of the history that is told; `earlier` is how many lines of the same moment stand before it.

    `note` is what the public may read of why it ended.
    """

    change_id: int
    to_state: str
    at: datetime
    earlier: int
    note: str


def issue_call(request: PublicRequest, orgs: Sequence[Org], *, hook_id: int) -> Call:
    """POST: the incident is new to the partner. Nothing in it says who reported, and only what the public may know."""
    text = request.description or request.name_th
    body = {
        "timestamp": said_time(request.requested_at),
        "ticket_id": request.request_id,
        "description": text,
        "type_id": stable_number(request.service_code),
        "type": request.name_th,
        "photo": [request.media_url] if request.media_url else [],
        "latitude": request.place.lat,
        "longitude": request.place.lon,
        "address": request.address_th,
        "orgs": [{"org_id": stable_number(org.code), "org": org.name_th} for org in orgs],
    }
    where = {"lat": request.place.lat, "lon": request.place.lon}
    marks = (issue_mark(text, **where), issue_mark(request.request_id, **where))
    return Call(_event_id(hook_id, request.request_id, "issue"), "POST", body, marks)


def status_call(request: PublicRequest, step: Step, *, hook_id: int) -> Call:
    """PATCH: the incident is in another state.

    Steps of one moment differ by a microsecond each: a receiver that leaves out what is no newer misses none of them.
    The note ends with the number, so that nobody writes the same by chance and an echo is known by it.
    """
    status = status_of(step.to_state)
    at = said_time(step.at + timedelta(microseconds=step.earlier))
    note = f"{step.note or status.th} ({request.request_id})"
    body = {
        "timestamp": at, "ticket_id": request.request_id, "org": request.agency_th or "", "status": status.th,
        "note": note, "photo": [],
    }
    marks = (step_mark(request.request_id, step.to_state, note), step_mark(request.request_id, step.to_state, at))
    return Call(_event_id(hook_id, request.request_id, str(step.change_id)), "PATCH", body, marks)


def _event_id(hook_id: int, ticket_id: str, what: str) -> str:
    """The same for the same news to the same partner, however often it is sent."""
    return f"msg_{uuid.uuid5(_IDS, f'{hook_id}|{ticket_id}|{what}').hex}"


def issue_mark(words: str, *, lat: float, lon: float) -> str:
    """By what an issue that we told is known again: its words, or its number, at its place."""
    return _mark(f"issue|{words.strip()}|{lat:.6f}|{lon:.6f}")


def step_mark(ticket_id: str, state: str, words: str) -> str:
    """By what a step that we told is known again: its note, or its time, beside the ticket and the state."""
    return _mark(f"step|{ticket_id}|{state}|{words.strip()}")


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def signed_headers(call: Call, *, secret: str, at: datetime) -> dict[str, str]:
    """The headers by which the partner knows that it is us, and that it has heard this before."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    seal = hmac.new(key, f"{call.event_id}.{stamp}.".encode() + call.raw, "sha256").digest()
    return {
        "Content-Type": "application/json; charset=utf-8", "User-Agent": "Faonam",
        "webhook-id": call.event_id, "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(seal).decode()}",
    }
