"""What an officer's hands do on the map of the desk: ticks, corners, a search, a window that is made narrow."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from playwright.sync_api import Page, expect
from screens import PATIENCE_MS, PHONE, Screen

CROSSING = ((250, 300), (350, 400), (350, 300), (250, 400))
NEAR_THE_FIRST = (258, 306)
INSTEAD = (300, 250)
MIDDLE_OFF_PX = 2


def assert_page_stands_still(page: Page, where: str) -> None:
    """The panels scroll, never the page: below it there is only emptiness."""
    height = page.evaluate("document.scrollingElement.scrollHeight")
    assert height <= page.evaluate("innerHeight"), f"{where}: the page is {height} px high"


def one_colour_for_the_water(page: Page) -> None:
    """Depths and chances are never both ticked, both may be off, and the map stays in sight beside the ticks."""
    page.get_by_test_id("layers").click()
    panel, land = page.locator(".sources"), page.locator("section.map")
    depth, chance = panel.get_by_label("ความลึกน้ำ"), panel.get_by_label("โอกาสที่น้ำจะท่วม")
    box, free = panel.bounding_box(), land.bounding_box()
    assert box is not None
    assert free is not None
    assert box["width"] * box["height"] < free["width"] * free["height"] / 4
    chance.check()
    expect(depth).not_to_be_checked()
    depth.check()
    expect(chance).not_to_be_checked()
    depth.uncheck()
    expect(chance).not_to_be_checked()
    depth.check()
    page.get_by_test_id("layers").click()


def draw_an_area(page: Page) -> None:
    """A crossing outline is not asked about and keeps its corners; a tap near the first corner closes a sound one."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/flood/area") else None)
    bar = page.locator(".bar.drawing")
    page.get_by_test_id("draw-area").click()
    for corner in CROSSING:
        _click(page, corner)
    expect(bar).to_contain_text("(4)")
    page.keyboard.press("Enter")
    expect(bar.get_by_role("alert")).to_contain_text("เส้นตัดกันเอง")
    page.keyboard.press("Backspace")
    expect(bar).to_contain_text("(3)")
    expect(bar.get_by_role("alert")).to_have_count(0)
    _click(page, INSTEAD)
    assert asked == []
    with page.expect_response(re.compile("/flood/area$")) as told:
        _click(page, NEAR_THE_FIRST)
    assert told.value.ok
    expect(bar).to_have_count(0)
    page.get_by_role("button", name="ล้างพื้นที่ที่วาด").click()


def _click(page: Page, at: tuple[int, int]) -> None:
    """A click on the map that no double click can be made of."""
    page.locator("section.map canvas.maplibregl-canvas").click(position={"x": at[0], "y": at[1]})
    page.wait_for_timeout(400)


def narrow_the_window(screen: Screen) -> None:
    """The map's middle is that of the map as it is now, not of the desk that it was on."""
    page = screen.page
    page.get_by_test_id("mode-water").click()
    page.get_by_test_id("gauge-row").first.click()
    page.wait_for_function("() => faonamMap.getPadding().right > 0 && !faonamMap.isMoving()")
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.wait_for_function("() => faonamMap.getCanvas().clientWidth < 400")
    page.wait_for_timeout(400)
    middle: dict[str, Any] = page.evaluate("faonamMap.project(faonamMap.getCenter())")
    size = page.evaluate("[faonamMap.getCanvas().clientWidth, faonamMap.getCanvas().clientHeight]")
    assert abs(middle["x"] - size[0] / 2) <= MIDDLE_OFF_PX, (middle, size)
    assert abs(middle["y"] - size[1] / 2) <= MIDDLE_OFF_PX, (middle, size)


