"""Members as officers see them: no LINE id anywhere, names and needs only to those who must know, every look kept."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from api.routes.city import Names
from core import jobs, sealing
from core.errors import ConflictError
from residents import codes, erasure, household, queries, tasks
from residents.models import Resident
from residents.models_rights import ResidentGroup
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["people"])

Officer = Annotated[AccountRef, Depends(needs("officer", "admin"))]
# Health is for those who send help, not for whoever may see members.
Helper = Annotated[AccountRef, Depends(needs("officer", "dispatcher"))]
Admin = Annotated[AccountRef, Depends(needs("admin"))]


class MemberOut(BaseModel):
    """A member by number. Who it is stands in `MemberDetailOut` alone."""

    number: int
    language: str
    joined_at: datetime
    is_reachable: bool
    has_consented: bool
    is_identity_checked: bool
    group_ids: list[int]


class MembersOut(BaseModel):
    """Members by number; the next ones come `after` the last."""

    members: list[MemberOut]


class MemberDetailOut(MemberOut):
    """A member with the name and phone that were checked; every look is in the audit log."""

    name: str | None
    phone: str | None
    identity_checked_at: datetime | None
    identity_checked_by: str | None
    communities: list[Names]


class ReasonIn(BaseModel):
    """Why somebody's needs are looked at."""

    reason: str = Field(min_length=1, max_length=2000)


class HomeNeedsOut(BaseModel):
    """The needs of who lives in one home."""

    home_id: int
    needs: list[str]


class NeedsOut(BaseModel):
    """The needs of a member's homes; this look is kept, and the member can read who looked and why."""

    homes: list[HomeNeedsOut]


class LooksOut(BaseModel):
    """Who looked at a member's needs, newest first."""

    looks: list[dict[str, Any]]


class IdentityIn(BaseModel):
    """A person whose papers the officer has seen."""

    name: str = Field(min_length=1, max_length=2000)
    phone: str | None = Field(default=None, max_length=60)


class HandOverIn(BaseModel):
    """What a code shall do: check the identity of a named person, or open a group."""

    purpose: Literal["identity", "group"]
    name: str | None = Field(default=None, max_length=2000)
    phone: str | None = Field(default=None, max_length=60)
    group_id: int | None = None


class HandedOut(BaseModel):
    """The code, shown this once."""

    code: str


class GroupIn(BaseModel):
    """A group to be made."""

    name_th: str = Field(min_length=1, max_length=2000)
    name_en: str = Field(min_length=1, max_length=2000)
    is_leaders: bool
    community: str | None = Field(default=None, max_length=80)


class GroupOut(BaseModel):
    """A group and how many belong to it."""

    id: int
    name: Names
    is_leaders: bool
    members: int


class GroupsOut(BaseModel):
    """All groups."""

    groups: list[GroupOut]


class ErasureOut(BaseModel):
    """An erasure: what was erased can no longer be said. `was_imported`: the city's own register still names them."""

    id: int
    way: str
    asked_at: datetime
    done_at: datetime | None
    was_imported: bool
    counts: dict[str, int]


class OrderedOut(BaseModel):
    """The erasure that was ordered, and the receipt for the person who asked; it is never shown again."""

    id: int
    receipt: str
    was_imported: bool


class ErasuresOut(BaseModel):
    """The newest erasures."""

    erasures: list[ErasureOut]


class ConfirmIn(BaseModel):
    """The member's number once more: nobody is erased by a slip."""

    number: int


def _member(resident: Resident, group_ids: list[int]) -> dict[str, Any]:
    return {
        "number": resident.id,
        "language": resident.language,
        "joined_at": resident.joined_at,
        "is_reachable": resident.is_reachable,
        "has_consented": resident.consented_at is not None,
        "is_identity_checked": resident.identity_checked_at is not None,
        "group_ids": group_ids,
    }


@router.get("/residents", summary="Members by number")
def list_members(
    session: SessionDep,
    account: Officer,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    group: Annotated[int | None, Query()] = None,
    community: Annotated[str | None, Query(max_length=80)] = None,
) -> MembersOut:
    """Members, those of a group or with a home in a community where one is given; nothing here says who they are."""
    community_id = None if community is None else queries.middle_of_community(session, community)[0]
    found = queries.residents_after(session, after=after, limit=limit, group_id=group, community_id=community_id)
    group_ids = queries.group_ids_of(session, [resident.id for resident in found])
    return MembersOut(members=[MemberOut(**_member(one, group_ids.get(one.id, []))) for one in found])


