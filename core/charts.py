"""Charts for notebooks as plain SVG: no chart library, no script, no network; a saved notebook keeps its pictures.

Maps are gis.maps; here is what has two axes. A series is told by its symbol and its name, never by colour alone.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 52, 46
LEGEND_LETTER = 6.4  # Width of a letter of the legend, about.
MOST_TICKS = 8
FONT = "Sarabun, Garuda, 'Noto Sans Thai', sans-serif"


@dataclass(frozen=True)
class Axis:
    """From `low` to `high` with its title and unit; `names` stand at 0, 1, 2 … where the axis counts things."""

    title: str
    low: float
    high: float
    names: Sequence[str] = ()

    def ticks(self) -> list[tuple[float, str]]:
        """Where a tick stands and what is written there: the names, or round numbers."""
        if self.names:
            return [(float(number), name) for number, name in enumerate(self.names)]
        step = _round_step((self.high - self.low) / MOST_TICKS)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [(number * step, f"{number * step + 0.0:.{digits}f}") for number in range(first, last + 1)]


@dataclass(frozen=True, eq=False)
class Frame:
    """Where values stand in the picture, in its own units; beyond an axis' end they stand at the end."""

    x: Axis
    y: Axis

    def right(self, value: float) -> float:
        """From the picture's left."""
        return LEFT + _share(value, self.x) * (WIDTH - LEFT - RIGHT)

    def down(self, value: float) -> float:
        """From the picture's top."""
        return HEIGHT - BOTTOM - _share(value, self.y) * (HEIGHT - TOP - BOTTOM)


class Series(Protocol):
    """Something drawn in a frame; without a name it is not in the legend."""

    @property
    def name(self) -> str:
        """What the legend says."""

    @property
    def symbol(self) -> str:
        """One letter that stands for it in the legend."""

    @property
    def colour(self) -> str:
        """As SVG writes it."""

    def drawn(self, frame: Frame) -> Iterator[str]:
        """Its SVG elements; where a value is unknown (NaN) there is none."""


@dataclass(frozen=True, eq=False)
class Dots:
    """A symbol at each place; pointing at one shows its tip."""

    x: Values
    y: Values
    colour: str
    name: str = ""
    symbol: str = "●"
    tips: Sequence[str] = ()

    def drawn(self, frame: Frame) -> Iterator[str]:
        """One letter for each place."""
        for number, (x, y) in enumerate(zip(self.x, self.y, strict=True)):
            if math.isfinite(x) and math.isfinite(y):
                tip = f"<title>{html.escape(self.tips[number])}</title>" if self.tips else ""
                yield (
                    f'<text x="{frame.right(x):.1f}" y="{frame.down(y) + 4:.1f}" text-anchor="middle" '
                    f'fill="{self.colour}">{self.symbol}{tip}</text>'
                )


@dataclass(frozen=True, eq=False)
class Line:
    """The places joined in their order, broken where one is unknown; `dash` is SVG's, such as "4 3"."""

    x: Values
    y: Values
    colour: str
    name: str = ""
    dash: str = ""

    @property
    def symbol(self) -> str:
        """A stroke, broken as the line is."""
        return "╌" if self.dash else "━"

    def drawn(self, frame: Frame) -> Iterator[str]:
        """One polyline for each run of known places."""
        is_known = np.isfinite(self.x) & np.isfinite(self.y)
        for run in np.split(np.arange(len(self.x)), np.flatnonzero(np.diff(is_known)) + 1):
            if run.size and is_known[run[0]]:
                points = " ".join(f"{frame.right(self.x[n]):.1f},{frame.down(self.y[n]):.1f}" for n in run)
                yield (
                    f'<polyline points="{points}" fill="none" stroke="{self.colour}" stroke-width="2" '
                    f'stroke-dasharray="{self.dash}"/>'
                )


