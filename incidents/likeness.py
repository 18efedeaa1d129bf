"""The same incident or another? A report against the open incidents around it, as odds whose terms can be read. Pure.

The odds that a report tells of an incident, rather than of something new, are a product (Fellegi and Sunter's record
linkage, with a Poisson process for the place): how near, against how thickly such things lie here; how long after the
last report; how alike the kinds, the words and the numbers in them; whether it is the same reporter. The terms are the
natural logarithms, so they add up. Distances in metres, ages in hours.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from incidents import catalogue, wording
from incidents.classify import Lexicon
from incidents.scales import OTHER_GROUP, Scales
from incidents.wording import Wording

NEIGHBOURHOOD_M = 200.0
MOST_CANDIDATES = 64
# The words are read of so many: those that kind, place and time make likeliest.
MOST_READ = 16
LETTERS_OF_KIND = 500
# After so many of a kind's lifetimes nobody asks any more whether it is still the same thing.
LIFETIMES = 4.0
LONGEST = timedelta(days=60)

# How far the place of a report may lie from the thing: one standard deviation. A pin is good to 10 to 30 m.
UNCERTAINTY_M: Mapping[str, float] = {
    "pin": 12.0, "officer": 10.0, "photo": 20.0, "home": 25.0, "recent_pin": 40.0, "words": 120.0,
}
LEAST_UNCERTAINTY_M, MOST_UNCERTAINTY_M = 8.0, 250.0

# Reports to be expected of a thing that was reported once, and new things of a kind a square metre and an hour.
REPEATS = 1.0
NEW_PER_M2_H = 2e-8
# Where one thing of a kind is, others are too: one more in so many neighbourhoods, beside those that were reported.
COMPANIONS = 0.7
APART_M = 150.0
BLOCK_M2 = 5_000.0  # Place and crowd are told for a block of this size: it cancels out.
# The share of places that are twice as wrong as their kind is said to be, and of those wrong altogether.
LOOSE, STRAY = 0.06, 0.02

SAME_GROUP_COST, OTHER_GROUP_COST = 0.6, 2.5
WORDS_OF_THE_OTHER, OWN_WORDS = 0.5, 2.5
WORDS_GAIN, WORDS_LOSS = 5.0, 1.0
GRAMS_THAT_TELL = 8.0
LANDMARK_GAIN, LANDMARK_COST = 0.5, 1.0
ANOTHER_COST, AGAIN_GAIN, SIDES_COST, OWN_GAIN = 6.0, 1.5, 1.5, 1.5
NUMBERS_GAIN: Mapping[str, float] = {"room": 3.0, "house": 3.0, "soi": 0.5, "km": 2.0, "pole": 3.0}
NUMBERS_COST: Mapping[str, float] = {
    "room": 5.0, "house": 1.0, "soi": 4.0, "km": 4.0, "pole": 4.0, "moo": 1.5, "floor": 1.0,
}
# At a dwelling the number of the house is the thing itself; elsewhere it is the neighbour who writes.
DWELLING_GROUPS = frozenset({"rescue", "medical", "supplies"})
DWELLING_HOUSE_COST = 5.0
# Further apart than this the words have to say that it is one thing: two holes 40 m apart are two.
SPREADS_UNSAID, WORDS_AFAR = 1.9, 1.0
# Two households in danger are two, unless the words are the same too; a reporter's own next cry must not speak against.
LIFE_TIER = 1
WORDS_FOR_LIFE, OWN_WORDS_FOR_LIFE = 1.5, -0.5

Verdict = Literal["same", "perhaps", "other"]


@dataclass(frozen=True)
class Kind:
    """A category as the rule sees it; nothing further apart than `join_radius_m`, and the doubt of places, is one."""

    category_code: str
    group_code: str
    tier: int
    join_radius_m: float


@dataclass(frozen=True)
class Telling:
    """What a new report tells, and how far its place may be wrong; `kind_words` are its category's."""

    kind: Kind
    uncertainty_m: float
    text: str
    reported_at: datetime
    kind_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """An open incident near a report, with the words of its reports; `is_own` where the same resident reported it.

    `perhaps_same` are the incidents that are perhaps the same as this one, while nobody has decided otherwise.
    """

    incident_id: int
    kind: Kind
    distance_m: float
    uncertainty_m: float
    last_report_at: datetime
    texts: tuple[str, ...]
    is_own: bool = False
    perhaps_same: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Likeness:
    """How likely a report tells of this incident: the score (0..1), the terms of its odds, and what follows."""

    incident_id: int
    score: float
    terms: tuple[tuple[str, float], ...]
    distance_m: float
    verdict: Verdict


