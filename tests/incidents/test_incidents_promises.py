"""How long a promise lasts, decided without a database: office hours, holidays, midnight in Bangkok, pauses, marks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import calendar, policy, promises, rules
from incidents.calendar import BANGKOK, OfficeCalendar, Window
from incidents.fading import Next, next_step
from incidents.promises import Pause, Terms

CITY = policy.shipped()
OFFICE = OfficeCalendar(
    calendar.shipped().windows(), frozenset(holiday.day for holiday in calendar.shipped().holiday)
)
NOTHING = OfficeCalendar(())


def _bangkok(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BANGKOK).astimezone(UTC)


def _due(opened_at: datetime, hours: float, *pauses: Pause, promise_in: str = "working") -> datetime:
    return promises.due_at(Terms(opened_at, hours, promise_in), pauses=pauses, calendar=OFFICE)


# ── The shipped calendar ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_shipped_holidays_are_working_days_each_once() -> None:
    """A holiday on a Saturday or Sunday closes nothing; its substitution day stands in its place."""
    days = [holiday.day for holiday in calendar.shipped().holiday]
    assert len(days) == len(set(days))
    assert all(day.isoweekday() <= 5 for day in days)
    assert {day.year for day in days} == {2026, 2027}
    assert all(holiday.name_th and holiday.name_en and holiday.source for holiday in calendar.shipped().holiday)


@pytest.mark.parametrize(
    ("falls_on", "substitution"),
    [
        (date(2026, 5, 31), date(2026, 6, 1)), (date(2026, 12, 5), date(2026, 12, 7)),
        (date(2027, 10, 23), date(2027, 10, 25)), (date(2027, 12, 5), date(2027, 12, 6)),
    ],
)
def test_a_holiday_on_a_weekend_is_made_up_for_on_the_next_working_day(falls_on: date, substitution: date) -> None:
    """The cabinet's rule, for every such day of the two years that is certain."""
    days = {holiday.day for holiday in calendar.shipped().holiday}
    assert falls_on.isoweekday() > 5
    assert falls_on not in days
    assert substitution in days


# ── Hours of the office ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_report_of_friday_evening_begins_to_count_on_monday_morning() -> None:
    """Eight hours of the office from Friday 20:00 end on Tuesday at 09:30: seven on Monday, one on Tuesday."""
    assert _due(_bangkok(2026, 11, 20, 20), 8) == _bangkok(2026, 11, 24, 9, 30)


def test_the_rest_at_noon_does_not_count() -> None:
    """Two hours from 11:00 end at 14:00."""
    assert _due(_bangkok(2026, 11, 24, 11), 2) == _bangkok(2026, 11, 24, 14)


def test_songkran_and_its_weekend_do_not_count() -> None:
    """From Friday 10 April 2026, 16:00, one hour: half of it on Friday, the rest on Thursday 16 April."""
    assert _due(_bangkok(2026, 4, 10, 16), 1) == _bangkok(2026, 4, 16, 9)


def test_a_holiday_is_a_day_of_bangkok_not_of_utc() -> None:
    """10 December ends at midnight in Bangkok, 17:00 UTC: Friday the 11th, 08:30 in Bangkok, counts from 01:30 UTC."""
    opened_at = datetime(2026, 12, 10, 16, 59, tzinfo=UTC)
    assert _due(opened_at, 0.5) == datetime(2026, 12, 11, 2, 0, tzinfo=UTC)


def test_hours_of_the_clock_know_no_office() -> None:
    """48 h are 48 h, through the weekend and the holiday."""
    opened_at = _bangkok(2026, 12, 4, 22)
    assert _due(opened_at, 48, promise_in="calendar") == opened_at + timedelta(hours=48)


def test_an_office_that_never_opens_keeps_nobody_waiting_for_an_answer() -> None:
    """A calendar without hours gives a date far away, and does not run for ever."""
    terms = Terms(_bangkok(2026, 1, 5, 9), 1, "working")
    assert promises.due_at(terms, pauses=(), calendar=NOTHING) == terms.opened_at + promises.NEVER


# ── Properties ───────────────────────────────────────────────────────────────────────────────────────────────────────

_OPENED = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))
_HOURS = st.integers(1, 200)
_IN = st.sampled_from(["calendar", "working"])
_GAP = st.tuples(st.floats(0, 400), st.floats(0.01, 100))


def _pauses(opened_at: datetime, gaps: list[tuple[float, float]]) -> list[Pause]:
    return [
        Pause(opened_at + timedelta(hours=after), opened_at + timedelta(hours=after + length)) for after, length in gaps
    ]


