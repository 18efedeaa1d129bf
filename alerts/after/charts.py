"""The pictures of a report as SVG, made here: zones by what became of them, and what happened when. Pure.

Whoever cannot see them reads a title and a description; whoever cannot tell colours, letters, shapes and hatches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from alerts.after.entries import ALERT, GAUGE, PERSON, REPORT, WATER, Entry
from alerts.after.outcome import Outcome

INK, SOFT, LINE, PAPER = "#0f1b2d", "#465468", "#d5dbe1", "#ffffff"
COLOURS = {0: "#1f8a70", 1: "#b58900", 2: "#c56f00", 3: "#d7263d"}
OUTCOME_COLOURS = {
    Outcome.HIT: "#1f8a70", Outcome.MISS: "#d7263d", Outcome.FALSE_ALARM: "#c56f00", Outcome.UNKNOWN: "#737d8a",
    Outcome.QUIET: "#a9cdec",
}
LANES = (GAUGE, WATER, REPORT, ALERT, PERSON)
STEPS = tuple(timedelta(minutes=minutes) for minutes in (10, 30, 60, 180, 360, 720, 1440, 4320, 10080))
MOST_TICKS = 8
HIGHEST = 460
KM_PER_DEGREE = 111.32
ROUND_KM = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


@dataclass(frozen=True)
class Shape:
    """A zone on the map: its outline as GeoJSON (longitude, latitude), what became of it, and its letter."""

    name: str
    geometry: Mapping[str, Any]
    outcome: Outcome
    letter: str


def zone_map(shapes: Sequence[Shape], *, title: str, description: str, width: int = 640) -> str:
    """The zones, north up, each with the letter and the hatch of its outcome, and a scale bar."""
    frame, height = _Frame.around([point for shape in shapes for point in _points(shape.geometry)], width)
    parts = [_opened(width, height, name="map", title=title, description=description), _hatches()]
    for shape in shapes:
        colour, path = OUTCOME_COLOURS[shape.outcome], _path(shape.geometry, frame)
        parts.append(
            f'<g><title>{escape(shape.name)}</title><path d="{path}" fill="{colour}" fill-opacity="0.35" '
            f'stroke="{colour}" stroke-width="1.5" fill-rule="evenodd"/>'
            f'<path d="{path}" fill="url(#hatch-{shape.outcome})" fill-rule="evenodd"/></g>'
        )
    for shape in shapes:
        x, y = frame.middle(_points(shape.geometry))
        parts.append(
            f'<g aria-hidden="true"><circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="{PAPER}" stroke="{INK}"/>'
            f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-size="11" fill="{INK}">'
            f"{escape(shape.letter)}</text></g>"
        )
    return "".join([*parts, _scale_bar(frame, height), "</svg>"])


def timeline_chart(
    entries: Sequence[Entry], *, lanes: Mapping[str, str], title: str, description: str, language: str,
    width: int = 720,
) -> str:
    """What happened when: a lane each for gauges, water, reports, alerts and people; grave things by shape and colour.

    `lanes` are the lanes' names; those without an entry are left out.
    """
    shown = [lane for lane in LANES if any(entry.about == lane for entry in entries)]
    left, top, lane_height = 110, 12, 34
    height = top + lane_height * max(len(shown), 1) + 30
    scale = _Times.of([entry.at for entry in entries], left=left, right=width - 16)
    parts = [_opened(width, height, name="chart", title=title, description=description)]
    for at, label in scale.ticks():
        x = scale.x(at)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{height - 26}" stroke="{LINE}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{height - 10}" text-anchor="middle" font-size="10" fill="{SOFT}">{label}</text>'
        )
    for row, lane in enumerate(shown):
        y = top + lane_height * (row + 0.5)
        parts.append(f'<text x="4" y="{y + 4:.1f}" font-size="11" fill="{INK}">{escape(lanes[lane])}</text>')
        parts.append(f'<line x1="{left}" x2="{width - 16}" y1="{y:.1f}" y2="{y:.1f}" stroke="{LINE}"/>')
        parts += [_mark(entry, scale.x(entry.at), y, language) for entry in entries if entry.about == lane]
    return "".join([*parts, "</svg>"])


def _opened(width: int, height: int, *, name: str, title: str, description: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="100%" role="img" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
    )


def _mark(entry: Entry, x: float, y: float, language: str) -> str:
    """Circle, square, triangle or diamond by level, as on the screens; its words are its title."""
    shapes = {
        0: f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5"',
        1: f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9"',
        2: f'<path d="M{x:.1f} {y - 6:.1f}L{x + 6:.1f} {y + 5:.1f}L{x - 6:.1f} {y + 5:.1f}Z"',
        3: f'<path d="M{x:.1f} {y - 7:.1f}L{x + 7:.1f} {y:.1f}L{x:.1f} {y + 7:.1f}L{x - 7:.1f} {y:.1f}Z"',
    }
    text = escape(entry.text[language])
    return f'{shapes[entry.level]} fill="{COLOURS[entry.level]}" stroke="{PAPER}"><title>{text}</title>' + (
        "</circle>" if entry.level == 0 else "</rect>" if entry.level == 1 else "</path>"
    )


def _hatches() -> str:
    """A hatch for each outcome: a miss is crossed, a false alarm dotted, the unknown broken; a hit is plain."""
    patterns = {
        Outcome.MISS: '<path d="M0 0L8 8M8 0L0 8" stroke="#d7263d" stroke-width="1.2"/>',
        Outcome.FALSE_ALARM: '<circle cx="4" cy="4" r="1.4" fill="#c56f00"/>',
        Outcome.UNKNOWN: '<path d="M0 4H4" stroke="#737d8a" stroke-width="1.2"/>',
        Outcome.HIT: "",
        Outcome.QUIET: "",
    }
    return "<defs>" + "".join(
        f'<pattern id="hatch-{outcome}" width="8" height="8" patternUnits="userSpaceOnUse">{drawn}</pattern>'
        for outcome, drawn in patterns.items()
    ) + "</defs>"


@dataclass(frozen=True)
class _Frame:
    """From degrees to the picture's units, the same east and north, with a margin."""

    west: float
    north: float
    per_degree: float
    squeeze: float
    left: float
    top: float

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]], width: int) -> tuple[_Frame, int]:
        """The frame of these points, and the height that they need at most."""
        lons = [lon for lon, _ in points] or [0.0]
        lats = [lat for _, lat in points] or [0.0]
        squeeze = math.cos(math.radians((min(lats) + max(lats)) / 2))
        wide, high = (max(lons) - min(lons)) * squeeze or 1e-3, (max(lats) - min(lats)) or 1e-3
        per_degree = min((width - 40) / wide, (HIGHEST - 60) / high)
        frame = cls(
            west=min(lons), north=max(lats), per_degree=per_degree, squeeze=squeeze,
            left=(width - wide * per_degree) / 2, top=20,
        )
        return frame, math.ceil(high * per_degree) + 60

    def xy(self, lon: float, lat: float) -> tuple[float, float]:
        return (
            self.left + (lon - self.west) * self.squeeze * self.per_degree,
            self.top + (self.north - lat) * self.per_degree,
        )

    def middle(self, points: Sequence[tuple[float, float]]) -> tuple[float, float]:
        placed = [self.xy(lon, lat) for lon, lat in points] or [(0.0, 0.0)]
        return sum(x for x, _ in placed) / len(placed), sum(y for _, y in placed) / len(placed)