@dataclass(frozen=True)
class Judgement:
    """The incident that the report tells of, or None and those that an officer is shown, the likeliest first."""

    same: Likeness | None
    perhaps: tuple[Likeness, ...]


@functools.cache
def _lexicon() -> Lexicon:
    return Lexicon({category.code: category.words for category in catalogue.shipped().file.category})


def spoken_category(text: str) -> str | None:
    """The category that the first words speak of most, whatever was chosen; None where they speak of none."""
    return _spoken_category(text[:LETTERS_OF_KIND])


@functools.lru_cache(maxsize=20_000)
def _spoken_category(text: str) -> str | None:
    top = _lexicon().rank(text)
    return top[0].category_code if top else None


def uncertainty_m(source: str, radius_m: float | None) -> float:
    """One standard deviation of a place that was told this way; half the radius where one came with it."""
    told_m = radius_m / 2 if radius_m else UNCERTAINTY_M.get(source, UNCERTAINTY_M["words"])
    return min(max(told_m, LEAST_UNCERTAINTY_M), MOST_UNCERTAINTY_M)


def reach_m(kind: Kind, *, uncertainty_m: float) -> float:
    """How far around a report its incident is looked for, and its neighbourhood counted."""
    return max(NEIGHBOURHOOD_M, kind.join_radius_m + 2 * math.hypot(uncertainty_m, UNCERTAINTY_M["recent_pin"]))


def since(kind: Kind, scales: Scales, *, reported_at: datetime) -> datetime:
    """Incidents that nobody told of since are not looked at: four lifetimes of the longest-lived kind that counts."""
    lasts_h = max(scales.kind(group).lasts_h for group in scales.related(kind.group_code))
    return reported_at - min(timedelta(hours=LIFETIMES * lasts_h), LONGEST)


def judge(telling: Telling, candidates: Sequence[Candidate], *, scales: Scales) -> Judgement:
    """Which of the open incidents around the report it tells of; the nearest `MOST_CANDIDATES` are given."""
    weighed = weigh(telling, candidates, scales=scales)
    scores = {one.incident_id: score for one, _, score in weighed}
    likely = sorted(
        (
            _likeness(telling, one, terms, score, surely=_with_twins(one, scores), scales=scales)
            for one, terms, score in weighed
        ),
        key=lambda found: (-found.score, found.incident_id),
    )
    same = next((found for found in likely if found.verdict == "same"), None)
    return Judgement(same, () if same else tuple(found for found in likely if found.verdict == "perhaps")[:3])


def _with_twins(one: Candidate, scores: Mapping[int, float]) -> float:
    """The likelihood of the incident and of those that may be the same as it: two halves of one are no doubt."""
    return scores[one.incident_id] + sum(scores.get(twin, 0.0) for twin in one.perhaps_same)


def weigh(
    telling: Telling, candidates: Sequence[Candidate], *, scales: Scales
) -> list[tuple[Candidate, dict[str, float], float]]:
    """Each incident that could be meant, with the terms of its odds and its likelihood among all and something new."""
    reach = reach_m(telling.kind, uncertainty_m=telling.uncertainty_m)
    if len(candidates) >= MOST_CANDIDATES:
        reach = max(1.0, max(one.distance_m for one in candidates))
    meant = [one for one in candidates if _cost(telling.kind, one.kind, scales) is not None]
    presence = {one.incident_id: _presence(telling, one, scales) for one in meant}
    crowd = sum(presence.values())
    terms = {
        one.incident_id: _terms(telling, one, scales, others=crowd - presence[one.incident_id], reach_m=reach)
        for one in meant
    }
    likely = sorted(meant, key=lambda one: -sum(terms[one.incident_id].values()))[:MOST_READ]
    for one, more in _said(telling, likely, scales):
        terms[one.incident_id] |= more
    weighed = [(one, terms[one.incident_id], _odds(terms[one.incident_id])) for one in meant]
    total = 1.0 + sum(weight for _, _, weight in weighed)
    return [(one, terms, weight / total) for one, terms, weight in weighed]


def _odds(terms: Mapping[str, float]) -> float:
    return math.exp(min(50.0, sum(terms.values())))


