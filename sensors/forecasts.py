"""What is forecast of gauges, as screens and the flood's hours to come may use it: tables only, nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sensors.nowcast.forecast import OUTSIDE_EXPERIENCE, Point, between
from sensors.rules import STALE_AFTER_INTERVALS

# Codes of why nothing is shown of a gauge.
NO_LEVELS, TOO_SHORT, NOT_FITTED, FIT_FAILED = "no_levels", "too_short", "not_fitted", "fit_failed"
NO_SKILL, NOT_MADE, STALE, INPUTS_MISSING = "no_skill", "not_made", "stale", "inputs_missing"

LEAST_HISTORY = timedelta(days=14)
FRESH_FOR = timedelta(minutes=30)  # Or as many intervals as make a gauge stale, where these last longer.


@dataclass(frozen=True)
class HorizonForecast:
    """One horizon of a gauge's newest forecast, levels in metres above mean sea level.

    `verified` origins of this horizon, shown and since come true or not, had the running skill `verified_skill`.
    """

    hours: float
    at: datetime
    level_m_msl: float
    low_m_msl: float
    high_m_msl: float
    nominal: float
    forecaster: str
    skill: float | None
    skill_rising: float | None
    is_shown: bool
    why: tuple[str, ...]
    verified: int = 0
    verified_skill: float | None = None


@dataclass(frozen=True)
class GaugeForecast:
    """The newest forecast of a gauge; `reason` says in a code why nothing of it is shown, None where something is."""

    station_id: int
    fitted_at: datetime | None
    made_at: datetime | None
    horizons: tuple[HorizonForecast, ...]
    reason: str | None

    @property
    def is_shown(self) -> bool:
        """At least one horizon may be shown."""
        return self.reason is None


@dataclass(frozen=True)
class ExpectedLevel:
    """What is forecast of a gauge for a moment, with the band that holds it in `nominal` of the cases, and by whom."""

    level_m_msl: float
    low_m_msl: float
    high_m_msl: float
    nominal: float
    forecaster: str


_STATE = sa.text(
    """
    SELECT d.id, d.interval_s, m.fitted_at, m.reason, l.first_observed_at,
           (SELECT max(n.made_at) FROM nowcast n WHERE n.datastream_id = d.id) AS made_at
    FROM datastream d LEFT JOIN nowcast_model m ON m.datastream_id = d.id
    LEFT JOIN latest_reading l ON l.datastream_id = d.id
    WHERE d.station_id = :station_id AND d.observed_property = 'water_level' ORDER BY d.id LIMIT 1
    """
)
_HORIZONS = sa.text(
    """
    SELECT n.horizon_h, n.at, n.level_m_msl, n.low_m_msl, n.high_m_msl, n.nominal, n.forecaster, n.skill,
           n.skill_rising, n.is_shown, n.why, v.verified, v.verified_skill
    FROM nowcast n, LATERAL (
        SELECT count(*) AS verified,
               1 - sum(power(p.level_m_msl - p.came_m_msl, 2))
                   / nullif(sum(power(p.origin_m_msl - p.came_m_msl, 2)), 0) AS verified_skill
        FROM nowcast p
        WHERE p.datastream_id = n.datastream_id AND p.horizon_h = n.horizon_h AND p.is_shown
          AND p.came_m_msl IS NOT NULL
    ) v
    WHERE n.datastream_id = :id AND n.made_at = :made_at ORDER BY n.horizon_h
    """
)


def forecast_of(session: Session, station_id: int, *, now: datetime) -> GaugeForecast | None:
    """The newest forecast of a station's water level, or why there is none; None where it measures no level."""
    state = session.execute(_STATE, {"station_id": station_id}).one_or_none()
    if state is None:
        return None
    reason = _reason_without(state, now=now)
    horizons = () if reason is not None else _horizons(session, state.id, state.made_at)
    if reason is None and not is_fresh(state.made_at, interval_s=state.interval_s, now=now):
        reason = STALE
    if reason is None and not any(horizon.is_shown for horizon in horizons):
        reason = _reason_of(horizons)
    return GaugeForecast(station_id, state.fitted_at, state.made_at, horizons, reason)


