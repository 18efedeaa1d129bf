"""A report told on LINE, turn by turn, without LINE or a database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incidents import conversation, meanings
from incidents.conversation import (
    AddWords,
    Draft,
    Known,
    MoveIncident,
    OpenEmergency,
    Picture,
    Pin,
    Place,
    SubmitReport,
    Tap,
    Turn,
    Words,
    turn,
)
from tests.incidents.turns import draft_of, keys_of

CODES = tuple(f"c{n}" for n in range(24))
KNOWN = Known(new_key="k1", category_codes=CODES)
AT_HOME = replace(KNOWN, home=Place(100.0, 8.0, "home"))


def test_the_whole_way_from_words_to_report() -> None:
    """Words, category, pin, confirmation: each step asks for what is missing; a picture is asked for with the place."""
    first = turn(None, Words("ถนนพัง", ranked=("c1", "c2", "c3", "c4")), KNOWN)
    assert keys_of(first) == ["ask-category"]
    offered = [choice.label for choice in first.says[0].choices]
    assert offered == ["category:c1", "category:c2", "category:c3", "label-other", "label-cancel"]
    second = turn(first.draft, Tap("report:k1:category:c1"), KNOWN)
    assert keys_of(second) == ["ask-pin"]
    assert [choice.kind for choice in second.says[0].choices] == ["location", "camera", "camera_roll", "postback"]
    third = turn(second.draft, Picture(5), KNOWN)
    assert keys_of(third) == ["ask-pin-only"]
    assert [choice.kind for choice in third.says[0].choices] == ["location", "postback"]
    fourth = turn(third.draft, Pin(100.1, 8.1), KNOWN)
    assert keys_of(fourth) == ["ask-confirm"]
    last = turn(fourth.draft, Tap("report:k1:confirm"), KNOWN)
    assert last.draft is None
    assert SubmitReport("ถนนพัง", "c1", Place(100.1, 8.1, "pin"), (5,)) == last.effect


def test_everything_may_come_early() -> None:
    """A pin before the category is kept, and asked for no more."""
    first = turn(None, Words("ถนนพัง", ranked=("c1",)), KNOWN)
    second = turn(first.draft, Pin(100.1, 8.1), KNOWN)
    assert keys_of(second) == ["ask-category-unknown"]
    assert draft_of(second).place is not None
    third = turn(second.draft, Tap("report:k1:category:c1"), KNOWN)
    assert keys_of(third) == ["ask-confirm"]
    fourth = turn(third.draft, Words("ข้าม"), KNOWN)
    assert keys_of(fourth) == ["ask-confirm"]
    assert draft_of(fourth).text == "ถนนพัง", "skipping is no word of the report"


def test_a_photo_first_asks_for_words() -> None:
    """A picture without words begins a report as well."""
    first = turn(None, Picture(9), KNOWN)
    assert keys_of(first) == ["ask-words-of-photo"]
    second = turn(first.draft, Words("ถนนพัง", ranked=("c1",)), KNOWN)
    third = turn(second.draft, Tap("report:k1:category:c1"), KNOWN)
    assert keys_of(third) == ["ask-pin-only"]


def test_all_24_categories_can_be_reached() -> None:
    """อื่นๆ shows twelve with a way to the next twelve; LINE takes 13 buttons."""
    first = turn(None, Words("อะไรสักอย่าง"), KNOWN)
    page_one = turn(first.draft, Tap("report:k1:more:0"), KNOWN).says[0].choices
    page_two = turn(first.draft, Tap("report:k1:more:1"), KNOWN).says[0].choices
    labels = [c.label for c in (*page_one, *page_two) if c.label.startswith("category:")]
    assert [f"category:{code}" for code in CODES] == labels
    assert len(page_one) <= 13
    assert len(page_two) <= 13


def test_buttons_of_an_earlier_report_do_nothing() -> None:
    """A late tap on an old message neither sends nor changes the report being told."""
    draft = Draft(
        key="k2", step="confirm", text="x", category_code="c1", place=Place(1, 2, "pin")
    )
    found = turn(draft, Tap("report:k1:confirm"), KNOWN)
    assert draft == found.draft
    assert found.effect is None
    assert keys_of(found) == ["old-button"]
    assert keys_of(turn(None, Tap("report:k1:confirm"), KNOWN)) == ["old-button"]


def test_cancelling_forgets_everything() -> None:
    """ยกเลิก ends the conversation at any step, polite or not."""
    first = turn(None, Words("ถนนพัง", ranked=("c1",)), KNOWN)
    assert turn(first.draft, Words("ยกเลิกครับ"), KNOWN).draft is None
    assert turn(first.draft, Tap("report:k1:cancel"), KNOWN).draft is None


def test_an_emergency_with_a_known_home_opens_at_once() -> None:
    """Danger does not wait for a category, a photo or a pin."""
    found = turn(None, Words("ช่วยด้วย", emergency="rescue"), AT_HOME)
    assert OpenEmergency("ช่วยด้วย", "rescue", Place(100.0, 8.0, "home"), ()) == found.effect
    assert found.says[0].is_emergency
    assert keys_of(found) == ["emergency-open-home"]


def test_an_emergency_in_the_middle_of_a_report_keeps_what_was_told() -> None:
    """What was pinned and written before goes with the emergency, behind the cry."""
    draft = Draft(
        key="k1", step="confirm", text="น้ำท่วม", category_code="c1", place=Place(100.2, 8.2, "pin"), photo_ids=(3,)
    )
    found = turn(draft, Words("ช่วยด้วย", emergency="rescue"), AT_HOME)
    assert OpenEmergency("ช่วยด้วย\nน้ำท่วม", "rescue", Place(100.2, 8.2, "pin"), (3,)) == found.effect


def test_an_emergency_without_any_place_asks_for_a_pin_first() -> None:
    """Where nothing is known the card with the numbers asks where; the pin opens the incident."""
    first = turn(None, Words("ช่วยด้วย", emergency="rescue"), KNOWN)
    assert first.effect is None
    assert keys_of(first) == ["emergency-where"]
    assert first.says[0].is_emergency
    second = turn(first.draft, Words("อยู่หลังวัด"), KNOWN)
    third = turn(second.draft, Pin(100.3, 8.3), KNOWN)
    assert OpenEmergency("ช่วยด้วย\nอยู่หลังวัด", "rescue", Place(100.3, 8.3, "pin"), ()) == third.effect


def test_after_an_emergency_a_pin_moves_it_and_words_join_it() -> None:
    """The rescue team gets the better place and the further words, and no second incident is made."""
    draft = Draft(key="k1", step="emergency_pin", text="ช่วยด้วย", category_code="rescue", incident_id=4)
    assert AddWords(4, "มี 3 คน") == turn(draft, Words("มี 3 คน"), AT_HOME).effect
    assert AddWords(4, "ช่วยด้วย") == turn(draft, Words("ช่วยด้วย", emergency="rescue"), AT_HOME).effect
    moved = turn(draft, Pin(100.3, 8.3), AT_HOME)
    assert MoveIncident(4, Place(100.3, 8.3, "pin")) == moved.effect
    assert moved.draft is None


def test_the_help_button_of_an_alert_is_an_emergency() -> None:
    """One tap on an alert card calls the rescue team to the resident's home."""
    found = turn(None, Tap("help:12"), AT_HOME)
    assert isinstance(found.effect, OpenEmergency)
    assert found.effect.category_code == "rescue"


