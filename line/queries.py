"""All SQL of the outbox and the token bucket."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from sqlalchemy.orm import Session

from core import sealing
from core.settings import settings
from line import outbox, steady
from line.models import CHANNELS, KINDS
from line.rules import Outcome

# LINE counts each kind by itself: 200 multicasts, 2,000 pushes and 2,000 replies a second. Three quarters of that leave
# room for what its buckets count otherwise; a burst is a sixth of a second's worth. The multicasts' rate is a setting.
RATE_PER_S = {"push": 1500.0, "reply": 1500.0}
BURST_S = 1 / 6
QUOTA_PAUSE_S = 600.0

# A wall clock may be set back by hours: a time that lies further ahead than anything of its kind waits has come.
_LEASE_IS_OVER = """
    (lease_until_wall_at < clock_timestamp()
     OR lease_until_wall_at > clock_timestamp() + make_interval(secs => 60 + 2 * :lease_s))
"""
_MAY_BE_TRIED_AGAIN = """
    first_attempt_wall_at > clock_timestamp() - interval '23 hours'
    AND first_attempt_wall_at < clock_timestamp() + interval '1 minute'
"""
_CLAIMABLE = f"""
    ((state = 'queued' AND (not_before_wall_at IS NULL OR not_before_wall_at <= clock_timestamp()
                            OR not_before_wall_at > clock_timestamp() + interval '2 minutes'))
     OR (state = 'sending' AND {_LEASE_IS_OVER}))
    AND NOT is_called_back AND (first_attempt_wall_at IS NULL OR ({_MAY_BE_TRIED_AGAIN}))
"""
# By the channel's name as a constant, so that what is rehearsed has an index of its own.
_WAITING = {
    channel: sa.text(f"""
        SELECT kind FROM unnest(CAST(:kinds AS text[])) AS kinds (kind), LATERAL (
            SELECT priority, id FROM outbox_chunk
            WHERE outbox_chunk.kind = kinds.kind AND {_CLAIMABLE} AND channel = '{channel}'
            ORDER BY priority, id LIMIT 1
        ) AS first ORDER BY priority, id
    """)  # noqa: S608 - our own words only.
    for channel in CHANNELS
}
_OPEN_BUCKETS = sa.text("""
    INSERT INTO send_bucket (channel, tokens, filled_wall_at)
    SELECT kind, rate_per_s * :burst_s, clock_timestamp()
    FROM unnest(CAST(:buckets AS text[]), CAST(:rates_per_s AS float8[])) AS kinds (kind, rate_per_s) ORDER BY kind
    ON CONFLICT (channel) DO UPDATE SET
        tokens = LEAST(EXCLUDED.tokens, send_bucket.tokens + EXCLUDED.tokens / :burst_s
                       * GREATEST(0, EXTRACT(EPOCH FROM clock_timestamp() - send_bucket.filled_wall_at))),
        filled_wall_at = clock_timestamp()
    RETURNING channel AS bucket, tokens,
              COALESCE(closed_until_wall_at BETWEEN clock_timestamp() AND clock_timestamp() + interval '1 minute',
                       false) AS is_closed,
              COALESCE(quota_closed_until_wall_at
                       BETWEEN clock_timestamp() AND clock_timestamp() + make_interval(secs => 60 + :quota_pause_s),
                       false) AS is_quota_closed
""")
_TAKE_TOKENS = sa.text("UPDATE send_bucket SET tokens = tokens - :taken WHERE channel = :bucket")
_CLAIM = {
    channel: sa.text(f"""
        WITH picked AS (
            SELECT id FROM outbox_chunk WHERE {_CLAIMABLE} AND kind = :kind AND channel = '{channel}'
            ORDER BY priority, id LIMIT :most FOR UPDATE SKIP LOCKED
        )
        UPDATE outbox_chunk c
        SET state = 'sending', attempts = attempts + 1,
            lease_until_wall_at = clock_timestamp() + make_interval(secs => :lease_s),
            first_attempt_wall_at = COALESCE(first_attempt_wall_at, clock_timestamp())
        FROM picked WHERE c.id = picked.id
        RETURNING c.id, c.subject, c.kind, c.retry_key, c.to_sealed, c.to_each_sealed, c.recipient_count, c.messages,
                  c.attempts, c.priority, c.channel
    """)  # noqa: S608 - our own words only.
    for channel in CHANNELS
}
_OUTSIDERS = sa.text("SELECT exercise_outsiders(CAST(:hashes AS bytea[]))")
_GIVE_UP = sa.text(f"""
    UPDATE outbox_chunk
    SET state = CASE WHEN attempts = 0 THEN 'failed' ELSE 'unknown' END, lease_until_wall_at = NULL,
        error = CASE WHEN is_called_back THEN 'called back before an attempt was answered'
                     WHEN attempts = 0 THEN 'LINE was out of reach for 23 h'
                     WHEN first_attempt_wall_at > clock_timestamp() THEN 'the clock was set back: how old is not known'
                     ELSE 'no answer for 23 h' END
    WHERE (state = 'queued' OR (state = 'sending' AND {_LEASE_IS_OVER}))
      AND first_attempt_wall_at IS NOT NULL AND (is_called_back OR NOT ({_MAY_BE_TRIED_AGAIN}))
    RETURNING id, subject, kind, recipient_count, state, error
