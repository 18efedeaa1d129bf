"""Promises in the database: warned of, broken once and for all, paused for the reporter; floods that fade."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import transaction
from core.errors import ConflictError
from core.events import EventRecord
from gis.points import LonLat
from incidents import actions, fading, keeping, promise_queries, queries, tasks
from incidents.calendar_models import Holiday
from incidents.errors import WaitingError, WrongStateError
from incidents.models import Category, Incident, Report
from incidents.rules import NewReport
from line.models import OutboxChunk

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # Saturday, ten in the morning in Bangkok.
PLACE = LonLat(lon=99.960, lat=8.430)
Clock = Callable[[datetime], None]


def _open(session: Session, reporter: Talker | None = None, *, category: str = "drain") -> Incident:
    new = NewReport(
        text="ท่อตัน", category_code=category, place=PLACE, place_source="pin",
        resident_id=reporter.resident.id if reporter else None,
    )
    return actions.receive_report(session, new)[1]


def _at(session: Session, frozen_clock: Clock, hours: float) -> None:
    """It is so many hours later, and every job has run, twice."""
    frozen_clock(NOW + timedelta(hours=hours))
    for _ in range(2):
        for job in (tasks.keep_promises, tasks.tell_reporters, tasks.look_after_old):
            job.run(session)


def _marks(session: Session, incident: Incident) -> dict[str, datetime]:
    return {mark.kind: mark.at for mark in promise_queries.marks(session, incident.id)}


def _events(session: Session, name: str) -> list[dict[str, object]]:
    chosen = sa.select(EventRecord.payload).where(EventRecord.name == name)
    return list(session.scalars(chosen.order_by(EventRecord.id)))


def _asked(session: Session) -> list[OutboxChunk]:
    chosen = sa.select(OutboxChunk).where(OutboxChunk.subject.startswith("still:")).order_by(OutboxChunk.id)
    return list(session.scalars(chosen))


# ── Warnings and breaches ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_promise_is_warned_of_twice_and_broken_once(town: Session, frozen_clock: Clock) -> None:
    """48 h: after 36, after 47 and after 48; each mark and its news once, however often the job runs."""
    incident = _open(town)
    _at(town, frozen_clock, 35)
    assert _marks(town, incident) == {}
    for hours in (36, 47, 48.1, 60):
        _at(town, frozen_clock, hours)
    marks = _marks(town, incident)
    assert [*marks] == ["used_75", "ending", "breached"]
    assert marks["breached"] == NOW + timedelta(hours=48.1)
    assert [event["mark"] for event in _events(town, "incidents.promise_marked")] == [*marks]
    assert queries.incident_row(town, incident.id).was_breached


def test_a_breach_is_never_rewritten(town: Session, malee: Talker, frozen_clock: Clock) -> None:
    """Neither by waiting for the reporter, nor by finishing, nor by a new holiday."""
    incident = _open(town, malee)
    _at(town, frozen_clock, 49)
    breached = _marks(town, incident)["breached"]
    keeping.wait_for_reporter(town, incident.id, "ซอยไหน", hours=24, by="officer")
    _at(town, frozen_clock, 60)
    actions.advance_state(town, incident.id, "done", by="crew", reason="")
    actions.change_state(town, incident.id, "reopened", by="officer", reason="")
    _at(town, frozen_clock, 90)
    assert _marks(town, incident)["breached"] == breached
    assert incident.promised_at == NOW + timedelta(hours=48)


def test_a_promise_once_given_stands_whatever_the_category_says_later(
    town: Session, malee: Talker, frozen_clock: Clock
) -> None:
    """The city now promises a week: not for what it has promised in two days."""
    incident = _open(town, malee)
    town.execute(sa.update(Category).where(Category.code == "drain").values(promise_hours=168, promise_in="working"))
    town.expire_all()
    keeping.wait_for_reporter(town, incident.id, "ฝั่งไหน", hours=1, by="officer")
    _at(town, frozen_clock, 50)
    assert incident.promised_at == NOW + timedelta(hours=49)
    assert "breached" in _marks(town, incident)


def test_finished_too_late_is_marked_even_before_the_job_has_looked(town: Session, frozen_clock: Clock) -> None:
    """The worker was away; the crew finished an hour late."""
    incident = _open(town)
    frozen_clock(NOW + timedelta(hours=49))
    actions.advance_state(town, incident.id, "done", by="crew", reason="")
    assert [*_marks(town, incident)] == ["breached"]


def test_finished_in_time_nothing_is_marked_afterwards(town: Session, frozen_clock: Clock) -> None:
    """A kept promise stays kept."""
    incident = _open(town)
    frozen_clock(NOW + timedelta(hours=30))
    actions.advance_state(town, incident.id, "done", by="crew", reason="")
    _at(town, frozen_clock, 100)
    assert _marks(town, incident) == {}


def test_opened_again_it_has_what_was_left(town: Session, frozen_clock: Clock) -> None:
    """Ten hours used, a day finished, opened again: 38 hours from then; the day between does not count."""
    incident = _open(town)
    frozen_clock(NOW + timedelta(hours=10))
    actions.advance_state(town, incident.id, "done", by="crew", reason="")
    frozen_clock(NOW + timedelta(hours=34))
    actions.change_state(town, incident.id, "reopened", by="reporter", reason="")
    assert incident.promised_at == NOW + timedelta(hours=34 + 38)


# ── Waiting for the reporter ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_answer_of_the_reporter_starts_the_clock_again(town: Session, malee: Talker, frozen_clock: Clock) -> None:
    """Asked with a button, the next words are the answer: with the report, no new one; the time did not count."""
    incident = _open(town, malee)
    _at(town, frozen_clock, 2)
    keeping.wait_for_reporter(town, incident.id, "ท่ออยู่ฝั่งไหนของถนน", hours=24, by="officer")
    _at(town, frozen_clock, 3)
    asked = town.scalars(sa.select(OutboxChunk).where(OutboxChunk.kind == "push")).all()[-1].messages[0]
    assert "ท่ออยู่ฝั่งไหนของถนน" in asked["text"]
    assert "พิมพ์คำตอบ" in malee.tap_label(asked, "ตอบคำถามนี้")[0]["text"]
    frozen_clock(NOW + timedelta(hours=3.2))
    assert "ได้รับคำตอบแล้ว" in malee.say("น้ำท่วมฝั่งตลาด")[0]["text"]
    assert incident.promised_at == NOW + timedelta(hours=48 + 1.2)
    assert "น้ำท่วมฝั่งตลาด" in town.scalars(sa.select(Report.text)).one()
    assert [row.kind for row in queries.change_rows(town, incident.id)] == ["state", "waiting", "resumed"]
    assert malee.tap(f"incident:answer:{incident.id}")[0]["text"].startswith("เรื่องนี้ไม่มีคำถามค้าง")


def test_a_cry_for_help_is_never_taken_for_an_answer(town: Session, malee: Talker) -> None:
    """Who was asked about a drain and drowns gets help."""
    incident = _open(town, malee)
    keeping.wait_for_reporter(town, incident.id, "ฝั่งไหน", hours=24, by="officer")
    malee.tap(f"incident:answer:{incident.id}")
    malee.say("ช่วยด้วย จมน้ำ")
    assert promise_queries.open_pause(town, incident.id) is not None
    assert sorted(town.scalars(sa.select(Incident.category_code))) == ["drain", "rescue"]


def test_a_stranger_cannot_answer(town: Session, malee: Talker, somchai: Talker) -> None:
    """Only who has reported it is asked."""
    incident = _open(town, malee)
    keeping.wait_for_reporter(town, incident.id, "ฝั่งไหน", hours=24, by="officer")
    somchai.tap(f"incident:answer:{incident.id}")
    somchai.say("ขยะล้นถัง")
    assert promise_queries.open_pause(town, incident.id) is not None


def test_without_an_answer_the_clock_goes_on_from_the_limit_however_late_the_job(
    town: Session, malee: Talker, frozen_clock: Clock
) -> None:
    """A day was allowed, the worker slept for a week: a day did not count, and while waiting nothing was overdue."""
    incident = _open(town, malee)
    keeping.wait_for_reporter(town, incident.id, "ฝั่งไหน", hours=24, by="officer")
    assert incident.promised_at == NOW + timedelta(hours=72)
    _at(town, frozen_clock, 24 * 7)
    (pause,) = promise_queries.pauses(town, incident.id)
    assert pause.ended_at == NOW + timedelta(hours=24)
    assert incident.promised_at == NOW + timedelta(hours=72)
    assert [row.kind for row in queries.change_rows(town, incident.id)].count("resumed") == 1


def test_waiting_has_its_reasons_to_be_refused(town: Session, malee: Talker, frozen_clock: Clock) -> None:
    """Twice at once, with nobody to ask, after the end, and when all the waiting is used up."""
    incident, nobodys = _open(town, malee), _open(town, category="noise")
    keeping.wait_for_reporter(town, incident.id, "ฝั่งไหน", hours=999, by="officer")
    for incident_id, sentence in ((incident.id, "waits for the reporter"), (nobodys.id, "No reporter")):
        with pytest.raises(WaitingError, match=sentence):
            keeping.wait_for_reporter(town, incident_id, "ฝั่งไหน", hours=24, by="officer")
    for days in (3, 6, 7):
        _at(town, frozen_clock, days * 24)
        if days < 7:
            keeping.wait_for_reporter(town, incident.id, "ฝั่งไหน", hours=999, by="officer")
    with pytest.raises(WaitingError, match="as long as the city allows"):
        keeping.wait_for_reporter(town, incident.id, "ฝั่งไหน", hours=1, by="officer")
    with pytest.raises(WaitingError, match="does not wait"):
        keeping.resume(town, incident.id, by="officer", reason="")
    actions.change_state(town, incident.id, "rejected", by="officer", reason="ซ้ำ")
    with pytest.raises(WaitingError, match="has ended"):
        keeping.wait_for_reporter(town, incident.id, "ฝั่งไหน", hours=24, by="officer")


# ── The calendar ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_city_edits_its_calendar_and_keeps_its_edits(town: Session) -> None:
    """A day of its own moves open promises in office hours; loading again changes neither it nor the hours."""
    town.execute(sa.update(Category).where(Category.code == "noise").values(promise_in="working", promise_hours=7))
    incident = _open(town, category="noise")
    monday = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    assert incident.promised_at == monday
    keeping.put_holiday(town, date(2026, 11, 23), name_th="วันเมือง", name_en="City Day", is_closed=True, by="admin")
    assert incident.promised_at == monday + timedelta(days=1)
    keeping.put_holiday(town, date(2026, 12, 10), name_th="เปิด", name_en="Open", is_closed=False, by="admin")
    assert keeping.load_calendar(town) == 0
    assert not town.get_one(Holiday, date(2026, 12, 10)).is_closed
    assert date(2026, 12, 10) not in promise_queries.office_calendar(town).closed_days


# ── Two officers at once ─────────────────────────────────────────────────────────────────────────────────────────────


def test_of_two_officers_who_decide_at_once_one_is_told_that_the_other_was_faster(
    database: sa.Engine, frozen_clock: Clock, fill: Callable[[Session], None]
) -> None:
    """One accepts, one rejects, one sends on, one finishes, all having seen `new`: one change, the others 409."""
    with transaction() as session:
        fill(session)
        incident_id = _open(session).id

    def decide(to: str) -> str:
        try:
            with transaction() as session:
                actions.change_state(session, incident_id, to, by=to, reason="x", seen_state="new")
        except WrongStateError:
            return "refused"
        return to

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(decide, ["accepted", "rejected"] * 4))
    assert len([outcome for outcome in outcomes if outcome != "refused"]) == 1
    with transaction() as session:
        states = [row.to_state for row in queries.change_rows(session, incident_id)]
        assert len(states) == 2
        assert queries.incident(session, incident_id).state == states[-1]


def test_two_who_send_it_on_at_once_send_it_once(
    database: sa.Engine, frozen_clock: Clock, fill: Callable[[Session], None]
) -> None:
    """The second finds it with that agency already."""
    with transaction() as session:
        fill(session)
        incident_id = _open(session).id

    def send(_: int) -> bool:
        try:
            with transaction() as session:
                actions.send_on(session, incident_id, "rescue", by="officer", reason="เรือ")
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(send, range(6))) == 1
    with transaction() as session:
        assert len(promise_queries.handings(session, incident_id)) == 1


def test_marks_and_messages_of_jobs_that_run_at_the_same_time_are_made_once(
    database: sa.Engine, frozen_clock: Clock, fill: Callable[[Session], None]
) -> None:
    """Two workers look at the same second: one breach, one message."""
    from tests.incidents.conftest import add_talker

    with transaction() as session:
        fill(session)
        incident = _open(session, add_talker(session, 1, home=None))
        actions.change_state(session, incident.id, "accepted", by="officer", reason="")
        incident_id = incident.id
    frozen_clock(NOW + timedelta(hours=50))

    def work(number: int) -> None:
        with transaction() as session:
            (tasks.keep_promises if number % 2 else tasks.tell_reporters).run(session)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with transaction() as session:
        assert [mark.kind for mark in promise_queries.marks(session, incident_id)] == ["breached", "ending", "used_75"]
        assert len(session.scalars(sa.select(OutboxChunk).where(OutboxChunk.kind == "push")).all()) == 1
        assert len(_events(session, "incidents.promise_marked")) == 3


# ── Whether it is still so ───────────────────────────────────────────────────────────────────────────────────────────


def _is_fading(session: Session, incident: Incident) -> bool:
    return queries.incident_row(session, incident.id).is_fading


def test_an_old_flood_is_asked_about_once_and_fades_without_an_answer(
    town: Session, malee: Talker, frozen_clock: Clock
) -> None:
    """After three hours; an hour later it fades, its state stays, and nobody is asked again."""
    incident = _open(town, malee, category="flooded_road")
    _at(town, frozen_clock, 2.9)
    assert _asked(town) == []
    _at(town, frozen_clock, 3)
    (question,) = _asked(town)
    assert [item["action"]["label"] for item in question.messages[0]["quickReply"]["items"]] == [
        "ยังเป็นอยู่", "หนักขึ้น", "หมดแล้ว",
    ]
    assert not _is_fading(town, incident)
    _at(town, frozen_clock, 4)
    assert _is_fading(town, incident)
    assert incident.state == "new"
    _at(town, frozen_clock, 9)
    assert len(_asked(town)) == 1
    assert [event["is_fading"] for event in _events(town, "incidents.incident_aged")] == [True]


@pytest.mark.parametrize(("said", "fades"), [("still", False), ("worse", False), ("gone", True)])
def test_what_the_reporter_says_counts(
    town: Session, malee: Talker, frozen_clock: Clock, said: str, fades: bool
) -> None:
    """Still and worse keep it for another life; gone lets it fade at once. An officer decides the rest."""
    incident = _open(town, malee, category="flooded_road")
    _at(town, frozen_clock, 3)
    assert malee.tap(f"incident:{said}:{incident.id}")[0]["text"].startswith("ขอบคุณ")
    malee.tap(f"incident:{said}:{incident.id}")
    _at(town, frozen_clock, 5.9)
    assert _is_fading(town, incident) is fades
    assert [row.kind for row in queries.change_rows(town, incident.id)] == ["state", f"said_{said}"]
    assert incident.state == "new"


def test_one_who_says_still_so_outweighs_one_who_says_gone(
    town: Session, malee: Talker, somchai: Talker, frozen_clock: Clock
) -> None:
    """The water may be gone at one door and not at the next."""
    incident = _open(town, malee, category="flooded_road")
    assert _open(town, somchai, category="flooded_road").id == incident.id
    _at(town, frozen_clock, 3)
    assert len(_asked(town)) == 2
    malee.tap(f"incident:still:{incident.id}")
    somchai.tap(f"incident:gone:{incident.id}")
    assert not _is_fading(town, incident)


def test_a_stranger_or_nonsense_changes_nothing(town: Session, malee: Talker, somchai: Talker) -> None:
    """Who was not asked cannot answer; numbers that no incident has are answered too."""
    incident = _open(town, malee, category="flooded_road")
    for rest in (f"gone:{incident.id}", f"still:{'9' * 30}", "still:999999", "worse:"):
        data = f"incident:{rest}"
        somchai.tap(data)
        malee.tap(data)
    assert not _is_fading(town, incident)
    assert [row.kind for row in queries.change_rows(town, incident.id)] == ["state"]


def test_by_night_nobody_is_asked_and_it_fades_until_the_morning(
    town: Session, malee: Talker, frozen_clock: Clock
) -> None:
    """Reported at 21:00, three hours old at midnight: fading; asked at six; kept alive by the answer."""
    frozen_clock(NOW + timedelta(hours=11))
    incident = _open(town, malee, category="flooded_road")
    _at(town, frozen_clock, 14)
    assert _asked(town) == []
    assert _is_fading(town, incident)
    _at(town, frozen_clock, 20)
    assert len(_asked(town)) == 1
    malee.tap(f"incident:still:{incident.id}")
    assert not _is_fading(town, incident)


def test_a_new_report_or_an_officer_keeps_it_alive(town: Session, malee: Talker, frozen_clock: Clock) -> None:
    """What faded is fresh again with who says so; what has ended is not kept."""
    incident = _open(town, malee, category="flooded_road")
    _at(town, frozen_clock, 3)
    _at(town, frozen_clock, 4)
    assert _is_fading(town, incident)
    fading.keep_alive(town, incident.id, by="officer", reason="กล้องยังเห็นน้ำ")
    assert not _is_fading(town, incident)
    assert [event["is_fading"] for event in _events(town, "incidents.incident_aged")] == [True, False]
    actions.change_state(town, incident.id, "rejected", by="officer", reason="x")
    with pytest.raises(WaitingError):
        fading.keep_alive(town, incident.id, by="officer", reason="y")


def test_other_kinds_do_not_fade(town: Session, malee: Talker, frozen_clock: Clock) -> None:
    """A pothole is there until somebody mends it."""
    incident = _open(town, malee, category="road")
    _at(town, frozen_clock, 40)
    assert not _is_fading(town, incident)
    assert _asked(town) == []
