"""What can be done with cameras: register one, record what a picture said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from cctv import queries
from cctv.events import FrameRead
from cctv.models import Camera, CameraFrame
from cctv.rules import WaterlineReading
from core import events
from sensors.actions import IncomingReading, store_readings

PICTURES_KEPT = 30


def register_camera(
    session: Session, *, station_id: int, code: str, source: str, calibration: Mapping[str, Any]
) -> int:
    """The station's camera exists with this source and calibration; a changed calibration is a new version."""
    camera = session.scalar(sa.select(Camera).where(Camera.code == code))
    if camera is None:
        camera = Camera(code=code, calibration=dict(calibration), calibration_version=1)
    elif camera.calibration != dict(calibration):
        camera.calibration, camera.calibration_version = dict(calibration), camera.calibration_version + 1
    camera.station_id, camera.source = station_id, source
    session.add(camera)
    session.flush()
    return camera.id


def record_frame(
    session: Session,
    camera: queries.CameraSource,
    reading: WaterlineReading,
    *,
    taken_at: datetime,
    received_wall_at: datetime,
    picture_path: str | None,
) -> bool:
    """The picture and what it said are stored, its level handed to sensors; False where that was done before.

    A level of low confidence is stored as suspect there, so it moves no state.
    """
    frame_id = session.scalar(
        insert(CameraFrame)
        .values(
            camera_id=camera.id,
            taken_at=taken_at,
            picture_path=picture_path,
            level_m_msl=reading.level_m_msl,
            sigma_m=reading.sigma_m,
            confidence=reading.confidence,
            reasons=list(reading.reasons),
            is_reading=reading.is_reading,
            calibration_version=camera.calibration_version,
        )
        .on_conflict_do_nothing()
        .returning(CameraFrame.id)
    )
    if frame_id is None:
        return False
    if reading.level_m_msl is not None:
        incoming = IncomingReading(
            datastream_code=camera.code,
            observed_at=taken_at,
            value=round(reading.level_m_msl, 4),
            unit="m",
            confidence=round(reading.confidence, 3),
            received_wall_at=received_wall_at,
        )
        store_readings(session, [incoming], source="camera")
    events.publish(
        session,
        FrameRead(
            camera_id=camera.id,
            station_id=camera.station_id,
            taken_at=taken_at,
            is_reading=reading.is_reading,
            level_m_msl=reading.level_m_msl,
            confidence=reading.confidence,
            reasons=list(reading.reasons),
        ),
    )
    return True


def forget_old_pictures(session: Session, camera_id: int) -> list[str]:
    """Only the newest pictures of this camera are kept; returns the paths whose files may go."""
    old = queries.picture_paths_beyond(session, camera_id, newest=PICTURES_KEPT)
    if old:
        frame_ids = [frame_id for frame_id, _ in old]
        session.execute(sa.update(CameraFrame).where(CameraFrame.id.in_(frame_ids)).values(picture_path=None))
    return [path for _, path in old]
