"""What a resident can do with a report that was sent: add, move, cancel, rate, reopen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from incidents import actions, afterwards, merging, near_queries, queries
from incidents.after_models import IncidentRating
from incidents.models import Draft, Incident, IncidentChange, IncidentPause, Photo, Report, ReporterNotice

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PIN = (99.9600, 8.4300)
ELSEWHERE = (99.9630, 8.4320)


def _labels(message: dict[str, Any]) -> list[str]:
    return [item["action"]["label"] for item in message.get("quickReply", {"items": []})["items"]]


def _report(talker: Talker, text: str = "ต้นไม้ล้มขวางถนน", pin: tuple[float, float] = PIN) -> Incident:
    """The whole way to the number."""
    is_thai = talker.resident.language == "th"
    category = talker.say(text)[0]
    talker.tap_label(category, _labels(category)[0])
    talker.tap_label(talker.pin(*pin)[0], "ยืนยัน" if is_thai else "Confirm")
    newest = talker.session.scalars(sa.select(Report).order_by(Report.id.desc()).limit(1)).one()
    return talker.session.get_one(Incident, newest.incident_id)


def _finish(session: Session, incident: Incident) -> None:
    actions.advance_state(session, incident.id, "done", by="crew", reason="")


def _kinds(session: Session, incident: Incident) -> list[str]:
    """What the incident's history tells of its reporters, in order."""
    found = sa.select(IncidentChange.kind).where(
        IncidentChange.incident_id == incident.id, IncidentChange.kind != "state"
    )
    return list(session.scalars(found.order_by(IncidentChange.id)))


def _footers(message: dict[str, Any]) -> list[list[str]]:
    bubbles = message["contents"]["contents"]
    actions = [[button["action"] for button in bubble["footer"]["contents"]] for bubble in bubbles]
    return [[action["data"] for action in row if action["type"] == "postback"] for row in actions]


# ── Where is my report? ──────────────────────────────────────────────────────────────────────────────────────────────


def test_one_report_is_shown_with_what_can_be_done(malee: Talker) -> None:
    """Add, change the place, cancel: one tap each, under the state of the report."""
    _report(malee)
    assert _labels(malee.say("สถานะ")[0]) == ["เพิ่มข้อมูลหรือภาพ", "แก้ตำแหน่ง", "ไม่แสดงต่อสาธารณะ", "ยกเลิกเรื่องนี้"]


def test_several_reports_are_cards_with_their_own_buttons(town: Session, malee: Talker) -> None:
    """Open reports and those that ended within the week stand side by side, the newest first."""
    first = _report(malee)
    second = _report(malee, "ขยะล้นถัง ส่งกลิ่นเหม็น", ELSEWHERE)
    _finish(town, first)
    (shown,) = [message for message in malee.say("สถานะ") if message["type"] == "flex"]
    assert shown["contents"]["type"] == "carousel"
    assert _footers(shown) == [
        [f"mine:add:{second.id}", f"mine:place:{second.id}", f"mine:hide:{second.id}", f"mine:cancel:{second.id}"],
        [f"mine:rate:{first.id}", f"mine:reopen:{first.id}", f"mine:hide:{first.id}"],
    ]
    assert first.number in shown["altText"]


def test_a_question_with_a_number_is_answered_with_that_report(malee: Talker) -> None:
    """สถานะ 000123 shows the one, with or without the year; somebody else's number shows nothing of it."""
    first = _report(malee)
    _report(malee, "ขยะล้นถัง ส่งกลิ่นเหม็น", ELSEWHERE)
    assert first.number in malee.say(f"สถานะ {first.number}")[0]["text"]
    assert first.number in malee.say(f"สถานะ {first.number[-6:]}")[0]["text"]


def test_more_reports_than_cards_fit_line(town: Session, malee: Talker) -> None:
    """A dozen reports are ten cards below LINE's 50 kB, which the sender's own check takes."""
    for step in range(12):
        _report(malee, "ขยะล้นถัง ส่งกลิ่นเหม็น", (99.945 + 0.0028 * step, 8.43))
    assert town.scalar(sa.select(sa.func.count()).select_from(Incident)) == 12
    (shown,) = malee.say("สถานะ")
    assert len(shown["contents"]["contents"]) == 10
    assert len(str(shown).encode()) < 50_000


