"""Jobs of sensors on the beat of the clock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

import sensors.nowcast_jobs  # noqa: F401 - jobs of this room too.
from core import clock, jobs
from core.logs import get_logger
from core.settings import data_dir, settings
from sensors.feeds_store import tasks as feed_tasks
from sensors.partitions import ensure_partitions
from sensors.quarantine import drop_older
from sensors.watching import tick_all

__all__ = ["archive_old_days", "feed_tasks", "prepare_partitions", "tick_watch"]

log = get_logger("sensors.tasks")


@jobs.periodic(name="sensors.prepare_partitions", cron="*/10 * * * *")
def prepare_partitions(session: Session) -> None:
    """The partitions of today and the next two days exist, so that no batch waits for one."""
    today = clock.now().date()
    ensure_partitions(session, [today + timedelta(days=ahead) for ahead in range(3)])


@jobs.periodic(name="sensors.archive_days", cron="40 19 * * *")  # 02:40 in Thailand, when water and people sleep.
def archive_old_days(session: Session) -> None:
    """Readings older than the city keeps in its database lie in the data folder, a Parquet file a day."""
    from sensors.archive import archive_days  # Arrow is loaded by the worker that archives, not by every process.

    before = clock.now().date() - timedelta(days=settings().readings_kept_days)
    for gone in archive_days(session, before=before, folder=data_dir() / "archive"):
        log.info("readings.archived", day=str(gone.day), readings=gone.readings, file=gone.path.name)


@jobs.periodic(name="sensors.drop_refused", cron="20 19 * * *")
def drop_old_refused(session: Session) -> None:
    """Rows refused longer ago than the city keeps them are gone from the quarantine; the log says how many."""
    before = clock.now() - timedelta(days=settings().refused_kept_days)
    for reason, rows in sorted(drop_older(session, before=before).items()):
        log.info("refused.dropped", reason=reason, rows=rows)


@jobs.periodic(name="sensors.tick_watch", cron="* * * * * */5")
def tick_watch(session: Session) -> None:
    """Silence is told while it lasts, and what only waits for time to pass happens."""
    tick_all(session, now=clock.now())
