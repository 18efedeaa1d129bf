"""The same incident or another: decided from kind, place, time, words and reporter, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import catalogue, likeness, scales, wording
from incidents.likeness import Candidate, Judgement, Kind, Offset, Telling

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SCALES = scales.shipped()
KINDS = {
    one.code: Kind(one.code, one.group, one.tier, one.join_radius_m) for one in catalogue.shipped().file.category
}
PIN_M = likeness.uncertainty_m("pin", None)


def _open(
    category: str, text: str = "", *, distance_m: float = 0.0, hours: float = 0.2, number: int = 7, own: bool = False,
    doubt_m: float = PIN_M, twins: Sequence[int] = (),
) -> Candidate:
    last_report_at = NOW - timedelta(hours=hours)
    texts = (text,) if text else ()
    return Candidate(number, KINDS[category], distance_m, doubt_m, last_report_at, texts, own, frozenset(twins))


def _judge(category: str, text: str, *candidates: Candidate, doubt_m: float = PIN_M) -> Judgement:
    words = next(tuple(one.words) for one in catalogue.shipped().file.category if one.code == category)
    return likeness.judge(Telling(KINDS[category], doubt_m, text, NOW, words), candidates, scales=SCALES)


def _is_same(category: str, text: str, *candidates: Candidate) -> bool:
    return _judge(category, text, *candidates).same is not None


@given(distance_m=st.floats(0, 60), minutes=st.floats(0, 60))
def test_reports_of_a_flooded_street_within_60_m_and_an_hour_describe_one_flood(
    distance_m: float, minutes: float
) -> None:
    """With nothing else about, near in space and time is the same flood."""
    assert _is_same("flooded_road", "น้ำท่วม", _open("flooded_road", "น้ำท่วม", distance_m=distance_m, hours=minutes / 60))


@given(distance_m=st.floats(80.01 + 2 * 2**0.5 * PIN_M, 5000), minutes=st.floats(0, 60))
def test_reports_beyond_the_radius_and_the_doubt_of_both_pins_never_join(distance_m: float, minutes: float) -> None:
    """The category's own radius, and twice the doubt of both places, is the end, whatever the words say."""
    text = "น้ำท่วมหน้าตลาดสดซอย 5"
    assert not _is_same("flooded_road", text, _open("flooded_road", text, distance_m=distance_m, hours=minutes / 60))


@pytest.mark.parametrize(
    ("category", "hours", "is_same"),
    [("road", 24 * 10, True), ("flooded_road", 2, True), ("flooded_road", 24, False), ("noise", 24 * 6, False)],
)
def test_time_has_a_scale_for_each_kind(category: str, hours: float, is_same: bool) -> None:
    """A hole in the road is there for weeks, a flood for hours, noise for a night."""
    assert _is_same(category, "", _open(category, hours=hours)) is is_same


def test_two_holes_40_m_apart_are_shown_to_an_officer() -> None:
    """Too far for two pins on one hole, too near to be sure: a new incident with a link."""
    judgement = _judge("road", "ถนนเป็นหลุม", _open("road", "ถนนเป็นหลุม", distance_m=40))
    assert judgement.same is None
    assert [one.incident_id for one in judgement.perhaps] == [7]


@pytest.mark.parametrize("text", ["มีหลุมอีกหลุม", "คนละจุดกับที่แจ้งไปแล้ว ถนนเป็นหลุม", "another one further on, pothole"])
def test_who_says_that_it_is_another_is_believed(text: str) -> None:
    """"Another one, further on" opens an incident of its own, even beside the first and from the same person."""
    assert not _is_same("road", text, _open("road", "ถนนเป็นหลุม", distance_m=12, own=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ถนนเป็นหลุม ซอย 5", "ถนนเป็นหลุม ซอย 7"),
        ("ไฟดับ เสาไฟหมายเลข 12", "ไฟดับ เสาไฟหมายเลข 31"),
        ("ถนนทรุด กม. 12", "ถนนทรุด กม. 14"),
    ],
)
def test_numbers_that_contradict_one_another_keep_reports_apart(one: str, other: str) -> None:
    """Another soi, pole or kilometre is another place, whatever the pins say."""
    category = "power_line" if "ไฟ" in one else "road"
    assert not _is_same(category, one, _open(category, other, distance_m=20))
    assert _is_same(category, one, _open(category, one, distance_m=20))


