"""All SQL of cctv that reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cctv.models import Camera, CameraFrame
from gis.points import LonLat


@dataclass(frozen=True)
class CameraSource:
    """A camera as the watch needs it; `calibration` as the operator stored it."""

    id: int
    station_id: int
    code: str
    source: str
    calibration: dict[str, Any]
    calibration_version: int
    trust: str
    interval_s: int
    last_taken_at: datetime | None


@dataclass(frozen=True)
class CameraCard:
    """All that a screen shows of a camera: its newest picture and what was read from it."""

    id: int
    station_id: int
    code: str
    name_th: str
    name_en: str
    place: LonLat
    trust: str
    taken_at: datetime | None
    level_m_msl: float | None
    sigma_m: float | None
    confidence: float | None
    is_reading: bool
    reasons: list[str]
    has_picture: bool


_SOURCES = sa.text(
    """
    SELECT c.id, c.station_id, c.code, c.source, c.calibration, c.calibration_version, s.trust, d.interval_s,
           (SELECT max(f.taken_at) FROM camera_frame f WHERE f.camera_id = c.id) AS last_taken_at
    FROM camera c
    JOIN station s ON s.id = c.station_id
    JOIN datastream d ON d.station_id = s.id
    ORDER BY c.code
    """
)
_CAMERAS = sa.text(
    """
    SELECT c.id, c.station_id, c.code, s.name_th, s.name_en, s.trust, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat,
           f.taken_at, f.level_m_msl, f.sigma_m, f.confidence, coalesce(f.is_reading, false) AS is_reading,
           coalesce(f.reasons, ARRAY['no_picture']) AS reasons,
           EXISTS (SELECT 1 FROM camera_frame p WHERE p.camera_id = c.id AND p.picture_path IS NOT NULL) AS has_picture
    FROM camera c
    JOIN station s ON s.id = c.station_id
    LEFT JOIN LATERAL (
        SELECT * FROM camera_frame f WHERE f.camera_id = c.id ORDER BY f.taken_at DESC LIMIT 1
    ) f ON true
    ORDER BY c.code
    """
)


def sources(session: Session) -> list[CameraSource]:
    """Every camera with its source, calibration and the time of its newest picture, by code."""
    return [CameraSource(**row) for row in session.execute(_SOURCES).mappings()]


def cameras(session: Session) -> list[CameraCard]:
    """Every camera with its newest picture's reading, by code."""
    return [_card(dict(row)) for row in session.execute(_CAMERAS).mappings()]


def _card(fields: dict[str, Any]) -> CameraCard:
    return CameraCard(place=LonLat(lon=fields.pop("lon"), lat=fields.pop("lat")), **fields)


def newest_picture_path(session: Session, camera_id: int) -> str | None:
    """The newest public picture of this camera, relative to the data folder; None where there is none."""
    return session.scalar(
        sa.select(CameraFrame.picture_path)
        .where(CameraFrame.camera_id == camera_id, CameraFrame.picture_path.is_not(None))
        .order_by(CameraFrame.taken_at.desc())
        .limit(1)
    )


def camera_ids_by_station(session: Session) -> dict[int, int]:
    """The camera of each station that is one."""
    rows = session.execute(sa.select(Camera.station_id, Camera.id))
    return {row.station_id: row.id for row in rows}


def picture_paths_beyond(session: Session, camera_id: int, *, newest: int) -> list[tuple[int, str]]:
    """Frame ids and paths of this camera's pictures that are older than its `newest` ones."""
    rows = session.execute(
        sa.select(CameraFrame.id, CameraFrame.picture_path)
        .where(CameraFrame.camera_id == camera_id, CameraFrame.picture_path.is_not(None))
        .order_by(CameraFrame.taken_at.desc())
        .offset(newest)
    )
    return [(frame_id, path) for frame_id, path in rows if path is not None]
