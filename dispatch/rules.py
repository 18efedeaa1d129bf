"""Decisions about jobs over plain values: which comes first and why, which step follows, which crew may go."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.words import words
from dispatch.errors import JobTakenError
from staff.rules import AccountRef

# ── Priority ─────────────────────────────────────────────────────────────────────────────────────────────────────────
# Static tiers between classes, so that nothing a lower tier gathers by waiting comes before a life (Oz, Shneer,
# Ziedins 2020: priorities that grow with waiting make everyone wait in overload); the score orders inside a tier.

DEPTH_FULL_M = 1.5
RISE_FULL_M_PER_H = 0.3
PEOPLE_FULL = 50
SLA_MIN: Mapping[int, float] = {1: 30.0, 2: 120.0, 3: 1440.0, 4: 4320.0}
# How sure a report is: a resident's word, with a picture, confirmed by others or by an official. Ours, to be tuned.
CONFIDENCE_WORD, CONFIDENCE_PHOTO, CONFIDENCE_CONFIRMED = 0.7, 0.85, 1.0
VULNERABLE_WEIGHT = 0.6
P1_DWELLING_DEPTH_M = 1.0
DWELLING_CATEGORIES = frozenset({"flooded_home", "rescue", "supplies", "medical"})
DEFAULT_WEIGHTS: Mapping[str, float] = {"depth": 0.30, "rise": 0.10, "vulnerable": 0.30, "people": 0.15, "age": 0.15}


@dataclass(frozen=True)
class Situation:
    """What is known of an incident when its priority is worked out. Unknown depth or rise counts as none."""

    category_tier: int
    is_dwelling: bool
    depth_m: float | None
    rise_m_per_h: float | None
    vulnerable_homes: int
    people: int
    report_count: int
    has_photo: bool
    is_official: bool
    age_min: float


@dataclass(frozen=True)
class Term:
    """One term of the score: its value (0..1, confidence applied), its weight, and the input that a sentence names."""

    name: str
    value: float
    weight: float
    slots: Mapping[str, int]


@dataclass(frozen=True)
class Priority:
    """The tier (1 life … 4), the score inside it (0..100) and the terms that make it; the first term is the tier's."""

    tier: int
    score: float
    terms: tuple[Term, ...]


def tier_of(situation: Situation) -> int:
    """The tier: the category's, but 1 where water stands a metre deep at a dwelling."""
    if situation.is_dwelling and (situation.depth_m or 0.0) >= P1_DWELLING_DEPTH_M:
        return 1
    return situation.category_tier


def confidence_of(situation: Situation) -> float:
    """How sure the report is: 0.7 a resident's word, 0.85 with a picture, 1.0 confirmed by another or an official."""
    if situation.is_official or situation.report_count >= 3:
        return CONFIDENCE_CONFIRMED
    return CONFIDENCE_PHOTO if situation.has_photo else CONFIDENCE_WORD


def priority(situation: Situation, *, weights: Mapping[str, float]) -> Priority:
    """S = 100 (0.30 C·D + 0.10 C·R + 0.30 V + 0.15 N + 0.15 A) with the weights of one version, and its terms.

    D = depth / 1.5 m, R = rise / 0.3 m/h, V = 1 - (1 - 0.6)^vulnerable homes, N = ln(1 + people) / ln 51,
    A = age / the tier's service level (30, 120, 1,440, 4,320 min), each held within 0..1; C = confidence.
    """
    tier = tier_of(situation)
    sure = confidence_of(situation)
    depth_m, rise = situation.depth_m or 0.0, situation.rise_m_per_h or 0.0
    depth_is_known, rise_is_known = situation.depth_m is not None, situation.rise_m_per_h is not None
    homes, people, age_min = situation.vulnerable_homes, situation.people, situation.age_min
    deep, rising = sure * _unit(depth_m / DEPTH_FULL_M), sure * _unit(rise / RISE_FULL_M_PER_H)
    terms = (
        Term("depth", deep, weights["depth"], _slots(depth_cm=100 * depth_m, sure=100 * sure, known=depth_is_known)),
        Term("rise", rising, weights["rise"], _slots(rise_cm=100 * rise, sure=100 * sure, known=rise_is_known)),
        Term("vulnerable", 1 - (1 - VULNERABLE_WEIGHT) ** homes, weights["vulnerable"], _slots(homes=homes)),
        Term("people", _unit(math.log1p(people) / math.log1p(PEOPLE_FULL)), weights["people"], _slots(people=people)),
        Term("age", _unit(age_min / SLA_MIN[tier]), weights["age"], _slots(minutes=age_min, limit=SLA_MIN[tier])),
    )
    score = round(100 * sum(term.value * term.weight for term in terms), 1)
    name = "tier-raised" if tier < situation.category_tier else "tier"
    return Priority(tier, score, (Term(name, float(tier), 0.0, _slots(tier=tier)), *terms))


