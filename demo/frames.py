"""Camera pictures of the demo city: a canal wall with a staff gauge, water at a known level, weather and night.

Everything is drawn: the wall and the staff lie in one plane, a pinhole camera looks at it, and the water mirrors it.
So the true level of every picture is known exactly, and no picture shows a real place or a real person.
"""

from __future__ import annotations

import base64
import functools
import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cctv.pictures import Picture, burn_in, jpeg, simulated_mark, write_file

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]
WIDTH_PX, HEIGHT_PX = 1280, 720
THAI_TIME = timezone(timedelta(hours=7))
STAFF_WIDTH_M = 0.24
INFRARED_BELOW = 0.2
_WALL_PX_PER_M = 200.0
_STAFF_PX_PER_M = 800.0
_WALL_HALF_WIDTH_M = 5.5
_MURK_BGR = np.array([88, 128, 146], np.float32)  # Silt: what Thai canals carry in a flood.


@dataclass(frozen=True)
class StaffScene:
    """One camera's view of one staff: levels in metres above mean sea level, angles in degrees, focal length in pixels.

    The staff reaches from `low_m_msl` to `high_m_msl`; the camera looks at its middle from `distance_m`.
    """

    low_m_msl: float
    high_m_msl: float
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
    def plane_to_px(self) -> Matrix:
        """The homography from the wall (metres across, metres above mean sea level) to pixels: K · [r1 r2 t]."""
        tilt, yaw, roll = (np.radians(angle) for angle in (self.tilt_deg, self.yaw_deg, self.roll_deg))
        turn = _about_z(roll) @ _about_x(tilt) @ _about_y(yaw)
        middle_m = (self.low_m_msl + self.high_m_msl) / 2
        focal = np.array([[self.focal_px, 0, WIDTH_PX / 2], [0, self.focal_px, HEIGHT_PX * 0.53], [0, 0, 1.0]])
        # Image rows grow downwards, levels upwards: hence the sign of the second column.
        across, up = turn[:, 0], -turn[:, 1]
        place = np.array([0.0, 0.0, self.distance_m]) - up * middle_m
        matrix: Matrix = focal @ np.column_stack([across, up, place])
        return matrix / matrix[2, 2]

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


