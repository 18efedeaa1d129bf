"""Events when they are looked back at: what became of each zone, whom it reached, the report, today's rules on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime, BaseModel, Field

from alerts import queries as alerts
from alerts.after import actions, queries, report, stored, summary
from alerts.after.outcome import Word
from alerts.after.queries import Event, ZoneName
from alerts.after.summary import Summary, ZoneAfter
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from core import clock
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["events"])

EventId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Officer = Annotated[AccountRef, Depends(needs("officer", "approver"))]


class Words(BaseModel):
    """A name or a sentence in Thai and English."""

    th: str
    en: str


class EventView(BaseModel):
    """The alerts of one flood. `ended_at` is null while a warning holds or waits; `level` is the highest.

    `told`: messages that were approved; `said`: zones of which an officer has said what became of them.
    """

    id: int
    number: str
    began_at: datetime
    ended_at: datetime | None
    level: int
    alerts: int
    told: int
    zones: int
    said: int
    is_exercise: bool


class Events(BaseModel):
    """The events, the newest first."""

    events: list[EventView]


class ZoneOutcome(BaseModel):
    """What became of a zone, who says so (`by`: witnesses or officer), and the minutes from warning to water."""

    zone_id: int
    code: str
    name: Words
    outcome: Literal["hit", "miss", "false_alarm", "unknown", "quiet"]
    by: Literal["witnesses", "officer"]
    level: int
    warned_at: datetime | None
    water_at: datetime | None
    lead_min: float | None
    depth_class: int
    witnesses: list[str]
    note: str


class ScoreView(BaseModel):
    """Zones by outcome; `detected_share`: hits of hits and misses; `false_share`: false alarms of those and hits."""

    hits: int
    misses: int
    false_alarms: int
    unknown: int
    detected_share: float | None
    false_share: float | None
    median_lead_min: float | None


class ReachView(BaseModel):
    """Whom one message was for and what became of it. `accepted` by LINE is not delivered."""

    alert_id: int
    number: str
    kind: str
    level: int
    state: str
    approved_at: datetime | None
    audience: int
    accepted: int
    by_language: dict[str, int]
    unreached_by_reason: dict[str, int]
    ledger: dict[str, int]
    answers: dict[str, int]


class EntryView(BaseModel):
    """Something that happened: `about` gauge, water, report, alert or person; `level` 0..3 how grave."""

    at: datetime
    about: str
    kind: str
    level: int
    zone_ids: list[int]
    text: Words


class EventDetail(BaseModel):
    """An event looked back at, as it stands now. `asks_for`: zones whose outcome an officer is asked to say."""

    event: EventView
    score: ScoreView
    people_told: int
    zones: list[ZoneOutcome]
    asks_for: list[int]
    reach: list[ReachView]
    timeline: list[EntryView]


class Said(BaseModel):
    """What an officer says of a zone; `flooded_at` only where it was flooded, and only where it is known."""

    zone_id: int = Field(ge=1, le=2**31 - 1)
    outcome: Word
    flooded_at: AwareDatetime | None = None
    note: str = Field(default="", max_length=actions.LONGEST_NOTE)


class ReplayAsked(BaseModel):
    """Under which version of the policy; the newest where it is absent."""

    policy_version: int | None = Field(default=None, ge=1, le=2**31 - 1)


class ReplayLine(BaseModel):
    """A zone at a level: when it was first warned then, when it would be now; `minutes` negative is earlier."""

    zone_id: int
    code: str
    name: Words
    level: int
    then_at: datetime | None
    now_at: datetime | None
    difference: Literal["same", "earlier", "later", "more", "fewer"]
    minutes: float | None


class ReplayView(BaseModel):
    """The event's stored pictures through today's rules, beside what was sent."""

    event_id: int
    policy_version: int
    policy_version_then: int
    pictures: int
    approved_after_s: float
    messages_then: int
    messages_now: int
    all_clear_then_at: datetime | None
    all_clear_now_at: datetime | None
    differences: dict[str, int]
    lines: list[ReplayLine]


def _name(zone: ZoneName) -> Words:
    return Words(th=zone.name_th, en=zone.name_en)


def _event(event: Event) -> EventView:
    return EventView(**asdict(event))


def _zone(one: ZoneAfter) -> ZoneOutcome:
    judged: Mapping[str, Any] = asdict(one.judged)
    return ZoneOutcome(
        zone_id=one.zone.id, code=one.zone.code, name=_name(one.zone), note=one.note,
        **{**judged, "outcome": one.judged.outcome.value, "witnesses": list(one.judged.witnesses)},
    )


def _detail(found: Summary) -> EventDetail:
    return EventDetail(
        event=_event(found.event), score=ScoreView(**asdict(found.score)), people_told=found.people_told,
        zones=[_zone(one) for one in found.zones], asks_for=list(found.asks_for),
        reach=[ReachView(**asdict(one), accepted=one.accepted) for one in found.reach],
        timeline=[
            EntryView(
                at=entry.at, about=entry.about, kind=entry.kind, level=entry.level, zone_ids=list(entry.zone_ids),
                text=Words(th=entry.text["th"], en=entry.text["en"]),
            )
            for entry in found.entries
        ],
    )


@router.get("/events")
def list_events(
    session: SessionDep, account: CurrentAccount, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> Events:
    """The events, the newest first: each the alerts of one flood, from the first proposal to the all-clear."""
    return Events(events=[_event(one) for one in queries.events(session, limit=limit, now=clock.now())])


@router.get("/events/{event_id}")
def read_event(event_id: EventId, session: SessionDep, account: CurrentAccount) -> EventDetail:
    """What became of each zone, whom the event's messages reached, and what happened in order."""
    return _detail(summary.summary(session, event_id, now=clock.now()))


