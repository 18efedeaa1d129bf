"""How often a gauge speaks, learnt from itself, and from when on its silence means late and when lost.

Two paces are learnt: the step between observations, and the wait between deliveries. They differ where a gauge
measures every 15 minutes and sends once or twice a day, as the Environment Agency's do: such a gauge is late (amber)
for most of the day and lost (red) only when deliveries themselves fail to come.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from datetime import datetime

from sensors.rules import STALE_AFTER_INTERVALS
from sensors.watch.state import Pace

REMEMBERED = 31  # An odd window whose median bears 15 wild steps; 31 steps of 10 min are five hours.
LEAST_STEPS = 5  # Fewer steps say nothing: the declared interval counts.
LEAST_DELIVERIES = 3
LOST_AFTER_INTERVALS = 6  # Assumed: twice as long as late.
LOST_AFTER_DELIVERIES = 2  # Assumed: one delivery missed may be a slow modem, two are a dead one.
USUAL_WAIT = 0.9  # Assumed: nine waits in ten are no longer; a gauge that often waits long is not lost each time.
AT_ONCE_S = 60.0  # Readings that come within a minute of each other came in one delivery.
UNKNOWN_INTERVAL_S = 600.0  # Assumed where nothing is declared and nothing learnt: Thai telemetry sends every 10 min.
SHORTEST_S = 1.0


@dataclass(frozen=True)
class Learnt:
    """The last steps and delivery waits of one datastream in seconds: at most `REMEMBERED` of each."""

    steps_s: tuple[float, ...] = ()
    waits_s: tuple[float, ...] = ()
    observed_at: datetime | None = None
    received_at: datetime | None = None

    @property
    def interval_s(self) -> float | None:
        """The running median of the steps between observations; None where too few are known."""
        return statistics.median(self.steps_s) if len(self.steps_s) >= LEAST_STEPS else None

    @property
    def delivery_s(self) -> float | None:
        """The longest usual wait between deliveries (nine in ten are no longer); None where too few are known."""
        if len(self.waits_s) < LEAST_DELIVERIES:
            return None
        return sorted(self.waits_s)[math.ceil(USUAL_WAIT * len(self.waits_s)) - 1]

    def as_json(self) -> dict[str, object]:
        """Plain values for a JSON column; `from_json` gives the same back."""
        return {
            "steps_s": list(self.steps_s), "waits_s": list(self.waits_s),
            "observed_at": self.observed_at.isoformat() if self.observed_at else None,
            "received_at": self.received_at.isoformat() if self.received_at else None,
        }

    @classmethod
    def from_json(cls, stored: dict[str, object]) -> Learnt:
        """What `as_json` wrote."""
        steps, waits = stored["steps_s"], stored["waits_s"]
        assert isinstance(steps, list)  # noqa: S101  It is our own writing; this only tells the type.
        assert isinstance(waits, list)  # noqa: S101  As above.
        return cls(
            steps_s=tuple(map(float, steps)), waits_s=tuple(map(float, waits)),
            observed_at=_time(stored["observed_at"]), received_at=_time(stored["received_at"]),
        )


def learn(known: Learnt, *, observed_at: datetime, received_at: datetime) -> Learnt:
    """What is known of the pace after this reading; one that is not newer than the newest teaches nothing."""
    if known.observed_at is None or known.received_at is None:
        return replace(known, observed_at=observed_at, received_at=received_at)
    if observed_at <= known.observed_at:
        return known
    step_s = (observed_at - known.observed_at).total_seconds()
    wait_s = (received_at - known.received_at).total_seconds()
    waits_s = (*known.waits_s, wait_s)[-REMEMBERED:] if wait_s > AT_ONCE_S else known.waits_s
    return Learnt(
        steps_s=(*known.steps_s, step_s)[-REMEMBERED:], waits_s=waits_s,
        observed_at=observed_at, received_at=max(received_at, known.received_at),
    )


def pace_of(known: Learnt, *, declared_s: float | None) -> Pace:
    """The pace that counts. The slower of declared and learnt interval, so that no gauge is called late for nothing.

    A gauge that speaks faster than declared (LoRaWAN does while water rises) keeps the declared one; one that in
    truth speaks more seldom is measured by what it does.
    """
    learnt_s = known.interval_s
    interval_s = max(declared_s or 0.0, learnt_s or 0.0, SHORTEST_S)
    if declared_s is None and learnt_s is None:
        interval_s = UNKNOWN_INTERVAL_S
    late_after_s = STALE_AFTER_INTERVALS * interval_s
    lost_after_s = max(LOST_AFTER_INTERVALS * interval_s, LOST_AFTER_DELIVERIES * (known.delivery_s or 0.0))
    return Pace(interval_s=interval_s, late_after_s=late_after_s, lost_after_s=lost_after_s)


def _time(stored: object) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(str(stored))
