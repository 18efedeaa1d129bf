"""What Traffy sends is read tolerantly: each of its traps by itself. All rows here are simulated."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.exchange import traffy
from incidents.exchange.questions import Question, check_answers, read_questions

ROW: dict[str, Any] = {
    "ticket_id": "2026-B9WGC7", "type": "ทางเท้า", "organization": "เทศบาล, กรมทาง", "description": "แผ่นพื้นหลุด",
    "photo": "https://bucket.example/a.jpeg", "latitude": 8.43, "longitude": 99.96, "address": "ถนนราชดำเนิน",
    "timestamp": "2026-08-20 22:25:37.433959", "photo_after": "https://bucket.example/traffy_public_bucket/",
    "org_finished": "กรมทาง", "status": "ส่งต่อ(ใหม่)", "confirmed": "", "star": 0, "count_reopen": 0,
    "last_activity": "2026-09-09 14:38:19.663501",
}


def _read(**changes: Any) -> traffy.Issue:
    issue, findings = traffy.read_issue({**ROW, **changes})
    assert issue is not None
    assert findings == ()
    return issue


def test_http_200_with_fail_is_a_failure_and_its_reason_is_known() -> None:
    """An expired token, a used-up quota and an answer that is none are told apart."""
    expired = traffy.read_envelope({"status": "fail", "message": "This token has expired | หมดอายุ", "results": []})
    empty = traffy.read_envelope({"status": "fail", "message": "Running out of API usage quota", "credit_balance": 0})
    assert (expired.is_success, expired.says_expired, expired.says_no_quota) == (False, True, False)
    assert (empty.says_no_quota, empty.credit) == (True, 0)
    for wrong in (None, [], "ok", {"status": "ok"}, {}):
        assert not traffy.read_envelope(wrong).is_success
    assert traffy.read_envelope({"status": "warning", "results": [1]}).is_success


@pytest.mark.parametrize("exec_time", ["14.128s", 14.128, "14.128"])
def test_times_of_calls_are_numbers_and_texts(exec_time: Any) -> None:
    """14.128 and "14.128s" both parse."""
    assert traffy.read_envelope({"status": "success", "exec_time": exec_time}).exec_s == 14.128


def test_pictures_are_a_text_a_list_or_none() -> None:
    """A bare bucket address is no picture; neither is http nor a script."""
    link = "https://bucket.example/a.jpeg"
    assert _read(photo=link).photos == _read(photo=[link]).photos == _read(photo=[{"url": link}]).photos == (link,)
    for nothing in (None, "", [], "https://bucket.example/", ["javascript:alert(1)"], 7, ["http://x.example/a.jpg"]):
        assert _read(photo=nothing).photos == ()
    assert _read().photos_after == ()


def test_no_stars_and_zero_stars_are_both_unrated() -> None:
    """1 to 5 are ratings."""
    assert [_read(star=star).star for star in (None, 0, "0", "", 5, "4")] == [None, None, None, None, 5, 4]


def test_organisations_are_one_text_and_confirmed_may_be_empty() -> None:
    """Joined by commas; an empty cell of the CSV is not confirmed."""
    assert _read().organisations == ("เทศบาล", "กรมทาง")
    assert [_read(confirmed=said).is_confirmed for said in ("", None, False, "false", True, "true")] == [
        False, False, False, False, True, True
    ]


def test_the_same_report_from_both_interfaces_has_one_time_and_one_place() -> None:
    """The exchange tells UTC+7 without a zone, the share API UTC: they must not differ by seven hours."""
    shared, findings = traffy.read_shared(
        {
            "ticket_id": "2026-B9WGC7", "coords": ["99.96", "8.43"], "timestamp": "2026-08-20 15:25:37.433959+00",
            "state": "รอรับเรื่อง", "problem_type_abdul": ["ทางเท้า"], "org": "เทศบาล",
        }
    )
    assert (findings, shared is not None) == ((), True)
    assert shared is not None
    issue = _read()
    assert shared.reported_at == issue.reported_at == datetime(2026, 8, 20, 15, 25, 37, 433959, tzinfo=UTC)
    assert shared.place == issue.place
    assert shared.kind == issue.kind


def test_exactly_five_thousand_rows_are_a_cut_list() -> None:
    """There is no cursor: who gets 5,000 rows does not know what is missing."""
    assert traffy.read_issues([ROW] * 5_000)[2] is True
    assert traffy.read_issues([ROW] * 4_999)[2] is False
    assert traffy.read_issues({"no": "list"}) == ([], [], False)


def test_states_and_kinds_have_our_names_or_none() -> None:
    """An organisation's own state is no state of ours; an unknown kind is `other`."""
    assert _read(status="เสร็จสิ้น").state == "done"
    assert _read(status="จัดทำนโยบาย").state is None
    names = {"ถนน": "road", "road surface": "road"}
    assert [traffy.category_of(kind, names=names) for kind in ("ถนน", "Road surface", "แสงสว่าง", "ยานอวกาศ")] == [
        "road", "road", "street_light", "other"
    ]


