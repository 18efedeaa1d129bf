"""What reporters said of finished work."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class IncidentRating(Base):
    """How well a reporter says that it was done: 1 to 5 stars and perhaps words; the last word counts."""

    __tablename__ = "incident_rating"
    __table_args__ = (
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        sa.Index("ix_incident_rating_resident_id", "resident_id"),
    )

    incident_id: Mapped[int] = mapped_column(
        sa.ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    resident_id: Mapped[int] = mapped_column(
        sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    stars: Mapped[int] = mapped_column(sa.SmallInteger)
    words: Mapped[str] = mapped_column(server_default="")
    rated_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
