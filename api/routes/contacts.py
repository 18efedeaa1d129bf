"""Whom to call back: what those who reported through an open door said of themselves; every look is logged."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from incidents import queries as incident_queries
from incidents.exchange import arrivals, queries
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["incidents"])
Caller = Annotated[AccountRef, Depends(needs("officer", "dispatcher", "admin"))]


class ContactOut(BaseModel):
    """Who sent a report, as far as they said; `number` is the report's."""

    number: str
    name: str
    phone: str
    email: str


class ContactsOut(BaseModel):
    """Those who can be called back, the first reporter first."""

    contacts: list[ContactOut]


@router.get("/incidents/{incident_id}/contacts", summary="Whom to call back about an incident")
def show_contacts(session: SessionDep, account: Caller, incident_id: int) -> ContactsOut:
    """Opened from where they lie sealed; the audit log says who looked."""
    incident_queries.incident(session, incident_id)
    contacts = []
    for number, sealed in queries.contacts(session, incident_id):
        said = arrivals.contact_of(sealed)
        name = " ".join(said[part] for part in ("first_name", "last_name") if part in said)
        contacts.append(ContactOut(number=number, name=name, phone=said.get("phone", ""), email=said.get("email", "")))
    staff_actions.record(
        session, account=account, action="incident.contacts_seen", subject=f"incident:{incident_id}",
        detail={"contacts": len(contacts)},
    )
    return ContactsOut(contacts=contacts)
