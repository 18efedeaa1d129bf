"""The city's own table: which warning of which source is for which zones, at which level, as context or as a proposal.

Pure. A row says what it is about (source, event, how bad, where) and what follows. For one warning the most exact kind
of "where" that has a matching row decides: a station, then a code, then a name, then the outline, then everywhere. Of
its rows each zone follows the first that names it. Without any row a warning is context and nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from alerts.outside.said import ALERT_HAZARDS, CAP_GRADES, HAZARDS, Finding, OutsideWarning, Place

ANY = "*"
ALL, NONE, TOUCHED = "all", "none", "touched"
ACTUAL = "Actual"
PROVINCE = re.compile(r"TH-\d{2}", re.IGNORECASE)
# Beyond so many times the city's own area an outline says nothing of where in the city (assumed).
WIDE_TIMES_CITY = 5.0
LEVELS = range(4)
# Words for the kind of unit that stand before a Thai name or behind an English one.
_BEFORE = re.compile(
    r"^(?:จังหวัด|จ\.|อำเภอ|อ\.|ตำบล|ต\.|เทศบาลนคร|เทศบาลเมือง|เทศบาลตำบล|changwat|amphoe|tambon|mueang)\s*", re.IGNORECASE
)
_BEHIND = re.compile(r"\s*(?:province|district|sub-?district|municipality)$", re.IGNORECASE)
_PARTS = re.compile(r"\s*(?:[,;/\n]|\sและ\s)\s*")


class ActsAs(StrEnum):
    """What a warning is for the city."""

    CONTEXT = "context"
    PROPOSAL = "proposal"


class Where(StrEnum):
    """By what a row knows a place, the most exact first."""

    STATION = "station"
    CODE = "code"
    NAME = "name"
    POLYGON = "polygon"
    ANYWHERE = "*"


@dataclass(frozen=True)
class Row:
    """One row of the table. `area` is a station's number, a code or a name.

    `min_grade` is the source's own grade (CAP: 1 Minor to 4 Extreme). `share` is how much of
    a zone an outline covers at least. `zones` are codes, or all, none, touched (those that it covers so far).
    """

    source: str
    event: str
    min_grade: int
    where: Where
    area: str
    share: float
    zones: tuple[str, ...]
    level: int
    acts_as: ActsAs
    note: str = ""


@dataclass(frozen=True)
class Zone:
    """A zone as the table sees it: how much of it the warning's outline covers (0..1)."""

    id: int
    code: str
    share: float = 0.0


@dataclass(frozen=True)
class ZoneOutcome:
    """What follows for one zone, and from which row (counted from 1)."""

    zone_id: int
    code: str
    level: int
    acts_as: ActsAs
    row: int


@dataclass(frozen=True)
class Outcome:
    """What follows from a warning. `row` is the first row that decided, None where the table says nothing of it."""

    acts_as: ActsAs
    level: int
    zones: tuple[ZoneOutcome, ...]
    row: int | None
    findings: tuple[Finding, ...]


def outcome_of(
    warning: OutsideWarning, *, source: str, zones: Sequence[Zone], rows: Sequence[Row], is_wide: bool
) -> Outcome:
    """What the city's table makes of a warning.

    A test, an exercise, low water or a hazard that this house does not alert for is context, whatever the table says;
    so is what only an outline far larger than the city would propose.
    """
    matching = [
        (number, row)
        for number, row in enumerate(rows, 1)
        if _is_of_source(row, source) and _is_of_event(row, warning) and (warning.grade or 0) >= row.min_grade
    ]
    deciding = _most_exact(matching, warning, zones)
    if not deciding:
        return Outcome(ActsAs.CONTEXT, 0, (), None, (*_findings(warning, is_wide=is_wide), Finding("no_row")))
    found = _by_zone(deciding, zones)
    may_propose = warning.status == ACTUAL and warning.hazard in ALERT_HAZARDS
    judged = tuple(
        one if _is_proposing(one, rows, may_propose=may_propose, is_wide=is_wide) else _as_context(one) for one in found
    )
    findings = list(_findings(warning, is_wide=is_wide and any(row.where is Where.POLYGON for _, row in deciding)))
    if not judged and any(row.zones != (NONE,) for _, row in deciding):
        findings.append(Finding("no_zones"))
    is_proposal = any(one.acts_as is ActsAs.PROPOSAL for one in judged)
    level = max((one.level for one in judged), default=0)
    acts_as = ActsAs.PROPOSAL if is_proposal else ActsAs.CONTEXT
    return Outcome(acts_as, level, judged, deciding[0][0], tuple(findings))