def test_a_time_goes_out_as_it_comes_in() -> None:
    """Thai time without a zone, to the microsecond."""
    moment = datetime(2026, 8, 20, 15, 25, 37, 433959, tzinfo=UTC)
    assert traffy.said_time(moment) == "2026-08-20 22:25:37.433959"
    assert traffy.read_time(traffy.said_time(moment)) == moment


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(row=st.dictionaries(st.sampled_from(sorted({*ROW, "event", "coords", "note", "org"})), _anything))
def test_whatever_comes_is_read_or_refused_and_never_breaks(row: dict[str, Any]) -> None:
    """Fields that change their type, rows that are none: a finding, no fault."""
    traffy.read_issue(row)
    traffy.read_shared(row)
    traffy.read_envelope(row)
    for method in ("POST", "PATCH"):
        traffy.read_hook(method, row)


def test_new_tickets_and_chats_differ_by_one_key() -> None:
    """PATCH is a state; POST with `event` is a word, without it a ticket."""
    assert isinstance(traffy.read_hook("POST", ROW)[0], traffy.Issue)
    chat = {"event": "chat", "message_comment_id": 2115334, "ticket_id": "T", "comment": "ขอบคุณ"}
    assert isinstance(traffy.read_hook("POST", chat)[0], traffy.ChatNews)
    patch = {"ticket_id": "T", "timestamp": "2026-08-31 11:30:00.000000", "status": "เสร็จสิ้น", "note": "แล้ว"}
    news, _ = traffy.read_hook("PATCH", patch)
    assert isinstance(news, traffy.StatusNews)
    assert news.at == datetime(2026, 8, 31, 4, 30, tzinfo=UTC)


@given(
    answers=st.dictionaries(
        st.sampled_from(["n", "t", "l", "d"]), st.lists(st.text(max_size=20), max_size=3), max_size=4
    )
)
def test_answers_are_usable_or_found_out(answers: dict[str, list[str]]) -> None:
    """Whatever is sent as an attribute: what is kept is of its datatype."""
    questions = read_questions(
        [
            {"code": "n", "datatype": "number", "th": "ก", "en": "a"},
            {"code": "t", "datatype": "string", "th": "ก", "en": "a", "required": True},
            {"code": "l", "datatype": "singlevaluelist", "th": "ก", "en": "a",
             "values": [{"key": "x", "th": "ก", "en": "a"}]},
            {"code": "d", "datatype": "datetime", "th": "ก", "en": "a"},
        ]
    )
    judged = check_answers(questions, answers)
    for number in judged.given.get("n", ()):
        float(number)
    assert judged.given.get("l", ["x"]) == ["x"]
    assert "t" in judged.given or judged.findings


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "a", "th": "", "en": "", "required": True},
        {"code": "a", "datatype": "singlevaluelist", "th": "", "en": ""},
        {"code": "a", "datatype": "text", "th": "", "en": "", "values": [{"key": "x", "th": "", "en": ""}]},
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(wrong: dict[str, Any]) -> None:
    """A list without values, values without a list, what only tells and yet is required."""
    with pytest.raises(ValueError, match="a"):
        Question.model_validate(wrong)
