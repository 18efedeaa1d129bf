"""When the office is open, as it is kept."""

from __future__ import annotations

from datetime import date, datetime, time

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_AT = sa.DateTime(timezone=True)


class Holiday(Base):
    """A day on which the office is closed, or, where a city says so, open all the same; `edited_by` is the city."""

    __tablename__ = "holiday"

    day: Mapped[date] = mapped_column(primary_key=True)
    name_th: Mapped[str]
    name_en: Mapped[str]
    source: Mapped[str]
    is_closed: Mapped[bool]
    version: Mapped[int]
    edited_by: Mapped[str | None]
    edited_at: Mapped[datetime | None] = mapped_column(_AT)


class OfficeHours(Base):
    """When the office is open on a day of the week (1 is Monday), Bangkok time."""

    __tablename__ = "office_hours"
    __table_args__ = (
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday"),
        sa.CheckConstraint("opens < closes", name="forward"),
    )

    weekday: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    opens: Mapped[time] = mapped_column(primary_key=True)
    closes: Mapped[time]