def test_a_place_without_a_report_is_not_ours() -> None:
    """A location sent out of nothing is a home, which the residents' room takes."""
    assert Turn(None) == turn(None, Pin(100.0, 8.0), KNOWN)


def test_a_long_text_is_cut_and_says_so() -> None:
    """What is kept has an end; who writes more is told so once, and asked the question that waits."""
    whole = turn(None, Words("น้ำ" * 1_666), KNOWN)
    assert keys_of(whole) == ["ask-category-unknown"]
    assert len(draft_of(whole).text) == 4_998
    found = turn(draft_of(whole), Words("น้ำ" * 6_000), KNOWN)
    assert keys_of(found) == ["text-cut", "ask-category-unknown"]
    assert len(draft_of(found).text) == conversation.WORDS_KEPT
    again = turn(draft_of(found), Words("ท่วม"), KNOWN)
    assert keys_of(again) == ["ask-category-unknown"]
    assert len(draft_of(again).text) == conversation.WORDS_KEPT


def test_a_cry_for_help_stands_before_what_was_being_told() -> None:
    """Whoever reads the incident, or its one line in a list, reads the cry, however much was written before it."""
    draft = Draft(key="k1", step="category", text="ก" * conversation.WORDS_KEPT)
    opened = turn(draft, Words("ช่วยด้วย ติดอยู่บนหลังคา", emergency="rescue"), AT_HOME).effect
    assert isinstance(opened, OpenEmergency)
    assert opened.text.startswith("ช่วยด้วย ติดอยู่บนหลังคา\nก")
    assert len(opened.text) == conversation.WORDS_KEPT
    waiting = draft_of(turn(draft, Words("ช่วยด้วย", emergency="rescue"), KNOWN))
    told = draft_of(turn(waiting, Words("ชั้นสอง บ้านสีเขียว"), KNOWN))
    assert told.text.endswith("\nชั้นสอง บ้านสีเขียว")


