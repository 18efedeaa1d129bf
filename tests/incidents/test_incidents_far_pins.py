"""A pin far outside the city is asked about once; somebody in danger is acted on first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis.gazetteer.index import Extent
from gis.points import LonLat
from incidents import conversation, rules
from incidents.conversation import (
    Draft,
    Known,
    MoveIncident,
    OpenEmergency,
    Pin,
    Place,
    SubmitReport,
    Tap,
    Words,
    turn,
)
from incidents.models import Draft as StoredDraft
from incidents.models import Incident, Report
from tests.incidents.geotags import CITY
from tests.incidents.turns import draft_of, keys_of

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

KNOWN = Known(new_key="k1", category_codes=("fallen_tree",))
TOLD = Draft(key="k1", step="pin", text="ต้นไม้ล้ม", category_code="fallen_tree")
BANGKOK, HERE = (100.5, 13.75), (99.96, 8.43)
FAR = Pin(*BANGKOK, outside_km=580)


def test_far_is_what_lies_five_kilometres_outside_the_box() -> None:
    """What lies in the city or beside it is taken as ever."""
    extent = Extent("เมือง", "Town", LonLat(lon=99.95, lat=8.45), (99.9, 8.4, 100.0, 8.5))
    assert extent.away_m(LonLat(lon=99.95, lat=8.45)) == 0
    assert rules.far_outside_km(extent.away_m(LonLat(lon=100.04, lat=8.45))) is None
    assert rules.far_outside_km(extent.away_m(LonLat(lon=100.1, lat=8.45))) == 11
    assert rules.far_outside_km(extent.away_m(LonLat(lon=-80.0, lat=-8.0))) is not None


def test_a_far_pin_is_asked_about_once() -> None:
    """Another pin is taken, wherever it lies; the question has a button to keep the first."""
    asked = turn(TOLD, FAR, KNOWN)
    assert keys_of(asked) == ["ask-far-pin"]
    assert draft_of(asked).place is None
    keep = next(choice for choice in asked.says[0].choices if choice.label == "label-keep-far")
    for coming in (Tap(keep.data), Words("ยืนยัน")):
        kept = draft_of(turn(asked.draft, coming, KNOWN))
        assert (kept.step, kept.place, kept.far) == ("confirm", Place(*BANGKOK, "pin"), None)
    for pin in (Pin(*HERE), Pin(101.0, 14.0, outside_km=600)):
        moved = draft_of(turn(asked.draft, pin, KNOWN))
        assert (moved.step, moved.place) == ("confirm", Place(pin.lon, pin.lat, "pin"))


def test_a_far_pin_before_the_category_is_asked_about_when_the_place_is() -> None:
    """The question that stands is asked first; a second far pin before that is asked about too, for nobody was yet."""
    told = replace(TOLD, step="category", category_code=None)
    early = turn(told, FAR, KNOWN)
    assert keys_of(early) == ["ask-category-unknown"]
    again = turn(early.draft, FAR, KNOWN)
    chosen = turn(again.draft, Tap("report:k1:category:fallen_tree"), KNOWN)
    assert keys_of(chosen) == ["ask-far-pin"]


def test_words_that_name_a_place_do_not_take_the_far_pins_away() -> None:
    """Who pinned is asked, also where their words name a place in the city."""
    known = replace(KNOWN, told=Place(*HERE, "words"))
    assert keys_of(turn(TOLD, FAR, known)) == ["ask-far-pin"]


def test_an_old_button_to_keep_does_nothing() -> None:
    """Without a far pin there is nothing to keep."""
    assert keys_of(turn(TOLD, Tap("report:k1:keep"), KNOWN)) == ["ask-pin"]


def test_an_emergency_is_opened_and_moved_at_once_and_then_asked_about() -> None:
    """Nobody in danger waits for an answer; the next pin corrects the place."""
    waiting = Draft(key="k1", step="emergency_pin", text="ช่วยด้วย", category_code="rescue")
    opened = turn(waiting, FAR, KNOWN)
    assert isinstance(opened.effect, OpenEmergency)
    assert keys_of(opened) == ["emergency-open", "emergency-far"]
    moved = turn(replace(waiting, incident_id=4), FAR, KNOWN)
    assert moved.effect == MoveIncident(4, Place(*BANGKOK, "pin"))
    assert keys_of(moved) == ["emergency-moved", "emergency-far"]
    again = turn(moved.draft, Pin(*HERE), KNOWN)
    assert (again.draft, again.effect) == (None, MoveIncident(4, Place(*HERE, "pin")))
    assert turn(moved.draft, FAR, KNOWN).draft is None


def test_a_cry_after_a_far_pin_is_opened_there_where_nothing_better_is_known() -> None:
    """A place that may be wrong is better than none; a pin is asked for with it."""
    asked = draft_of(turn(TOLD, FAR, KNOWN))
    opened = turn(asked, Words("ช่วยด้วย", emergency="rescue"), KNOWN)
    assert isinstance(opened.effect, OpenEmergency)
    assert opened.effect.place == Place(*BANGKOK, "pin")
    at_home = turn(asked, Words("ช่วยด้วย", emergency="rescue"), replace(KNOWN, home=Place(*HERE, "home")))
    assert isinstance(at_home.effect, OpenEmergency)
    assert at_home.effect.place.source == "home"


def test_kept_far_away_the_report_is_sent_from_there() -> None:
    """Who says that it is right is believed."""
    kept = turn(turn(TOLD, FAR, KNOWN).draft, Tap("report:k1:keep"), KNOWN)
    sent = turn(kept.draft, Tap("report:k1:confirm"), KNOWN)
    assert isinstance(sent.effect, SubmitReport)
    assert sent.effect.place == Place(*BANGKOK, "pin")
    assert conversation.PIN[0].kind == "location"


# ── In the chat ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def city(town: Session) -> Session:
    """A city around the town."""
    town.execute(CITY)
    return town


def _labels(message: dict[str, Any]) -> list[str]:
    return [item["action"].get("label", "") for item in message["quickReply"]["items"]]


def test_a_pin_in_another_province_is_asked_about_with_its_distance(city: Session, malee: Talker) -> None:
    """The question is kept with the draft, and the pin after it is the place."""
    category = malee.say("ต้นไม้ล้มขวางถนน")[-1]
    malee.tap_label(category, _labels(category)[0])
    (asked,) = malee.pin(*BANGKOK)
    assert "นอกเมืองประมาณ 58" in asked["text"]
    assert "ใช้จุดนี้" in _labels(asked)
    assert city.scalar(sa.select(StoredDraft.data["far"]["source"].as_string())) == "pin"
    (confirm,) = malee.pin(*HERE)
    malee.tap_label(confirm, "ยืนยัน")
    assert city.scalar(sa.select(sa.func.ST_X(Report.place))) == pytest.approx(HERE[0])


def test_a_second_pin_right_after_an_emergencys_far_one_moves_it(city: Session, malee: Talker) -> None:
    """It is never answered as a place of which nobody knows what happened."""
    malee.say("ช่วยด้วย ติดอยู่บนหลังคา")
    answers = malee.pin(*BANGKOK)
    assert any("นอกเมือง" in str(message) for message in answers)
    incident = city.scalars(sa.select(Incident)).one()
    assert city.scalar(sa.select(sa.func.ST_X(Incident.place))) == pytest.approx(BANGKOK[0])
    (moved,) = malee.pin(*HERE)
    assert incident.number in moved["text"]
    assert city.scalar(sa.select(sa.func.ST_X(Incident.place))) == pytest.approx(HERE[0])


def test_a_pin_right_after_a_pinned_report_is_answered_with_how_its_place_is_changed(
    city: Session, malee: Talker
) -> None:
    """Who pins again means the report that was just sent, more likely than something unsaid."""
    category = malee.say("ต้นไม้ล้มขวางถนน")[-1]
    malee.tap_label(category, _labels(category)[0])
    malee.tap_label(malee.pin(*HERE)[0], "ยืนยัน")
    (answer,) = malee.pin(*HERE)
    assert "แก้ตำแหน่ง" in answer["text"]
    assert "ไม่ทราบว่าเกิดอะไรขึ้น" not in answer["text"]
