"""What a map picture of warned zones shows, as shapes in pixels: streets, water, outlines, scale. Pure.

The picture is north up, drawn in the city's metric system, and the same for the same zones, level and map.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import shapely
from shapely.geometry.base import BaseGeometry

WIDTH_PX, HEIGHT_PX = 720, 480
# Around the zones there is room to find one's way; a single lane's zone still shows its streets.
MARGIN_SHARE = 0.18
LEAST_WIDTH_M = 600.0
SCALE_BARS_M = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)
SCALE_SHARE = 0.25
# What is smaller than a pixel is not drawn.
SIMPLIFY_PX = 0.5
# More names than these would cover the map.
MOST_NAMES = 8
Ring = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class View:
    """The part of the map that is shown: its south-west corner in metres, and how many metres a pixel is."""

    west_m: float
    south_m: float
    m_per_px: float

    @property
    def box_m(self) -> tuple[float, float, float, float]:
        """West, south, east, north in metres."""
        return (
            self.west_m,
            self.south_m,
            self.west_m + WIDTH_PX * self.m_per_px,
            self.south_m + HEIGHT_PX * self.m_per_px,
        )

    def px(self, x_m: float, y_m: float) -> tuple[int, int]:
        """The pixel of a place, from the top left."""
        return round((x_m - self.west_m) / self.m_per_px), round(HEIGHT_PX - (y_m - self.south_m) / self.m_per_px)


@dataclass(frozen=True)
class Line:
    """A street or a river, as wide as it is drawn."""

    points: Ring
    width_px: int


@dataclass(frozen=True)
class Area:
    """A warned zone: its outside ring and the holes in it."""

    outside: Ring
    holes: tuple[Ring, ...]


@dataclass(frozen=True)
class Name:
    """A zone's name in Thai and English, and the pixel inside the zone that it stands on."""

    at: tuple[int, int]
    words: dict[str, str]


@dataclass(frozen=True)
class Scene:
    """A whole picture; `label` and `mark` (Thai and English) are drawn as text, `mark` only where data is simulated."""

    level: int
    water: tuple[Line, ...]
    streets: tuple[Line, ...]
    zones: tuple[Area, ...]
    names: tuple[Name, ...]
    scale: str
    scale_px: int
    label: dict[str, str]
    mark: dict[str, str] | None

    def as_json(self) -> bytes:
        """What the drawing process reads."""
        return json.dumps({**asdict(self), "width_px": WIDTH_PX, "height_px": HEIGHT_PX}).encode()


def view_of(zones_m: Sequence[BaseGeometry]) -> View:
    """The part of the map with all zones (in metres) in its middle and room around them."""
    west, south, east, north = shapely.total_bounds(list(zones_m))
    width = max(east - west, LEAST_WIDTH_M) * (1 + 2 * MARGIN_SHARE)
    height = max(north - south, LEAST_WIDTH_M * HEIGHT_PX / WIDTH_PX) * (1 + 2 * MARGIN_SHARE)
    m_per_px = max(width / WIDTH_PX, height / HEIGHT_PX)
    return View(
        west_m=(west + east) / 2 - WIDTH_PX * m_per_px / 2,
        south_m=(south + north) / 2 - HEIGHT_PX * m_per_px / 2,
        m_per_px=m_per_px,
    )


def scale_bar(m_per_px: float) -> tuple[int, int]:
    """(metres, pixels) of the longest round scale bar that takes at most a quarter of the picture."""
    fitting = [bar for bar in SCALE_BARS_M if bar / m_per_px <= WIDTH_PX * SCALE_SHARE]
    bar = fitting[-1] if fitting else SCALE_BARS_M[0]
    return bar, round(bar / m_per_px)


def _ring(coordinates: Iterable[Sequence[float]], view: View) -> Ring:
    return tuple(view.px(point[0], point[1]) for point in coordinates)


def lines(shapes_m: Iterable[tuple[BaseGeometry, int]], view: View) -> Iterator[Line]:
    """The parts of lines (in metres, with their width) that the view shows."""
    box = shapely.box(*view.box_m).buffer(20 * view.m_per_px)
    for shape, width_px in shapes_m:
        seen = shapely.intersection(shape, box).simplify(SIMPLIFY_PX * view.m_per_px)
        for part in shapely.get_parts(seen):
            if part.geom_type == "LineString" and not part.is_empty:
                yield Line(_ring(part.coords, view), width_px)


def areas(zones_m: Iterable[BaseGeometry], view: View) -> Iterator[Area]:
    """The zones' polygons (in metres), each with its holes."""
    for zone in zones_m:
        for part in shapely.get_parts(zone):
            slim = part.simplify(SIMPLIFY_PX * view.m_per_px)
            if slim.geom_type == "Polygon" and not slim.is_empty:
                yield Area(_ring(slim.exterior.coords, view), tuple(_ring(h.coords, view) for h in slim.interiors))


def names_on_map(zones_m: Sequence[BaseGeometry], names: Sequence[dict[str, str]], view: View) -> tuple[Name, ...]:
    """The names of several zones, so that a reader finds their own; one zone's name, or too many, are left out."""
    if not 1 < len(zones_m) <= MOST_NAMES:
        return ()
    inside = [shapely.point_on_surface(zone) for zone in zones_m]
    return tuple(Name(view.px(place.x, place.y), dict(words)) for place, words in zip(inside, names, strict=True))


def scene(
    *,
    level: int,
    zones_m: Sequence[BaseGeometry],
    names: Sequence[dict[str, str]],
    water_m: Iterable[tuple[BaseGeometry, int]],
    streets_m: Iterable[tuple[BaseGeometry, int]],
    label: dict[str, str],
    mark: dict[str, str] | None,
) -> Scene:
    """The picture of these zones (with their names) at a level, over water and streets (in metres, with widths)."""
    view = view_of(zones_m)
    scale_m, scale_px = scale_bar(view.m_per_px)
    return Scene(
        level=level,
        water=tuple(lines(water_m, view)),
        streets=tuple(lines(streets_m, view)),
        zones=tuple(areas(zones_m, view)),
        names=names_on_map(zones_m, names, view),
        scale=_in_words(scale_m),
        scale_px=scale_px,
        label=label,
        mark=mark,
    )


def _in_words(metres: int) -> str:
    return f"{metres // 1000} km" if metres >= 1000 else f"{metres} m"
