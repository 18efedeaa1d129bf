"""What is forecast of a gauge, how good such forecasts have been, and why none is shown."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from api.deps import CurrentAccount, SessionDep
from core import clock
from core.errors import NotFoundError
from sensors import forecasts

router = APIRouter(tags=["sensors"])


class HorizonOut(BaseModel):
    """One horizon; the level lies between low and high in `nominal` of the cases.

    `skill` is that over "it stays as it is" by which the forecaster was chosen, on all and on rising water: 1 is
    perfect, 0 no better. `verified_skill` is that of the `verified` forecasts of the last 30 days whose time has come.
    `why` says in codes what kept a better forecast away.
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
    why: list[str]
    verified: int
    verified_skill: float | None


class ForecastOut(BaseModel):
    """A gauge's newest forecast. Where `is_shown` is false nothing of it may be drawn; `reason` is the code of why.

    Codes: `no_levels`, `too_short` a history, `not_fitted` yet, `fit_failed`, `no_skill`, `not_made` yet, `stale`,
    `inputs_missing`, `outside_experience` (unlike all that was fitted on). A horizon may be hidden where
    another is shown.
    """

    gauge_id: int
    made_at: datetime | None
    is_shown: bool
    reason: str | None
    fitted_at: datetime | None
    horizons: list[HorizonOut]


@router.get("/gauges/{gauge_id}/forecast", summary="A gauge's level in the next hours")
def get_forecast(gauge_id: int, session: SessionDep, account: CurrentAccount) -> ForecastOut:
    """The newest forecast with its doubt and its skill; a gauge without one says why."""
    found = forecasts.forecast_of(session, gauge_id, now=clock.now())
    if found is None:
        raise NotFoundError(f"There is no gauge {gauge_id}.")
    return ForecastOut(
        gauge_id=gauge_id,
        made_at=found.made_at,
        is_shown=found.is_shown,
        reason=found.reason,
        fitted_at=found.fitted_at,
        horizons=[HorizonOut.model_validate(horizon, from_attributes=True) for horizon in found.horizons],
    )
