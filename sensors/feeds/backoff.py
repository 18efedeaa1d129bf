"""When a feed is asked again: after its interval, later and later while it fails, and never before it allows it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# A source may ask for silence, but not for ever: a mistyped Retry-After must not end a feed (our judgement).
MAX_RETRY_AFTER = timedelta(hours=24)
# Beyond 2^20 intervals every cap is reached.
_DOUBLINGS = 20
# A worker looks who is due on the beat of so many seconds, counted from the full minute: nobody is asked between.
ROUND_S = 30


@dataclass(frozen=True)
class PollRule:
    """How often a feed is asked, how soon after its first failure, and how long at most between two attempts."""

    interval_s: float
    first_retry_s: float = 30.0
    cap_s: float = 3600.0


def next_attempt_at(
    *, failures: int, now: datetime, rule: PollRule, seed: str, retry_after: str | None = None
) -> datetime:
    """When to ask next after `failures` in a row (0 after a success).

    The wait doubles with each failure up to the cap; a fixed part of it, drawn from `seed` and the number of failures,
    lies between half and all of it, so that feeds that fail together do not return together ("equal jitter"). After a
    success it is the interval. `retry_after` (RFC 9110, 10.2.3: seconds or an HTTP date) is waited for, at most a day.
    """
    wait = timedelta(seconds=rule.interval_s if failures <= 0 else _retry_s(failures, rule=rule, seed=seed))
    asked = _asked_wait(retry_after, now=now)
    return now + (max(wait, min(asked, MAX_RETRY_AFTER)) if asked is not None else wait)


def round_at(due_at: datetime) -> datetime:
    """The worker's round that finds what is due at `due_at`: at that moment, or less than `ROUND_S` later."""
    beyond_s = due_at.timestamp() % ROUND_S
    return due_at if beyond_s == 0 else due_at + timedelta(seconds=ROUND_S - beyond_s)


def _retry_s(failures: int, *, rule: PollRule, seed: str) -> float:
    whole_s = min(rule.cap_s, rule.first_retry_s * 2.0 ** min(failures - 1, _DOUBLINGS))
    digest = hashlib.sha256(f"{seed}:{failures}".encode("utf-8", "replace")).digest()
    return whole_s * (0.5 + 0.5 * int.from_bytes(digest[:8]) / 2**64)


def _asked_wait(retry_after: str | None, *, now: datetime) -> timedelta | None:
    """What the source asks for, None where it asks for nothing or in no form that the standard knows."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:12]), 10**9))
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
