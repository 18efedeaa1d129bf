"""What each name in a text may mean: places with a weight for how well the words say it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from heapq import nlargest
from typing import NamedTuple

from gis.gazetteer.entries import ADMIN_KINDS, EVERYDAY, FACILITY_FAMILIES, Entry
from gis.gazetteer.files import BANGKOK
from gis.gazetteer.houses import AskedHouse
from gis.gazetteer.index import ELSEWHERE, HERE, SAME_PROVINCE, Gazetteer, Named
from gis.gazetteer.normal import MARKS, as_written, sound, thai_normal
from gis.gazetteer.reading import Mention, Reading
from gis.gazetteer.streets import BEYOND_RADIUS_M, SOI_DEPTH_M, Spot, Street, soi_spot

# How sure a name is by the way it stands: with its type word, with another's, bare by its letters (assumed; the bench
# and the hand-written messages hold what comes of them).
WITH_CUE, OTHER_CUE, DOUBTFUL = 0.95, 0.42, 0.22
BARE = ((10, 0.80), (8, 0.74), (6, 0.64), (0, 0.54))
BOUNDED, AFTER_RELATION, ALONE, NUMBERED = 0.08, 0.10, 0.12, 0.10
# A temple is called วัด…, a school โรงเรียน…; villages and sub-districts often go without their word.
FACILITY_BARE = 0.85
EVERYDAY_MOST, ADMIN_MOST, BARE_MOST = 0.4, 0.75, 0.92
# A sub-district outside the city, or a village, without its type word is often a piece of other words.
AFAR_IN_WORDS, VILLAGE_IN_WORDS, AT_BEGINNING, AFAR_MOST = 0.4, 0.75, 0.75, 0.4
# A village whose number is not the one that the text gives is hardly meant.
OTHER_MOO = 0.35
_WITHOUT_MARKS = str.maketrans(dict.fromkeys(MARKS))
# A bare name of fewer letters that only sounds like the city's own is an everyday word (ครั้ง for คลัง).
SURE_LETTERS = 6
_BANGKOKS = frozenset(map(sound, map(thai_normal, ("แขวง", "เขต"))))
_NOT_BANGKOKS = frozenset(map(sound, map(thai_normal, ("ตำบล", "อำเภอ"))))
# Where no city is known, a bare word is one of a whole country's names by chance (complaints to Bangkok, read with the
# units alone: of such answers one in ten was right).
WITHOUT_CITY = 0.6
PART_OF_NAME, SAME_SOUND = 0.93, 0.97
SOI_COUNTED_FROM = 3
# A numbered soi is a small place among those that a text names, whatever kind the map gives it.
SOI_TELLS = 1.05
NEAR_RADIUS_M, BESIDE_RADIUS_M = 400.0, 250.0
NEAR_SCALE_M = 5_000.0
# Of a name that hundreds of places bear only the likeliest are weighed.
WEIGHED = 12


# Of what bears a name only those count as bearers that the words mean about as well as the likeliest: of "ต.ในเมือง" no
# village of that name.
AS_WELL_SAID = 0.5


class SharedName(NamedTuple):
    """A name as the text writes it, and how many places it may equally mean."""

    name: str
    bearers: int


class Option(NamedTuple):
    """A place that a name may mean: metres, radius, and how much the words speak for it (`weight`, 0 to 1).

    `odds` tell how likely the city's reporters mean it rather than another place of the name, `tells` how much a name
    of its kind tells beside other names. `house` is the number that the text gives to this road; what `is_approximate`
    lies between known ones.
    """

    x: float
    y: float
    radius_m: float
    kind: str
    code: str
    label_th: str
    label_en: str
    weight: float
    matched: str
    entry: int
    street: Street | None = None
    is_cued: bool = False
    odds: float = 1.0
    tells: float = 0.0
    house: AskedHouse | None = None
    is_approximate: bool = False

    @property
    def is_admin(self) -> bool:
        """It is a unit of administration: the context of other names."""
        return self.kind in ADMIN_KINDS


def options_of(gazetteer: Gazetteer, reading: Reading, mention: Mention) -> list[Option]:
    """All that the name may mean, the likeliest first."""
    found: dict[tuple[str, str], Option] = {}
    for option in _options(gazetteer, reading, mention):
        known = found.get((option.kind, option.code))
        if known is None or known.weight < option.weight:
            found[(option.kind, option.code)] = option
    return sorted(found.values(), key=lambda option: -option.weight)


def _options(gazetteer: Gazetteer, reading: Reading, mention: Mention) -> Iterator[Option]:
    key = gazetteer.keys[mention.key]
    street = gazetteer.streets.get(key.text)
    if street is not None:
        weight = max(
            (
                _weight(gazetteer, reading, mention, named, len(key.text), mention.number in street.sois)
                for named in key.spellings
            ),
            default=0.0,
        )
        if weight > 0:
            yield from _street(gazetteer, street, mention, weight)
    meant = [
        (weight * _odds(gazetteer, reading, named), weight, named.entry)
        for weight, named in _meant(gazetteer, reading, mention)
    ]
    for _, weight, index in nlargest(WEIGHED, meant):
        option = option_at(gazetteer, index, weight=weight, matched=mention.matched)
        if option is not None:
            yield _related(option, mention)._replace(is_cued=_has_cue(mention, gazetteer.entries[index].family))


def _meant(gazetteer: Gazetteer, reading: Reading, mention: Mention) -> Iterator[tuple[float, Named]]:
    """All that the name may mean apart from streets, with how well the words say it."""
    key = gazetteer.keys[mention.key]
    for named in key.places:
        weight = _weight(gazetteer, reading, mention, named, len(key.text), False)
        if weight > 0:
            yield weight, named


def shared_name(gazetteer: Gazetteer, reading: Reading, *, least_weight: float) -> SharedName | None:
    """The first name that would be a place, `least_weight` sure, if only one bore it; None where there is none."""
    for mention in reading.mentions:
        weights: dict[int, float] = {}
        for weight, named in _meant(gazetteer, reading, mention):
            weights[named.entry] = max(weight, weights.get(named.entry, 0.0))
        best = max(weights.values(), default=0.0)
        bearers = sum(weight >= best * AS_WELL_SAID for weight in weights.values())
        if best >= least_weight and bearers > 1 and not mention.is_doubtful:
            return SharedName(mention.matched, bearers)
    return None


def _odds(gazetteer: Gazetteer, reading: Reading, named: Named) -> float:
    """How likely the entry is meant, once the provinces that the text names are known."""
    if gazetteer.entries[named.entry].province in reading.provinces:
        return HERE
    # Without a city all are as likely, until a province is named: of 77 อำเภอเมือง that one is meant.
    return ELSEWHERE if gazetteer.city is None and reading.provinces else named.odds


def _has_cue(mention: Mention, family: str) -> bool:
    return family in mention.families or (family == "road" and "soi" in mention.families)


def _weight(
    gazetteer: Gazetteer, reading: Reading, mention: Mention, named: Named, letters: int, is_counted: bool
) -> float:
    form = named.form
    if mention.families and _has_cue(mention, named.family):
        weight = WITH_CUE if _is_said_there(mention, gazetteer.entries[named.entry]) else OTHER_CUE
    elif not _may_stand_bare(gazetteer, mention, named, is_counted):
        return 0.0
    else:
        weight = OTHER_CUE if mention.families else _bare(reading, mention, named, letters)
        weight *= WITHOUT_CITY if gazetteer.city is None else 1.0
    if not form.is_whole:
        weight *= PART_OF_NAME
    moo = gazetteer.entries[named.entry].moo
    if reading.moos and moo is not None and moo not in reading.moos:
        weight *= OTHER_MOO
    if mention.likeness < 1.0:
        weight *= 0.95 * mention.likeness
    elif form.stem not in reading.normal:
        weight *= SAME_SOUND
    return weight * DOUBTFUL if mention.is_doubtful else weight


def _may_stand_bare(gazetteer: Gazetteer, mention: Mention, named: Named, is_counted: bool) -> bool:
    """The name can mean the entry although its own type word does not stand before it."""
    if named.form.needs_cue and not is_counted:
        return False
    if named.odds < HERE and named.kind in ("village", "community"):
        return False
    entry = gazetteer.entries[named.entry]
    if _is_far(gazetteer, named):
        return _is_written_so(mention, entry)
    if is_counted:
        return True
    is_long = mention.likeness < 1.0 or len(named.form.stem) >= SURE_LETTERS
    return is_long or _is_written_so(mention, entry) or _is_written_plainly(mention, entry)


def _is_far(gazetteer: Gazetteer, named: Named) -> bool:
    """Nothing but the name itself speaks for the place."""
    return gazetteer.city is None or named.odds < SAME_PROVINCE


def _is_said_there(mention: Mention, entry: Entry) -> bool:
    """แขวง and เขต are Bangkok's units, ตำบล and อำเภอ all others'; any other type word is everybody's."""
    if mention.cue in _BANGKOKS:
        return entry.province == BANGKOK
    return mention.cue not in _NOT_BANGKOKS or entry.province != BANGKOK


