"""When the picture is drawn: at once when a gauge changes its state, else as often as the water is worth it.

The hours to come are drawn after it, an hour a job, so that what is urgent never waits for more than one of them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from core import clock, events, jobs
from core.logs import get_logger
from flood import actions, queries, rules
from flood.actions import Trigger
from flood.errors import MixedDatumsError, NoTerrainError
from flood.events import FloodRedrawn
from sensors.events import LevelStateChanged, ReadingsStored

log = get_logger("flood")

QUEUE = "flood"


@events.subscribes(LevelStateChanged, by="flood.redraw_after_level_change", queue=jobs.URGENT, is_serial=True)
def redraw_after_level_change(session: Session, event: LevelStateChanged) -> None:
    """The picture knows the level that changed a gauge's state; nothing is drawn where it already does."""
    run = queries.current_run(session)
    drawn = run.levels.get(str(event.station_id)) if run else None
    if drawn and drawn["state"] == event.to_state and datetime.fromisoformat(drawn["observed_at"]) >= event.observed_at:
        return
    _draw(session, Trigger(datastream_id=event.datastream_id, received_wall_at=event.received_wall_at))


@events.subscribes(ReadingsStored, by="flood.redraw_after_readings", queue=QUEUE, is_serial=True)
def redraw_after_readings(session: Session, event: ReadingsStored) -> None:
    """Where there is anything new to draw, the picture is as new as the water is worth and the machine can bear."""
    _draw_if_due(session)


@jobs.periodic(name="flood.notice_silence", cron="* * * * * */15", queue=QUEUE)
def notice_silence(session: Session) -> None:
    """A gauge that fell silent is left out of the picture, though no reading says so."""
    if queries.current_run(session) is not None:
        _draw_if_due(session)


@events.subscribes(FloodRedrawn, by="flood.look_ahead_after_redraw", queue=QUEUE)
def look_ahead_after_redraw(session: Session, event: FloodRedrawn) -> None:
    """The hours to come wait to be drawn, each a job of its own, where they were last drawn long enough ago."""
    now = clock.now()
    last_at = queries.last_look_ahead_at(session)
    if event.is_without_data or (last_at is not None and now - last_at < rules.LOOK_AHEAD_INTERVAL):
        return
    for horizon_min in rules.HORIZONS_MIN:
        jobs.enqueue(session, look_ahead, lock="flood.look_ahead", basis_run_id=event.run_id, horizon_min=horizon_min)


@jobs.job(name="flood.look_ahead", queue=QUEUE)
def look_ahead(session: Session, *, basis_run_id: int, horizon_min: int) -> None:
    """The picture so many minutes after the basis has been drawn, once."""
    try:
        actions.look_ahead(session, basis_run_id=basis_run_id, horizon_min=horizon_min, now=clock.now())
    except (NoTerrainError, MixedDatumsError) as nothing:
        log.info("flood.cannot_look_ahead", basis_run_id=basis_run_id, reason=nothing.detail)


def _draw_if_due(session: Session) -> None:
    now = clock.now()
    run = queries.current_run(session)
    if run and not rules.is_rested(took_s=run.wall_s, drawn_wall_at=run.computed_wall_at, wall_at=clock.wall_now()):
        return
    levels = queries.levels(session, now=now)
    fresh = rules.news(levels, run.levels if run else {})
    if not fresh or not rules.is_due(levels, last_computed_at=run.computed_at if run else None, now=now):
        return
    received = max((level.received_wall_at for level in fresh if level.received_wall_at), default=None)
    _draw(session, Trigger(received_wall_at=received))


def _draw(session: Session, trigger: Trigger) -> None:
    now = clock.now()
    try:
        actions.draw(session, now=now, trigger=trigger)
    except NoTerrainError as missing:
        log.info("flood.no_terrain", reason=missing.detail)
        if queries.current_run(session) is not None:  # A picture stands: it must not go on as if it were of now.
            levels = queries.levels(session, now=now)
            actions.draw_nothing(session, now=now, reason=missing.detail, levels=levels, trigger=trigger)
    except MixedDatumsError as mixed:
        levels = queries.levels(session, now=now)
        actions.draw_nothing(session, now=now, reason=mixed.detail, levels=levels, trigger=trigger)
