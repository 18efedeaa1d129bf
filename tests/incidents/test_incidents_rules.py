"""States, promises and routing to an agency, decided without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incidents import rules
from incidents.errors import WrongStateError

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


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
    assert rules.number_head(NOW) == "2569-"
    assert rules.number_head(datetime(2026, 12, 31, 17, 30, tzinfo=UTC)) == "2570-"


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
