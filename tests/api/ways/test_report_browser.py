"""The form on a telephone: with keys alone, with and without scripts, and what axe-core finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from core.settings import ROOT
from tests.api.ways.conftest import PNG

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

pytestmark = pytest.mark.browser
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright
    from screens import CHROMIUM, CHROMIUM_ARGUMENTS

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


def _findings(page: Any) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return [found["id"] for found in page.evaluate("axe.run()")["violations"]]


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_report_is_sent_with_keys_alone_on_390_pixels(
    ways: Ways, served_at: str, chromium: Any, has_scripts: bool
) -> None:
    """Nothing is wider than the screen, nothing bars a screen reader, and the number stands on the last page."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=has_scripts)
    page = context.new_page()
    page.goto(f"{served_at}/report")
    if has_scripts:
        page.get_by_test_id("report-spot").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert _findings(page) == []
    page.wait_for_timeout(2_100)  # Nobody fills the form within two seconds: a form sent sooner is asked again.
    page.locator("#category").focus()
    for _ in range(page.locator("#category option").all_text_contents().index("ถนน")):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type(f"หลุมใหญ่ {has_scripts}")
    page.keyboard.press("Tab")
    page.keyboard.type("ชุมชนท่าวัง")
    page.set_input_files("#photos", [{"name": "a.png", "mimeType": "image/png", "buffer": PNG}])
    page.locator("#phone").focus()
    page.keyboard.press("Enter")
    number = page.get_by_test_id("report-number").text_content()
    assert ways.shown(number)["service_code"] == "road"
    if has_scripts:
        assert _findings(page) == []
    context.close()


def test_the_map_says_where_once_it_was_moved(ways: Ways, served_at: str, chromium: Any) -> None:
    """Untouched it is no place; moved by keys it is the middle of the map, and it can be taken back."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{served_at}/report")
    spot = page.get_by_test_id("report-spot")
    spot.wait_for()
    assert page.locator("input[name=lat]").input_value() == ""
    page.locator("#spot-map canvas").focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(500)
    page.wait_for_function("document.querySelector('input[name=lat]').value !== ''")
    lat = float(page.locator("input[name=lat]").input_value())
    assert 8.43 < lat < 8.5
    page.get_by_role("button", name="ไม่ใช้จุดบนแผนที่").click()
    assert page.locator("input[name=lat]").input_value() == ""
    context.close()