def _noise(rng: np.random.Generator, height: int, width: int, *, cells: tuple[int, int]) -> Floats:
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
    height, width = int((top_m - bottom_m) * _WALL_PX_PER_M), int(2 * _WALL_HALF_WIDTH_M * _WALL_PX_PER_M)
    grey = 148 + 5 * _noise(rng, height, width, cells=(60, 60)) + 4 * _noise(rng, height, width, cells=(9, 9))
    grey += 5 * _noise(rng, height, width, cells=(400, 14))  # Rain has run down the concrete for years.
    levels_m = top_m - np.arange(height, dtype=np.float32)[:, None] / _WALL_PX_PER_M
    for joint_m in _joints_m():
        column = int((joint_m + _WALL_HALF_WIDTH_M) * _WALL_PX_PER_M)
        grey[:, column : column + 3] -= 28
    wall = np.repeat(grey[:, :, None], 3, axis=2) * np.array([0.96, 1.0, 1.02], np.float32)
    if scene.fouling_m_msl is not None:
        ragged = scene.fouling_m_msl + 0.03 * _noise(rng, 1, width, cells=(1, 50))
        share = np.clip((ragged - levels_m) / 0.05, 0, 1)[:, :, None]
        wall = wall * (1 - share * (1 - np.array([0.78, 0.88, 0.82], np.float32)))
    wall[: int(0.12 * _WALL_PX_PER_M)] += 26  # The coping along the top.
    to_plane = np.array(
        [[1 / _WALL_PX_PER_M, 0, -_WALL_HALF_WIDTH_M], [0, -1 / _WALL_PX_PER_M, top_m], [0, 0, 1.0]], np.float64
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
def _dry(scene: StaffScene) -> Picture:
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


@dataclass(frozen=True)
class _Water:
    """Fields that every picture shares, cut from another place by the seed: waves, silt and grain."""

    across: Floats
    along: Floats
    silt: Picture
    grain: NDArray[np.int16]


_MARGIN_PX = 240


@functools.cache
def _water() -> _Water:
    rng = np.random.default_rng(7)
    height, width = HEIGHT_PX + _MARGIN_PX, WIDTH_PX + _MARGIN_PX
    across = _noise(rng, height, width, cells=(7, 46)) + 0.6 * _noise(rng, height, width, cells=(3, 17))
    along = _noise(rng, height, width, cells=(9, 60)) + 0.5 * _noise(rng, height, width, cells=(4, 21))
    silt = np.clip(_MURK_BGR * (1.02 + 0.05 * along)[:, :, None], 0, 255).astype(np.uint8)
    grain = (rng.normal(0, 1, (height, width)) * 64).astype(np.int16)
    return _Water(across=across, along=along, silt=silt, grain=np.repeat(grain[:, :, None], 3, axis=2))


def render_frame(
    level_m_msl: float,
    *,
    staff: StaffScene,
    light: float,
    rain: float,
    seed: int,
    taken_at: datetime | None = None,
) -> Picture:
    """A 1280×720 BGR picture with the water at this level; `light` is 1 at noon and 0 at night, `rain` 1 a downpour.

    Below a light of 0.2 the camera sees by infrared. The same arguments give the same picture.
    """
    rng = np.random.default_rng(seed)
    picture = _dry(staff).copy()
    _add_water(picture, staff, level_m_msl, rain=rain, rng=rng)
    picture = _infrared(picture, light=light) if light < INFRARED_BELOW else _daylight(picture, light=light, rain=rain)
    if rain > 0:
        picture = _with_rain(picture, rain=rain, light=light, rng=rng)
    picture = _with_grain(picture, light=light, rng=rng)
    burn_in(picture, simulated_mark(), x_px=12, y_px=12)
    if taken_at is not None:
        stamp = f"{staff.code}  {taken_at.astimezone(THAI_TIME):%Y-%m-%d %H:%M:%S}"
        burn_in(picture, stamp, x_px=12, y_px=HEIGHT_PX - 46, height_px=18)
    return picture


def _add_water(
    picture: Picture, scene: StaffScene, level_m_msl: float, *, rain: float, rng: np.random.Generator
) -> None:
    """Below the water's edge the wall gives way to silt, sky, and the wall's own broken reflection."""
    left = scene.at_px(-_WALL_HALF_WIDTH_M, level_m_msl)
    right = scene.at_px(_WALL_HALF_WIDTH_M, level_m_msl)
    slope = (right[1] - left[1]) / (right[0] - left[0])
    columns = np.arange(WIDTH_PX, dtype=np.float32)
    edge_y = (left[1] + slope * (columns - left[0])).astype(np.float32)
    edge_y += (0.4 + 0.8 * rain) * _noise(rng, 1, WIDTH_PX, cells=(1, 24))[0]
    start = max(0, int(edge_y.min()) - 3)
    if start >= HEIGHT_PX:
        return
    shared, (y, x) = _water(), rng.integers(_MARGIN_PX, size=2)
    cut = (slice(start + y, HEIGHT_PX + y), slice(x, WIDTH_PX + x))
    below = np.arange(start, HEIGHT_PX, dtype=np.float32)[:, None] - edge_y[None, :]
    depth = np.clip(below, 0, 300)
    along, across = shared.along[cut], shared.across[cut]
    reflection = _reflection(scene, level_m_msl, start=start, along=along, across=across, depth=depth, rain=rain)
    mirror = (0.42 - 0.0007 * depth) * (1 - 0.35 * rain)
    water = cv2.blendLinear(reflection, np.ascontiguousarray(shared.silt[cut]), mirror, 1 - mirror)
    dry = picture[start:].copy()
    rim = slice(0, min(int(edge_y.max()) - start + 60, len(dry)))  # Only near the edge is anything seen through.
    seen_through = 0.16 * np.exp(-depth[rim] / 9)  # The staff goes on faintly for some centimetres.
    water[rim] = cv2.blendLinear(
        np.ascontiguousarray(dry[rim]), np.ascontiguousarray(water[rim]), seen_through, 1 - seen_through
    )
    cover = np.clip(below + 0.5, 0, 1)
    picture[start:] = cv2.blendLinear(dry, water, 1 - cover, cover)


def _reflection(
    scene: StaffScene,
    level_m_msl: float,
    *,
    start: int,
    along: Floats,
    across: Floats,
    depth: Floats,
    rain: float,
) -> Picture:
    """The wall mirrored at the water's level and broken by ripples that grow towards the camera."""
    to_px = scene.plane_to_px
    mirrored = to_px @ np.array([[1, 0, 0], [0, -1, 2 * level_m_msl], [0, 0, 1.0]]) @ np.linalg.inv(to_px)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    still = cv2.warpPerspective(
        _dry(scene), mirrored, (WIDTH_PX, HEIGHT_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    swell = (0.4 + 0.03 * depth) * (1 + 1.2 * rain)
    columns = np.arange(WIDTH_PX, dtype=np.float32)[None, :] + 0.6 * swell * across
    rows = np.arange(start, HEIGHT_PX, dtype=np.float32)[:, None] + swell * along
    broken: Picture = cv2.remap(still, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return broken


def _daylight(picture: Picture, *, light: float, rain: float) -> Picture:
    """Less light is darker and bluer; rain takes contrast."""
    gain = 0.30 + 0.70 * min(light, 1.0)
    tint = np.array([1.0 + 0.10 * (1 - light), 1.0, 1.0 - 0.08 * (1 - light)])
    haze = 0.28 * rain
    lit: Picture = cv2.transform(picture, np.column_stack([np.diag(tint * gain * (1 - haze)), [150 * haze * gain] * 3]))
    return lit


@functools.cache
def _lamp() -> Picture:
    """The camera's own infrared lamp: bright in the middle, dark in the corners (255 = full)."""
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    away = ((columns - WIDTH_PX / 2) / 760) ** 2 + ((rows - HEIGHT_PX * 0.5) / 520) ** 2
    lamp = (255 * (0.30 + 0.70 * np.exp(-away))).astype(np.uint8)
    return cv2.merge([lamp, lamp, lamp])


def _infrared(picture: Picture, *, light: float) -> Picture:
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    lit: Picture = cv2.multiply(grey, _lamp(), scale=(0.62 + 0.8 * light) / 255)
    return lit


def _with_rain(picture: Picture, *, rain: float, light: float, rng: np.random.Generator) -> Picture:
    """Streaks in the air, near and far, all falling the same way."""
    layer = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    count, lean = int(420 * rain), float(rng.uniform(-0.12, 0.12))
    starts = rng.uniform((0, -40), (WIDTH_PX, HEIGHT_PX), (count, 2))
    lengths = rng.uniform(12, 46, count)
    ends = starts + np.column_stack([lengths * lean, lengths])
    strength = int(40 + 50 * max(light, 0.3))
    lines = np.stack([starts, ends], axis=1).astype(np.int32)
    cv2.polylines(layer, list(lines), False, strength, 1, cv2.LINE_AA)
    layer = cv2.GaussianBlur(layer, (3, 5), 0)
    wet: Picture = cv2.add(picture, cv2.merge([layer, layer, layer]))
    return wet


def _with_grain(picture: Picture, *, light: float, rng: np.random.Generator) -> Picture:
    """The sensor's noise: two grey levels by day, five at night."""
    y, x = rng.integers(_MARGIN_PX, size=2)
    grain = np.ascontiguousarray(_water().grain[y : y + HEIGHT_PX, x : x + WIDTH_PX])
    deviation = 2.0 if light >= INFRARED_BELOW else 5.0
    noisy: Picture = cv2.addWeighted(picture, 1.0, grain, deviation / 64, 0, dtype=cv2.CV_8U)
    return noisy


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
    middle_m = (scene.low_m_msl + scene.high_m_msl) / 2
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
    piece = cv2.cvtColor(_dry(scene), cv2.COLOR_BGR2GRAY)[top:bottom, left:right]
    return {"x_px": left, "y_px": top, "jpeg": base64.b64encode(jpeg(piece)).decode()}


def _mark_levels(scene: StaffScene) -> list[float]:
    first = int(np.ceil(scene.low_m_msl * 10 + 0.5))
    last = int(np.floor(scene.high_m_msl * 10 - 0.5))
    chosen = sorted({*range(first, last, max(1, (last - first) // 7)), last})
    return [decimetre / 10 for decimetre in chosen]


def _patches(scene: StaffScene) -> list[dict[str, object]]:
    """Small pieces of the dry scene by which a moved camera is seen: the upper staff, and a joint under the coping."""
    grey = cv2.cvtColor(_dry(scene), cv2.COLOR_BGR2GRAY)
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


def write_picture(folder: Path, frame: Picture, taken_at: datetime) -> None:
    """`latest.jpg` is this picture and `latest.json` says when it was taken; neither is ever seen half-written.

    The time is written last: whoever sees the new time finds the new picture.
    """
    write_file(folder / "latest.jpg", jpeg(frame))
    write_file(folder / "latest.json", json.dumps({"taken_at": taken_at.isoformat()}).encode())
