"""What an operator clicks once for a camera: printed marks with their levels, dry patches, the public window.

No digits are read: where the printed marks are is known from then on, and only one edge has to be found.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pydantic
from numpy.typing import NDArray

from core.errors import InvalidInputError
from gis.datum import is_sea_level

Floats = NDArray[np.float64]
RESIDUAL_LIMIT_M = 0.01  # A mark that the others contradict by more was clicked at the wrong place.
MARKS_NEEDED = 4


class _Mark(pydantic.BaseModel):
    x_px: pydantic.FiniteFloat
    y_px: pydantic.FiniteFloat
    level_m_msl: pydantic.FiniteFloat


class _Patch(pydantic.BaseModel):
    x_px: int
    y_px: int
    jpeg: str


class _Document(pydantic.BaseModel):
    """The calibration as it is stored."""

    size_px: tuple[pydantic.PositiveInt, pydantic.PositiveInt]
    marks: list[_Mark]
    staff_width_px: pydantic.PositiveFloat
    water_slopes: list[tuple[pydantic.FiniteFloat, pydantic.FiniteFloat]] = [(0.0, 0.0)]
    patches: list[_Patch] = []
    strip: _Patch | None = None
    window_px: list[tuple[float, float]]
    datum: str


@dataclass(frozen=True)
class Patch:
    """A dry piece of the view: its upper left corner, and its picture as an encoded JPEG."""

    x_px: int
    y_px: int
    jpeg: bytes


@dataclass(frozen=True)
class StaffMap:
    """The 1-D projective map along a staff: level = (a·v + b) / (c·v + 1) with v = (y - y0) / scale.

    A straight line in a plane seen by a pinhole camera maps so, whatever the tilt; a linear scale is wrong by
    centimetres (pixels per 10 cm differ by about a fifth between top and foot).
    """

    a: float
    b: float
    c: float
    y0_px: float
    scale_px: float
    x_at_y0_px: float
    lean: float

    def level_m_msl(self, y_px: Floats | float) -> Floats:
        """Levels at these rows of the staff's centre line (metres above mean sea level)."""
        v = (np.asarray(y_px, np.float64) - self.y0_px) / self.scale_px
        level: Floats = (self.a * v + self.b) / (self.c * v + 1)
        return level

    def y_px(self, level_m_msl: Floats | float) -> Floats:
        """Rows at these levels: the map turned round."""
        level = np.asarray(level_m_msl, np.float64)
        y: Floats = self.y0_px + self.scale_px * (self.b - level) / (self.c * level - self.a)
        return y

    def x_px(self, y_px: Floats | float) -> Floats:
        """Columns of the staff's centre line at these rows."""
        x: Floats = self.x_at_y0_px + self.lean * (np.asarray(y_px, np.float64) - self.y0_px)
        return x


@dataclass(frozen=True)
class Calibration:
    """A camera's calibration, fitted and checked.

    `water_slopes` are (row, slope) pairs: how level lines lie in the picture at these rows. `strip` is the dry staff as
    it looked when it was calibrated. `residual_m` is the marks' leave-one-out residual (rms, metres).
    """

    size_px: tuple[int, int]
    staff: StaffMap
    lowest_mark_m_msl: float
    highest_mark_m_msl: float
    staff_width_px: float
    water_slopes: tuple[tuple[float, float], ...]
    patches: tuple[Patch, ...]
    strip: Patch | None
    window_px: tuple[tuple[float, float], ...]
    residual_m: float

    def slope_at(self, y_px: Floats) -> Floats:
        """How level lines lie at these rows of the staff: rows per column, positive downwards to the right."""
        rows, slopes = zip(*self.water_slopes, strict=True)
        slope: Floats = np.interp(y_px, rows, slopes)
        return slope


