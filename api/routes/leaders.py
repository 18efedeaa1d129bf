"""Who passes alerts on: leaders' groups on LINE, and what they have acknowledged."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from alerts import escalation, leader_queries, leaders, queries
from alerts import leader_rules as decide
from alerts.leader_models import LeaderAcknowledgement, LeaderGroup
from alerts.leader_queries import ZoneAnswer, ZoneOf
from alerts.templates import Named
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from api.routes.city import Names
from residents import queries as residents_queries
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["leaders"])

Officer = Annotated[AccountRef, Depends(needs("officer", "admin"))]
Number = Annotated[int, Path(ge=1, lt=2**63)]


class ZoneRef(BaseModel):
    """A zone by its code and name."""

    code: str
    name: Names


class GroupIn(BaseModel):
    """A leaders' group to be made: for a community, for zones, or both."""

    name_th: str = Field(min_length=1, max_length=2000)
    name_en: str = Field(min_length=1, max_length=2000)
    language: Literal["th", "en", "ms", "my"] = "th"
    community: str | None = Field(default=None, max_length=80)
    zones: list[Annotated[str, Field(max_length=80)]] = Field(default=[], max_length=200)


class GroupOut(BaseModel):
    """A leaders' group. Before its code is typed on LINE it `is_open` to nothing; LINE counts each of `members`."""

    id: int
    name: Names
    language: str
    community: Names | None
    zones: list[ZoneRef]
    is_open: bool
    opened_at: datetime | None
    members: int | None
    counted_at: datetime | None
    leaders: int


class GroupsOut(BaseModel):
    """The groups that have not ended."""

    groups: list[GroupOut]


class MadeOut(GroupOut):
    """The group with its code, shown this once: typed in the group on LINE within a week, it opens the group."""

    code: str


class CodeOut(BaseModel):
    """A further code for leaders of a group, shown this once."""

    code: str


class ByOut(BaseModel):
    """Who acknowledged: a member by number where the city knows them, or the officer who reached somebody by phone."""

    way: Literal["button", "words", "phone"]
    member: int | None
    account: str | None


class AnswerOut(BaseModel):
    """A zone of an alert, who answers for it, and the first acknowledgement. `escalation` is how calling stands."""

    zone: ZoneRef
    group: Names | None
    told_at: datetime
    acknowledged_at: datetime | None
    by: ByOut | None
    minutes: float | None
    escalation: str | None


class AcknowledgementsOut(BaseModel):
    """x of y zones acknowledged, in so many minutes in the middle."""

    zones_total: int
    zones_acknowledged: int
    median_minutes: float | None
    zones: list[AnswerOut]


def names_of(named: Named) -> Names:
    """The name as it travels."""
    return Names(th=named.th, en=named.en)


def zone_ref(zone: ZoneOf | ZoneAnswer) -> ZoneRef:
    """The zone by code and name."""
    return ZoneRef(code=zone.code, name=names_of(zone.name))


# ── Groups ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/leader-groups", summary="Leaders' groups on LINE")
def list_leader_groups(session: SessionDep, account: CurrentAccount) -> GroupsOut:
    """The groups that have not ended, with the zones that each answers for; nothing here says who is in them."""
    return GroupsOut(groups=_groups(session, list(leader_queries.groups(session))))


def _groups(session: SessionDep, found: list[LeaderGroup]) -> list[GroupOut]:
    ids = [group.id for group in found]
    zones, counts = leader_queries.zones_of(session, ids), leader_queries.leader_counts(session, ids)
    areas = leader_queries.area_names(session, [group.area_id for group in found if group.area_id is not None])
    return [
        GroupOut(
            id=group.id,
            name=Names(th=group.name_th, en=group.name_en),
            language=group.language,
            community=names_of(areas[group.area_id]) if group.area_id in areas else None,
            zones=[zone_ref(zone) for zone in zones.get(group.id, [])],
            is_open=group.group_hash is not None,
            opened_at=group.opened_at,
            members=group.member_count,
            counted_at=group.counted_at,
            leaders=counts.get(group.id, 0),
        )
        for group in found
    ]


@router.post("/leader-groups", summary="Make a leaders' group", status_code=201)
def make_leader_group(session: SessionDep, account: Officer, given: GroupIn) -> MadeOut:
    """The code, typed in the group on LINE within a week, opens it; 422 without a community or a zone."""
    made, code = leaders.make_group(
        session, account=account, name_th=given.name_th, name_en=given.name_en, language=given.language,
        area_id=area_id_of(session, given.community), zone_codes=given.zones,
    )
    return MadeOut(**_groups(session, [made])[0].model_dump(), code=code)


@router.post("/leader-groups/{group_id}/codes", summary="Invite further leaders", status_code=201)
def invite_leaders(session: SessionDep, account: Officer, group_id: Number) -> CodeOut:
    """A further code for this group; 409 where it has ended."""
    return CodeOut(code=leaders.invite(session, group_id, account=account))


@router.delete("/leader-groups/{group_id}", summary="End a leaders' group", status_code=204)
def end_leader_group(session: SessionDep, account: Officer, group_id: Number) -> None:
    """The group is told nothing any more; the city's account stays in it, in silence."""
    leaders.end_group(session, group_id, account=account)


def area_id_of(session: SessionDep, community: str | None) -> int | None:
    """The community of this code, None where none is named. Raises NotFoundError."""
    return None if community is None else residents_queries.middle_of_community(session, community)[0]


# ── Acknowledgements ─────────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/alerts/{alert_id}/acknowledgements", summary="Which zones' leaders have acknowledged")
def list_acknowledgements(session: SessionDep, account: CurrentAccount, alert_id: Number) -> AcknowledgementsOut:
    """Every zone of the alert with its first acknowledgement, and how fast they were."""
    answers = leader_queries.zone_answers(session, queries.alert(session, alert_id))
    given = [one.acknowledgement for one in answers if one.acknowledgement is not None]
    by = _by(session, given)
    calling = escalation.states_by_area(session, alert_id)
    zones = [_answer(one, by, calling.get(one.area_id)) for one in answers]
    return AcknowledgementsOut(
        zones_total=len(zones),
        zones_acknowledged=len(given),
        median_minutes=decide.median([zone.minutes for zone in zones if zone.minutes is not None]),
        zones=zones,
    )


def _answer(one: ZoneAnswer, by: dict[int, ByOut], calling: str | None) -> AnswerOut:
    given = one.acknowledgement
    answering = [group for group in one.groups if given is not None and group.id == given.leader_group_id]
    group = next(iter([*answering, *one.groups]), None)
    return AnswerOut(
        zone=zone_ref(one),
        group=None if group is None else Names(th=group.name_th, en=group.name_en),
        told_at=one.told_at,
        acknowledged_at=None if given is None else given.acknowledged_at,
        by=by.get(one.zone_id),
        minutes=None if given is None else decide.minutes(one.told_at, given.acknowledged_at),
        escalation=calling,
    )


def _by(session: SessionDep, given: list[LeaderAcknowledgement]) -> dict[int, ByOut]:
    members = leader_queries.member_numbers(session, [bytes(one.by_hash) for one in given if one.by_hash is not None])
    accounts = queries.account_names(session, {one.account_id for one in given if one.account_id is not None})
    return {
        one.zone_id: ByOut.model_validate(
            {
                "way": one.way,
                "member": None if one.by_hash is None else members.get(bytes(one.by_hash)),
                "account": None if one.account_id is None else accounts.get(one.account_id),
            }
        )
        for one in given
    }
