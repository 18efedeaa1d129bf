"""The scene of a simulated camera: where wall and staff lie, how they look dry, what an operator would click."""

from __future__ import annotations

import base64
import functools
import json
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cctv.pictures import Picture, jpeg

Floats = NDArray[Any]  # Of 32 bits; OpenCV's own types say no more than that.
Matrix = NDArray[np.float64]
WIDTH_PX, HEIGHT_PX = 1280, 720
STAFF_WIDTH_M = 0.24
WALL_HALF_WIDTH_M = 5.5
_WALL_PX_PER_M = 200.0
_STAFF_PX_PER_M = 800.0


@dataclass(frozen=True)
class StaffScene:
    """One camera's view of one staff: levels in metres above mean sea level, angles in degrees, focal length in pixels.

    The staff reaches from `low_m_msl` to `high_m_msl`; the camera looks at its middle from `distance_m`.
    """

    low_m_msl: float = 0.0
    high_m_msl: float = 3.0
    code: str = "CAM"
    distance_m: float = 5.4
    focal_px: float = 1060.0
    tilt_deg: float = 18.0
    yaw_deg: float = 7.0
    roll_deg: float = 0.8
    staff_x_m: float = 0.0
    fouling_m_msl: float | None = None
    texture_seed: int = 1

    @property
    def middle_level_m_msl(self) -> float:
        """The level half way up the staff."""
        return (self.low_m_msl + self.high_m_msl) / 2

    @property
    def plane_to_px(self) -> Matrix:
        """The homography from the wall (metres across, metres above mean sea level) to pixels: K · [r1 r2 t]."""
        tilt, yaw, roll = (np.radians(angle) for angle in (self.tilt_deg, self.yaw_deg, self.roll_deg))
        turn = _about_z(roll) @ _about_x(tilt) @ _about_y(yaw)
        focal = np.array([[self.focal_px, 0, WIDTH_PX / 2], [0, self.focal_px, HEIGHT_PX * 0.53], [0, 0, 1.0]])
        # Image rows grow downwards, levels upwards: hence the sign of the second column.
        across, up = turn[:, 0], -turn[:, 1]
        place = np.array([0.0, 0.0, self.distance_m]) - up * self.middle_level_m_msl
        matrix: Matrix = focal @ np.column_stack([across, up, place])
        matrix /= matrix[2, 2]
        return matrix

    def at_px(self, across_m: float, level_m_msl: float) -> tuple[float, float]:
        """Where a point of the wall is in the picture (x, y; pixel centres)."""
        x, y, w = self.plane_to_px @ np.array([across_m, level_m_msl, 1.0])
        return float(x / w), float(y / w)


def staff_scene(*, code: str, low_m_msl: float, high_m_msl: float, seed: int) -> StaffScene:
    """A camera of its own for each station: the same seed gives the same view. Its staff spans these levels."""
    rng = np.random.default_rng(seed)
    span_m = high_m_msl - low_m_msl
    return StaffScene(
        low_m_msl=low_m_msl,
        high_m_msl=high_m_msl,
        code=code,
        distance_m=1060.0 * span_m / 575.0,
        tilt_deg=float(rng.uniform(12, 24)),
        yaw_deg=float(rng.uniform(-12, 12)),
        roll_deg=float(rng.uniform(-1.2, 1.2)),
        staff_x_m=float(rng.uniform(-0.12, 0.12)) * span_m,
        fouling_m_msl=low_m_msl + float(rng.uniform(0.25, 0.5)) * span_m,
        texture_seed=seed,
    )


