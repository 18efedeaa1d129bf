"""A generated week of reports: what happened, who told of it, where, in which words, and which of them tell the same.

Made to be hard: things of the same kind lie near one another, storms bring hundreds of floods into a few streets within
hours, people misspell, stand elsewhere, pin wrongly, come days later and choose another category. Which reports tell of
one thing is known, since each is made from it.
"""

from __future__ import annotations

import functools
import math
import random
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from gis.points import LonLat

BEGAN_AT = datetime(2026, 11, 16, tzinfo=UTC)
WEEK_H, SIDE_M = 168.0, 30_000.0
WEST, SOUTH, M_PER_DEG_LAT = 99.94, 8.41, 110_600.0
M_PER_DEG_LON = M_PER_DEG_LAT * math.cos(math.radians(SOUTH))
REPORTS, REPEAT_SHARE = 10_000, 0.15
STORMS_H, STORM_LASTS_H, STORM_SHARE = ((40.0, 95.0), 5.0, 0.4)
HOT_SPOTS, HOT_SPREAD_M, HOT_SHARE = 20, 500.0, 0.5
NEAR_SHARE, SAYS_ANOTHER, SAME_PERSON = 0.05, 0.3, 0.1
ROAD_GAP_M, SOI_GAP_M, HOUSE_GAP_M, LANDMARK_GAP_M = 625.0, 70.0, 12.0, 90.0


@dataclass(frozen=True)
class Thing:
    """Something that happened: what kind, where in metres, from when to when it is there, and what marks it."""

    number: int
    kind: int
    x_m: float
    y_m: float
    began_h: float
    ends_h: float
    details: tuple[int, ...]
    mark: int
    house_number: int
    beside: int | None


@dataclass(frozen=True)
class Told:
    """One report of a thing, as it comes in; `is_repeat` where an earlier report tells of the same thing."""

    thing: int
    is_repeat: bool
    at: datetime
    resident: int
    category_code: str
    text: str
    place: LonLat
    place_source: str
    radius_m: float | None


@functools.cache
def _phrases() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "week.toml").read_text(encoding="utf-8"))


def at(hours: float) -> datetime:
    """The moment so many hours into the week."""
    return BEGAN_AT + timedelta(hours=hours)


def place(x_m: float, y_m: float) -> LonLat:
    """The place so many metres east and north of the city's corner."""
    return LonLat(lon=WEST + x_m / M_PER_DEG_LON, lat=SOUTH + y_m / M_PER_DEG_LAT)


def week(*, seed: int, reports: int = REPORTS) -> tuple[list[Told], list[Thing]]:
    """The reports in the order in which they come, and the things they tell of."""
    rng = np.random.default_rng(seed)
    repeats = round(reports * REPEAT_SHARE)
    things = _things(reports - repeats, rng)
    told = [_first(thing, rng) for thing in things]
    told += _repeats(things, repeats, told, rng)
    return sorted(told, key=lambda one: one.at), things


def _things(count: int, rng: np.random.Generator) -> list[Thing]:
    kinds = _phrases()["kind"]
    spots = rng.uniform(0.08 * SIDE_M, 0.92 * SIDE_M, (HOT_SPOTS, 2))
    shares = {name: np.array([kind[name] for kind in kinds]) for name in ("fair", "storm")}
    things: list[Thing] = []
    for number in range(count):
        in_storm = rng.random() < STORM_SHARE
        began_h = _moment(in_storm=in_storm, rng=rng)
        share = shares["storm" if in_storm else "fair"]
        kind = int(rng.choice(len(kinds), p=share / share.sum()))
        x_m, y_m = rng.uniform(0, SIDE_M, 2)
        if in_storm and rng.random() < HOT_SHARE:
            x_m, y_m = np.clip(spots[rng.integers(HOT_SPOTS)] + rng.normal(0, HOT_SPREAD_M, 2), 0, SIDE_M)
        beside = None
        if things and rng.random() < NEAR_SHARE:
            beside = int(rng.integers(len(things)))
            kind, x_m, y_m, began_h = _beside(things[beside], rng)
        ends_h = began_h + float(rng.gamma(2.0, kinds[kind]["lasts_h"] / 2))
        details = rng.choice(len(kinds[kind]["details"]), 2, replace=False).tolist()
        mark, house = int(rng.integers(len(_phrases()["marks"]))), _house(float(x_m), float(y_m))
        things.append(Thing(number, kind, float(x_m), float(y_m), began_h, ends_h, tuple(details), mark, house, beside))
    return things