@given(opened_at=_OPENED, hours=_HOURS, promise_in=_IN, gaps=st.lists(_GAP, max_size=4))
def test_at_the_promised_moment_exactly_the_promised_time_is_used(
    opened_at: datetime, hours: int, promise_in: str, gaps: list[tuple[float, float]]
) -> None:
    """Whatever weekends, holidays, nights and overlapping pauses lie between."""
    terms, pauses = Terms(opened_at, hours, promise_in), _pauses(opened_at, gaps)
    due = promises.due_at(terms, pauses=pauses, calendar=OFFICE)
    assert promises.used(terms, pauses=pauses, calendar=OFFICE, now=due) == timedelta(hours=hours)
    assert promises.used(terms, pauses=pauses, calendar=OFFICE, now=due - timedelta(seconds=1)) < timedelta(hours=hours)


@given(opened_at=_OPENED, hours=_HOURS, gaps=st.lists(_GAP, max_size=4))
def test_a_pause_before_the_end_moves_the_end_by_its_length(
    opened_at: datetime, hours: int, gaps: list[tuple[float, float]]
) -> None:
    """In hours of the clock the end moves by the time of all pauses before it, overlapping ones counted once."""
    terms, pauses = Terms(opened_at, hours, "calendar"), _pauses(opened_at, gaps)
    due = promises.due_at(terms, pauses=pauses, calendar=NOTHING)
    stopped, reached = timedelta(), opened_at
    for pause in sorted(pauses, key=lambda p: p.began_at):
        assert pause.ended_at is not None
        begins = max(pause.began_at, reached)
        if begins < due and pause.ended_at > begins:
            stopped += pause.ended_at - begins
            reached = pause.ended_at
    assert due == opened_at + timedelta(hours=hours) + stopped


@given(opened_at=_OPENED, hours=_HOURS, promise_in=_IN, after=st.floats(0, 300), length=st.floats(0, 100))
def test_a_pause_never_makes_a_promise_earlier(
    opened_at: datetime, hours: int, promise_in: str, after: float, length: float
) -> None:
    """And one that begins after the end changes nothing: what is broken stays broken."""
    terms = Terms(opened_at, hours, promise_in)
    plain = promises.due_at(terms, pauses=(), calendar=OFFICE)
    (pause,) = _pauses(opened_at, [(after, length)])
    paused = promises.due_at(terms, pauses=(pause,), calendar=OFFICE)
    assert paused >= plain
    if pause.began_at >= plain:
        assert paused == plain