def _rings(geometry: Mapping[str, Any]) -> Iterable[Sequence[Sequence[float]]]:
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return (ring for polygon in polygons for ring in polygon)


def _points(geometry: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The corners of the outline, each once: a ring ends where it began."""
    return [(point[0], point[1]) for ring in _rings(geometry) for point in ring[:-1]]


def _path(geometry: Mapping[str, Any], frame: _Frame) -> str:
    rings = []
    for ring in _rings(geometry):
        placed = (frame.xy(point[0], point[1]) for point in ring)
        rings.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed) + "Z")
    return "".join(rings)


def _scale_bar(frame: _Frame, height: int) -> str:
    per_km = frame.per_degree / KM_PER_DEGREE
    km = max((km for km in ROUND_KM if km * per_km <= 160), default=ROUND_KM[0])
    y, x = height - 12, 20
    label = f"{km * 1000:.0f} m" if km < 1 else f"{km:.0f} km"
    return (
        f'<path d="M{x} {y - 4}V{y}H{x + km * per_km:.1f}V{y - 4}" fill="none" stroke="{INK}"/>'
        f'<text x="{x + km * per_km + 6:.1f}" y="{y}" font-size="11" fill="{INK}">{label}</text>'
    )


@dataclass(frozen=True)
class _Times:
    """From moments to the chart's units; ticks stand at full steps of Thai time."""

    begin_at: datetime
    end_at: datetime
    left: float
    right: float

    @classmethod
    def of(cls, moments: Sequence[datetime], *, left: float, right: float) -> _Times:
        begin_at = min(moments, default=datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
        return cls(begin_at, max(moments, default=begin_at) + timedelta(minutes=1), left, right)

    def x(self, at: datetime) -> float:
        return self.left + (self.right - self.left) * ((at - self.begin_at) / (self.end_at - self.begin_at))

    def ticks(self) -> list[tuple[datetime, str]]:
        lasts = self.end_at - self.begin_at
        step = next((step for step in STEPS if lasts / step <= MOST_TICKS), STEPS[-1])
        thai = timedelta(hours=7)
        epoch = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
        first = epoch + (-(-(self.begin_at + thai - epoch) // step)) * step - thai
        found: list[tuple[datetime, str]] = []
        while first <= self.end_at and len(found) <= 2 * MOST_TICKS:
            local = first + thai
            found.append((first, f"{local:%d/%m}" if step >= timedelta(days=1) else f"{local:%H:%M}"))
            first += step
        return found