def _slots(**values: float) -> dict[str, int]:
    return {name: round(value) for name, value in values.items()}


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))


# ── Sentences ────────────────────────────────────────────────────────────────────────────────────────────────────────

HOURS_FROM_MIN = 120


def sentence(key: str, slots: Mapping[str, float]) -> tuple[str, dict[str, float]]:
    """The text key and slots by which a stored term or reason is told truly.

    Water that falls is not told as rising by less than nothing, no water not as 0 cm, hours not in hundreds of minutes;
    what is unknown is told as unknown. Terms stored without `known` count as unknown: that is no all-clear.
    """
    is_known = bool(slots.get("known"))
    if key == "term-depth" and not slots["depth_cm"]:
        return "term-depth-dry" if is_known else "term-depth-unknown", dict(slots)
    if key == "term-rise" and slots["rise_cm"] < 0:
        return "term-rise-falls", {**slots, "fall_cm": -slots["rise_cm"]}
    if key == "term-rise" and not slots["rise_cm"]:
        return "term-rise-still" if is_known else "term-rise-unknown", dict(slots)
    if key == "term-age" and max(slots["minutes"], slots["limit"]) >= HOURS_FROM_MIN:
        told = "term-age-hours" if slots["minutes"] >= HOURS_FROM_MIN else "term-age-first-hours"
        hours = {"hours": round(slots["minutes"] / 60, 1), "limit_hours": round(slots["limit"] / 60, 1)}
        return told, {**slots, **hours}
    if key == "reason-old-position" and slots["old_min"] >= HOURS_FROM_MIN:
        return "reason-old-position-hours", {**slots, "old_hours": round(slots["old_min"] / 60)}
    return key, dict(slots)


# ── The states of a job ──────────────────────────────────────────────────────────────────────────────────────────────

LIVE_STATES = ("open", "assigned", "accepted", "en_route", "on_scene")
WITH_CREW_STATES = ("assigned", "accepted", "en_route", "on_scene")
END_STATES = ("done", "failed", "cancelled")
STATE_AFTER: Mapping[str, str] = {
    "accept": "accepted",
    "depart": "en_route",
    "arrive": "on_scene",
    "finish": "done",
    "fail": "failed",
}
_HEIGHT: Mapping[str, int] = {
    "open": 0,
    "assigned": 1,
    "accepted": 2,
    "en_route": 3,
    "on_scene": 4,
    "done": 5,
    "failed": 5,
}
CLOCK_DOUBT = timedelta(minutes=5)


@dataclass(frozen=True)
class Step:
    """What a crew's event does to its job: the state afterwards, and whether the event came too late to move it."""

    state: str
    is_late: bool


def step(state: str, *, kind: str, is_same_crew: bool) -> Step:
    """The state after an event; a lower one that comes late is kept and moves nothing back.

    States only rise: assigned < accepted < en_route < on_scene < done | failed. `done` from a crew that lost the job
    while it was offline still finishes it (what was done is done); any other step needs the crew that has the job.
    """
    after = STATE_AFTER[kind]
    if state in END_STATES or _HEIGHT[after] <= _HEIGHT[state]:
        return Step(state, is_late=True)
    if not is_same_crew and after != "done":
        return Step(state, is_late=True)
    return Step(after, is_late=False)


def check_assignable(state: str) -> None:
    """A crew may be given the job: nobody is on the way yet. Raises JobTakenError."""
    if state not in {"open", "assigned", "accepted"}:
        raise JobTakenError(
            words("dispatch", "job-under-way", language="en"),
            detail_th=words("dispatch", "job-under-way", language="th"),
        )


def is_clock_doubtful(*, happened_at: datetime, received_at: datetime) -> bool:
    """The phone's clock runs ahead of ours by more than five minutes; being behind is only being offline."""
    return happened_at - received_at > CLOCK_DOUBT


# ── What a crew may see ──────────────────────────────────────────────────────────────────────────────────────────────


def sees_own_jobs_only(account: AccountRef) -> bool:
    """The account is a crew's and nothing else: residents' words and photos of other crews' jobs are not for it."""
    return account.roles == {"crew"}


# ── Which crew may go ────────────────────────────────────────────────────────────────────────────────────────────────

POSITION_OLD = timedelta(minutes=10)


@dataclass(frozen=True)
class CrewView:
    """A crew as the rule of fitness sees it."""

    id: int
    code: str
    kind: str
    capabilities: frozenset[str]
    is_on_duty: bool
    busy_with_tier: int | None


def unfit_reason(crew: CrewView, *, needs: Collection[str]) -> str | None:
    """Why a crew is not offered before any road is looked at (a text key); None where it may go.

    Any one of `needs` is enough, as a capability or as the crew's kind.
    """
    if not crew.is_on_duty:
        return "reason-off-duty"
    if needs and not (crew.capabilities | {crew.kind}) & set(needs):
        return "reason-cannot"
    if crew.busy_with_tier is not None:
        return "reason-busy"
    return None