# ── Add ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_words_and_photos_are_added_to_the_report(town: Session, malee: Talker) -> None:
    """After the button, words and photos belong to the report until the resident has done."""
    incident = _report(malee)
    assert "พิมพ์เพิ่ม" in malee.tap(f"mine:add:{incident.id}")[0]["text"]
    malee.say("กิ่งใหญ่มาก ต้องใช้เลื่อย")
    sent = [malee.send({"type": "image", "imageSet": {"id": "s", "index": n, "total": 2}}) for n in (1, 2)]
    assert [len(answer) for answer in sent] == [1, 0]
    report = town.scalars(sa.select(Report).execution_options(populate_existing=True)).one()
    assert "ต้องใช้เลื่อย" in report.text
    assert town.scalar(sa.select(sa.func.count()).where(Photo.report_id == report.id)) == 2
    assert _kinds(town, incident) == ["words_added", "photo_added"]
    malee.tap(f"mine:done:{incident.id}")
    assert town.scalar(sa.select(Draft)) is None


def test_a_draft_is_laid_aside_and_taken_up_again(malee: Talker) -> None:
    """Who adds to an older report in the middle of a new one goes on where they were."""
    incident = _report(malee)
    asked = malee.say("ขยะล้นถัง ส่งกลิ่นเหม็น")[0]
    malee.tap(f"mine:add:{incident.id}")
    malee.say("กิ่งใหญ่มาก")
    malee.tap(f"mine:done:{incident.id}")
    assert "ปักหมุดตำแหน่ง" in _labels(malee.tap_label(asked, _labels(asked)[0])[0])


def test_a_button_of_the_draft_ends_what_was_under_way(malee: Talker) -> None:
    """No need to say that one has done: the next button of the new report counts."""
    incident = _report(malee)
    asked = malee.say("ขยะล้นถัง ส่งกลิ่นเหม็น")[0]
    malee.tap(f"mine:add:{incident.id}")
    assert "ปักหมุดตำแหน่ง" in _labels(malee.tap_label(asked, _labels(asked)[0])[0])


def test_a_cry_for_help_is_never_an_addition(town: Session, malee: Talker) -> None:
    """Emergency words leave everything else at once."""
    incident = _report(malee)
    malee.tap(f"mine:add:{incident.id}")
    assert malee.say("ช่วยด้วย ติดอยู่บนหลังคา")[0]["type"] == "flex"
    assert town.scalars(sa.select(Incident.category_code).order_by(Incident.id)).all()[-1] == "rescue"


def test_what_comes_ten_minutes_later_is_a_new_report(
    malee: Talker, frozen_clock: Callable[[datetime], None]
) -> None:
    """The state ends by itself; nobody's new report is swallowed by an old one."""
    frozen_clock(NOW)
    incident = _report(malee)
    malee.tap(f"mine:add:{incident.id}")
    frozen_clock(NOW + timedelta(minutes=10, seconds=1))
    assert "เป็นเรื่องใด" in malee.say("ขยะล้นถัง ส่งกลิ่นเหม็น")[0]["text"]


def test_words_to_what_has_ended_meanwhile_are_a_new_report(town: Session, malee: Talker) -> None:
    """An officer was faster: what comes then is not written into a closed report."""
    incident = _report(malee)
    malee.tap(f"mine:add:{incident.id}")
    actions.change_state(town, incident.id, "rejected", by="officer", reason="นอกเขต")
    assert "เป็นเรื่องใด" in malee.say("ขยะล้นถัง ส่งกลิ่นเหม็น")[-1]["text"]


# ── Change the place ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_place_of_ones_own_incident_moves(town: Session, malee: Talker) -> None:
    """Report and incident lie at the new pin, officers read how far it went, the answer names the place."""
    incident = _report(malee)
    malee.tap(f"mine:place:{incident.id}")
    answer = malee.pin(*ELSEWHERE)[0]
    assert incident.number in answer["text"]
    assert queries.place_of(town, incident.id).lon == ELSEWHERE[0]
    report_id = town.scalar(sa.select(Report.id))
    assert queries.place_of_report(town, report_id or 0).lat == ELSEWHERE[1]
    assert _kinds(town, incident) == ["place_changed"]
    change = town.scalars(sa.select(IncidentChange).where(IncidentChange.kind == "place_changed")).one()
    assert "ม." in change.reason


def test_a_shared_incident_stays_where_the_others_say(town: Session, malee: Talker, somchai: Talker) -> None:
    """Only the reporter's own report moves; officers see that somebody places it elsewhere."""
    incident = _report(malee)
    assert _report(somchai).id == incident.id
    malee.tap(f"mine:place:{incident.id}")
    malee.pin(*ELSEWHERE)
    assert queries.place_of(town, incident.id).lon == PIN[0]
    assert _kinds(town, incident) == ["place_changed"]


def test_home_is_a_place_by_one_tap(town: Session, malee: Talker) -> None:
    """Who has a home on the map need not pin it again."""
    incident = _report(malee, pin=ELSEWHERE)
    asked = malee.tap(f"mine:place:{incident.id}")[0]
    malee.tap_label(asked, "ที่บ้านของฉัน")
    assert queries.place_of(town, incident.id).lon == PIN[0]
    assert town.scalar(sa.select(Report.place_source)) == "home"


