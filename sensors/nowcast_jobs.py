"""When nowcasts are fitted, made, held against what came, and forgotten."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core import clock, jobs

FORECASTS_AT_ONCE = 500  # Of a beat; who waited longest is first at the next.


@jobs.periodic(name="sensors.fit_nowcasts", cron="10 20 * * *")  # 03:10 in Thailand, after old days have left.
def fit_nowcasts(session: Session) -> None:
    """Each gauge with enough history waits to be fitted, a job each and one at a time; old forecasts are gone."""
    from sensors import nowcasting  # Loads scipy, which only a worker that forecasts needs.

    now = clock.now()
    nowcasting.forget(session, now=now)
    for datastream_id in nowcasting.with_history(session, now=now):
        jobs.enqueue(session, fit_nowcast, lock="sensors.fit_nowcast", datastream_id=datastream_id)


@jobs.job(name="sensors.fit_nowcast", attempts=2)
def fit_nowcast(session: Session, *, datastream_id: int) -> None:
    """The datastream's model is that of its last 90 days."""
    from sensors import nowcasting

    nowcasting.fit(session, datastream_id, now=clock.now())


@jobs.periodic(name="sensors.make_nowcasts", cron="* * * * *")
def make_nowcasts(session: Session) -> None:
    """Each gauge with levels that are ten minutes newer than its forecast waits for one; none waits for another."""
    from sensors import nowcasting

    for datastream_id in nowcasting.due(session, now=clock.now(), most=FORECASTS_AT_ONCE):
        jobs.enqueue(session, make_nowcast, datastream_id=datastream_id)


@jobs.job(name="sensors.make_nowcast", attempts=2)
def make_nowcast(session: Session, *, datastream_id: int) -> None:
    """There is a forecast from the gauge's newest good level on."""
    from sensors import nowcasting

    nowcasting.make_forecast(session, datastream_id, now=clock.now())


@jobs.periodic(name="sensors.verify_nowcasts", cron="*/10 * * * *")
def verify_nowcasts(session: Session) -> None:
    """Forecasts whose time has come have the level that came beside them."""
    from sensors import nowcasting

    nowcasting.verify(session, now=clock.now())
