"""The gazetteer as an automaton of names, a trigram table for misspelt ones, and streets with their soi. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import ahocorasick
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist
from shapely.geometry.base import BaseGeometry

from gis import crs
from gis.gazetteer.entries import ADMIN_KINDS, FACILITY_FAMILIES, JUNK, Entry, Form, forms_of, type_words
from gis.gazetteer.houses import Address, Houses, houses_by_road
from gis.gazetteer.normal import sound, thai_normal
from gis.gazetteer.spoken import Spoken, spoken, with_thai_names
from gis.gazetteer.streets import Street, street_of
from gis.points import LonLat

# Two street names of the same place that differ by one letter of six or more are one name, misspelt on the map.
ONE_LETTER_FROM = 6
TRIGRAM_FROM = 5
# A trigram that more names share than this tells none of them apart.
SHARED_BY_MOST = 400
# How likely the city's reporter means a place, by where it lies (assumed).
HERE, SAME_DISTRICT, SAME_PROVINCE, ELSEWHERE = 1.0, 0.85, 0.5, 0.12
# Names of the city's own need this many letters to be found without a type word, others more.
BARE_LOCAL, BARE_ELSEWHERE, BARE_FACILITY, BARE_VILLAGE = 4, 5, 7, 99


@dataclass(frozen=True, slots=True)
class Extent:
    """The city that asks: its names, its middle, its box with a margin (west, south, east, north), and its codes."""

    name_th: str
    name_en: str
    centre: LonLat
    bbox: tuple[float, float, float, float]
    district: str = ""
    province: str = ""

    def holds(self, place: LonLat) -> bool:
        """The place lies in the city's box."""
        west, south, east, north = self.bbox
        return west <= place.lon <= east and south <= place.lat <= north

    def away_m(self, place: LonLat) -> float:
        """How far outside the city's box the place lies, 0 within it."""
        west, south, east, north = self.bbox
        edge = LonLat(lon=min(max(place.lon, west), east), lat=min(max(place.lat, south), north))
        return crs.distance_m(edge, place)


class Named(NamedTuple):
    """One reading of a name: which entry it may mean, how it is written there, and how likely the city means it."""

    entry: int
    form: Form
    family: str
    kind: str
    odds: float


@dataclass(slots=True)
class Key:
    """A name as it sounds, with all that it may mean. `is_bare` where it can stand without a type word,
    `is_junk` where it is a type word itself. `places` are its readings apart from streets, `spellings` one of a street
    for each way to write it: a street with a hundred soi is weighed once. `odds` are those of the likeliest.
    """

    text: str
    named: list[Named] = field(default_factory=list)
    places: list[Named] = field(default_factory=list)
    spellings: list[Named] = field(default_factory=list)
    families: set[str] = field(default_factory=set)
    is_bare: bool = False
    is_junk: bool = False
    odds: float = 0.0


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Everything that `geocode` asks; made once per version of the data, and only read afterwards.

    `xy` are the entries' places in metres (rows of nan without one). Keys are found by their number; `ordered` are
    their texts in order, by family; `only` the city's single facility of a kind; `of_kind` keys by family and first
    letter; `counted` the streets' keys by the numbers of their soi; `odds` each entry's `prior`; `lines` the roads and
    canals in metres, by their entry; `spoken` the city's and its province's names as they sound in the other script;
    `houses` the numbered houses of roads and soi, by the road's entry.
    """

    entries: Sequence[Entry]
    xy: NDArray[np.float64]
    keys: Sequence[Key]
    automaton: ahocorasick.Automaton
    trigrams: dict[str, list[int]]
    streets: dict[str, Street]
    moos: dict[tuple[str, int], list[int]]
    by_code: dict[tuple[str, str], int]
    sois: dict[str, list[int]]
    counted: dict[str, list[int]]
    lines: dict[int, BaseGeometry]
    spoken: Spoken
    ordered: dict[str, list[tuple[str, int]]]
    only: dict[str, int]
    odds: Sequence[float]
    houses: dict[int, Houses]
    of_kind: dict[tuple[str, str], list[int]]
    city: Extent | None
    srid: int

    def metres(self, place: LonLat) -> tuple[float, float]:
        """The place in the gazetteer's metric system."""
        x, y = crs.transformer(crs.STORED_SRID, self.srid).transform(place.lon, place.lat)
        return float(x), float(y)

    def lonlat(self, x: float, y: float) -> LonLat:
        """The place at metres `x`, `y`."""
        lon, lat = crs.transformer(self.srid, crs.STORED_SRID).transform(x, y)
        return LonLat(lon=float(lon), lat=float(lat))


