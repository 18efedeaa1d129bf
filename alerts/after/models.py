"""What officers say of an event's zones when it is over. The newest word of a zone holds; none is changed."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

import flood.models  # noqa: F401 - an outcome is of a zone.
import staff.models  # noqa: F401 - an outcome is said by an account.
from core.db import Base


class EventOutcome(Base):
    """An officer's word: the zone was flooded (since `flooded_at`, where known), was not, or nobody knows."""

    __tablename__ = "event_outcome"
    __table_args__ = (
        sa.CheckConstraint("outcome IN ('flooded', 'not_flooded', 'unknown')", name="outcome"),
        sa.CheckConstraint("flooded_at IS NULL OR outcome = 'flooded'", name="flooded_at"),
        sa.Index("ix_event_outcome_event_id", "event_id", "zone_id", "id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.BigInteger)
    zone_id: Mapped[int] = mapped_column(sa.ForeignKey("zone.id", ondelete="CASCADE"))
    outcome: Mapped[str]
    flooded_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    note: Mapped[str]
    said_by: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    said_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
