"""The water at a resident's home, asked on LINE: what is known, with its hour and its doubt, and never an all-clear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from answers import rules, watercards
from answers.hearing import kind_of
from answers.models import Question
from answers.wording import asks_of_water_at_home, beginning
from core import clock
from flood.at_place import Moment, NearGauge, WaterAtPlace
from flood.depths import SpotDepth
from flood.models import FloodRun
from flood.queries import Unknown
from gis.points import LonLat
from incidents.models import Draft, Incident
from residents.models import Home
from sensors.queries import GaugeCard
from tests.answers.conftest import Asker, asker, buttons
from tests.incidents.conftest import add_talker

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
DRY, WET = SpotDepth(0.0, 0.0, 0.0), SpotDepth(0.31, 0.58, 0.9)
GAUGE = GaugeCard(
    station_id=1, datastream_id=1, code="g", name_th="คลองเตย", name_en="Toei canal", kind="gauge",
    place=LonLat(lon=99.96, lat=8.43), trust="real", bank_m_msl=2.0, watch_m_msl=None, warning_m_msl=None,
    danger_m_msl=None, level_m_msl=1.6, observed_at=NOW - timedelta(minutes=5), received_wall_at=NOW, state=0,
    is_stale=False, trend_m_per_h=0.1, qc_flag=1, qc_reason=None, confidence=1.0,
)
CALM = WaterAtPlace(
    now=Moment(NOW - timedelta(minutes=5), DRY, 0),
    ahead=(Moment(NOW + timedelta(hours=1), DRY, 0), Moment(NOW + timedelta(hours=2), DRY, 0)),
    foretold_at=NOW, zone_th="บางกลาง", zone_en="Bang Klang", gauge=NearGauge(GAUGE, 1200.0, False),
)


def _said(found: WaterAtPlace, language: str = "en", where: watercards.Where = "home") -> str:
    return str(watercards.water(found, where, 1, language, now=NOW)["text"])


@pytest.mark.parametrize(
    "text",
    [
        "น้ำจะท่วมบ้านฉันไหม", "น้ำ จะ ท่วม บ้านผมไหมครับ", "น้ำจะถึงบ้านเรากี่โมง", "แถวบ้านน้ำจะท่วมหรือเปล่า",
        "will the water reach my home?", "Will it flood at my house", "when will the flood reach our house",
        "adakah air akan sampai ke rumah saya", "Rumah saya akan banjir?", "ရေက ကျွန်တော့်အိမ်ကို ရောက်မလား",
    ],
)
def test_whether_the_water_comes_home_is_a_question_of_its_own(text: str) -> None:
    """However it is asked, in four languages; it begins no report."""
    assert asks_of_water_at_home(beginning(text))
    assert kind_of(text) == "question"


@pytest.mark.parametrize(
    "text",
    [
        "น้ำท่วมบ้านฉัน", "น้ำท่วมบ้านฉันต้องทำยังไง", "น้ำท่วมบ้านได้เงินเยียวยาไหม", "ขอน้ำประปาเข้าบ้านฉันที่ไหน", "ทำไมน้ำท่วมหน้าบ้าน",
        "น้ำท่วมหน้าบ้านเมื่อไหร่จะมาสูบ", "น้ำจะท่วมตลาดไหม", "can you come to repair the light at my house?",
        "when will you pump the water at my house?", "how do I get water connected to my house?", "รถขยะมาวันไหน",
    ],
)
def test_other_questions_and_reports_are_not_taken_for_it(text: str) -> None:
    """What to do, what it costs, what is broken, and other places stay what they were."""
    assert not asks_of_water_at_home(beginning(text))


def test_dry_is_said_with_its_hour_and_doubt_and_never_as_safe() -> None:
    """A picture without water is an estimate of a time; no chance below five in a hundred is claimed."""
    text = _said(CALM)
    assert "At 09:55 we estimate no water at your registered home, but this can be wrong" in text
    assert "about 5 in 100" in text
    assert "The forecast until 12:00 shows no water there, but it can be wrong" in text
    assert "Zone Bang Klang: no warning now." in text
    assert "Nearest gauge Toei canal (1.2 km) at 09:55: 0.40 m below the bank, rising." in text
    assert "This does not say that you are safe" in text
    assert "1669 · 191 · 199" in text


def test_water_is_said_with_how_deep_at_most_and_when_it_comes() -> None:
    """The first hour and the deepest one, to the next five centimetres upwards; the zone's level too."""
    first = Moment(NOW + timedelta(hours=1), SpotDepth(0.11, 0.3, 0.6), 2)
    text = _said(replace(CALM, ahead=(first, Moment(NOW + timedelta(hours=2), WET, 3))))
    assert "Forecast for 11:00: about 15 cm of water, perhaps up to 30 cm." in text
    assert "Forecast for 12:00: about 35 cm of water, perhaps up to 60 cm." in text
    assert "It may become warning about 11:00." in text
    now = _said(replace(CALM, now=Moment(NOW, WET, 3)))
    assert "At 10:00 we estimate about 35 cm of water at your registered home; it may be up to 60 cm." in now
    assert "Zone Bang Klang: danger now." in now


