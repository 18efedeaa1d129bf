"""The desk's papers for everybody: what axe-core finds in them by day and by night, a walk through them with keys."""

from __future__ import annotations

from typing import Any, Literal

from playwright.sync_api import Locator, Page, expect
from screens import PATIENCE_MS

from core.settings import ROOT

# A development dependency of the screens, put there with what builds them.
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GRAVE = ("serious", "critical")
THEMES: tuple[tuple[Literal["light", "dark"], str], ...] = (("light", "day"), ("dark", "night"))
# Every way a feed may do, as the API would tell it: the storm's own gauges send by themselves.
CONDITIONS = ("failing", "late", "working", "waiting", "off")
SAYS = {
    "failing": {"feed-error": "ถามแล้วไม่ได้คำตอบ", "feed-failures": "ล้มเหลวติดต่อกัน 5 ครั้ง", "feed-next": "จะขออีกครั้ง"},
    "late": {"feed-standing": "ยังไม่ได้ค่าใหม่", "feed-success": "ได้ข้อมูลเมื่อ 40 นาทีที่แล้ว"},
    "off": {"feed-switched-off": "ปิดไว้ ไม่ขอข้อมูล"},
}
RUN = """async (standards) => {
    const {violations} = await axe.run(document, {runOnly: standards, resultTypes: ['violations']})
    const at = (node) => `${node.target.join(' ')}: ${node.failureSummary}`
    return violations.map(({id, impact, nodes}) => ({id, impact, at: nodes.map(at)}))
}"""


def grave_faults(page: Page) -> list[dict[str, Any]]:
    """The serious and critical faults that axe-core finds in the page as it stands."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    return [fault for fault in page.evaluate(RUN, STANDARDS) if fault["impact"] in GRAVE]


def assert_for_everybody(page: Page, where: str) -> None:
    """By day and by night axe-core finds no grave fault."""
    for scheme, theme in THEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        faults = grave_faults(page)
        assert faults == [], f"{where} by {theme}: {faults}"


def walk_with_keys(page: Page) -> None:
    """Gauges, feeds and rules are opened, used and closed with keys; who closes one goes on where it was opened."""
    page.keyboard.press("2")
    expect(page.get_by_test_id("mode-water")).to_have_attribute("aria-current", "page")
    expect(page.get_by_test_id("gauge-row").first).to_be_visible()
    assert_for_everybody(page, "the gauges by health")
    _walk_a_gauge(page)
    _walk_the_feeds(page)
    _walk_the_rules(page)


def _open(page: Page, opener: Locator) -> None:
    opener.focus()
    page.keyboard.press("Enter")


def _walk_a_gauge(page: Page) -> None:
    other = page.locator("[data-testid=gauge-row]:not([aria-current])").last.locator("strong").first.inner_text()
    row = page.get_by_test_id("gauge-row").filter(has_text=other)  # Rows move with the water, and the focus with them.
    _open(page, row)
    panel = page.locator("aside.detail")
    expect(panel.locator("h3")).to_have_text(other)
    line, told = panel.get_by_test_id("chart-slider"), panel.get_by_test_id("chart-told")
    expect(line).to_be_visible(timeout=PATIENCE_MS)
    page.keyboard.press("Enter")
    expect(panel.locator("header button")).to_be_focused()
    line.focus()
    page.keyboard.press("Home")
    oldest = line.get_attribute("aria-valuetext") or "nothing"
    expect(told).to_have_text(oldest)
    page.keyboard.press("ArrowRight")
    expect(told).not_to_have_text(oldest)
    page.keyboard.press("Enter")
    assert_for_everybody(page, "a gauge")
    _open(page, panel.get_by_test_id("judge"))
    assert_for_everybody(page, "an officer's word on a reading")
    page.keyboard.press("Escape")
    expect(panel.get_by_test_id("judge")).to_be_focused()
    _open(page, panel.get_by_test_id("table-toggle"))
    assert_for_everybody(page, "a gauge's table")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(row).to_be_focused()


def _feed(condition: str) -> dict[str, Any]:
    says = SAYS.get(condition, {}).items()
    return {
        "code": f"feed-{condition}", "name": {"th": "โทรมาตรลุ่มน้ำตอนล่าง", "en": "Telemetry"}, "kind": "http_json",
        "condition": condition, "trust": "real", "is_asked": True, "period_s": 300, "host": "water.example",
        "trouble": "unreachable" if condition == "failing" else None, "trouble_detail": "No answer within 20 s.",
        "missing_datastreams": ["G9"] if condition == "failing" else [], "datastreams": ["G1"],
        "rows_stored": 12, "rows_repeated": 3, "rows_refused": 1,
        "lines": [{"key": key, "th": text, "en": key} for key, text in says],
    }


def _walk_the_feeds(page: Page) -> None:
    feeds = {"feeds": [_feed(condition) for condition in CONDITIONS]}
    page.route("**/api/v1/feeds", lambda route: route.fulfill(json=feeds))
    link = page.get_by_test_id("feeds-link")
    expect(link).to_contain_text("5", timeout=PATIENCE_MS)  # The desk looks again within seconds.
    _open(page, link)
    expect(page.get_by_test_id("feeds-back")).to_be_focused()
    cards = page.get_by_test_id("feed-card")
    _open(page, cards.first.locator("[aria-expanded]"))
    expect(cards.first).to_contain_text("water.example")
    assert_for_everybody(page, "the feeds")
    page.keyboard.press("Escape")
    expect(link).to_be_focused()
    page.unroute("**/api/v1/feeds")


def _walk_the_rules(page: Page) -> None:
    link = page.get_by_test_id("open-rules")
    _open(page, link)
    rules = page.get_by_test_id("rules")
    expect(rules.get_by_test_id("rule-row").first).to_be_visible()
    assert_for_everybody(page, "the list of rules")
    _open(page, rules.get_by_test_id("rule-row").first)
    verdict = rules.get_by_test_id("rule-verdict")
    expect(verdict).to_be_visible(timeout=PATIENCE_MS)
    assert_for_everybody(page, "a rule and its trial")
    warning = rules.locator("[data-field=warning]")
    warning.fill("-1")
    expect(warning).to_have_attribute("aria-invalid", "true")
    expect(rules.get_by_role("alert")).to_contain_text("ต้องสูงกว่า")
    assert_for_everybody(page, "a rule whose levels do not rise")
    _open(page, rules.get_by_test_id("rule-new"))
    expect(rules.get_by_test_id("rule-kind")).to_be_visible()
    assert_for_everybody(page, "a new rule")
    page.keyboard.press("Escape")
    expect(rules).to_have_count(0)
    expect(link).to_be_focused()