def parsed(document: str | Mapping[str, Any]) -> Calibration:
    """The calibration in this document. Raises InvalidInputError with what is wrong with it."""
    try:
        content = json.loads(document) if isinstance(document, str) else document
        stored = _Document.model_validate(content)
    except json.JSONDecodeError:
        raise InvalidInputError("The calibration is not JSON.") from None
    except pydantic.ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(f"The calibration's field '{where}' cannot be used: {first['msg']}.") from None
    if not is_sea_level(stored.datum):
        raise InvalidInputError("The calibration's datum must be 'm above mean sea level': a staff's zero is not.")
    if not stored.water_slopes:
        raise InvalidInputError("The calibration's water_slopes must not be empty; leave them out for level pictures.")
    if len(stored.window_px) < 3:
        raise InvalidInputError("The calibration's public window needs at least three corners.")
    marks = np.array([(mark.x_px, mark.y_px, mark.level_m_msl) for mark in stored.marks], np.float64)
    staff, residual_m = _fitted(marks)
    return Calibration(
        size_px=stored.size_px,
        staff=staff,
        lowest_mark_m_msl=float(marks[:, 2].min()),
        highest_mark_m_msl=float(marks[:, 2].max()),
        staff_width_px=stored.staff_width_px,
        water_slopes=tuple(sorted(stored.water_slopes)),
        patches=tuple(_patch(patch) for patch in stored.patches),
        strip=None if stored.strip is None else _patch(stored.strip),
        window_px=tuple(stored.window_px),
        residual_m=residual_m,
    )


def _patch(stored: _Patch) -> Patch:
    try:
        return Patch(x_px=stored.x_px, y_px=stored.y_px, jpeg=base64.b64decode(stored.jpeg, validate=True))
    except binascii.Error:
        raise InvalidInputError("A patch of the calibration is not a picture.") from None


def _fitted(marks: Floats) -> tuple[StaffMap, float]:
    if len(marks) < MARKS_NEEDED:
        raise InvalidInputError(f"The calibration has {len(marks)} marks; it needs at least {MARKS_NEEDED}.")
    by_level = marks[np.argsort(marks[:, 2])]
    if not (np.diff(by_level[:, 2]) > 0).all() or not (np.diff(by_level[:, 1]) < 0).all():
        raise InvalidInputError("The calibration's marks must differ in level, higher ones higher in the picture.")
    residuals_m = [
        float(abs(_fit(np.delete(marks, index, axis=0)).level_m_msl(mark[1]) - mark[2]))
        for index, mark in enumerate(marks)
    ]
    worst = int(np.argmax(residuals_m))
    if len(marks) > MARKS_NEEDED and residuals_m[worst] > RESIDUAL_LIMIT_M * _leverage(by_level, marks[worst]):
        raise InvalidInputError(
            f"The mark at {marks[worst, 2]:.2f} m contradicts the others by {residuals_m[worst] * 100:.1f} cm. "
            "Click it again."
        )
    return _fit(marks), float(np.sqrt(np.mean(np.square(residuals_m))))


def _leverage(by_level: Sequence[Any] | Floats, mark: Floats) -> float:
    """An outermost mark is extrapolated from the others: allow it three times as much."""
    return 3.0 if mark[2] in (by_level[0][2], by_level[-1][2]) else 1.0


def _fit(marks: Floats) -> StaffMap:
    """Least squares on level·(c·v + 1) = a·v + b, levels taken from their mean so that large datums cost no digits."""
    x, y, level = marks.T
    y0, scale, middle = float(y.mean()), float(np.ptp(y)) or 1.0, float(level.mean())
    v, relative = (y - y0) / scale, level - middle
    a, b, c = np.linalg.lstsq(np.column_stack([v, np.ones_like(v), -v * relative]), relative, rcond=None)[0]
    lean, x0 = np.polyfit(y - y0, x, 1)
    return StaffMap(
        a=float(a + middle * c),
        b=float(b + middle),
        c=float(c),
        y0_px=y0,
        scale_px=scale,
        x_at_y0_px=float(x0),
        lean=float(lean),
    )