@pytest.mark.parametrize("why", list(Unknown))
@pytest.mark.parametrize("language", ["th", "en", "ms", "my"])
def test_what_is_not_known_is_said_as_not_known(why: Unknown, language: str) -> None:
    """Each reason has a sentence in each language, with the numbers to call, and none speaks of dry ground."""
    text = _said(replace(CALM, now=Moment(NOW, why, None), ahead=(), foretold_at=None, gauge=None), language)
    assert watercards.say("water-no-forecast", language) in text
    assert watercards.say("water-no-gauge", language) in text
    assert "1669" in text
    assert "100" not in text


def test_no_picture_an_old_one_and_no_zone_are_said() -> None:
    """Before the first picture nothing is known; one of hours ago says nothing of now."""
    nothing = _said(WaterAtPlace(None, (), None, None, None, None))
    assert "We have no picture of the water at your registered home yet, so we do not know." in nothing
    assert "1669 · 191 · 199" in nothing
    old = _said(replace(CALM, now=Moment(NOW - timedelta(hours=3), DRY, 0)))
    assert "Our last picture of the water is old, of 07:00; what is now we do not know." in old
    assert "lies in no zone that we warn for" in _said(replace(CALM, zone_th=None, zone_en=None))


def test_a_gauge_that_is_silent_or_not_believed_gives_no_level() -> None:
    """A level that the picture leaves out is none that a resident should go by."""
    silent = replace(CALM, gauge=NearGauge(replace(GAUGE, is_stale=True), 900.0, False))
    assert "(0.9 km) has been silent since 09:55" in _said(silent)
    doubted = _said(replace(CALM, gauge=NearGauge(GAUGE, 900.0, True)))
    assert "cannot be believed" in doubted
    assert "below the bank" not in doubted


def test_every_sentence_is_there_in_four_languages() -> None:
    """No language falls back to Thai in the middle of an answer, and LINE takes each."""
    wet = replace(CALM, now=Moment(NOW, WET, 1), ahead=(Moment(NOW + timedelta(hours=20), WET, 3),))
    texts = {language: _said(wet, language, "pin") for language in ("th", "en", "ms", "my")}
    assert len(set(texts.values())) == 4
    thai = set(watercards.lines(wet, "pin", "th", now=NOW))
    for language in ("en", "ms", "my"):
        assert not thai & set(watercards.lines(wet, "pin", language, now=NOW))


# ── In the chat ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _homeless(session: Session, number: int = 9, language: str = "th") -> Asker:
    talker = add_talker(session, number, home=None, language=language)
    return Asker(talker.session, talker.resident, talker.line_user_id)


