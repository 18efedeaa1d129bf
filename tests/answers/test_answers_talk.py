"""Questions on LINE: answered with their source, never in place of a report, handed to an officer, back once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from answers import handing, queries, talk
from answers.errors import ChangedMeanwhileError, QuestionClosedError, UnfitWordsError
from answers.models import HandOver, OfficerAnswer, Question
from core import clock
from core.words import words
from incidents.models import Draft as ReportDraft
from incidents.models import Incident
from incidents.speaking import Speaker
from line.models import OutboxChunk
from staff.rules import AccountRef
from tests.accounts import add_account
from tests.answers.conftest import NOW, Asker, asker, buttons


def _officer(session: Session, name: str = "pim") -> AccountRef:
    return add_account(session, name, roles=["officer"])


def _draft(session: Session) -> ReportDraft | None:
    return session.scalar(sa.select(ReportDraft))


def _handed(malee: Asker, text: str = "ทำพาสปอร์ตที่ไหนได้บ้าง") -> HandOver:
    (unknown,) = malee.say(text)
    malee.ask_label(unknown, "officer")
    return malee.session.scalars(sa.select(HandOver)).one()


def _answer(session: Session, hand_over_id: int, text: str, *, by: AccountRef) -> OfficerAnswer:
    """The first answer of an officer who has seen every word so far."""
    return handing.answer(
        session, hand_over_id, text=text, after_answer_id=0, after_question_id=10**9, account=by, now=NOW
    )


def _pushes(session: Session) -> list[OutboxChunk]:
    wanted = sa.select(OutboxChunk).where(OutboxChunk.kind == "push").order_by(OutboxChunk.id)
    return list(session.scalars(wanted))


def test_a_question_is_answered_with_its_source_and_date(malee: Asker) -> None:
    """The short answer, from which page of what and when, and the ways on; no report is begun."""
    (message,) = malee.say("เทศบาลเปิดกี่โมงครับ")
    assert "เปิด 08.30-16.30 น." in message["text"]
    assert "คู่มือประชาชน · หน้า 3 · 1 ม.ค. 2569" in message["text"]
    assert "https://manual.example/3" in message["text"]
    verbs = [data.split(":")[1] for data in buttons(message)]
    assert verbs == ["yes", "report", "no", "officer", "more"]
    assert _draft(malee.session) is None
    (more,) = malee.ask_label(message, "more")
    assert "พักเที่ยงมีคนอยู่" in more["text"]


def test_the_answer_is_in_the_residents_language(town: Session) -> None:
    """Who reads English and asks in Thai is answered in English where the article is there in English."""
    (message,) = asker(town, 3, language="en").say("เทศบาลเปิดกี่โมง")
    assert "Open 8:30 to 16:30." in message["text"]


def test_whether_it_helped_is_kept(malee: Asker) -> None:
    """Yes and no are counted for the version that was the answer; no leads to a person."""
    (message,) = malee.say("รถขยะมาวันไหนครับ")
    assert len(malee.ask_label(message, "yes")) == 1
    (sorry,) = malee.ask_label(message, "no")
    assert [data.split(":")[1] for data in buttons(sorry)] == ["officer", "report"]
    question = malee.session.scalars(sa.select(Question)).one()
    assert question.article_version_id is not None
    assert queries.helped_by(malee.session, [question.article_version_id])[question.article_version_id].not_helped == 1


@pytest.mark.parametrize(
    "text", ["น้ำท่วมถนนหน้าบ้าน", "ทำไมรถขยะไม่มาเก็บสามวันแล้ว", "ถังขยะล้นเหม็นมาก ใครมาดูได้บ้าง", "ไฟทางดับหน้าซอย"]
)
def test_a_report_is_never_swallowed(malee: Asker, text: str) -> None:
    """What tells of something wrong begins a report, also where it asks."""
    malee.say(text)
    kept = _draft(malee.session)
    assert kept is not None
    assert kept.data["text"] == text
    assert malee.session.scalar(sa.select(sa.func.count()).select_from(Question)) == 0


def test_what_was_answered_but_meant_as_a_report_becomes_one(malee: Asker) -> None:
    """One tap, and the words begin a report as if they had been sent as such; a second tap begins no second one."""
    (message,) = malee.say("รถขยะมาวันไหนครับ")
    (asked,) = malee.ask_label(message, "report")
    assert "quickReply" in asked
    kept = _draft(malee.session)
    assert kept is not None
    assert kept.data["text"] == "รถขยะมาวันไหนครับ"
    (old,) = malee.ask_label(message, "report")
    assert "คำถามก่อนหน้า" in old["text"]
    assert _draft(malee.session).data["text"] == "รถขยะมาวันไหนครับ"  # type: ignore[union-attr]  # it was there before


@pytest.mark.parametrize("text", ["ช่วยด้วย บ้านไฟไหม้ ต้องทำยังไง", "มีคนจมน้ำ โทรเบอร์อะไร"])
def test_emergency_words_never_land_here(malee: Asker, text: str) -> None:
    """Somebody in danger gets help, however they ask, and while an officer is asked as well."""
    _handed(malee)
    before = malee.session.scalar(sa.select(sa.func.count()).select_from(Question))
    malee.say(text)
    assert malee.session.scalar(sa.select(sa.func.count()).select_from(Question)) == before
    assert malee.session.scalars(sa.select(Incident.category_code)).all() == ["rescue"]


def test_words_of_a_report_that_is_being_told_belong_to_it(malee: Asker) -> None:
    """A question in the middle of a report is part of the report."""
    malee.say("น้ำท่วมถนนหน้าบ้าน")
    malee.say("เทศบาลเปิดกี่โมง")
    assert _draft(malee.session).data["text"].endswith("เทศบาลเปิดกี่โมง")  # type: ignore[union-attr]  # said before


def test_a_plain_report_costs_no_look_into_the_database(
    malee: Asker, counted: Callable[[Callable[[], object]], int]
) -> None:
    """The ordinary way of a report is as cheap as if this room were not there."""
    speaker = Speaker(malee.resident.id, malee.line_user_id, "th", "t", clock.now())
    assert counted(lambda: talk.hear(malee.session, speaker, "น้ำท่วมถนนหน้าบ้าน")) == 0
    assert counted(lambda: talk.hear(malee.session, speaker, "เทศบาลเปิดกี่โมง")) > 0


@pytest.mark.parametrize("text", ["เงินเยียวยาลงทะเบียนที่ไหน", "ทำพาสปอร์ตที่ไหน", "ที่ไหน?", "what?"])
def test_where_no_article_answers_nothing_is_made_up(malee: Asker, text: str) -> None:
    """An expired article, another matter, no matter at all: an officer or a report is offered."""
    (message,) = malee.say(text)
    assert "ที่มา" not in message["text"]
    assert [data.split(":")[1] for data in buttons(message)] == ["officer", "report"]


def test_bad_input_is_answered_like_any(malee: Asker) -> None:
    """100,000 letters, invisible ones and control characters break nothing, and are answered."""
    long = ("เปิดกี่โมง" * 10_000, "ไหม" * 2000)
    for text in (*long, "รถ\u200bขยะ\u200e มาวันไหน", "\u202eไหนวัน\u0000?", "ทำพาสปอร์ต<script>ที่ไหน"):
        assert malee.say(text)
        malee.say("ยกเลิก")


def test_a_question_waits_for_an_officer_and_comes_back_once(
    malee: Asker, frozen_clock: Callable[[datetime], None]
) -> None:
    """The officer's words go out once by the outbox; who writes on, writes to the officer."""
    officer = _officer(malee.session)
    waiting = _handed(malee)
    assert waiting.state == "waiting"
    said = _answer(malee.session, waiting.id, "ที่อำเภอครับ", by=officer)
    (push,) = _pushes(malee.session)
    assert (push.id, push.subject) == (said.chunk_id, f"hand_over:{waiting.id}")
    assert "ที่อำเภอครับ" in push.messages[0]["text"]
    assert "ที่อำเภอครับ".encode() not in bytes(said.text_sealed)
    frozen_clock(NOW + timedelta(minutes=5))
    (added,) = malee.say("ขอบคุณค่ะ แล้วต้องจองคิวไหม")
    assert "ส่งข้อความนี้ถึงเจ้าหน้าที่แล้ว" in added["text"]
    assert malee.session.get_one(HandOver, waiting.id).state == "waiting"
    words = [(line.by, line.words) for line in queries.lines_of(malee.session, waiting.id)]
    assert words == [
        (None, "ทำพาสปอร์ตที่ไหนได้บ้าง"), ("Pim", "ที่อำเภอครับ"), (None, "ขอบคุณค่ะ แล้วต้องจองคิวไหม"),
    ]


