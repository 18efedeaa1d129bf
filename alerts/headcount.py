"""The audience of an alert counted in memory: the same people as `sql/audience.sql`, a million in half a second.

Pure over arrays: a crowd, the outlines, and who was chosen or told by id go in; one row for each resident comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.terrain.grid import Mask
from residents.crowd import Crowd, places_of

# The bits of `reasons`, as `reasons_named` names them in the database.
REASONS = {"home": 1, "area": 2, "group": 4, "person": 8, "everyone": 16, "told_before": 32}
# Why somebody is not told, the first that holds; 0 is told.
SUPPRESSED = ("", "unconsented", "unreachable", "not_on_exercise_list", "blocked", "wants_no_news", "already_told")
NO_HOME = np.iinfo(np.int64).max

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Wanted:
    """Whom the alert is for, beside the outlines: ids by reason (bits), who was told with the home that stood there.

    `listed` are the only ones who may be told at all, where it is there.
    """

    chosen: Mapping[int, Numbers]
    told: Numbers
    told_homes: Numbers
    is_for_everyone: bool
    listed: Numbers | None
    is_news: bool
    spares_told: bool


@dataclass(frozen=True, eq=False)
class Found:
    """One row for each resident of an audience, in the order of ids: tongue from 1, `suppressed` as in SUPPRESSED.

    `home` is NO_HOME where none is known. `by_zone` counts who is told, by zone.
    """

    resident: Numbers
    home: Numbers
    tongue: NDArray[np.int16]
    reasons: NDArray[np.int16]
    suppressed: NDArray[np.int8]
    is_vulnerable: Mask
    by_zone: Mapping[int, int]

    @property
    def is_told(self) -> Mask:
        """Who gets the message."""
        told: Mask = self.suppressed == 0
        return told


def found(
    crowd: Crowd,
    *,
    zones: Sequence[tuple[int, BaseGeometry]],
    areas: Iterable[BaseGeometry],
    wanted: Wanted,
    languages: Sequence[str],
    otherwise: int,
    without: Sequence[int],
    now: datetime,
) -> Found:
    """The audience among the crowd, but for those `without`. A home on an edge counts as inside."""
    size = crowd.resident.size
    reasons, home = np.zeros(size, dtype=np.int16), np.full(size, NO_HOME)
    is_vulnerable = np.zeros(size, dtype=bool)
    inhabitants: dict[int, NDArray[np.int32]] = {}

    def house(inside: NDArray[np.intp]) -> NDArray[np.int32]:
        owners = crowd.owner[inside]
        reasons[owners] |= REASONS["home"]
        np.minimum.at(home, owners, crowd.home[inside])
        is_vulnerable[owners[crowd.is_vulnerable[inside]]] = True
        return owners

    for zone_id, outline in zones:
        inhabitants[zone_id] = house(np.flatnonzero(crowd.places.within(outline)))
    for area in areas:
        house(np.flatnonzero(crowd.places.within(area)))
    for bit, ids in wanted.chosen.items():
        reasons[places_of(ids, among=crowd.resident)] |= bit
    if wanted.is_for_everyone:
        reasons |= REASONS["everyone"]
    _add_told(crowd, wanted, reasons=reasons, home=home)
    reasons[places_of(np.asarray(without, dtype=np.int64), among=crowd.resident)] = 0
    suppressed = _suppressed(crowd, wanted, reasons, now=now)
    is_told = (reasons != 0) & (suppressed == 0)
    rows = np.flatnonzero(reasons)
    return Found(
        resident=crowd.resident[rows],
        home=home[rows],
        tongue=_tongues(crowd, languages, otherwise=otherwise)[rows],
        reasons=reasons[rows],
        suppressed=suppressed[rows],
        is_vulnerable=is_vulnerable[rows],
        by_zone=_by_zone(inhabitants, is_told),
    )


def _add_told(crowd: Crowd, wanted: Wanted, *, reasons: NDArray[np.int16], home: Numbers) -> None:
    order = np.argsort(wanted.told, kind="stable")
    told, homes = wanted.told[order], wanted.told_homes[order]
    is_known = np.isin(told, crowd.resident, assume_unique=False, kind="sort") if told.size else np.zeros(0, dtype=bool)
    places = np.searchsorted(crowd.resident, told[is_known])
    reasons[places] |= REASONS["told_before"]
    np.minimum.at(home, places, homes[is_known])


def _suppressed(crowd: Crowd, wanted: Wanted, reasons: NDArray[np.int16], *, now: datetime) -> NDArray[np.int8]:
    is_listed = np.ones(crowd.resident.size, dtype=bool)
    if wanted.listed is not None:
        is_listed[:] = False
        is_listed[places_of(wanted.listed, among=crowd.resident)] = True
    why = (
        ~crowd.is_consented,
        ~crowd.is_reachable,
        ~is_listed,
        (crowd.blocked_until_s > now.timestamp()) & wanted.is_news,
        ~crowd.wants_news & wanted.is_news,
        (reasons & REASONS["told_before"] > 0) & wanted.spares_told,
    )
    found: NDArray[np.int8] = np.zeros(crowd.resident.size, dtype=np.int8)
    for number in range(len(why), 0, -1):
        found[why[number - 1]] = number
    return found


def _tongues(crowd: Crowd, languages: Sequence[str], *, otherwise: int) -> NDArray[np.int16]:
    known = {language: number for number, language in enumerate(languages, start=1)}
    spoken = np.array([0, *(known.get(one, otherwise) for one in crowd.languages)], dtype=np.int16)
    tongues: NDArray[np.int16] = spoken[crowd.language]
    return tongues


def _by_zone(inhabitants: Mapping[int, NDArray[np.int32]], is_told: Mask) -> dict[int, int]:
    counts = {}
    for zone_id, owners in inhabitants.items():
        lives_there = np.zeros(is_told.size, dtype=bool)
        lives_there[owners] = True
        counts[zone_id] = int(np.count_nonzero(lives_there & is_told))
    return {zone_id: count for zone_id, count in counts.items() if count}


def joined(one: Found, other: Found) -> Found:
    """Both audiences, which share nobody, as one."""
    if not other.resident.size:
        return one
    order = np.argsort(np.concatenate([one.resident, other.resident]), kind="stable")
    zones = one.by_zone.keys() | other.by_zone.keys()
    columns = {
        name: np.concatenate([getattr(one, name), getattr(other, name)])[order]
        for name in ("resident", "home", "tongue", "reasons", "suppressed", "is_vulnerable")
    }
    by_zone = {zone_id: one.by_zone.get(zone_id, 0) + other.by_zone.get(zone_id, 0) for zone_id in zones}
    return Found(**columns, by_zone=by_zone)


def mixed(found: Found) -> int:
    """The exclusive or of the hashes of those who are told, signed: `bit_xor(hashint8extended(id, tongue))`."""
    is_told = found.is_told
    hashes = hashint8extended(found.resident[is_told], found.tongue[is_told])
    return int(np.bitwise_xor.reduce(hashes, initial=np.uint64(0)).astype(np.int64))


def hashint8extended(values: Numbers, seeds: NDArray[np.int16]) -> NDArray[np.uint64]:
    """PostgreSQL's hash of 64-bit integers with a seed other than 0 (src/common/hashfn.c, Bob Jenkins' lookup3).

    It places rows of partitioned tables, so it is the same in every version.
    """
    with np.errstate(over="ignore"):
        bits = values.astype(np.uint64)
        low, high = bits.astype(np.uint32), (bits >> np.uint64(32)).astype(np.uint32)
        key = low ^ np.where(values >= 0, high, ~high)
        start = np.uint32(0x9E3779B9 + 4 + 3923095)
        a, b, c = _mix(np.full(key.size, start), start + seeds.astype(np.uint32), np.full(key.size, start))
        b, c = _final(a + key, b, c)
    return (b.astype(np.uint64) << np.uint64(32)) | c.astype(np.uint64)


Words = NDArray[np.uint32]


def _turned(value: Words, by: int) -> Words:
    turned: Words = (value << np.uint32(by)) | (value >> np.uint32(32 - by))
    return turned


def _mix(a: Words, b: Words, c: Words) -> tuple[Words, Words, Words]:
    for first, second, third in ((4, 6, 8), (16, 19, 4)):
        a = (a - c) ^ _turned(c, first)
        c = c + b
        b = (b - a) ^ _turned(a, second)
        a = a + c
        c = (c - b) ^ _turned(b, third)
        b = b + a
    return a, b, c


def _final(a: Words, b: Words, c: Words) -> tuple[Words, Words]:
    c = (c ^ b) - _turned(b, 14)
    a = (a ^ c) - _turned(c, 11)
    b = (b ^ a) - _turned(a, 25)
    c = (c ^ b) - _turned(b, 16)
    a = (a ^ c) - _turned(c, 4)
    b = (b ^ a) - _turned(a, 14)
    c = (c ^ b) - _turned(b, 24)
    return b, c
