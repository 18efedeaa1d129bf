"""An exercise reaches nobody outside its list, whatever the code above the database is told."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from shapely.geometry import Point
from sqlalchemy.orm import Session

from alerts import audience, proposals
from alerts.audience import Reach
from alerts.exercise_models import ExerciseRecipient
from alerts.models import Alert
from core import clock
from line import messages, outbox

INSIDE = Point(100.005, 8.405)
HELLO = [messages.text("[ซ้อม] น้ำจะท่วม")]


class Drill:
    """An exercise and a warning for the same zone, one resident on the list and one who is not."""

    def __init__(self, session: Session, town: Any) -> None:
        self.session = session
        zone = town.zone("A")
        self.listed, self.stranger = town.resident(INSIDE), town.resident(INSIDE)
        officer = town.account("olu", ["officer"])
        session.add(ExerciseRecipient(resident_id=self.listed, added_at=clock.now(), added_by=officer.id))
        self.exercise = self._alert(zone, is_exercise=True, level=2)
        self.warning = self._alert(zone, is_exercise=False, level=3)

    def _alert(self, zone: int, *, is_exercise: bool, level: int) -> int:
        return proposals.open_proposal(
            self.session, kind="alert", level=level, zone_ids=[zone], run_id=None, now=clock.now(),
            is_exercise=is_exercise,
        ).id

    def add(self, alert_id: int, resident_id: int, state: str = "frozen") -> None:
        """A row put there by hand."""
        self.session.execute(
            sa.text(
                "INSERT INTO alert_recipient (alert_id, resident_id, language, state, reason) "
                "VALUES (:alert, :resident, 'th', :state, 'home')"
            ),
            {"alert": alert_id, "resident": resident_id, "state": state},
        )

    def queue(self, resident_ids: list[int] | None, *, subject: str, channel: str, to: int = 1) -> int:
        """A chunk for so many people that says it is for these residents."""
        return outbox.enqueue(
            self.session, subject=subject, kind="multicast", to=[f"U{n:032x}" for n in range(to)], messages=HELLO,
            priority=0, channel=channel, resident_ids=resident_ids,
        )

    def count(self) -> int:
        """How many rows name somebody as a recipient."""
        return int(self.session.scalar(sa.text("SELECT count(*) FROM alert_recipient")) or 0)


@pytest.fixture
def drill(session: Session, town: Any) -> Drill:
    return Drill(session, town)


def refused(session: Session, deed: Any, says: str) -> None:
    """The database itself refuses the deed, with these words."""
    with pytest.raises(sa.exc.IntegrityError, match=says), session.begin_nested():
        deed()


OUTSIDE = "nobody outside the exercise list"


def test_freeze_with_a_wrong_list_is_refused(session: Session, drill: Drill) -> None:
    """Frozen for everybody with a home in the zone, as if there were no list: the database keeps not one row of it."""
    reach = Reach(alert_id=drill.exercise, has_homes=True, told_in=())
    refused(session, lambda: audience.freeze(session, reach, priority=0), OUTSIDE)
    wrong = Reach(alert_id=drill.exercise, has_homes=True, told_in=(), listed_ids=(drill.listed, drill.stranger))
    refused(session, lambda: audience.freeze(session, wrong, priority=0), OUTSIDE)
    assert session.scalar(sa.text("SELECT count(*) FROM alert_chunk")) == 0
    audience.freeze(session, Reach(drill.exercise, has_homes=True, told_in=(), listed_ids=(drill.listed,)), priority=0)
    audience.freeze(session, Reach(drill.warning, has_homes=True, told_in=()), priority=0)
    rows = session.execute(sa.text("SELECT alert_id, suppressed, resident_ids FROM alert_chunk ORDER BY 1, 2")).all()
    assert [tuple(row) for row in rows] == [
        (drill.exercise, "not_on_exercise_list", [drill.stranger]),
        (drill.exercise, None, [drill.listed]),
        (drill.warning, None, [drill.listed, drill.stranger]),
    ]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE alert_chunk SET state = 'frozen' WHERE alert_id = :exercise AND suppressed IS NOT NULL",
        "UPDATE alert_chunk SET suppressed = NULL WHERE alert_id = :exercise AND suppressed IS NOT NULL",
        "UPDATE alert_chunk SET resident_ids = ARRAY[:stranger] WHERE alert_id = :exercise AND suppressed IS NULL",
        "UPDATE alert_chunk SET alert_id = :exercise, number = 9 WHERE alert_id = :warning",
    ],
)
def test_a_frozen_audience_that_is_changed_is_refused(session: Session, drill: Drill, change: str) -> None:
    """Whoever was kept out of an exercise stays out, and no other alert's people come into it."""
    audience.freeze(session, Reach(drill.exercise, has_homes=True, told_in=(), listed_ids=(drill.listed,)), priority=0)
    audience.freeze(session, Reach(drill.warning, has_homes=True, told_in=()), priority=0)
    facts = {name: getattr(drill, name) for name in ("exercise", "warning", "stranger")}
    refused(session, lambda: session.execute(sa.text(change), facts), OUTSIDE)


