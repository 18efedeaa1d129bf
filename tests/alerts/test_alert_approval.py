"""Who may let an alert go out: two people, a typed name, the armed policy, quiet nights; officers' own alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from shapely.geometry import Point
from sqlalchemy.orm import Session

from alerts import actions, arming, drafting, queries, rules, thread, timing
from alerts.drafting import Wanted
from alerts.errors import AlertStateError, ProposalChangedError, SamePersonError, SecondPersonMissingError
from alerts.models import Alert, AlertRecipient, AlertThread
from core.errors import ConflictError, InvalidInputError
from line.models import OutboxChunk

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # Ten in the morning in Thailand.
NIGHT = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)  # Half past one at night.
INSIDE_A = Point(100.005, 8.405)
NEWS = {"th": {"title": "ล้างท่อวันเสาร์", "body": "เทศบาลล้างท่อถนนราชดำเนิน 9.00-12.00 น."}}


def drawn(session: Session, town: Any, severities: dict[str, int]) -> None:
    actions.consider(
        session,
        run_id=town.picture(severities),
        severity_by_code=severities,
        falling_by_code={},
        trigger_received_wall_at=None,
        is_without_data=False,
    )


def proposal(session: Session) -> Alert:
    return session.scalars(sa.select(Alert).where(Alert.state == "proposed")).one()


def kinds(session: Session, alert: Alert) -> list[str]:
    return [entry.kind for entry in thread.of_event(session, alert.event_id)]


def chunks(session: Session, alert: Alert) -> list[OutboxChunk]:
    return list(session.scalars(sa.select(OutboxChunk).where(OutboxChunk.subject == f"alert:{alert.id}")))


@pytest.fixture
def flood(session: Session, town: Any) -> Any:
    """Two zones; a resident in the first."""
    town.a = town.zone("A")
    town.b = town.zone("B", at=0.01)
    town.in_a = town.resident(INSIDE_A)
    return town


def test_a_warning_needs_two_people(session: Session, flood: Any) -> None:
    """Level 2: nobody sends what the rules propose before somebody else has checked it, nor after checking it alone."""
    drawn(session, flood, {"A": 2, "B": 0})
    alert, ann, bob = proposal(session), flood.account("ann"), flood.account("bob")
    with pytest.raises(SecondPersonMissingError, match="two people"):
        actions.approve(session, alert.id, 1, ann)
    actions.check(session, alert.id, 1, ann)
    with pytest.raises(SamePersonError):
        actions.approve(session, alert.id, 1, ann)
    assert chunks(session, alert) == []
    assert actions.approve(session, alert.id, 1, bob).state == "sending"
    assert kinds(session, alert) == ["proposed", "checked", "approved", "sending"]


def test_a_check_outlives_a_revision_and_not_half_an_hour(session: Session, flood: Any, frozen_clock: Any) -> None:
    """The first person says that the danger is real: rising water does not undo that, time does."""
    drawn(session, flood, {"A": 2, "B": 0})
    alert, ann, bob = proposal(session), flood.account("ann"), flood.account("bob")
    with pytest.raises(ProposalChangedError):
        actions.check(session, alert.id, 7, ann)
    actions.check(session, alert.id, 1, ann)
    drawn(session, flood, {"A": 2, "B": 2})
    assert proposal(session).revision == 2
    frozen_clock(NOW + timedelta(minutes=31))
    with pytest.raises(SecondPersonMissingError):
        actions.approve(session, alert.id, 2, bob)
    frozen_clock(NOW + timedelta(minutes=29))
    assert actions.approve(session, alert.id, 2, bob).state == "sending"


def test_danger_needs_one_person(session: Session, flood: Any) -> None:
    """Level 3 waits for nobody who sleeps: one person, who types a zone's name on the screen."""
    drawn(session, flood, {"A": 3, "B": 0})
    assert actions.approve(session, proposal(session).id, 1, flood.account("ann")).state == "sending"


@pytest.mark.parametrize(
    ("typed", "is_right"),
    [("ชุมชนA", True), ("  community   a ", True), ("Community", False), ("", False), (None, False)],
)
def test_a_typed_name_is_a_zones_own(typed: str | None, is_right: bool) -> None:
    """The whole name in Thai or English counts, however it is spaced or written large; nothing less does."""
    assert rules.is_name_typed(typed, ["ชุมชนA", "Community A"]) is is_right


