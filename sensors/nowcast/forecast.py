"""What a nowcast says: a level per horizon, how far it may be off, who says so and why not another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PERSISTENCE = "persistence"
OUTSIDE_EXPERIENCE = "outside_experience"


@dataclass(frozen=True)
class Band:
    """The level lies between `low` and `high` in `nominal` of the cases (0.8: eight of ten)."""

    nominal: float
    low: float
    high: float


@dataclass(frozen=True)
class Skill:
    """The skill over persistence that a model had before it was chosen, on all and on rising water."""

    all: float
    rising: float


@dataclass(frozen=True)
class Ahead:
    """The level expected `horizon_h` after the origin, in the datastream's unit; `bands` narrowest first.

    `forecaster` is the one that was used. `why` says in codes what kept a better one away: `missing:rain`,
    `missing:level`, `missing:upstream:NAME`, `not_fitted` (too few rows to fit it), `no_skill` (nothing was chosen for
    this horizon) or `outside_experience` (the moment is unlike all that the model was fitted on); empty where nothing
    did. `skill` is None where the forecaster was not chosen by its skill.
    """

    horizon_h: float
    level: float
    bands: tuple[Band, ...]
    forecaster: str
    why: tuple[str, ...] = ()
    skill: Skill | None = None

    @property
    def low(self) -> float:
        """The lower end of the narrowest band."""
        return self.bands[0].low

    @property
    def high(self) -> float:
        """The upper end of the narrowest band."""
        return self.bands[0].high

    @property
    def is_shown(self) -> bool:
        """Persistence knows nothing that the level itself does not say: it is never shown as a forecast."""
        return self.forecaster != PERSISTENCE


@dataclass(frozen=True)
class Forecast:
    """What is expected from the origin `at_s` (epoch second) on, per horizon.

    A horizon stands in `ahead` or, with the code of the reason, in `nothing`: `missing:level` without a level at the
    origin, `not_fitted` for a horizon that nobody fitted.
    """

    at_s: float
    ahead: tuple[Ahead, ...]
    nothing: tuple[tuple[float, str], ...] = ()

    @property
    def why(self) -> tuple[str, ...]:
        """All codes, each once."""
        codes = [code for ahead in self.ahead for code in ahead.why] + [code for _, code in self.nothing]
        return tuple(dict.fromkeys(codes))


@dataclass(frozen=True)
class Point:
    """A level and its band `hours` after an origin; `is_shown` where it may be believed."""

    hours: float
    level: float
    low: float
    high: float
    is_shown: bool


def between(origin_level: float, points: Sequence[Point], *, hours: float, beyond_h: float = 0.0) -> Point | None:
    """The forecast of a time between its horizons, on the straight line from the one before (first: the origin itself).

    None unless both neighbours are shown; the last horizon's stands for `beyond_h` hours more. `points` ascend.
    """
    before = Point(0.0, origin_level, origin_level, origin_level, is_shown=True)
    for point in points:
        if hours <= point.hours:
            return _on_the_line(before, point, hours) if before.is_shown and point.is_shown else None
        before = point
    is_near = hours <= before.hours + beyond_h
    return before if points and before.is_shown and is_near else None


def _on_the_line(first: Point, second: Point, hours: float) -> Point:
    share = (hours - first.hours) / (second.hours - first.hours)

    def of(start: float, end: float) -> float:
        return start + share * (end - start)

    return Point(
        hours, of(first.level, second.level), of(first.low, second.low), of(first.high, second.high), is_shown=True
    )
