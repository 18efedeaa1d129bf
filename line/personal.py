"""What the inbox and the outbox hold of one person: found, and forgotten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import sealing
from line import inbox_queries, outbox
from line.models import InboxEvent, OutboxChunk


@dataclass(frozen=True)
class Written:
    """What a person sent us on LINE: their texts and the ids of their messages."""

    texts: tuple[str, ...]
    message_ids: tuple[str, ...]


def hold(session: Session, line_user_id: str) -> None:
    """Nothing that the person said is being handed on any more, nor will be before the caller's transaction ends."""
    inbox_queries.hold_speaker(session, sealing.fingerprint(line_user_id))


def written_by(session: Session, line_user_id: str) -> Written:
    """What the inbox still holds of the person's messages."""
    sealed = session.scalars(
        sa.select(InboxEvent.raw_sealed).where(InboxEvent.user_hash == sealing.fingerprint(line_user_id))
    )
    messages = [_message_in(json.loads(sealing.unseal(bytes(raw)))) for raw in sealed]
    return Written(
        texts=tuple(str(message["text"]) for message in messages if "text" in message),
        message_ids=tuple(str(message["id"]) for message in messages if "id" in message),
    )


def written_to(session: Session, line_user_id: str) -> list[str]:
    """What the outbox still holds of our messages to the person alone, in the words that a notification shows."""
    chunks = session.scalars(
        sa.select(OutboxChunk.messages)
        .where(OutboxChunk.to_hash == sealing.fingerprint(line_user_id))
        .order_by(OutboxChunk.id)
    )
    return [str(message.get("text") or message.get("altText") or "") for messages in chunks for message in messages]


def _message_in(event: dict[str, Any]) -> dict[str, Any]:
    message = event.get("message")
    return message if isinstance(message, dict) else {}


def forget_letters(session: Session, line_user_id: str, *, until: datetime | None) -> None:
    """Neither what came from the person nor what went or was to go to them alone is kept.

    What came after `until` waits in the inbox as if it had just arrived.
    """
    hashed = sealing.fingerprint(line_user_id)
    is_later = InboxEvent.happened_at > until if until else sa.false()
    anew = {"handled_at": None, "attempts": 0, "not_before_wall_at": None, "error": None, "held_at": None}
    session.execute(sa.delete(InboxEvent).where(InboxEvent.user_hash == hashed, ~is_later))
    session.execute(sa.update(InboxEvent).where(InboxEvent.user_hash == hashed, is_later).values(anew))
    session.execute(sa.delete(OutboxChunk).where(OutboxChunk.to_hash == hashed))
    inbox_queries.wake_receivers(session)


def take_out(session: Session, chunk_ids: Sequence[int], line_user_id: str) -> None:
    """No multicast among these names the person; one that waits goes to the others only, or to nobody.

    How many were told stands where it stood: a chunk that LINE has taken keeps its count.
    """
    chunks = session.scalars(
        sa.select(OutboxChunk)
        .where(OutboxChunk.id.in_(chunk_ids), OutboxChunk.kind == "multicast")
        .order_by(OutboxChunk.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for chunk in chunks:
        others = [
            one
            for one in outbox.recipients(together=chunk.to_sealed, each=chunk.to_each_sealed)
            if one != line_user_id
        ]
        chunk.to_sealed, chunk.to_each_sealed = sealing.seal(json.dumps(others)), None
        if chunk.state == "queued" and chunk.attempts == 0:
            chunk.recipient_count = len(others)
        if chunk.state in {"queued", "sending"} and not others:
            chunk.state = "cancelled"
    session.flush()


def forget_chunks(session: Session, chunk_ids: Sequence[int]) -> None:
    """These chunks are gone."""
    session.execute(sa.delete(OutboxChunk).where(OutboxChunk.id.in_(chunk_ids)))
