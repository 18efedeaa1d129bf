"""Which job comes first and why, which step follows, which crew may go: decided without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.words import words
from dispatch import rules
from dispatch.errors import JobTakenError
from dispatch.rules import DEFAULT_WEIGHTS, CrewView, Situation

DRY = Situation(
    category_tier=3,
    is_dwelling=False,
    depth_m=None,
    rise_m_per_h=None,
    vulnerable_homes=0,
    people=0,
    report_count=1,
    has_photo=False,
    is_official=False,
    age_min=0.0,
)
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def _score(situation: Situation) -> float:
    return rules.priority(situation, weights=DEFAULT_WEIGHTS).score


def test_the_score_is_the_formula_of_its_terms() -> None:
    """S = 100 (0.30 C D + 0.10 C R + 0.30 V + 0.15 N + 0.15 A), worked out by hand for one house."""
    house = replace(
        DRY,
        category_tier=2,
        is_dwelling=True,
        depth_m=0.75,
        rise_m_per_h=0.15,
        vulnerable_homes=1,
        people=50,
        has_photo=True,
    )
    found = rules.priority(replace(house, age_min=60.0), weights=DEFAULT_WEIGHTS)
    by_hand = 100 * (0.30 * 0.85 * 0.5 + 0.10 * 0.85 * 0.5 + 0.30 * 0.6 + 0.15 * 1.0 + 0.15 * 0.5)
    assert found.score == pytest.approx(by_hand, abs=0.05)
    assert found.score == pytest.approx(100 * sum(t.value * t.weight for t in found.terms), abs=0.05)


def test_no_score_leaves_its_bounds_and_no_wait_changes_the_tier() -> None:
    """However long a lower tier waits, it never comes before a life: the tier is no function of age."""
    worst = replace(DRY, depth_m=9.0, rise_m_per_h=9.0, vulnerable_homes=9, people=999, is_official=True, age_min=1e6)
    assert _score(worst) <= 100.0
    assert rules.tier_of(worst) == 3
    assert _score(DRY) == 0.0


@given(depth_m=st.floats(0, 3), more_m=st.floats(0, 1), age_min=st.floats(0, 5000))
def test_deeper_water_never_lowers_the_score(depth_m: float, more_m: float, age_min: float) -> None:
    """More depth means more priority within the tier, or the same."""
    shallow = replace(DRY, depth_m=depth_m, age_min=age_min)
    assert _score(replace(shallow, depth_m=depth_m + more_m)) >= _score(shallow)


def test_a_metre_of_water_at_a_dwelling_is_a_matter_of_life() -> None:
    """A flooded home becomes tier 1 at one metre, a flooded street does not."""
    home = replace(DRY, category_tier=2, is_dwelling=True)
    assert rules.tier_of(replace(home, depth_m=1.0)) == 1
    assert rules.tier_of(replace(home, depth_m=0.99)) == 2
    assert rules.tier_of(replace(DRY, depth_m=1.5)) == 3


def test_confirmed_reports_weigh_more() -> None:
    """A word, a picture, three voices: 0.70, 0.85, 1.00."""
    wet = replace(DRY, depth_m=1.5)
    assert _score(wet) < _score(replace(wet, has_photo=True)) < _score(replace(wet, report_count=3))


@pytest.mark.parametrize("language", ["th", "en"])
def test_every_term_has_its_sentence(language: str) -> None:
    """A priority explains itself in Thai and English, tier first."""
    home = replace(DRY, category_tier=2, is_dwelling=True, depth_m=1.2)
    for tier in (1, 2, 3, 4):
        found = rules.priority(replace(DRY, category_tier=tier), weights=DEFAULT_WEIGHTS)
        for term in (*found.terms, *rules.priority(home, weights=DEFAULT_WEIGHTS).terms):
            key, slots = rules.sentence(f"term-{term.name}", term.slots)
            assert words("dispatch", key, language=language, **slots)


@pytest.mark.parametrize(
    ("key", "slots", "en", "th"),
    [
        ("term-rise", {"rise_cm": -37, "sure": 70}, "Water falls 37 cm an hour", "น้ำลด 37 ซม. ต่อชั่วโมง"),
        ("term-rise", {"rise_cm": 0, "sure": 70, "known": 0}, "No gauge near", "ไม่มีสถานีวัด"),
        ("term-depth", {"depth_cm": 0, "sure": 70, "known": 1}, "Dry in the flood picture", "จุดนี้แห้งในภาพน้ำท่วม"),
        ("term-depth", {"depth_cm": 0, "sure": 70, "known": 0}, "No flood picture", "ยังไม่มีภาพน้ำท่วม"),
        ("term-depth", {"depth_cm": 0, "sure": 70}, "No flood picture", "ยังไม่มีภาพน้ำท่วม"),
        ("term-age", {"minutes": 1412, "limit": 1440}, "Waiting for 23.5 of 24 hours", "รอมาแล้ว 23.5 ชม."),
        ("term-age", {"minutes": 5, "limit": 1440}, "Waiting for 5 minutes of 24 hours", "รอมาแล้ว 5 นาที"),
        ("reason-old-position", {"minutes": 5, "km": 1.2, "old_min": 1412}, "24 hours old", "ตำแหน่งทีมเก่า 24 ชม."),
        ("reason-old-position", {"minutes": 5, "km": 1.2, "old_min": 45}, "45 min old", "ตำแหน่งทีมเก่า 45 นาที"),
    ],
)
def test_terms_are_told_as_they_are(key: str, slots: dict[str, float], en: str, th: str) -> None:
    """Falling water falls, dry is dry, unknown is unknown, and a day is not told in minutes."""
    told_key, told_slots = rules.sentence(key, slots)
    assert en in words("dispatch", told_key, language="en", **told_slots)
    assert th in words("dispatch", told_key, language="th", **told_slots)


def test_a_depth_that_nobody_knows_is_never_told_as_dry() -> None:
    """Missing data is no all-clear: without a picture the term says so, with one that is dry it says that."""
    for depth_m, key in ((None, "term-depth-unknown"), (0.0, "term-depth-dry")):
        term = rules.priority(replace(DRY, depth_m=depth_m), weights=DEFAULT_WEIGHTS).terms[1]
        assert rules.sentence(f"term-{term.name}", term.slots)[0] == key


ORDER = ("assigned", "accepted", "en_route", "on_scene", "done")
KINDS = ("accept", "depart", "arrive", "finish", "fail")


@given(state=st.sampled_from((*ORDER, "failed", "cancelled")), kind=st.sampled_from(KINDS))
def test_states_only_rise(state: str, kind: str) -> None:
    """A late lower event regresses nothing, and what has ended stays ended."""
    found = rules.step(state, kind=kind, is_same_crew=True)
    if state in rules.END_STATES:
        assert found == rules.Step(state, is_late=True)
    elif not found.is_late:
        assert found.state in rules.END_STATES or ORDER.index(found.state) > ORDER.index(state)


def test_steps_may_be_skipped_when_the_phone_was_offline() -> None:
    """`finish` right after the assignment is believed: the crew was there."""
    assert rules.step("assigned", kind="finish", is_same_crew=True) == rules.Step("done", is_late=False)


def test_a_crew_that_lost_the_job_may_finish_it_but_not_take_it_back() -> None:
    """What was done is done; anything less needs the crew that has the job."""
    assert rules.step("assigned", kind="finish", is_same_crew=False).state == "done"
    assert rules.step("assigned", kind="depart", is_same_crew=False) == rules.Step("assigned", is_late=True)


def test_a_crew_on_its_way_is_not_taken_off() -> None:
    """Only jobs without a crew under way can be given to another."""
    for state in ("open", "assigned", "accepted"):
        rules.check_assignable(state)
    for state in ("en_route", "on_scene", "done", "failed", "cancelled"):
        with pytest.raises(JobTakenError):
            rules.check_assignable(state)


def test_a_phone_ahead_of_time_is_flagged_and_one_behind_is_only_offline() -> None:
    """Five minutes ahead is doubt; eight hours behind is a night without signal."""
    assert rules.is_clock_doubtful(happened_at=NOW + timedelta(minutes=6), received_at=NOW)
    assert not rules.is_clock_doubtful(happened_at=NOW - timedelta(hours=8), received_at=NOW)


def test_each_crew_left_out_has_its_reason() -> None:
    """Off duty, unable, busy: in this order; a kind counts as a capability."""
    crew = CrewView(1, "boat-1", "boat", frozenset({"rescue"}), True, None)
    assert rules.unfit_reason(crew, needs=["boat"]) is None
    assert rules.unfit_reason(crew, needs=["rescue", "pump"]) is None
    assert rules.unfit_reason(crew, needs=["pump"]) == "reason-cannot"
    assert rules.unfit_reason(replace(crew, busy_with_tier=2), needs=["boat"]) == "reason-busy"
    assert rules.unfit_reason(replace(crew, is_on_duty=False), needs=["pump"]) == "reason-off-duty"