# ── Cancel ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cancel(talker: Talker, incident: Incident) -> dict[str, Any]:
    asked = talker.tap(f"mine:cancel:{incident.id}")[-1]
    yes = "ใช่ ยกเลิกเลย" if talker.resident.language == "th" else "Yes, cancel it"
    return talker.tap_label(asked, yes)[0]


def test_an_incident_ends_with_its_only_reporter(town: Session, malee: Talker) -> None:
    """After a yes it is rejected by its reporter, who is not told of it a second time."""
    incident = _report(malee)
    assert "ยกเลิกเลขที่" in _cancel(malee, incident)["text"]
    town.refresh(incident)
    assert (incident.state, incident.report_count) == ("rejected", 1)
    assert town.scalar(sa.select(ReporterNotice)) is None
    assert _kinds(town, incident) == ["withdrawn"]
    assert "ไปแล้ว" in malee.tap(f"mine:cancel:{incident.id}")[0]["text"]


def test_an_incident_of_others_stays_and_goes_on(town: Session, malee: Talker, somchai: Talker) -> None:
    """Only the one report is taken back: its reporter hears no more, the other hears everything."""
    incident = _report(malee)
    _report(somchai)
    assert "คนอื่น" in malee.tap(f"mine:cancel:{incident.id}")[0]["text"]
    _cancel(malee, incident)
    town.refresh(incident)
    assert (incident.state, incident.report_count) == ("new", 1)
    assert near_queries.people_who_reported(town, incident.id) == 1
    actions.change_state(town, incident.id, "accepted", by="officer", reason="")
    told = town.scalars(sa.select(ReporterNotice.resident_id)).all()
    assert list(told) == [somchai.resident.id]


def test_news_that_waited_are_not_told_after_a_cancellation(town: Session, malee: Talker, somchai: Talker) -> None:
    """Taken back is taken back, also for what happened a moment before."""
    incident = _report(malee)
    _report(somchai)
    asked = malee.tap(f"mine:cancel:{incident.id}")[0]
    actions.change_state(town, incident.id, "accepted", by="officer", reason="")
    answers = malee.tap_label(asked, "ใช่ ยกเลิกเลย")
    assert len(answers) == 1
    assert "มีผู้รับผิดชอบแล้ว" not in answers[0]["text"]


@pytest.mark.parametrize(("text", "state"), [("ช่วยด้วย ติดอยู่บนหลังคา", "new"), ("ต้นไม้ล้มขวางถนน", "in_progress")])
def test_what_is_grave_or_under_way_is_ended_by_an_officer(
    town: Session, malee: Talker, text: str, state: str
) -> None:
    """A cry for help, and work that has begun, do not end by a button; officers read that it was taken back."""
    if state == "new":
        malee.say(text)
        incident = town.scalars(sa.select(Incident)).one()
    else:
        incident = _report(malee, text)
        actions.advance_state(town, incident.id, state, by="officer", reason="")
    _cancel(malee, incident)
    town.refresh(incident)
    assert incident.state == state
    assert _kinds(town, incident) == ["withdrawn"]
    assert not queries.is_reporter(town, incident.id, malee.resident.id)


def test_yes_counts_for_the_question_of_a_moment_ago_only(
    town: Session, malee: Talker, frozen_clock: Callable[[datetime], None]
) -> None:
    """A yes pressed the next day, or without the question, asks once more."""
    frozen_clock(NOW)
    incident = _report(malee)
    assert "ใช่ไหม" in malee.tap(f"mine:cancel_yes:{incident.id}")[0]["text"]
    frozen_clock(NOW + timedelta(hours=1))
    assert "ใช่ไหม" in malee.tap(f"mine:cancel_yes:{incident.id}")[0]["text"]
    malee.tap(f"mine:done:{incident.id}")
    town.refresh(incident)
    assert incident.state == "new"


def test_words_instead_of_a_yes_cancel_nothing_and_are_heard(town: Session, malee: Talker) -> None:
    """Whoever writes on is telling something else."""
    incident = _report(malee)
    malee.tap(f"mine:cancel:{incident.id}")
    assert "เป็นเรื่องใด" in malee.say("ขยะล้นถัง ส่งกลิ่นเหม็น")[0]["text"]
    town.refresh(incident)
    assert incident.state == "new"


def test_an_answer_that_was_announced_is_not_taken_after_a_cancellation(
    town: Session, malee: Talker, somchai: Talker
) -> None:
    """Who took the report back answers no question about it."""
    incident = _report(malee)
    _report(somchai)
    town.add(
        IncidentPause(
            incident_id=incident.id, kind="reporter", began_at=NOW, until_at=NOW + timedelta(days=1), question="?",
            begun_by="officer", answering_id=malee.resident.id, answering_until_at=NOW + timedelta(days=1),
        )
    )
    town.flush()
    _cancel(malee, incident)
    assert town.scalar(sa.select(IncidentPause.answering_id)) is None


