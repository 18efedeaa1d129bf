"""A resident reports on LINE: the whole conversation through the subscribers, answers read from the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from incidents import actions, queries, tasks
from incidents.models import Draft, Incident, Photo, Report
from line.events import MessageUnsent, seal_line_user
from line.models import OutboxChunk
from residents import actions as residents_actions

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PIN = (99.9600, 8.4300)


def _labels(message: dict[str, Any]) -> list[str]:
    return [item["action"]["label"] for item in message["quickReply"]["items"]]


def _kinds(message: dict[str, Any]) -> list[str]:
    return [item["action"]["type"] for item in message["quickReply"]["items"]]


def _incidents(session: Session) -> list[Incident]:
    return list(session.scalars(sa.select(Incident).order_by(Incident.id)))


def _report(talker: Talker, text: str = "ต้นไม้ล้มขวางถนน") -> dict[str, Any]:
    """The whole way to the number; the last answer."""
    category = talker.say(text)[0]
    talker.tap_label(category, _labels(category)[0])
    confirm = talker.pin(*PIN)[0]
    return talker.tap_label(confirm, "ยืนยัน" if talker.resident.language == "th" else "Confirm")[0]


def test_a_report_in_a_minute(town: Session, malee: Talker) -> None:
    """Words, three categories and อื่นๆ, pin with a picture before it, confirmation, number: all by reply token."""
    category = malee.say("ต้นไม้ล้มทับสายไฟ ไฟดับทั้งซอย")[0]
    assert _labels(category)[-2:] == ["ดูเรื่องอื่น", "ยกเลิก"]
    asked = malee.tap_label(category, "ต้นไม้")[0]
    assert _kinds(asked) == ["location", "postback", "camera", "cameraRoll", "postback"]
    pin = malee.send({"type": "image"})[0]
    assert _kinds(pin) == ["location", "postback", "postback"]
    confirm = malee.pin(*PIN)[0]
    assert "ต้นไม้" in confirm["text"]
    assert "1 ภาพ" in confirm["text"]
    done = malee.tap_label(confirm, "ยืนยัน")[0]
    incident = _incidents(town)[0]
    assert incident.number in done["text"]
    assert incident.category_code == "fallen_tree"
    assert town.scalar(sa.select(Photo.incident_id)) == incident.id
    assert town.scalar(sa.select(Draft)) is None
    kinds = town.scalars(sa.select(OutboxChunk.kind).where(OutboxChunk.subject == "conversation")).all()
    assert set(kinds) == {"reply"}


def test_english_readers_are_answered_in_english(somchai: Talker) -> None:
    """The lexicon knows English words too, and the answers are in the resident's language."""
    assert "Number 2569-" in _report(somchai, "road is flooded here")["text"]


def test_a_neighbour_hears_that_it_is_known(malee: Talker, somchai: Talker, town: Session) -> None:
    """The second report of the same thing joins and is told so, with the same number."""
    _report(malee)
    answer = _report(somchai)
    assert len(_incidents(town)) == 1
    assert _incidents(town)[0].number in answer["text"]
    assert "2 people" in answer["text"]


def test_home_is_offered_as_the_place_only_where_it_is_known(malee: Talker, somchai: Talker, town: Session) -> None:
    """ที่บ้านของฉัน saves the pin for those whose home is on the map."""
    category = malee.say("ขยะล้นถัง")[0]
    pin = malee.tap_label(category, _labels(category)[0])[0]
    confirm = malee.tap_label(pin, "ที่บ้านของฉัน")[0]
    malee.tap_label(confirm, "ยืนยัน")
    assert town.scalar(sa.select(Report.place_source)) == "home"
    category = somchai.say("ขยะล้นถัง")[0]
    pin = somchai.tap_label(category, _labels(category)[0])[0]
    assert "At my home" not in _labels(pin)


