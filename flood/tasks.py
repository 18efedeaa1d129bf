"""When the picture is drawn: at once when a gauge changes its state, else as often as the water is worth it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from core import clock, events, jobs
from core.logs import get_logger
from flood import actions, queries, rules
from flood.actions import Trigger
from flood.errors import MixedDatumsError, NoTerrainError
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


@jobs.periodic(name="flood.notice_silence", cron="*/15 * * * * *", queue=QUEUE)
def notice_silence(session: Session) -> None:
    """A gauge that fell silent is left out of the picture, though no reading says so."""
    if queries.current_run(session) is not None:
        _draw_if_due(session)


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
    except NoTerrainError:
        log.info("flood.no_terrain")
    except MixedDatumsError as mixed:
        levels = queries.levels(session, now=now)
        actions.draw_nothing(session, now=now, reason=mixed.detail, levels=levels, trigger=trigger)
