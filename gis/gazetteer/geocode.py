"""From a text to ranked places: what each name may mean, held against all others, the city and the asker. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from gis.gazetteer import clues
from gis.gazetteer.addressed import asked_houses, houses_named, with_house
from gis.gazetteer.clues import Clue
from gis.gazetteer.context import Context, context_of
from gis.gazetteer.index import Gazetteer
from gis.gazetteer.mentions import read
from gis.gazetteer.options import (
    NEAR_RADIUS_M,
    SOI_TELLS,
    WEIGHED,
    WITH_CUE,
    Option,
    SharedName,
    option_at,
    options_of,
    shared_name,
)
from gis.gazetteer.reading import Mention, Reading
from gis.gazetteer.rough import DECIMALS, rough_clues
from gis.gazetteer.streets import Spot, crossing, nearest_on
from gis.points import LonLat

TEXT_READ = 2_000
CANDIDATES = 5
# Below this a first guess would mislead more than it helps; further ones may be less likely (assumed).
LEAST_CONFIDENCE, LEAST_OTHER = 0.2, 0.005
# How much a place of a kind tells: of two that a text names, the smaller is where it is.
_TELLS = {
    "coordinates": 1.3, "plus_code": 1.25, "crossing": 1.1, "soi": 1.05, "road": 0.9, "waterway": 0.7,
    "community": 0.8, "village": 0.8, "subdistrict": 0.5, "municipality": 0.4, "district": 0.35, "province": 0.25,
}
_AGREES, _CONTRADICTS, CONTRADICTS_FROM_M = 0.5, 0.6, 2_000.0
SAME_PLACE_M = 800.0
# What lies beside a road or canal is no further from its line than this, metres (assumed).
LINE_REACH_M = 100.0
BESIDE_CROSSING_M = 300.0  # Where nobody says "crossing" the spot may be along either street.
# What nobody should act on without asking; wider than this no crew finds the spot.
UNSURE, WIDE_M = 0.75, 600.0
# Two streets that do meet, where the text speaks of a crossing.
CROSSING = 0.9
_ONLY_ONE, _NOT_BESIDE = 0.5, 0.2
# What lies outside the named units, where something of the same name lies within them.
_RULED_OUT = 0.15
# A place that is not the city's is meant less often; a name of several places is worth less to each.
_LOCAL_ODDS, _AFAR, _SHARE = 0.45, 0.75, 0.7


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that the text may mean: the true one lies within `radius_m`; `matched` are the words that say so.

    `confidence` (0 to 1) is how likely it is the one meant. A house or soi that `is_approximate` is none that the data
    know, but lies about there by its number.
    """

    place: LonLat
    radius_m: float
    kind: str
    label_th: str
    label_en: str
    matched: str
    confidence: float
    code: str
    is_approximate: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The likeliest first; without any, `reason` says why: empty, no-name, elsewhere, closed-link, or many where too
    many places bear the name, which is then `shared`.
    """

    candidates: tuple[Candidate, ...]
    reason: str | None
    shared: SharedName | None = None


def geocode(gazetteer: Gazetteer, text: str, *, near: LonLat | None = None) -> Answer:
    """Where the text says it is, at most five candidates; `near` is where the asker looks or stands.

    Only the first 2,000 letters are read. An empty answer with a reason is better than a wrong point.
    """
    text = text[:TEXT_READ]
    if not text.strip():
        return Answer((), "empty")
    has_link = clues.has_closed_link(text)
    reading = read(gazetteer, clues.without_links(text))
    groups = _groups(gazetteer, reading)
    context = context_of(gazetteer, groups, near=near)
    written = _written(gazetteer, text, _reference(gazetteer, groups, context, near))
    weighed = [_weighed(gazetteer, group, context, [g for g in groups if g is not group]) for group in groups]
    ranked = _ranked([*written, *_joined(gazetteer, reading, weighed, context)])
    if reading.has_unknown_name and gazetteer.city is not None:
        # What is wide is right, but not all that the text says.
        ranked = [o._replace(weight=min(o.weight, UNSURE)) if o.radius_m > WIDE_M else o for o in ranked]
    candidates = _as_candidates(gazetteer, sorted(ranked, key=lambda o: -o.weight * _tells(o)))
    if candidates:
        return Answer(candidates, None)
    if has_link:
        return Answer((), "closed-link")
    shared = shared_name(gazetteer, reading, least_weight=LEAST_CONFIDENCE)
    if shared is not None:
        return Answer((), "many", shared)
    return Answer((), "elsewhere" if any(m.is_doubtful for m in reading.mentions) else "no-name")


def _as_candidates(gazetteer: Gazetteer, ranked: Sequence[Option]) -> tuple[Candidate, ...]:
    made: list[Candidate] = []
    for option in ranked:
        confidence = round(min(option.weight, made[-1].confidence if made else 0.99), 3)
        if confidence < (LEAST_OTHER if made else LEAST_CONFIDENCE):
            break
        made.append(
            Candidate(
                _place(gazetteer, option), float(math.ceil(option.radius_m)), option.kind, option.label_th,
                option.label_en, option.matched, confidence, option.code, option.is_approximate,
            )
        )
    return tuple(made)


def _tells(option: Option) -> float:
    return option.tells or _TELLS.get(option.kind, 1.0)


def _place(gazetteer: Gazetteer, option: Option) -> LonLat:
    """The option's place in degrees: the entry's own where it stands there."""
    if option.entry >= 0:
        own, (x, y) = gazetteer.entries[option.entry].place, gazetteer.xy[option.entry]
        if own is not None and x == option.x and y == option.y:
            return own
    return gazetteer.lonlat(option.x, option.y)


def _ranked(options: Sequence[Option]) -> list[Option]:
    """One option a place, the one that tells most and is surest first."""
    best: dict[tuple[str, str], Option] = {}
    for option in options:
        known = best.get((option.kind, option.code))
        if known is None or known.weight < option.weight:
            best[(option.kind, option.code)] = option
    return sorted(best.values(), key=lambda o: -o.weight * _tells(o))[:CANDIDATES]


# --- numbers in the text -------------------------------------------------------------------------------------------


def _reference(gazetteer: Gazetteer, groups: Sequence[Group], context: Context, near: LonLat | None) -> LonLat | None:
    """What completes a short Plus Code: a unit that the text names, else where the asker is, else the city."""
    units = context.units or tuple(sorted((o for g in groups for o in g if o.is_admin), key=lambda o: -o.weight)[:1])
    if context.units or (units and near is None and gazetteer.city is None):
        return gazetteer.lonlat(units[0].x, units[0].y)
    return near or (gazetteer.city.centre if gazetteer.city else None)


def _written(gazetteer: Gazetteer, text: str, reference: LonLat | None) -> list[Option]:
    written = clues.clues_in(text, reference=reference) or rough_clues(text, city=gazetteer.city)
    return [_numbers_option(gazetteer, clue, rank) for rank, clue in enumerate(written)]


def _numbers_option(gazetteer: Gazetteer, clue: Clue, rank: int) -> Option:
    x, y = gazetteer.metres(clue.place)
    is_here = gazetteer.city is None or gazetteer.city.holds(clue.place)
    decimals = 5 if clue.radius_m <= WIDE_M else DECIMALS
    label = f"{clue.place.lat:.{decimals}f}, {clue.place.lon:.{decimals}f}"
    weight = (0.97 if is_here else 0.75) * clue.sureness * 0.8**rank
    return Option(x, y, clue.radius_m, clue.kind, label, label, label, weight, clue.matched, -1)


# --- names ---------------------------------------------------------------------------------------------------------


Group = Sequence[Option]  # What one name may mean.


def _groups(gazetteer: Gazetteer, reading: Reading) -> list[Group]:
    mentions = _numbered(gazetteer, reading)
    houses = asked_houses(gazetteer, reading, mentions)
    groups = [(mention.start, options_of(gazetteer, reading, mention)) for mention in mentions]
    groups += _nameless_sois(gazetteer, reading)
    return [with_house(group, houses.get(at)) for at, group in groups if group]


def _numbered(gazetteer: Gazetteer, reading: Reading) -> list[Mention]:
    """The names, a soi that stands apart (ซอย 5 ถนน…) given to the street nearest to it in the text."""
    mentions = list(reading.mentions)
    streets = [n for n, m in enumerate(mentions) if not m.number and gazetteer.keys[m.key].text in gazetteer.streets]
    for number, at in reading.sois[:1]:
        if streets:
            nearest = min(streets, key=lambda n: abs(mentions[n].start - at))
            one = mentions[nearest]
            matched = f"{one.matched} ซอย {number}"
            mentions[nearest] = one._replace(number=number, families=(*one.families, "soi"), matched=matched)
    return mentions


def _weighed(gazetteer: Gazetteer, group: Group, context: Context, others: Sequence[Group]) -> Group:
    """The options as the named units, the asker, the other names and each other let them stand."""
    scored = []
    held = [context.holds(option) for option in group]
    for option, is_held in zip(group, held, strict=True):
        fit = context.fits(option) * (1.0 if is_held or not any(held) else _RULED_OUT)
        beside = 1.0 if len(group) == 1 else _beside(gazetteer, option, others)
        scored.append(((option.weight * option.odds * fit * beside) ** 2, fit, option))
    scored = sorted(scored, key=lambda one: -one[0])[:WEIGHED]
    shared = []
    for score, fit, option in scored:
        rivals = sum(other for other, _, o in scored if o is option or not _is_same_place(o, option))
        afar = 1.0 if option.odds * fit >= _LOCAL_ODDS else _AFAR
        share = (score / rivals) ** _SHARE if rivals else 1.0
        weight = option.weight * min(fit, 1.0) * afar * share
        shared.append(option._replace(weight=weight, radius_m=_reach_m(option, scored)))
    return sorted(shared, key=lambda o: -o.weight)


def _beside(gazetteer: Gazetteer, option: Option, others: Sequence[Group]) -> float:
    """How well the option lies beside what else the text names; 1 where that says nothing."""
    factor = 1.0
    for group in others:
        near = [o for o in group[:WEIGHED] if not o.is_admin and o.weight >= 0.4 and o.odds >= _LOCAL_ODDS]
        if near and not option.is_admin:
            is_beside = any(_between_m(gazetteer, option, o) <= 0 for o in near)
            factor *= 1.0 if is_beside else _NOT_BESIDE
    return factor


def _reach_m(option: Option, scored: Sequence[tuple[float, float, Option]]) -> float:
    """The radius that also holds what else bears the name close by, where no type word says which is meant."""
    if option.is_cued or option.is_admin:
        return option.radius_m
    others = [_apart_m(option, o) for _, _, o in scored if not o.is_admin and _is_same_place(o, option)]
    return max(option.radius_m, *others) if others else option.radius_m


def _between_m(gazetteer: Gazetteer, one: Option, other: Option) -> float:
    """How far it is from one to the other, between the edges of what they cover: a road its own line."""
    shapes = [(gazetteer.lines.get(o.entry) if o.radius_m > LINE_REACH_M else None, o) for o in (one, other)]
    if shapes[0][0] is None and shapes[1][0] is None:
        return _apart_m(one, other) - one.radius_m - other.radius_m
    apart_m = shapely.distance(*(shapely.Point(o.x, o.y) if line is None else line for line, o in shapes))
    return float(apart_m) - sum(o.radius_m if line is None else LINE_REACH_M for line, o in shapes)


def _is_same_place(one: Option, other: Option) -> bool:
    """One place under two kinds (a community of its sub-district's name), and so no rival."""
    if one.is_admin or other.is_admin:
        return one.kind != other.kind and _apart_m(one, other) <= max(one.radius_m, other.radius_m)
    return one.kind != other.kind and _apart_m(one, other) <= min(max(one.radius_m, other.radius_m), SAME_PLACE_M)


def _apart_m(one: Option, other: Option) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)