def _is_written_so(mention: Mention, entry: Entry) -> bool:
    """The name stands letter for letter, tone marks and all, in what was written: เรื่อง is not ตำบลเรือง."""
    written = as_written(mention.matched)
    return any(written in as_written(name) for name in (entry.name_th, entry.name_en, *entry.aliases))


def _is_written_plainly(mention: Mention, entry: Entry) -> bool:
    """The name stands there but for its tone marks, of which the writer left out all: ทาวัง, but not ครั้ง for คลัง."""
    written = as_written(mention.matched)
    plain = written.translate(_WITHOUT_MARKS)
    return written == plain and plain in as_written(entry.name_th).translate(_WITHOUT_MARKS)


def _bare(reading: Reading, mention: Mention, named: Named, letters: int) -> float:
    """The weight of a name without its type word."""
    weight = next(worth for least, worth in BARE if letters >= least)
    weight += BOUNDED * mention.is_bounded + AFTER_RELATION * bool(mention.relation)
    weight += ALONE * (len(mention.matched) >= len(reading.text.strip()))
    weight *= FACILITY_BARE if named.family in FACILITY_FAMILIES else 1.0
    most = ADMIN_MOST if named.kind in ADMIN_KINDS else BARE_MOST
    weight = min(weight, EVERYDAY_MOST if named.form.stem in EVERYDAY else most)
    if named.kind == "subdistrict" and named.odds < SAME_PROVINCE:
        weight = min(weight, AFAR_MOST)
    if mention.is_bounded or mention.relation:
        return weight
    if named.kind == "subdistrict" and named.odds < HERE:
        return weight * (AFAR_IN_WORDS if mention.start else AT_BEGINNING)
    return weight * VILLAGE_IN_WORDS if named.kind == "village" else weight