@dataclass(frozen=True, eq=False)
class Spans:
    """At each x an upright stroke from `low` to `high`: an interval."""

    x: Values
    low: Values
    high: Values
    colour: str
    name: str = ""
    symbol: str = "┃"

    def drawn(self, frame: Frame) -> Iterator[str]:
        """One stroke for each known interval."""
        for x, low, high in zip(self.x, self.low, self.high, strict=True):
            if math.isfinite(x) and math.isfinite(low) and math.isfinite(high):
                at = f"{frame.right(x):.1f}"
                yield (
                    f'<line x1="{at}" x2="{at}" y1="{frame.down(low):.1f}" y2="{frame.down(high):.1f}" '
                    f'stroke="{self.colour}" stroke-width="3" stroke-opacity="0.45"/>'
                )


@dataclass(frozen=True, eq=False)
class Boxes:
    """Filled boxes from (left, low) to (right, high): bars, or what lies between two curves in steps."""

    left: Values
    right: Values
    low: Values
    high: Values
    colour: str
    name: str = ""
    symbol: str = "■"
    tips: Sequence[str] = ()

    def drawn(self, frame: Frame) -> Iterator[str]:
        """One box for each that is known."""
        corners = np.column_stack([self.left, self.right, self.low, self.high])
        for number, (left, right, low, high) in enumerate(corners.tolist()):
            if not np.isfinite(corners[number]).all():
                continue
            x, y = frame.right(left), frame.down(high)
            tip = f"<title>{html.escape(self.tips[number])}</title>" if self.tips else ""
            yield (
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{frame.right(right) - x:.1f}" '
                f'height="{frame.down(low) - y:.1f}" fill="{self.colour}" fill-opacity="0.8">{tip}</rect>'
            )


@dataclass(frozen=True, eq=False)
class Chart:
    """Series over two axes; a notebook shows it as a picture."""

    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]

    def _repr_svg_(self) -> str:
        """The picture, as Jupyter asks for it."""
        frame = Frame(self.x, self.y)
        inside = "".join(element for one in self.series for element in one.drawn(frame))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" font-family="{FONT}" font-size="12" fill="#333">'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
            f'<text x="{LEFT}" y="18" font-size="14" font-weight="bold">{html.escape(self.title)}</text>'
            f"{''.join(_legend(self.series))}{''.join(_axes(frame))}{inside}</svg>"
        )


def bars(values: Values, *, colour: str, name: str = "", shift: float = 0.0, width: float = 0.7) -> Boxes:
    """A bar from 0 for each value, at 0, 1, 2 …; `shift` and `width` in shares of the room that one has."""
    middle = np.arange(len(values), dtype=np.float64) + np.float64(shift)
    none = np.zeros(len(values))
    return Boxes(
        left=middle - width / 2, right=middle + width / 2, low=np.minimum(values, none),
        high=np.maximum(values, none), colour=colour, name=name, tips=[f"{value:.3g}" for value in values],
    )


def _round_step(rough: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= rough * (1 - 1e-9))


def _share(value: float, axis: Axis) -> float:
    return min(max((value - axis.low) / (axis.high - axis.low), 0.0), 1.0)


def _legend(series: Sequence[Series]) -> Iterator[str]:
    at = float(LEFT)
    for one in series:
        if one.name:
            yield (
                f'<text x="{at:.0f}" y="38"><tspan fill="{one.colour}">{one.symbol}</tspan> '
                f"{html.escape(one.name)}</text>"
            )
            at += LEGEND_LETTER * (len(one.name) + 4)


def _axes(frame: Frame) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value, told in frame.x.ticks():
        at = f"{frame.right(value):.1f}"
        yield f'<line x1="{at}" x2="{at}" y1="{TOP}" y2="{bottom}" stroke="#eee"/>'
        yield f'<text x="{at}" y="{bottom + 16}" text-anchor="middle">{html.escape(told)}</text>'
    for value, told in frame.y.ticks():
        at = f"{frame.down(value):.1f}"
        yield f'<line x1="{LEFT}" x2="{right}" y1="{at}" y2="{at}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 6}" y="{at}" dy="4" text-anchor="end">{html.escape(told)}</text>'
    yield f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{html.escape(frame.x.title)}</text>'
    middle = (TOP + bottom) / 2
    yield (
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
        f"{html.escape(frame.y.title)}</text>"
    )
