"""House numbers along a street: where a known one stands, about where one between two known ones does. Pure, in metres.

Odd and even numbers stand on different sides and are never counted together. A number is `base/sub`: 123/45 is one of
the doors that house 123 was divided into, and stands where 123 does.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis import crs
from gis.gazetteer.entries import Entry, forms_of
from gis.gazetteer.normal import sound
from gis.gazetteer.streets import Spot, Street, nearest_on
from gis.points import LonLat

# All of these are assumed; no street of a Thai city whose numbers are all known was at hand to measure them by.
# A known house is its building or its gate, and the doors of one number (123/1, 123/2) share its plot: metres.
EXACT_RADIUS_M, GROUP_RADIUS_M = 30.0, 60.0
# Doors of one number further apart than this are several houses that share it: none of them is the one meant.
ONE_HOUSE_M = 60.0
# A house stands no further from the middle of its road than this, unless its known neighbours do.
SETBACK_M = 25.0
# So many numbers are followed beyond the last known one, each no longer than this (half a plot: a side counts by twos).
NUMBERS_BEYOND, MOST_PACE_M = 10, 15.0
# Unlike between two houses, a field behind the last one goes unseen: metres that the radius has for it.
FIELD_M = 50.0
# Numbers that were given out in the order of building, not along the road, say nothing of what lies between them.
IN_ORDER = 0.8
# So far from every part of the road that it names, a house is on another road of that name.
ROAD_WITHIN_M = 200.0
# "232-234" are the houses of one side from the one to the other, unless that would be a whole street.
RANGE_MOST = 20

_SOI_BEHIND = re.compile("(?:ซอย|ซอยที)$")
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_SIGN = re.compile(r"^(?:บ้านเลขที่|เลขที่|no\.?|#)\s*")
_NUMBER = re.compile(
    r"([0-9]{1,5}) ?[a-zก-ฮ]?(?: ?/ ?([0-9]{1,5})[a-zก-ฮ]?)?(?: ?[-–] ?([0-9]{1,5})[a-zก-ฮ]?(?:/[0-9]{1,5})?)?"
)


class HouseNumber(NamedTuple):
    """`base/sub`; `sub` 0 where there is none."""

    base: int
    sub: int = 0

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.base}/{self.sub}" if self.sub else str(self.base)


@dataclass(frozen=True, slots=True)
class Address:
    """A house by its number as it was written and the street that it names, in one language or both."""

    house_number: str
    street_th: str
    street_en: str
    place: LonLat


class House(NamedTuple):
    """A known house: its number and where it stands, metres."""

    number: HouseNumber
    x: float
    y: float


class HouseSpot(NamedTuple):
    """Where a house is, or about where; `is_exact` where the very number is known."""

    spot: Spot
    is_exact: bool


def numbers_of(written: str) -> tuple[HouseNumber, ...]:
    """The house numbers of a text such as 12, ๑๒/๓, "12ก", "12;14" or "232-234"; none where it is no house number."""
    plain = _SIGN.sub("", written.translate(_THAI_DIGITS).strip().lower())
    found: dict[HouseNumber, None] = {}
    for part in re.split(r"\s*[,;]\s*", plain):
        numbered = _NUMBER.fullmatch(part)
        if numbered is None or int(numbered[1]) == 0:
            return ()
        found |= dict.fromkeys(_run(int(numbered[1]), int(numbered[2] or 0), int(numbered[3] or 0)))
    return tuple(found)


def _run(first: int, sub: int, last: int) -> Iterator[HouseNumber]:
    """The number, and of a range all up to its last one that stand on its side."""
    if sub or not first < last <= first + RANGE_MOST:
        yield HouseNumber(first, sub)
        return
    yield from (HouseNumber(base) for base in range(first, last + 1, 2 if (last - first) % 2 == 0 else 1))


class AskedHouse(NamedTuple):
    """A house number as a text gives it to a street, and how sure it is one (0 to 1).

    `relation` is near or beside where the text speaks of what is around the house. A number that `can_vouch` makes the
    street that has it surer.
    """

    number: HouseNumber
    matched: str
    sure: float
    relation: str
    can_vouch: bool


# --- a street's houses ---------------------------------------------------------------------------------------------


class _Mark(NamedTuple):
    """A number on its road: which part of it, how far along, how far beside."""

    base: int
    part: int
    along_m: float
    beside_m: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Side:
    """The numbers of one parity in their order; `runs` tells for each part of the road whether they rise along it (1)
    or fall (-1). Without any where they stand in no order.
    """

    bases: tuple[int, ...]
    marks: tuple[_Mark, ...]
    runs: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Houses:
    """The numbered houses of one road. `parts` are its pieces joined end to end, `known` its houses by base number."""

    line: BaseGeometry
    parts: tuple[shapely.LineString, ...]
    known: Mapping[int, tuple[House, ...]]
    even: _Side
    odd: _Side


def houses_on(line: BaseGeometry, houses: Iterable[House]) -> Houses:
    """The houses as they stand along their road (`line`, metres)."""
    parts = tuple(shapely.get_parts(shapely.line_merge(line)).tolist())
    known: dict[int, list[House]] = defaultdict(list)
    for house in houses:
        known[house.number.base].append(house)
    single = [base for base in sorted(known) if _spread_m(known[base]) <= ONE_HOUSE_M]
    marks = _marks(parts, {base: _middle(known[base]) for base in single})
    even, odd = ([mark for mark in marks if mark.base % 2 == parity] for parity in (0, 1))
    return Houses(line, parts, {base: tuple(doors) for base, doors in known.items()}, _side(even), _side(odd))


def _middle(doors: Sequence[House]) -> tuple[float, float]:
    return sum(door.x for door in doors) / len(doors), sum(door.y for door in doors) / len(doors)


def _reach_m(doors: Sequence[House], x: float, y: float) -> float:
    return max(float(np.hypot(door.x - x, door.y - y)) for door in doors)


def _spread_m(doors: Sequence[House]) -> float:
    return _reach_m(doors, *_middle(doors))


def _marks(parts: Sequence[shapely.LineString], middles: Mapping[int, tuple[float, float]]) -> list[_Mark]:
    """Each number where it stands beside the part of the road that is nearest to it."""
    if not middles:
        return []
    points = shapely.points(list(middles.values()))
    apart_m = shapely.distance(np.array(parts)[:, None], points[None, :])
    nearest = apart_m.argmin(axis=0)
    along_m = shapely.line_locate_point(np.array(parts)[nearest], points)
    beside_m = apart_m.min(axis=0).tolist()
    return [
        _Mark(base, part, along, beside, x, y)
        for (base, (x, y)), part, along, beside
        in zip(middles.items(), nearest.tolist(), along_m.tolist(), beside_m, strict=True)
    ]


def _side(marks: Sequence[_Mark]) -> _Side:
    steps = [
        (one.part, 1 if other.along_m > one.along_m else -1)
        for one, other in pairwise(marks) if one.part == other.part and one.along_m != other.along_m
    ]
    sums: dict[int, int] = defaultdict(int)
    for part, step in steps:
        sums[part] += step
    runs = {part: 1 if total >= 0 else -1 for part, total in sums.items()}
    if sum(runs[part] == step for part, step in steps) < IN_ORDER * len(steps):
        return _Side((), (), {})
    return _Side(tuple(mark.base for mark in marks), tuple(marks), runs)


# --- asked for a number --------------------------------------------------------------------------------------------


def house_spot(houses: Houses, number: HouseNumber) -> HouseSpot | None:
    """Where the house of this number is, the true place within the radius.

    Known: there. Else on the road between the nearest known numbers of its side, or a step beyond the last; None where
    that would be a guess.
    """
    doors = houses.known.get(number.base)
    if doors:
        return _at_doors(doors, number)
    side = houses.odd if number.base % 2 else houses.even
    at = bisect_left(side.bases, number.base)
    if not side.marks:
        return None
    if 0 < at < len(side.marks):
        spot = _between(houses, side, side.marks[at - 1], side.marks[at], number.base)
    else:
        spot = _beyond(houses, side, number.base)
    return HouseSpot(spot, is_exact=False) if spot is not None else None


def _at_doors(doors: Sequence[House], number: HouseNumber) -> HouseSpot:
    """At the very door where that is known, else where the house is whose number it was divided from."""
    same = [door for door in doors if door.number == number]
    if same and _spread_m(same) <= ONE_HOUSE_M:
        x, y = _middle(same)
        return HouseSpot(Spot(x, y, EXACT_RADIUS_M + _reach_m(same, x, y)), is_exact=True)
    x, y = _middle([door for door in doors if not door.number.sub] or doors)
    return HouseSpot(Spot(x, y, GROUP_RADIUS_M + _reach_m(doors, x, y)), is_exact=False)


def _between(houses: Houses, side: _Side, below: _Mark, above: _Mark, base: int) -> Spot | None:
    """On the road as far between the two as the number is between theirs; either of them is within the radius."""
    share = (base - below.base) / (above.base - below.base)
    beside_m = max(below.beside_m, above.beside_m, SETBACK_M)
    if below.part != above.part:
        # The road has a gap here, or two carriageways: of the way between no more is known than its ends.
        x, y, _ = nearest_on(houses.line, *(a + share * (b - a) for a, b in ((below.x, above.x), (below.y, above.y))))
        away_m = max(float(np.hypot(mark.x - x, mark.y - y)) for mark in (below, above))
        return Spot(x, y, away_m + beside_m)
    step_m = above.along_m - below.along_m
    if step_m * side.runs.get(below.part, 0) < 0:
        return None
    point = shapely.line_interpolate_point(houses.parts[below.part], below.along_m + share * step_m)
    return Spot(float(point.x), float(point.y), max(share, 1 - share) * abs(step_m) + beside_m)


def _beyond(houses: Houses, side: _Side, base: int) -> Spot | None:
    """A few numbers on from the last known one, at the pace of the last two, no further than the road goes."""
    is_after = base > side.bases[-1]
    last, inner = (side.marks[-1], side.marks[-2:-1]) if is_after else (side.marks[0], side.marks[1:2])
    numbers = abs(base - last.base)
    if numbers > NUMBERS_BEYOND:
        return None
    run = side.runs.get(last.part, 0) * (1 if is_after else -1)
    line = houses.parts[last.part]
    moved_m = 0.0
    if inner and inner[0].part == last.part and (last.along_m - inner[0].along_m) * run > 0:
        pace_m = min(abs(last.along_m - inner[0].along_m) / abs(last.base - inner[0].base), MOST_PACE_M)
        room_m = shapely.length(line) - last.along_m if run > 0 else last.along_m
        moved_m = min(pace_m * numbers, float(room_m))
    point = shapely.line_interpolate_point(line, last.along_m + run * moved_m)
    radius_m = max(moved_m, MOST_PACE_M * numbers - moved_m) + FIELD_M + max(last.beside_m, SETBACK_M)
    return Spot(float(point.x), float(point.y), radius_m)


# --- which house is on which road ----------------------------------------------------------------------------------


def street_forms(name_th: str, name_en: str) -> set[tuple[str, str]]:
    """How an address may name its street: the ways its name sounds without its type word, each with a soi's number."""
    if not (name_th or name_en):
        return set()
    entry = Entry("road", "", name_th, name_en, None, 0.0)
    forms = {(form.stem, form.number) for form in forms_of(entry)}
    # "ราชดำเนิน ซอย 24" is ซอยราชดำเนิน 24.
    return {(sound(_SOI_BEHIND.sub("", stem) if number else stem), number) for stem, number in forms}


