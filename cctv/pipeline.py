"""From one picture to the level of the water: pure kernels, arrays in, numbers out.

The dangerous mistake is a confident wrong edge (the end of a reflection, a fouling line). So an edge counts only with
absolute contrast, with persistence below it, on the staff and on the wall beside it; else there is no reading, and the
reasons say why.
"""

from __future__ import annotations

import cv2
import numpy as np

from cctv.calibration import Calibration
from cctv.pictures import Picture
from cctv.pose import Pose, register
from cctv.rules import WaterlineReading, no_reading
from cctv.staff_edge import Edge, staff_edge
from cctv.step_edges import Profiles, is_stronger_below, sample, step_edge, wall_edge

AGREEMENT_M = 0.015
SHARPNESS_NEEDED = 0.20
OCCLUDED_M = 0.06


def read_waterline(picture: Picture, calibration: Calibration) -> WaterlineReading:
    """The water's level in this picture (BGR), or the reasons why none can be read."""
    fitted = _at_calibrated_size(picture, calibration.size_px)
    if fitted is None:
        return no_reading("size_changed")
    grey = cv2.cvtColor(fitted, cv2.COLOR_BGR2GRAY)
    if _is_dark(grey):
        return no_reading("dark")
    pose = register(grey, calibration)
    if pose is None:
        return no_reading("marks_lost")
    if pose.sharpness < SHARPNESS_NEEDED:
        return no_reading("blurred")
    profiles = sample(fitted, calibration, pose)
    return _judge(grey, profiles, calibration, pose)


def is_same_picture(before: Picture, after: Picture) -> bool:
    """Two pictures differ by less than a live sensor's noise: the camera repeats itself."""
    if before.shape != after.shape:
        return False
    return bool(np.mean(cv2.absdiff(before, after)) < 0.5)


def _at_calibrated_size(picture: Picture, size_px: tuple[int, int]) -> Picture | None:
    height, width = picture.shape[:2]
    if (width, height) == size_px:
        return picture
    if abs(width / height - size_px[0] / size_px[1]) > 0.01:
        return None
    resized: Picture = cv2.resize(picture, size_px, interpolation=cv2.INTER_LINEAR)
    return resized


def _is_dark(grey: Picture) -> bool:
    low, high = np.percentile(grey[::4, ::4], (5, 95))
    return bool(high - low < 14 or high < 30)


def _judge(grey: Picture, profiles: Profiles, calibration: Calibration, pose: Pose) -> WaterlineReading:
    if len(profiles.y_px) < 200:
        return no_reading("marks_lost")
    staff = staff_edge(grey, calibration, pose) or step_edge(profiles)
    if staff is None:
        return no_reading("no_edge")
    if staff.dry_below_m > OCCLUDED_M:
        return no_reading("occluded")
    best = int(np.argmin(np.abs(profiles.y_px - staff.y_px)))
    if is_stronger_below(profiles, best):
        return no_reading("occluded")
    per_m = float(profiles.px_per_m[best])
    wall = wall_edge(profiles, best)
    is_agreeing = wall is not None and abs(wall.y_px - staff.y_px) < AGREEMENT_M * per_m
    fine_px = _weighted_mean(staff, wall) if wall is not None and is_agreeing else staff.y_px
    spread_px = min(staff.sigma_px, wall.sigma_px) if wall is not None and is_agreeing else staff.sigma_px
    sigma_m = float(np.hypot(np.hypot(spread_px, 0.4) / per_m, calibration.residual_m))
    confidence, doubts = _confidence(staff=staff, wall=wall, is_agreeing=is_agreeing, pose=pose, sigma_m=sigma_m)
    return WaterlineReading(
        level_m_msl=float(calibration.staff.level_m_msl(fine_px)),
        sigma_m=sigma_m,
        confidence=confidence,
        reasons=doubts,
        shift_px=(pose.dx_px, pose.dy_px),
    )


def _weighted_mean(one: Edge, other: Edge) -> float:
    weights = 1 / np.square([one.sigma_px, other.sigma_px])
    return float(np.average([one.y_px, other.y_px], weights=weights))


def _confidence(
    *, staff: Edge, wall: Edge | None, is_agreeing: bool, pose: Pose, sigma_m: float
) -> tuple[float, tuple[str, ...]]:
    """How sure the reading is, from 0 to 1, and its doubts by name. Tuned on rendered scenes with hidden seeds."""
    doubts, confidence = [], 0.97
    for is_doubtful, reason, factor in (
        (staff.clearness < 0.25, "second_edge", 0.5),
        (wall is None, "wall_without_edge", 0.85),
        (wall is not None and not is_agreeing, "wall_disagrees", 0.6),
        (pose.patches == 1, "one_mark_only", 0.8),
        (sigma_m > 0.015, "imprecise", 0.7),
    ):
        if is_doubtful:
            doubts.append(reason)
            confidence *= factor
    return confidence, tuple(doubts)
