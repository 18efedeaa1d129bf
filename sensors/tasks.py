"""Jobs of sensors on the beat of the clock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from core import clock, jobs
from sensors.partitions import ensure_partitions


@jobs.periodic(name="sensors.prepare_partitions", cron="*/10 * * * *")
def prepare_partitions(session: Session) -> None:
    """The partitions of today and the next two days exist, so that no batch waits for one."""
    today = clock.now().date()
    ensure_partitions(session, [today + timedelta(days=ahead) for ahead in range(3)])
