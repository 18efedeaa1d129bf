"""The roll-call of an alert: who is safe, needs help, can help or is silent, by zone; and the one reminder."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from alerts import queries, rollcall
from alerts.models_texts import AlertReminder
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, prefix="/alerts/{alert_id}", tags=["alerts"])

Officer = Annotated[AccountRef, Depends(needs("officer", "approver", "dispatcher"))]
Approver = Annotated[AccountRef, Depends(needs("approver"))]


class Name(BaseModel):
    """A name in Thai and English."""

    th: str
    en: str


class Roll(BaseModel):
    """Residents told and what they answered last; safe + help + silent = told, those who can help are safe as well."""

    told: int
    safe: int
    safe_after_call: int
    help: int
    can_help: int
    silent: int
    vulnerable_silent: int


class ZoneRollOut(Roll):
    """One zone's answers; without a zone they are of people told who have no home in any."""

    zone_id: int | None
    code: str | None
    name: Name | None


class Reminder(BaseModel):
    """When the silent were asked once more, and how many."""

    asked_at: datetime
    asked_by: str
    recipients: int


class RollCall(BaseModel):
    """The answers of an alert's people to any message of its event."""

    alert_id: int
    total: Roll
    zones: list[ZoneRollOut]
    offers: dict[str, int]
    reminder: Reminder | None


class SilentHomeOut(BaseModel):
    """A home where somebody is vulnerable and nobody has answered."""

    resident_id: int
    home_id: int
    zone_id: int | None
    language: str
    lon: float
    lat: float


class SilentHomes(BaseModel):
    """Such homes; `next_after` asks for those that follow."""

    homes: list[SilentHomeOut]
    next_after: int | None


def _reminder(session: SessionDep, row: AlertReminder | None) -> Reminder | None:
    if row is None:
        return None
    name = queries.account_names(session, [row.asked_by])[row.asked_by]
    return Reminder(asked_at=row.asked_at, asked_by=name, recipients=row.recipients)


@router.get("/roll-call", summary="Who is safe, needs help, can help or is silent")
def read_roll_call(alert_id: int, session: SessionDep, account: CurrentAccount) -> RollCall:
    """Numbers only, zone by zone."""
    queries.alert(session, alert_id)
    named = {zone.zone_id: zone for zone in queries.zones(session, [alert_id])[alert_id]}
    zones = []
    for row in rollcall.by_zone(session, alert_id):
        zone = named.get(row.zone_id) if row.zone_id is not None else None
        name = Name(th=zone.name_th, en=zone.name_en) if zone else None
        zones.append(ZoneRollOut(**vars(row), code=zone.code if zone else None, name=name))
    total = {field: sum(getattr(zone, field) for zone in zones) for field in Roll.model_fields}
    return RollCall(
        alert_id=alert_id,
        total=Roll(**total),
        zones=zones,
        offers=rollcall.offers(session, alert_id),
        reminder=_reminder(session, rollcall.reminder(session, alert_id)),
    )


@router.get("/roll-call/silent", summary="Homes with vulnerable people that are silent")
def read_silent_homes(
    alert_id: int,
    session: SessionDep,
    account: Officer,
    zone_id: int | None = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> SilentHomes:
    """For those who send somebody there; every look is in the audit log."""
    found = rollcall.silent_vulnerable(session, alert_id, by=account, zone_id=zone_id, after=after, limit=limit)
    homes = [SilentHomeOut(**vars(home)) for home in found]
    return SilentHomes(homes=homes, next_after=homes[-1].resident_id if len(homes) == limit else None)


@router.post("/remind-silent", summary="Ask those who are silent once more")
def remind_silent(alert_id: int, session: SessionDep, account: Approver) -> Reminder:
    """Once for each alert: asked again, the answer is the same and nobody is written to."""
    row = rollcall.remind_silent(session, alert_id, account)
    name = queries.account_names(session, [row.asked_by])[row.asked_by]
    return Reminder(asked_at=row.asked_at, asked_by=name, recipients=row.recipients)
