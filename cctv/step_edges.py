"""Where brightness and colour step on the wall beside the staff, and on the staff itself."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cctv.calibration import Calibration
from cctv.pictures import Picture
from cctv.pose import Pose, vertex
from cctv.staff_edge import SECOND_BEST_BEYOND_M, Edge

Floats = NDArray[np.float32]

STEP_PX = 0.5
SHORT_M, LONG_M = 0.05, 0.20  # The wall is judged over 5 cm, the staff over two printed decimetres.
BELOW_MARKS_M, ABOVE_MARKS_M = 0.45, 0.08
WALL_AGREEMENT_M = 0.015
WALL_CONTRAST = 5.0  # Grey levels; less is the wall's own mottle.


@dataclass(frozen=True)
class Profiles:
    """Brightness and colour along the staff's centre line, downwards: one row per STEP_PX, one column per swath."""

    y_px: NDArray[np.float64]
    level_m_msl: NDArray[np.float64]
    px_per_m: NDArray[np.float64]
    wall: Floats
    wall_colour: Floats
    staff: Floats
    staff_colour: Floats
    staff_texture: Floats


def sample(picture: Picture, calibration: Calibration, pose: Pose) -> Profiles:
    """Swaths beside and over the staff; each row of them lies along the water's calibrated slope."""
    staff, width = calibration.staff, calibration.staff_width_px
    top = float(staff.y_px(calibration.highest_mark_m_msl + ABOVE_MARKS_M))
    foot = float(staff.y_px(calibration.lowest_mark_m_msl - BELOW_MARKS_M))
    steepest = max(abs(slope) for _, slope in calibration.water_slopes)
    bottom_px = calibration.size_px[1] - 2 - steepest * 3.2 * width - pose.dy_px
    y = np.arange(max(top, 1.0 - pose.dy_px), min(foot, bottom_px), STEP_PX)
    wall_offsets = np.concatenate([np.linspace(-3.0, -0.8, 36), np.linspace(0.8, 3.0, 36)]) * width
    staff_offsets = np.linspace(-0.36, 0.36, 12) * width
    offsets = np.concatenate([wall_offsets, staff_offsets])
    columns = (staff.x_px(y)[:, None] + offsets + pose.dx_px).astype(np.float32)
    rows = (y[:, None] + calibration.slope_at(y)[:, None] * offsets + pose.dy_px).astype(np.float32)
    samples = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    grey, colour = samples.mean(axis=2), samples[:, :, 0] - samples[:, :, 2]
    levels = staff.level_m_msl(y)
    stripe = grey[:, len(wall_offsets) :]
    lag = max(1, round(2 / STEP_PX))
    texture = np.zeros(len(y), np.float32)
    texture[lag:] = np.abs(stripe[lag:] - stripe[:-lag]).mean(axis=1)
    return Profiles(
        y_px=y,
        level_m_msl=levels,
        px_per_m=np.abs(np.gradient(y, levels)),
        wall=grey[:, : len(wall_offsets)].reshape(len(y), 6, -1).mean(axis=2),
        wall_colour=colour[:, : len(wall_offsets)].reshape(len(y), 6, -1).mean(axis=2),
        staff=stripe.mean(axis=1, keepdims=True),
        staff_colour=colour[:, len(wall_offsets) :].mean(axis=1, keepdims=True),
        staff_texture=texture[:, None],
    )


def _persistent_steps(profile: Floats, reach: int) -> Floats:
    """The step from `reach` rows above to as many below, as far as it goes on over the next `reach` rows too.

    Zero near the ends and where the two windows below disagree in sign: a dark line is no edge of the water.
    """
    rows = len(profile)
    sums = np.vstack([np.zeros((1, profile.shape[1]), np.float32), np.cumsum(profile, axis=0, dtype=np.float64)])
    steps = np.zeros_like(profile)
    centre = np.arange(reach, rows - 2 * reach)
    if len(centre) == 0:
        return steps
    above = (sums[centre] - sums[centre - reach]) / reach
    near = (sums[centre + reach] - sums[centre]) / reach - above
    far = (sums[centre + 2 * reach] - sums[centre + reach]) / reach - above
    kept = np.where(np.sign(near) == np.sign(far), np.sign(near) * np.minimum(np.abs(near), np.abs(far)), 0)
    steps[centre] = kept.astype(np.float32)
    return steps


