"""Who takes part in exercises."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

import residents.models  # noqa: F401 - who takes part is a resident.
import staff.models  # noqa: F401 - an account put them there.
from core.db import Base


class ExerciseRecipient(Base):
    """A resident who takes part in exercises, and who put them there; the database lets no exercise reach others."""

    __tablename__ = "exercise_recipient"

    resident_id: Mapped[int] = mapped_column(
        sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    added_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    added_by: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
