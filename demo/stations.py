"""Simulated gauges and cameras: their banks, thresholds, keys, and the scene that a camera looks at."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.settings import secret

if TYPE_CHECKING:
    from demo.frames import StaffScene

# Thresholds below the bank, metres: two hours, one hour and no time left at the storm's pace.
WATCH_BELOW_M, WARNING_BELOW_M = 1.0, 0.5
INTERVAL_S = 300
STAFF_BELOW_BANK_M, STAFF_ABOVE_BANK_M = 1.9, 1.5


@dataclass(frozen=True)
class StationPlan:
    """A station to be: where it stands (metres), how high its bank and its bed are, what it is called."""

    code: str
    name_th: str
    name_en: str
    east_m: float
    north_m: float
    bank_m_msl: float
    bed_m_msl: float


def _level_columns(plans: Sequence[StationPlan]) -> dict[str, list[Any]]:
    return {
        "code": [plan.code for plan in plans],
        "name_th": [plan.name_th for plan in plans],
        "name_en": [plan.name_en for plan in plans],
        "bank_m_msl": [f"{plan.bank_m_msl:.2f}" for plan in plans],
        "bed_m_msl": [f"{plan.bed_m_msl:.2f}" for plan in plans],
        "watch_m_msl": [f"{plan.bank_m_msl - WATCH_BELOW_M:.2f}" for plan in plans],
        "warning_m_msl": [f"{plan.bank_m_msl - WARNING_BELOW_M:.2f}" for plan in plans],
        "danger_m_msl": [f"{plan.bank_m_msl:.2f}" for plan in plans],
        "interval_s": [INTERVAL_S] * len(plans),
    }


def gauge_columns(plans: Sequence[StationPlan]) -> dict[str, list[Any]]:
    """The columns of the layer `gauges`."""
    keys = [device_key(plan.code) for plan in plans]
    return {**_level_columns(plans), "kind": ["gauge"] * len(plans), "device_key": keys}


def device_key(code: str) -> str:
    """The key of a simulated gauge: this installation's own, the same at every drawing of the city."""
    return hashlib.sha256(f"{secret('demo-device-keys')}:{code}".encode()).hexdigest()[:40]


SCENE_ATTRIBUTES = ("staff_low_m_msl", "staff_high_m_msl", "scene_seed")


def camera_columns(plans: Sequence[StationPlan]) -> dict[str, list[Any]]:
    """The columns of the layer `cameras`; its pictures lie in `cameras/<code>` of the data folder.

    `SCENE_ATTRIBUTES` among them are for `scene_of`; the importer leaves them aside.
    """
    from demo import frames  # OpenCV draws here; those who only read a roster must not wait for it.

    columns: dict[str, list[Any]] = {
        **_level_columns(plans),
        "source": [f"cameras/{plan.code.lower()}" for plan in plans],
        "staff_low_m_msl": [f"{plan.bank_m_msl - STAFF_BELOW_BANK_M:.2f}" for plan in plans],
        "staff_high_m_msl": [f"{plan.bank_m_msl + STAFF_ABOVE_BANK_M:.2f}" for plan in plans],
        "scene_seed": [zlib.crc32(plan.code.encode()) % 10_000 for plan in plans],
    }
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    columns["calibration"] = [frames.calibration_json(scene_of(row)) for row in rows]
    return columns


def scene_of(row: Mapping[str, Any]) -> StaffScene:
    """The scene that the camera of this row of the layer `cameras` looks at."""
    from demo import frames

    return frames.staff_scene(
        code=str(row["code"]), low_m_msl=float(row["staff_low_m_msl"]), high_m_msl=float(row["staff_high_m_msl"]),
        seed=int(row["scene_seed"]),
    )
