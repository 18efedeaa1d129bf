"""An incident's agencies and its promise: sent on, waiting for the reporter, kept alive; and the office's calendar."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, model_validator

from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from api.routes.incidents import Words
from core import clock
from incidents import actions, fading, keeping, promise_queries, queries
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["incidents"])

Changer = Annotated[AccountRef, Depends(needs("officer", "dispatcher", "admin"))]
Admin = Annotated[AccountRef, Depends(needs("admin"))]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class AgencyRowOut(BaseModel):
    """An agency, and the area it serves, None where that is the whole city."""

    code: str
    name: Words
    area_code: str | None


class AgenciesOut(BaseModel):
    """Every agency, by name."""

    agencies: list[AgencyRowOut]


class ReachedOut(BaseModel):
    """An agency that the incident reaches: its lead or another, why, and how far its area is from the place."""

    code: str
    name: Words
    role: Literal["lead", "other"]
    reason: str
    distance_m: float | None
    since: datetime


class PauseOut(BaseModel):
    """A time that did not count: while the reporter was asked, or between the end and a reopening."""

    kind: Literal["reporter", "ended"]
    began_at: datetime
    until: datetime | None
    ended_at: datetime | None
    question: str
    by: str


class MarkOut(BaseModel):
    """A warning or the breach, with the promise as it stood then."""

    kind: str
    at: datetime
    promised_at: datetime
    agency_code: str | None


class SaidOut(BaseModel):
    """How many reporters were asked whether it is still so, and what they said."""

    asked: int
    still: int
    worse: int
    gone: int


class PromiseOut(BaseModel):
    """Who has the incident, until when it is promised, what stopped the clock, what was marked, whether it fades."""

    agencies: list[ReachedOut]
    promise_hours: float
    promise_in: Literal["calendar", "working"]
    promised_at: datetime
    used_share: float
    is_waiting: bool
    pauses: list[PauseOut]
    marks: list[MarkOut]
    reporters_unreachable: int
    can_fade: bool
    is_fading: bool
    said: SaidOut


class SendOnIn(BaseModel):
    """To which agency, and why."""

    to: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Reason


class WaitIn(BaseModel):
    """What the reporters are asked, and how many hours the clock stops for it at most."""

    question: Reason
    hours: Annotated[float, Field(gt=0, le=24 * 31)] = 72


class ReasonIn(BaseModel):
    """Why."""

    reason: Reason


class HolidayOut(BaseModel):
    """A day of the calendar; `is_closed` false where a city works on it all the same."""

    day: date
    name: Words
    source: str
    is_closed: bool
    edited_by: str | None


class HoursOut(BaseModel):
    """When the office is open on a weekday (1 is Monday), Bangkok time."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    opens: time
    closes: time

    @model_validator(mode="after")
    def _goes_forward(self) -> HoursOut:
        if self.opens.tzinfo is not None or self.closes.tzinfo is not None:
            raise ValueError("times are Bangkok's, without a zone")
        if self.opens >= self.closes:
            raise ValueError("it closes before it opens")
        return self


class CalendarOut(BaseModel):
    """The office's calendar."""

    hours: list[HoursOut]
    holidays: list[HolidayOut]


class HolidayIn(BaseModel):
    """What the day is called, and whether the office is closed."""

    name: Words
    is_closed: bool = True


class HoursIn(BaseModel):
    """The week's hours, in place of those before; none means that no hour counts."""

    hours: Annotated[list[HoursOut], Field(max_length=42)]

    @model_validator(mode="after")
    def _lie_apart(self) -> HoursIn:
        for one, other in zip(self._sorted(), self._sorted()[1:], strict=False):
            if one.weekday == other.weekday and other.opens < one.closes:
                raise ValueError(f"hours of weekday {one.weekday} overlap")
        return self

    def _sorted(self) -> list[HoursOut]:
        return sorted(self.hours, key=lambda h: (h.weekday, h.opens))


@router.get("/agencies", summary="Every agency of the city")
def list_agencies(session: SessionDep, account: CurrentAccount) -> AgenciesOut:
    """To whom an incident can be sent on."""
    rows = promise_queries.agency_rows(session)
    return AgenciesOut(
        agencies=[
            AgencyRowOut(code=row.code, name=Words(th=row.name_th, en=row.name_en), area_code=row.area_code)
            for row in rows
        ]
    )


