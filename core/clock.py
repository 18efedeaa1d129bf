"""The clock that all processes share: real time, or a storm's time that runs faster.

One row in the database says `clock = anchor + (real - real_anchor) * speed`. Every process reads it at most once a
second, so a storm at x120 is the same moment in the gateway, the workers and on the screens.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, engine

if TYPE_CHECKING:
    from collections.abc import Callable

REFRESH_S = 1.0


class ClockSetting(Base):
    """The one row that anchors the shared clock to real time."""

    __tablename__ = "clock"
    __table_args__ = (sa.CheckConstraint("id = 1", name="single"), sa.CheckConstraint("speed > 0", name="forward"))

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    real_anchor_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    anchor_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    speed: Mapped[float]


@dataclass(frozen=True)
class Clock:
    """A straight line from real time to shared time; `speed` is shared seconds per real second."""

    real_anchor_at: datetime
    anchor_at: datetime
    speed: float

    def at(self, real_at: datetime) -> datetime:
        """The shared time at a real time (aware UTC)."""
        return self.anchor_at + (real_at - self.real_anchor_at) * self.speed


REAL = Clock(real_anchor_at=datetime(2026, 1, 1, tzinfo=UTC), anchor_at=datetime(2026, 1, 1, tzinfo=UTC), speed=1.0)


class _SharedClock:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clock = REAL
        self._read_at = float("-inf")
        self.fixed: Callable[[], datetime] | None = None

    def current(self) -> Clock:
        with self._lock:
            if time.monotonic() - self._read_at > REFRESH_S:
                with engine().connect() as connection:
                    row = connection.execute(
                        sa.select(ClockSetting.real_anchor_at, ClockSetting.anchor_at, ClockSetting.speed)
                    ).one_or_none()
                self._clock = Clock(*row) if row else REAL
                self._read_at = time.monotonic()
            return self._clock

    def forget(self) -> None:
        with self._lock:
            self._read_at = float("-inf")


_shared = _SharedClock()


def wall_now() -> datetime:
    """Real time, aware UTC; only for measuring how long things took."""
    return datetime.now(UTC)


def now() -> datetime:
    """The shared time, aware UTC. Only actions and tasks ask; rules get it as an argument."""
    if _shared.fixed is not None:
        return _shared.fixed()
    return _shared.current().at(wall_now())


def current() -> Clock:
    """The shared clock's line, for screens that run it on between two looks."""
    return _shared.current()


def run_at(session: Session, *, speed: float, start_at: datetime | None = None) -> None:
    """The shared clock runs at `speed` from `start_at` (default: where it stands); it never goes back."""
    stands_at = now()
    start = max(start_at, stands_at) if start_at else stands_at
    session.merge(ClockSetting(id=1, real_anchor_at=wall_now(), anchor_at=start, speed=speed))
    session.flush()
    _shared.forget()


def look_again() -> None:
    """The next question reads the clock anew: it has been set by another process."""
    _shared.forget()


def freeze(at: Callable[[], datetime] | None) -> None:
    """`now()` answers what `at` says; None lets the shared clock run again. For tests."""
    _shared.fixed = at


def real_duration(shared: timedelta, *, speed: float) -> timedelta:
    """How long a span of shared time lasts in real time."""
    return shared / speed