@given(opened_at=_OPENED, hours=_HOURS, closed=st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_a_further_holiday_never_makes_a_promise_earlier(opened_at: datetime, hours: int, closed: date) -> None:
    """A city that adds a day of its own gives its officers time, and takes nobody any."""
    terms = Terms(opened_at, hours, "working")
    more = OfficeCalendar(OFFICE.windows, OFFICE.closed_days | {closed})
    plain = promises.due_at(terms, pauses=(), calendar=OFFICE)
    assert promises.due_at(terms, pauses=(), calendar=more) >= plain


@given(opened_at=_OPENED, hours=_HOURS)
def test_a_promise_of_the_office_ends_while_it_is_open(opened_at: datetime, hours: int) -> None:
    """Never by night, at noon's rest, on a weekend or on a holiday."""
    local = _due(opened_at, hours).astimezone(BANGKOK)
    assert local.isoweekday() <= 5
    assert local.date() not in OFFICE.closed_days
    assert any(w.opens <= local.time() <= w.closes for w in OFFICE.windows if w.weekday == local.isoweekday())


# ── Marks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _times(hours: float) -> list[tuple[str, datetime]]:
    terms = Terms(_bangkok(2026, 11, 20, 9), hours, "calendar")
    return promises.mark_times(
        terms, pauses=(), calendar=NOTHING, warn_at_shares=CITY.warn_at_shares, warn_before=CITY.warn_before
    )


def test_a_promise_is_warned_of_at_three_quarters_an_hour_before_and_broken_after_its_end() -> None:
    """48 h: after 36, after 47, and after the last moment, which still keeps it."""
    opened_at, times = _bangkok(2026, 11, 20, 9), _times(48)

    def made(hours: float) -> list[str]:
        return promises.marks_due(times, ended_at=None, now=opened_at + timedelta(hours=hours))

    assert made(35.9) == []
    assert made(36) == ["used_75"]
    assert made(47) == ["used_75", "ending"]
    assert made(48) == ["used_75", "ending"]
    assert made(48.01) == ["used_75", "ending", "breached"]


def test_a_short_promise_is_not_ending_from_the_start() -> None:
    """Two hours for somebody who is ill: one warning, then the breach."""
    assert [kind for kind, _ in _times(2)] == ["used_75", "breached"]


def test_what_was_finished_in_time_is_never_broken_afterwards() -> None:
    """And what was finished too late is, whenever it is looked at."""
    opened_at, times = _bangkok(2026, 11, 20, 9), _times(48)
    in_time, late, now = (opened_at + timedelta(hours=hours) for hours in (40, 49, 90))
    assert promises.marks_due(times, ended_at=in_time, now=now) == []
    assert promises.marks_due(times, ended_at=late, now=now) == ["breached"]


@given(hours=st.integers(1, 500), made=st.sets(st.sampled_from(["used_75", "ending", "breached"])))
def test_the_next_mark_is_one_that_was_not_made(hours: int, made: set[str]) -> None:
    """None where all were."""
    times = _times(hours)
    coming = promises.next_mark_at(times, made=made)
    assert coming == min((at for kind, at in times if kind not in made), default=None)


def test_waiting_for_a_reporter_has_a_limit_and_all_waiting_has_one() -> None:
    """Three days for one question, seven for all; then the clock is not stopped any more."""
    now = _bangkok(2026, 11, 20, 9)
    limits = {"limit": CITY.wait_limit, "total_limit": CITY.waits_limit}
    six_days = [Pause(now - timedelta(days=6), now)]
    week = timedelta(days=7)
    assert promises.wait_until(now=now, asked_for=week, earlier=(), **limits) == now + timedelta(days=3)
    assert promises.wait_until(now=now, asked_for=week, earlier=six_days, **limits) == now + timedelta(days=1)
    assert promises.wait_until(now=now, asked_for=week, earlier=[Pause(now - week, now)], **limits) is None


# ── When reporters hear, and whether it is still so ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("local", "tier", "expected"),
    [
        (_bangkok(2026, 11, 20, 14), 4, _bangkok(2026, 11, 20, 14, 2)),
        (_bangkok(2026, 11, 20, 21, 57), 4, _bangkok(2026, 11, 20, 21, 59)),
        (_bangkok(2026, 11, 20, 21, 58), 3, _bangkok(2026, 11, 21, 6)),
        (_bangkok(2026, 11, 20, 23), 3, _bangkok(2026, 11, 21, 6)),
        (_bangkok(2026, 11, 21, 0, 30), 3, _bangkok(2026, 11, 21, 6)),
        (_bangkok(2026, 11, 21, 5, 58), 3, _bangkok(2026, 11, 21, 6)),
    ],
)
def test_ordinary_news_of_the_night_wait_for_the_morning(local: datetime, tier: int, expected: datetime) -> None:
    """From 22:00 to 06:00 in Bangkok nobody is woken for a street light; on both sides of midnight."""
    assert rules.told_at(local, tier=tier, policy=CITY) == expected


@given(at=_OPENED, tier=st.sampled_from([1, 2]))
def test_urgent_news_come_at_once_day_and_night(at: datetime, tier: int) -> None:
    """Who waits on a roof hears that a boat comes."""
    assert rules.told_at(at, tier=tier, policy=CITY) == at + CITY.bundle_urgent


@given(at=_OPENED, tier=st.sampled_from([3, 4]))
def test_ordinary_news_never_come_by_night_and_never_late_by_day(at: datetime, tier: int) -> None:
    """Within two minutes, or at six in the morning."""
    told_at = rules.told_at(at, tier=tier, policy=CITY)
    assert rules.quiet_until(told_at, policy=CITY) is None
    assert told_at - at == CITY.bundle_ordinary or told_at.astimezone(BANGKOK).time() == time(6)


def test_an_old_report_is_asked_about_once_then_fades() -> None:
    """Three hours old: asked; an hour without an answer: fading; with nobody to ask it fades at once."""
    fresh_at = _bangkok(2026, 11, 20, 9)

    def step(hours: float, *, asked: float | None = None, can_ask: bool = True) -> Next:
        asked_at = None if asked is None else fresh_at + timedelta(hours=asked)
        return next_step(
            fresh_at=fresh_at, life=timedelta(hours=3), asked_at=asked_at, can_ask=can_ask,
            answer_within=CITY.answer_within, now=fresh_at + timedelta(hours=hours),
        )

    assert step(2.9) == Next(asks=False, fades=False)
    assert step(3) == Next(asks=True, fades=False)
    assert step(3.5, asked=3) == Next(asks=False, fades=False)
    assert step(4, asked=3) == Next(asks=False, fades=True)
    assert step(3, can_ask=False) == Next(asks=False, fades=True)


def test_windows_of_a_day_count_in_their_order() -> None:
    """A city may write the afternoon before the morning."""
    turned = OfficeCalendar((Window(1, time(13), time(16)), Window(1, time(8), time(12))))
    terms = Terms(_bangkok(2026, 11, 23, 6), 5, "working")
    assert promises.due_at(terms, pauses=(), calendar=turned) == _bangkok(2026, 11, 23, 14)