def houses_by_road(
    addresses: Sequence[Address], *, streets: Mapping[str, Street], nameless: Mapping[str, Sequence[int]],
    lines: Mapping[int, BaseGeometry], srid: int,
) -> dict[int, Houses]:
    """The houses of each road and soi that has any, by its entry's index; `nameless` are soi that are only a number.

    An address is of the road that bears its street's name and passes nearest to it, within 200 m; else of none.
    """
    if not addresses:
        return {}
    lon, lat = (np.array([getattr(address.place, axis) for address in addresses]) for axis in ("lon", "lat"))
    east, north = crs.transformer(crs.STORED_SRID, srid).transform(lon, lat)
    points = shapely.points(east, north)
    of_street: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, address in enumerate(addresses):
        of_street[(address.street_th, address.street_en)].append(at)
    roads: dict[int, BaseGeometry] = {}
    houses: dict[int, list[House]] = defaultdict(list)
    for names, those in of_street.items():
        borne = dict(_roads(street_forms(*names), streets, nameless, lines))
        if not borne:
            continue
        roads |= borne
        apart_m = shapely.distance(np.array(list(borne.values()))[:, None], points[those][None, :])
        nearest = np.array(list(borne))[apart_m.argmin(axis=0)].tolist()
        for at, road, away_m in zip(those, nearest, apart_m.min(axis=0).tolist(), strict=True):
            if away_m <= ROAD_WITHIN_M:
                numbers = numbers_of(addresses[at].house_number)
                houses[road] += [House(number, float(east[at]), float(north[at])) for number in numbers]
    return {road: houses_on(roads[road], those) for road, those in houses.items()}


def _roads(
    forms: Iterable[tuple[str, str]], streets: Mapping[str, Street], nameless: Mapping[str, Sequence[int]],
    lines: Mapping[int, BaseGeometry],
) -> Iterator[tuple[int, BaseGeometry]]:
    for stem, number in sorted(forms):
        street = streets.get(stem)
        if not stem:
            yield from ((index, lines[index]) for index in nameless.get(number, ()) if index in lines)
        elif street is not None and number:
            yield from ((index, lines[index]) for index in street.sois.get(number, ()))
        elif street is not None and street.main is not None and street.main_entry is not None:
            yield street.main_entry, street.main
