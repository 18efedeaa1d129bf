"""Jobs of outside warnings: who is due is asked, each in a job of its own; what ran out is taken back."""

from __future__ import annotations

from sqlalchemy.orm import Session

from alerts.outside import documents, polling, proposing, table
from core import jobs
from core.logs import get_logger
from sensors.feeds.backoff import ROUND_S

log = get_logger("alerts.outside")
# Sources that do not answer keep at most so many of a worker's hands waiting.
LANES = 2


@jobs.job(name="alerts.ask_outside", attempts=1)
def ask_outside(session: Session, *, source_id: int) -> None:
    """The source was asked once; when it is asked again, its health says."""
    polling.ask(session, source_id)


@jobs.periodic(name="alerts.ask_outsides", cron=f"* * * * * */{ROUND_S}")
def ask_outsides(session: Session) -> None:
    """Every source that is due has a job."""
    for source_id in polling.lease_due(session):
        _enqueue(session, source_id)


@jobs.periodic(name="alerts.sweep_outside", cron="* * * * *")
def sweep_outside(session: Session) -> None:
    """Warnings are mapped to the zones that are there now, and proposals of those that ran out are taken back."""
    table.map_current(session)
    proposing.consider(session)


@jobs.periodic(name="alerts.forget_outside", cron="35 19 * * *")  # 02:35 in Thailand.
def forget_outside(session: Session) -> None:
    """Documents and callers' names that are older than the city keeps are gone."""
    log.info("outside.forgotten", documents=documents.forget_old(session))


def ask_now(session: Session, code: str) -> None:
    """The source is asked at once, whatever its turn. Raises as `polling.make_due` does."""
    _enqueue(session, polling.make_due(session, code))


def _enqueue(session: Session, source_id: int) -> None:
    jobs.enqueue(session, ask_outside, source_id=source_id, lock=f"outside:{source_id % LANES}")