def test_rows_by_hand_are_refused(session: Session, drill: Drill) -> None:
    """Whoever is on the list may stand there, a stranger only with the reason why they are not told."""
    drill.add(drill.exercise, drill.listed)
    refused(session, lambda: drill.add(drill.exercise, drill.stranger), OUTSIDE)
    drill.add(drill.exercise, drill.stranger, state="suppressed")
    drill.add(drill.warning, drill.stranger)
    assert drill.count() == 3


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE alert_recipient SET resident_id = :stranger WHERE alert_id = :exercise AND resident_id = :listed",
        "UPDATE alert_recipient SET state = 'queued' WHERE alert_id = :exercise AND resident_id = :stranger",
        "UPDATE alert_recipient SET alert_id = :exercise, state = 'queued' WHERE alert_id = :warning",
    ],
)
def test_rows_that_are_changed_are_refused(session: Session, drill: Drill, change: str) -> None:
    """Neither another person, nor another state, nor another alert brings a stranger into an exercise."""
    drill.add(drill.exercise, drill.listed)
    if "warning" in change:
        drill.add(drill.warning, drill.stranger)
    else:
        drill.add(drill.exercise, drill.stranger, state="suppressed")
        if "resident_id = :listed" in change:
            session.execute(sa.text("DELETE FROM alert_recipient WHERE state = 'suppressed'"))
    facts = {name: getattr(drill, name) for name in ("exercise", "warning", "listed", "stranger")}
    refused(session, lambda: session.execute(sa.text(change), facts), OUTSIDE)


@pytest.mark.parametrize("is_exercise", [True, False])
def test_nobody_can_lie_about_what_is_an_exercise(session: Session, drill: Drill, is_exercise: bool) -> None:
    """An exercise never becomes a warning, nor a warning an exercise."""
    alert_id = drill.exercise if is_exercise else drill.warning
    change = sa.update(Alert).where(Alert.id == alert_id).values(is_exercise=not is_exercise)
    refused(session, lambda: session.execute(change), "an exercise stays an exercise")


def test_chunks_of_an_exercise_name_only_people_on_the_list(session: Session, drill: Drill) -> None:
    """A chunk of an exercise says for whom it is, all of them on the list, and never goes by the live channel."""
    subject = f"alert:{drill.exercise}"
    mine = [drill.listed]
    assert drill.queue(mine, subject=subject, channel="exercise")
    assert drill.queue(mine, subject=f"{subject}:again", channel="blackhole")
    for resident_ids, channel, to, says in (
        (mine, "line", 1, "live channel"),
        (None, "blackhole", 1, "for whom it is"),
        (None, "exercise", 1, "for whom it is"),
        (mine, "exercise", 2, "for whom it is"),
        ([*mine, drill.stranger], "exercise", 2, OUTSIDE),
        ([*mine, drill.stranger], "blackhole", 2, OUTSIDE),
    ):
        args = {"subject": subject, "channel": channel, "to": to}
        refused(session, lambda ids=resident_ids, args=args: drill.queue(ids, **args), says)


@pytest.mark.parametrize("subject", ["leaders", "rollcall"])
def test_what_else_an_alert_sends_is_guarded_too(session: Session, drill: Drill, subject: str) -> None:
    """Nothing that is about an exercise goes by the live channel, neither to leaders nor to the silent."""
    args = {"subject": f"{subject}:{drill.exercise}", "channel": "line"}
    refused(session, lambda: drill.queue([drill.listed], **args), "live channel")
    assert drill.queue(None, subject=f"{subject}:{drill.warning}", channel="line")


def test_chunks_that_are_changed_are_refused(session: Session, drill: Drill) -> None:
    """Neither channel, nor subject, nor people of a chunk can be changed so that an exercise reaches somebody else."""
    subject = f"alert:{drill.exercise}"
    chunk_id = drill.queue([drill.listed], subject=subject, channel="exercise")
    other_id = drill.queue([drill.stranger], subject=f"alert:{drill.warning}", channel="line")
    for change, facts in (
        ("UPDATE outbox_chunk SET channel = 'line' WHERE id = :id", {"id": chunk_id}),
        ("UPDATE outbox_chunk SET resident_ids = ARRAY[CAST(:s AS bigint)] WHERE id = :id",
         {"id": chunk_id, "s": drill.stranger}),
        ("UPDATE outbox_chunk SET subject = :to WHERE id = :id", {"id": chunk_id, "to": f"alert:{drill.warning}"}),
        ("UPDATE outbox_chunk SET subject = :to WHERE id = :id", {"id": other_id, "to": subject}),
        ("UPDATE outbox_chunk SET channel = 'exercise' WHERE id = :id", {"id": other_id}),
    ):
        refused(session, lambda c=change, f=facts: session.execute(sa.text(c), f), "exercise")


def test_other_messages_stay_off_the_channel_of_exercises(session: Session, drill: Drill) -> None:
    """What is no exercise, and what is about no alert, cannot go out by the channel of exercises."""
    for subject in (f"alert:{drill.warning}", "incident:4", "hello", f"alert:{2**60}"):
        args = {"subject": subject, "channel": "exercise"}
        refused(session, lambda args=args: drill.queue([drill.listed], **args), "only an exercise")


def test_a_retry_key_does_not_help(session: Session, drill: Drill) -> None:
    """A chunk written by hand is held to the same."""
    row = {"s": f"alert:{drill.exercise}", "k": uuid.uuid4(), "r": [drill.stranger]}
    insert = sa.text(
        "INSERT INTO outbox_chunk (subject, kind, retry_key, to_sealed, recipient_count, messages, priority, state,"
        " attempts, created_at, created_wall_at, channel, resident_ids)"
        " VALUES (:s, 'push', :k, ''::bytea, 1, '[]', 0, 'queued', 0, now(), now(), 'exercise', :r)"
    )
    refused(session, lambda: session.execute(insert, row), OUTSIDE)
