"""How far an alert has gone by each channel."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import cap_queries, ledger, queries
from alerts.channels.models import AlertDelivery
from line.models import OutboxChunk


@dataclass(frozen=True)
class Progress:
    """How many the channel was to tell, by what became of it: residents, institutions, or the one feed.

    `channel`: line, exercise or blackhole (what went through LINE's outbox), mail, webhook, cap_feed.
    """

    channel: str
    queued: int = 0
    accepted: int = 0
    failed: int = 0
    unknown: int = 0
    cancelled: int = 0


Counted = Callable[[Session, Collection[int]], dict[int, list[Progress]]]


def _of_line(session: Session, alert_ids: Collection[int]) -> dict[int, list[Progress]]:
    channels = dict(
        session.execute(
            sa.select(OutboxChunk.subject, sa.func.min(OutboxChunk.channel))
            .where(OutboxChunk.subject.in_([queries.subject(one) for one in alert_ids]))
            .group_by(OutboxChunk.subject)
        ).all()
    )
    found = {}
    for alert_id, states in ledger.chunk_states(session, alert_ids).items():
        people = {state: recipients for state, (_, recipients) in states.items()}
        if people:
            waiting = people.pop("queued", 0) + people.pop("sending", 0)
            channel = channels.get(queries.subject(alert_id), "line")
            found[alert_id] = [Progress(channel, queued=waiting, **people)]
    return found


def _of_subscribers(session: Session, alert_ids: Collection[int]) -> dict[int, list[Progress]]:
    one = AlertDelivery
    rows = session.execute(
        sa.select(one.alert_id, one.channel, one.state, sa.func.count())
        .where(one.alert_id.in_(list(alert_ids)), one.what == "message")
        .group_by(one.alert_id, one.channel, one.state)
    )
    counts: dict[tuple[int, str], dict[str, int]] = {}
    for alert_id, channel, state, count in rows:
        counts.setdefault((alert_id, channel), {})[state] = count
    found: dict[int, list[Progress]] = {}
    for (alert_id, channel), states in sorted(counts.items()):
        found.setdefault(alert_id, []).append(Progress(channel, **states))
    return found


def _of_the_feed(session: Session, alert_ids: Collection[int]) -> dict[int, list[Progress]]:
    """An approved alert with a sound document stands in the feed, one with none but doubtful ones failed to get there.

    An exercise never does.
    """
    found: dict[int, list[Progress]] = {}
    for document in cap_queries.of_alerts(session, alert_ids):
        if document.status not in cap_queries.PUBLIC_STATUSES:
            continue
        if not document.problems:
            found[document.alert_id] = [Progress("cap_feed", accepted=1)]
        else:
            found.setdefault(document.alert_id, [Progress("cap_feed", failed=1)])
    return found


_CHANNELS: tuple[Counted, ...] = (_of_line, _of_subscribers, _of_the_feed)


def progress(session: Session, alert_ids: Collection[int]) -> dict[int, list[Progress]]:
    """For each alert, how far it has gone by every channel that it goes by."""
    found: dict[int, list[Progress]] = {alert_id: [] for alert_id in alert_ids}
    for counted in _CHANNELS:
        for alert_id, rows in counted(session, alert_ids).items():
            found[alert_id].extend(rows)
    return found
