"""What waits to go out to LINE: written in the caller's transaction, sent by `line.sender`."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from core import clock, sealing
from line import messages as line_messages
from line import rules
from line.errors import UnfitMessageError
from line.models import KINDS

CHANNEL = "line_outbox"
REHEARSED_CHANNEL = "line_outbox_rehearsed"

# Kept and called out in one statement: every answer of a storm comes this way.
_QUEUE = sa.text(f"""
    WITH queued AS (
        INSERT INTO outbox_chunk (subject, kind, retry_key, to_sealed, to_hash, recipient_count, messages, priority,
                                  state, attempts, created_at, created_wall_at, channel, resident_ids)
        VALUES (:subject, :kind, :retry_key, :to_sealed, :to_hash, :recipient_count, :messages, :priority,
                'queued', 0, :created_at, :created_wall_at, :channel, :resident_ids)
        RETURNING id, channel
    )
    SELECT id, pg_notify(CASE channel WHEN 'line' THEN '{CHANNEL}' ELSE '{REHEARSED_CHANNEL}' END, '') FROM queued
""").bindparams(sa.bindparam("messages", type_=JSONB))  # noqa: S608 - our own words only.

# The recipients stay sealed as they are: nobody's id is opened before it is sent.
_QUEUE_PARTS = """
    WITH part AS ({parts}),
    queued AS (
        INSERT INTO outbox_chunk (subject, part, kind, retry_key, to_each_sealed, recipient_count, messages, priority,
                                  state, attempts, created_at, created_wall_at, channel, resident_ids)
        SELECT :subject, p.part, 'multicast', gen_random_uuid(), p.to_each_sealed, cardinality(p.to_each_sealed),
               CAST(:messages_by_variant AS jsonb) -> p.variant, p.priority, 'queued', 0, :created_at, :created_wall_at,
               CAST(:channel AS text), CASE WHEN CAST(:channel AS text) <> 'line' THEN p.resident_ids END
        FROM part p ORDER BY p.part
        RETURNING part, id
    )
    SELECT part, id, pg_notify(CAST(:heard_as AS text), '') FROM queued
