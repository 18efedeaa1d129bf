"""Jobs of feeds: who is due is asked, each in a job of its own."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core import jobs
from sensors.feeds.backoff import ROUND_S
from sensors.feeds_store import polling
from sensors.feeds_store.spec import FeedSpec

# Sources that do not answer keep at most so many of a worker's hands waiting; its others do the rest of the house.
LANES = 2


@jobs.job(name="sensors.poll_feed", attempts=1)
def poll_feed(session: Session, *, feed_id: int) -> None:
    """The feed was asked once; when it is asked again, its health says."""
    polling.ask(session, feed_id)


@jobs.periodic(name="sensors.poll_feeds", cron=f"* * * * * */{ROUND_S}")
def poll_feeds(session: Session) -> None:
    """Every feed that is due has a job."""
    for feed_id in polling.lease_due(session):
        _enqueue(session, feed_id)


def poll_now(session: Session, spec: FeedSpec) -> None:
    """The feed is asked at once, whatever its turn. Raises as `polling.make_due` does."""
    polling.make_due(session, spec)
    _enqueue(session, spec.id)


def _enqueue(session: Session, feed_id: int) -> None:
    jobs.enqueue(session, poll_feed, feed_id=feed_id, lock=f"feeds:{feed_id % LANES}")
