"""Calls that are due where no leader acknowledged an alert, the lists that are called through, and when it begins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from alerts import contacts, escalation, leader_queries, queries
from alerts import leader_rules as decide
from alerts.escalation import Task
from alerts.leader_models import Contact, Escalation
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from api.routes.city import Names
from api.routes.leaders import Number, ZoneRef, area_id_of, names_of, zone_ref
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["leaders"])

Officer = Annotated[AccountRef, Depends(needs("officer", "admin"))]
# Whoever sits in the duty room may pick up the phone.
Caller = Annotated[AccountRef, Depends(needs("officer", "dispatcher", "approver"))]
Admin = Annotated[AccountRef, Depends(needs("admin"))]
Community = Annotated[str | None, Query(max_length=80)]


class NotedOut(BaseModel):
    """A call that was made."""

    name: str | None
    outcome: str
    note: str | None
    at: datetime
    by: str | None


class CallOut(BaseModel):
    """Whom to call now. The number is asked for by itself, and that is logged."""

    id: int
    contact_id: int
    name: str


class EscalationOut(BaseModel):
    """A list that is called through for zones that nobody acknowledged. `exhausted`: nobody on it was reached."""

    id: int
    alert_id: int
    number: str
    level: int
    state: str
    community: Names | None
    zones: list[ZoneRef]
    opened_at: datetime
    ended_at: datetime | None
    call: CallOut | None
    calls_made: list[NotedOut]


class EscalationsOut(BaseModel):
    """Whom to call, the highest level first."""

    escalations: list[EscalationOut]


class OutcomeIn(BaseModel):
    """What came of a call; with its `call_id` two officers never note different calls by mistake."""

    outcome: Literal["reached", "no_answer", "wrong_number"]
    note: str = Field(default="", max_length=escalation.NOTE_LIMIT)
    call_id: int | None = Field(default=None, ge=1, lt=2**63)


class PhoneOut(BaseModel):
    """A number to call."""

    phone: str


class ListedIn(BaseModel):
    """Somebody to call, at a place of the list, at its end without one."""

    community: str | None = Field(default=None, max_length=80)
    name: str = Field(min_length=1, max_length=2000)
    phone: str = Field(min_length=1, max_length=60)
    position: int | None = Field(default=None, ge=0, le=10_000)


class ListedOut(BaseModel):
    """Somebody on a list; the number is asked for by itself, and that is logged."""

    id: int
    position: int
    name: str
    is_wrong: bool


class ListOut(BaseModel):
    """A list in its order."""

    contacts: list[ListedOut]


class PolicyIn(BaseModel):
    """After how many minutes without an acknowledgement somebody is called, by level; null is never."""

    minutes_by_level: dict[int, int | None] = Field(max_length=3)


class PolicyOut(BaseModel):
    """The policy that holds, and its version."""

    version: int
    minutes_by_level: dict[int, int | None]


@router.get("/escalations", summary="Whom to call, because nobody acknowledged")
def list_escalations(session: SessionDep, account: Caller) -> EscalationsOut:
    """One for each list that is called through, of alerts in force."""
    return EscalationsOut(escalations=[_escalation(session, one) for one in escalation.tasks(session)])


def _escalation(session: SessionDep, found: Task) -> EscalationOut:
    one: Escalation = found.escalation
    areas = leader_queries.area_names(session, [one.area_id] if one.area_id is not None else [])
    names = queries.account_names(session, {n.by_account_id for n in found.noted if n.by_account_id is not None})
    call = None
    if found.call is not None and found.contact is not None:
        call = CallOut(id=found.call.id, contact_id=found.contact.id, name=contacts.name_of(found.contact))
    return EscalationOut(
        id=one.id,
        alert_id=one.alert_id,
        number=found.alert.number,
        level=found.alert.level,
        state=one.state,
        community=names_of(areas[one.area_id]) if one.area_id in areas else None,
        zones=[zone_ref(zone) for zone in found.zones],
        opened_at=one.opened_at,
        ended_at=one.ended_at,
        call=call,
        calls_made=[
            NotedOut(
                name=noted.name, outcome=noted.outcome, note=noted.note, at=noted.at,
                by=None if noted.by_account_id is None else names.get(noted.by_account_id),
            )
            for noted in found.noted
        ],
    )


@router.post("/escalations/{escalation_id}/outcome", summary="Note what came of a call")
def note_call(session: SessionDep, account: Caller, escalation_id: Number, given: OutcomeIn) -> EscalationOut:
    """Reached: the zones are acknowledged. Else the next of the list is due; 409 where this call was noted already."""
    escalation.note_outcome(
        session, escalation_id, given.outcome, note=given.note, call_id=given.call_id, account=account
    )
    return _escalation(session, escalation.task(session, escalation_id))


@router.get("/contact-list", summary="A list of people to call")
def show_contact_list(session: SessionDep, account: Caller, community: Community = None) -> ListOut:
    """A community's list in its order, the whole city's without one; numbers are asked for one at a time."""
    found = contacts.listed(session, area_id_of(session, community))
    return ListOut(contacts=[_contact(one) for one in found])


def _contact(one: Contact) -> ListedOut:
    return ListedOut(id=one.id, position=one.position, name=contacts.name_of(one), is_wrong=one.is_wrong)


@router.post("/contact-list", summary="Put somebody on a list", status_code=201)
def put_on_contact_list(session: SessionDep, account: Officer, given: ListedIn) -> ListedOut:
    """Those behind move back; 422 for what is no phone number, 409 where it is on the list."""
    area_id = area_id_of(session, given.community)
    made = contacts.add_contact(
        session, area_id=area_id, name=given.name, phone=given.phone, position=given.position, account=account
    )
    return _contact(made)


@router.delete("/contact-list/{contact_id}", summary="Take somebody off a list", status_code=204)
def take_off_contact_list(session: SessionDep, account: Officer, contact_id: Number) -> None:
    """Nobody keeps the number; if it was to be called just now, the next one is."""
    escalation.remove_contact(session, contact_id, account=account)


@router.post("/contact-list/{contact_id}/phone", summary="Look at a number")
def look_at_contact_phone(session: SessionDep, account: Caller, contact_id: Number) -> PhoneOut:
    """The number; who looked and when is kept."""
    return PhoneOut(phone=contacts.look_at_phone(session, contact_id, account=account))


@router.get("/escalation-policy", summary="For how long an acknowledgement is waited for")
def read_escalation_policy(session: SessionDep, account: CurrentAccount) -> PolicyOut:
    """The version that holds."""
    return _policy(escalation.patience(session))


@router.post("/escalation-policy", summary="Change for how long is waited", status_code=201)
def change_escalation_policy(session: SessionDep, account: Admin, given: PolicyIn) -> PolicyOut:
    """A new version; 422 where a level is missing."""
    return _policy(escalation.set_patience(session, given.minutes_by_level, account=account))


def _policy(found: decide.Patience) -> PolicyOut:
    after = {level: found.after.get(level) for level in escalation.LEVELS}
    return PolicyOut(
        version=found.version,
        minutes_by_level={
            level: None if waits is None else int(waits.total_seconds() // 60) for level, waits in after.items()
        },
    )