def test_who_asked_more_meanwhile_still_waits(malee: Asker) -> None:
    """An officer who had not seen the last words has not answered them, and time does not put them away."""
    waiting = _handed(malee)
    seen = queries.last_question_id(malee.session, waiting.id)
    malee.say("ใช้เอกสารอะไรบ้าง")
    handing.answer(
        malee.session, waiting.id, text="ที่อำเภอ", after_answer_id=0, after_question_id=seen,
        account=_officer(malee.session), now=NOW,
    )
    assert malee.session.get_one(HandOver, waiting.id).state == "waiting"
    assert handing.close_quiet(malee.session, now=NOW + timedelta(days=2)) == 0


def test_thanks_alone_make_no_officer_wait(malee: Asker) -> None:
    """Thanks are answered as ever; a bare yes may be the answer to what the officer asked, and goes there."""
    waiting = _handed(malee)
    _answer(malee.session, waiting.id, "ใช่บ้านเลขที่ 5 ไหม", by=_officer(malee.session))
    malee.say("ขอบคุณมากค่ะ")
    assert malee.session.get_one(HandOver, waiting.id).state == "answered"
    malee.say("ค่ะ")
    assert malee.session.get_one(HandOver, waiting.id).state == "waiting"


def test_an_officer_who_answers_twice_sends_once(malee: Asker) -> None:
    """A double click, or two officers at once: the second is told, and nothing more goes out."""
    first, second = _officer(malee.session), _officer(malee.session, "kong")
    waiting = _handed(malee)
    _answer(malee.session, waiting.id, "ที่อำเภอ", by=first)
    for officer in (first, second):
        with pytest.raises(ChangedMeanwhileError):
            _answer(malee.session, waiting.id, "ที่อำเภอ", by=officer)
    assert len(_pushes(malee.session)) == 1
    assert malee.session.scalar(sa.select(sa.func.count()).select_from(OfficerAnswer)) == 1


