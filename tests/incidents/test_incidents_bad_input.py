"""What people and others may write on LINE: too long, turned round, invisible, markup, places in the sea."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.models import City
from incidents import rules as incident_rules
from incidents import tasks
from incidents.conversation import TEXT_KEPT, WORDS_KEPT
from incidents.models import Draft, Incident, IncidentAgency, Photo, Report
from line import messages as line_messages
from line import rules as line_rules
from line.errors import LineUnavailableError

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

PIN = (99.9600, 8.4300)
SQUARE = "((99.9 8.4, 100 8.4, 100 8.5, 99.9 8.5, 99.9 8.4))"
FROZEN_AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def _labels(message: dict[str, Any]) -> list[str]:
    return [item["action"]["label"] for item in message["quickReply"]["items"]]


def _report(talker: Talker, text: str, pin: tuple[float, float] = PIN) -> Incident:
    category = talker.say(text)[-1]
    if "ดูเรื่องอื่น" not in _labels(category)[0]:
        talker.tap_label(category, _labels(category)[0])
    else:
        talker.tap_label(talker.tap_label(category, "ดูเรื่องอื่น")[0], "ขยะ")
    talker.tap_label(talker.pin(*pin)[0], "ยืนยัน")
    return talker.session.scalars(sa.select(Incident)).one()


def test_100_000_letters_are_cut_and_told_quickly(town: Session, malee: Talker) -> None:
    """The beginning is kept, the resident knows, and nobody behind waits: 20 of them are read in the time of a few."""
    began_s = time.process_time()
    answers = malee.say("น้ำท่วมถนน " * 9_100)
    assert time.process_time() - began_s < 2.0
    assert "ยาวเกิน" in answers[0]["text"]
    stored = town.scalars(sa.select(Draft)).one()
    assert len(stored.data["text"]) == WORDS_KEPT


def test_what_was_told_in_long_messages_reaches_the_officer_whole(town: Session, malee: Talker) -> None:
    """Three of LINE's longest messages are one report with every word; the question before it is sent fits LINE."""
    texts = ["ต้นไม้ล้มขวางถนน " + letter * 4_983 for letter in "กขค"]
    for text in texts:
        answers = malee.say(text)
    malee.tap_label(answers[-1], _labels(answers[-1])[0])
    (confirm,) = malee.pin(*PIN)
    line_messages.check([confirm])
    assert confirm["text"].count("ก") < 2_100
    assert "…" in confirm["text"]
    malee.tap_label(confirm, "ยืนยัน")
    assert town.scalar(sa.select(Report.text)) == "\n".join(texts)


def test_100_000_letters_added_to_a_report_are_cut_too(town: Session, malee: Talker) -> None:
    """What is added has the same bounds as what is told first."""
    incident = _report(malee, "ต้นไม้ล้มขวางถนน")
    malee.tap(f"mine:add:{incident.id}")
    answers = malee.say("ก" * 100_000)
    assert "ยาวเกิน" in answers[0]["text"]
    report = town.scalars(sa.select(Report).execution_options(populate_existing=True)).one()
    assert len(report.text) < 2 * TEXT_KEPT


@pytest.mark.parametrize(
    "cry",
    [
        "ช่วย\u200bด้วย น้ำท่วมถึงคอ", "\u202eช่วยด้วย\u202c", "ช่\u200dวยด้ว\u2060ย", "\ufeffช่วยด้วย",
        "ช่วยด้วย" + " " * 5_000,
    ],
)
def test_invisible_marks_hide_no_cry_for_help(malee: Talker, cry: str) -> None:
    """Zero-width letters come by copying and by phones' keyboards; the one who cries knows nothing of them."""
    assert malee.say(cry)[0]["type"] == "flex"


def test_a_list_is_not_turned_round(malee: Talker) -> None:
    """What would turn an officer's line of a list, or hide in it, is not in its summary; the words stay."""
    incident = _report(malee, "ต้นไม้ล้ม\u202eนนถ\u202cขวาง\u2066ถนน\u2069\u200b")
    assert not set(incident.summary) & set("\u202e\u202c\u2066\u2069\u200b")
    text = malee.session.scalar(sa.select(Report.text)) or ""
    assert "\u202e" in text


