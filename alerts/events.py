"""What happened to alerts, for the screens and the rooms above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.events import Event


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
