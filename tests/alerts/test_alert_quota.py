"""What an alert costs, and what becomes of it where LINE's allowance is too small."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from shapely.geometry import Point
from sqlalchemy.orm import Session

from alerts import actions, proposals, quota
from alerts.errors import QuotaTooSmallError
from alerts.models import Alert, AlertChunk
from core import clock
from core.events import EventRecord
from line import queries as outbox_queries
from line import quota as line_quota

DRY, DEEP = Point(100.005, 8.405), Point(100.305, 8.405)


class Desk:
    """A zone with ankle-deep and one with deep water, and proposals for both."""

    def __init__(self, session: Session, town: Any) -> None:
        self.session = session
        self.zones = [town.zone("A"), town.zone("B", at=0.3)]
        self.in_a = [town.resident(DRY, language=language) for language in ("th", "th", "en")]
        self.in_b = [town.resident(DEEP, language=language) for language in ("en", "th", "th")]
        self.in_both = town.resident(DRY, DEEP)
        self.run_id = town.picture({"A": 2, "B": 3})
        self.by = [town.account("ann"), town.account("bob")]

    def propose(self, level: int, **more: Any) -> Alert:
        """A proposal for both zones."""
        return proposals.open_proposal(
            self.session, kind="alert", level=level, zone_ids=self.zones, run_id=self.run_id, now=clock.now(),
            proposed_by=self.by[0].id, **more,
        )  # fmt: skip

    def approve(self, alert: Alert) -> None:
        """By the other person."""
        actions.approve(self.session, alert.id, alert.revision, self.by[1])

    def chunks(self, alert: Alert) -> list[list[int]]:
        """The residents of each chunk, in the order of sending."""
        rows = self.session.scalars(
            sa.select(AlertChunk).where(AlertChunk.alert_id == alert.id).order_by(AlertChunk.number)
        )
        return [list(row.resident_ids) for row in rows]


@pytest.fixture
def desk(session: Session, town: Any) -> Desk:
    return Desk(session, town)


def test_cost_is_of_what_the_plan_does_not_include() -> None:
    """0.06 baht for each message beyond 35,000; a plan that sells none adds nothing to the bill."""
    found, are_assumed = quota.plans()
    assert are_assumed
    for plan, used, messages, cost_thb in (
        ("pro", 0, 35_000, 0.0), ("pro", 35_000, 3_000, 180.0), ("pro", 34_000, 44_000, 2_580.0),
        ("basic", 14_999, 2, 0.10), ("free", 300, 50, 0.0),
    ):  # fmt: skip
        assert quota.added_cost_thb(found[plan], used=used, messages=messages) == cost_thb


def test_forecast_says_what_is_left_and_what_is_missing(session: Session, desk: Desk) -> None:
    """From what LINE said, less what waits since; an account without a limit, or never asked, has enough."""
    unknown = quota.forecast(session, 44_000)
    assert (unknown.is_known, unknown.left, unknown.is_enough) == (False, None, True)
    line_quota.keep(session, None, 12)
    assert (quota.forecast(session, 10**9).is_enough, quota.forecast(session, 1).used) == (True, 12)
    line_quota.keep(session, 100, 90)
    enough, short = quota.forecast(session, 10), quota.forecast(session, 15)
    assert (enough.quota_limit, enough.used, enough.left, enough.is_enough) == (100, 90, 10, True)
    assert (short.messages, short.missing, short.is_enough) == (15, 5, False)
    desk.approve(desk.propose(2))  # Seven messages are pledged by it.
    assert quota.forecast(session, 5).missing == 2


def test_a_warning_is_refused_with_the_number_missing(session: Session, desk: Desk) -> None:
    """Nothing is frozen or sent, and the same approval is good once the allowance was raised."""
    line_quota.keep(session, 100, 95)
    alert = desk.propose(2)
    with pytest.raises(QuotaTooSmallError, match=r"7 messages are needed, 5 are left, 2 are missing") as refused:
        desk.approve(alert)
    assert refused.value.facts == {"missing": 2}
    assert (alert.state, desk.chunks(alert)) == ("proposed", [])
    line_quota.keep(session, 200, 95)
    desk.approve(alert)
    assert alert.state == "sending"


def test_danger_goes_out_as_far_as_it_gets_the_most_endangered_first(session: Session, desk: Desk) -> None:
    """Four are left for seven: the four at the deep water fill the first chunks, by language; a person is called."""
    line_quota.keep(session, 100, 96)
    alert = desk.propose(3)
    desk.approve(alert)
    first, *others = desk.in_b
    first_chunks = {frozenset([first]), frozenset([*others, desk.in_both])}
    chunks = desk.chunks(alert)
    assert set(map(frozenset, chunks[:2])) == first_chunks
    assert sorted(i for chunk in chunks for i in chunk) == sorted([*desk.in_a, *desk.in_b, desk.in_both])
    sent = outbox_queries.claim(session, most=2).chunks
    assert sorted(len(chunk.to) for chunk in sent) == [1, 3]
    told = session.scalars(
        sa.select(EventRecord.payload).where(EventRecord.name == "alerts.alert_short_of_quota")
    ).all()
    assert told == [{"alert_id": alert.id, "needed": 7, "left": 4}]
    thread = session.execute(sa.text("SELECT detail FROM alert_thread WHERE kind = 'quota_short'")).scalars().all()
    assert thread == [{"needed": 7, "left": 4}]


def test_nothing_left_still_queues_all_of_a_danger(session: Session, desk: Desk) -> None:
    """With no message left everything waits for the allowance to be raised, deep water first."""
    line_quota.keep(session, 100, 100)
    alert = desk.propose(3)
    desk.approve(alert)
    assert alert.state == "sending"
    assert not {*desk.in_b, desk.in_both}.isdisjoint(desk.chunks(alert)[0])
    assert sum(map(len, desk.chunks(alert))) == 7


def test_an_exercise_uses_nothing_of_the_allowance(session: Session, desk: Desk) -> None:
    """What goes out by another channel, or into the blackhole, is not refused for the live channel's sake."""
    line_quota.keep(session, 100, 100)
    alert = desk.propose(2, is_exercise=True)
    assert quota.forecast_of(session, alert, 7) is None
    desk.approve(alert)
    assert alert.approved_at is not None