""")  # noqa: S608 - our own words only.
_ACCEPT = sa.text("""
    WITH mine AS (
        SELECT c.id, answered.request_id
        FROM unnest(CAST(:ids AS bigint[]), CAST(:request_ids AS text[])) AS answered (id, request_id)
        JOIN outbox_chunk c ON c.id = answered.id WHERE c.state <> 'accepted' ORDER BY c.id FOR UPDATE OF c
    )
    UPDATE outbox_chunk c SET state = 'accepted', request_id = mine.request_id, error = NULL,
           lease_until_wall_at = NULL, accepted_at = :at, accepted_wall_at = :wall_at
    FROM mine WHERE c.id = mine.id RETURNING c.id
""")
_END = sa.text("""
    UPDATE outbox_chunk SET state = :state, error = :error, lease_until_wall_at = NULL
    WHERE id = :id AND state = 'sending' AND attempts = :attempts RETURNING id
""")
_WAIT = sa.text("""
    UPDATE outbox_chunk
    SET state = CASE WHEN NOT is_called_back THEN 'queued'
                     WHEN attempts = 1 AND (:is_untouched OR :is_unsent) THEN 'cancelled' ELSE 'unknown' END,
        error = :error, lease_until_wall_at = NULL,
        kind = CASE WHEN :becomes_push THEN 'push' ELSE kind END,
        not_before_wall_at = clock_timestamp() + make_interval(secs => :wait_s),
        first_attempt_wall_at = CASE WHEN :is_untouched AND attempts = 1 THEN NULL ELSE first_attempt_wall_at END,
        attempts = attempts - CASE WHEN :is_untouched OR :is_unsent THEN 1 ELSE 0 END
    WHERE id = :id AND state = 'sending' AND attempts = :attempts RETURNING state
""")
_CLOSE = sa.text("""
    UPDATE send_bucket SET closed_until_wall_at = clock_timestamp() + make_interval(secs => :pause_s)
    WHERE channel = :bucket
""")
_CLOSE_QUOTA = sa.text("""
    INSERT INTO send_bucket (channel, tokens, filled_wall_at, quota_closed_until_wall_at)
    SELECT kind, 0, clock_timestamp(), clock_timestamp() + make_interval(secs => :pause_s)
    FROM unnest(CAST(:buckets AS text[])) AS kinds (kind) ORDER BY kind
    ON CONFLICT (channel) DO UPDATE SET quota_closed_until_wall_at = EXCLUDED.quota_closed_until_wall_at
    WHERE send_bucket.quota_closed_until_wall_at IS NULL OR send_bucket.quota_closed_until_wall_at < clock_timestamp()
    RETURNING quota_closed_until_wall_at
