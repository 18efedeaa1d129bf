"""What strangers cry in groups on LINE: calls for an officer to look at, without an incident."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_AT = sa.DateTime(timezone=True)


class GroupCall(Base):
    """Cries in one group within ten minutes are one call; ended by who answered it or looked at it."""

    __tablename__ = "group_call"
    __table_args__ = (
        sa.Index("ix_group_call_group_hash", "group_hash", "began_at"),
        sa.Index("ix_group_call_waiting", "began_at", postgresql_where=sa.text("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    group_hash: Mapped[bytes]
    group_sealed: Mapped[bytes]
    name_sealed: Mapped[bytes | None]
    began_at: Mapped[datetime] = mapped_column(_AT)
    last_at: Mapped[datetime] = mapped_column(_AT)
    cries: Mapped[int]
    ended_at: Mapped[datetime | None] = mapped_column(_AT)
    ended_by: Mapped[str | None]
    was_answered: Mapped[bool] = mapped_column(server_default=sa.false())


class GroupCry(Base):
    """One cry, its words sealed; `user_hash` finds it for who wants to be forgotten."""

    __tablename__ = "group_cry"
    __table_args__ = (
        sa.Index("ix_group_cry_call_id", "call_id"),
        sa.Index("ix_group_cry_user_hash", "user_hash"),
    )

    webhook_event_id: Mapped[str] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(sa.ForeignKey("group_call.id", ondelete="CASCADE"))
    user_hash: Mapped[bytes | None]
    text_sealed: Mapped[bytes]
    happened_at: Mapped[datetime] = mapped_column(_AT)
