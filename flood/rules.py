"""What the water means: datums, depth classes, severity, confidence, and when a picture is due."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import NormalDist

from flood.errors import MixedDatumsError
from gis.datum import is_sea_level

# Depth classes (ankle, knee, waist, above): what a person and a vehicle can still do. Upper bounds in metres.
CLASS_BOUNDS_M = (0.2, 0.5, 1.0)
KNEE_M = 0.2

# Severity thresholds. Assumed, for the city's experts to set: shares of the zone's member homes (of its ground where
# fewer than HOMES_NEEDED stand there).
HOMES_NEEDED = 10
WATCH_LIKELY_SHARE = 0.02
WARNING_WET_SHARE = 0.05
DANGER_KNEE_SHARE = 0.05
DANGER_WET_SHARE = 0.02

# Severity falls only after so many pictures in a row, over so long a time, were lower (an alarm must not flicker).
FALL_AFTER_RUNS = 3
FALL_AFTER = timedelta(minutes=30)

# A gauge counts as near a zone when it decides at least this much of the water surface there.
NEAR_WEIGHT = 0.25

CALM_INTERVAL = timedelta(minutes=10)
WATCH_INTERVAL = timedelta(minutes=2)
# Drawing by time rests twice as long as it took: two thirds of the worker stay free for levels that change state.
RESTS = 2.0

# Hours to come that are drawn, and how often (city time; a picture drawn by time rests before).
HORIZONS_MIN = (60, 120, 180, 240, 300, 360)
LOOK_AHEAD_INTERVAL = timedelta(minutes=30)
# Assumed until levels are forecast from rain and neighbours: a rise goes on, but loses two thirds of its pace in so
# many hours; half of what is added may be wrong, and even a steady level drifts.
TREND_LASTS_H = 1.5
AHEAD_DOUBT_SHARE = 0.5
DRIFT_M_PER_SQRT_H = 0.05
TREND = "trend"
# Assumed: each hour ahead takes a tenth of the confidence.
CONFIDENCE_PER_HOUR = 0.9

# Assumed: people that a member home stands for where no census count of its community is known.
PEOPLE_PER_HOME = 2.3
# Assumed: even with every gauge fresh, the error of the terrain is as large as an ankle-deep flood.
CONFIDENCE_AT_BEST = 0.9


@dataclass(frozen=True)
class GaugeSite:
    """A place where the water level is measured; levels in metres above its `datum`."""

    station_id: int
    code: str
    x_m: float
    y_m: float
    bank_m_msl: float | None
    danger_m_msl: float | None
    datum: str


@dataclass(frozen=True)
class Level:
    """The newest level of a station; `confidence` is how far to trust it, 0 to 1 (a camera may doubt its own eye).

    `trend_m_per_h` is how it has been rising (positive) or falling of late, 0 where that is not known. `doubt` says why
    the level is not believed (`flood.belief`); the last one that was stands beside it then.
    """

    station_id: int
    code: str
    level_m_msl: float
    observed_at: datetime
    state: int
    is_stale: bool
    received_wall_at: datetime | None
    confidence: float = 1.0
    trend_m_per_h: float = 0.0
    doubt: str | None = None
    believed_m_msl: float | None = None
    believed_at: datetime | None = None
    # In a picture of hours to come: TREND, or the forecaster whose nowcast of the gauge may be shown.
    ahead_by: str | None = None

    @property
    def is_usable(self) -> bool:
        """It is of now, and believed."""
        return not self.is_stale and self.doubt is None


@dataclass(frozen=True)
class ZoneEvidence:
    """What speaks for a zone's severity: shares of homes or ground, and the worst state of the gauges near it."""

    wet_share: float
    knee_share: float
    likely_share: float
    gauge_state: int


@dataclass(frozen=True)
class Settled:
    """A zone's severity, and how long the pictures have called for a lower one (and for which, at most).

    `calls_for` is the newest picture's own; `falling_to` what the last two called for at most, where that is lower than
    the severity that still holds: nobody is newly warned of what is going away.
    """

    severity: int
    lower_severity: int | None = None
    lower_since_at: datetime | None = None
    lower_runs: int = 0
    calls_for: int = 0
    falling_to: int | None = None


def datum_of(text: str) -> str:
    """One name for the many spellings of a datum; unknown ones stay as they are."""
    return "msl" if is_sea_level(text) else text.strip().lower()


def check_datums(gauges: Sequence[GaugeSite], *, terrain_datum: str) -> None:
    """All gauges and the terrain count from the same zero; raises MixedDatumsError that names two which do not."""
    for gauge in gauges:
        if datum_of(gauge.datum) != datum_of(gauges[0].datum):
            raise MixedDatumsError(
                f"Gauge {gauges[0].code} counts from '{gauges[0].datum}' and gauge {gauge.code} from '{gauge.datum}': "
                "one water surface cannot be made of both."
            )
    if gauges and datum_of(gauges[0].datum) != datum_of(terrain_datum):
        raise MixedDatumsError(
            f"Gauge {gauges[0].code} counts from '{gauges[0].datum}' and the terrain from '{terrain_datum}': "
            "a depth cannot be made of both."
        )


