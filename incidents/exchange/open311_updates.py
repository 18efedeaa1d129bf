"""Updates of service requests as FixMyStreet adds them to Open311: steps told to it, words heard from it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.words import words
from incidents.exchange import privacy
from incidents.exchange.open311 import DESCRIPTION_LENGTH, Parameters, first, read_moment
from incidents.exchange.open311_answers import said_at
from incidents.exchange.wire import Document, Items

_STATES = {
    "new": "OPEN", "accepted": "INVESTIGATING", "in_progress": "IN_PROGRESS", "done": "FIXED", "closed": "CLOSED",
    "rejected": "NO_FURTHER_ACTION", "reopened": "OPEN", "merged": "DUPLICATE", "sent_on": "INTERNAL_REFERRAL",
}
ID_LENGTH = 200


@dataclass(frozen=True)
class PublicUpdate:
    """One step of an incident, for a request that came by Open311."""

    update_id: str
    request_id: str
    to_state: str
    changed_at: datetime
    reason: str


@dataclass(frozen=True)
class Update:
    """What a client says of its own report."""

    request_id: str
    update_id: str
    status: str
    text: str
    updated_at: datetime


def read_update(parameters: Parameters, *, now: datetime) -> tuple[Update, tuple[str, ...]]:
    """The update that the parameters of a POST hold, and a finding for each that cannot be used."""
    findings: list[str] = []
    for name in ("service_request_id", "update_id"):
        text = first(parameters, name)
        if not text:
            findings.append(f"{name} was not provided")
        elif len(text) > ID_LENGTH:
            findings.append(f"{name} is too long")
    said = first(parameters, "updated_datetime")
    updated_at = read_moment(said) if said else now
    if updated_at is None:
        findings.append("updated_datetime must be a W3C date with its zone, such as 2026-11-21T08:30:00Z")
    text = privacy.plain("\n".join(parameters.get("description", ())))
    if len(text) > DESCRIPTION_LENGTH:
        findings.append(f"description has {len(text):,} characters; {DESCRIPTION_LENGTH:,} are allowed")
    update = Update(
        request_id=first(parameters, "service_request_id"),
        update_id=first(parameters, "update_id"),
        status=first(parameters, "status").upper(),
        text=text,
        updated_at=updated_at or now,
    )
    return update, tuple(findings)


def updates_document(updates: Sequence[PublicUpdate], *, language: str) -> Document:
    """Steps of incidents, in their order."""
    return Document("service_requests_updates", Items("request_update", [_update(one, language) for one in updates]))


def _update(update: PublicUpdate, language: str) -> dict[str, Any]:
    key = f"open311-state-{update.to_state}" if update.to_state in _STATES else "open311-state-other"
    told = words("incidents", key, language=language)
    return {
        "update_id": update.update_id,
        "service_request_id": update.request_id,
        "status": _STATES.get(update.to_state, "OPEN"),
        "external_status_code": update.to_state,
        "updated_datetime": said_at(update.changed_at),
        "description": f"{told} · {update.reason}" if update.reason else told,
        "media_url": None,
    }


def taken_update_document(update_id: str) -> Document:
    """What a client is answered that has sent an update."""
    return Document("service_request_updates", Items("request_update", [{"update_id": update_id}]))
