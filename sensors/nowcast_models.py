"""Tables of nowcasts: what was fitted for a gauge's datastream, and what was forecast of it and came."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_AT = sa.DateTime(timezone=True)


class NowcastModel(Base):
    """What the last night's fit found for a datastream; `reason` says in a code why nothing can be shown.

    `choices` are who was chosen by horizon and inputs, with skill and coverage; `document` holds the fitted weights and
    trees as numbers in JSON (`sensors.nowcast.stored`): reading it runs nothing.
    """

    __tablename__ = "nowcast_model"
    __table_args__ = (sa.CheckConstraint("(reason IS NULL) = (document IS NOT NULL)", name="reason"),)

    datastream_id: Mapped[int] = mapped_column(
        sa.ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    fitted_at: Mapped[datetime] = mapped_column(_AT)
    data_from: Mapped[datetime | None] = mapped_column(_AT)
    data_to: Mapped[datetime | None] = mapped_column(_AT)
    readings: Mapped[int]
    step_s: Mapped[float | None]
    choices: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    reason: Mapped[str | None]
    document: Mapped[str | None] = mapped_column(sa.Text)


class Nowcast(Base):
    """One forecast: made from the level at `made_at` for `at`, `horizon_h` hours later; `came_m_msl` is what then came.

    It lies between low and high in `nominal` of the cases. `skill` is that over persistence by which the forecaster was
    chosen, None for persistence itself, which is never shown. `why` are the codes of `sensors.nowcast.forecast.Ahead`.
    """

    __tablename__ = "nowcast"
    __table_args__ = (
        sa.CheckConstraint("NOT is_shown OR skill_rising IS NOT NULL", name="shown"),
        sa.Index("ix_nowcast_made_at", "made_at"),
        sa.Index("ix_nowcast_awaited", "at", postgresql_where=sa.text("came_m_msl IS NULL")),
    )

    datastream_id: Mapped[int] = mapped_column(
        sa.ForeignKey("datastream.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    made_at: Mapped[datetime] = mapped_column(_AT, primary_key=True)
    horizon_h: Mapped[float] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(_AT)
    origin_m_msl: Mapped[float]
    level_m_msl: Mapped[float]
    low_m_msl: Mapped[float]
    high_m_msl: Mapped[float]
    nominal: Mapped[float]
    forecaster: Mapped[str]
    skill: Mapped[float | None]
    skill_rising: Mapped[float | None]
    is_shown: Mapped[bool]
    why: Mapped[list[str]] = mapped_column(JSONB)
    came_m_msl: Mapped[float | None]