def test_questions_and_small_talk_are_no_reports() -> None:
    """A question about a report and a word of thanks begin none."""
    assert meanings.asks_for_status("สถานะ")
    assert meanings.asks_for_status("ติดตามเรื่อง 2569-000012")
    assert not meanings.asks_for_status("สถานะน้ำในคลองสูงมากจนล้นตลิ่งแล้ว")
    assert meanings.is_small_talk("ขอบคุณค่ะ")
    assert not meanings.can_begin_report("ขอบคุณครับ", ranked=())
    assert meanings.can_begin_report("น้ำท่วมซอย", ranked=())
    assert not meanings.can_begin_report("hello there", ranked=())
    assert meanings.can_begin_report("flood here", ranked=("flooded_road",))
    asides = {"สวัสดีครับ": "help-greeting", "ขอบคุณค่ะ": "help-thanks", "😀🌊🌊": "help-menu", "": "help-menu"}
    assert asides == {text: meanings.aside(text) for text in asides}


@pytest.mark.parametrize(
    ("text", "is_asked"),
    [
        ("ถึงไหนแล้ว", True), ("เสร็จหรือยังคะ", True), ("เรื่องที่แจ้งไปเมื่อวานถึงไหนแล้ว", True), ("ไฟทางที่แจ้งไว้เสร็จหรือยัง", True),
        ("ขอยกเลิกเรื่องที่แจ้ง", True), ("ขอยกเลิก", False), ("ขอแก้ไขเรื่องที่แจ้งค่ะ", True),
        ("2569-000007", True), ("๒๕๖๙-๐๐๐๐๐๗", True), ("เลขที่ 2569-000007", True), ("cancel my report", True),
        ("น้ำท่วมถึงไหนแล้ว", False), ("ถนนซ่อมเสร็จหรือยัง", False), ("ขอยกเลิกเสาไฟต้นนี้ ล้มแล้ว", False),
        ("เรื่องน้ำท่วมซอย 3 " * 6 + "เสร็จหรือยัง", False), ("0812345678", False),
    ],
)  # fmt: skip
def test_what_asks_of_a_report_begins_none(text: str, is_asked: bool) -> None:
    """Typed as people type it: where it stands, that it be changed, its bare number. The water is no report."""
    assert meanings.asks_for_status(text) == is_asked


