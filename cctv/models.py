"""Tables of cctv: cameras, and what each of their pictures said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Camera(Base):
    """A station's camera: where its pictures come from, and what its operator clicked once (versioned)."""

    __tablename__ = "camera"

    id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(sa.ForeignKey("station.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    calibration: Mapped[dict[str, Any]]
    calibration_version: Mapped[int]


class CameraFrame(Base):
    """One picture: its public copy, and the level read from it or the reasons why none was."""

    __tablename__ = "camera_frame"
    __table_args__ = (sa.UniqueConstraint("camera_id", "taken_at", name="uq_camera_frame_camera_id_taken_at"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    camera_id: Mapped[int] = mapped_column(sa.ForeignKey("camera.id", ondelete="CASCADE"))
    taken_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    picture_path: Mapped[str | None]
    level_m_msl: Mapped[float | None]
    sigma_m: Mapped[float | None]
    confidence: Mapped[float]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(sa.String))
    is_reading: Mapped[bool]
    calibration_version: Mapped[int]
