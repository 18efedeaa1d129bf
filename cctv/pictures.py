"""Pictures as arrays: what is written on them, what the public may see of them, and their files."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[Any]  # Rows × columns × 3, uint8, blue-green-red; OpenCV's own types say no more than that.
SIMULATED_TH_EN = "ภาพจำลอง / SIMULATED"
SIMULATED_EN = "SIMULATED"
PUBLIC_WIDTH_PX = 1280
BLOCKS_PER_WIDTH = 40
JPEG_QUALITY = 80
_THAI_FONTS = (
    Path("/usr/share/fonts/truetype/tlwg/Garuda-Bold.ttf"),
    Path("/usr/share/fonts/truetype/tlwg/Loma-Bold.ttf"),
    Path("/usr/share/fonts/truetype/noto/NotoSansThai-Bold.ttf"),
)


@functools.cache
def _thai_font() -> Any | None:
    """A Thai typeface for OpenCV 5, or None where this OpenCV or this machine has none: then the text is Latin only."""
    if not hasattr(cv2, "FontFace"):
        return None
    for path in _THAI_FONTS:
        if path.exists():
            return cv2.FontFace(str(path))
    return None


@functools.lru_cache(maxsize=64)
def _strip(text: str, height_px: int) -> Picture:
    """White text on black, as small as it can be."""
    strip = np.zeros((height_px * 2, height_px * (len(text) + 2), 3), np.uint8)
    font = _thai_font()
    if font is not None:
        cv2.putText(strip, text, (height_px // 2, int(height_px * 1.45)), (255, 255, 255), font, height_px)
    else:
        cv2.putText(
            strip,
            text,
            (height_px // 2, int(height_px * 1.4)),
            cv2.FONT_HERSHEY_SIMPLEX,
            height_px / 24,
            (255, 255, 255),
            max(1, height_px // 12),
            cv2.LINE_AA,
        )
    used_px = int(np.flatnonzero(strip.any(axis=(0, 2))).max(initial=height_px)) + height_px // 2
    strip = strip[:, : used_px + 1]
    strip.setflags(write=False)
    return strip


def simulated_mark() -> str:
    """The words that say a picture is made up, in Thai and English where the machine has Thai letters."""
    return SIMULATED_TH_EN if _thai_font() is not None else SIMULATED_EN


def burn_in(picture: Picture, text: str, *, x_px: int, y_px: int, height_px: int = 22) -> None:
    """The text stands on a black strip with its upper left corner at this place; the picture is changed."""
    strip = _strip(text, height_px)
    room = picture[y_px : y_px + strip.shape[0], x_px : x_px + strip.shape[1]]
    room[:] = strip[: room.shape[0], : room.shape[1]]


def public_picture(picture: Picture, window_px: Sequence[tuple[float, float]], *, is_simulated: bool) -> Picture:
    """A copy in which everything outside the water window is coarse blocks of 1/40 of the width, at most 1280 px wide.

    Whoever stands beside the canal cannot be recognised, because nothing outside the operator's window is shown:
    face detectors miss people in wide views. A simulated picture keeps saying that it is one.
    """
    scale = min(1.0, PUBLIC_WIDTH_PX / picture.shape[1])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    sharp = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    columns = BLOCKS_PER_WIDTH
    rows = max(1, round(columns * size[1] / size[0]))
    blocks = cv2.resize(sharp, (columns, rows), interpolation=cv2.INTER_AREA)
    public: Picture = cv2.resize(blocks, size, interpolation=cv2.INTER_NEAREST)
    mask = np.zeros((size[1], size[0]), np.uint8)
    if len(window_px) >= 3:
        cv2.fillPoly(mask, [np.round(np.asarray(window_px, np.float64) * scale).astype(np.int32)], 255)
    cv2.copyTo(sharp, mask, public)
    if is_simulated:
        burn_in(public, simulated_mark(), x_px=12, y_px=12)
    return public


def jpeg(picture: Picture) -> bytes:
    """The picture as a JPEG made from pixels alone: no EXIF, no place, no camera serial."""
    is_encoded, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not is_encoded:
        raise ValueError("the picture could not be encoded")
    return bytes(data)


def decoded(data: bytes) -> Picture | None:
    """The picture in these bytes (BGR), or None where they are no picture or one of more than 40 million pixels."""
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(40_000_000))
    try:
        picture: Picture | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return picture


def write_file(path: Path, data: bytes) -> None:
    """The file holds these bytes; whoever reads it meanwhile sees the old or the new, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(data)
    fresh.replace(path)