def build(
    entries: Iterable[Entry], *, city: Extent | None = None, addresses: Sequence[Address] = ()
) -> Gazetteer:
    """The gazetteer of these entries, ready to be asked; some 0.1 s for 10,000 names."""
    listed = with_thai_names(list(entries))
    centre = city.centre if city else _middle(listed)
    srid = crs.metric_srid(centre)
    keys = _keys(listed, city)
    texts = list(keys)
    numbered = list(keys.values())
    streets = _streets(listed, keys, srid)
    lines: dict[int, BaseGeometry] = {
        n: crs.to_metric(e.line, srid) for n, e in enumerate(listed) if e.line is not None
    }
    sois = _sois(listed, keys)
    return Gazetteer(
        entries=listed,
        xy=_metric(listed, srid),
        keys=numbered,
        automaton=_automaton(texts, numbered),
        trigrams=_trigrams(numbered, listed, city),
        streets=streets,
        moos=_moos(listed),
        by_code={(e.kind, e.code): n for n, e in enumerate(listed)},
        sois=sois,
        counted=_counted(texts, streets),
        spoken=spoken((e for e in listed if _may_be_spoken(e, city)), {text: n for n, text in enumerate(texts)}),
        lines=lines,
        ordered=_ordered(numbered),
        only=_only(listed),
        odds=[prior(entry, city) for entry in listed],
        houses=houses_by_road(addresses, streets=streets, nameless=sois, lines=lines, srid=srid),
        of_kind=_by_kind(numbered, listed, city),
        city=city,
        srid=srid,
    )


def _middle(entries: Sequence[Entry]) -> LonLat:
    return next((e.place for e in entries if e.place is not None), LonLat(lon=100.5, lat=13.75))


def _metric(entries: Sequence[Entry], srid: int) -> NDArray[np.float64]:
    lonlat = np.array([(e.place.lon, e.place.lat) if e.place else (np.nan, np.nan) for e in entries]).reshape(-1, 2)
    x, y = crs.transformer(crs.STORED_SRID, srid).transform(lonlat[:, 0], lonlat[:, 1])
    xy = np.column_stack([x, y])
    xy[~np.isfinite(xy)] = np.nan
    return xy


# --- names ---------------------------------------------------------------------------------------------------------


def _keys(entries: Sequence[Entry], city: Extent | None) -> dict[str, Key]:
    towns = _towns(city)
    keys: dict[str, Key] = {}
    same = _same_streets(entries)
    for number, entry in enumerate(entries):
        for form in forms_of(entry, towns=towns):
            text = sound(form.stem)
            for spelling in same.get(text, (text,)) if entry.family == "road" else (text,):
                _add(keys, spelling, number, form=form, entry=entry, city=city)
    return keys


def _add(
    keys: dict[str, Key], text: str, number: int, *, entry: Entry, form: Form, city: Extent | None
) -> None:
    key = keys.get(text)
    if key is None:
        key = keys[text] = Key(text, is_junk=form.stem in JUNK)
    if any(named.entry == number and named.form == form for named in key.named):
        return
    named = Named(number, form, entry.family, entry.kind, prior(entry, city))
    key.named.append(named)
    key.odds = max(key.odds, named.odds)
    if not _is_street(entry):
        key.places.append(named)
    elif all(other.form.stem != form.stem for other in key.spellings):
        key.spellings.append(named)
    key.families.add(entry.family)
    if not form.needs_cue and len(text) >= _letters_needed(entry, city):
        key.is_bare = True


def _is_street(entry: Entry) -> bool:
    """A road of the city's own, whose soi may be counted; those around it are places like others."""
    return entry.family == "road" and entry.line is not None and entry.is_local


def _letters_needed(entry: Entry, city: Extent | None) -> int:
    if entry.is_local:
        return BARE_LOCAL
    if entry.kind == "village" and not is_local(entry, city):
        return BARE_VILLAGE
    return BARE_FACILITY if entry.family in FACILITY_FAMILIES else BARE_ELSEWHERE


def prior(entry: Entry, city: Extent | None) -> float:
    """How likely somebody who writes to the city means this entry, before the text says where it is."""
    if city is None or is_local(entry, city):
        return HERE
    if entry.district and entry.district == city.district:
        return SAME_DISTRICT
    return SAME_PROVINCE if entry.province and entry.province == city.province else ELSEWHERE


def is_local(entry: Entry, city: Extent | None) -> bool:
    """The entry is the city's own, lies in its box, or is a village of its district."""
    if entry.is_local or city is None:
        return True
    if entry.kind == "village" and city.district and entry.district == city.district:
        return True
    return entry.place is not None and entry.kind != "province" and city.holds(entry.place)


def _towns(city: Extent | None) -> tuple[str, ...]:
    if city is None:
        return ()
    name = thai_normal(city.name_th)
    for words in ("เทศบาลนคร", "เทศบาลเมือง", "เทศบาลตำบล"):
        name = name.removeprefix(words)
    return (f"จังหวัด{name}", f"อำเภอเมือง{name}", f"เมือง{name}", name) if len(name) > 3 else ()


