"""A stored event through today's rules: its pictures of the flood in, what would differ out.

Read only. The pictures are those of the time, the rules are the code that runs, the policy is the newest or another
version; proposals are approved after as long as the event's own waited in the middle. The same answer twice.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import queries as alerts
from alerts.after import queries
from alerts.after.desk import AT_ONCE, Picture, Told, played
from alerts.after.outcome import Span
from alerts.after.queries import NO_DATA, Event, ZoneName
from flood.rules import CALM_INTERVAL

# A picture by time may be so far off the moment at which a rule would have spoken.
SAME_WITHIN = CALM_INTERVAL


class Difference(StrEnum):
    """How a warning of a zone at a level compares: today's rules would give it so."""

    SAME = "same"
    EARLIER = "earlier"
    LATER = "later"
    MORE = "more"
    FEWER = "fewer"


@dataclass(frozen=True)
class Line:
    """One zone at one level: when it was first warned then, when it would be now, and what differs.

    `minutes` is how much earlier (negative) or later it would be now; None where one of both does not exist.
    """

    zone: ZoneName
    level: int
    then_at: datetime | None
    now_at: datetime | None
    difference: Difference
    minutes: float | None


@dataclass(frozen=True)
class Replayed:
    """What today's rules make of the event's pictures, beside what was sent then."""

    event: Event
    policy_version: int
    policy_version_then: int
    pictures: int
    approved_after_s: float
    lines: tuple[Line, ...]
    messages_then: int
    messages_now: int
    all_clear_then_at: datetime | None
    all_clear_now_at: datetime | None
    told: tuple[Told, ...]

    def count(self, difference: Difference) -> int:
        """How many zones and levels differ so."""
        return sum(line.difference is difference for line in self.lines)


def replayed(session: Session, event_id: int, *, policy_version: int | None, now: datetime) -> Replayed:
    """The event's stored pictures through the rules, under this version of the policy (the newest where None).

    Raises NotFoundError where there is no such event or version.
    """
    event = queries.event(session, event_id, now=now)
    policy = alerts.current_policy(session) if policy_version is None else alerts.policy_of(session, policy_version)
    rows = [row for row in queries.alerts(session, event_id) if row.approved_at is not None]
    waited = [row.approved_at - row.proposed_at for row in rows if row.approved_at is not None]
    approved_after = timedelta(seconds=statistics.median(one.total_seconds() for one in waited)) if waited else AT_ONCE
    from_at, until_at = event.window(now)
    drawn = stored_pictures(
        session, from_at=from_at, until_at=until_at,
        without=queries.warned_elsewhere(session, event_id, from_at=from_at, until_at=until_at),
    )
    told = [one for _, more in played(drawn, policy=policy, approved_after=approved_after) for one in more]
    then = queries.spans(session, event_id, now=now)
    names = queries.zone_names(session, then.keys() | {zone_id for one in told for zone_id in one.zone_ids})
    return Replayed(
        event=event, policy_version=policy.version, pictures=len(drawn), lines=compared(names, then, told),
        policy_version_then=max((row.policy_version for row in rows), default=policy.version),
        approved_after_s=approved_after.total_seconds(), told=tuple(told),
        messages_then=sum(row.kind != "all_clear" for row in rows),
        messages_now=sum(one.kind != "all_clear" for one in told),
        all_clear_then_at=max(
            (row.approved_at for row in rows if row.approved_at is not None and row.kind == "all_clear"), default=None
        ),
        all_clear_now_at=max((one.at for one in told if one.kind == "all_clear"), default=None),
    )


def compared(
    names: dict[int, ZoneName], then: dict[int, tuple[Span, ...]], told: Sequence[Told]
) -> tuple[Line, ...]:
    """Each zone and level that was warned then or would be now, zones by their code, the highest level first."""
    first_then = _first((zone_id, span.level, span.from_at) for zone_id, found in then.items() for span in found)
    first_now = _first(
        (zone_id, one.level, one.at) for one in told if one.kind != "all_clear" for zone_id in one.zone_ids
    )
    lines = [
        _line(names[zone_id], level, then_at=first_then.get((zone_id, level)), now_at=first_now.get((zone_id, level)))
        for zone_id, level in first_then.keys() | first_now.keys()
    ]
    return tuple(sorted(lines, key=lambda line: (line.zone.code, -line.level)))


def _first(found: Iterable[tuple[int, int, datetime]]) -> dict[tuple[int, int], datetime]:
    firsts: dict[tuple[int, int], datetime] = {}
    for zone_id, level, at in found:
        firsts[zone_id, level] = min(at, firsts.get((zone_id, level), at))
    return firsts


def _line(zone: ZoneName, level: int, *, then_at: datetime | None, now_at: datetime | None) -> Line:
    if then_at is None or now_at is None:
        difference = Difference.MORE if then_at is None else Difference.FEWER
        return Line(zone, level, then_at, now_at, difference, minutes=None)
    apart = now_at - then_at
    if abs(apart) <= SAME_WITHIN:
        difference = Difference.SAME
    else:
        difference = Difference.EARLIER if apart < timedelta(0) else Difference.LATER
    return Line(zone, level, then_at, now_at, difference, minutes=round(apart.total_seconds() / 60, 1))


def stored_pictures(
    session: Session, *, from_at: datetime, until_at: datetime, without: Iterable[int] = ()
) -> list[Picture]:
    """The stored pictures of what was, in time order, without these zones; their severities as they were settled."""
    rows = session.execute(
        sa.text(
            "SELECT r.valid_at, r.method, array_agg(s.zone_id ORDER BY s.zone_id) AS zones,"
            " array_agg(s.severity ORDER BY s.zone_id) AS severities,"
            " array_agg(s.falling_to ORDER BY s.zone_id) AS falling "
            "FROM flood_run r JOIN zone_state s ON s.run_id = r.id AND s.zone_id <> ALL(:without) "
            "WHERE r.horizon_min = 0 AND r.valid_at BETWEEN :from_at AND :until_at "
            "GROUP BY r.id ORDER BY r.valid_at, r.id"
        ),
        {"from_at": from_at, "until_at": until_at, "without": sorted(without)},
    )
    return [
        Picture(
            at=row.valid_at, severity_by_zone=dict(zip(row.zones, row.severities, strict=True)),
            falling_by_zone={
                zone_id: to for zone_id, to in zip(row.zones, row.falling, strict=True) if to is not None
            },
            is_water_known=row.method != NO_DATA,
        )
        for row in rows
    ]