def _said(
    telling: Telling, candidates: Sequence[Candidate], scales: Scales
) -> Iterator[tuple[Candidate, dict[str, float]]]:
    """What words and reporter add to each incident's terms, and how far the words make up for another category."""
    told = wording.wording(telling.text, scales.vocabulary)
    read = [[wording.wording(text, scales.vocabulary) for text in one.texts] for one in candidates]
    kind_grams = wording.grams_of(telling.kind_words)
    rarity = wording.Rarity([told, *(w for wordings in read for w in wordings[:1])], kind_grams=kind_grams)
    for one, theirs in zip(candidates, read, strict=True):
        cost = _cost(telling.kind, one.kind, scales) or 0.0
        yield one, {
            "kind": -cost * _doubt_of_kind(telling, one),
            **_words(told, theirs, rarity, is_dwelling=one.kind.group_code in DWELLING_GROUPS),
            **({"reporter": OWN_GAIN} if one.is_own else {}),
        }


def _cost(one: Kind, other: Kind, scales: Scales) -> float | None:
    """What the difference of kinds costs; None where nobody takes the one for the other."""
    if one.category_code == other.category_code:
        return 0.0
    if one.group_code == other.group_code:
        return SAME_GROUP_COST
    if OTHER_GROUP in {one.group_code, other.group_code}:
        return OTHER_GROUP_COST
    return scales.costs.get(frozenset({one.group_code, other.group_code}))


def _doubt_of_kind(telling: Telling, one: Candidate) -> float:
    """How much of the cost of two kinds remains: less where one's words speak of the other, more where of none."""
    if telling.kind.category_code == one.kind.category_code:
        return 0.0
    said = spoken_category(telling.text)
    theirs = {spoken for text in one.texts if (spoken := spoken_category(text))}
    if said in theirs or said == one.kind.category_code or telling.kind.category_code in theirs:
        return WORDS_OF_THE_OTHER
    return OWN_WORDS if said and theirs else 1.0


def _hours(telling: Telling, one: Candidate) -> float:
    return abs((telling.reported_at - one.last_report_at).total_seconds()) / 3600


def _presence(telling: Telling, one: Candidate, scales: Scales) -> float:
    """How much of an incident of such a kind is still here, 0..1."""
    cost = _cost(telling.kind, one.kind, scales)
    if cost is None:
        return 0.0
    return math.exp(-cost - _hours(telling, one) / scales.kind(one.kind.group_code).lasts_h)


def _terms(
    telling: Telling, one: Candidate, scales: Scales, *, others: float, reach_m: float
) -> dict[str, float]:
    kind = scales.kind(one.kind.group_code)
    spread_m2 = _spread_m2(telling, one, scales)
    area_m2 = math.pi * reach_m**2
    near, loose = (_bell(one.distance_m, spread_m2), _bell(one.distance_m, 4 * spread_m2))
    density = (1 - LOOSE - STRAY) * near + LOOSE * loose + STRAY / area_m2
    crowd = NEW_PER_M2_H * kind.lasts_h + (COMPANIONS + others) / area_m2
    return {
        "expected": math.log(REPEATS),
        "kind": -(_cost(telling.kind, one.kind, scales) or 0.0),
        "place": math.log(density * BLOCK_M2),
        "crowd": -math.log(crowd * BLOCK_M2),
        "time": -_hours(telling, one) / kind.lasts_h,
    }


def _spread_m2(telling: Telling, one: Candidate, scales: Scales) -> float:
    """How far apart two reports of one thing lie: its own extent and the doubt of both places, as a variance."""
    extent_m = scales.kind(one.kind.group_code).extent_share * one.kind.join_radius_m
    return extent_m**2 + telling.uncertainty_m**2 + one.uncertainty_m**2


def _bell(distance_m: float, spread_m2: float) -> float:
    """How thickly places lie at this distance from where they belong, a square metre: a normal law both ways."""
    return math.exp(-(distance_m**2) / (2 * spread_m2)) / (2 * math.pi * spread_m2)


def _words(told: Wording, theirs: Sequence[Wording], rarity: wording.Rarity, *, is_dwelling: bool) -> dict[str, float]:
    """Terms of what both texts say; the best of the incident's reports counts; what says nothing is no term."""
    terms: dict[str, float] = {}
    best = max((_alike(wording.agreement(told, one, rarity)) for one in theirs), default=0.0)
    if best:
        terms["words"] = best
    compared = [wording.numbers_compared(told, one) for one in theirs]
    agreed = frozenset[str]().union(*(pair[0] for pair in compared))
    against = frozenset[str]().union(*(pair[1] for pair in compared)) - agreed
    house_cost = DWELLING_HOUSE_COST if is_dwelling else NUMBERS_COST["house"]
    gain = max((NUMBERS_GAIN.get(name, 0.0) for name in agreed), default=0.0)
    cost = max((house_cost if name == "house" else NUMBERS_COST[name] for name in against), default=0.0)
    if gain != cost:
        terms["numbers"] = gain - cost
    named = [wording.landmarks_agree(told, one) for one in theirs]
    if True in named:
        terms["landmark"] = LANDMARK_GAIN
    elif False in named:
        terms["landmark"] = -LANDMARK_COST
    if theirs and all(wording.sides_contradict(told, one) for one in theirs):
        terms["sides"] = -SIDES_COST
    if told.says_another:
        terms["another"] = -ANOTHER_COST
    elif told.says_again:
        terms["again"] = AGAIN_GAIN
    return terms