# ── Rate and reopen ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_says_that_all_is_well_is_asked_how_well(town: Session, malee: Talker) -> None:
    """Stars by one tap, words where they want; the last word counts, and officers read the stars."""
    incident = _report(malee)
    _finish(town, incident)
    asked = malee.tap(f"incident:close:{incident.id}")[-1]
    assert _labels(asked) == ["5 ดีมาก", "4 ดี", "3 พอใช้", "2 ควรปรับปรุง", "1 ไม่พอใจ"]
    malee.tap_label(asked, "2 ควรปรับปรุง")
    thanks = malee.tap_label(asked, "4 ดี")[0]
    malee.tap_label(thanks, "เขียนความเห็น")
    malee.say("มาเร็วดี แต่ทิ้งกิ่งไว้")
    rating = town.scalars(sa.select(IncidentRating)).one()
    town.refresh(rating)
    assert (rating.stars, rating.words) == (4, "มาเร็วดี แต่ทิ้งกิ่งไว้")
    assert _kinds(town, incident) == ["rated", "rated"]
    assert not queries.reporters_told(town)[0].is_told


def test_the_same_stars_twice_are_one_rating(town: Session, malee: Talker) -> None:
    """Pressing again changes nothing and is told once in the history."""
    incident = _report(malee)
    _finish(town, incident)
    malee.tap(f"mine:stars:{incident.id}:5")
    malee.tap(f"mine:stars:{incident.id}:5")
    assert _kinds(town, incident) == ["rated"]


def test_what_is_not_solved_is_reopened_from_the_list(town: Session, malee: Talker) -> None:
    """The list offers it for a week, and the resident hears that a crew will look again."""
    incident = _report(malee)
    _finish(town, incident)
    answers = malee.tap(f"mine:reopen:{incident.id}")
    town.refresh(incident)
    assert incident.state == "reopened"
    assert "เปิดเรื่องอีกครั้ง" in answers[-1]["text"]
    assert "ปุ่มนี้ใช้ไม่ได้แล้ว" in malee.tap(f"mine:reopen:{incident.id}")[0]["text"]


# ── Old, foreign and broken buttons ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", ["add", "place", "cancel", "cancel_yes", "home", "rate", "stars", "rate_words"])
def test_a_button_that_came_too_late_says_where_it_stands(town: Session, malee: Talker, verb: str) -> None:
    """Nothing happens to a closed report by an old button; the answer says so kindly."""
    incident = _report(malee)
    actions.change_state(town, incident.id, "rejected", by="officer", reason="ไม่ใช่เขตเทศบาล")
    before = _kinds(town, incident)
    assert "ไม่รับดำเนินการ" in malee.tap(f"mine:{verb}:{incident.id}:5")[-1]["text"]
    assert _kinds(town, incident) == before


@pytest.mark.parametrize("verb", ["add", "place", "cancel", "cancel_yes", "stars", "reopen", "done"])
def test_nobody_touches_somebody_elses_report(town: Session, malee: Talker, somchai: Talker, verb: str) -> None:
    """A made-up button tells nothing, not even whether there is such a number."""
    incident = _report(malee)
    answers = {
        somchai.tap(f"mine:{verb}:{number}:5")[0]["text"] for number in (incident.id, incident.id + 9, 10**17)
    }
    assert len(answers) == 1
    assert _kinds(town, incident) == []


@pytest.mark.parametrize(
    "data",
    ["mine:", "mine:add", "mine:add:", "mine:add:x", "mine:add:-1", "mine:add:" + "9" * 40, "mine:add:๑", "mine::1"],
)
def test_a_broken_button_breaks_nothing(malee: Talker, data: str) -> None:
    """Whatever stands in a postback, nothing is raised."""
    found = afterwards.pressed(data)
    assert found is None or found.verb == ""
    malee.tap(data)


def test_a_merged_report_is_followed_to_where_it_went(town: Session, malee: Talker, somchai: Talker) -> None:
    """A button of before the merge acts on the incident that the report belongs to now."""
    first = _report(malee)
    second = _report(somchai, "ถนนน้ำท่วมขัง", ELSEWHERE)
    assert first.id != second.id
    merging.merge_incidents(town, second.id, first.id, by="officer", reason="")
    malee.tap(f"mine:add:{first.id}")
    malee.say("กิ่งใหญ่มาก")
    survivor = near_queries.surviving_id(town, first.id)
    texts = town.scalars(sa.select(Report.text).where(Report.incident_id == survivor)).all()
    assert any("กิ่งใหญ่มาก" in text for text in texts)
