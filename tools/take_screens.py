"""Take the pictures of the screens for the README from a house that runs: `.venv/bin/python tools/take_screens.py`.

Start `./run` first and let the storm come to its first proposal. The pictures go to docs/screens/.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from core.settings import ROOT, settings
from demo.accounts import demo_passwords

FOLDER = ROOT / "docs" / "screens"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
DESK, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
MAP_LIMIT_MS = 90_000


def _open(browser: Browser, path: str, size: ViewportSize) -> Page:
    page = browser.new_context(viewport=size, locale="th-TH").new_page()
    page.set_default_timeout(MAP_LIMIT_MS)
    page.goto(f"{settings().api_url}{path}")
    return page


def _sign_in(page: Page, username: str) -> None:
    page.get_by_test_id("sign-in-username").fill(username)
    page.get_by_test_id("sign-in-password").fill(demo_passwords()[username])
    page.get_by_test_id("sign-in-submit").click()


def _await_map(page: Page) -> None:
    page.wait_for_function("() => window.faonamMap && window.faonamMap.loaded()", timeout=MAP_LIMIT_MS)


def _keep(page: Page, name: str) -> None:
    page.screenshot(path=Path(FOLDER / f"{name}.jpg"), type="jpeg", quality=72, timeout=MAP_LIMIT_MS)
    page.context.close()


def main() -> None:
    """docs/screens/ holds a fresh picture of each screen."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    crew = next(name for name in demo_passwords() if name.startswith("crew-"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        console = _open(browser, "/", DESK)
        _sign_in(console, "approver")
        console.get_by_test_id("alert-card").first.wait_for()
        _await_map(console)
        _keep(console, "console")
        phone = _open(browser, "/crew", PHONE)
        _sign_in(phone, crew)
        phone.wait_for_load_state("networkidle")
        _keep(phone, "crew")
        for path in ("city", "phone"):
            page = _open(browser, f"/{path}", PHONE)
            page.wait_for_load_state("load")
            page.wait_for_timeout(4000)
            _keep(page, path)
        browser.close()


if __name__ == "__main__":
    main()