def severity_of(evidence: ZoneEvidence) -> int:
    """0 none, 1 watch, 2 warning, 3 danger, by this picture alone."""
    if evidence.knee_share >= DANGER_KNEE_SHARE:
        return 3
    if evidence.gauge_state >= 3 and evidence.wet_share >= DANGER_WET_SHARE:
        return 3
    if evidence.gauge_state >= 2 or evidence.wet_share >= WARNING_WET_SHARE:
        return 2
    if evidence.gauge_state >= 1 or evidence.wet_share > 0 or evidence.likely_share >= WATCH_LIKELY_SHARE:
        return 1
    return 0


def settle(previous: Settled | None, severity: int, *, now: datetime, has_data: bool) -> Settled:
    """The severity that holds: it rises at once, and falls only after lasting lower pictures with data.

    Missing data never lowers anything, nor does it count towards a fall: silence is not safety.
    """
    if previous is None or severity >= previous.severity:
        return Settled(severity=severity, calls_for=severity)
    if not has_data:
        return replace(previous, lower_severity=None, lower_since_at=None, lower_runs=0)
    since = previous.lower_since_at or now
    highest = max(severity, previous.lower_severity or 0)
    runs = previous.lower_runs + 1
    if runs >= FALL_AFTER_RUNS and now - since >= FALL_AFTER:
        settled = Settled(severity=highest, calls_for=severity)
    else:
        settled = Settled(previous.severity, highest, since, runs, calls_for=severity)
    lately = max(severity, previous.calls_for)
    return replace(settled, falling_to=lately) if lately < settled.severity else settled


def depth_class_of(depth_m: float) -> int:
    """0 dry, 1 ankle, 2 knee, 3 waist, 4 above."""
    if depth_m <= 0:
        return 0
    return 1 + sum(depth_m >= bound_m for bound_m in CLASS_BOUNDS_M)


def people_per_home(population: float | None, homes: int) -> float:
    """People that one member home stands for: by the census of its community where known, else `PEOPLE_PER_HOME`."""
    if population is None or homes == 0:
        return PEOPLE_PER_HOME
    return max(population / homes, 1.0)


def level_ahead(level: Level, *, hours: float) -> tuple[Level, float]:
    """The level so many hours on if its trend dies down as assumed, and one standard deviation of that, metres.

    Its `state` is 0: how bad a gauge will be is for the water on the ground to say, not for a threshold to repeat.
    """
    rise_m = level.trend_m_per_h * TREND_LASTS_H * (1.0 - math.exp(-hours / TREND_LASTS_H))
    sigma_m = math.hypot(AHEAD_DOUBT_SHARE * rise_m, DRIFT_M_PER_SQRT_H * math.sqrt(hours))
    return replace(level, level_m_msl=level.level_m_msl + rise_m, state=0, ahead_by=TREND), sigma_m


def level_told(
    level: Level, *, expected_m_msl: float, low_m_msl: float, high_m_msl: float, nominal: float, forecaster: str
) -> tuple[Level, float]:
    """The level as a nowcast tells it and one standard deviation of that, metres, as if its band were a normal one's.

    Its `state` is 0, as that of a level that goes on by its trend.
    """
    sigma_m = (high_m_msl - low_m_msl) / 2.0 / NormalDist().inv_cdf((1.0 + nominal) / 2.0)
    return replace(level, level_m_msl=expected_m_msl, state=0, ahead_by=forecaster), sigma_m


def news(levels: Sequence[Level], drawn: Mapping[str, Mapping[str, object]]) -> list[Level]:
    """The levels that the drawn ones (by station id) do not know: observed later, or fresh and stale exchanged."""
    return [level for level in levels if not _is_drawn(level, drawn.get(str(level.station_id)))]


def _is_drawn(level: Level, drawn: Mapping[str, object] | None) -> bool:
    if drawn is None:
        return False
    drawn_at = datetime.fromisoformat(str(drawn["observed_at"]))
    return drawn["is_stale"] == level.is_stale and drawn_at >= level.observed_at


def is_due(levels: Sequence[Level], *, last_computed_at: datetime | None, now: datetime) -> bool:
    """A new picture is worth drawing by time: often while any gauge is at watch or above, seldom in calm."""
    if last_computed_at is None:
        return True
    is_watched = any(level.state >= 1 for level in levels)
    return now - last_computed_at >= (WATCH_INTERVAL if is_watched else CALM_INTERVAL)


def is_rested(*, took_s: float, drawn_wall_at: datetime, wall_at: datetime) -> bool:
    """The machine has had time for more urgent things since the last picture, however long that took."""
    return wall_at - drawn_wall_at >= timedelta(seconds=RESTS * took_s)