def _scores(profiles: Profiles) -> tuple[Floats, Floats]:
    """How much each row looks like the water's edge on the wall and on the staff, in grey levels."""
    per_m = float(np.median(profiles.px_per_m)) / STEP_PX
    short, long = max(4, round(SHORT_M * per_m)), max(8, round(LONG_M / 2 * per_m))
    wall_steps = np.abs(_persistent_steps(profiles.wall, short)) + np.abs(
        _persistent_steps(profiles.wall_colour, short)
    )
    wall: Floats = np.median(wall_steps, axis=1)
    staff: Floats = (
        np.abs(_persistent_steps(profiles.staff, long))
        + np.abs(_persistent_steps(profiles.staff_colour, long))
        + 2 * np.maximum(0, -_persistent_steps(profiles.staff_texture, long))
    )[:, 0]
    return wall, staff


def step_edge(profiles: Profiles) -> Edge | None:
    """The strongest persistent step that wall and staff share; None where there is no absolute contrast."""
    wall, staff = _scores(profiles)
    together = np.sqrt(np.maximum(wall, 0.3) * np.maximum(staff, 0.3))
    best = int(np.argmax(together))
    if together[best] < 2.0:
        return None
    rivals = np.abs(profiles.level_m_msl - profiles.level_m_msl[best]) > SECOND_BEST_BEYOND_M
    clearness = 1 - float(together[rivals].max(initial=0.0)) / float(together[best])
    return Edge(y_px=float(profiles.y_px[best]), sigma_px=4.0, clearness=clearness)


def is_stronger_below(profiles: Profiles, best: int) -> bool:
    """The wall has a far stronger edge below this row: then what ends here is not the dry staff but the view of it.

    Above it, a stronger edge may be a fouling line; there the staff goes on.
    """
    wall, _ = _scores(profiles)
    per_m = float(profiles.px_per_m[best]) / STEP_PX
    near, margin = round(0.03 * per_m), round(SECOND_BEST_BEYOND_M * per_m)
    here = float(wall[max(0, best - near) : best + near + 1].max(initial=0.0))
    below = float(wall[best + margin :].max(initial=0.0))
    return below > max(2 * WALL_CONTRAST, 2.5 * here)


def wall_edge(profiles: Profiles, best: int) -> Edge | None:
    """The edge to parts of a pixel from the wall's swaths near a row; None where fewer than half of them agree."""
    fine_px, spread_px, agreement, contrast = _fine_edge(profiles, best)
    if agreement < 0.5 or contrast < WALL_CONTRAST:
        return None
    return Edge(y_px=fine_px, sigma_px=max(spread_px, 0.3), clearness=agreement)


def _fine_edge(profiles: Profiles, best: int) -> tuple[float, float, float, float]:
    """The edge to parts of a pixel from the wall's swaths: row, standard error, share that agree, their grey levels."""
    per_m = float(profiles.px_per_m[best]) / STEP_PX
    reach, around = max(6, round(0.03 * per_m)), max(8, round(0.045 * per_m))
    start, end = max(0, best - around - reach), min(len(profiles.y_px), best + around + reach)
    places, weights = [], []
    for swath in range(profiles.wall.shape[1]):
        edge = _swath_edge(profiles.wall[start:end, swath], profiles.wall_colour[start:end, swath], reach)
        if edge is not None and edge[1] > 0:
            places.append(profiles.y_px[start] + edge[0] * STEP_PX)
            weights.append(edge[1])
    if not places:
        return float(profiles.y_px[best]), float(around), 0.0, 0.0
    middle = _weighted_median(np.array(places), np.array(weights))
    near = np.abs(np.array(places) - middle) < WALL_AGREEMENT_M * per_m * STEP_PX
    fine = float(np.average(np.array(places)[near], weights=np.array(weights)[near]))
    spread = float(np.std(np.array(places)[near]) / np.sqrt(near.sum())) if near.sum() > 1 else 0.02 * per_m * STEP_PX
    return fine, spread, float(near.sum()) / profiles.wall.shape[1], float(np.array(weights)[near].mean())


def _swath_edge(grey: Floats, colour: Floats, reach: int) -> tuple[float, float] | None:
    """The strongest step in one swath: its row of the profile, to a fraction, and its size in grey levels."""
    rows = len(grey)
    centre = np.arange(reach, rows - reach + 1)
    if len(centre) < 3:
        return None
    size = np.zeros(len(centre))
    for profile in (grey, colour):
        sums = np.concatenate([[0.0], np.cumsum(profile, dtype=np.float64)])
        size += np.abs((sums[centre + reach] - 2 * sums[centre] + sums[centre - reach]) / reach)
    index = int(np.argmax(size))
    # Row k of the profile is a pixel's centre; the step lies between rows k - 1 and k.
    return float(centre[index]) + vertex(size, index) - 0.5, float(size[index])


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][int(np.searchsorted(share, 0.5))])
