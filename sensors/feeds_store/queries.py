"""What others ask of feeds: how one is declared, which are due, how all of them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sensors.feeds.health import FeedState, Line, lines_of
from sensors.feeds_store.changed import DECLARED, Declared
from sensors.feeds_store.models import Feed, FeedHealth
from sensors.feeds_store.rules import Condition, condition_of
from sensors.feeds_store.spec import FeedSpec, spec_of
from sensors.models import Datastream


@dataclass(frozen=True)
class FeedCard:
    """A feed as a screen shows it. `lines` are in words of sensors/locales; `lag_s` is the newest reading's age."""

    code: str
    name_th: str
    name_en: str
    kind: str
    trust: str
    is_asked: bool
    host: str | None
    period_s: int
    condition: Condition
    lines: list[Line]
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


def specs(session: Session) -> list[FeedSpec]:
    """Every feed, by code."""
    return [_spec(feed) for feed in session.scalars(sa.select(Feed).order_by(Feed.code))]


def declared(session: Session) -> dict[str, Declared]:
    """What is declared of every feed, by its code; of its key nothing."""
    session.flush()
    feeds = session.scalars(sa.select(Feed))
    return {feed.code: {name: getattr(feed, name) for name in DECLARED} for feed in feeds}


def spec_by_code(session: Session, code: str) -> FeedSpec | None:
    """The feed of this code, None where there is none."""
    feed = session.scalar(sa.select(Feed).where(Feed.code == code))
    return None if feed is None else _spec(feed)


def spec_by_id(session: Session, feed_id: int) -> FeedSpec | None:
    """The feed of this id, None where there is none."""
    feed = session.get(Feed, feed_id)
    return None if feed is None else _spec(feed)


def due_healths(session: Session, *, wall_now: datetime) -> Sequence[FeedHealth]:
    """The health of every feed that is to be asked now, locked; those that somebody else holds are left out."""
    due = (
        sa.select(FeedHealth)
        .join(Feed, Feed.id == FeedHealth.feed_id)
        .where(
            Feed.is_enabled, Feed.url.is_not(None),
            sa.func.coalesce(FeedHealth.next_attempt_wall_at, wall_now) <= wall_now,
        )
        .order_by(FeedHealth.feed_id)
        .with_for_update(of=FeedHealth, skip_locked=True)
    )
    return session.scalars(due).all()


def cards(session: Session, *, now: datetime, wall_now: datetime) -> list[FeedCard]:
    """How every feed does at shared time `now`, which is `wall_now` in real time; those that need a look first."""
    intervals = _intervals(session)
    rows = session.execute(
        sa.select(Feed, FeedHealth).outerjoin(FeedHealth, FeedHealth.feed_id == Feed.id).order_by(Feed.code)
    )
    found = [
        _card(feed, health or FeedHealth(failures=0, rows_stored=0, rows_repeated=0, rows_refused=0), intervals,
              now=now, wall_now=wall_now)
        for feed, health in rows
    ]
    return sorted(found, key=lambda card: _URGENCY.index(card.condition))


def _intervals(session: Session) -> dict[str | None, int | None]:
    """How often each datastream of a station is expected, by code."""
    of_stations = sa.select(Datastream.code, Datastream.interval_s).where(Datastream.station_id.is_not(None))
    return {row.code: row.interval_s for row in session.execute(of_stations)}


_URGENCY = (Condition.FAILING, Condition.LATE, Condition.WAITING, Condition.WORKING, Condition.OFF)


def _card(
    feed: Feed, health: FeedHealth, intervals: dict[str | None, int | None], *, now: datetime, wall_now: datetime
) -> FeedCard:
    codes = sorted({str(one["datastream"]) for one in feed.streams})
    lag = None if health.newest_observed_at is None else now - health.newest_observed_at
    state = FeedState(
        interval_s=feed.period_s,
        last_success_at=health.last_success_wall_at,
        # Readings are on the shared clock, attempts in real time: the lag is the same on both.
        newest_at=None if lag is None else wall_now - lag,
        failures=health.failures,
        trouble=health.trouble,
        next_attempt_at=_due_at(feed, health, wall_now=wall_now),
    )
    longest_s = max((intervals.get(code) or 0 for code in codes), default=0)
    condition = condition_of(state, is_enabled=feed.is_enabled, longest_interval_s=longest_s, now=wall_now)
    return FeedCard(
        code=feed.code, name_th=feed.name_th, name_en=feed.name_en, kind=feed.kind, trust=feed.trust,
        is_asked=feed.url is not None, host=urlsplit(feed.url).hostname if feed.url else None, period_s=feed.period_s,
        condition=condition,
        lines=[Line("feed-switched-off"), *lines_of(state, now=wall_now)[1:]] if not feed.is_enabled
        else lines_of(state, now=wall_now),
        trouble=health.trouble, trouble_detail=health.trouble_detail, failures=health.failures,
        last_attempt_wall_at=health.last_attempt_wall_at, last_success_wall_at=health.last_success_wall_at,
        next_attempt_wall_at=health.next_attempt_wall_at if feed.is_enabled else None,
        newest_observed_at=health.newest_observed_at,
        lag_s=None if lag is None else lag.total_seconds(),
        rows_stored=health.rows_stored, rows_repeated=health.rows_repeated, rows_refused=health.rows_refused,
        datastreams=codes, missing_datastreams=[code for code in codes if code not in intervals],
    )


def _due_at(feed: Feed, health: FeedHealth, *, wall_now: datetime) -> datetime | None:
    """From when on a worker's round asks the feed; None where nobody ever does."""
    if not feed.is_enabled or feed.url is None:
        return None
    return health.next_attempt_wall_at or wall_now


def _spec(feed: Feed) -> FeedSpec:
    return spec_of(
        id=feed.id, code=feed.code, kind=feed.kind, url=feed.url, period_s=feed.period_s, streams=feed.streams,
        options=feed.options, is_enabled=feed.is_enabled, secret_env=feed.secret_env,
        secret_header=feed.secret_header, key_hash=feed.key_hash,
    )