@pytest.mark.parametrize("text", ["", " \u200b\u200e ", "ก" * 2001, "ก" * 100_000])
def test_words_that_cannot_be_sent_are_refused(malee: Asker, text: str) -> None:
    """Nothing to read, or more than a message takes, reaches nobody."""
    waiting = _handed(malee)
    with pytest.raises(UnfitWordsError):
        _answer(malee.session, waiting.id, text, by=_officer(malee.session))
    assert _pushes(malee.session) == []


def test_while_it_is_open_a_report_is_still_a_report(malee: Asker) -> None:
    """Words to the officer go there; what tells of something wrong begins a report."""
    _handed(malee)
    malee.say("น้ำท่วมถนนหน้าบ้าน")
    assert _draft(malee.session) is not None


def test_words_to_the_officer_that_were_a_report_become_one(malee: Asker) -> None:
    """Under each word that went to the officer stands the way to a report."""
    _handed(malee)
    (added,) = malee.say("มีอะไรบางอย่างตรงหน้าบ้าน")
    malee.ask_label(added, "report")
    assert _draft(malee.session).data["text"] == "มีอะไรบางอย่างตรงหน้าบ้าน"  # type: ignore[union-attr]  # it begins now


def test_a_bare_cancel_is_no_question(malee: Asker) -> None:
    """Who calls off what is not being told sees where their reports stand, not an article with the word in it."""
    (answer,) = malee.say("ยกเลิก")
    assert answer["text"] == words("incidents", "status-none")
    assert malee.session.scalars(sa.select(Question)).all() == []


def test_asking_for_an_officer_needs_no_question_before(malee: Asker) -> None:
    """Who wants a person gets one."""
    malee.say("ขอคุยกับเจ้าหน้าที่หน่อยค่ะ")
    assert malee.session.scalars(sa.select(HandOver.state)).all() == ["waiting"]


def test_who_is_asked_the_next_thing_of_a_report_may_ask_for_a_person(malee: Asker) -> None:
    """The bare wish goes to an officer and the report waits as it is; words that say more are part of the report."""
    malee.say("ถนนเป็นหลุม")
    malee.say("หลุมลึก คุยกับเจ้าหน้าที่แล้วไม่มีใครมา")
    assert malee.session.scalars(sa.select(HandOver)).all() == []
    (handed,) = malee.say("ขอคุยกับเจ้าหน้าที่หน่อยค่ะ")
    assert malee.session.scalars(sa.select(HandOver.state)).all() == ["waiting"]
    assert [data.split(":")[::2] for data in buttons(handed)] == [["report", "go-on"]]
    draft = _draft(malee.session)
    assert draft is not None
    assert draft.data["text"] == "ถนนเป็นหลุม\nหลุมลึก คุยกับเจ้าหน้าที่แล้วไม่มีใครมา"