def test_thai_digits_tones_and_spaces_do_not_matter() -> None:
    """The same place, spelt by another hand."""
    same = _open("road", "ถนนเป็นหลุมใหญ่ หน้าร้านกาแฟชาวดอย ซอย ๕", distance_m=45)
    assert _is_same("road", "หลุมใหญ่ หน้ารานกาแฟชาวดอย ซอย5", same)


def test_words_that_everybody_writes_prove_nothing() -> None:
    """"Please help, hole in the road" is said of every hole."""
    asked = _judge("road", "รบกวนช่วยดูหน่อยครับ ถนนเป็นหลุม", _open("road", "รบกวนช่วยดูหน่อยค่ะ ถนนเป็นหลุม", distance_m=60))
    assert asked.same is None


def test_another_category_for_the_same_thing_still_joins() -> None:
    """A cover of a drain is reported as footpath, as road and as drain."""
    cover = _open("drain", "ฝาท่อแตก หน้าธนาคารออมสิน", distance_m=15, hours=30)
    assert _is_same("footpath", "ฝาท่อแตกหน้าธนาคารออมสิน", cover)


def test_unrelated_kinds_never_join() -> None:
    """A fallen tree is no noise, however near."""
    assert _judge("fallen_tree", "หน้าวัด", _open("noise", "หน้าวัด")) == Judgement(None, ())


@given(distance_m=st.floats(0, 30), minutes=st.floats(0, 30))
def test_two_households_in_danger_are_two_incidents(distance_m: float, minutes: float) -> None:
    """Calls for help that say nothing of whom are never taken for one; the officer sees that they may be."""
    calls = _open("rescue", "ช่วยด้วย น้ำท่วมสูง ออกไม่ได้", distance_m=distance_m, hours=minutes / 60)
    judgement = _judge("rescue", "ช่วยด้วย ติดอยู่ในบ้าน น้ำท่วม", calls)
    assert judgement.same is None
    assert [one.incident_id for one in judgement.perhaps] == [7]


def test_the_same_words_at_the_same_door_are_one_rescue() -> None:
    """Two callers, one grandmother."""
    text = "ช่วยด้วย คุณยายสมศรีนอนติดเตียง บ้านเลขที่ 12/3"
    assert _is_same("rescue", text, _open("rescue", "บ้านเลขที่ 12/3 คุณยายสมศรีนอนติดเตียง ออกไม่ได้", distance_m=12))
    assert not _is_same("rescue", text, _open("rescue", "คุณยายสมศรีนอนติดเตียง บ้านเลขที่ 12/5", distance_m=12))


def test_who_calls_for_help_again_is_counted_and_never_lost() -> None:
    """The same person's next cry joins the first; one about another house does not."""
    assert _is_same("rescue", "ช่วยด้วย น้ำขึ้นอีกแล้ว", _open("rescue", "ช่วยด้วย", distance_m=15, own=True))
    vague_m = likeness.uncertainty_m("words", 300.0)
    again = _open("rescue", "ช่วยด้วย", hours=0.7, own=True, doubt_m=vague_m)
    assert _judge("rescue", "ช่วยด้วย", again, doubt_m=vague_m).same is not None
    assert not _is_same("rescue", "อีกบ้านหนึ่ง ยายแก่ติดอยู่", _open("rescue", "ช่วยด้วย", distance_m=15, own=True))


