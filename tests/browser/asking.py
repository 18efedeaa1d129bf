"""A resident asks and is answered: by an article, by an officer, and by what the officer made of the article."""

from __future__ import annotations

import phones
from following import Person, introduce
from house import House
from playwright.sync_api import Locator, Page, expect
from screens import DESK, PATIENCE_MS, PHONE, Screen, Screens

ASKER = Person("U" + "7c" * 16, "มาลี ถามไว", "สำนักงานเปิดวันไหนบ้าง", has_picture=False)
TITLE, AT_FIRST, NOW = "เวลาทำการของสำนักงานเทศบาล", "08.30-16.30 น.", "เปิดทุกวัน 08.00-18.00 น. ช่วงน้ำท่วม"
# The map beside the question is drawn in software, and nobody looks at it.
SMALL_DESK = {**DESK, "width": 1000, "height": 560}
OFFICERS_WORDS = "วันเสาร์นี้เปิดครึ่งวันเช้าค่ะ"


def _last_said(page: Page, words: str) -> Locator:
    """The newest message that holds these words, once it has come."""
    message = page.get_by_test_id("phone-message").filter(has_text=words).last
    expect(message).to_be_visible(timeout=PATIENCE_MS)
    return message


def _ask(page: Page) -> None:
    page.get_by_test_id("phone-input").fill(ASKER.words)
    page.get_by_test_id("phone-send").click()


def _is_cited(answer: Locator) -> None:
    """Who reads it sees from which document it is, of which day, and that this city is made up."""
    for part in (TITLE, "ที่มา:", "หน้า 3", "256"):
        expect(answer).to_contain_text(part)


def _answer_at_the_desk(page: Page) -> None:
    """The question is opened from the list, answered and closed."""
    page.get_by_test_id("mode-questions").click()
    page.get_by_test_id("question-row").filter(has_text=ASKER.words).first.click()
    expect(page.get_by_test_id("question-lines")).to_contain_text(ASKER.words, timeout=PATIENCE_MS)
    page.get_by_test_id("question-text").fill(OFFICERS_WORDS)
    page.get_by_test_id("question-text").press("Control+Enter")
    expect(page.get_by_test_id("question-lines")).to_contain_text(OFFICERS_WORDS, timeout=PATIENCE_MS)


def _rewrite(page: Page) -> None:
    """The article has another answer from now on."""
    page.get_by_test_id("question-close").click()
    page.get_by_test_id("questions-articles").click()
    page.get_by_test_id("article-row").filter(has_text=TITLE).first.click()
    page.get_by_test_id("article-short").fill(NOW)
    page.get_by_test_id("article-save").click()
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=PATIENCE_MS)


def ask_and_be_answered(running: House, screens: Screens, *, password: str) -> None:
    """On the phone and at the desk, from the first question to the answer of the new version."""
    introduce(running, ASKER)
    resident: Screen = screens.new("asker", PHONE)
    page = resident.open("/phone")
    page.get_by_test_id("phone-user-search").fill(ASKER.user_id)
    page.locator(f"[data-user='{ASKER.user_id}']").click()
    _ask(page)
    _is_cited(_last_said(page, AT_FIRST))
    phones.tap(page, "ไม่ใช่เรื่องที่ถาม")
    _last_said(page, "ให้เจ้าหน้าที่ตอบไหม")
    phones.tap(page, "ถามเจ้าหน้าที่")
    _last_said(page, "ส่งคำถามถึงเจ้าหน้าที่แล้ว")
    officer = screens.new("answering officer", SMALL_DESK)
    officer.sign_in("/", "admin", password)
    _answer_at_the_desk(officer.page)
    _last_said(page, OFFICERS_WORDS)
    _rewrite(officer.page)
    officer.close()
    _ask(page)
    _is_cited(_last_said(page, NOW))
    resident.close()