def test_an_officers_alert_goes_from_draft_to_another_person(session: Session, flood: Any) -> None:
    """A draft is nobody's to approve; once proposed, another person approves it, and its author never."""
    ann, bob = flood.account("ann"), flood.account("bob")
    alert = drafting.draft(session, Wanted(level=2, zone_ids=frozenset({flood.a})), ann, is_proposed=False)
    assert (alert.state, alert.source, alert.audience_count) == ("draft", "officer", 1)
    with pytest.raises(AlertStateError):
        actions.approve(session, alert.id, alert.revision, bob)
    drafting.propose(session, alert.id, ann)
    with pytest.raises(SamePersonError):
        actions.approve(session, alert.id, alert.revision, ann)
    with pytest.raises(SamePersonError):
        actions.check(session, alert.id, alert.revision, ann)
    assert actions.approve(session, alert.id, alert.revision, bob).state == "sending"
    assert kinds(session, alert)[:2] == ["drafted", "proposed"]


def test_the_rules_leave_to_officers_what_they_proposed(session: Session, flood: Any) -> None:
    """A zone and level stands proposed once: not by the rules too, nor do the rules take an officer's proposal back."""
    drafting.draft(session, Wanted(level=2, zone_ids=frozenset({flood.a})), flood.account("ann"), is_proposed=True)
    drawn(session, flood, {"A": 2, "B": 0})
    assert proposal(session).source == "officer"
    drawn(session, flood, {"A": 0, "B": 0})
    assert proposal(session).source == "officer"
    drawn(session, flood, {"A": 3, "B": 0})
    assert sorted(a.level for a in session.scalars(sa.select(Alert).where(Alert.state == "proposed"))) == [2, 3]


def test_a_draft_is_taken_back_and_the_rules_proposal_is_declined(session: Session, flood: Any) -> None:
    """Withdrawing is for what people wrote; what the rules propose is declined with a reason."""
    ann = flood.account("ann")
    alert = drafting.draft(session, Wanted(level=1, zone_ids=frozenset({flood.a})), ann, is_proposed=False)
    assert drafting.withdraw(session, alert.id, "", ann).state == "withdrawn"
    drawn(session, flood, {"A": 3, "B": 0})
    with pytest.raises(AlertStateError, match="decline"):
        drafting.withdraw(session, proposal(session).id, "", ann)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(level=2),
        Wanted(level=2, zone_ids=frozenset({999_999})),
        Wanted(level=2, hazard="volcano", zone_ids=frozenset({1})),
        Wanted(level=0, targets=(("everyone", None),)),
        Wanted(level=0, own_words=NEWS),
        Wanted(level=0, own_words=NEWS, targets=(("group", 999_999),)),
        Wanted(level=0, own_words={"en": {"title": "Drains", "body": "Saturday"}}, targets=(("everyone", None),)),
    ],
)
def test_what_cannot_be_said_is_refused_whole(session: Session, flood: Any, wanted: Wanted) -> None:
    """No zone, an unknown one, an unknown hazard, no words, nobody to tell: a sentence, and nothing stands half."""
    ann = flood.account("ann")
    with pytest.raises(InvalidInputError), session.begin_nested():
        drafting.draft(session, wanted, ann, is_proposed=True)
    assert session.scalar(sa.select(sa.func.count()).select_from(Alert)) == 0


def test_news_at_night_wait_for_the_morning(session: Session, flood: Any, frozen_clock: Any) -> None:
    """News approved at half past one go out at six, to the audience frozen at night; nobody is woken."""
    ann, bob = flood.account("ann"), flood.account("bob")
    frozen_clock(NIGHT)
    wanted = Wanted(level=0, own_words=NEWS, zone_ids=frozenset({flood.a}))
    alert = drafting.draft(session, wanted, ann, is_proposed=True)
    actions.approve(session, alert.id, alert.revision, bob)
    assert alert.state == "approved"
    assert alert.hold_until_at == datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    frozen_clock(datetime(2026, 11, 21, 22, 59, tzinfo=UTC))
    assert timing.let_go_of_held(session) == 0
    assert chunks(session, alert) == []
    frozen_clock(datetime(2026, 11, 21, 23, 0, tzinfo=UTC))
    assert timing.let_go_of_held(session) == 1
    assert timing.let_go_of_held(session) == 0
    (chunk,) = chunks(session, alert)
    assert "ล้างท่อวันเสาร์" in chunk.messages[0]["text"]
    assert alert.state == "sending"


def test_what_waits_for_the_morning_can_be_cancelled(session: Session, flood: Any, frozen_clock: Any) -> None:
    """Cancelled in the night, nothing goes out in the morning."""
    ann, bob = flood.account("ann"), flood.account("bob")
    frozen_clock(NIGHT)
    wanted = Wanted(level=0, own_words=NEWS, zone_ids=frozenset({flood.a}))
    alert = drafting.draft(session, wanted, ann, is_proposed=True)
    actions.approve(session, alert.id, alert.revision, bob)
    assert actions.cancel(session, alert.id, "wrong day", bob).state == "cancelled"
    frozen_clock(datetime(2026, 11, 21, 23, 0, tzinfo=UTC))
    assert timing.let_go_of_held(session) == 0
    assert chunks(session, alert) == []