@pytest.mark.parametrize("text", ["เมนู", "วิธีใช้ครับ", "เบอร์ฉุกเฉิน", "help"])
def test_a_call_for_the_menu_is_answered_with_what_can_be_written(text: str) -> None:
    """On a computer LINE shows no menu; its words begin no report."""
    assert not meanings.can_begin_report(text, ranked=("c1",))
    assert meanings.aside(text) == "help-menu"


@pytest.mark.parametrize("text", ["ขอบคุณค่ะ", "สวัสดี", "เมนู"])
def test_small_talk_adds_nothing_to_a_report(text: str) -> None:
    """Who thanks between two questions is asked the one that waits; the officer reads only what has happened."""
    draft = Draft(key="k1", step="category", text="ถนนเป็นหลุม")
    found = turn(draft, Words(text, ranked=("c1",)), KNOWN)
    assert keys_of(found) == ["ask-category"]
    assert draft_of(found).text == draft.text


def test_home_in_words_is_the_button() -> None:
    """Who is asked where and writes that it is at home is believed, where the city knows the home."""
    draft = Draft(key="k1", step="pin", text="น้ำท่วม", category_code="c1")
    assert draft_of(turn(draft, Words("ที่บ้านค่ะ"), AT_HOME)).place == AT_HOME.home
    assert draft_of(turn(draft, Words("ที่บ้านค่ะ"), KNOWN)).place is None


TOLD = Place(100.1, 8.1, "words", 200.0)


def test_a_place_that_the_words_name_is_shown_with_the_way_to_a_better_one() -> None:
    """Who wrote where it is need not send a pin, but can: the confirmation offers it."""
    known = replace(KNOWN, told=TOLD)
    draft = Draft(key="k1", step="pin", text="น้ำท่วมวัดสวนป่าน", category_code="c1")
    found = turn(draft, Words("ข้าม"), known)
    assert keys_of(found) == ["ask-confirm"]
    assert draft_of(found).place == TOLD
    assert [choice.kind for choice in found.says[0].choices] == [
        "postback", "location", "camera", "camera_roll", "postback", "postback",
    ]  # fmt: skip


def test_words_never_take_the_place_of_a_pin() -> None:
    """A pin that a person placed stays, whatever the text names before or after it."""
    known = replace(KNOWN, told=TOLD)
    pinned = Draft(key="k1", step="confirm", text="x", category_code="c1",
                   place=Place(100.2, 8.2, "pin"))  # fmt: skip
    assert draft_of(turn(pinned, Words("ตรงวัดสวนป่าน"), known)).place == pinned.place
    named = replace(pinned, place=TOLD)
    assert draft_of(turn(named, Pin(100.3, 8.3), known)).place == Place(100.3, 8.3, "pin")


def test_an_emergency_opens_where_the_words_say() -> None:
    """Without a pin the named place is better than none and than home, and the pin is still asked for."""
    known = replace(AT_HOME, told=TOLD)
    found = turn(None, Words("ช่วยด้วย วัดสวนป่าน", emergency="rescue"), known)
    assert isinstance(found.effect, OpenEmergency)
    assert found.effect.place == TOLD
    assert keys_of(found) == ["emergency-open-words"]
    pinned = replace(known, recent_pin=Place(100.3, 8.3, "recent_pin"))
    opened = turn(None, Words("ช่วยด้วย วัดสวนป่าน", emergency="rescue"), pinned).effect
    assert isinstance(opened, OpenEmergency)
    assert opened.place == pinned.recent_pin


def test_an_answer_in_words_to_where_opens_the_emergency() -> None:
    """Who cannot send a pin writes where they are, and help is called at once."""
    waiting = turn(None, Words("ช่วยด้วย", emergency="rescue"), KNOWN).draft
    found = turn(waiting, Words("วัดสวนป่าน"), replace(KNOWN, told=TOLD))
    assert isinstance(found.effect, OpenEmergency)
    assert found.effect.place == TOLD