def read_a_gauge(page: Page) -> None:
    """A gauge's chart is also a table and a picture, for as far back as is chosen; a mark of doubt says why."""
    page.get_by_test_id("mode-water").click()
    page.get_by_test_id("gauge-row").first.click()
    panel = page.locator("aside.detail")
    with page.expect_response(re.compile(r"/readings\?hours=168$")) as told:
        panel.get_by_test_id("period-168").click()
    assert told.value.ok
    doubt = panel.get_by_test_id("doubt")
    if doubt.count():
        doubt.first.focus()
        expect(panel.get_by_test_id("chart-told")).to_have_text(doubt.first.get_attribute("aria-label") or "nothing")
    panel.get_by_test_id("table-toggle").click()
    expect(panel.locator("figure")).to_have_count(0)
    assert panel.locator("table tbody tr").count() > 20
    with page.expect_download() as kept:
        panel.get_by_test_id("picture").click()
    assert kept.value.path().read_bytes().startswith(b"\x89PNG")
    panel.get_by_test_id("table-toggle").click()
    page.get_by_test_id("gauges-silent").click()
    expect(page.locator("[data-testid=gauge-row]:not([data-condition=late]):not([data-condition=lost])")).to_have_count(0)
    page.get_by_test_id("gauges-all").click()


def come_back(screen: Screen) -> None:
    """Who comes back is still signed in; at the door nobody is asked for a sign-in that is known not to be there."""
    page = screen.open("/crew")  # The one page behind the door that draws no map for who is in no crew.
    page.locator("main button").click()
    door = page.get_by_test_id("sign-in-submit")
    expect(door).to_be_visible()
    page.reload()
    expect(door).to_be_visible()
    assert [answer for answer in screen.answers if answer[0] == HTTPStatus.UNAUTHORIZED] == []


def search_by_words(page: Page) -> None:
    """A code finds its gauge first, a place's name the place, and the word for gauges all of them."""
    hits = page.locator("#search-hits [role=option]")
    for words, first in (("g1", "(G1)"), ("ตลาดเก่า", "ตลาดเก่า"), ("เครื่องวัด", "เครื่องวัด")):
        with page.expect_response(re.compile("/geocode")):
            page.get_by_test_id("search").fill(words)
        expect(hits.first).to_contain_text(first)
    assert all("เครื่องวัด" in text for text in hits.all_inner_texts())
    expect(page.get_by_test_id("search-left")).to_contain_text("อีก 1 รายการ")  # Seven measure, six are shown.
    with page.expect_response(re.compile("/geocode")):
        page.get_by_test_id("search").fill("วัด")
    expect(hits.first).to_contain_text("ประเภทตรงกับที่ค้น เป็นหนึ่งในหลายแห่ง")
    page.get_by_test_id("search").fill("น้ำท่วม" * 60)
    expect(page.get_by_test_id("search-cut")).to_contain_text("400")


def search_on_a_phone(page: Page) -> None:
    """The search hides no place's name; who searches sees all hits, over the depth at the middle and an open sheet."""
    field, land = page.locator(".search").bounding_box(), page.locator("section.map").bounding_box()
    assert field is not None
    assert land is not None
    assert field["y"] + field["height"] <= land["y"]
    hits = page.locator("#search-hits [role=option]")
    page.get_by_test_id("depth-middle").click()
    depth = page.get_by_test_id("depth")
    expect(depth).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_test_id("search").fill("เครื่องวัด")
    expect(hits.last).to_be_visible()
    expect(depth).to_be_hidden()
    page.get_by_test_id("search").fill("")
    page.get_by_test_id("search").blur()
    expect(depth).to_be_visible()
    page.get_by_test_id("depth-middle").click()
    page.get_by_test_id("mode-water").click()
    page.get_by_test_id("gauge-row").first.click()
    expect(page.locator("aside.detail")).to_be_visible()
    page.get_by_test_id("search").fill("เครื่องวัด")
    expect(hits.last).to_be_visible()
    seen = hits.last.evaluate(
        "(hit) => { const box = hit.getBoundingClientRect();"
        " return hit.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)) }"
    )
    assert seen
    page.get_by_test_id("search").fill("")