@pytest.mark.parametrize(
    ("hour_th", "is_held"), [(21, False), (22, True), (23, True), (0, True), (5, True), (6, False), (12, False)]
)
def test_the_night_is_from_ten_to_six(hour_th: int, is_held: bool) -> None:
    """Thai hours, over midnight; danger is held at no hour."""
    at = datetime(2026, 11, 21, hour_th, 30, tzinfo=rules.THAI_TIME)
    quiet = rules.LevelRule(
        level=1, min_severity=1, is_proposed=False, lasts=timedelta(hours=1), declined_holds=timedelta(0), priority=2,
        is_quiet_at_night=True,
    )
    until = rules.held_until(quiet, now=at)
    assert (until is not None) is is_held
    assert until is None or (until.hour == 6 and timedelta(0) < until - at < timedelta(hours=9))


def test_armed_danger_sends_itself_once_in_its_owners_name(session: Session, flood: Any, frozen_clock: Any) -> None:
    """Armed by another person for a time: three minutes in which anybody can stop it, then it goes, once."""
    ann, bob = flood.account("ann"), flood.account("bob")
    with pytest.raises(SamePersonError):
        arming.arm(session, level=3, owner_username="ann", lasts=timedelta(hours=8), reason="night", by=ann)
    arming.arm(session, level=3, owner_username="ann", lasts=timedelta(hours=8), reason="night", by=bob)
    with pytest.raises(ConflictError):
        arming.arm(session, level=3, owner_username="ann", lasts=timedelta(hours=8), reason="night", by=bob)
    drawn(session, flood, {"A": 3, "B": 0})
    alert = proposal(session)
    assert alert.sends_itself_at == NOW + timedelta(minutes=3)
    frozen_clock(NOW + timedelta(minutes=2))
    drawn(session, flood, {"A": 3, "B": 3})
    assert timing.send_what_is_due(session) == 0
    assert alert.sends_itself_at == NOW + timedelta(minutes=3)
    flood.resident(INSIDE_A)
    frozen_clock(NOW + timedelta(minutes=3))
    assert timing.send_what_is_due(session) == 1
    assert timing.send_what_is_due(session) == 0
    assert (alert.state, alert.approved_by, alert.audience_count) == ("sending", ann.id, 2)
    entry = session.scalars(sa.select(AlertThread).where(AlertThread.kind == "approved")).one()
    assert entry.detail["armed_policy"] == alert.armed_policy_id


@pytest.mark.parametrize("how", ["stopped", "disarmed", "run out"])
def test_armed_danger_can_be_stopped(session: Session, flood: Any, frozen_clock: Any, how: str) -> None:
    """Stopped, disarmed or run out meanwhile: nothing goes out without a person, and it does not count down again."""
    bob = flood.account("bob")
    flood.account("ann")
    lasts = timedelta(minutes=2) if how == "run out" else timedelta(hours=8)
    armed = arming.arm(session, level=3, owner_username="ann", lasts=lasts, reason="night", by=bob)
    drawn(session, flood, {"A": 3, "B": 0})
    alert, officer = proposal(session), flood.account("olu", ["officer"])
    if how == "stopped":
        arming.stop(session, alert.id, by=officer)
    elif how == "disarmed":
        arming.disarm(session, armed.id, by=officer)
    frozen_clock(NOW + timedelta(minutes=4))
    assert timing.send_what_is_due(session) == 0
    drawn(session, flood, {"A": 3, "B": 3})
    assert (alert.state, alert.sends_itself_at) == ("proposed", None)
    assert "countdown_stopped" in kinds(session, alert)
    assert actions.approve(session, alert.id, alert.revision, bob).state == "sending"


@pytest.mark.parametrize(("level", "hours", "owner"), [(2, 8, "ann"), (3, 13, "ann"), (3, 8, "olu"), (3, 8, "nobody")])
def test_not_everything_may_be_armed(session: Session, flood: Any, level: int, hours: int, owner: str) -> None:
    """Only danger, for twelve hours at most, on the word of somebody who may approve."""
    bob = flood.account("bob")
    flood.account("ann")
    flood.account("olu", ["officer"])
    with pytest.raises(InvalidInputError):
        arming.arm(session, level=level, owner_username=owner, lasts=timedelta(hours=hours), reason="night", by=bob)