def _moment(*, in_storm: bool, rng: np.random.Generator) -> float:
    if in_storm:
        return float(STORMS_H[rng.integers(len(STORMS_H))] + STORM_LASTS_H * rng.beta(2, 3))
    while True:  # People write by day.
        hour = float(rng.uniform(0, WEEK_H))
        if rng.random() < 0.15 + 0.85 * math.sin(math.pi * (hour % 24) / 24):
            return hour


def _beside(one: Thing, rng: np.random.Generator) -> tuple[int, float, float, float]:
    """Another thing of the same kind, 40 to 180 m away, while the first is still there."""
    far_m, bearing = rng.uniform(40, 180), rng.uniform(0, 2 * math.pi)
    x_m = float(np.clip(one.x_m + far_m * math.cos(bearing), 0, SIDE_M))
    y_m = float(np.clip(one.y_m + far_m * math.sin(bearing), 0, SIDE_M))
    return one.kind, x_m, y_m, float(rng.uniform(one.began_h, min(one.ends_h, WEEK_H - 0.01)))


# --- who tells of it, and how -----------------------------------------------------------------------------------------


def _first(thing: Thing, rng: np.random.Generator) -> Told:
    """Who tells of a second thing beside the first is now and then the same person, and now and then says so."""
    says_another = thing.beside is not None and rng.random() < SAYS_ANOTHER
    head = str(rng.choice(_phrases()["another"])) if says_another else ""
    is_same_person = thing.beside is not None and rng.random() < SAME_PERSON
    resident = thing.beside if thing.beside is not None and is_same_person else thing.number
    return _told(thing, thing.began_h, resident=resident, head=head, is_repeat=False, rng=rng)


def _repeats(things: list[Thing], count: int, first: list[Told], rng: np.random.Generator) -> list[Told]:
    """Some things are told of again and again: the number of repeats is skewed, and most come soon."""
    worth = rng.pareto(1.6, len(things)) + 0.1
    chosen = rng.choice(len(things), count, p=worth / worth.sum())
    told = []
    for number, index in enumerate(chosen):
        thing = things[index]
        span_h = min(thing.ends_h, WEEK_H) - thing.began_h
        after_h = span_h * (rng.uniform() if rng.random() < 0.3 else rng.beta(1, 6))
        is_same_person = rng.random() < 0.12
        resident = first[index].resident if is_same_person else len(things) + number
        head = str(rng.choice(_phrases()["again"])) if rng.random() < (0.5 if is_same_person else 0.08) else ""
        told.append(_told(thing, thing.began_h + after_h, resident=resident, head=head, is_repeat=True, rng=rng))
    return told


def _told(thing: Thing, hour: float, *, resident: int, head: str, is_repeat: bool, rng: np.random.Generator) -> Told:
    kind = _phrases()["kind"][thing.kind]
    category = kind["category"]
    if rng.random() < (0.1 if is_repeat else 0.04):
        category = str(rng.choice(kind["confused"]))
    source, x_m, y_m, radius_m = _where(thing, kind["extent_m"], rng)
    return Told(
        thing=thing.number,
        is_repeat=is_repeat,
        at=at(hour),
        resident=resident,
        category_code=category,
        text=head + _text(thing, kind, rng, must_name_place=source == "words"),
        place=place(float(np.clip(x_m, 0, SIDE_M)), float(np.clip(y_m, 0, SIDE_M))),
        place_source=source,
        radius_m=radius_m,
    )


def _where(thing: Thing, extent_m: float, rng: np.random.Generator) -> tuple[str, float, float, float | None]:
    """How the place is told: a good pin, a wrong one, the home nearby, an earlier pin, or words."""
    source = str(rng.choice(["pin", "home", "recent_pin", "words"], p=[0.85, 0.06, 0.03, 0.06]))
    spread_m = {"pin": rng.choice([5.0, 9.0, 14.0]), "home": 30.0, "recent_pin": 45.0, "words": 0.0}[source]
    if source == "pin" and rng.random() < 0.02:
        spread_m = 250.0
    dx, dy = rng.normal(0, spread_m, 2) + rng.normal(0, extent_m / 2, 2)
    if source != "words":
        return source, thing.x_m + dx, thing.y_m + dy, None
    to_landmark = rng.random() < 0.75
    x_m, y_m = _landmark(thing.x_m, thing.y_m)[1:] if to_landmark else _mouth(thing.x_m, thing.y_m)
    return source, x_m, y_m, 150.0 if to_landmark else 300.0