def test_help_is_called_before_any_question(town: Session, malee: Talker) -> None:
    """An emergency word opens a rescue at the home at once and shows 1669, 191 and 199; a pin then moves it."""
    card = malee.say("ช่วยด้วย น้ำท่วมถึงคอ มี 2 คน")[0]
    incident = _incidents(town)[0]
    assert (incident.category_code, incident.people, incident.place_source) == ("rescue", 2, "home")
    assert card["type"] == "flex"
    uris = [button["action"]["uri"] for button in card["contents"]["footer"]["contents"]]
    assert uris == ["tel:1669", "tel:191", "tel:199"]
    malee.say("อยู่บนหลังคา 3 คน")
    malee.pin(99.965, 8.435)
    town.refresh(incident)
    assert len(_incidents(town)) == 1
    assert (incident.people, incident.place_source) == (3, "pin")
    assert queries.place_of(town, incident.id).lon == 99.965


def test_help_without_a_home_asks_where_and_then_opens(town: Session, somchai: Talker) -> None:
    """Nothing is made up: without any place the card asks for a pin, which opens the rescue."""
    somchai.say("help me, trapped on the roof")
    assert _incidents(town) == []
    somchai.pin(*PIN)
    assert [incident.category_code for incident in _incidents(town)] == ["rescue"]


def test_the_help_button_of_an_alert_opens_one_rescue(town: Session, malee: Talker) -> None:
    """Pressing it twice in fear calls one rescue, not two."""
    malee.tap("help:12")
    malee.tap("help:12")
    assert [incident.category_code for incident in _incidents(town)] == ["rescue"]
    assert malee.tap("safe:12") == []


def test_where_is_my_report(malee: Talker) -> None:
    """สถานะ answers with the newest incident, and says so where there is none."""
    assert "ยังไม่มีเรื่อง" in malee.say("สถานะ")[0]["text"]
    _report(malee)
    assert "รอมอบหมาย" in malee.say("สถานะครับ")[0]["text"]


def test_a_draft_is_forgotten_after_two_hours(
    town: Session, malee: Talker, frozen_clock: Callable[[datetime], None]
) -> None:
    """A pin sent the next morning belongs to no report of last night."""
    malee.say("ขยะล้นถัง")
    frozen_clock(NOW + timedelta(hours=2, seconds=1))
    assert "เกิดอะไรขึ้น" in malee.pin(*PIN)[0]["text"]
    tasks.forget_old_drafts.run(town)
    assert town.scalar(sa.select(Draft)) is None


def test_the_place_belongs_to_who_asked_last(town: Session, malee: Talker) -> None:
    """After the residents' room asked for the home, a pin is the home and no part of an older report."""
    malee.say("ขยะล้นถัง")
    residents_actions.ask_for_home(town, malee.resident, at=NOW + timedelta(seconds=1))
    assert malee.pin(*PIN) != []
    residents_actions.ask_for_home(town, malee.resident, at=NOW - timedelta(seconds=1))
    assert malee.pin(*PIN) != []


def test_thanks_and_stickers_start_nothing(town: Session, malee: Talker) -> None:
    """Small talk, stickers, what nobody can read and a place out of nothing make no draft, but all are answered."""
    assert "พิมพ์บอกเหตุ" in malee.say("ขอบคุณค่ะ")[0]["text"]
    assert malee.send({"type": "sticker"})[0]["text"]
    assert malee.say("สวัสดีครับ")[0]["text"]
    assert "1669" in malee.say("x" * 5000)[0]["text"]
    assert "1669" in malee.say("😀🌊🌊")[0]["text"]
    assert "เกิดอะไรขึ้น" in malee.pin(*PIN)[0]["text"]
    assert town.scalar(sa.select(Draft)) is None


def test_whatever_is_written_into_a_report_is_answered_with_the_question_that_waits(malee: Talker) -> None:
    """Emoji, one letter five thousand times or a sticker in the middle of a report leave nobody without an answer."""
    category = malee.say("ขยะล้นถัง")[0]
    for step in (category, malee.tap_label(category, _labels(category)[0])[0]):
        for text in ("x" * 5000, "😀🌊🌊", "ok"):
            assert _labels(malee.say(text)[-1])[-1] == _labels(step)[-1]


