"""How a feed does, as keys of sensors/locales and what fills them: last success, lag, error, next attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sensors.feeds.backoff import ROUND_S, round_at
from sensors.feeds.row import Reason

# As for a gauge (sensors.rules): three intervals without news are silence.
LATE_AFTER_INTERVALS, LOST_AFTER_INTERVALS = 1.5, 3
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
# Up to two of the larger unit the smaller one says more: 90 minutes, not 1 hour.
_KEEP = 2
# A worker that is a minute behind its round is not late by chance: it is not there, or has its hands full.
_MISSED_AFTER = timedelta(minutes=1)


class PullTrouble(StrEnum):
    """Why a feed could not even be read; what was read and is no row has a `Reason`."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    HTTP_STATUS = "http_status"
    SIGN_IN = "sign_in"
    BUSY = "busy"
    REDIRECTED = "redirected"
    BROKEN_ANSWER = "broken_answer"
    FORBIDDEN_ADDRESS = "forbidden_address"
    UNTRUSTED = "untrusted"
    NO_SECRET = "no_secret"  # noqa: S105 - the code of a trouble, and no secret.


class StoreTrouble(StrEnum):
    """Why a row that could be read is not kept as a reading; codes of the intake and of the counters."""

    UNKNOWN_DATASTREAM = "unknown_datastream"
    CONFLICTING_VALUE = "conflicting_value"
    MISSING_AFTER_VALUE = "missing_after_value"
    VALUE_AFTER_MISSING = "value_after_missing"
    FUTURE_TIME = "future_time"
    TOO_OLD = "too_old"
    REPLAYED = "replayed"
    IMPOSSIBLE_COUNTER = "impossible_counter"
    WRONG_KEY = "wrong_key"
    UNKNOWN_FEED = "unknown_feed"


class Standing(StrEnum):
    """How a feed stands: late and lost are different, and a feed that never spoke is neither."""

    NEVER = "never"
    GOOD = "good"
    LATE = "late"
    LOST = "lost"


@dataclass(frozen=True)
class FeedState:
    """What is known of a feed. `newest_at` is the latest time in what it sent; `trouble` a Reason or PullTrouble."""

    interval_s: float
    last_success_at: datetime | None = None
    newest_at: datetime | None = None
    failures: int = 0
    trouble: str | None = None
    next_attempt_at: datetime | None = None


@dataclass(frozen=True)
class Line:
    """One line for people: `words("sensors", key, **slots)`."""

    key: str
    slots: dict[str, str | int | float] = field(default_factory=dict)


def standing_of(state: FeedState, *, now: datetime) -> Standing:
    """Late beyond 1.5 intervals since the last success, lost beyond three."""
    if state.last_success_at is None:
        return Standing.NEVER
    silent_s = (now - state.last_success_at).total_seconds()
    if silent_s > LOST_AFTER_INTERVALS * state.interval_s:
        return Standing.LOST
    return Standing.LATE if silent_s > LATE_AFTER_INTERVALS * state.interval_s else Standing.GOOD


def lines_of(state: FeedState, *, now: datetime) -> list[Line]:
    """The lines of a feed: how it stands, its last success, its lag, its error and its next attempt, where there are.

    The lag is how far the newest reading is behind `now`, which may be hours at a source that answers in time.
    """
    lines = [Line(f"feed-standing-{standing_of(state, now=now)}")]
    if state.last_success_at is not None:
        lines.append(_span("feed-success", now - state.last_success_at))
    if state.newest_at is not None:
        ahead = state.newest_at - now
        lines.append(_span("feed-lag", -ahead) if ahead <= timedelta() else _span("feed-ahead", ahead))
    if state.failures > 0:
        lines.append(Line("feed-failures", {"count": state.failures}))
    if state.trouble is not None:
        lines.append(Line(error_key(state.trouble)))
    if state.next_attempt_at is not None:
        lines.append(_next(state.next_attempt_at, now=now))
    return lines


def _next(due_at: datetime, *, now: datetime) -> Line:
    """When the feed is truly asked: in the first round of the worker after it is due, not as soon as it is."""
    wait = round_at(due_at) - now
    if wait < -_MISSED_AFTER:
        return _span("feed-missed", -wait)
    if due_at <= now:
        return Line("feed-next-round", {"seconds": ROUND_S})
    if wait < timedelta(minutes=1):
        return Line("feed-next-soon")
    # Said to the nearest minute, as "about" promises.
    return _span("feed-next", wait + timedelta(seconds=_MINUTE_S / 2))


def error_key(trouble: str) -> str:
    """The key of a trouble's words; one that we have no words for is said to be other, not left out."""
    known = {*Reason, *PullTrouble, *StoreTrouble}
    return f"feed-error-{trouble.replace('_', '-') if trouble in known else 'other'}"


def _span(key: str, span: timedelta) -> Line:
    """A line with a span in the unit that fits: minutes up to two hours, hours up to two days, then days."""
    seconds = max(0.0, span.total_seconds())
    if seconds < _MINUTE_S:
        return Line(f"{key}-now")
    if seconds < _KEEP * _HOUR_S:
        return Line(f"{key}-minutes", {"count": int(seconds // _MINUTE_S)})
    if seconds < _KEEP * _DAY_S:
        return Line(f"{key}-hours", {"count": int(seconds // _HOUR_S)})
    return Line(f"{key}-days", {"count": int(seconds // _DAY_S)})
