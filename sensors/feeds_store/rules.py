"""How a feed did and how it stands, decided from plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sensors.feeds.health import LOST_AFTER_INTERVALS, FeedState, Standing, standing_of
from sensors.feeds.row import Reason

# What a network server also sends, and what was only played in its console: no readings, and no fault.
NO_FAULT = frozenset({Reason.NOT_AN_UPLINK, Reason.SIMULATED})


class Condition(StrEnum):
    """A feed at one glance."""

    OFF = "off"
    WAITING = "waiting"
    WORKING = "working"
    LATE = "late"
    FAILING = "failing"


@dataclass(frozen=True)
class RowFate:
    """What became of one row or fault of a feed. `reason` is a code; ignored are series that nobody asked for."""

    status: str
    reason: str | None = None
    detail: str | None = None
    stream: str | None = None
    observed_at: datetime | None = None


@dataclass(frozen=True)
class Result:
    """What an attempt or a push came to; `trouble` is the reason that most of the refused rows share."""

    stored: int = 0
    repeated: int = 0
    refused: int = 0
    newest_at: datetime | None = None
    trouble: str | None = None
    detail: str | None = None

    @property
    def is_success(self) -> bool:
        """Something was taken, or nothing was wrong."""
        return self.trouble is None or self.stored + self.repeated > 0


def result_of(fates: Sequence[RowFate]) -> Result:
    """The sum of what became of the rows."""
    counts = Counter(fate.status for fate in fates)
    refused = [fate for fate in fates if fate.status == "refused" and fate.reason not in NO_FAULT]
    reasons = Counter(fate.reason for fate in refused)
    trouble = max(reasons, key=lambda reason: reasons[reason]) if reasons else None
    times = [fate.observed_at for fate in fates if fate.observed_at and fate.status in _TAKEN]
    return Result(
        stored=counts["stored"] + counts["flagged"],
        repeated=counts["repeated"],
        refused=len(refused),
        newest_at=max(times, default=None),
        trouble=trouble,
        detail=next((fate.detail for fate in refused if fate.reason == trouble), None),
    )


_TAKEN = frozenset({"stored", "flagged", "repeated"})


def condition_of(state: FeedState, *, is_enabled: bool, longest_interval_s: float, now: datetime) -> Condition:
    """A feed that fails or is lost is failing; one that is late, or answers in time with old readings, is late.

    Readings are old when the newest is three intervals behind, of the feed or of its slowest datastream
    (`longest_interval_s`), whichever is longer.
    """
    standing = standing_of(state, now=now)
    if not is_enabled:
        return Condition.OFF
    if state.failures > 0 or standing is Standing.LOST:
        return Condition.FAILING
    if standing is Standing.NEVER:
        return Condition.WAITING
    allowed = timedelta(seconds=LOST_AFTER_INTERVALS * max(state.interval_s, longest_interval_s))
    if standing is Standing.LATE or (state.newest_at is not None and now - state.newest_at > allowed):
        return Condition.LATE
    return Condition.WORKING
