"""Fitting, forecasting and verifying: what the nightly fit finds is kept, and what came stands beside what was said."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import InvalidInputError, UnavailableError
from core.logs import get_logger
from sensors.forecasts import FIT_FAILED, LEAST_HISTORY, NO_SKILL, NOT_FITTED, TOO_SHORT
from sensors.nowcast.fitted import HORIZONS_H
from sensors.nowcast.forecast import Forecast
from sensors.nowcast.stored import from_json
from sensors.nowcast_child import Learnt, learn_aside
from sensors.nowcast_inputs import history_of, rain_named, rain_near
from sensors.nowcast_models import Nowcast, NowcastModel
from sensors.rulebook.following import follow_forecast
from sensors.watch.signals import ForecastPoint

log = get_logger("sensors.nowcasting")

FITTED_ON = timedelta(days=90)
LEAST_READINGS = 1000
FORECAST_EVERY = timedelta(minutes=10)
# A forecast sees a day back, and learns of the errors since the fit; older ones have moved its bands already.
SEEN, SEEN_AT_MOST = timedelta(hours=30), timedelta(days=4)
KEPT = timedelta(days=30)

_WITH_HISTORY = sa.text(
    "SELECT d.id FROM datastream d JOIN latest_reading l ON l.datastream_id = d.id "
    "WHERE d.station_id IS NOT NULL AND d.observed_property = 'water_level' AND l.first_observed_at <= :begun "
    "AND l.good_observed_at > :heard ORDER BY d.id"
)
_DUE = sa.text(
    "SELECT m.datastream_id, l.good_observed_at FROM nowcast_model m "
    "JOIN latest_reading l ON l.datastream_id = m.datastream_id "
    "LEFT JOIN LATERAL (SELECT max(n.made_at) AS at FROM nowcast n WHERE n.datastream_id = m.datastream_id) made "
    "ON true WHERE m.reason IS NULL AND l.good_observed_at <= :now AND l.good_observed_at > :heard "
    "AND (made.at IS NULL OR l.good_observed_at >= made.at + make_interval(secs => greatest(:every_s, m.step_s))) "
    "ORDER BY made.at NULLS FIRST, m.datastream_id LIMIT :most"
)
_VERIFY = sa.text(
    """
    UPDATE nowcast n SET came_m_msl = came.value
    FROM nowcast_model m, LATERAL (
        SELECT w.datastream_id, w.made_at, w.horizon_h, r.value
        FROM nowcast w, LATERAL (
            SELECT r.value FROM reading r
            WHERE r.datastream_id = w.datastream_id AND r.copy = 0 AND r.qc_flag = 1 AND r.value IS NOT NULL
              AND r.observed_at <= w.at AND r.observed_at > w.at - make_interval(secs => m.step_s)
            ORDER BY r.observed_at DESC LIMIT 1
        ) r
        WHERE w.datastream_id = m.datastream_id AND w.came_m_msl IS NULL AND w.at <= :now AND w.at > :since
    ) came
    WHERE n.datastream_id = came.datastream_id AND n.made_at = came.made_at AND n.horizon_h = came.horizon_h
    """
)


def with_history(session: Session, *, now: datetime) -> list[int]:
    """The datastreams of stations' levels that can be fitted: known for long enough, and heard within a day."""
    found = session.scalars(_WITH_HISTORY, {"begun": now - LEAST_HISTORY, "heard": now - timedelta(days=1)})
    return list(found)


def fit(session: Session, datastream_id: int, *, now: datetime) -> NowcastModel | None:
    """The datastream's model is that of its last 90 days; returns it, None where there is no such datastream any more.

    Where a fit fails or lasts too long an older model goes on, and says of when it is; without one the reason is kept.
    """
    if session.scalar(sa.text("SELECT 1 FROM datastream WHERE id = :id"), {"id": datastream_id}) is None:
        return None
    rain = rain_near(session, datastream_id)
    history = history_of(session, datastream_id, rain=rain, after=now - FITTED_ON, until=now)
    readings = 0 if history is None else int(history.is_measured.sum())
    if history is None or readings < LEAST_READINGS:
        return _keep(session, datastream_id, now=now, readings=readings, reason=TOO_SHORT)
    try:
        learnt = learn_aside(history)
    except UnavailableError as failed:
        log.error("nowcast.fit_failed", datastream_id=datastream_id, reason=failed.detail)
        older = session.get(NowcastModel, datastream_id)
        if older is not None and older.document is not None:
            return older
        return _keep(session, datastream_id, now=now, readings=readings, reason=FIT_FAILED)
    model = _keep(
        session, datastream_id, now=now, readings=readings,
        reason=None if learnt.document is not None else NO_SKILL, learnt=learnt,
        span=(_at(history.start_s), _at(float(history.times_s[-1]))), step_s=history.step_s,
    )
    shown = sum(choice.forecaster is not None for choice in learnt.choices)
    log.info("nowcast.fitted", datastream_id=datastream_id, readings=readings, shown=shown)
    return model


