"""Where the camera looks now: the dry patches of its calibration found again near their places."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cctv.calibration import Calibration
from cctv.pictures import Picture

SEARCH_PX = 32  # A camera that has moved farther must be calibrated again.
PATCH_SCORE = 0.5
LONE_PATCH_SCORE = 0.75


@dataclass(frozen=True)
class Pose:
    """How far the view has moved, and by how many patches that is known."""

    dx_px: float
    dy_px: float
    patches: int
    sharpness: float


def register(grey: Picture, calibration: Calibration) -> Pose | None:
    """The shift on which the dry patches agree; None where too few are found near their calibrated places."""
    if not calibration.patches:
        return Pose(0.0, 0.0, patches=0, sharpness=1.0)
    found = [match for patch in calibration.patches if (match := _find(grey, patch.x_px, patch.y_px, patch.jpeg))]
    if not found:
        return None
    shifts = np.array([match[:2] for match in found])
    middle = np.median(shifts, axis=0)
    agreeing = np.abs(shifts - middle).max(axis=1) < 2.5
    if agreeing.sum() == 0 or (agreeing.sum() == 1 and max(match[3] for match in found) < LONE_PATCH_SCORE):
        return None
    dx, dy = shifts[agreeing].mean(axis=0)
    sharpness = min(match[2] for match, agrees in zip(found, agreeing, strict=True) if agrees)
    return Pose(float(dx), float(dy), patches=int(agreeing.sum()), sharpness=sharpness)


@functools.lru_cache(maxsize=256)
def template_of(jpeg: bytes) -> Picture | None:
    """A piece of the calibration's picture, grey and slightly smoothed; None where the bytes are no picture."""
    template = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if template is None else cv2.GaussianBlur(template, (3, 3), 0)


def _find(grey: Picture, x_px: int, y_px: int, jpeg: bytes) -> tuple[float, float, float, float] | None:
    """Where a patch is now: shift in pixels, relative sharpness, correlation; None where it is not."""
    template = template_of(jpeg)
    if template is None:
        return None
    height, width = template.shape
    left, top = max(0, x_px - SEARCH_PX), max(0, y_px - SEARCH_PX)
    window = cv2.GaussianBlur(grey[top : y_px + height + SEARCH_PX, left : x_px + width + SEARCH_PX], (3, 3), 0)
    if window.shape[0] < height or window.shape[1] < width:
        return None
    scores = cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED)
    _, best, _, (column, row) = cv2.minMaxLoc(scores)
    is_at_border = not (0 < column < scores.shape[1] - 1 and 0 < row < scores.shape[0] - 1)
    if best < PATCH_SCORE or is_at_border:
        return None  # A best match at the border of the search is the flank of one outside.
    dx = left + column + vertex(scores[row], column) - x_px
    dy = top + row + vertex(scores[:, column], row) - y_px
    here = window[row : row + height, column : column + width]
    return float(dx), float(dy), _sharpness(here) / max(_sharpness(template), 1e-6), float(best)


def _sharpness(grey: Picture) -> float:
    """Energy of the second derivative against that of the picture: low where it is blurred, whatever the light."""
    variance = float(grey.var())
    return float(cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 1.2), cv2.CV_32F).var()) / max(variance, 1.0)


def vertex(values: NDArray[Any], index: int) -> float:
    """Where between the neighbours the parabola through three values has its top, from -0.5 to 0.5."""
    if not 0 < index < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[index - 1 : index + 2])
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))
