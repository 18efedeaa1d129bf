"""A person's questions: in their copy, and gone after an erasure, out of articles too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from answers import actions, handing, queries
from answers.errors import ChangedMeanwhileError
from answers.index import Keeper
from answers.models import ArticleVersion, HandOver, Question
from answers.personal import questions_of
from answers.wording import terms_of
from api import export_page
from core import clock
from core.db import transaction
from residents.models import Resident
from tests.accounts import add_account
from tests.answers.conftest import draft, write_articles
from tests.incidents.conftest import fill_town
from tests.residents.told import HOME, ME, NAME, PHONE, RAW, WORDS, House
from tests.residents.whole_house import traces


@pytest.fixture
def house(database: sa.Engine, frozen_clock: Callable[[datetime], None]) -> House:
    """A house in which ME asked something, an officer answered, and made an article of it with the name in it."""
    with transaction() as session:
        fill_town(session)
        write_articles(session)
    house = House()
    house.send(ME, {"type": "follow", "follow": {"isUnblocked": False}})
    house.say(ME, "เทศบาลเปิดกี่โมงครับ")
    house.say(ME, f"ขอคุยกับเจ้าหน้าที่ {NAME}")
    house.say(ME, f"ทำพาสปอร์ตที่ไหน ฉันชื่อ {NAME} โทร {PHONE}")
    with transaction() as session:
        officer = add_account(session, "pim", roles=["officer"])
        waiting = session.scalars(sa.select(HandOver)).one()
        handing.answer(
            session, waiting.id, text=f"คุณ {NAME} ไปที่อำเภอ", after_answer_id=0, after_question_id=10**9,
            account=officer, now=clock.now(),
        )
        said = replace(draft(f"ทำพาสปอร์ต ({NAME})", "ที่อำเภอ", f"{NAME} ถาม"), body=f"โทร {PHONE}")
        actions.write_new(session, code="passport", language="th", draft=said, by="pim", now=clock.now())
        session.execute(sa.update(Resident).values(name_sealed=_sealed(NAME), phone_sealed=_sealed(PHONE)))
    return house


def _sealed(text: str) -> bytes:
    from core import sealing

    return sealing.seal(text)


def _found(session: Session) -> list[str]:
    return traces(session, words=WORDS, raw=RAW, lon=HOME.lon, lat=HOME.lat)


def test_the_copy_holds_what_was_asked_and_answered(house: House) -> None:
    """In the order in which it was said, with the article that answered; the page can show it."""
    with transaction() as session:
        resident = session.scalars(sa.select(Resident)).one()
        mine = questions_of(session, resident.id)
        whole = export_page.everything(session, resident)
    assert [(one.by_officer, one.article) for one in mine] == [
        (False, "เวลาทำการของเทศบาล"), (False, None), (False, None), (True, None),
    ]
    assert [one["text"] for one in whole["questions"]] == [one.words for one in mine]
    for language in ("th", "en", "ms", "my"):
        assert "ไปที่อำเภอ" in export_page.as_html(whole, language=language, token="x")


def test_after_an_erasure_nothing_of_it_is_found(house: House) -> None:
    """No question, no answer, no article names the person; the article's count stays."""
    with transaction() as session:
        before = {found.split(".")[1].strip('"') for found in _found(session)}
    assert before >= {"question", "officer_answer", "article_version"}
    house.say(ME, "ลบข้อมูล")
    house.tap(ME, "me:erase-yes")
    house.send_outbox()
    with transaction() as session:
        assert _found(session) == []
        assert session.scalars(sa.select(HandOver)).all() == []
        counted = sa.select(sa.func.count()).where(Question.article_version_id.is_not(None))
        assert session.scalar(counted) == 1
        assert session.scalar(sa.select(ArticleVersion.title).order_by(ArticleVersion.id.desc())) == "ทำพาสปอร์ต ([…])"


def test_a_running_process_forgets_the_name_with_the_next_question(house: House) -> None:
    """What is kept in memory to find articles is read anew after an erasure, with no term of the former words left."""
    keeper, day = Keeper(), clock.now().date()
    named = set(terms_of(NAME))
    with transaction() as session:
        assert keeper.base(session, today=day).search(NAME)
    assert named & _terms_in_memory(keeper) == named
    house.say(ME, "ลบข้อมูล")
    house.tap(ME, "me:erase-yes")
    with transaction() as session:
        assert keeper.base(session, today=day).search(NAME) == []
        newest = session.scalars(sa.select(ArticleVersion).order_by(ArticleVersion.id.desc()).limit(1)).one()
        assert (newest.number, newest.made_by) == (2, "erasure:")
    assert named & _terms_in_memory(keeper) == set()


def _terms_in_memory(keeper: Keeper) -> set[str]:
    return set(keeper._vocabulary._numbers)


def test_who_was_writing_an_article_reads_it_again_after_an_erasure(house: House) -> None:
    """An officer's form still holds the name: it is not written back."""
    with transaction() as session:
        article = queries.article_of(session, code="passport", language="th")
        assert article is not None
        before = queries.article(session, article.id).version
        form, number, article_id = actions.draft_of(before), before.number, article.id
    house.say(ME, "ลบข้อมูล")
    house.tap(ME, "me:erase-yes")
    with transaction() as session, pytest.raises(ChangedMeanwhileError):
        actions.rewrite(session, article_id, draft=form, based_on=number, by="pim", now=clock.now())