""")
_METERED = ("multicast", "push")  # Replies are free and go out even when the month's allowance is used up.


@dataclass(frozen=True)
class Claimed:
    """A chunk that this sender may try until its lease ends. `attempts` counts the attempt to come.

    `to` is empty where its recipients were sealed with another key.
    """

    id: int
    subject: str
    kind: str
    retry_key: uuid.UUID
    to: tuple[str, ...]
    recipient_count: int
    messages: list[dict[str, Any]]
    attempts: int
    channel: str = "line"


@dataclass(frozen=True)
class Claim:
    """What a sender got: `is_short_of_tokens` says that more waits than the rate allows now.

    `is_short_of_room` that more may wait than was asked for; `is_closed` that LINE asked for a pause, or is away.
    """

    chunks: list[Claimed]
    is_short_of_tokens: bool
    is_short_of_room: bool = False
    is_closed: bool = False


def claim(
    session: Session, *, most: int, most_of: Mapping[str, int] | None = None, channel: str = "line"
) -> Claim:
    """Up to `most` chunks are leased to the caller for a while, danger first; each has cost a token of its kind.

    `most_of` says how many of a kind the caller takes at the most. Nothing of another `channel` is taken.
    """
    lease_s = settings().line.lease_s
    waiting = list(session.scalars(_WAITING[channel], {"kinds": list(KINDS), "lease_s": lease_s}))
    if not waiting:
        return Claim([], is_short_of_tokens=False)
    rate_per_s = RATE_PER_S | {"multicast": settings().line.multicasts_per_s}
    rates_per_s = [rate_per_s[kind] for kind in waiting]
    names = [bucket_of(channel, kind) for kind in waiting]
    opened = session.execute(
        _OPEN_BUCKETS,
        {"buckets": names, "rates_per_s": rates_per_s, "burst_s": BURST_S, "quota_pause_s": QUOTA_PAUSE_S},
    )
    buckets = {row.bucket: row for row in opened}
    rows: list[sa.Row[Any]] = []
    is_short_of_tokens = is_short_of_room = is_closed = False
    for kind in waiting:
        bucket = buckets[bucket_of(channel, kind)]
        if bucket.is_quota_closed:
            continue
        if bucket.is_closed:
            is_closed = True
            continue
        room = min(most - len(rows), (most_of or {}).get(kind, most))
        allowed = min(room, int(bucket.tokens))
        taken = _take(session, channel, kind, most=allowed) if allowed else []
        is_short_of_tokens |= len(taken) == allowed < room
        is_short_of_room |= len(taken) == room
        rows.extend(taken)
    rows.sort(key=lambda row: (row.priority, row.id))
    return Claim([_claimed(row) for row in rows], is_short_of_tokens, is_short_of_room, is_closed)


def bucket_of(channel: str, kind: str) -> str:
    """The name of the token bucket: another channel's rate and allowance are no affair of the live one's."""
    return kind if channel == "line" else f"{channel}:{kind}"


def exercise_outsiders(session: Session, line_user_ids: Sequence[str]) -> int:
    """How many of these people are not on the list of exercises now."""
    hashes = [sealing.fingerprint(one) for one in line_user_ids]
    return int(session.scalar(_OUTSIDERS, {"hashes": hashes}) or 0)


def _take(session: Session, channel: str, kind: str, *, most: int) -> Sequence[sa.Row[Any]]:
    rows = session.execute(_CLAIM[channel], {"kind": kind, "most": most, "lease_s": settings().line.lease_s}).all()
    session.execute(_TAKE_TOKENS, {"bucket": bucket_of(channel, kind), "taken": len(rows)})
    return rows


def _claimed(row: sa.Row[Any]) -> Claimed:
    return Claimed(
        id=row.id,
        subject=row.subject,
        kind=row.kind,
        retry_key=row.retry_key,
        to=_opened(row),
        recipient_count=row.recipient_count,
        messages=row.messages,
        attempts=row.attempts,
        channel=row.channel,
    )


def _opened(row: sa.Row[Any]) -> tuple[str, ...]:
    try:
        return tuple(outbox.recipients(together=row.to_sealed, each=row.to_each_sealed))
    except InvalidTag:
        return ()


def accept(
    session: Session, answered: Sequence[tuple[Claimed, str | None]], *, at: datetime, wall_at: datetime
) -> list[Claimed]:
    """The chunks, each with LINE's request id, stand as accepted; those that did not before.

    The others had another sender's answer first.
    """
    if not answered:
        return []
    facts = {
        "ids": [chunk.id for chunk, _ in answered], "request_ids": [request_id for _, request_id in answered],
        "at": at, "wall_at": wall_at,
    }
    new = set(session.scalars(_ACCEPT, facts))
    return [chunk for chunk, _ in answered if chunk.id in new]


def end(session: Session, chunk: Claimed, *, state: str, error: str | None) -> bool:
    """The chunk ends as failed or unknown; False where another sender has taken it over meanwhile."""
    facts = {"id": chunk.id, "attempts": chunk.attempts, "state": state, "error": error}
    return session.execute(_END, facts).one_or_none() is not None


def wait(session: Session, chunk: Claimed, outcome: Outcome) -> str | None:
    """The chunk waits for its next attempt; its state, which is no longer queued where it was called back.

    None where another sender has taken it over meanwhile.
    """
    facts = {
        "id": chunk.id,
        "attempts": chunk.attempts,
        "error": outcome.error,
        "wait_s": outcome.wait_s,
        "is_untouched": outcome.is_untouched,
        "is_unsent": outcome.is_unsent,
        "becomes_push": outcome.becomes_push,
    }
    return session.execute(_WAIT, facts).scalar_one_or_none()


def give_up_the_old(session: Session) -> Sequence[sa.Row[Any]]:
    """Chunks without an answer 23 h after their first attempt are unknown and never sent again by themselves.

    LINE keeps a retry key for 24 h; after that nobody can say whether the chunk was taken. One that never reached LINE
    has failed; one that was called back does not wait for so long.
    """
    steady.hold_age(session)
    return session.execute(_GIVE_UP, {"lease_s": settings().line.lease_s}).all()


def close_channel(session: Session, *, kind: str, pause_s: float, channel: str = "line") -> None:
    """No sender claims anything of this kind for `pause_s` seconds of real time."""
    session.execute(_CLOSE, {"bucket": bucket_of(channel, kind), "pause_s": pause_s})


def close_quota(session: Session, *, channel: str = "line") -> datetime | None:
    """Only replies go out for the next 10 minutes; until when, or None where that stood already."""
    buckets = [bucket_of(channel, kind) for kind in _METERED]
    closed = session.scalars(_CLOSE_QUOTA, {"buckets": buckets, "pause_s": QUOTA_PAUSE_S}).all()
    return min(closed, default=None)
