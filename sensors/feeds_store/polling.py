"""Asking the feeds that wait to be asked: who is due, and what one of them answers."""

from __future__ import annotations

import os
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.db import transaction
from core.errors import ConflictError, InvalidInputError
from core.logs import get_logger
from sensors.feeds.health import PullTrouble
from sensors.feeds.row import Reason
from sensors.feeds_store import queries
from sensors.feeds_store.actions import lock_health, note_result, store_parsed
from sensors.feeds_store.fetching import Asked, Failure, Fetched, fetch
from sensors.feeds_store.models import FeedHealth
from sensors.feeds_store.reading import Body, parsed_of
from sensors.feeds_store.rules import Result, RowFate, result_of
from sensors.feeds_store.spec import FeedSpec

log = get_logger("sensors.feeds")

# A job that never came back is forgotten after this; the longest one takes a third of it.
LEASE = timedelta(seconds=120)


def lease_due(session: Session) -> list[int]:
    """The feeds that are due now; nobody else asks them for two minutes, whatever becomes of who does."""
    now = clock.wall_now()
    healths = queries.due_healths(session, wall_now=now)
    for health in healths:
        health.next_attempt_wall_at = now + LEASE
    return [health.feed_id for health in healths]


def ask(session: Session, feed_id: int) -> Result | None:
    """The feed was asked, what it answered is stored, and its health says so; None where it is gone or switched off.

    What to ask is read in a transaction of its own, which is over before the source is asked, and `session` is not
    used until it has answered: no transaction stays open while a stranger takes his time.
    """
    with transaction() as before:
        spec = queries.spec_by_id(before, feed_id)
        asked = None if spec is None or spec.url is None else _question(before, spec)
    if spec is None or not spec.is_enabled or asked is None:
        return None
    fetched = asked if isinstance(asked, Failure) else fetch(asked)
    return _settle(session, spec, fetched)


def make_due(session: Session, spec: FeedSpec) -> None:
    """The feed is asked as soon as a worker is free.

    Raises InvalidInputError where the feed sends by itself, ConflictError where it is switched off.
    """
    if spec.url is None:
        raise InvalidInputError(f"The feed {spec.code} sends by itself: it cannot be asked.")
    if not spec.is_enabled:
        raise ConflictError(f"The feed {spec.code} is switched off.")
    lock_health(session, spec.id).next_attempt_wall_at = clock.wall_now() + LEASE


def _question(session: Session, spec: FeedSpec) -> Asked | Failure:
    headers = {}
    if spec.secret_env is not None:
        secret = os.environ.get(spec.secret_env, "").strip()
        if not secret or not secret.isprintable() or not secret.isascii():
            return Failure(PullTrouble.NO_SECRET, f"The environment variable {spec.secret_env} holds no secret.")
        headers[spec.secret_header or "Authorization"] = secret
    health = session.scalar(sa.select(FeedHealth).where(FeedHealth.feed_id == spec.id))
    assert spec.url is not None  # noqa: S101  Only feeds with an address come here; this tells the type.
    return Asked(
        url=spec.url, headers=headers, etag=health.etag if health else None,
        last_modified=health.last_modified if health else None,
    )


def _settle(session: Session, spec: FeedSpec, fetched: Fetched) -> Result:
    health = lock_health(session, spec.id)
    retry_after = None
    if isinstance(fetched, Failure):
        result, retry_after = Result(trouble=fetched.trouble, detail=fetched.detail), fetched.retry_after
    elif fetched.body is None:
        result = Result()
    else:
        body = Body(fetched.body, clock.now(), clock.wall_now())
        fates = store_parsed(
            session, spec, parsed_of(spec, body), received_wall_at=body.received_wall_at, is_asked=True
        )
        result = _result_of_list(fates)
        is_whole = result.is_success and result.trouble is None
        # Only what was read to the end need not be sent again.
        health.etag, health.last_modified = (fetched.etag, fetched.last_modified) if is_whole else (None, None)
    note_result(health, spec, result, retry_after=retry_after)
    log.info(
        "feed.asked", feed=spec.code, stored=result.stored, repeated=result.repeated, refused=result.refused,
        trouble=result.trouble, failures=health.failures,
    )
    return result


def _result_of_list(fates: list[RowFate]) -> Result:
    """A list in which none of the declared series is found is a fault: ids are confused or were changed."""
    result = result_of(fates)
    if result.trouble is not None or any(fate.status != "ignored" for fate in fates):
        return result
    return Result(trouble=Reason.UNKNOWN_STREAM, detail="The answer holds none of the series that are declared.")
