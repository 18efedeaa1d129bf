"""How long a promise lasts, what of it is used, when to warn and when it is broken. Pure: `now` is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.calendar import OfficeCalendar

# A promise of office hours that does not end within so many days has no office hours to end in.
FURTHEST_DAYS = 3660
NEVER = timedelta(days=FURTHEST_DAYS)


@dataclass(frozen=True)
class Terms:
    """What was promised: so many hours from `opened_at`, of the clock (`calendar`) or of the office (`working`)."""

    opened_at: datetime
    hours: float
    promise_in: str

    @property
    def length(self) -> timedelta:
        """The promised time."""
        return timedelta(hours=self.hours)


@dataclass(frozen=True)
class Pause:
    """A time that does not count; open-ended ones end at their limit, or have not ended (None)."""

    began_at: datetime
    ended_at: datetime | None


def counting(terms: Terms, *, pauses: Sequence[Pause], calendar: OfficeCalendar) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of time that count, from the opening on, in order and apart."""
    stopped = _merged(pauses)
    if terms.promise_in == "calendar":
        stretches: Iterator[tuple[datetime, datetime]] = iter([(terms.opened_at, terms.opened_at + NEVER)])
    else:
        stretches = calendar.open_stretches(terms.opened_at, days=FURTHEST_DAYS)
    for begins_at, ends_at in stretches:
        for stop_at, go_at in stopped:
            if go_at <= begins_at:
                continue
            if stop_at >= ends_at:
                break
            if stop_at > begins_at:
                yield begins_at, stop_at
            begins_at = go_at
            if begins_at >= ends_at:
                break
        if begins_at < ends_at:
            yield begins_at, ends_at


def _merged(pauses: Sequence[Pause]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    known = ((p.began_at, p.ended_at or p.began_at + NEVER + NEVER) for p in pauses)
    for began_at, ended_at in sorted(pause for pause in known if pause[1] > pause[0]):
        if merged and began_at <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ended_at))
        else:
            merged.append((began_at, ended_at))
    return merged


def used(terms: Terms, *, pauses: Sequence[Pause], calendar: OfficeCalendar, now: datetime) -> timedelta:
    """How much of the promised time has gone by, however much was promised."""
    total = timedelta()
    for begins_at, ends_at in counting(terms, pauses=pauses, calendar=calendar):
        if begins_at >= now:
            break
        total += min(ends_at, now) - begins_at
    return total


def reached_at(
    terms: Terms, *, share: float, pauses: Sequence[Pause], calendar: OfficeCalendar
) -> datetime:
    """When this share of the promised time is used; ten years on where the office never opens so long."""
    left = terms.length * share
    for begins_at, ends_at in counting(terms, pauses=pauses, calendar=calendar):
        if ends_at - begins_at >= left:
            return begins_at + left
        left -= ends_at - begins_at
    return terms.opened_at + NEVER


def due_at(terms: Terms, *, pauses: Sequence[Pause], calendar: OfficeCalendar) -> datetime:
    """Until when the city promises to have finished."""
    return reached_at(terms, share=1.0, pauses=pauses, calendar=calendar)


def wait_until(
    *, now: datetime, asked_for: timedelta, earlier: Sequence[Pause], limit: timedelta, total_limit: timedelta
) -> datetime | None:
    """When a question to the reporter stops the clock at the latest; None where waiting has been used up."""
    waited = sum((p.ended_at - p.began_at for p in earlier if p.ended_at is not None), timedelta())
    allowed = min(asked_for, limit, total_limit - waited)
    return now + allowed if allowed > timedelta() else None


BREACHED = "breached"


def mark_times(
    terms: Terms,
    *,
    pauses: Sequence[Pause],
    calendar: OfficeCalendar,
    warn_at_shares: Sequence[float],
    warn_before: timedelta,
) -> list[tuple[str, datetime]]:
    """When each mark of the promise falls due: `used_75` and the like, `ending`, `breached`.

    A promise shorter than four times `warn_before` has no mark `ending`: it would be ending from the start.
    """
    shares = [(f"used_{round(share * 100)}", share) for share in warn_at_shares]
    if terms.length >= 4 * warn_before:
        shares.append(("ending", 1 - warn_before / terms.length))
    shares.append((BREACHED, 1.0))
    return [(kind, reached_at(terms, share=share, pauses=pauses, calendar=calendar)) for kind, share in shares]


def marks_due(times: Sequence[tuple[str, datetime]], *, ended_at: datetime | None, now: datetime) -> list[str]:
    """The marks that are due by now; of what was finished or rejected only a breach before that counts.

    A promise is kept at its very last moment, and broken after it.
    """
    if ended_at is not None:
        return [kind for kind, at in times if kind == BREACHED and at < min(now, ended_at)]
    return [kind for kind, at in times if (at < now if kind == BREACHED else at <= now)]


def next_mark_at(times: Sequence[tuple[str, datetime]], *, made: Iterable[str]) -> datetime | None:
    """When the next mark that was not made yet falls due."""
    known = set(made)
    return min((at for kind, at in times if kind not in known), default=None)
