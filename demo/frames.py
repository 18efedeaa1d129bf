"""Camera pictures of the demo city: a canal wall with a staff gauge, water at a known level, weather and night.

Everything is drawn: the wall and the staff lie in one plane, a pinhole camera looks at it, and the water mirrors it.
So the true level of every picture is known exactly, and no picture shows a real place or a real person.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cctv.pictures import Picture, burn_in, jpeg, simulated_mark, write_file
from demo.staff_scene import (
    HEIGHT_PX,
    WALL_HALF_WIDTH_M,
    WIDTH_PX,
    Floats,
    StaffScene,
    calibration_json,
    dry,
    noise,
    staff_scene,
)

__all__ = ["StaffScene", "calibration_json", "render_frame", "staff_scene", "write_picture"]

THAI_TIME = timezone(timedelta(hours=7))
INFRARED_BELOW = 0.2
_MURK_BGR = np.array([88, 128, 146], np.float32)  # Silt: what Thai canals carry in a flood.
_MARGIN_PX = 240


@dataclass(frozen=True)
class _Water:
    """Fields that every picture shares, cut from another place by the seed: waves, silt and grain."""

    across: Floats
    along: Floats
    silt: Picture
    grain: NDArray[np.int16]


@functools.cache
def _water() -> _Water:
    rng = np.random.default_rng(7)
    height, width = HEIGHT_PX + _MARGIN_PX, WIDTH_PX + _MARGIN_PX
    across = noise(rng, height, width, cells=(7, 46)) + 0.6 * noise(rng, height, width, cells=(3, 17))
    along = noise(rng, height, width, cells=(9, 60)) + 0.5 * noise(rng, height, width, cells=(4, 21))
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
    picture = dry(staff).copy()
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
    left = scene.at_px(-WALL_HALF_WIDTH_M, level_m_msl)
    right = scene.at_px(WALL_HALF_WIDTH_M, level_m_msl)
    slope = (right[1] - left[1]) / (right[0] - left[0])
    columns = np.arange(WIDTH_PX, dtype=np.float32)
    edge_y = (left[1] + slope * (columns - left[0])).astype(np.float32)
    edge_y += (0.4 + 0.8 * rain) * noise(rng, 1, WIDTH_PX, cells=(1, 24))[0]
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
    above = picture[start:].copy()
    rim = slice(0, max(1, min(int(edge_y.max()) - start + 60, len(above))))  # Only near the edge is it seen through.
    seen_through = 0.16 * np.exp(-depth[rim] / 9)  # The staff goes on faintly for some centimetres.
    water[rim] = cv2.blendLinear(above[rim].copy(), water[rim].copy(), seen_through, 1 - seen_through)
    cover = np.clip(below + 0.5, 0, 1)
    picture[start:] = cv2.blendLinear(above, water, 1 - cover, cover)


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
        dry(scene), mirrored, (WIDTH_PX, HEIGHT_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE
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
    full: Picture = cv2.merge([lamp, lamp, lamp])
    return full


def _infrared(picture: Picture, *, light: float) -> Picture:
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    lit: Picture = cv2.multiply(grey, _lamp(), scale=(0.62 + 0.8 * light) / 255)
    return lit


def _with_rain(picture: Picture, *, rain: float, light: float, rng: np.random.Generator) -> Picture:
    """Streaks in the air, near and far, all falling the same way."""
    layer: Picture = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
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


def write_picture(folder: Path, frame: Picture, taken_at: datetime) -> None:
    """`latest.jpg` is this picture and `latest.json` says when it was taken; neither is ever seen half-written.

    The time is written last: whoever sees the new time finds the new picture.
    """
    write_file(folder / "latest.jpg", jpeg(frame))
    write_file(folder / "latest.json", json.dumps({"taken_at": taken_at.isoformat()}).encode())
