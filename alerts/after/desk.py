"""A desk that only the rules speak at: every proposal is approved, and nothing is asked of a database or a clock.

It is how a past record or a stored event is played through the rules in service: the pictures of the water go in, in
time order, and what residents would have been told comes out. The same pictures give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts import rules
from alerts.rules import Policy, Proposal, Standing

AT_ONCE = timedelta(0)


@dataclass(frozen=True)
class Picture:
    """What is known of the water at `at`: severity 0..3 by zone, what falling zones fall to, and if it can be trusted.

    A zone that is not named is unknown; `is_water_known` is False while gauges are silent.
    """

    at: datetime
    severity_by_zone: Mapping[int, int]
    falling_by_zone: Mapping[int, int]
    is_water_known: bool


@dataclass(frozen=True)
class Told:
    """Something that residents of the zones are told at `at`. `kind`: alert, update (of an earlier one), all_clear."""

    at: datetime
    event_id: int
    kind: str
    level: int
    zone_ids: frozenset[int]


@dataclass(frozen=True)
class Waiting:
    """A proposal that waits for its officer since `proposed_at`."""

    alert: Standing
    proposed_at: datetime


@dataclass(frozen=True)
class Desk:
    """What waits and what was told at the desk; what is over is forgotten. The counts are of all that went before.

    An alert whose time runs out while the water holds its level is extended by its officer, which tells nobody anew.
    """

    waiting: tuple[Waiting, ...] = ()
    in_force: tuple[Standing, ...] = ()
    seen_at: datetime | None = None
    last_id: int = 0
    proposed: int = 0
    withdrawn: int = 0
    extended: int = 0

    @property
    def standing(self) -> tuple[Standing, ...]:
        """All of it as the rules see it, oldest first."""
        return tuple(sorted((*(one.alert for one in self.waiting), *self.in_force), key=lambda alert: alert.id))

    @property
    def is_clear(self) -> bool:
        """Nothing waits and nobody is warned."""
        return not self.waiting and not self.in_force


def played(
    pictures: Iterable[Picture], *, policy: Policy, approved_after: timedelta = AT_ONCE
) -> Iterator[tuple[Desk, tuple[Told, ...]]]:
    """After each picture, in time order: the desk, and what was told since the one before; at last what still waited.

    A proposal is approved `approved_after` it was made, unless the rules have taken it back.
    """
    desk = Desk()
    for picture in pictures:
        desk, told = shown(desk, picture, policy=policy, approved_after=approved_after)
        yield desk, told
    for one in desk.waiting:
        desk, told = _approved(desk, now=one.proposed_at + approved_after, policy=policy, approved_after=approved_after)
        yield desk, told


def shown(
    desk: Desk, picture: Picture, *, policy: Policy, approved_after: timedelta = AT_ONCE
) -> tuple[Desk, tuple[Told, ...]]:
    """The desk after this picture, and what is told at it."""
    desk = _extended(desk, picture, policy=policy)
    desk, due = _approved(desk, now=picture.at, policy=policy, approved_after=approved_after)
    decision = rules.decide(
        picture.severity_by_zone, desk.standing, falling_by_zone=picture.falling_by_zone, policy=policy,
        is_water_known=picture.is_water_known, now=picture.at,
    )
    desk = _withdrawn(desk, frozenset(decision.withdraw))
    desk = _revised(desk, dict(decision.revise))
    for proposal in decision.propose:
        desk = _proposed(desk, kind="alert", proposal=proposal, event_id=None, now=picture.at)
    for event_id in decision.all_clear:
        over = [one for one in desk.in_force if one.event_id == event_id and one.is_warning]
        zones = rules.event_zones(event_id, desk.standing)
        proposal = Proposal(max(one.level for one in over), zones)
        desk = _proposed(desk, kind="all_clear", proposal=proposal, event_id=event_id, now=picture.at)
    desk, at_once = _approved(desk, now=picture.at, policy=policy, approved_after=approved_after)
    return desk, due + at_once


def _extended(desk: Desk, picture: Picture, *, policy: Policy) -> Desk:
    before = desk.seen_at or picture.at
    extended = [_in_time(one, picture, before=before, policy=policy) for one in desk.in_force]
    count = sum(new is not old for new, old in zip(extended, desk.in_force, strict=True))
    return replace(desk, in_force=tuple(extended), seen_at=picture.at, extended=desk.extended + count)


def _in_time(alert: Standing, picture: Picture, *, before: datetime, policy: Policy) -> Standing:
    """The alert, holding longer where its time has run out since `before` and its water is not known to be lower."""
    if not alert.is_warning or alert.expires_at is None or not before < alert.expires_at <= picture.at:
        return alert
    severities = [picture.severity_by_zone.get(zone_id) for zone_id in alert.zone_ids]
    least = policy.rule(alert.level).min_severity
    if picture.is_water_known and all(severity is not None and severity < least for severity in severities):
        return alert
    return replace(alert, expires_at=picture.at + policy.rule(alert.level).lasts)


def _proposed(desk: Desk, *, kind: str, proposal: Proposal, event_id: int | None, now: datetime) -> Desk:
    number = desk.last_id + 1
    alert = Standing(
        id=number, event_id=event_id or number, kind=kind, level=proposal.level, state="proposed",
        zone_ids=proposal.zone_ids,
    )
    return replace(
        desk, last_id=number, proposed=desk.proposed + 1, waiting=(*desk.waiting, Waiting(alert, proposed_at=now))
    )


def _withdrawn(desk: Desk, alert_ids: frozenset[int]) -> Desk:
    left = tuple(one for one in desk.waiting if one.alert.id not in alert_ids)
    return replace(desk, waiting=left, withdrawn=desk.withdrawn + len(desk.waiting) - len(left))


def _revised(desk: Desk, proposals: Mapping[int, Proposal]) -> Desk:
    revised = [
        replace(one, alert=replace(one.alert, zone_ids=proposals[one.alert.id].zone_ids))
        if one.alert.id in proposals else one
        for one in desk.waiting
    ]
    return replace(desk, waiting=tuple(revised))


def _approved(
    desk: Desk, *, now: datetime, policy: Policy, approved_after: timedelta
) -> tuple[Desk, tuple[Told, ...]]:
    told: list[Told] = []
    for one in desk.waiting:
        due_at = one.proposed_at + approved_after
        if due_at <= now:
            desk, message = _sent(desk, one, now=due_at, policy=policy)
            told.append(message)
    return desk, tuple(told)


def _sent(desk: Desk, waiting: Waiting, *, now: datetime, policy: Policy) -> tuple[Desk, Told]:
    """The proposal is in force as in service: what it covers is over, the events it touches are one."""
    desk = replace(desk, waiting=tuple(one for one in desk.waiting if one is not waiting))
    alert = waiting.alert
    if not alert.is_warning:
        left = tuple(one for one in desk.in_force if one.event_id != alert.event_id)
        return replace(desk, in_force=left), _told(alert, now=now)
    replaced = rules.superseded_by(alert.zone_ids, alert.level, desk.in_force)
    touched = rules.events_touched(alert.zone_ids, desk.in_force)
    sent = replace(
        alert, kind="update" if replaced else "alert", event_id=touched[0] if touched else alert.id, state="active",
        expires_at=now + policy.rule(alert.level).lasts,
    )
    kept = (one for one in desk.in_force if one not in replaced)
    joined = (replace(one, event_id=sent.event_id) if one.event_id in touched else one for one in kept)
    return replace(desk, in_force=(*joined, sent)), _told(sent, now=now)


def _told(alert: Standing, *, now: datetime) -> Told:
    return Told(at=now, event_id=alert.event_id, kind=alert.kind, level=alert.level, zone_ids=alert.zone_ids)