def _alike(found: wording.Agreement) -> float:
    gain = WORDS_GAIN * math.sqrt(found.share) * min(1.0, found.shared / GRAMS_THAT_TELL)
    loss = WORDS_LOSS * (1 - found.share) * min(1.0, found.comparable / GRAMS_THAT_TELL)
    return gain - loss


def _likeness(
    telling: Telling, one: Candidate, terms: Mapping[str, float], score: float, *, surely: float, scales: Scales
) -> Likeness:
    tier = min(telling.kind.tier, one.kind.tier)
    # Two households are not at stake where one person calls again.
    threshold = scales.thresholds[max(tier, LIFE_TIER + 1) if one.is_own else tier]
    verdict: Verdict = "other"
    if surely >= threshold.sure and score >= threshold.doubtful and _may_join(telling, one, terms, scales):
        verdict = "same"
    elif score >= threshold.doubtful:
        verdict = "perhaps"
    shown = tuple((name, round(value, 2)) for name, value in terms.items())
    return Likeness(one.incident_id, round(score, 4), shown, round(one.distance_m, 1), verdict)


def _may_join(telling: Telling, one: Candidate, terms: Mapping[str, float], scales: Scales) -> bool:
    """Near enough, and for life: nothing graver goes under, no household is taken for its neighbour."""
    limit_m = max(telling.kind.join_radius_m, one.kind.join_radius_m)
    doubt_m = 2 * math.hypot(telling.uncertainty_m, one.uncertainty_m)
    said = sum(terms.get(name, 0.0) for name in ("words", "numbers", "landmark", "sides", "another"))
    if LIFE_TIER not in {telling.kind.tier, one.kind.tier}:
        if one.distance_m > SPREADS_UNSAID * math.sqrt(_spread_m2(telling, one, scales)) and said < WORDS_AFAR:
            return False
        return one.distance_m <= limit_m + doubt_m
    if telling.kind.tier < one.kind.tier:
        return False
    if one.is_own:
        return one.distance_m <= limit_m + doubt_m and said >= OWN_WORDS_FOR_LIFE
    return one.distance_m <= limit_m and said >= WORDS_FOR_LIFE


@dataclass(frozen=True)
class Offset:
    """A report's place, in metres east and north of another, and how far it may be wrong."""

    east_m: float
    north_m: float
    uncertainty_m: float


def middle(offsets: Sequence[Offset]) -> Offset:
    """The place that several reports of one thing give together: surer ones count more, and no place is surer than 8 m.

    Raises ValueError where there is none.
    """
    if not offsets:
        raise ValueError("There is no place to take the middle of.")
    weights = [one.uncertainty_m**-2 for one in offsets]
    total = sum(weights)
    return Offset(
        sum(weight * one.east_m for weight, one in zip(weights, offsets, strict=True)) / total,
        sum(weight * one.north_m for weight, one in zip(weights, offsets, strict=True)) / total,
        max(LEAST_UNCERTAINTY_M, total**-0.5),
    )


def nearest_place(offsets: Sequence[Offset]) -> Offset:
    """Where the incident lies for a report at the origin: the middle of what lies with its first report, or what was
    merged into it from further off, whichever is nearer."""
    first = offsets[0]
    apart = [one for one in offsets if math.hypot(one.east_m - first.east_m, one.north_m - first.north_m) > APART_M]
    places = [middle([one for one in offsets if one not in apart]), *apart]
    return min(places, key=lambda one: math.hypot(one.east_m, one.north_m))


def group_codes(kind: Kind, scales: Scales) -> list[str]:
    """The groups in which a report's incident is looked for, in a fixed order."""
    return sorted(scales.related(kind.group_code))


def merged_texts(texts: Iterable[str]) -> tuple[str, ...]:
    """The different words of an incident's reports, without empty ones."""
    return tuple(dict.fromkeys(text for text in texts if text.strip()))
