"""Which zones need to be warned, at which level, and when it is over: decided over plain values.

Levels are 1 watch (เฝ้าระวัง), 2 warning (เตือนภัย), 3 danger (อันตราย), as DDPM's leaflet orders them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

# Thailand keeps UTC+7 all year.
THAI_TIME = timezone(timedelta(hours=7))
WATCH, WARNING, DANGER = 1, 2, 3

NEWS = 0
# Before an alert runs out by itself somebody is asked: renew it, or all clear? (assumed)
REMINDS_BEFORE = timedelta(hours=1)

DRAFT = "draft"
OPEN = frozenset({"proposed"})
TOLD = frozenset({"approved", "sending", "active"})
OVER = frozenset({"updated", "cancelled", "ended", "declined", "withdrawn"})
_AFTER_APPROVAL = frozenset({"updated", "cancelled", "ended"})
# An alert whose time has run out is `expired` by the clock alone; no state says so.
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"proposed", "withdrawn"}),
    "proposed": frozenset({"approved", "declined", "withdrawn"}),
    "approved": frozenset({"sending", "active"}) | _AFTER_APPROVAL,
    "sending": frozenset({"active"}) | _AFTER_APPROVAL,
    "active": _AFTER_APPROVAL,
    "updated": frozenset(),
    "cancelled": frozenset(),
    "ended": frozenset(),
    "declined": frozenset(),
    "withdrawn": frozenset(),
}


@dataclass(frozen=True)
class LevelRule:
    """When a level is proposed to residents, and how long it holds once sent or is left alone once declined.

    Messages of `priority` 0 are sent first. `persons` must have had a hand in it before it goes out, and where
    `needs_typed_name` the last of them types a zone's name. At night (from `quiet_from_h` to `quiet_to_h`, Thai hours)
    a quiet one waits for the morning. One that `may_be_armed` may be left to send itself after `armed_delay`, for
    `armed_at_most`. What a first person checked counts for `check_holds`.
    """

    level: int
    min_severity: int
    is_proposed: bool
    lasts: timedelta
    declined_holds: timedelta
    priority: int
    persons: int = 1
    needs_typed_name: bool = False
    is_quiet_at_night: bool = False
    quiet_from_h: int = 22
    quiet_to_h: int = 6
    check_holds: timedelta = timedelta(minutes=30)
    may_be_armed: bool = False
    armed_delay: timedelta = timedelta(minutes=3)
    armed_at_most: timedelta = timedelta(hours=12)


@dataclass(frozen=True)
class Policy:
    """What the city decided about warning, in one version."""

    version: int
    levels: tuple[LevelRule, ...]

    def level_of(self, severity: int) -> int | None:
        """The highest level that residents of a zone with this severity are warned at, or None."""
        return max((r.level for r in self.levels if r.is_proposed and severity >= r.min_severity), default=None)

    def rule(self, level: int) -> LevelRule:
        """The rule of a level; raises KeyError where the policy lacks it."""
        for rule in self.levels:
            if rule.level == level:
                return rule
        raise KeyError(level)


@dataclass(frozen=True)
class Standing:
    """An alert as the rules see it. `ended_at` is when it was declined or ended; others than the rules' are theirs."""

    id: int
    event_id: int
    kind: str
    level: int
    state: str
    zone_ids: frozenset[int]
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    is_by_rule: bool = True

    @property
    def is_warning(self) -> bool:
        """It warns, rather than giving the all-clear."""
        return self.kind != "all_clear"

    def is_in_force(self, now: datetime) -> bool:
        """Residents were told and the time it holds for has not run out."""
        return self.state in TOLD and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True)
class Proposal:
    """Zones that need an alert of one level."""

    level: int
    zone_ids: frozenset[int]


@dataclass(frozen=True)
class Decision:
    """What follows from a new picture of the water."""

    propose: tuple[Proposal, ...] = ()
    revise: tuple[tuple[int, Proposal], ...] = ()
    withdraw: tuple[int, ...] = ()
    all_clear: tuple[int, ...] = ()


def told_level(zone_id: int, standing: Sequence[Standing], *, now: datetime) -> int:
    """The highest level in force for a zone; 0 where its residents were told nothing that still holds."""
    return max((a.level for a in standing if a.is_warning and zone_id in a.zone_ids and a.is_in_force(now)), default=0)


