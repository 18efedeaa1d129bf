"""The storm's cameras: each shows a rendered picture of the canal at the level the storm has there."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.settings import data_dir
from demo import frames, stations

FULL_DAYLIGHT_FROM_H, FULL_DAYLIGHT_TO_H = 7, 17
TWILIGHT_H = 1.0
LOCAL_OFFSET_H = 7  # Thailand, UTC+7, no daylight saving.
HEAVIEST_RAIN_MM_PER_H = 60.0


@dataclass(frozen=True)
class SimulatedCamera:
    """A camera by code, with the folder into which its pictures go and the scene it looks at."""

    code: str
    folder: Path
    scene: frames.StaffScene


def camera(row: Mapping[str, Any]) -> SimulatedCamera:
    """The camera of this row of the layer `cameras`; its pictures go to its `source` below the data folder."""
    return SimulatedCamera(code=str(row["code"]), folder=data_dir() / str(row["source"]), scene=stations.scene_of(row))


def show(camera: SimulatedCamera, *, level_m_msl: float, taken_at: datetime, rain_mm_per_h: float) -> None:
    """The camera's newest picture shows this level (m above mean sea level) at this hour in this rain."""
    seed = zlib.crc32(f"{camera.code}{taken_at.isoformat()}".encode())
    picture = frames.render_frame(
        level_m_msl, staff=camera.scene, light=daylight(taken_at),
        rain=min(1.0, rain_mm_per_h / HEAVIEST_RAIN_MM_PER_H), seed=seed, taken_at=taken_at,
    )
    frames.write_picture(camera.folder, picture, taken_at)


def daylight(at: datetime) -> float:
    """0 at night, 1 by day, rising and falling over an hour (local time of Thailand)."""
    hour = (at.hour + at.minute / 60 + LOCAL_OFFSET_H) % 24
    rising = (hour - FULL_DAYLIGHT_FROM_H + TWILIGHT_H) / TWILIGHT_H
    falling = (FULL_DAYLIGHT_TO_H + TWILIGHT_H - hour) / TWILIGHT_H
    return max(0.0, min(1.0, rising, falling))
