"""A street with its soi: where a numbered soi is that no map shows, and where two streets cross. Pure, in metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis import crs
from gis.gazetteer.entries import Entry

# Odd and even soi leave on different sides and are not counted together; neighbours are seldom further apart than this.
NUMBERS_APART = 40
REACH_BEYOND = 6
BEYOND_RADIUS_M = 500.0
SOI_DEPTH_M = 250.0  # How far a soi of unknown shape may lead away from its road (assumed).
CROSSING_WITHIN_M = 60.0


@dataclass(frozen=True, slots=True)
class Street:
    """`main` is the road itself (None where only its soi are known), `sois` the entries of its soi
    by number (several where it is counted twice).

    `mouths` are where the soi leave: number, parity, x, y in metres, ordered by number; within
    `reach_m` of the main entry's place lies all of the road.
    """

    main: BaseGeometry | None
    main_entry: int | None
    sois: dict[str, list[int]]
    mouths: tuple[tuple[int, float, float], ...]
    reach_m: float


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in metres with the radius within which the true one lies."""

    x: float
    y: float
    radius_m: float


def street_of(pieces: Sequence[tuple[str, int, Entry]], srid: int) -> Street | None:
    """The street that these numbered and unnumbered pieces make, each with its entry's index; None without any."""
    mains = [(entry.line, index) for number, index, entry in pieces if not number and entry.line is not None]
    sois: dict[str, list[int]] = {}
    lines: dict[str, BaseGeometry] = {}
    for number, index, entry in pieces:
        if number and entry.line is not None:
            sois.setdefault(number, []).append(index)
            lines[number] = crs.to_metric(entry.line, srid)
    if not mains and not sois:
        return None
    main = crs.to_metric(shapely.union_all([line for line, _ in mains]), srid) if mains else None
    mouths = sorted(
        (int(number), *_mouth(line, main)) for number, line in lines.items() if number.isdigit()
    )
    reach_m = _reach_m(main, next(entry for _, index, entry in pieces if index == mains[0][1]), srid) if mains else 0.0
    return Street(main, mains[0][1] if mains else None, sois, tuple(mouths), reach_m)


def _reach_m(main: BaseGeometry | None, entry: Entry, srid: int) -> float:
    if main is None or entry.place is None:
        return 0.0
    place = crs.to_metric(shapely.Point(entry.place.lon, entry.place.lat), srid)
    return float(shapely.hausdorff_distance(main, place)) + 1.0


def _mouth(line: BaseGeometry, main: BaseGeometry | None) -> tuple[float, float]:
    """Where the soi leaves its road: its point nearest to it, or its middle where no map has the road."""
    point = line.centroid if main is None else shapely.get_point(shapely.shortest_line(main, line), 0)
    return float(point.x), float(point.y)


def soi_spot(street: Street, number: str) -> Spot | None:
    """About where the soi of this number leaves the street, from the two known soi around it on its side.

    A sub-soi (12/3) lies where its soi 12 is. Beyond the last known soi the radius grows; None where nothing is near.
    """
    wanted = int(number.partition("/")[0])
    if not 0 < wanted < 10_000:
        return None
    side = [mouth for mouth in street.mouths if mouth[0] % 2 == wanted % 2] or list(street.mouths)
    exact = [mouth for mouth in side if mouth[0] == wanted]
    if exact:
        return Spot(exact[0][1], exact[0][2], SOI_DEPTH_M)
    below = max((mouth for mouth in side if mouth[0] < wanted), default=None, key=lambda m: m[0])
    above = min((mouth for mouth in side if mouth[0] > wanted), default=None, key=lambda m: m[0])
    if below is not None and above is not None and above[0] - below[0] <= NUMBERS_APART:
        share = (wanted - below[0]) / (above[0] - below[0])
        x, y = (below[1] + share * (above[1] - below[1]), below[2] + share * (above[2] - below[2]))
        gap_m = float(np.hypot(above[1] - below[1], above[2] - below[2]))
        return _on(street, x, y, SOI_DEPTH_M + gap_m / 2)
    last = below or above
    if last is not None and abs(last[0] - wanted) <= REACH_BEYOND:
        return _on(street, last[1], last[2], SOI_DEPTH_M + BEYOND_RADIUS_M)
    return None


def _on(street: Street, x: float, y: float, radius_m: float) -> Spot:
    """The point of the street nearest to x, y."""
    if street.main is None:
        return Spot(x, y, radius_m)
    near_x, near_y, _ = nearest_on(street.main, x, y)
    return Spot(near_x, near_y, radius_m)


def nearest_on(line: BaseGeometry, x: float, y: float) -> tuple[float, float, float]:
    """The line's point nearest to x, y, and how far away it is, metres."""
    link = shapely.shortest_line(line, shapely.Point(x, y))
    near = shapely.get_point(link, 0)
    return float(near.x), float(near.y), float(shapely.length(link))


def crossing(one: BaseGeometry, other: BaseGeometry) -> Spot | None:
    """Where two streets meet or nearly meet; None where they do not. The radius holds every such place."""
    if shapely.distance(one, other) > CROSSING_WITHIN_M:
        return None
    met = one.intersection(other)
    if met.is_empty:
        met = shapely.shortest_line(one, other)
    middle = met.centroid
    reach_m = float(shapely.hausdorff_distance(middle, met)) if met.geom_type != "Point" else 0.0
    return Spot(float(middle.x), float(middle.y), max(80.0, reach_m + 40.0))
