"""A resident's own page on a phone: opened by LINE's word, four languages, keys alone, day and night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from everybody import assert_for_everybody
from playwright.sync_api import Page, expect
from screens import PHONE, Screens
from small_city import found_city, served_here

from core.db import transaction
from core.settings import settings
from line import client
from residents import household, queries, watching
from tests.residents.line_login import id_token, served

pytestmark = pytest.mark.browser
ME = "U" + "9d" * 16


@pytest.fixture
def origin(database: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The city's address, with a town in it and LINE's door for ID tokens."""
    with transaction() as session:
        found_city(session)
        household.load_needs(session)
    with served() as login:
        monkeypatch.setenv("LINE_CHANNEL_ACCESS_TOKEN", "token")
        monkeypatch.setenv("LINE_API_BASE_URL", login.url)
        monkeypatch.setenv("LINE_LOGIN_CHANNEL_ID", "1234567890")
        settings.cache_clear()
        with served_here("liff") as address:
            yield address
    client._reader(trust_env=False).close()
    client._reader.cache_clear()
    settings.cache_clear()


def press(page: Page, name: str) -> None:
    """The button of this name is reached and pressed without a finger on the glass."""
    button = page.get_by_role("button", name=name, exact=True)
    button.focus()
    page.keyboard.press("Enter")


def fits(page: Page) -> None:
    """Nothing stands wider than the phone."""
    assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]


def test_a_residents_page(origin: str, tmp_path: Path) -> None:
    """Consent, home, needs, followed areas and news by keys alone at 390 px, in four languages, by day and night."""
    with Screens(origin, tmp_path) as screens:
        screen = screens.new("resident", PHONE)
        page = screen.page
        page.goto(f"{origin}/liff#id_token={id_token(ME)}")
        expect(page.get_by_role("heading", name="ข้อมูลของฉัน", exact=True)).to_be_visible()
        assert "id_token" not in page.url
        told = page.get_by_test_id("liff-told")
        for section in ("warnings", "needs"):
            agree = page.get_by_test_id(f"consent-{section}").get_by_role("button", name="ยินยอม", exact=True)
            agree.focus()
            page.keyboard.press("Enter")
            expect(told).to_have_text("บันทึกความยินยอมแล้ว")
            expect(agree).to_have_count(0)
        press(page, "ปักหมุดบ้าน")
        screen.await_map()
        page.locator(".maplibregl-canvas").focus()
        before = page.get_by_test_id("liff-place").inner_text()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_test_id("liff-place")).not_to_have_text(before)
        page.wait_for_function("() => !window.faonamMap.isMoving()")
        assert_for_everybody(page, "the pin")
        press(page, "บันทึกตำแหน่งนี้")
        expect(page.get_by_test_id("homes")).to_contain_text("บ้าน · ชุมชนท่าวัง")
        page.get_by_text("คนในบ้านนี้ต้องการความช่วยเหลือ").focus()
        page.keyboard.press("Enter")
        page.get_by_label("ต้องฟอกไต").focus()
        page.keyboard.press("Space")
        press(page, "บันทึกความต้องการ")
        expect(told).to_have_text("บันทึกความต้องการแล้ว")
        page.get_by_test_id("liff-area").select_option(label="ชุมชนท่าวัง")
        press(page, "ติดตามพื้นที่นี้")
        expect(told).to_have_text("ติดตามพื้นที่แล้ว")
        expect(page.get_by_test_id("liff-areas").get_by_role("listitem")).to_contain_text("ชุมชนท่าวัง")
        press(page, "ไม่รับข่าวสาร")
        expect(page.get_by_test_id("consent-news")).to_contain_text("คุณไม่รับข่าวสาร")
        for tongue, title in (("en", "My data"), ("ms", "Data saya"), ("my", "ကျွန်ုပ်၏ အချက်အလက်")):
            page.get_by_test_id(f"tongue-{tongue}").click()
            expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
            assert page.evaluate("document.documentElement.lang") == tongue
            assert "⟦" not in page.inner_text("body")
            fits(page)
        assert_for_everybody(page, "the page")
        page.reload()
        expect(page.get_by_role("heading", name="ကျွန်ုပ်၏ အချက်အလက်", exact=True)).to_be_visible()
        stranger = screens.new("stranger", PHONE)
        stranger.page.goto(f"{origin}/liff#id_token={id_token(ME, exp=1)}")
        expect(stranger.page.get_by_test_id("liff-refused")).to_contain_text("หมดอายุ")
        assert {screen.name: screen.outside for screen in (screen, stranger) if screen.outside} == {}
    with transaction() as session:
        resident = queries.by_line_user(session, ME)
        assert resident is not None
        (home,) = queries.homes_of(session, resident.id)
        assert (home.needs, home.is_approximate, resident.language) == (("dialysis",), False, "my")
        assert [area.name_th for area in watching.areas_of(session, resident.id)] == ["ชุมชนท่าวัง"]
        assert not watching.gets_news(resident)
