"""The quarantine over HTTP: what was refused of what gauges and others sent, and trying it again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

import sensors.sensorthings.posted  # noqa: F401 - takes its messages again.
from api.bodies import OnceRoute
from api.deps import SessionDep, needs
from core import clock
from core.errors import InvalidInputError
from core.words import LANGUAGES
from sensors import actions, quarantine, retrying
from sensors.models import ReadingRefused
from sensors.quarantine import Choice
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["sensors"])

Officer = Annotated[AccountRef, Depends(needs("officer", "admin"))]
Admin = Annotated[AccountRef, Depends(needs("admin"))]
BIGGEST_ID = 2**63 - 1
GROUPS_AT_ONCE = 100
LATELY = timedelta(hours=24)
# No text of the database holds a NUL; half of a surrogate pair is no text to pydantic.
Name = Annotated[str, Field(max_length=100, pattern="^[^\x00]*$")]
Id = Annotated[int, Field(ge=1, le=BIGGEST_ID)]


class Reason(BaseModel):
    """How many rows wait with this reason, and how many were taken at a later try."""

    reason: str
    words: dict[str, str]
    waiting: int
    replayed: int
    newest_at: datetime


class RefusedRow(BaseModel):
    """A refused row as it came: `raw` holds its text without a key, or its fields."""

    id: int
    received_at: datetime
    source: str
    reason: str
    topic_code: str | None
    raw: dict[str, Any]
    replayed_at: datetime | None
    replayed_by: str | None

    @classmethod
    def of(cls, row: ReadingRefused) -> RefusedRow:
        """The row as the screens see it; never the hash of its key."""
        return cls(
            id=row.id, received_at=row.received_at, source=row.source, reason=row.reason, topic_code=row.topic_code,
            raw=row.raw, replayed_at=row.replayed_at, replayed_by=row.replayed_by,
        )


class Quarantine(BaseModel):
    """All reasons with their counts, and a page of rows, newest first; `next_before_id` asks for the page after it."""

    reasons: list[Reason]
    rows: list[RefusedRow]
    next_before_id: int | None


class RefusedStation(BaseModel):
    """The station whose datastream the rows name; its `id` is the gauge's."""

    id: int
    name: dict[str, str]


class RefusedGroup(BaseModel):
    """Rows of a source that name a datastream ("" where they name none), refused for one reason.

    `example` begins the newest of them, without its key; `advice` says what can be done about them, where it is known.
    """

    source: str
    datastream_code: str
    station: RefusedStation | None
    reason: str
    words: dict[str, str]
    advice: dict[str, str] | None
    waiting: int
    replayed: int
    first_at: datetime
    newest_at: datetime
    example: str

    @classmethod
    def of(cls, group: quarantine.Group) -> RefusedGroup:
        """The group as the screens see it, in every language."""
        advice = {language: quarantine.advice_of(group.reason, language=language) for language in LANGUAGES}
        names = {"th": group.station_name_th or "", "en": group.station_name_en or ""}
        return cls(
            source=group.source, datastream_code=group.datastream_code, reason=group.reason, waiting=group.waiting,
            station=None if group.station_id is None else RefusedStation(id=group.station_id, name=names),
            words=_words_of(group.reason),
            advice={language: said for language, said in advice.items() if said is not None} or None,
            replayed=group.replayed, first_at=group.first_at, newest_at=group.newest_at, example=group.example,
        )


class RefusedGroups(BaseModel):
    """What was refused since a time, those of which most rows wait first; `waiting` and `groups_count` are of all."""

    since: datetime
    waiting: int
    groups_count: int
    groups: list[RefusedGroup]


class ReplayIn(BaseModel):
    """Which rows are tried again: of one reason, these ids, or all that wait.

    And of a source, of rows that name a datastream ("" for those that name none), received since a time.

    `units` says what units in the rows really are ("cm=cm", "เมตร=m"); with `is_vouched` rows are taken that came
    without their station's key, and then a reason or ids must say which; `after_id` goes on where an answer stopped.
    """

    reason: str | None = None
    ids: Annotated[list[Id], Field(min_length=1, max_length=retrying.AT_ONCE)] | None = None
    units: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50)] = []
    is_vouched: bool = False
    after_id: Annotated[int, Field(ge=0, le=BIGGEST_ID)] = 0
    source: Name | None = None
    datastream_code: Name | None = None
    since: AwareDatetime | None = None


class ReplayOut(BaseModel):
    """What became of the rows; `next_after_id` where there may be more to try.

    `still_refused` counts those that stay refused by reason, `still_refused_words` says each of these in words.
    """

    rows: int
    taken: int
    still_refused: dict[str, int]
    still_refused_words: dict[str, dict[str, str]]
    next_after_id: int | None


@router.get("/readings/refused/groups", summary="What was refused lately, by source, datastream and reason")
def list_refused_groups(session: SessionDep, account: Officer, since: datetime | None = None) -> RefusedGroups:
    """Since a time, of the last 24 hours where none is given: how many rows, when, and the newest of each kind."""
    begin = clock.now() - LATELY if since is None else _with_zone(since)
    told = quarantine.groups(session, Choice(since=begin), limit=GROUPS_AT_ONCE)
    return RefusedGroups(
        since=begin, waiting=told.waiting, groups_count=told.groups_count,
        groups=[RefusedGroup.of(group) for group in told.groups],
    )


@router.get("/readings/refused", summary="What was refused of what gauges and others sent")
def list_refused(
    session: SessionDep,
    account: Officer,
    reason: str | None = None,
    since: datetime | None = None,
    before_id: Annotated[int | None, Query(ge=1, le=BIGGEST_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
) -> Quarantine:
    """Rows that could not be kept as readings, whole, each with its reason; counted by reason."""
    choice = Choice(
        reason=None if reason is None else quarantine.checked_reason(reason),
        since=None if since is None else _with_zone(since),
    )
    rows = quarantine.page(session, choice, before_id=before_id, limit=limit)
    return Quarantine(
        reasons=[
            Reason(
                reason=one.reason, waiting=one.waiting, replayed=one.replayed, newest_at=one.newest_at,
                words=_words_of(one.reason),
            )
            for one in quarantine.counts(session, choice)
        ],
        rows=[RefusedRow.of(row) for row in rows],
        next_before_id=rows[-1].id if len(rows) == limit else None,
    )


@router.post("/readings/refused/replay", summary="Try refused rows again")
def replay_refused(session: SessionDep, account: Admin, asked: ReplayIn) -> ReplayOut:
    """At most 500 rows that wait are tried again and stored as if taken when they came; twice is the same as once."""
    choice = Choice(
        reason=None if asked.reason is None else quarantine.checked_reason(asked.reason),
        ids=None if asked.ids is None else tuple(asked.ids),
        after_id=asked.after_id,
        source=asked.source,
        datastream_code=asked.datastream_code,
        since=asked.since,
    )
    by = actions.Operator(account.username, account)
    try_again = actions.replay_vouched if asked.is_vouched else actions.replay_refused
    tried = try_again(session, choice, units=retrying.units_of(asked.units), by=by)
    return ReplayOut(
        rows=tried.rows, taken=tried.taken, still_refused=dict(tried.still_refused),
        still_refused_words={reason: _words_of(reason) for reason in tried.still_refused},
        next_after_id=tried.last_id if tried.rows == retrying.AT_ONCE else None,
    )


def _words_of(reason: str) -> dict[str, str]:
    return {language: quarantine.words_of(reason, language=language) for language in LANGUAGES}


def _with_zone(since: datetime) -> datetime:
    if since.tzinfo is None:
        raise InvalidInputError("The time 'since' has no time zone.")
    return since
