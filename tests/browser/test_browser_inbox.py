"""The officer's inbox by keys alone: walked, chosen, sent on, noted, redacted; read by axe in day and night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import sqlalchemy as sa
from everybody import assert_for_everybody
from playwright.sync_api import Page, expect
from screens import DESK, PATIENCE_MS, PHONE, Screen, Screens
from small_city import found_city, served_here
from sqlalchemy.orm import Session

from core.db import transaction
from gis.points import LonLat
from incidents import actions, history
from incidents.exchange import hooks, keys
from incidents.exchange.hook_client import HookClient
from incidents.rules import NewReport
from tests.accounts import PASSWORD, add_account
from tests.incidents.conftest import add_talker

pytestmark = pytest.mark.browser
LAMPS = 52  # Two pages.
NAME = "นายสมชาย"
REASON = "ไม่ใช่เขตเทศบาล แจ้งหมวดทางหลวงแล้ว"


@pytest.fixture
def origin(database: sa.Engine) -> Iterator[str]:
    """A small city with a person to rescue, whose picture came along, and lamps that are out everywhere."""
    with transaction() as session:
        found_city(session)
        add_account(session, "admin", roles=["officer", "admin"])
        talker = add_talker(session, 1, home=None)
        rescue = NewReport(f"{NAME} ติดบนหลังคา", "rescue", LonLat(lon=99.96, lat=8.43), "pin",
                           resident_id=talker.resident.id)
        incident = actions.receive_report(session, rescue)[1]
        at = incident.opened_at
        history.write(session, incident, from_state="new", by="reporter", reason="", now=at, kind="hidden")
        picture = cv2.imencode(".png", np.full((90, 160, 3), 200, np.uint8))[1].tobytes()
        actions.add_job_photo(session, incident_id=incident.id, raw=bytes(picture))
        for number in range(LAMPS):
            place = LonLat(lon=99.91 + 0.01 * (number % 8), lat=8.41 + 0.01 * (number // 8))
            actions.open_apart(session, NewReport("ไฟดับ", "street_light", place, "pin"), opened_at=incident.opened_at)
        _add_dead_partner(session)
    with served_here("index") as address:
        yield address


def _add_dead_partner(session: Session) -> None:
    """A neighbour that took no news for too long."""
    keys.make_key(session, name="neighbour", scopes=["traffy-read"])
    hooks.register(session, name="neighbour", url="http://127.0.0.1:9/their-word", client=HookClient(is_live=False))
    session.execute(sa.text("UPDATE partner_hook SET paused_wall_at = now(), failures = 13, fault = 'HTTP 503'"))


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """Every look waits as long as a busy machine needs."""
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


def _rows_are_walked_and_chosen(page: Page) -> None:
    """J and K as the keyboard's places, in Thai letters too; pages follow one another; typing fires nothing.

    Esc in the box empties it, and the list shows everything again.
    """
    rows = page.get_by_test_id("incident-row")
    expect(rows).to_have_count(50)
    page.keyboard.press("/")
    page.keyboard.type("nobody wrote this")
    expect(rows).to_have_count(0)
    page.keyboard.press("Escape")
    expect(rows).to_have_count(50)
    expect(page.get_by_test_id("inbox-words")).to_have_value("")
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    rows.nth(0).dispatch_event("keydown", {"key": "่", "code": "KeyJ", "bubbles": True})
    expect(rows.nth(1)).to_be_focused()
    assert page.locator("[data-testid=incident-row][tabindex='0']").count() == 1
    page.keyboard.press("Shift+J")
    expect(page.get_by_test_id("inbox-said")).to_have_text("เลือก 2 เหตุ")
    expect(page.locator("[data-testid=incident-row][aria-selected=true]")).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.type("axs?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("inbox-words")).to_have_value("axs?")
    page.get_by_test_id("inbox-words").fill("")
    page.keyboard.press("Enter")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("End")
    page.keyboard.press("j")
    expect(rows).to_have_count(LAMPS + 1 - 50)
    expect(rows.nth(0)).to_be_focused()


def _a_dead_partner_is_seen(page: Page) -> None:
    """Who does not listen stands above the rows, with the cause, and not with the address."""
    away = page.get_by_test_id("partners-away")
    expect(away).to_contain_text("neighbour: หยุดส่งไว้")
    expect(away).to_contain_text("HTTP 503")
    expect(away).not_to_contain_text("their-word")


def _many_are_sent_on(page: Page) -> None:
    """What is chosen is sent on with one reason; what refuses stands there with the cause."""
    rows = page.get_by_test_id("incident-row")
    page.get_by_test_id("inbox-choose-none").click()
    page.keyboard.press("x")
    page.keyboard.press("Shift+J")
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("ส่งต่อ 2 เหตุ")
    dialog.get_by_test_id("deed-to").select_option("works")
    dialog.get_by_test_id("deed-reason").fill("ไฟทั้งสาย")
    dialog.get_by_test_id("deed-confirm").click()
    expect(page.get_by_test_id("inbox-said")).to_contain_text("ทำแล้ว 2 เหตุ")
    expect(rows.filter(has_text="ส่งต่อแล้ว")).to_have_count(2)
    page.get_by_test_id("inbox-further").click()
    page.get_by_test_id("inbox-agency").select_option("works")
    expect(rows).to_have_count(2)
    page.get_by_test_id("inbox-filter-name").fill("ไฟ")
    page.get_by_test_id("inbox-filter-keep").click()
    expect(page.get_by_test_id("inbox-filter")).to_contain_text("ไฟ")
    assert_for_everybody(page, "the inbox with its filters")
    page.get_by_test_id("inbox-agency").select_option("")


def _a_colleague_is_quicker(page: Page) -> None:
    """The question names the one that is meant. Nothing that was typed is lost, not in the dialog, not with the
    incident, and trying again is possible.
    """
    rows = page.get_by_test_id("incident-row")
    row = rows.filter(has_text="ใหม่").last
    incident_id = int(row.get_attribute("data-id") or "")
    row.locator(".mark").click()
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_test_id("deed-only")).to_contain_text(row.get_attribute("data-number") or "")
    dialog.get_by_test_id("deed-reason").fill(REASON)
    with transaction() as session:
        actions.change_state(session, incident_id, "accepted", by="colleague", reason="")
    dialog.get_by_test_id("deed-confirm").click()
    expect(dialog.get_by_test_id("deed-reason-kept")).to_contain_text(REASON)
    dialog.get_by_role("button", name="ปิด").last.click()
    row = page.locator(f"[data-testid=incident-row][data-id='{incident_id}']")
    row.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("incident-reason")).to_have_value(REASON)
    page.keyboard.press("r")
    expect(dialog.get_by_test_id("deed-reason")).to_have_value(REASON)
    dialog.get_by_test_id("deed-confirm").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("inbox-said")).to_contain_text("ทำแล้ว 1 เหตุ")


def _one_is_noted_and_redacted(page: Page) -> None:
    """A note that waits while another row is looked at; a box drawn with keys, a hidden name, a right category."""
    rows = page.get_by_test_id("incident-row")
    expect(rows).to_have_count(50)
    page.get_by_test_id("inbox-words").focus()
    page.keyboard.press("Enter")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    detail = page.locator("aside.detail")
    expect(detail.get_by_test_id("photo")).to_have_attribute("data-verdict", "none")
    page.keyboard.press("n")
    page.keyboard.type("โทรกลับแล้ว")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(detail.get_by_test_id("note-text")).to_have_value("")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(detail.get_by_test_id("note-text")).to_have_value("โทรกลับแล้ว")
    detail.get_by_test_id("note-keep").click()
    expect(detail.get_by_test_id("incident-notes")).to_contain_text("admin")
    detail.get_by_test_id("photo-review").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_test_id("redact-add").click()
    dialog.get_by_test_id("redact-box").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowRight")
    assert_for_everybody(page, "boxes on a picture")
    dialog.get_by_test_id("redact-confirm").click()
    expect(detail.get_by_test_id("photo")).to_have_attribute("data-verdict", "redacted")
    detail.get_by_test_id("words-hide").click()
    detail.get_by_test_id("words-text").fill(NAME)
    detail.get_by_test_id("words-confirm").click()
    expect(detail).to_contain_text("… ติดบนหลังคา")
    detail.get_by_test_id("category-correct").click()
    detail.get_by_test_id("category-to").select_option("flooded_home")
    detail.get_by_test_id("category-confirm").click()
    expect(detail).to_contain_text("เปลี่ยนประเภทจาก")
    expect(detail.locator(".history")).to_contain_text("· ผู้แจ้ง")
    expect(detail.locator(".history")).not_to_contain_text("reporter")
    assert_for_everybody(page, "an incident")


def _the_map_and_the_search_know_all_open_ones(screen: Screen) -> None:
    """Pins are those of the tiles, open ones alone; a number that no list has loaded leads to its incident."""
    page = screen.page
    pins = screen.await_rendered("open-incidents", what="pins")
    assert {pin["is_open"] for pin in pins} == {True}
    page.get_by_test_id("search").fill(pins[0]["number"])
    hit = page.locator("#search-hits [role=option]").first
    expect(hit).to_contain_text(pins[0]["number"])
    page.keyboard.press("Enter")
    expect(page.locator("aside.detail .top > .soft.figures").first).to_have_text(pins[0]["number"])


def _the_office_is_open(page: Page) -> None:
    page.get_by_test_id("mode-office").click()
    page.get_by_test_id("member-row").click()
    page.get_by_test_id("code-identity").click()
    page.get_by_test_id("code-name").fill("สมหญิง ใจดี")
    page.get_by_test_id("code-hand").click()
    expect(page.get_by_test_id("code")).not_to_be_empty()
    assert_for_everybody(page, "the members")
    page.get_by_test_id("office-calendar").click()
    page.get_by_test_id("day").fill("2027-03-01")
    page.get_by_test_id("day-name").fill("วันงานประเพณี")
    page.get_by_test_id("day-keep").click()
    expect(page.get_by_test_id("holidays")).to_contain_text("วันงานประเพณี")
    assert_for_everybody(page, "the calendar")


def _leaders_are_entered(page: Page) -> None:
    """A group waits for its code, which is shown once; the number of somebody to call is shown by a press."""
    page.get_by_test_id("office-leaders").click()
    page.get_by_test_id("leader-make").click()
    page.get_by_test_id("leader-name").fill("ผู้นำชุมชนท่าวัง")
    page.get_by_test_id("leader-name-en").fill("Leaders of Tha Wang")
    page.get_by_test_id("leader-community").select_option("C1")
    page.get_by_test_id("leader-make-keep").click()
    expect(page.get_by_test_id("leader-code")).not_to_be_empty()
    expect(page.get_by_test_id("leader-group")).to_have_attribute("data-open", "false")
    page.get_by_test_id("contact-add-open").click()
    page.get_by_test_id("contact-name").fill("สมหญิง ใจดี")
    page.get_by_test_id("contact-number").fill("0812345678")
    page.get_by_test_id("contact-add").click()
    contact = page.get_by_test_id("contact")
    expect(contact).to_contain_text("สมหญิง ใจดี")
    expect(contact).not_to_contain_text("345678")
    contact.get_by_test_id("contact-look").click()
    expect(contact.get_by_test_id("contact-phone")).to_contain_text("345678")
    assert_for_everybody(page, "the leaders")


def _words_are_drafted(page: Page) -> None:
    """A changed text is read before it is kept, and is then a draft that its author cannot put into use."""
    page.get_by_test_id("office-words").click()
    page.get_by_test_id("wording-open").click()
    paper = page.get_by_test_id("wording-paper")
    paper.get_by_test_id("wording-edit").click()
    title = paper.get_by_test_id("wording-title")
    title.fill(f"{title.input_value()} ขอให้ระวัง")
    paper.get_by_test_id("wording-try").click()
    expect(paper.locator(".phone").first).to_contain_text("ขอให้ระวัง")
    assert_for_everybody(page, "a text that is changed")
    paper.get_by_test_id("wording-note").fill("ให้ระวังมากขึ้น")
    paper.get_by_test_id("wording-keep").click()
    expect(paper.get_by_test_id("wording-kept")).to_be_visible()
    page.keyboard.press("Escape")
    draft = page.get_by_test_id("wording-version")
    expect(draft).to_have_attribute("data-state", "waits")
    draft.get_by_test_id("wording-open-version").click()
    expect(paper.locator("ins")).to_contain_text("ขอให้ระวัง")
    paper.get_by_test_id("wording-review").click()
    expect(paper.get_by_role("alert")).to_be_visible()
    page.keyboard.press("Escape")
    expect(draft).to_have_attribute("data-state", "waits")


def test_an_officer_works_through_the_inbox_with_keys(origin: str, tmp_path: Path) -> None:
    """From the first row to a redacted picture, and the office beside; on a phone nothing is wider than the screen."""
    with Screens(origin, tmp_path) as screens:
        screen = screens.new("officer", DESK)
        page = screen.sign_in("/", "admin", PASSWORD)
        page.get_by_test_id("mode-incidents").click()
        _a_dead_partner_is_seen(page)
        _rows_are_walked_and_chosen(page)
        _many_are_sent_on(page)
        _a_colleague_is_quicker(page)
        _one_is_noted_and_redacted(page)
        _the_map_and_the_search_know_all_open_ones(screen)
        _the_office_is_open(page)
        _leaders_are_entered(page)
        _words_are_drafted(page)
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        for mode in ("incidents", "office"):
            page.get_by_test_id(f"mode-{mode}").click()
            assert page.evaluate("document.querySelector('main').scrollWidth <= innerWidth"), mode
        assert [trouble for trouble in screen.troubles if "/tiles/" not in trouble] == []
