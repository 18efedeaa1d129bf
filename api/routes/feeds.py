"""Feeds: how each of them does, and the ways in for those that send by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel

from api.deps import CurrentAccount, SessionDep, needs
from core import clock
from core.errors import InvalidInputError, NotFoundError
from core.words import words
from sensors.feeds.bodies import PUSHED_LIMIT_BYTES
from sensors.feeds.health import Line, error_key
from sensors.feeds_store import actions, queries, tasks
from sensors.feeds_store.reading import Body
from sensors.feeds_store.rules import RowFate
from sensors.feeds_store.spec import FeedSpec
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(tags=["sensors"])

Operator = Annotated[AccountRef, Depends(needs("officer", "admin"))]


class Sentence(BaseModel):
    """A sentence in Thai and English; `key` names what it is about (feed-success-minutes)."""

    key: str
    th: str
    en: str


class FeedName(BaseModel):
    """A feed's name in Thai and English."""

    th: str
    en: str


class FeedView(BaseModel):
    """A feed as officers see it. `lines` say in words how it stands; attempts are in real time.

    `is_asked` where the city asks, else the source sends; `missing_datastreams` are declared and do not exist.
    """

    code: str
    name: FeedName
    kind: str
    trust: str
    is_asked: bool
    host: str | None
    period_s: int
    condition: Literal["off", "waiting", "working", "late", "failing"]
    lines: list[Sentence]
    trouble: str | None
    trouble_detail: str | None
    failures: int
    last_attempt_wall_at: datetime | None
    last_success_wall_at: datetime | None
    next_attempt_wall_at: datetime | None
    newest_observed_at: datetime | None
    lag_s: float | None
    rows_stored: int
    rows_repeated: int
    rows_refused: int
    datastreams: list[str]
    missing_datastreams: list[str]


class Feeds(BaseModel):
    """Every feed, those that need a look first."""

    feeds: list[FeedView]


class FeedRowResult(BaseModel):
    """What became of one row, with its series and time where they could be read.

    Ignored are the series of a declared device that nobody asked for. `words` say why a row was refused, for people.
    """

    row: int
    status: Literal["stored", "flagged", "repeated", "ignored", "refused"]
    reason: str | None = None
    detail: str | None = None
    stream: str | None = None
    observed_at: datetime | None = None
    words: Sentence | None = None


class FeedIntake(BaseModel):
    """The answer to what a feed sent, row by row; `stored` counts the rows that are new, flagged ones too."""

    stored: int
    refused: int
    rows: list[FeedRowResult]


async def _body(request: Request) -> bytes:
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > PUSHED_LIMIT_BYTES:
            raise InvalidInputError(f"The body is larger than {PUSHED_LIMIT_BYTES} bytes; send smaller parts.")
    return bytes(raw)


Content = Annotated[bytes, Depends(_body)]


@router.get("/feeds", summary="How every feed does")
def list_feeds(session: SessionDep, account: CurrentAccount) -> Feeds:
    """Last success, lag, error and next attempt of each feed, in words."""
    cards = queries.cards(session, now=clock.now(), wall_now=clock.wall_now())
    return Feeds(feeds=[_view(card) for card in cards])


@router.post("/feeds/{code}", summary="What a feed sends")
def receive_feed(
    code: str,
    content: Content,
    session: SessionDep,
    x_device_key: Annotated[str | None, Header()] = None,
    event: Annotated[str, Query(max_length=40, description="ChirpStack's event.")] = "up",
    device: Annotated[str, Query(max_length=200, description="Whose ThingsBoard telemetry this is.")] = "",
) -> FeedIntake:
    """Uplinks, telemetry or rows in the feed's own form, each stored once; 401 where the key is not the feed's."""
    spec = actions.signed_in_feed(session, code, x_device_key)
    body = Body(content, clock.now(), clock.wall_now(), event=event, device=device)
    return _intake(actions.take_push(session, spec, body))


@router.post("/feeds/{code}/csv", summary="A CSV file for a feed")
def receive_file(code: str, content: Content, session: SessionDep, account: Operator) -> FeedIntake:
    """Every cell of the file is stored once or refused with its reason, and answered in order."""
    spec = _known(session, code)
    fates = actions.take_file(session, spec, Body(content, clock.now(), clock.wall_now()))
    answer = _intake(fates)
    staff_actions.record(
        session, account=account, action="feed.file_taken", subject=f"feed:{code}",
        detail={"stored": answer.stored, "refused": answer.refused, "bytes": len(content)},
    )
    return answer


@router.post("/feeds/{code}/poll", status_code=202, summary="Ask a feed now")
def poll_feed(code: str, session: SessionDep, account: Operator) -> FeedView:
    """The feed is asked as soon as a worker is free; 422 where it sends by itself, 409 where it is switched off."""
    tasks.poll_now(session, _known(session, code))
    staff_actions.record(session, account=account, action="feed.asked", subject=f"feed:{code}", detail={})
    cards = queries.cards(session, now=clock.now(), wall_now=clock.wall_now())
    return next(_view(card) for card in cards if card.code == code)


def _known(session: SessionDep, code: str) -> FeedSpec:
    spec = queries.spec_by_code(session, code)
    if spec is None:
        raise NotFoundError(f"There is no feed '{code}'.")
    return spec


def _intake(fates: Sequence[RowFate]) -> FeedIntake:
    counts = Counter(fate.status for fate in fates)
    rows = [
        FeedRowResult.model_validate(
            {"row": row, "status": fate.status, "reason": fate.reason, "detail": fate.detail, "stream": fate.stream,
             "observed_at": fate.observed_at, "words": _why(fate)}
        )
        for row, fate in enumerate(fates)
    ]
    return FeedIntake(stored=counts["stored"] + counts["flagged"], refused=counts["refused"], rows=rows)


def _view(card: queries.FeedCard) -> FeedView:
    fields = {name: getattr(card, name) for name in FeedView.model_fields if name not in {"name", "lines"}}
    return FeedView(
        name=FeedName(th=card.name_th, en=card.name_en), lines=[_sentence(line) for line in card.lines], **fields
    )


def _why(fate: RowFate) -> Sentence | None:
    return _sentence(Line(error_key(fate.reason))) if fate.status == "refused" and fate.reason else None


def _sentence(line: Line) -> Sentence:
    return Sentence(
        key=line.key,
        th=words("sensors", line.key, language="th", **line.slots),
        en=words("sensors", line.key, language="en", **line.slots),
    )