def is_fresh(made_at: datetime, *, interval_s: int, now: datetime) -> bool:
    """A forecast from this origin is still of now: half an hour, or as long as the gauge is not yet stale."""
    return now - made_at <= max(FRESH_FOR, STALE_AFTER_INTERVALS * timedelta(seconds=interval_s))


def _reason_without(state: sa.Row[tuple[object, ...]], *, now: datetime) -> str | None:
    """Why there is no forecast at all, None where there is one."""
    if state.fitted_at is None:
        if state.first_observed_at is None:
            return NO_LEVELS
        return TOO_SHORT if now - state.first_observed_at < LEAST_HISTORY else NOT_FITTED
    if state.reason is not None:
        return str(state.reason)
    return NOT_MADE if state.made_at is None else None


def _reason_of(horizons: Sequence[HorizonForecast]) -> str:
    if any(OUTSIDE_EXPERIENCE in horizon.why for horizon in horizons):
        return OUTSIDE_EXPERIENCE
    is_missing = any(code.startswith("missing:") for horizon in horizons for code in horizon.why)
    return INPUTS_MISSING if is_missing else NO_SKILL


def _horizons(session: Session, datastream_id: int, made_at: datetime) -> tuple[HorizonForecast, ...]:
    rows = session.execute(_HORIZONS, {"id": datastream_id, "made_at": made_at})
    return tuple(
        HorizonForecast(
            hours=row.horizon_h, at=row.at, level_m_msl=row.level_m_msl, low_m_msl=row.low_m_msl,
            high_m_msl=row.high_m_msl, nominal=row.nominal, forecaster=row.forecaster, skill=row.skill,
            skill_rising=row.skill_rising, is_shown=row.is_shown, why=tuple(row.why), verified=row.verified,
            verified_skill=row.verified_skill,
        )
        for row in rows
    )


_NEWEST = sa.text(
    """
    SELECT d.station_id, d.interval_s, n.*
    FROM nowcast_model m JOIN datastream d ON d.id = m.datastream_id, LATERAL (
        SELECT made_at, horizon_h, origin_m_msl, level_m_msl, low_m_msl, high_m_msl, nominal, forecaster, is_shown
        FROM nowcast n
        WHERE n.datastream_id = d.id
          AND n.made_at = (SELECT max(p.made_at) FROM nowcast p WHERE p.datastream_id = d.id)
    ) n
    WHERE m.reason IS NULL AND d.station_id IS NOT NULL ORDER BY d.station_id, n.horizon_h
    """
)


def expected_levels(session: Session, *, at: datetime, now: datetime) -> dict[int, ExpectedLevel]:
    """What is forecast for `at` by station id, of the stations whose forecast is fresh and may be shown for that time.

    Between two horizons it lies on the straight line. A station without is absent: only its trend is known.
    """
    by_station: dict[int, list[sa.Row[tuple[object, ...]]]] = {}
    for row in session.execute(_NEWEST):
        if is_fresh(row.made_at, interval_s=row.interval_s, now=now):
            by_station.setdefault(row.station_id, []).append(row)
    found = {station_id: _expected(rows, at=at) for station_id, rows in by_station.items()}
    return {station_id: level for station_id, level in found.items() if level is not None}


def _expected(rows: Sequence[sa.Row[tuple[object, ...]]], *, at: datetime) -> ExpectedLevel | None:
    first = rows[0]
    hours = (at - first.made_at) / timedelta(hours=1)
    points = [Point(row.horizon_h, row.level_m_msl, row.low_m_msl, row.high_m_msl, row.is_shown) for row in rows]
    point = between(first.origin_m_msl, points, hours=hours, beyond_h=FRESH_FOR / timedelta(hours=1))
    if point is None:
        return None
    speaker = next((row for row in rows if hours <= row.horizon_h), rows[-1])
    return ExpectedLevel(point.level, point.low, point.high, speaker.nominal, speaker.forecaster)