def test_asking_twice_waits_once(malee: Asker) -> None:
    """The button pressed again, and a second question, belong to the one conversation."""
    (unknown,) = malee.say("ทำพาสปอร์ตที่ไหนได้บ้าง")
    malee.ask_label(unknown, "officer")
    malee.ask_label(unknown, "officer")
    malee.say("ใช้เอกสารอะไรบ้าง")
    assert malee.session.scalar(sa.select(sa.func.count()).select_from(HandOver)) == 1
    assert malee.session.scalar(sa.select(sa.func.count()).select_from(Question)) == 2


def test_it_closes_a_day_after_the_answer_and_never_before_one(
    malee: Asker, frozen_clock: Callable[[datetime], None]
) -> None:
    """Time closes what was answered; who still waits is not put away."""
    waiting = _handed(malee)
    assert handing.close_quiet(malee.session, now=NOW + timedelta(days=30)) == 0
    _answer(malee.session, waiting.id, "ที่อำเภอ", by=_officer(malee.session))
    assert handing.close_quiet(malee.session, now=NOW + timedelta(hours=23)) == 0
    assert handing.close_quiet(malee.session, now=NOW + timedelta(hours=24)) == 1
    assert malee.session.get_one(HandOver, waiting.id).closed_by == "time"
    with pytest.raises(QuestionClosedError):
        _answer(malee.session, waiting.id, "อีกเรื่อง", by=_officer(malee.session, "x2"))


def test_who_never_had_an_answer_hears_that_it_was_closed(malee: Asker) -> None:
    """An officer's closing without a word is no silence; closing twice tells once."""
    waiting = _handed(malee)
    handing.close(malee.session, waiting.id, by="pim", now=NOW)
    handing.close(malee.session, waiting.id, by="pim", now=NOW)
    assert ["ปิดคำถามนี้แล้ว" in push.messages[0]["text"] for push in _pushes(malee.session)] == [True]


def test_the_resident_closes_their_own_and_nobody_elses(town: Session, malee: Asker) -> None:
    """A button with the number of somebody else's question does nothing to it."""
    waiting = _handed(malee)
    other = asker(town, 9)
    question = town.scalars(sa.select(Question)).one()
    other.ask_tap(f"ask:end:{waiting.id}")
    for verb in ("close", "report", "yes", "officer"):
        other.ask_tap(f"ask:{verb}:{question.id}")
    assert town.get_one(HandOver, waiting.id).state == "waiting"
    assert (question.has_helped, question.has_become_report) == (None, False)
    malee.ask_tap(f"ask:end:{waiting.id}")
    assert town.get_one(HandOver, waiting.id).closed_by == "resident"


@pytest.mark.parametrize(
    "data", ["ask:", "ask:yes", "ask:yes:x", "ask:yes:²", "ask:officer:" + "9" * 40, "ask:::", "ask:end:0"]
)
def test_buttons_of_no_question_break_nothing(malee: Asker, data: str) -> None:
    """What nobody of us made is answered or ignored."""
    malee.ask_tap(data)
    assert malee.session.scalar(sa.select(sa.func.count()).select_from(HandOver)) == 0


def test_who_has_blocked_us_is_not_pushed(malee: Asker) -> None:
    """The answer is kept; nothing is sent where nothing can arrive."""
    waiting = _handed(malee)
    malee.resident.is_reachable = False
    said = _answer(malee.session, waiting.id, "ที่อำเภอ", by=_officer(malee.session))
    assert (said.chunk_id, _pushes(malee.session)) == (None, [])


def test_old_words_go_and_their_count_stays(malee: Asker) -> None:
    """After 90 days a question is a number, and a closed conversation is gone."""
    malee.say("เทศบาลเปิดกี่โมงครับ")
    waiting = _handed(malee)
    handing.close(malee.session, waiting.id, by="pim", now=NOW)
    handing.forget_old_words(malee.session, now=NOW + timedelta(days=91))
    malee.session.expire_all()
    (left,) = malee.session.scalars(sa.select(Question)).all()
    assert (left.text_sealed, left.resident_id) == (None, None)
    assert left.article_version_id is not None
