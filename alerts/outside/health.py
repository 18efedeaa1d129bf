"""How a source does: its last success, since when it fails or is silent, when it is asked again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from alerts.outside.models import OutsideHealth
from core import clock
from sensors.feeds.backoff import PollRule, next_attempt_at
from sensors.feeds.health import LOST_AFTER_INTERVALS

_DETAIL_CHARS = 500


@dataclass(frozen=True)
class Condition:
    """A source at one glance: off, waiting (nothing came yet), working, silent or failing; since when, in real time."""

    name: str
    since_wall_at: datetime | None = None


def condition_of(
    *, is_enabled: bool, is_expected: bool, period_s: int, last_success_at: datetime | None,
    failing_since_at: datetime | None, now: datetime,
) -> Condition:
    """Failing since its first failure in a row; silent after three periods without a word since the last. Pure.

    Nobody is expected to telephone: that is never silence. One that sends by itself was declared with the period in
    which it is to be heard of.
    """
    if not is_enabled:
        return Condition("off")
    if failing_since_at is not None:
        return Condition("failing", failing_since_at)
    if last_success_at is None:
        return Condition("waiting")
    is_silent = now - last_success_at > timedelta(seconds=LOST_AFTER_INTERVALS * period_s)
    return Condition("silent", last_success_at) if is_silent and is_expected else Condition("working", last_success_at)


def lock_health(session: Session, source_id: int) -> OutsideHealth:
    """The source's health, held until the transaction ends, so that nobody else stores for it meanwhile."""
    session.execute(insert(OutsideHealth).values(source_id=source_id).on_conflict_do_nothing())
    held = sa.select(OutsideHealth).where(OutsideHealth.source_id == source_id).with_for_update()
    return session.scalars(held.execution_options(populate_existing=True)).one()


def note_success(health: OutsideHealth, *, rule: PollRule, seed: str, newest_at: datetime | None) -> None:
    """It answered, whatever it said; it is asked again after its period."""
    now = clock.wall_now()
    health.last_attempt_wall_at = health.last_success_wall_at = now
    health.failures, health.failing_since_wall_at = 0, None
    health.trouble = health.trouble_detail = None
    health.next_attempt_wall_at = next_attempt_at(failures=0, now=now, rule=rule, seed=seed)
    if newest_at is not None:
        health.newest_sent_at = max(newest_at, health.newest_sent_at or newest_at)


def note_failure(
    health: OutsideHealth, *, rule: PollRule, seed: str, trouble: str, detail: str, retry_after: str | None = None
) -> None:
    """It did not answer, or with nothing that could be read; it is asked again later and later."""
    now = clock.wall_now()
    health.last_attempt_wall_at, health.failures = now, health.failures + 1
    health.failing_since_wall_at = health.failing_since_wall_at or now
    health.trouble, health.trouble_detail = str(trouble), detail[:_DETAIL_CHARS]
    health.next_attempt_wall_at = next_attempt_at(
        failures=health.failures, now=now, rule=rule, seed=seed, retry_after=retry_after
    )


def note_doubt(health: OutsideHealth, *, trouble: str, detail: str) -> None:
    """It answered, and a part of what it said could not be read."""
    health.trouble, health.trouble_detail = str(trouble), detail[:_DETAIL_CHARS]