def _keep(
    session: Session, datastream_id: int, *, now: datetime, readings: int, reason: str | None,
    learnt: Learnt | None = None, span: tuple[datetime | None, datetime | None] = (None, None),
    step_s: float | None = None,
) -> NowcastModel:
    model = session.merge(
        NowcastModel(
            datastream_id=datastream_id, fitted_at=now, data_from=span[0], data_to=span[1], readings=readings,
            step_s=step_s, choices=[asdict(choice) for choice in learnt.choices] if learnt else [], reason=reason,
            document=learnt.document if learnt else None,
        )
    )
    session.flush()
    return model


def due(session: Session, *, now: datetime, most: int) -> list[int]:
    """The fitted datastreams with a good level ten minutes (or a step) newer than their last forecast, oldest first.

    Of a gauge that has been silent for an hour nothing is forecast: what it said last is no origin any more.
    """
    asked = {"now": now, "heard": now - timedelta(hours=1), "every_s": FORECAST_EVERY.total_seconds(), "most": most}
    return [row.datastream_id for row in session.execute(_DUE, asked)]


def make_forecast(session: Session, datastream_id: int, *, now: datetime) -> Forecast | None:
    """What is expected from the newest good level on is kept, once per origin; returns it, None without levels.

    Rain that is missing leaves a poorer model to speak, or persistence, which is kept with its `why` and never shown.
    A model of a version that can no longer be read is let go, and the gauge waits for the next night's.
    """
    model = session.get(NowcastModel, datastream_id)
    if model is None or model.document is None or model.step_s is None or model.data_to is None:
        return None
    after = max(min(model.data_to, now) - SEEN, now - SEEN_AT_MOST)
    rain = rain_named(session, sorted({code for choice in model.choices for code in choice["rain"]}))
    recent = history_of(session, datastream_id, rain=rain, after=after, until=now, step_s=model.step_s)
    if recent is None:
        return None
    try:
        fitted = from_json(model.document)
    except InvalidInputError as unreadable:
        log.error("nowcast.model_not_read", datastream_id=datastream_id, reason=unreadable.detail)
        model.reason, model.document = NOT_FITTED, None
        session.flush()
        return None
    forecast = fitted.predict(recent, HORIZONS_H)
    rows = _rows(datastream_id, forecast, origin_m_msl=float(recent.level[-1]))
    if rows:
        session.execute(insert(Nowcast).values(rows).on_conflict_do_nothing())
        _tell_rules(session, datastream_id, forecast)
    return forecast


def _tell_rules(session: Session, datastream_id: int, forecast: Forecast) -> None:
    """Rules of forecasts hear what may be shown, and nothing else: a level that is even chances, and lower ends."""
    code = session.scalar(sa.text("SELECT code FROM datastream WHERE id = :id"), {"id": datastream_id})
    issued_at = _at(forecast.at_s)
    points = [
        ForecastPoint(code, issued_at, issued_at + timedelta(hours=ahead.horizon_h), value, confidence)
        for ahead in forecast.ahead if ahead.is_shown
        # Of what lies outside a band, half lies below it.
        for value, confidence in [(ahead.level, 0.5), *((one.low, (1 + one.nominal) / 2) for one in ahead.bands)]
    ]
    if points:
        follow_forecast(session, points)


def _rows(datastream_id: int, forecast: Forecast, *, origin_m_msl: float) -> list[dict[str, object]]:
    made_at = _at(forecast.at_s)
    return [
        {
            "datastream_id": datastream_id, "made_at": made_at, "horizon_h": ahead.horizon_h,
            "at": made_at + timedelta(hours=ahead.horizon_h), "origin_m_msl": origin_m_msl,
            "level_m_msl": ahead.level, "low_m_msl": ahead.low, "high_m_msl": ahead.high,
            "nominal": ahead.bands[0].nominal, "forecaster": ahead.forecaster,
            "skill": ahead.skill and ahead.skill.all, "skill_rising": ahead.skill and ahead.skill.rising,
            "is_shown": ahead.is_shown, "why": list(ahead.why),
        }
        for ahead in forecast.ahead
    ]


def verify(session: Session, *, now: datetime) -> int:
    """Each forecast of the last day whose time has come has the level that came, where one did; returns how many."""
    done = session.execute(_VERIFY, {"now": now, "since": now - timedelta(days=1)})
    return int(done.rowcount)  # type: ignore[attr-defined]  # An UPDATE answers a cursor.


def forget(session: Session, *, now: datetime) -> int:
    """Forecasts made more than 30 days ago are gone; returns how many."""
    done = session.execute(sa.delete(Nowcast).where(Nowcast.made_at < now - KEPT))
    return int(done.rowcount)  # type: ignore[attr-defined]  # A DELETE answers a cursor.


def _at(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, tz=UTC)
