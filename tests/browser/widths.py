"""Every screen is whole on a phone and on a desk: nothing is cut off, nothing scrolls sideways, no sentence lacks."""

from __future__ import annotations

import re

from playwright.sync_api import Page
from screens import DESK, PHONE

THAI = re.compile(r"[\u0e01-\u0e5b]")
# Panels that scroll down would also scroll sideways where something in them is too wide; what stands beyond the right
# edge is cut off, unless it lies in a row that is made for swiping.
TOO_WIDE = """() => {
    const within = (element, is) => element && (is(element) || within(element.parentElement, is))
    const isSwiped = (element) => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX)
        || element.matches('.maplibregl-map, .sr-only')
    const name = (element) => `${element.tagName}.${element.className}: ${element.textContent.trim().slice(0, 40)}`
    const panels = [document.documentElement, ...document.querySelectorAll('main, aside')]
        .filter((panel) => panel.scrollWidth > panel.clientWidth + 1)
    const cut = [...document.body.querySelectorAll('*')].filter((element) => {
        const box = element.getBoundingClientRect()
        return box.width > 1 && box.height > 1 && box.right > innerWidth + 1 && !within(element, isSwiped)
    })
    return [...panels, ...cut].slice(0, 8).map(name)
}"""


def _assert_fits(page: Page, where: str) -> None:
    """Nothing scrolls sideways or is cut off at the edge, the page is Thai and no sentence is missing from it."""
    assert page.evaluate(TOO_WIDE) == [], where
    assert page.locator("html").get_attribute("lang") == "th", where
    text = page.locator("body").inner_text()
    assert THAI.search(text), where
    assert "⟦" not in text, f"{where} lacks a sentence: {text}"


def both_widths(page: Page, where: str) -> None:
    """The page is whole at the width of a phone and of a desk."""
    for size in (PHONE, DESK):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        _assert_fits(page, f"{where} at {size['width']} px")
