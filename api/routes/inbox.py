"""The officers' inbox: incidents page by page as a filter asks for them, how many there are, and named filters."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from api.routes.incidents import READERS, IncidentOut, State, as_seen_by, incident_fields
from core import clock
from dispatch import queries as dispatch_queries
from incidents import inbox, inbox_filters, inbox_queries, policy, queries
from incidents.inbox_models import InboxFilter
from incidents.rules import OPEN_STATES
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, prefix="/inbox", tags=["incidents"])

Sorter = Annotated[AccountRef, Depends(needs("officer", "approver", "dispatcher", "admin"))]
Code = Annotated[str, Field(min_length=1, max_length=80)]


class WantedIn(BaseModel):
    """Which incidents; every field narrows. `near`: the promise ends within the time in which officers are warned.

    `agency` is one that the incident reaches, as its lead or otherwise; `waiting`: the clock stands for the reporter;
    `same`: perhaps the same as another open one; `q`: a number, or words of the summary, the place and the reports.
    """

    model_config = ConfigDict(extra="forbid")

    state: Annotated[list[State], Field(max_length=8)] = [
        "new", "accepted", "in_progress", "reopened", "sent_on",
    ]
    category: Annotated[list[Code], Field(max_length=50)] = []
    agency: Annotated[list[Code], Field(max_length=50)] = []
    tier: Annotated[list[Annotated[int, Field(ge=1, le=4)]], Field(max_length=4)] = []
    near: bool = False
    overdue: bool = False
    same: bool = False
    waiting: bool = False
    q: Annotated[str, Field(max_length=200)] = ""


class PageIn(WantedIn):
    """A page of what is wanted: its order, behind which mark it begins, and its length."""

    order: Literal["urgent", "newest"] = "urgent"
    after: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[int, Field(ge=1, le=inbox.MOST_AT_ONCE)] = inbox.PAGE_SIZE


class InboxRowOut(IncidentOut):
    """An incident with what the inbox says of it beside: near its promise's end, waiting, perhaps the same."""

    is_near: bool
    is_waiting: bool
    may_be_same: bool


class InboxOut(BaseModel):
    """A page; `next` is the mark behind which the following one begins, None on the last."""

    incidents: list[InboxRowOut]
    next: str | None


class ChosenOut(BaseModel):
    """One of the wanted incidents, and the state that it is in."""

    id: int
    state: str


class AllChosenOut(BaseModel):
    """The wanted incidents, `most` at most; `is_cut` where there are more."""

    chosen: list[ChosenOut]
    most: int
    is_cut: bool


class CountsOut(BaseModel):
    """How many are wanted (`counted_to` at most), and how many open ones there are, by `is`, state, tier, and so on."""

    wanted: int
    counted_to: int
    by: dict[str, dict[str, int]]


class FilterOut(BaseModel):
    """A named filter; `is_own` false where another officer shares it with the desk."""

    id: int
    name: str
    wanted: WantedIn
    is_default: bool
    is_own: bool
    is_shared: bool


class FiltersOut(BaseModel):
    """The officer's desk and the filters that are offered there."""

    desk: str | None
    filters: list[FilterOut]


class FilterIn(BaseModel):
    """What the filter asks for, and for whom it is."""

    name: str = Field(min_length=1, max_length=60, pattern=r"\S")
    wanted: WantedIn
    is_default: bool = False
    is_shared: bool = False


class DeskIn(BaseModel):
    """An agency's code, None for no desk."""

    agency: Code | None


def wanted_of(given: WantedIn, account: AccountRef) -> inbox.Wanted:
    """What is asked for, as this account may ask for it: residents' own words only where it may read them."""
    return inbox.Wanted(
        states=tuple(given.state), categories=tuple(given.category), agencies=tuple(given.agency),
        tiers=tuple(given.tier), is_near=given.near, is_overdue=given.overdue, may_be_same=given.same,
        is_waiting=given.waiting, words=given.q, with_reports=account.has_any(READERS),
    )