@router.get("/residents/{number}", summary="One member, with the name that was checked")
def show_member(session: SessionDep, account: Officer, number: int) -> MemberDetailOut:
    """Who the member is, where it was checked; every look is in the audit log."""
    resident = queries.resident(session, number)
    subject = f"resident:{number}"
    staff_actions.record(session, account=account, action="resident.looked_at", subject=subject, detail={})
    homes = queries.homes_of(session, number)
    places = {(home.community_th, home.community_en) for home in homes if home.community_th is not None}
    return MemberDetailOut(
        **_member(resident, queries.group_ids_of(session, [number]).get(number, [])),
        name=_opened(resident.name_sealed),
        phone=_opened(resident.phone_sealed),
        identity_checked_at=resident.identity_checked_at,
        identity_checked_by=resident.identity_checked_by,
        communities=[Names(th=th or "", en=en or th or "") for th, en in sorted(places, key=str)],
    )


def _opened(sealed: bytes | None) -> str | None:
    return None if sealed is None else sealing.unseal(bytes(sealed))


@router.post("/residents/{number}/needs", summary="Look at what a member's household needs")
def look_at_needs(session: SessionDep, account: Helper, number: int, given: ReasonIn) -> NeedsOut:
    """The needs of each home; who looked, when and why is kept before they are shown."""
    found = household.look_at_needs(session, account=account, resident_id=number, reason=given.reason)
    return NeedsOut(homes=[HomeNeedsOut(home_id=home_id, needs=list(said)) for home_id, said in sorted(found.items())])


@router.get("/residents/{number}/looks", summary="Who looked at a member's needs")
def list_looks(session: SessionDep, account: Admin, number: int) -> LooksOut:
    """Every look at the member's needs, newest first."""
    queries.resident(session, number)
    return LooksOut(looks=[vars(look) for look in queries.looks_at(session, number)])


@router.post("/residents/{number}/identity", summary="Confirm who a member is")
def confirm_identity(session: SessionDep, account: Officer, number: int, given: IdentityIn) -> MemberDetailOut:
    """The officer has seen the papers: the name is known, and who checked it."""
    codes.confirm_identity(session, account=account, resident_id=number, name=given.name, phone=given.phone)
    return show_member(session, account, number)


@router.post("/residents/{number}/erasure", summary="Erase a member on request", status_code=202)
def order_erasure(session: SessionDep, account: Officer, number: int, given: ConfirmIn) -> OrderedOut:
    """Everything about the member will be gone within moments. 409 where the number does not stand there twice."""
    if given.number != number:
        raise ConflictError(f"{given.number} is not the number {number} of the member to be erased.")
    ordered, receipt = erasure.order(session, queries.resident(session, number), account=account)
    jobs.enqueue(session, tasks.erase_as_ordered, erasure_id=ordered.id)
    return OrderedOut(id=ordered.id, receipt=receipt, was_imported=ordered.was_imported)


@router.get("/erasures", summary="That people were erased")
def list_erasures(session: SessionDep, account: Admin) -> ErasuresOut:
    """The newest erasures: when, by which way, how much; never who."""
    return ErasuresOut(erasures=[ErasureOut(**_erasure(one)) for one in queries.erasures(session, limit=500)])


def _erasure(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("id", "way", "asked_at", "done_at", "was_imported", "counts")}


@router.get("/resident-groups", summary="Groups of members")
def list_groups(session: SessionDep, account: Officer) -> GroupsOut:
    """All groups with how many belong to each."""
    return GroupsOut(groups=[_group(group, members) for group, members in queries.groups(session)])


def _group(group: ResidentGroup, members: int) -> GroupOut:
    name = Names(th=group.name_th, en=group.name_en)
    return GroupOut(id=group.id, name=name, is_leaders=group.is_leaders, members=members)


@router.post("/resident-groups", summary="Make a group", status_code=201)
def make_group(session: SessionDep, account: Officer, given: GroupIn) -> GroupOut:
    """A group without members, perhaps of one community."""
    area_id = None if given.community is None else queries.middle_of_community(session, given.community)[0]
    made = codes.make_group(
        session, account=account, name_th=given.name_th, name_en=given.name_en, is_leaders=given.is_leaders,
        area_id=area_id,
    )
    return _group(made, 0)


@router.delete("/resident-groups/{group_id}/members/{number}", summary="Take a member out of a group", status_code=204)
def remove_from_group(session: SessionDep, account: Officer, group_id: int, number: int) -> None:
    """The member belongs to the group no more."""
    codes.leave_group(session, account=account, group_id=group_id, resident_id=number)


@router.post("/resident-codes", summary="Hand over a code", status_code=201)
def hand_over(session: SessionDep, account: Officer, given: HandOverIn) -> HandedOut:
    """A code for one person, once, within a week; 422 where the name or the group that it is for is missing."""
    if given.purpose == "identity":
        code = codes.hand_over_identity(session, account=account, name=given.name or "", phone=given.phone)
    else:
        code = codes.hand_over_group(session, account=account, group_id=given.group_id or 0)
    return HandedOut(code=code)