def _draw(session: Session, **about: Any) -> FloodRun:
    at = clock.now()
    run = FloodRun(
        computed_at=at, valid_at=at, computed_wall_at=at, method="no-data", levels={}, wall_s=0.1, confidence=0.0,
        **about,
    )
    session.add(run)
    session.flush()
    return run


def test_without_a_picture_the_numbers_to_call_are_given(malee: Asker) -> None:
    """Nothing is known, and this is said instead of a general article."""
    (message,) = malee.say("น้ำจะท่วมบ้านฉันไหม")
    assert "เรายังไม่มีภาพน้ำ" in message["text"]
    assert "1669 · 191 · 199" in message["text"]
    assert [data.split(":")[1] for data in buttons(message) if data] == ["report", "officer"]
    assert malee.session.scalar(sa.select(Draft)) is None


def test_a_picture_without_gauges_is_no_all_clear(malee: Asker) -> None:
    """A picture that knows no level says that nothing is known."""
    _draw(malee.session)
    (message,) = malee.say("น้ำจะท่วมบ้านฉันไหม")
    assert "ไม่มีสถานีวัดที่ใช้ได้" in message["text"]


def test_who_has_no_home_is_asked_for_a_pin_which_is_not_kept(town: Session) -> None:
    """The pin is answered for this once: it is no home and no report."""
    somchai = _homeless(town, language="en")
    (asked,) = somchai.say("will the water reach my home?")
    assert asked["quickReply"]["items"][0]["action"]["type"] == "location"
    assert "do not keep it" in asked["text"]
    (answered,) = somchai.pin(99.96, 8.43)
    assert "at the place you sent" in answered["text"]
    assert town.scalar(sa.select(sa.func.count()).select_from(Home)) == 0
    assert town.scalar(sa.select(sa.func.count()).select_from(Incident)) == 0


def test_a_pin_much_later_or_after_another_question_is_not_taken_for_it(
    town: Session, frozen_clock: Callable[[datetime], None]
) -> None:
    """A place out of nothing is answered as ever."""
    somchai = _homeless(town, language="en")
    somchai.say("will the water reach my home?")
    frozen_clock(clock.now() + rules.PIN_ANSWERS_FOR + timedelta(minutes=1))
    assert "at the place you sent" not in somchai.pin(99.96, 8.43)[0]["text"]
    other = _homeless(town, 10, "en")
    other.say("will the water reach my home?")
    other.say("when is the office open")
    assert "at the place you sent" not in other.pin(99.96, 8.43)[0]["text"]


def test_a_pin_in_a_report_stays_with_the_report(town: Session) -> None:
    """Who asked of the water and then tells a report pins the report."""
    somchai = _homeless(town)
    somchai.say("น้ำจะท่วมบ้านฉันไหม")
    somchai.say("ต้นไม้ล้มขวางถนน")
    assert "ตรงจุดที่คุณส่งมา" not in somchai.pin(99.96, 8.43)[0]["text"]
    assert town.scalar(sa.select(Draft.data["place"]["source"].as_string())) == "pin"


def test_a_cry_and_a_report_are_never_answered_with_a_picture(malee: Asker) -> None:
    """Water that has come is help or a report, whatever else is asked."""
    assert malee.say("ช่วยด้วย น้ำจะท่วมบ้านฉันแล้วใช่ไหม")[0]["type"] == "flex"
    other = asker(malee.session, 5)
    other.say("น้ำท่วมบ้านฉันถึงเอวแล้ว")
    assert malee.session.scalar(sa.select(sa.func.count()).select_from(Question)) == 0


def test_the_water_is_told_also_while_an_officer_is_asked(malee: Asker) -> None:
    """Whoever waits for an officer is not made to wait for what the system knows."""
    malee.say("ขอคุยกับเจ้าหน้าที่")
    (message,) = malee.say("น้ำจะท่วมบ้านฉันไหม")
    assert "ภาพน้ำ" in message["text"]
