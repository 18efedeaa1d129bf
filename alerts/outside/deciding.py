"""Which zones an outside warning would warn that nobody has warned or proposed yet. Pure.

What the house decided stands: a level in force, an open proposal of that level or a higher one, and what was declined
not long ago are never proposed a second time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.rules import OPEN, Policy, Standing, told_level


@dataclass(frozen=True)
class Wanted:
    """What the city's table would propose for one warning: levels from 1 to 3 by zone."""

    warning_id: int
    hazard: str
    sent_at: datetime
    level_by_zone: Mapping[int, int]


@dataclass(frozen=True)
class Answered:
    """An alert that an outside warning proposed and that a person has decided against, or ended, at `at`."""

    warning_id: int
    level: int
    zone_ids: frozenset[int]
    at: datetime


def needed(
    wanted: Wanted, standing: Sequence[Standing], answered: Collection[Answered], *, own: Collection[int],
    policy: Policy, now: datetime,
) -> dict[int, frozenset[int]]:
    """By level, the zones to propose; `own` are the open proposals that stand for this warning already.

    What somebody decided about this warning holds until it is issued anew.
    """
    found: dict[int, set[int]] = {}
    for zone_id, level in wanted.level_by_zone.items():
        is_answered = any(
            one.warning_id == wanted.warning_id and one.level >= level and zone_id in one.zone_ids
            and one.at >= wanted.sent_at
            for one in answered
        )  # fmt: skip
        if level < 1 or is_answered or level <= told_level(zone_id, standing, now=now):
            continue
        if not _is_taken(zone_id, level, standing, own=own, policy=policy, now=now):
            found.setdefault(level, set()).add(zone_id)
    return {level: frozenset(zones) for level, zones in found.items()}


def _is_taken(
    zone_id: int, level: int, standing: Sequence[Standing], *, own: Collection[int], policy: Policy, now: datetime
) -> bool:
    """Somebody else's open proposal covers the zone at this level, or a decline of it still holds."""
    for alert in standing:
        if not alert.is_warning or zone_id not in alert.zone_ids or alert.level < level or alert.id in own:
            continue
        if alert.state in OPEN:
            return True
        is_declined = alert.state == "declined" and alert.ended_at is not None
        if is_declined and now < (alert.ended_at or now) + policy.rule(alert.level).declined_holds:
            return True
    return False