def _text(thing: Thing, kind: dict[str, Any], rng: np.random.Generator, *, must_name_place: bool) -> str:
    said = _phrases()
    spoken = [str(rng.choice(kind["details"][detail])) for detail in thing.details if rng.random() < 0.75]
    if not spoken and kind["category"] == "animals":
        spoken = [str(rng.choice(kind["details"][thing.details[0]]))]
    parts = [str(rng.choice(kind["phrases"])).format(d=" ".join(spoken)).strip()]
    if rng.random() < (0.95 if must_name_place else 0.5):
        near_m = LANDMARK_GAP_M if rng.random() < 0.15 else 0.0  # Some name the next one along the street.
        parts.append(str(rng.choice(said["where"])).format(l=_landmark(thing.x_m + near_m, thing.y_m)[0]))
    if rng.random() < (0.7 if must_name_place else 0.4):
        parts.append(_soi(thing.x_m, thing.y_m, rng))
    if rng.random() < (0.35 if kind["category"] in {"rescue", "flooded_home"} else 0.08):
        parts.append(f"บ้านเลขที่ {thing.house_number}")
    if rng.random() < 0.5:
        parts.append(str(rng.choice(said["marks"][thing.mark])))
    if rng.random() < 0.3:
        parts = parts[::-1]
    text = f"{rng.choice(said['heads'])}{' '.join(parts)} {rng.choice(said['tails'])}".strip()
    return _misspelt(text, rng) if rng.random() < 0.35 else text


def _misspelt(text: str, rng: np.random.Generator) -> str:
    """One or two letters lost, doubled, changed places or without their tone."""
    letters = list(text)
    for _ in range(int(rng.integers(1, 3))):
        place_of = int(rng.integers(1, max(2, len(letters) - 1)))
        match int(rng.integers(4)):
            case 0:
                letters[place_of] = ""
            case 1:
                letters[place_of] *= 2
            case 2:
                letters[place_of - 1 : place_of + 1] = letters[place_of - 1 : place_of + 1][::-1]
            case _:
                tones = [n for n, letter in enumerate(letters) if letter in "่้๊๋์"]
                if tones:
                    letters[int(rng.choice(tones))] = ""
    return "".join(letters)


# --- the city: a place always has the same road, soi, landmark and house ----------------------------------------------


def _landmark(x_m: float, y_m: float) -> tuple[str, float, float]:
    """The landmark of the block of 90 m in which a place lies; the same names come again elsewhere."""
    said = _phrases()
    column, row = int(x_m // LANDMARK_GAP_M), int(y_m // LANDMARK_GAP_M)
    drawn = random.Random(column * 7919 + row * 104_729)  # noqa: S311 - a place has the same name in every week.
    name = drawn.choice(said["landmarks"]) + drawn.choice(said["names"])
    name = drawn.choice(said["alone"]) if drawn.random() < 0.2 else name
    return name, (column + 0.5) * LANDMARK_GAP_M, (row + 0.5) * LANDMARK_GAP_M


def _soi_of(x_m: float, y_m: float) -> tuple[str, int]:
    roads = _phrases()["roads"]
    road = int(y_m // ROAD_GAP_M)
    return roads[road % len(roads)], int(x_m // SOI_GAP_M) + 1


def _soi(x_m: float, y_m: float, rng: np.random.Generator) -> str:
    road, number = _soi_of(x_m, y_m)
    ways = (f"ซอย{road} {number}", f"ซ.{road} {number}", f"ถนน{road}", f"ถ.{road} ซอย {number}", f"soi {number}")
    return str(rng.choice(ways))


def _mouth(x_m: float, y_m: float) -> tuple[float, float]:
    """The middle of the soi: where a geocoder puts its name."""
    return (x_m // SOI_GAP_M + 0.5) * SOI_GAP_M, (y_m // ROAD_GAP_M + 0.5) * ROAD_GAP_M


def _house(x_m: float, y_m: float) -> int:
    return int(y_m % ROAD_GAP_M // HOUSE_GAP_M) * 2 + int(x_m % SOI_GAP_M > SOI_GAP_M / 2)