# --- names together ------------------------------------------------------------------------------------------------


def _joined(gazetteer: Gazetteer, reading: Reading, groups: Sequence[Group], context: Context) -> list[Option]:
    """All options: those of each name, supported or contradicted by the others, and what two names make together."""
    tops = [group[0] for group in groups]
    own = [
        option._replace(
            weight=_supported(gazetteer, option, [t for t in tops if t.entry != option.entry and t is not tops[n]]),
            tells=_tells(tops[n]),  # Among the meanings of one name none tells more.
        )
        for n, group in enumerate(groups)
        for option in group[:CANDIDATES]
    ]
    return [
        *own, *_only_ones(gazetteer, reading, context), *_villages(gazetteer, reading, context),
        *_crossings(reading, groups), *_along_streets(tops), *houses_named(gazetteer, own),
    ]


def _supported(gazetteer: Gazetteer, option: Option, others: Sequence[Option]) -> float:
    """The weight of the option, nearer to certain for each precise name that agrees, less for each that cannot."""
    weight = option.weight
    for other in others:
        if other.is_admin or option.is_admin or other.weight < 0.3:
            continue
        between_m = _between_m(gazetteer, option, other)
        if between_m <= NEAR_RADIUS_M:
            weight = min(1 - (1 - weight) * (1 - (1 - _AGREES) * other.weight), max(weight, 0.96))
        elif between_m > CONTRADICTS_FROM_M:
            weight *= 1 - (1 - _CONTRADICTS) * other.weight
    return weight