def _same_streets(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    """The city's own street names that are one letter apart: each with all spellings of it, itself among them."""
    names = sorted(
        {
            sound(form.stem)
            for entry in entries
            if entry.family == "road" and entry.is_local
            for form in forms_of(entry)
            if len(form.stem) >= ONE_LETTER_FROM and not form.stem.isascii()
        }
    )
    if len(names) < 2:
        return {}
    is_near = cdist(names, names, scorer=OSA.distance, score_cutoff=1, dtype=np.uint8) <= 1
    return {name: tuple(names[n] for n in np.flatnonzero(row)) for name, row in zip(names, is_near, strict=True)}


def _automaton(texts: Sequence[str], keys: Sequence[Key]) -> ahocorasick.Automaton:
    """Names by the number of their key, type words by their families; a name that is a type word too carries both."""
    words: dict[str, tuple[int, tuple[str, ...]]] = {}
    for number, text in enumerate(texts):
        if len(text) > 1:
            words[text] = (number, ())
    families = defaultdict(list)
    for word, family in type_words():
        families[sound(word)].append(family)
    for word, those in families.items():
        words[word] = (words.get(word, (-1, ()))[0], tuple(those))
    made = ahocorasick.Automaton()
    for word, (number, of) in words.items():
        is_bare = number >= 0 and keys[number].is_bare
        made.add_word(word, (len(word), number, of, is_bare, word[0].isascii() and word[0].isalpha()))
    if words:
        made.make_automaton()
    return made


def _trigrams(keys: Sequence[Key], entries: Sequence[Entry], city: Extent | None) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number, key in enumerate(keys):
        if len(key.text) < TRIGRAM_FROM or not _may_be_misspelt(key, entries, city):
            continue
        for trigram in {key.text[n : n + 3] for n in range(len(key.text) - 2)}:
            found[trigram].append(number)
    return {trigram: numbers for trigram, numbers in found.items() if len(numbers) <= SHARED_BY_MOST}


def _may_be_misspelt(key: Key, entries: Sequence[Entry], city: Extent | None) -> bool:
    """Names of the city's own and of its province are looked for in spite of misspelling, villages afar are not."""
    return any(
        is_local(entries[named.entry], city)
        or (named.kind in ADMIN_KINDS and city is not None and entries[named.entry].province == city.province)
        for named in key.named
    )


# --- streets and villages by number --------------------------------------------------------------------------------


def _streets(entries: Sequence[Entry], keys: dict[str, Key], srid: int) -> dict[str, Street]:
    streets = {}
    for text, key in keys.items():
        roads = [(named.form.number, named.entry) for named in key.named if _is_street(entries[named.entry])]
        if roads and len(text) > 1:
            made = street_of([(n, e, entries[e]) for n, e in dict.fromkeys(roads)], srid)
            if made is not None:
                streets[text] = made
    counted = {street.main_entry: street for street in streets.values() if street.sois and street.main is not None}
    # Its name in the other language counts the same soi.
    return {text: street if street.sois else counted.get(street.main_entry, street) for text, street in streets.items()}


def _sois(entries: Sequence[Entry], keys: dict[str, Key]) -> dict[str, list[int]]:
    """Soi that have a number and no name of their own."""
    found: dict[str, list[int]] = defaultdict(list)
    for named in keys.get("", Key("")).named:
        if entries[named.entry].family == "road" and named.entry not in found[named.form.number]:
            found[named.form.number].append(named.entry)
    return dict(found)


def _may_be_spoken(entry: Entry, city: Extent | None) -> bool:
    return entry.kind not in ADMIN_KINDS and prior(entry, city) >= SAME_PROVINCE and city is not None


def _ordered(keys: Sequence[Key]) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for number, key in enumerate(keys):
        for family in key.families:
            found[family].append((key.text, number))
    return {family: sorted(those) for family, those in found.items()}


def _counted(texts: Sequence[str], streets: Mapping[str, Street]) -> dict[str, list[int]]:
    """The keys of the streets that have a name of some length, by the numbers of their soi."""
    found: dict[str, list[int]] = defaultdict(list)
    for key, text in enumerate(texts):
        if len(text) >= BARE_LOCAL and text in streets:
            for number in streets[text].sois:
                found[number].append(key)
    return dict(found)


def _by_kind(keys: Sequence[Key], entries: Sequence[Entry], city: Extent | None) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, key in enumerate(keys):
        if len(key.text) >= 4 and _may_be_misspelt(key, entries, city):
            for family in key.families:
                found[(family, key.text[0])].append(number)
    return dict(found)


def _only(entries: Sequence[Entry]) -> dict[str, int]:
    """The facility of each kind of which the city has one."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, entry in enumerate(entries):
        if entry.is_local and entry.family in FACILITY_FAMILIES:
            found[entry.family].append(number)
    return {family: numbers[0] for family, numbers in found.items() if len(numbers) == 1}


def _moos(entries: Sequence[Entry]) -> dict[tuple[str, int], list[int]]:
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, entry in enumerate(entries):
        if entry.moo is not None and entry.subdistrict:
            found[(entry.subdistrict, entry.moo)].append(number)
    return dict(found)