@router.get("/incidents/{incident_id}/promise", summary="An incident's agencies, promise, pauses and marks")
def show_promise(session: SessionDep, account: CurrentAccount, incident_id: int) -> PromiseOut:
    """Nothing here names a resident."""
    incident = queries.incident(session, incident_id)
    category = queries.category(session, incident.category_code)
    terms = keeping.terms_of(incident, category)
    pauses = promise_queries.pauses(session, incident_id)
    answers = [question.answer for question in promise_queries.still_questions(session, incident_id)]
    return PromiseOut(
        agencies=[
            ReachedOut(
                code=row.code, name=Words(th=row.name_th, en=row.name_en), role=row.role, reason=row.reason,
                distance_m=row.distance_m, since=row.since_at,
            )
            for row in promise_queries.reached_rows(session, incident_id)
        ],
        promise_hours=terms.hours,
        promise_in=terms.promise_in,
        promised_at=incident.promised_at,
        used_share=keeping.used_share(session, incident, category, now=clock.now()),
        is_waiting=any(pause.ended_at is None for pause in pauses),
        pauses=[
            PauseOut(
                kind=pause.kind, began_at=pause.began_at, until=pause.until_at, ended_at=pause.ended_at,
                question=pause.question, by=pause.begun_by,
            )
            for pause in pauses
        ],
        marks=[
            MarkOut(kind=mark.kind, at=mark.at, promised_at=mark.promised_at, agency_code=mark.agency_code)
            for mark in promise_queries.marks(session, incident_id)
        ],
        reporters_unreachable=promise_queries.unreachable_count(session, incident_id),
        can_fade=category.life_hours is not None,
        is_fading=fading.is_fading(incident),
        said=SaidOut(
            asked=len(answers), still=answers.count("still"), worse=answers.count("worse"), gone=answers.count("gone")
        ),
    )


@router.post("/incidents/{incident_id}/send-on", summary="Send an incident on to another agency")
def send_on(session: SessionDep, account: Changer, incident_id: int, given: SendOnIn) -> PromiseOut:
    """The agency leads it and has yet to accept it; the promise goes on. 409 where it may not go there."""
    actions.send_on(session, incident_id, given.to, by=account.username, reason=given.reason)
    _record(session, account, "incident.sent_on", incident_id, to=given.to)
    return show_promise(session, account, incident_id)


@router.post("/incidents/{incident_id}/wait", summary="Ask the reporters, and stop the promise's clock meanwhile")
def wait(session: SessionDep, account: Changer, incident_id: int, given: WaitIn) -> PromiseOut:
    """Every reporter is asked; the clock goes on with the first answer, or at the limit. 409 where it cannot stop."""
    keeping.wait_for_reporter(session, incident_id, given.question, hours=given.hours, by=account.username)
    _record(session, account, "incident.waiting", incident_id, hours=given.hours)
    return show_promise(session, account, incident_id)


@router.post("/incidents/{incident_id}/resume", summary="Let the promise's clock go on")
def resume(session: SessionDep, account: Changer, incident_id: int, given: ReasonIn) -> PromiseOut:
    """The clock goes on without an answer; 409 where it was not stopped."""
    keeping.resume(session, incident_id, by=account.username, reason=given.reason)
    _record(session, account, "incident.resumed", incident_id)
    return show_promise(session, account, incident_id)


@router.post("/incidents/{incident_id}/keep", summary="Say that an incident is still so")
def keep(session: SessionDep, account: Changer, incident_id: int, given: ReasonIn) -> PromiseOut:
    """It is fresh again, and does not fade until its kind's life has passed once more; 409 where it has ended."""
    fading.keep_alive(session, incident_id, by=account.username, reason=given.reason)
    _record(session, account, "incident.kept", incident_id)
    return show_promise(session, account, incident_id)


@router.get("/calendar", summary="The office's hours and holidays")
def show_calendar(session: SessionDep, account: CurrentAccount) -> CalendarOut:
    """By which promises in hours of the office are counted."""
    office = promise_queries.office_calendar(session)
    return CalendarOut(
        hours=[
            HoursOut(weekday=w.weekday, opens=w.opens, closes=w.closes)
            for w in sorted(office.windows, key=lambda w: (w.weekday, w.opens))
        ],
        holidays=[
            HolidayOut(
                day=holiday.day, name=Words(th=holiday.name_th, en=holiday.name_en), source=holiday.source,
                is_closed=holiday.is_closed, edited_by=holiday.edited_by,
            )
            for holiday in promise_queries.holidays(session)
        ],
    )


@router.put("/calendar/holidays/{day}", summary="Close the office on a day, or open it all the same")
def put_holiday(session: SessionDep, account: Admin, day: date, given: HolidayIn) -> CalendarOut:
    """Open promises in hours of the office are counted anew; what was marked as broken stays so."""
    keeping.put_holiday(
        session, day, name_th=given.name.th, name_en=given.name.en, is_closed=given.is_closed, by=account.username
    )
    staff_actions.record(
        session, account=account, action="calendar.day_changed", subject=f"day:{day}",
        detail={"is_closed": given.is_closed},
    )
    return show_calendar(session, account)


@router.put("/calendar/hours", summary="The office's hours")
def put_hours(session: SessionDep, account: Admin, given: HoursIn) -> CalendarOut:
    """Open promises in hours of the office are counted anew; what was marked as broken stays so."""
    keeping.put_hours(session, [(hours.weekday, hours.opens, hours.closes) for hours in given.hours])
    staff_actions.record(session, account=account, action="calendar.hours_changed", subject="calendar", detail={})
    return show_calendar(session, account)


def _record(session: SessionDep, account: AccountRef, action: str, incident_id: int, **detail: object) -> None:
    staff_actions.record(session, account=account, action=action, subject=f"incident:{incident_id}", detail=detail)
