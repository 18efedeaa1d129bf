"""Joining, states, promises and routing to an agency, decided without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import rules
from incidents.errors import WrongStateError
from incidents.rules import Candidate

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def _candidate(*, distance_m: float, minutes: float, group: str = "flood", radius_m: float = 80.0) -> Candidate:
    return Candidate(7, "flooded_road", group, radius_m, distance_m, NOW - timedelta(minutes=minutes))


def _is_same(candidate: Candidate) -> bool:
    return rules.likeness(candidate, category_code="flooded_road", group_code="flood", reported_at=NOW).is_same


@given(distance_m=st.floats(0, 80), minutes=st.floats(0, 20))
def test_reports_within_80_m_and_20_min_describe_one_incident(distance_m: float, minutes: float) -> None:
    """Near in space and time is the same, whatever the score."""
    assert _is_same(_candidate(distance_m=distance_m, minutes=minutes))


@given(distance_m=st.floats(80.01, 5000), minutes=st.floats(0, 60))
def test_reports_further_than_the_radius_never_join(distance_m: float, minutes: float) -> None:
    """Beyond the category's radius there is another incident."""
    assert not _is_same(_candidate(distance_m=distance_m, minutes=minutes))


@given(distance_m=st.floats(0, 80), minutes=st.floats(60.01, 10000))
def test_reports_more_than_an_hour_apart_never_join(distance_m: float, minutes: float) -> None:
    """After an hour of silence a report opens a new incident."""
    assert not _is_same(_candidate(distance_m=distance_m, minutes=minutes))


def test_between_20_and_60_minutes_the_place_must_be_nearer() -> None:
    """After 55 minutes 10 m are still the same house, 79 m are not."""
    assert _is_same(_candidate(distance_m=10, minutes=55))
    assert not _is_same(_candidate(distance_m=79, minutes=55))


def test_another_group_never_joins() -> None:
    """A fallen tree is no flood, however near."""
    assert not _is_same(_candidate(distance_m=0, minutes=0, group="tree"))


def test_the_score_shows_its_terms() -> None:
    """The terms add up to the score, and the likeliest incident is chosen."""
    near, far = _candidate(distance_m=5, minutes=2), _candidate(distance_m=60, minutes=2)
    chosen = rules.incident_to_join([far, near], category_code="flooded_road", group_code="flood", reported_at=NOW)
    assert chosen is not None
    assert pytest.approx(chosen.score, abs=1e-3) == sum(value for _, value in chosen.terms)
    assert tuple(name for name, _ in chosen.terms) == ("near", "recent", "category")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("new", "done"),
        ("new", "in_progress"),
        ("closed", "done"),
        ("rejected", "accepted"),
        ("done", "new"),
        ("x", "new"),
    ],
)
def test_steps_that_do_not_exist_are_refused(before: str, after: str) -> None:
    """A state changes only along the allowed steps."""
    with pytest.raises(WrongStateError):
        rules.check_step(before, after)


def test_the_way_forward_visits_every_state_between() -> None:
    """From new to done leads through accepted and in progress; being there already is no way at all."""
    assert rules.steps_between("new", "done") == ["accepted", "in_progress", "done"]
    assert rules.steps_between("reopened", "in_progress") == ["accepted", "in_progress"]
    assert rules.steps_between("done", "done") == []
    with pytest.raises(WrongStateError):
        rules.steps_between("closed", "done")


def test_numbers_carry_the_buddhist_year_of_bangkok() -> None:
    """Half an hour before midnight UTC on New Year's Eve it is already next year in Bangkok."""
    assert rules.incident_number(123, opened_at=NOW) == "2569-000123"
    assert rules.incident_number(1, opened_at=datetime(2026, 12, 31, 17, 30, tzinfo=UTC)) == "2570-000001"


def test_a_promise_is_missed_when_open_after_it_or_finished_after_it() -> None:
    """Finished in time stays kept for ever; finished late stays missed."""
    until = NOW + timedelta(hours=48)
    later = until + timedelta(seconds=1)
    assert rules.is_overdue(state="new", promised_at=until, done_at=None, now=later)
    assert not rules.is_overdue(state="new", promised_at=until, done_at=None, now=until)
    assert not rules.is_overdue(state="done", promised_at=until, done_at=NOW, now=later)
    assert rules.is_overdue(state="closed", promised_at=until, done_at=later, now=later)


@pytest.mark.parametrize(
    ("text", "people"),
    [("มี 4 คน ติดอยู่", 4), ("เด็ก 2 คน ผู้ใหญ่ ๓ คน", 3), ("ซอย 12", None), ("2 people on the roof", 2), ("", None)],
)
def test_people_are_read_from_the_text(text: str, people: int | None) -> None:
    """Thai and Arabic digits before คน count, house numbers do not."""
    assert people == rules.people_in(text)


def test_a_reporter_can_reopen_for_a_week() -> None:
    """After seven days a new report is needed; closing needs a finished incident."""
    week = timedelta(days=7)
    assert rules.verdict(state="done", says="reopen", done_at=NOW, now=NOW + week) == "reopened"
    assert rules.verdict(state="done", says="reopen", done_at=NOW, now=NOW + week + timedelta(seconds=1)) is None
    assert rules.verdict(state="done", says="close", done_at=NOW, now=NOW) == "closed"
    assert rules.verdict(state="in_progress", says="close", done_at=None, now=NOW) is None