@router.get("", summary="Incidents as a filter asks for them, page by page")
def show_inbox(session: SessionDep, account: CurrentAccount, given: Annotated[PageIn, Query()]) -> InboxOut:
    """The most urgent first (tier, then the end of the promise), or the newest."""
    now = clock.now()
    after = inbox.read(given.after) if given.after else None
    found = inbox_queries.page(
        session, wanted_of(given, account), order=given.order, after=after, limit=given.limit + 1, now=now
    )
    ids = [incident_id for incident_id, *_ in found[: given.limit]]
    job_ids = dispatch_queries.job_ids_by_incident(session, ids)
    beside = inbox_queries.beside(session, ids)
    soon = now + policy.shipped().warn_before
    return InboxOut(
        incidents=[
            InboxRowOut(
                **incident_fields(row, job_id=job_ids.get(row.id), now=now),
                **_beside(beside[row.id]),
                is_near=row.state in OPEN_STATES and now <= row.promised_at < soon,
            )
            for row in as_seen_by(session, account, queries.incident_rows_of(session, ids))
        ],
        next=inbox.written(found[given.limit - 1][2]) if len(found) > given.limit else None,
    )


def _beside(one: inbox_queries.Beside) -> dict[str, Any]:
    return {"is_waiting": one.is_waiting, "may_be_same": one.may_be_same}


@router.get("/counts", summary="How many incidents a filter asks for, and how many are open by what")
def count_inbox(session: SessionDep, account: CurrentAccount, given: Annotated[WantedIn, Query()]) -> CountsOut:
    """Counted now; the numbers beside the filters are of all open incidents, whatever is wanted."""
    counts = inbox_queries.counts(session, wanted_of(given, account), now=clock.now())
    return CountsOut(wanted=counts.wanted, counted_to=inbox.COUNTED_TO, by=counts.by)


@router.get("/chosen", summary="All incidents that a filter asks for, to be changed at once")
def choose_all(session: SessionDep, account: CurrentAccount, given: Annotated[WantedIn, Query()]) -> AllChosenOut:
    """The most urgent ones, as many as one request may change, with the states that they are seen in."""
    most = inbox.MOST_CHOSEN
    found = inbox_queries.page(
        session, wanted_of(given, account), order="urgent", after=None, limit=most + 1, now=clock.now()
    )
    chosen = [ChosenOut(id=incident_id, state=state) for incident_id, state, _ in found[:most]]
    return AllChosenOut(chosen=chosen, most=most, is_cut=len(found) > most)


# ── Named filters ────────────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/filters", summary="An officer's filters")
def list_filters(session: SessionDep, account: Sorter) -> FiltersOut:
    """The officer's own, and those shared with the desk where the officer sits."""
    found = inbox_queries.filters_for(session, account.id)
    return FiltersOut(
        desk=inbox_queries.desk_of(session, account.id), filters=[_filter(one, account) for one in found]
    )


def _filter(one: InboxFilter, account: AccountRef) -> FilterOut:
    is_own = one.account_id == account.id
    return FilterOut(
        id=one.id, name=one.name, wanted=WantedIn.model_validate(one.wanted), is_default=one.is_default and is_own,
        is_own=is_own, is_shared=one.agency_code is not None,
    )


@router.put("/filters", summary="Keep a filter under a name")
def save_filter(session: SessionDep, account: Sorter, given: FilterIn) -> FiltersOut:
    """The officer's filter of this name asks for this; 422 where it is to be shared and the officer has no desk."""
    inbox_filters.save_filter(
        session, account.id, name=given.name.strip(), wanted=given.wanted.model_dump(exclude_defaults=True),
        is_default=given.is_default, is_shared=given.is_shared,
    )
    return list_filters(session, account)


@router.delete("/filters/{filter_id}", summary="Forget a filter", status_code=204)
def forget_filter(session: SessionDep, account: Sorter, filter_id: int) -> None:
    """The officer's own filter is gone."""
    inbox_filters.forget_filter(session, account.id, filter_id)


@router.put("/desk", summary="Say at which agency's desk one sits")
def sit_at(session: SessionDep, account: Sorter, given: DeskIn) -> FiltersOut:
    """Filters that others share with this agency are offered; 404 for an unknown one."""
    inbox_filters.sit_at(session, account.id, given.agency)
    return list_filters(session, account)