def test_a_cry_for_life_never_goes_under_in_a_lesser_incident() -> None:
    """A live wire at a dark lamp: a new incident, shown beside the other."""
    text = "สายไฟขาดหน้าเซเว่น ไฟดูดคน"
    judgement = _judge("electric_danger", text, _open("power_line", text, distance_m=3))
    assert judgement.same is None
    assert [one.incident_id for one in judgement.perhaps] == [7]


def test_among_many_of_a_kind_nearness_says_little() -> None:
    """In a storm six floods lie within 100 m: which one is meant must be said."""
    storm = [_open("flooded_road", "น้ำท่วม", distance_m=40 + 10 * n, number=n) for n in range(6)]
    assert _judge("flooded_road", "น้ำท่วม", *storm).same is None
    storm[3] = _open("flooded_road", "น้ำท่วมหน้าร้านก๋วยเตี๋ยวป้าแดง รถเก๋งสีขาวจม", distance_m=45, number=3)
    chosen = _judge("flooded_road", "หน้าร้านก๋วยเตี๋ยวป้าแดง น้ำท่วม มีรถเก๋งสีขาวจม", *storm).same
    assert chosen is not None
    assert chosen.incident_id == 3


def test_two_halves_of_one_incident_do_not_make_doubt() -> None:
    """Incidents that are perhaps the same count together; taken apart by an officer they do not."""
    halves = [_open("road", distance_m=5, number=1, twins=[2]), _open("road", distance_m=6, number=2, twins=[1])]
    apart = [_open("road", distance_m=5, number=1), _open("road", distance_m=6, number=2)]
    assert _is_same("road", "", *halves)
    assert not _is_same("road", "", *apart)


def test_a_place_in_words_is_less_than_a_pin() -> None:
    """60 m are far for a pin on a hole, and nothing for the name of a market."""
    hole = _open("road", "หลุมใหญ่ หน้าตลาดสดท่าม้า", distance_m=70, hours=1)
    assert _judge("road", "หลุมหน้าตลาดสดท่าม้า", hole, doubt_m=likeness.uncertainty_m("words", 200.0)).same is not None
    assert _judge("road", "ถนนเป็นหลุม", hole).same is None


def test_the_score_shows_its_terms_and_is_a_share() -> None:
    """Each term is named, and the likelihoods of all incidents and of a new one make one."""
    holes = [_open("road", "หลุม", distance_m=10 * number, number=number) for number in (1, 3)]
    found = _judge("road", "หลุม", *holes)
    shown = [*([found.same] if found.same else []), *found.perhaps]
    assert shown
    assert sum(one.score for one in shown) <= 1
    assert {"expected", "kind", "place", "crowd", "time"} <= {name for name, _ in shown[0].terms}


def test_several_reports_place_an_incident_better() -> None:
    """Three pins around a hole say where it is; a vague one among them says little."""
    middle = likeness.middle([Offset(0, 0, 10), Offset(20, 0, 10), Offset(500, 0, 250)])
    assert middle.east_m == pytest.approx(10, abs=1)
    assert middle.uncertainty_m < 10
    with pytest.raises(ValueError, match="no place"):
        likeness.middle([])


@given(text=st.text(max_size=300), other=st.text(max_size=300))
def test_any_two_texts_can_be_compared(text: str, other: str) -> None:
    """Zero-width letters, other scripts, emptiness: there is always an answer."""
    judgement = _judge("road", text, _open("road", other))
    found = [*([judgement.same] if judgement.same else []), *judgement.perhaps]
    assert all(0 <= one.score <= 1 for one in found)


def test_a_text_of_100_000_letters_costs_no_more_than_its_beginning() -> None:
    """What is compared, and remembered, is the beginning."""
    text = "ถนนเป็นหลุม หน้าวัดโพธิ์ " * 4000
    assert _is_same("road", text, _open("road", text, distance_m=10))
    assert wording.wording(text, SCALES.vocabulary) == wording.wording(text[: wording.MOST_LETTERS], SCALES.vocabulary)