def _only_ones(gazetteer: Gazetteer, reading: Reading, context: Context) -> list[Option]:
    """The city's single facility of a kind that the text speaks of without a name."""
    found = [
        option_at(gazetteer, gazetteer.only[kind], weight=_ONLY_ONE, matched=matched) for kind, matched in reading.kinds
    ]
    return [option._replace(weight=option.weight * min(context.fits(option), 1.0)) for option in found if option]


def _crossings(reading: Reading, groups: Sequence[Group]) -> list[Option]:
    """Where two of the named streets meet; a name of a street and of another place is the street where one crosses."""
    found = []
    streets = list(_streets_of(groups))
    for n, (one, line) in enumerate(streets):
        for other, other_line in streets[n + 1 :]:
            spot = crossing(line, other_line) if one.code != other.code else None
            if spot is not None:
                found.append(_crossing_option(one, other, spot, is_said=reading.is_crossing))
    return found


def _streets_of(groups: Sequence[Group]) -> Iterator[tuple[Option, BaseGeometry]]:
    """The likeliest street of each name, with its line."""
    for group in groups:
        first = next(((o, o.street.main) for o in group if o.street is not None and o.street.main is not None), None)
        if first is not None:
            yield first


def _crossing_option(one: Option, other: Option, spot: Spot, *, is_said: bool) -> Option:
    """The crossing: surer than either street where the text speaks of one, else less sure and wider."""
    together = min(WITH_CUE, max(1 - (1 - one.weight) * (1 - other.weight), CROSSING))
    return one._replace(
        x=spot.x, y=spot.y, radius_m=spot.radius_m if is_said else max(spot.radius_m, BESIDE_CROSSING_M),
        kind="crossing", code=f"{one.code}×{other.code}", label_th=f"{one.label_th} × {other.label_th}",
        label_en=f"{one.label_en} × {other.label_en}", matched=f"{one.matched} {other.matched}", tells=0.0,
        weight=together if is_said else 0.8 * min(one.weight, other.weight),
    )


