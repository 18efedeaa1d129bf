"""What a resident's thumb does on the phone: taps, and a pin that is dragged."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from screens import LOOK_EVERY_MS


def tap(page: Page, wanted: str | re.Pattern[str]) -> None:
    """The quick reply has been pressed."""
    page.get_by_test_id("phone-quick-reply").filter(has_text=wanted).first.click()


def drag_the_pin(page: Page) -> None:
    """The map has moved under the pin: the place below it reads otherwise than at first."""
    place = page.get_by_test_id("phone-place")
    before = place.inner_text()
    canvas = page.get_by_role("dialog").locator("canvas").first
    canvas.wait_for()
    page.wait_for_function(
        "() => window.faonamMap?.isStyleLoaded() && window.faonamMap.areTilesLoaded()", polling=LOOK_EVERY_MS
    )
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y + 30, steps=4)
    page.mouse.up()
    expect(place).not_to_have_text(before)
