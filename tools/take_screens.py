"""Take the pictures of the screens for the README from a house that runs: `.venv/bin/python tools/take_screens.py`.

Start it together with `./run`: it approves the first alert and sends crews out, so that the pictures show a city at
work, and waits until the water is high and another alert stands to be approved. The pictures go to docs/screens/.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from core.settings import ROOT, settings
from demo.accounts import demo_passwords
from demo.actors.desk import Desk
from demo.actors.officer import Dispatcher, Officer

FOLDER = ROOT / "docs" / "screens"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
DESK, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
MAP_LIMIT_MS = 90_000
SCENE_LIMIT_S = 300.0
INCIDENTS_ENOUGH, JOBS_ENOUGH = 6, 4


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


def _until(is_so: Callable[[], bool], *, what: str) -> None:
    deadline_s = time.monotonic() + SCENE_LIMIT_S
    while not is_so():
        if time.monotonic() > deadline_s:
            raise SystemExit(f"{what}: not within {SCENE_LIMIT_S:.0f} s; was ./run started together with this?")
        time.sleep(0.3)


def _desk(username: str) -> Desk:
    return Desk(username=username, password=demo_passwords()[username])


def _set_the_scene(approver: Desk, dispatcher: Desk) -> str:
    """One alert was sent, crews are out, and another alert stands at high water; returns a crew's account."""
    officer, sender = Officer(approver), Dispatcher(dispatcher)

    def is_told() -> bool:
        officer.look()
        return any(alert["state"] == "active" for alert in approver.get("/alerts")["alerts"])

    def are_out() -> bool:
        sender.look()
        return len(_crews_out(dispatcher)) >= JOBS_ENOUGH

    def stands_at_high_water() -> bool:
        waits = any(alert["state"] == "proposed" and alert["level"] == 3 for alert in approver.get("/alerts")["alerts"])
        return waits and len(approver.get("/incidents")["incidents"]) >= INCIDENTS_ENOUGH

    _until(is_told, what="a first alert")
    _until(are_out, what=f"{JOBS_ENOUGH} jobs")
    _until(stands_at_high_water, what="a danger alert to approve")
    return f"crew-{_crews_out(dispatcher)[0].lower()}"


def _crews_out(dispatcher: Desk) -> list[str]:
    jobs = dispatcher.get("/jobs")["jobs"]
    return [str(job["crew"]["code"]) for job in jobs if job["crew"] and job["state"] == "assigned"]


def main() -> None:
    """docs/screens/ holds a fresh picture of each screen."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    crew = _set_the_scene(_desk("approver"), _desk("dispatcher"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        console = _open(browser, "/", DESK)
        _sign_in(console, "approver")
        console.get_by_test_id("alert-card").first.wait_for()
        _await_map(console)
        _keep(console, "console")
        phone = _open(browser, "/crew", PHONE)
        _sign_in(phone, crew)
        phone.get_by_test_id("crew-next-step").wait_for()
        _await_map(phone)
        _keep(phone, "crew")
        city = _open(browser, "/city", PHONE)
        city.wait_for_load_state("networkidle")
        _keep(city, "city")
        resident = _open(browser, "/phone", PHONE)
        resident.get_by_test_id("phone-user-select").get_by_role("button").first.click()
        resident.get_by_test_id("phone-message").last.wait_for()
        resident.wait_for_load_state("networkidle")
        _keep(resident, "phone")
        browser.close()


if __name__ == "__main__":
    main()