@pytest.mark.parametrize(
    "text",
    [
        "ต้นไม้ล้ม <script>alert(1)</script>", '=HYPERLINK("http://x")&ต้นไม้ล้ม', "ต้นไม้ล้ม'; DROP TABLE report;--",
        "ต้นไม้ล้ม {$x} { $number }",
    ],
)
def test_markup_is_words(town: Session, malee: Talker, text: str) -> None:
    """Nothing of it is read as markup, formula, statement or slot: it comes back in the confirmation as it was."""
    incident = _report(malee, text)
    assert town.scalar(sa.select(Report.text)) == text
    assert incident.summary == text


@pytest.mark.parametrize("pin", [(101.5, 8.5), (0.0, 0.0), (-179.9, -89.9), (180.0, 90.0)])
def test_a_pin_in_the_sea_is_somebodys(town: Session, malee: Talker, pin: tuple[float, float]) -> None:
    """Far from the city, on water, at the pole: the report is not lost, it is the desk's."""
    town.add(
        City(
            slug="t", name_th="เมือง", name_en="Town", boundary=f"SRID=4326;MULTIPOLYGON({SQUARE})",
            extent=f"SRID=4326;POLYGON{SQUARE}", centre="SRID=4326;POINT(99.96 8.43)", metric_srid=32647, datum="msl",
            imported_at=FROZEN_AT, is_simulated=True,
        )
    )
    town.flush()
    category = malee.say("ต้นไม้ล้มขวางถนน")[-1]
    malee.tap_label(category, _labels(category)[0])
    (asked,) = malee.pin(*pin)
    assert "นอกเมือง" in asked["text"]
    malee.tap_label(malee.tap_label(asked, "ใช้จุดนี้")[0], "ยืนยัน")
    incident = town.scalars(sa.select(Incident)).one()
    assert incident.agency_code is not None
    assert town.scalar(sa.select(sa.func.count()).select_from(IncidentAgency)) >= 1


@pytest.mark.parametrize("pin", [(99.9, 199.0), (float("nan"), 8.4), (float("inf"), 8.4), (1e308, 8.4)])
def test_a_pin_off_the_earth_is_asked_again(town: Session, malee: Talker, pin: tuple[float, float]) -> None:
    """What is no place is answered with what can be used, and the draft stays."""
    malee.say("ต้นไม้ล้มขวางถนน")
    assert "ปักหมุด" in malee.pin(*pin)[0]["text"]
    assert town.scalar(sa.select(Draft.step)) == "category"


def test_an_answer_waits_through_an_hour_without_line() -> None:
    """Whatever LINE does for an hour, an answer stays queued and is tried every minute at the latest."""
    for attempts in range(1, 80):
        for status in (None, 500, 503):
            outcome = line_rules.outcome(line_rules.Answer(status=status), kind="push", attempts=attempts)
            assert outcome.state == "queued"
            assert outcome.wait_s <= line_rules.RETRY_LIMIT_S


def test_a_picture_waits_through_an_hour_without_line() -> None:
    """The job that fetches it goes on for more than an hour before it gives up."""
    strategy = tasks.fetch_photo.task.retry_strategy
    waits_s = sum(strategy.exponential_wait**attempt for attempt in range(1, strategy.max_attempts))
    assert waits_s > 3600


def test_a_picture_that_line_does_not_give_yet_stays_wanted(town: Session, malee: Talker) -> None:
    """While LINE does not answer nothing is written off: the job fails, and is tried again."""
    malee.say("ต้นไม้ล้มขวางถนน")
    malee.send({"type": "image", "id": "4711"})
    photo = town.scalars(sa.select(Photo)).one()
    with pytest.raises(LineUnavailableError):
        tasks.fetch_photo.run(town, photo_id=photo.id)
    assert (photo.path, photo.refused_reason) == (None, None)
    assert incident_rules.STRAY_PHOTO_LIFE.total_seconds() > 3600