def _along_streets(tops: Sequence[Option]) -> list[Option]:
    """The point of a named street nearest to a named landmark beside it."""
    found = []
    for street in tops:
        if street.street is None or street.street.main is None:
            continue
        for mark in tops:
            if mark.is_admin or mark.street is not None or mark.entry == street.entry or mark.weight < 0.4:
                continue
            x, y, away_m = nearest_on(street.street.main, mark.x, mark.y)
            if away_m > mark.radius_m + NEAR_RADIUS_M:
                continue
            radius_m = mark.radius_m + away_m
            weight = min(WITH_CUE, 1 - (1 - street.weight) * (1 - 0.6 * mark.weight))
            found.append(
                street._replace(
                    x=x, y=y, radius_m=radius_m, weight=weight, code=f"{street.code}@{mark.code}",
                    label_th=f"{street.label_th} · {mark.label_th}", label_en=f"{street.label_en} · {mark.label_en}",
                    matched=f"{street.matched} {mark.matched}", street=None, kind="roadside",
                )
            )
    return found


def _villages(gazetteer: Gazetteer, reading: Reading, context: Context) -> list[Option]:
    """The villages of the numbers (หมู่ 3) in the sub-districts that the text names."""
    found = []
    for unit in context.units:
        for moo in reading.moos if unit.kind == "subdistrict" else ():
            for index in gazetteer.moos.get((unit.code, moo), ()):
                option = option_at(gazetteer, index, weight=unit.weight, matched=f"{unit.matched} หมู่ {moo}")
                if option is not None:
                    found.append(option)
    return found


def _nameless_sois(gazetteer: Gazetteer, reading: Reading) -> list[tuple[int, list[Option]]]:
    """Soi that are only a number (ซอย 12/3), wherever the city has one, and where the text says so."""
    groups = []
    for number, at in reading.sois:
        indices = gazetteer.sois.get(number, ())
        found = [option_at(gazetteer, index, weight=WITH_CUE, matched=f"ซอย {number}") for index in indices]
        groups.append((at, [option._replace(is_cued=True, tells=SOI_TELLS) for option in found if option]))
    return groups