def option_at(gazetteer: Gazetteer, index: int, *, weight: float, matched: str) -> Option | None:
    """The entry as an option at its own place, or within the unit that holds it; None where neither is known."""
    entry = gazetteer.entries[index]
    holder = index if entry.place is not None else _holder(gazetteer, entry)
    if holder is None:
        return None
    x, y = gazetteer.xy[holder]
    radius_m = max(entry.radius_m, gazetteer.entries[holder].radius_m)
    return Option(
        float(x), float(y), radius_m, entry.kind, entry.code, entry.name_th or entry.name_en,
        entry.name_en or entry.name_th, weight, matched, index, odds=gazetteer.odds[index],
    )


def _holder(gazetteer: Gazetteer, entry: Entry) -> int | None:
    for kind, code in (("subdistrict", entry.subdistrict), ("district", entry.district), ("province", entry.province)):
        found = gazetteer.by_code.get((kind, code)) if code else None
        if found is not None and gazetteer.entries[found].place is not None:
            return found
    return None


def _related(option: Option, mention: Mention) -> Option:
    """What is near or beside a landmark lies further from its middle than what is there."""
    if option.is_admin or not mention.relation:
        return option
    reach_m = NEAR_RADIUS_M if mention.relation == "near" else BESIDE_RADIUS_M
    return option._replace(radius_m=max(option.radius_m, reach_m))


# --- streets -------------------------------------------------------------------------------------------------------


def _street(gazetteer: Gazetteer, street: Street, mention: Mention, weight: float) -> Iterator[Option]:
    number = mention.number
    known = street.sois.get(number, ())
    if known:
        weight = weight if mention.is_doubtful or mention.likeness < 1.0 else min(weight + NUMBERED, WITH_CUE)
        for index in known:
            yield from (one._replace(tells=SOI_TELLS) for one in _whole(gazetteer, index, mention, weight))
        return
    is_soi = bool(number) and ("soi" in mention.families or _counts_soi(street, number))
    spot = soi_spot(street, number) if is_soi else None
    if spot is not None:
        sure = 0.9 if "soi" in mention.families else 0.8
        yield _approximate(gazetteer, street, spot, number, mention, weight * sure)
        return
    if street.main_entry is not None and street.main is not None:
        option = next(iter(_whole(gazetteer, street.main_entry, mention, weight)), None)
        if option is not None:
            yield _over(option, street)
    elif street.mouths:
        x, y = (sum(mouth[axis] for mouth in street.mouths) / len(street.mouths) for axis in (1, 2))
        reach_m = max(math.hypot(mouth[1] - x, mouth[2] - y) for mouth in street.mouths) + BEYOND_RADIUS_M
        yield _approximate(gazetteer, street, Spot(x, y, reach_m), "", mention, weight * 0.8)


def _counts_soi(street: Street, number: str) -> bool:
    """A number behind the street's name is a soi's where the street's soi are counted that far; else a house's."""
    return len(street.mouths) >= SOI_COUNTED_FROM and int(number.partition("/")[0]) <= street.mouths[-1][0]


def _whole(gazetteer: Gazetteer, index: int, mention: Mention, weight: float) -> Iterator[Option]:
    entry = gazetteer.entries[index]
    option = option_at(gazetteer, index, weight=weight, matched=mention.matched)
    if option is not None:
        yield _related(option, mention)._replace(is_cued=_has_cue(mention, entry.family))


def _over(option: Option, street: Street) -> Option:
    """The option with the whole of the street within its radius, however many pieces the map has of it."""
    return option._replace(street=street, radius_m=max(option.radius_m, street.reach_m))


def _approximate(
    gazetteer: Gazetteer, street: Street, spot: Spot, number: str, mention: Mention, weight: float
) -> Option:
    index = street.main_entry if street.main_entry is not None else next(iter(street.sois.values()))[0]
    entry = gazetteer.entries[index]
    name_th, name_en = entry.name_th or entry.name_en, entry.name_en or entry.name_th
    code = f"{entry.code}~{number}" if number else entry.code
    return Option(
        spot.x, spot.y, max(spot.radius_m, SOI_DEPTH_M), "soi" if number else "road", code,
        f"{name_th} {number}".strip(), f"{name_en} {number}".strip(), weight, mention.matched, index,
        is_cued=_has_cue(mention, entry.family), odds=gazetteer.odds[index], is_approximate=bool(number),
    )