def _is_held(zone_id: int, level: int, standing: Sequence[Standing], *, policy: Policy, now: datetime) -> bool:
    """An officer declined or cancelled this level or a higher one for the zone not long ago."""
    return any(
        a.is_warning
        and a.state in {"declined", "cancelled"}
        and a.level >= level
        and zone_id in a.zone_ids
        and a.ended_at is not None
        and now < a.ended_at + policy.rule(a.level).declined_holds
        for a in standing
    )


def _is_proposed_by_others(zone_id: int, level: int, standing: Sequence[Standing]) -> bool:
    """An officer or a warning from outside has proposed this level or a higher one for the zone."""
    return any(
        a.is_warning and a.state in OPEN and not a.is_by_rule and a.level >= level and zone_id in a.zone_ids
        for a in standing
    )


def zones_by_level(
    severity_by_zone: Mapping[int, int], standing: Sequence[Standing], *, policy: Policy, now: datetime
) -> dict[int, frozenset[int]]:
    """For each level, the zones whose residents have not been told as much yet.

    The same level is not proposed again while it holds, a lower one never; a rise is proposed at once, unless it
    stands proposed already by somebody else.
    """
    needed: dict[int, set[int]] = {}
    for zone_id, severity in severity_by_zone.items():
        level = policy.level_of(severity)
        if level is None or level <= told_level(zone_id, standing, now=now):
            continue
        if _is_proposed_by_others(zone_id, level, standing):
            continue
        if not _is_held(zone_id, level, standing, policy=policy, now=now):
            needed.setdefault(level, set()).add(zone_id)
    return {level: frozenset(zones) for level, zones in needed.items()}


def _unseen(
    waiting: Sequence[Standing], severity_by_zone: Mapping[int, int], standing: Sequence[Standing], *, now: datetime
) -> frozenset[int]:
    """The zones of open proposals that this picture knows nothing of: missing data is not lower water, they stay."""
    return frozenset(
        zone_id
        for alert in waiting
        for zone_id in alert.zone_ids - severity_by_zone.keys()
        if told_level(zone_id, standing, now=now) < alert.level
    )


def _open_by_level(standing: Sequence[Standing]) -> dict[int, list[Standing]]:
    found: dict[int, list[Standing]] = {}
    for alert in sorted(standing, key=lambda a: a.id):
        if alert.state in OPEN and alert.is_warning and alert.is_by_rule:
            found.setdefault(alert.level, []).append(alert)
    return found


def _warnings(
    severity_by_zone: Mapping[int, int], standing: Sequence[Standing], *, policy: Policy, now: datetime
) -> Decision:
    needed = zones_by_level(severity_by_zone, standing, policy=policy, now=now)
    waiting = _open_by_level(standing)
    propose: list[Proposal] = []
    revise: list[tuple[int, Proposal]] = []
    withdraw: list[int] = []
    for level in sorted(needed.keys() | waiting.keys(), reverse=True):
        open_ones = waiting.get(level, [])
        zones = needed.get(level, frozenset()) | _unseen(open_ones, severity_by_zone, standing, now=now)
        if zones and not open_ones:
            propose.append(Proposal(level, zones))
        elif zones:
            revise.append((open_ones[0].id, Proposal(level, zones)))
        withdraw += [a.id for a in (open_ones[1:] if zones else open_ones)]
    return Decision(propose=tuple(propose), revise=tuple(revise), withdraw=tuple(withdraw))


def _is_over(event_zones: Collection[int], severity_by_zone: Mapping[int, int]) -> bool:
    # A zone without a severity is unknown, and unknown is never an all-clear.
    return all(severity_by_zone.get(zone_id) == 0 for zone_id in event_zones)


def event_zones(event_id: int, standing: Sequence[Standing]) -> frozenset[int]:
    """Every zone of the event's warnings that were sent and not closed, expired or not."""
    told = [a.zone_ids for a in standing if a.event_id == event_id and a.is_warning and a.state in TOLD]
    return frozenset().union(*told)


def _is_all_clear_held(event_id: int, standing: Sequence[Standing], *, policy: Policy, now: datetime) -> bool:
    return any(
        a.event_id == event_id
        and not a.is_warning
        and a.state == "declined"
        and a.ended_at is not None
        and now < a.ended_at + policy.rule(a.level).declined_holds
        for a in standing
    )


