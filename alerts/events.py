"""What happened to alerts, for the screens and the rooms above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.events import Event


@dataclass(frozen=True)
class OutsideWarned(Event):
    """A warning of others came, was issued anew, or ended: `warning_ids` are those that are new or changed."""

    name: ClassVar[str] = "alerts.outside_warned"
    source: str
    warning_ids: list[int]


@dataclass(frozen=True)
class AlertProposed(Event):
    """An alert waits for approval, or its open proposal was revised (`revision` > 1)."""

    name: ClassVar[str] = "alerts.alert_proposed"
    alert_id: int
    kind: str
    level: int
    revision: int
    audience_count: int


@dataclass(frozen=True)
class AlertApproved(Event):
    """An alert was approved, its audience frozen and its messages queued."""

    name: ClassVar[str] = "alerts.alert_approved"
    alert_id: int
    kind: str
    level: int
    audience_count: int


@dataclass(frozen=True)
class AlertDelivered(Event):
    """Nothing of the alert waits any more. `seconds_from_reading` is real time, up to the last acceptance."""

    name: ClassVar[str] = "alerts.alert_delivered"
    alert_id: int
    accepted_recipients: int
    seconds_from_reading: float | None


@dataclass(frozen=True)
class AlertClosed(Event):
    """An alert is over: `state` is closed, declined or superseded."""

    name: ClassVar[str] = "alerts.alert_closed"
    alert_id: int
    state: str


@dataclass(frozen=True)
class AlertAcknowledged(Event):
    """Leaders of further zones have acknowledged an alert: for so many of its zones by now."""

    name: ClassVar[str] = "alerts.alert_acknowledged"
    alert_id: int
    zones_acknowledged: int
    zones_total: int


@dataclass(frozen=True)
class EscalationChanged(Event):
    """Somebody has to be called about an alert, or need not be any more; `state` as in `Escalation`."""

    name: ClassVar[str] = "alerts.escalation_changed"
    escalation_id: int
    alert_id: int
    state: str


@dataclass(frozen=True)
class AlertShortOfQuota(Event):
    """An alert of danger goes out as far as LINE's allowance gets: somebody has to raise it now."""

    name: ClassVar[str] = "alerts.alert_short_of_quota"
    alert_id: int
    needed: int
    left: int
