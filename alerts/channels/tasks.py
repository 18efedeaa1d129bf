"""What wakes the channels up: an approved alert, one that is over, and a beat for what is tried again."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from alerts.channels import carriers, serving
from alerts.events import AlertApproved, AlertClosed
from core import events, jobs
from core.logs import get_logger
from line import quota
from line.errors import LineRefusedError, LineUnavailableError

log = get_logger("alerts.channels")


@events.subscribes(AlertApproved, by="alerts.offer_to_subscribers")
def offer_to_subscribers(session: Session, event: AlertApproved) -> None:
    """Every institution that the alert concerns waits to be told."""
    _wake(session, serving.offer(session, event.alert_id))


@events.subscribes(AlertClosed, by="alerts.withdraw_from_subscribers")
def withdraw_from_subscribers(session: Session, event: AlertClosed) -> None:
    """An alert that is over goes to nobody any more; who was told of a cancelled one hears that it is."""
    _wake(session, serving.withdraw(session, event.alert_id, is_cancelled=event.state == "cancelled"))


@jobs.job(name="alerts.serve_channel")
def serve_channel(session: Session, *, channel: str) -> None:
    """What is due by the channel has had its attempt."""
    serving.serve(session, channel, carriers.carrier_of(channel))


@jobs.periodic(name="alerts.serve_channels", cron="* * * * * */10")
def serve_channels(session: Session) -> None:
    """What is to be tried again by now is tried again."""
    _wake(session, {channel for channel in serving.CHANNELS if serving.has_waiting(session, channel)})


@jobs.periodic(name="alerts.look_at_quota", cron="*/5 * * * *")
def look_at_quota(session: Session) -> None:
    """What LINE's allowance of the month is, is known; where LINE does not say, what it said before stands."""
    try:
        limit, used = quota.ask()
    except (LineUnavailableError, LineRefusedError) as fault:
        log.warning("quota.not_said", why=fault.detail)
        return
    quota.keep(session, limit, used)


def _wake(session: Session, channels: Collection[str]) -> None:
    for channel in sorted(channels):
        jobs.enqueue(session, serve_channel, channel=channel)