def _all_clears(
    severity_by_zone: Mapping[int, int],
    standing: Sequence[Standing],
    *,
    policy: Policy,
    is_water_known: bool,
    now: datetime,
) -> Decision:
    given = {a.event_id: a for a in standing if not a.is_warning and a.state in OPEN | TOLD}
    all_clear: list[int] = []
    withdraw: list[int] = []
    for event_id in sorted({a.event_id for a in standing if a.is_warning and a.state in TOLD}):
        waiting = given.get(event_id)
        is_over = is_water_known and _is_over(event_zones(event_id, standing), severity_by_zone)
        if waiting is None:
            if is_over and not _is_all_clear_held(event_id, standing, policy=policy, now=now):
                all_clear.append(event_id)
        elif not is_over and waiting.state in OPEN and waiting.is_by_rule:
            withdraw.append(waiting.id)
    return Decision(all_clear=tuple(all_clear), withdraw=tuple(withdraw))


def decide(
    severity_by_zone: Mapping[int, int],
    standing: Sequence[Standing],
    *,
    falling_by_zone: Mapping[int, int],
    policy: Policy,
    is_water_known: bool,
    now: datetime,
) -> Decision:
    """What is proposed, revised or withdrawn when the picture of the water is drawn anew.

    `severity_by_zone` holds 0..3 for the zones the picture knows; `standing` every alert that is not long over.
    Where the water is falling, `falling_by_zone` holds what to: nobody is newly warned of water that goes away, while
    the all-clear waits until the severity itself is 0.
    `is_water_known` is False while gauges that stood high are silent; then no all-clear is proposed.
    """
    warned = _warnings({**severity_by_zone, **falling_by_zone}, standing, policy=policy, now=now)
    cleared = _all_clears(severity_by_zone, standing, policy=policy, is_water_known=is_water_known, now=now)
    return Decision(
        propose=warned.propose,
        revise=warned.revise,
        withdraw=warned.withdraw + cleared.withdraw,
        all_clear=cleared.all_clear,
    )


def superseded_by(zone_ids: Collection[int], level: int, standing: Sequence[Standing]) -> tuple[Standing, ...]:
    """The sent warnings that an alert of this level takes the place of: those whose every zone it covers.

    An alert that still speaks for another zone stays in force (a CAP Update would withdraw it there as well).
    """
    covered = frozenset(zone_ids)
    return tuple(a for a in standing if a.is_warning and a.state in TOLD and a.level <= level and a.zone_ids <= covered)


def events_touched(zone_ids: Collection[int], standing: Sequence[Standing]) -> tuple[int, ...]:
    """The events, oldest first, whose warnings speak of one of these zones: one flood, told of together."""
    touched = frozenset(zone_ids)
    told = (a for a in standing if a.is_warning and a.state in TOLD)
    return tuple(sorted({a.event_id for a in told if not a.zone_ids.isdisjoint(touched)}))


def is_expiring(state: str, expires_at: datetime | None, *, now: datetime) -> bool:
    """Somebody has to say whether the alert is to be renewed or is over: its time runs out soon."""
    return state in TOLD and expires_at is not None and expires_at - REMINDS_BEFORE <= now < expires_at


def is_check_valid(checked_at: datetime | None, rule: LevelRule, *, now: datetime) -> bool:
    """What a first person checked still counts: it says that the danger is real, whatever was revised since."""
    return checked_at is not None and now < checked_at + rule.check_holds


def is_first_person_missing(
    *, proposed_by: int | None, checked_by: int | None, checked_at: datetime | None, rule: LevelRule, now: datetime
) -> bool:
    """Before this level goes out, somebody other than the approver has to have proposed or checked it."""
    has_first = proposed_by is not None or (checked_by is not None and is_check_valid(checked_at, rule, now=now))
    return rule.persons > 1 and not has_first


def held_until(rule: LevelRule, *, now: datetime) -> datetime | None:
    """When a message approved now goes out where the night is quiet for its level; None where it goes at once."""
    if not rule.is_quiet_at_night or rule.quiet_from_h == rule.quiet_to_h:
        return None
    local = now.astimezone(THAI_TIME)
    is_over_midnight = rule.quiet_from_h > rule.quiet_to_h
    is_night = (
        local.hour >= rule.quiet_from_h or local.hour < rule.quiet_to_h
        if is_over_midnight
        else rule.quiet_from_h <= local.hour < rule.quiet_to_h
    )
    if not is_night:
        return None
    morning = local.replace(hour=rule.quiet_to_h % 24, minute=0, second=0, microsecond=0)
    return morning if morning > local else morning + timedelta(days=1)


def is_name_typed(typed: str | None, names: Collection[str]) -> bool:
    """What was typed is one of the zones' names; spaces around and between words and letters' size do not matter."""
    spelt = " ".join((typed or "").split()).casefold()
    return bool(spelt) and spelt in {" ".join(name.split()).casefold() for name in names}