def _about_x(angle: float) -> Matrix:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _about_y(angle: float) -> Matrix:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _about_z(angle: float) -> Matrix:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def noise(rng: np.random.Generator, height: int, width: int, *, cells: tuple[int, int]) -> Floats:
    """Smooth noise of mean 0 and deviation about 1: random cells drawn large."""
    coarse = rng.standard_normal((max(2, height // cells[0]), max(2, width // cells[1]))).astype(np.float32)
    smooth: Floats = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return smooth


def _joints_m() -> list[float]:
    """Where the wall's panels meet, metres across."""
    return [float(joint_m) for joint_m in np.arange(-4.69, 5.1, 1.25)]


def _wall_texture(scene: StaffScene) -> tuple[Floats, Matrix]:
    """The dry wall as a picture of its plane, and the matrix from that picture to metres."""
    rng = np.random.default_rng(scene.texture_seed)
    top_m, bottom_m = scene.high_m_msl + 0.35, scene.low_m_msl - 2.0
    height, width = int((top_m - bottom_m) * _WALL_PX_PER_M), int(2 * WALL_HALF_WIDTH_M * _WALL_PX_PER_M)
    grey = 148 + 5 * noise(rng, height, width, cells=(60, 60)) + 4 * noise(rng, height, width, cells=(9, 9))
    grey += 5 * noise(rng, height, width, cells=(400, 14))  # Rain has run down the concrete for years.
    levels_m = top_m - np.arange(height, dtype=np.float32)[:, None] / _WALL_PX_PER_M
    for joint_m in _joints_m():
        column = int((joint_m + WALL_HALF_WIDTH_M) * _WALL_PX_PER_M)
        grey[:, column : column + 3] -= 28
    wall = np.repeat(grey[:, :, None], 3, axis=2) * np.array([0.96, 1.0, 1.02], np.float32)
    if scene.fouling_m_msl is not None:
        ragged = scene.fouling_m_msl + 0.03 * noise(rng, 1, width, cells=(1, 50))
        share = np.clip((ragged - levels_m) / 0.05, 0, 1)[:, :, None]
        wall = wall * (1 - share * (1 - np.array([0.78, 0.88, 0.82], np.float32)))
    wall[: int(0.12 * _WALL_PX_PER_M)] += 26  # The coping along the top.
    to_plane = np.array(
        [[1 / _WALL_PX_PER_M, 0, -WALL_HALF_WIDTH_M], [0, -1 / _WALL_PX_PER_M, top_m], [0, 0, 1.0]], np.float64
    )
    return wall.astype(np.float32), to_plane


def _staff_texture(scene: StaffScene) -> tuple[Picture, Matrix]:
    """The staff as a picture of its plane: E-marks of one centimetre, digits every ten, metres in red."""
    low_m = np.floor(scene.low_m_msl * 10) / 10
    rows = round((scene.high_m_msl - low_m) * _STAFF_PX_PER_M)
    width = int(STAFF_WIDTH_M * _STAFF_PX_PER_M)
    staff = np.full((rows, width, 3), 236, np.uint8)
    per_cm = _STAFF_PX_PER_M / 100
    for mark in range(round((scene.high_m_msl - low_m) * 10)):
        foot = rows - round(mark * 10 * per_cm)
        decimetre = round(low_m * 10) + mark
        colour = (30, 30, 30) if decimetre % 2 else (36, 24, 150)
        left = 0 if decimetre % 2 else width // 2
        _draw_e(staff, foot=foot, left=left, half=width // 2, per_cm=per_cm, colour=colour)
        text_x = width // 2 + 6 if decimetre % 2 else 6
        text = f"{decimetre // 10}" if decimetre % 10 == 0 else f".{abs(decimetre) % 10}"
        cv2.putText(staff, text, (text_x, foot - 14), cv2.FONT_HERSHEY_DUPLEX, 1.7, colour, 5, cv2.LINE_AA)
    cv2.rectangle(staff, (0, 0), (width - 1, rows - 1), (60, 60, 60), 5)
    left_m = scene.staff_x_m - STAFF_WIDTH_M / 2
    to_plane = np.array(
        [[1 / _STAFF_PX_PER_M, 0, left_m], [0, -1 / _STAFF_PX_PER_M, scene.high_m_msl], [0, 0, 1.0]], np.float64
    )
    return staff, to_plane


def _draw_e(staff: Picture, *, foot: int, left: int, half: int, per_cm: float, colour: tuple[int, int, int]) -> None:
    """The five one-centimetre bars of one decimetre, joined by their spine."""
    spine = left if left == 0 else left + half - int(half * 0.25)
    for bar in range(5):
        lower = foot - round(2 * bar * per_cm)
        cv2.rectangle(staff, (left, lower - round(per_cm)), (left + half - 1, lower - 1), colour, -1)
    cv2.rectangle(staff, (spine, foot - round(9 * per_cm)), (spine + int(half * 0.25), foot - 1), colour, -1)


@functools.lru_cache(maxsize=16)
def dry(scene: StaffScene) -> Picture:
    """The scene without water, drawn at double size and reduced, so that marks are not jagged."""
    double = np.diag([2.0, 2.0, 1.0]) @ np.array([[1, 0, 0.25], [0, 1, 0.25], [0, 0, 1.0]]) @ scene.plane_to_px
    size = (2 * WIDTH_PX, 2 * HEIGHT_PX)
    picture = _background(scene, size)
    wall, wall_to_plane = _wall_texture(scene)
    for texture, to_plane in ((np.clip(wall, 0, 255).astype(np.uint8), wall_to_plane), _staff_texture(scene)):
        warped = cv2.warpPerspective(texture, double @ to_plane, size, flags=cv2.INTER_AREA)
        mask = cv2.warpPerspective(np.full(texture.shape[:2], 255, np.uint8), double @ to_plane, size)
        cv2.copyTo(warped, mask, picture)
    reduced: Picture = cv2.resize(picture, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    reduced.setflags(write=False)
    return reduced


def _background(scene: StaffScene, size: tuple[int, int]) -> Picture:
    """What stands behind the wall: sky, trees and roofs, out of focus."""
    rng = np.random.default_rng(scene.texture_seed + 1)
    width, height = size
    shade = np.linspace(222, 176, height, dtype=np.float32)[:, None, None]
    picture: Picture = np.clip(np.repeat(shade, width, axis=1) * np.array([1.03, 1.0, 0.96]), 0, 255).astype(np.uint8)
    for _ in range(60):
        x, radius = int(rng.uniform(0, width)), int(rng.uniform(30, 110))
        green = (int(rng.uniform(40, 70)), int(rng.uniform(80, 120)), int(rng.uniform(50, 80)))
        cv2.circle(picture, (x, int(rng.uniform(60, 240))), radius, green, -1)
    for _ in range(5):
        x = int(rng.uniform(0, width))
        corner = (x + int(rng.uniform(200, 420)), 400)
        cv2.rectangle(picture, (x, int(rng.uniform(20, 120))), corner, (120, 130, 150), -1)
    blurred: Picture = cv2.GaussianBlur(picture, (0, 0), 9)
    return blurred


def calibration_json(scene: StaffScene) -> str:
    """What an operator clicks once for this camera: printed marks and their levels, dry patches, the public window."""
    marks = [
        {"x_px": round(x * 2) / 2, "y_px": round(y * 2) / 2, "level_m_msl": round(float(level), 3)}
        for level in _mark_levels(scene)
        for x, y in [scene.at_px(scene.staff_x_m, level)]
    ]
    calibration = {
        "version": 1,
        "size_px": [WIDTH_PX, HEIGHT_PX],
        "marks": marks,
        "staff_width_px": round(_staff_width_px(scene), 1),
        "water_slopes": [_slope(scene, level) for level in (scene.high_m_msl, scene.low_m_msl)],
        "patches": _patches(scene),
        "strip": _strip(scene),
        "window_px": _window(scene),
        "datum": "m above mean sea level",
    }
    return json.dumps(calibration)


def _staff_width_px(scene: StaffScene) -> float:
    middle_m = scene.middle_level_m_msl
    left, right = (scene.at_px(scene.staff_x_m + side * STAFF_WIDTH_M / 2, middle_m) for side in (-1, 1))
    return right[0] - left[0]


def _slope(scene: StaffScene, level_m_msl: float) -> tuple[float, float]:
    """The row of a level line at the staff, and its slope in the picture."""
    left, right = (scene.at_px(scene.staff_x_m + side, level_m_msl) for side in (-0.5, 0.5))
    return round((left[1] + right[1]) / 2, 1), round((right[1] - left[1]) / (right[0] - left[0]), 4)


def _strip(scene: StaffScene) -> dict[str, object]:
    """The dry staff as the camera saw it at low water."""
    corners = [scene.at_px(scene.staff_x_m, level) for level in (scene.high_m_msl, scene.low_m_msl)]
    half = _staff_width_px(scene) * 0.42
    left = int(min(corner[0] for corner in corners) - half)
    right = int(max(corner[0] for corner in corners) + half) + 1
    top, bottom = int(corners[0][1]) + 2, int(corners[1][1]) - 2
    piece = cv2.cvtColor(dry(scene), cv2.COLOR_BGR2GRAY)[top:bottom, left:right]
    return {"x_px": left, "y_px": top, "jpeg": base64.b64encode(jpeg(piece)).decode()}


def _mark_levels(scene: StaffScene) -> list[float]:
    first = int(np.ceil(scene.low_m_msl * 10 + 0.5))
    last = int(np.floor(scene.high_m_msl * 10 - 0.5))
    chosen = sorted({*range(first, last, max(1, (last - first) // 7)), last})
    return [decimetre / 10 for decimetre in chosen]


def _patches(scene: StaffScene) -> list[dict[str, object]]:
    """Small pieces of the dry scene by which a moved camera is seen: the upper staff, and a joint under the coping."""
    grey = cv2.cvtColor(dry(scene), cv2.COLOR_BGR2GRAY)
    joint_m = next(m for m in _joints_m() if m > scene.staff_x_m + 0.4)
    staff_m = scene.staff_x_m
    places = ((staff_m, -0.08), (staff_m, -0.45), (staff_m, -0.85), (staff_m, -1.25), (joint_m, 0.23))
    half, found = 24, []
    for across_m, above_m in places:
        x, y = scene.at_px(across_m, scene.high_m_msl + above_m)
        left, top = round(x) - half, max(round(y) - half, 0)
        piece = grey[top : top + 2 * half, left : left + 2 * half]
        found.append({"x_px": left, "y_px": top, "jpeg": base64.b64encode(jpeg(piece)).decode()})
    return found


def _window(scene: StaffScene) -> list[list[int]]:
    """The water window: the staff with a metre of wall on either side, and the water before it."""
    upper = [scene.at_px(scene.staff_x_m + side, scene.high_m_msl) for side in (-1.3, 1.3)]
    lower = [scene.at_px(scene.staff_x_m + side, scene.low_m_msl - 0.4) for side in (1.3, -1.3)]
    return [[min(max(round(x), 0), WIDTH_PX - 1), min(max(round(y), 0), HEIGHT_PX - 1)] for x, y in upper + lower]