def test_nobody_is_told_of_a_crew_that_has_not_accepted(malee: Talker, somchai: Talker) -> None:
    """In danger people hear what is true: it was received and a crew is looked for, with the numbers to call."""
    card = str(malee.say("ช่วยด้วย น้ำท่วมถึงคอ"))
    more, moved = malee.say("เร็วๆ")[0]["text"], malee.pin(*PIN)[0]["text"]
    asked, opened = str(somchai.say("help me, trapped")), str(somchai.pin(*PIN))
    assert "กำลังหาทีมที่ใกล้ที่สุด" in card
    assert "looking for the nearest crew" in opened
    for said in (card, more, moved, asked, opened):
        assert "1669" in said
        assert "ทีมกู้ภัย" not in said
        assert "rescue team" not in said


def test_a_cry_in_burmese_leaves_a_waiting_draft_for_help_at_once(town: Session, malee: Talker) -> None:
    """Emergency words of neighbours' languages count while a category is asked for, too."""
    malee.say("ขยะล้นถัง")
    card = malee.say("ရေကြီးနေတယ် ကယ်ပါ")[0]
    assert card["type"] == "flex"
    assert [incident.category_code for incident in _incidents(town)] == ["rescue"]


def test_a_reporter_reopens_what_is_not_solved(town: Session, malee: Talker) -> None:
    """The button under the finishing message opens the incident again; a stranger's press does nothing."""
    _report(malee)
    incident = _incidents(town)[0]
    actions.advance_state(town, incident.id, "done", by="crew", reason="")
    malee.tap(f"incident:reopen:{incident.id}")
    town.refresh(incident)
    assert incident.state == "reopened"
    assert incident.done_at is None


def test_a_strangers_verdict_counts_for_nothing(town: Session, malee: Talker, somchai: Talker) -> None:
    """Only a reporter may say whether it is solved."""
    _report(malee)
    incident = _incidents(town)[0]
    actions.advance_state(town, incident.id, "done", by="crew", reason="")
    somchai.tap(f"incident:close:{incident.id}")
    town.refresh(incident)
    assert incident.state == "done"


def test_a_picture_taken_back_is_gone(town: Session, malee: Talker) -> None:
    """Unsending a photo on LINE deletes our copy (PDPA)."""
    malee.send({"type": "image", "id": "777"})
    assert town.scalar(sa.select(sa.func.count()).select_from(Photo)) == 1
    tasks.forget_unsent_photo(town, MessageUnsent("e", seal_line_user(malee.line_user_id), "777", NOW))
    assert town.scalar(sa.select(sa.func.count()).select_from(Photo)) == 0


def test_pictures_of_no_report_are_forgotten_after_a_day(
    town: Session, malee: Talker, frozen_clock: Callable[[datetime], None]
) -> None:
    """What a resident sent and never reported is not kept."""
    malee.send({"type": "image"})
    frozen_clock(NOW + timedelta(hours=23))
    tasks.forget_old_drafts.run(town)
    assert town.scalar(sa.select(sa.func.count()).select_from(Photo)) == 1
    frozen_clock(NOW + timedelta(hours=25))
    tasks.forget_old_drafts.run(town)
    assert town.scalar(sa.select(sa.func.count()).select_from(Photo)) == 0


def test_a_sticker_in_the_middle_is_answered_with_what_can_be_used(malee: Talker) -> None:
    """Who sends a voice message instead of words is not left without an answer."""
    malee.say("ขยะล้นถัง")
    assert malee.send({"type": "audio"})[0]["text"]


def test_odd_messages_do_no_harm(town: Session, malee: Talker) -> None:
    """Places off the earth, unknown buttons and endless texts change nothing and raise nothing."""
    malee.say("ขยะล้นถัง")
    assert malee.pin(500.0, 99.0)[0]["text"]
    malee.tap("report:zzz:confirm")
    malee.tap("incident:close:none")
    malee.tap("whatever")
    malee.say("น้ำ" * 3000)
    assert _incidents(town) == []
