"""How fast the shared clock runs, said to every screen: one that runs the old speed on would be ahead of the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy.orm import Session

from core import clock
from core.events import Event, publish


@dataclass(frozen=True)
class PaceSet(Event):
    """The shared clock runs at another speed from now on: shared seconds per real second."""

    name: ClassVar[str] = "core.pace_set"
    speed: float


def set_pace(session: Session, *, speed: float, start_at: datetime | None = None) -> None:
    """The shared clock runs as `clock.run_at` says, and every screen is told to look at it again."""
    publish(session, PaceSet(speed))  # Before the clock is forgotten: this asks it for the time of what happened.
    clock.run_at(session, speed=speed, start_at=start_at)