def plain_name(name: str) -> str:
    """A name as it is compared: without "province" or จังหวัด, without blanks, in one case and one form of letters."""
    text = unicodedata.normalize("NFC", name).strip()
    text = _BEHIND.sub("", _BEFORE.sub("", text))
    return re.sub(r"\s+", "", text).casefold()


def names_in(place: Place) -> frozenset[str]:
    """The names that a place gives, which may be a list of them."""
    return frozenset(plain_name(part) for part in _PARTS.split(place.name) if part.strip())


def is_province(place: Place) -> bool:
    """The place is a whole province by its ISO 3166-2 code."""
    return any(PROVINCE.fullmatch(value.strip()) for _, value in place.codes)


def _is_of_source(row: Row, source: str) -> bool:
    return row.source in (ANY, source)


def _is_of_event(row: Row, warning: OutsideWarning) -> bool:
    if row.event == ANY:
        return True
    if row.event in HAZARDS:
        return row.event == warning.hazard
    wanted = row.event.casefold()
    told = (warning.event, *(part for one in warning.words.values() for part in (one.event, one.headline)))
    return any(wanted in text.casefold() for text in told)


def _most_exact(
    matching: Sequence[tuple[int, Row]], warning: OutsideWarning, zones: Sequence[Zone]
) -> list[tuple[int, Row]]:
    codes = {value.strip().casefold() for place in warning.places for _, value in place.codes}
    names = frozenset().union(*(names_in(place) for place in warning.places))
    for where in Where:
        found = [
            (number, row)
            for number, row in matching
            if row.where is where and _is_there(row, warning.station, codes, names, zones)
        ]
        if found:
            return found
    return []


def _is_there(
    row: Row, station: str | None, codes: Collection[str], names: Collection[str], zones: Sequence[Zone]
) -> bool:
    if row.where is Where.STATION:
        return row.area == station
    if row.where is Where.CODE:
        return row.area.casefold() in codes
    if row.where is Where.NAME:
        return plain_name(row.area) in names
    if row.where is Where.POLYGON:
        return any(zone.share > 0 and zone.share >= row.share for zone in zones)
    return True


def _by_zone(deciding: Sequence[tuple[int, Row]], zones: Sequence[Zone]) -> list[ZoneOutcome]:
    found: dict[int, ZoneOutcome] = {}
    for number, row in deciding:
        if row.zones == (NONE,):
            break
        for zone in _zones_of(row, zones):
            found.setdefault(zone.id, ZoneOutcome(zone.id, zone.code, row.level, row.acts_as, number))
    return sorted(found.values(), key=lambda one: one.code)


def _zones_of(row: Row, zones: Sequence[Zone]) -> Iterable[Zone]:
    if row.where is Where.POLYGON:
        zones = [zone for zone in zones if zone.share > 0 and zone.share >= row.share]
    if row.zones in ((ALL,), (TOUCHED,)):
        return zones
    return [zone for zone in zones if zone.code in row.zones]


def _is_proposing(one: ZoneOutcome, rows: Sequence[Row], *, may_propose: bool, is_wide: bool) -> bool:
    by_outline = rows[one.row - 1].where is Where.POLYGON
    return one.acts_as is ActsAs.PROPOSAL and one.level > 0 and may_propose and not (is_wide and by_outline)


def _as_context(one: ZoneOutcome) -> ZoneOutcome:
    return ZoneOutcome(one.zone_id, one.code, one.level, ActsAs.CONTEXT, one.row)


def _findings(warning: OutsideWarning, *, is_wide: bool) -> tuple[Finding, ...]:
    found = []
    if warning.status != ACTUAL:
        found.append(Finding("not_actual", warning.status))
    if warning.hazard == "low_water":
        found.append(Finding("low_water"))
    elif warning.hazard not in ALERT_HAZARDS:
        found.append(Finding("no_hazard"))
    if is_wide:
        found.append(Finding("wide"))
    return tuple(found)


def grade_in(text: str) -> int:
    """The least grade of a row: a severity in CAP's words, a number from 0 to 9, or nothing for any.

    Raises ValueError for anything else.
    """
    spelt = text.strip().casefold()
    if spelt in ("", ANY):
        return 0
    if spelt in CAP_GRADES:
        return CAP_GRADES[spelt]
    if len(spelt) == 1 and spelt.isascii() and spelt.isdigit():
        return int(spelt)
    raise ValueError(text)