"""


def enqueue_parts(
    session: Session,
    *,
    subject: str,
    parts: str,
    slots: Mapping[str, Any],
    messages_by_variant: Mapping[str, list[dict[str, Any]]],
    channel: str = "line",
) -> dict[int, int]:
    """Multicasts of one subject wait to go out by the channel, each part once; the chunks' ids by part.

    `parts` is a query with these `slots` that gives (part, variant, priority, to_each_sealed bytea[], resident_ids),
    1..500 different LINE user ids each. Raises UnfitMessageError where LINE would refuse a variant's messages, and the
    database's IntegrityError where a part stands already.
    """
    for messages in messages_by_variant.values():
        line_messages.check(messages)
    rows = session.execute(
        sa.text(_QUEUE_PARTS.format(parts=parts)),
        {
            **slots,
            "subject": subject,
            "messages_by_variant": json.dumps(dict(messages_by_variant), ensure_ascii=False),
            "channel": channel,
            "heard_as": CHANNEL if channel == "line" else REHEARSED_CHANNEL,
            "created_at": clock.now(),
            "created_wall_at": clock.wall_now(),
        },
    )
    return {part: chunk_id for part, chunk_id, _ in rows}


def enqueue(
    session: Session,
    *,
    subject: str,
    kind: str,
    to: Sequence[str],
    messages: list[dict[str, Any]],
    priority: int,
    readers: int = 1,
    channel: str = "line",
    resident_ids: Sequence[int] | None = None,
) -> int:
    """The messages go out once, soon after the caller's transaction commits; the chunk's id is returned.

    `kind` multicast: `to` holds 1..500 LINE user ids; push: one user id, or a group's with so many `readers`, whom LINE
    counts; reply: the reply token, and after it, where a push may take the place of a reply that came too late, the
    user id. `priority` 0 goes first. `subject` names what it is about (`alert:12:3`, `incident:45`). Raises
    UnfitMessageError where LINE would refuse. An exercise goes by the `channel` exercise or blackhole and names its
    `resident_ids`: the database refuses others than are on its list.
    """
    _check_recipients(kind, to)
    line_messages.check(messages)
    chunk_id: int = session.execute(
        _QUEUE,
        {
            "subject": subject,
            "kind": kind,
            "retry_key": uuid.uuid4(),
            "to_sealed": sealing.seal(json.dumps(list(to))),
            "to_hash": None if kind == "multicast" else sealing.fingerprint(to[-1]),
            "recipient_count": len(to) if kind == "multicast" else readers,
            "messages": messages,
            "priority": priority,
            "created_at": clock.now(),
            "created_wall_at": clock.wall_now(),
            "channel": channel,
            "resident_ids": None if resident_ids is None else list(resident_ids),
        },
    ).one()[0]
    return chunk_id


def _check_recipients(kind: str, to: Sequence[str]) -> None:
    if kind not in KINDS:
        raise UnfitMessageError(f"LINE knows no sending of kind '{kind}'.")
    most = {"multicast": rules.MULTICAST_LIMIT, "push": 1, "reply": 2}[kind]
    if not 1 <= len(to) <= most:
        raise UnfitMessageError(f"{len(to)} recipients in one {kind}; LINE takes 1 to {most}.")
    if kind == "multicast" and len(set(to)) != len(to):
        raise UnfitMessageError("A recipient stands twice in one multicast.")


def reply(
    session: Session,
    *,
    subject: str,
    reply_token: str | None,
    line_user_id: str,
    messages: list[dict[str, Any]],
    priority: int = 2,
) -> int:
    """The resident is answered: free of charge by the reply token while it lives, else by one push."""
    if reply_token is None:
        return enqueue(session, subject=subject, kind="push", to=[line_user_id], messages=messages, priority=priority)
    to = [reply_token, line_user_id]
    return enqueue(session, subject=subject, kind="reply", to=to, messages=messages, priority=priority)


_CALL_BACK = sa.text("""
    UPDATE outbox_chunk
    SET is_called_back = true,
        state = CASE WHEN state = 'sending' THEN state WHEN attempts = 0 THEN 'cancelled' ELSE 'unknown' END,
        error = CASE WHEN state = 'queued' AND attempts > 0 THEN 'called back before an attempt was answered'
                     ELSE error END
    WHERE subject = :subject AND state IN ('queued', 'sending') RETURNING state
""")


def cancel(session: Session, *, subject: str) -> int:
    """No chunk of the subject is tried any more; how many surely went to nobody.

    One that was tried without an answer is unknown: to try it again might be what sends it. One that is on its way
    ends by its answer.
    """
    return list(session.scalars(_CALL_BACK, {"subject": subject})).count("cancelled")


def reopen_quota(session: Session) -> None:
    """Sending goes on after somebody has raised the month's allowance."""
    session.execute(sa.text("UPDATE send_bucket SET quota_closed_until_wall_at = NULL"))
    session.execute(sa.select(sa.func.pg_notify(CHANNEL, ""), sa.func.pg_notify(REHEARSED_CHANNEL, "")))


def recipients(*, together: bytes | None, each: Sequence[bytes] | None) -> list[str]:
    """The recipients of a chunk, unsealed, in the order of its body. People's data: never logged."""
    if each is not None:
        return [sealing.unseal(bytes(one)) for one in each]
    opened: list[str] = json.loads(sealing.unseal(bytes(together or b"")))
    return opened


def body_of(chunk_kind: str, subject: str, to: Sequence[str], messages: list[dict[str, Any]]) -> bytes:
    """The request body of a chunk: the same bytes on every attempt."""
    body: dict[str, Any] = {"messages": messages}
    if chunk_kind == "reply":
        body["replyToken"] = to[0]
    elif chunk_kind == "push":
        body["to"] = to[-1]
    else:
        body |= {"to": list(to), "customAggregationUnits": [unit_of(subject)]}
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def unit_of(subject: str) -> str:
    """The subject as LINE's aggregation unit takes it: letters, digits and _ only, 30 at most."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", subject)[:30] or "faonam"