@router.post("/events/{event_id}/outcome")
def say_outcome(event_id: EventId, body: Said, session: SessionDep, account: Officer) -> EventDetail:
    """An officer's word on a zone stands before what gauges, pictures and reports say of it."""
    actions.note_outcome(
        session, event_id, zone_id=body.zone_id, word=body.outcome, flooded_at=body.flooded_at, note=body.note,
        by=account,
    )
    return _detail(summary.summary(session, event_id, now=clock.now()))


@router.post("/events/{event_id}/replay")
def replay_event(event_id: EventId, body: ReplayAsked, session: SessionDep, account: Officer) -> ReplayView:
    """The event's stored pictures of the flood through today's rules: who would be warned earlier, later, or not.

    It changes nothing, tells nobody, and gives the same answer twice.
    """
    found = stored.replayed(session, event_id, policy_version=body.policy_version, now=clock.now())
    return ReplayView(
        event_id=event_id, policy_version=found.policy_version, policy_version_then=found.policy_version_then,
        pictures=found.pictures, approved_after_s=found.approved_after_s, messages_then=found.messages_then,
        messages_now=found.messages_now, all_clear_then_at=found.all_clear_then_at,
        all_clear_now_at=found.all_clear_now_at,
        differences={difference.value: found.count(difference) for difference in stored.Difference},
        lines=[
            ReplayLine(
                zone_id=line.zone.id, code=line.zone.code, name=_name(line.zone), level=line.level,
                then_at=line.then_at, now_at=line.now_at, difference=line.difference.value, minutes=line.minutes,
            )
            for line in found.lines
        ],
    )


@router.get("/events/{event_id}/report.html", response_class=HTMLResponse)
def print_event(
    event_id: EventId, session: SessionDep, account: CurrentAccount, language: Literal["th", "en"] = "th"
) -> HTMLResponse:
    """The report of the event for A4 paper, to be printed by the browser: no script, no network, nobody's name."""
    found = summary.summary(session, event_id, now=clock.now())
    city = alerts.city(session)
    paper = report.Paper(
        city=city.name.th if language == "th" else city.name.en, language=language, printed_at=clock.now(),
        is_simulated=city.is_simulated,
    )
    return HTMLResponse(report.html(found, queries.outlines(session, [one.zone.id for one in found.zones]), paper))
