"""What came in from LINE, as it came, and what waits to go out."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

STATES = ("queued", "sending", "accepted", "failed", "unknown", "cancelled")
KINDS = ("multicast", "push", "reply")
CHANNELS = ("line", "exercise", "blackhole")


class InboxEvent(Base):
    """One webhook event, kept as it came (sealed: it names a person), handed on once.

    `user_hash` is the same for all events of one person: so they are served in their order, and found by who wants to
    be forgotten. One that names nobody has a hash of its own. Who cries for help (`is_urgent`) is served before all
    others. One that cannot be handled is tried again not before `not_before_wall_at`; after the last attempt it counts
    as handled, and `error` says why.
    """

    __tablename__ = "inbox_event"
    __table_args__ = (
        sa.Index(
            "ix_inbox_event_waiting", sa.text("is_urgent DESC"), "happened_at",
            postgresql_where=sa.text("handled_at IS NULL"),
        ),
        sa.Index("ix_inbox_event_user_hash", "user_hash", "happened_at"),
        sa.Index(
            "ix_inbox_event_held", "held_at", postgresql_where=sa.text("held_at IS NOT NULL AND released_at IS NULL")
        ),
        sa.CheckConstraint("held_for IN ('pace', 'block')", name="held_for"),
    )

    webhook_event_id: Mapped[str] = mapped_column(primary_key=True)
    event_type: Mapped[str]
    raw_sealed: Mapped[bytes]
    happened_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    received_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    received_wall_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    user_hash: Mapped[bytes]
    is_urgent: Mapped[bool] = mapped_column(server_default=sa.false())
    attempts: Mapped[int] = mapped_column(sa.SmallInteger, server_default="0")
    not_before_wall_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    error: Mapped[str | None]
    handled_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    # Kept and not answered, because its person sent too much (`pace`) or is blocked (`block`); let through later.
    held_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    held_for: Mapped[str | None]
    released_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class WebhookRefusal(Base):
    """How many webhook calls of a day bore no good signature; nothing else of them is kept."""

    __tablename__ = "webhook_refusal"

    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int]


class OutboxChunk(Base):
    """One request to LINE: up to 500 recipients, one retry key for all its attempts.

    Recipients are sealed together (`to_sealed`), or each alone as residents are (`to_each_sealed`). A `part` of a
    subject stands once. One that `is_called_back` is not tried again; where an attempt may have reached LINE it ends as
    unknown.

    `channel` says which sender may take it: `line` has the live token, `exercise` that of exercises, and what goes into
    the `blackhole` reaches nobody. An exercise's chunk names its `resident_ids`; the database refuses strangers to it.
    """

    __tablename__ = "outbox_chunk"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('multicast', 'push', 'reply')", name="kind"),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'accepted', 'failed', 'unknown', 'cancelled')", name="state"
        ),
        sa.Index("ix_outbox_chunk_open", "priority", "id", postgresql_where=sa.text("state IN ('queued', 'sending')")),
        sa.CheckConstraint("channel IN ('line', 'exercise', 'blackhole')", name="channel"),
        sa.Index(
            "ix_outbox_chunk_rehearsed", "priority", "id",
            postgresql_where=sa.text("state IN ('queued', 'sending') AND channel <> 'line'"),
        ),
        sa.Index("ix_outbox_chunk_subject", "subject"),
        sa.Index("ix_outbox_chunk_to_hash", "to_hash", postgresql_where=sa.text("to_hash IS NOT NULL")),
        sa.Index("uq_outbox_chunk_part", "subject", "part", unique=True, postgresql_where=sa.text("part IS NOT NULL")),
        sa.CheckConstraint("(to_sealed IS NULL) <> (to_each_sealed IS NULL)", name="sealed_once"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    subject: Mapped[str]
    kind: Mapped[str]
    retry_key: Mapped[uuid.UUID] = mapped_column(unique=True)
    part: Mapped[int | None]
    to_sealed: Mapped[bytes | None]
    to_each_sealed: Mapped[list[bytes] | None] = mapped_column(sa.ARRAY(sa.LargeBinary))
    to_hash: Mapped[bytes | None]  # Of the one person whom a push or a reply is for.
    recipient_count: Mapped[int]
    messages: Mapped[list[Any]] = mapped_column(sa.dialects.postgresql.JSONB)
    priority: Mapped[int] = mapped_column(sa.SmallInteger)
    state: Mapped[str]
    attempts: Mapped[int]
    lease_until_wall_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    not_before_wall_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    request_id: Mapped[str | None]
    error: Mapped[str | None]
    is_called_back: Mapped[bool] = mapped_column(server_default=sa.false())
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    created_wall_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    first_attempt_wall_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    accepted_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    accepted_wall_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    channel: Mapped[str] = mapped_column(server_default="line")
    resident_ids: Mapped[list[int] | None] = mapped_column(sa.dialects.postgresql.ARRAY(sa.BigInteger))


class SendBucket(Base):
    """The token bucket of one kind of sending, shared by every sender, and why it is closed when it is."""

    __tablename__ = "send_bucket"

    channel: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float]
    filled_wall_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    closed_until_wall_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    quota_closed_until_wall_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class SendClock(Base):
    """Where the database's wall clock stood when a machine had counted so many seconds since its start."""

    __tablename__ = "send_clock"

    host: Mapped[str] = mapped_column(primary_key=True)
    steady_s: Mapped[float]
    wall_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class LineQuota(Base):
    """What LINE said of a channel's allowance when it was last asked; no `quota_limit` where there is none."""

    __tablename__ = "line_quota"

    channel: Mapped[str] = mapped_column(primary_key=True)
    quota_limit: Mapped[int | None] = mapped_column(sa.BigInteger)
    used: Mapped[int] = mapped_column(sa.BigInteger)
    asked_wall_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