def test_the_armed_policy_leaves_officers_alerts_exercises_and_all_clears_alone(session: Session, flood: Any) -> None:
    """Only what the rules propose as a warning counts down."""
    bob = flood.account("bob")
    flood.account("ann")
    drawn(session, flood, {"A": 3, "B": 0})
    first = proposal(session)
    actions.approve(session, first.id, 1, bob)
    for chunk in chunks(session, first):
        chunk.state, chunk.accepted_wall_at = "accepted", NOW
    arming.arm(session, level=3, owner_username="ann", lasts=timedelta(hours=8), reason="night", by=bob)
    by_hand = Wanted(level=3, zone_ids=frozenset({flood.b}))
    own = drafting.draft(session, by_hand, bob, is_proposed=True)
    drill = drafting.draft(session, replace(by_hand, is_exercise=True), bob, is_proposed=True)
    drawn(session, flood, {"A": 0, "B": 0})
    clear = session.scalars(sa.select(Alert).where(Alert.kind == "all_clear")).one()
    assert [one.sends_itself_at for one in (own, drill, clear)] == [None, None, None]


def test_a_lapsed_proposal_stays_in_its_thread(session: Session, flood: Any) -> None:
    """Nobody decided and the water fell: the thread says what was proposed, to how many, and why it lapsed."""
    drawn(session, flood, {"A": 2, "B": 0})
    alert = proposal(session)
    drawn(session, flood, {"A": 0, "B": 0})
    assert kinds(session, alert) == ["proposed", "withdrawn"]
    lapsed = thread.of_event(session, alert.event_id)[-1]
    assert "water changed" in lapsed.detail["reason"]
    with pytest.raises(sa.exc.DBAPIError), session.begin_nested():
        session.execute(sa.delete(AlertThread))


def test_cancelling_one_warning_clears_no_other(session: Session, flood: Any) -> None:
    """While another warning of the event is in force, a cancelled one proposes no all-clear for all of it."""
    flood.resident(Point(100.015, 8.405))
    ann = flood.account("ann")
    drawn(session, flood, {"A": 3, "B": 0})
    first = proposal(session)
    actions.approve(session, first.id, 1, ann)
    for chunk in chunks(session, first):
        chunk.state, chunk.accepted_wall_at = "accepted", NOW
    second = drafting.draft(
        session, Wanted(level=2, zone_ids=frozenset({flood.a, flood.b})), flood.account("bob"), is_proposed=True
    )
    actions.approve(session, second.id, second.revision, ann)
    assert second.event_id == first.event_id
    assert actions.cancel(session, first.id, "wrong gauge", ann).state == "cancelled"
    assert session.scalar(sa.select(sa.func.count()).where(Alert.kind == "all_clear")) == 0


def test_extending_tells_the_same_people_as_an_update(session: Session, flood: Any) -> None:
    """An alert that runs out is proposed anew for its zones; approved, it takes the first one's place."""
    ann, bob = flood.account("ann"), flood.account("bob")
    drawn(session, flood, {"A": 3, "B": 0})
    first = proposal(session)
    actions.approve(session, first.id, 1, ann)
    again = drafting.extend(session, first.id, bob)
    assert (again.kind, again.references, again.audience_count) == ("update", [first.id], 1)
    actions.approve(session, again.id, again.revision, ann)
    assert (queries.alert(session, first.id).state, again.event_id) == ("updated", first.event_id)


def test_news_to_one_person_need_no_second(session: Session, flood: Any) -> None:
    """A message to a person or a group is its author's own to send; one to an area or everyone is not."""
    ann = flood.account("ann")
    alone = drafting.draft(
        session, Wanted(level=0, own_words=NEWS, targets=(("person", flood.in_a),)), ann, is_proposed=True
    )
    assert actions.may_send_alone(session, alone)
    everyone = Wanted(level=0, own_words=NEWS, targets=(("everyone", None),))
    wide = drafting.draft(session, everyone, ann, is_proposed=True)
    with pytest.raises(SamePersonError):
        actions.approve(session, wide.id, wide.revision, ann)
    assert session.scalar(sa.select(sa.func.count()).select_from(AlertRecipient)) == 0


def test_of_what_runs_out_somebody_is_reminded_once(session: Session, flood: Any, frozen_clock: Any) -> None:
    """An hour before its end, once; what is over or renewed asks nobody; without an answer the clock ends it."""
    drawn(session, flood, {"A": 3, "B": 0})
    alert, ann = proposal(session), flood.account("ann")
    actions.approve(session, alert.id, 1, ann)
    assert timing.remind_of_ends(session) == 0
    assert alert.expires_at is not None
    frozen_clock(alert.expires_at - timedelta(minutes=59))
    assert rules.is_expiring(alert.state, alert.expires_at, now=alert.expires_at - timedelta(minutes=59))
    assert [timing.remind_of_ends(session) for _ in range(2)] == [1, 0]
    assert kinds(session, alert)[-1] == "expiring"
    frozen_clock(alert.expires_at)
    assert not rules.is_expiring(alert.state, alert.expires_at, now=alert.expires_at)
