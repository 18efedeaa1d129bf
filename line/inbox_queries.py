"""All SQL of the inbox: what came in from LINE, whose turn it is, and what nobody had signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from line.models import InboxEvent, WebhookRefusal

INBOX_CHANNEL = "line_inbox"


class InboxRow(NamedTuple):
    """A webhook event as it is kept."""

    webhook_event_id: str
    event_type: str
    raw_sealed: bytes
    happened_at: datetime
    received_at: datetime
    received_wall_at: datetime
    user_hash: bytes
    is_urgent: bool


# Arrays, so that one event and two hundred are the same statement to the database.
_KEEP = sa.text("""
    INSERT INTO inbox_event
        (webhook_event_id, event_type, raw_sealed, happened_at, received_at, received_wall_at, user_hash,
         is_urgent)
    SELECT * FROM unnest(CAST(:webhook_event_id AS text[]), CAST(:event_type AS text[]), CAST(:raw_sealed AS bytea[]),
        CAST(:happened_at AS timestamptz[]), CAST(:received_at AS timestamptz[]),
        CAST(:received_wall_at AS timestamptz[]), CAST(:user_hash AS bytea[]), CAST(:is_urgent AS boolean[]))
    ON CONFLICT DO NOTHING RETURNING webhook_event_id
""")
SPEAKERS_LOOKED_AT = 200
# Whoever holds this lock is the only one who hands on what the person says.
_SPEAKERS_LOCK = "hashtextextended('line.speaker:' || encode({user_hash}, 'hex'), 0)"
_IS_DUE = "handled_at IS NULL AND (not_before_wall_at IS NULL OR not_before_wall_at <= clock_timestamp())"
# The rows are locked, so what was handled until the person's lock was ours is seen as it is, and left out.
_SPOKEN = sa.text(f"""
    WITH waiting AS (
        SELECT user_hash, bool_or(is_urgent) AS is_urgent, min(happened_at) AS since
        FROM (
            SELECT user_hash, is_urgent, happened_at FROM inbox_event
            WHERE {_IS_DUE} ORDER BY is_urgent DESC, happened_at LIMIT :look
        ) AS oldest
        GROUP BY user_hash
    ), speaker AS MATERIALIZED (
        SELECT user_hash FROM (
            SELECT user_hash FROM waiting WHERE is_urgent = (SELECT bool_or(is_urgent) FROM waiting) ORDER BY since
        ) AS first
        WHERE pg_try_advisory_xact_lock({_SPEAKERS_LOCK.format(user_hash="user_hash")}) LIMIT :people
    )
    SELECT * FROM inbox_event WHERE user_hash IN (SELECT user_hash FROM speaker) AND {_IS_DUE}
    ORDER BY happened_at, received_wall_at LIMIT :most FOR UPDATE
""")  # noqa: S608 - our own words only.
_HANDLED = sa.text(f"""
    WITH handled AS (UPDATE inbox_event SET handled_at = :at WHERE webhook_event_id = ANY(:ids))
    SELECT EXISTS (SELECT FROM inbox_event WHERE webhook_event_id <> ALL(:ids) AND {_IS_DUE})
""")  # noqa: S608 - our own words only.
_HOLD_SPEAKER = sa.text(f"SELECT pg_advisory_xact_lock({_SPEAKERS_LOCK.format(user_hash='CAST(:user_hash AS bytea)')})")


def keep_inbox_events(session: Session, rows: Sequence[InboxRow]) -> int:
    """The events are kept, each once; how many were not there before: whoever waits for them hears that at commit."""
    if not rows:
        return 0
    in_order = sorted(rows)  # Two who keep the same events wait for each other in one order only.
    columns = {name: list(values) for name, values in zip(InboxRow._fields, zip(*in_order, strict=True), strict=True)}
    new = len(session.execute(_KEEP, columns).all())
    if new:
        session.execute(sa.select(sa.func.pg_notify(INBOX_CHANNEL, str(new))))
    return new


def wake_receivers(session: Session) -> None:
    """Whoever hands on what people said looks at commit."""
    session.execute(sa.select(sa.func.pg_notify(INBOX_CHANNEL, "")))


def spoken(session: Session, *, people: int, most: int) -> Sequence[InboxEvent]:
    """What the people who have waited longest said, oldest first; while somebody cries for help, they alone.

    Empty where nobody waits whom no other one serves. Nobody else serves these people until the transaction ends, so
    that what they say is handled in its order.
    """
    asked = sa.select(InboxEvent).from_statement(_SPOKEN)
    return session.scalars(asked, {"look": SPEAKERS_LOOKED_AT, "people": people, "most": most}).all()


def note_handled(session: Session, webhook_event_ids: Sequence[str], *, at: datetime) -> bool:
    """These events have been handed on; True where others wait, of people whom another may be serving."""
    return bool(session.scalar(_HANDLED, {"ids": list(webhook_event_ids), "at": at}))


def hold_speaker(session: Session, user_hash: bytes) -> None:
    """Nothing that the person said is being handed on any more, nor will be before the transaction ends."""
    session.execute(_HOLD_SPEAKER, {"user_hash": user_hash})


def count_refusal(session: Session, *, day: date) -> None:
    """One more webhook call of this day had no good signature."""
    statement = sa.dialects.postgresql.insert(WebhookRefusal).values(day=day, count=1)
    session.execute(
        statement.on_conflict_do_update(index_elements=["day"], set_={"count": WebhookRefusal.count + 1})
    )
