"""Debian's Chromium with people's screens in it: what they ask for, what goes wrong, what their maps draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, sync_playwright

CHROMIUM = "/usr/bin/chromium"
# Software WebGL for the maps, and no errands of the browser's own.
CHROMIUM_ARGUMENTS = (
    "--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic",
)
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# Maps drawn in software on two busy cores need time; nobody waits longer than it takes.
PATIENCE_MS = 90_000
LOOK_EVERY_MS = 400

# A proposal that changed under the officer's eyes is refused, a colleague's newer rule, a review of one's own words.
_EXPECTED_ANSWERS = ((409, "/approve"), (409, "/rules/level/G1"), (409, "/review"))


class Screen:
    """One person's browser window, and a note of everything it asked of the network and complained about."""

    def __init__(self, name: str, context: BrowserContext, origin: str) -> None:
        self.name = name
        self.origin = origin
        self.outside: list[str] = []
        self.troubles: list[str] = []
        self.answers: list[tuple[int, str]] = []
        self._context = context
        context.on("request", self._note_request)
        context.on("response", lambda answer: self.answers.append((answer.status, urlsplit(answer.url).path)))
        context.on("console", self._note_console)
        context.on("weberror", lambda problem: self.troubles.append(str(problem.error)))
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("websocket", lambda socket: self._note_address(socket.url))

    def _note_request(self, request: Request) -> None:
        self._note_address(request.url)

    def _note_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"blob", "data"} and parts.hostname != "127.0.0.1":
            self.outside.append(url)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        path = urlsplit(message.location.get("url", "")).path
        if not any(f"status of {status}" in message.text and path.endswith(end) for status, end in _EXPECTED_ANSWERS):
            self.troubles.append(f"{message.text} ({path})")

    def open(self, path: str) -> Page:
        """The screen shows the page at `path`, in Thai."""
        self.page.goto(f"{self.origin}{path}")
        return self.page

    def sign_in(self, path: str, username: str, password: str) -> Page:
        """The person has signed in at the screen's own door."""
        page = self.open(path)
        page.get_by_test_id("sign-in-username").fill(username)
        page.get_by_test_id("sign-in-password").fill(password)
        page.get_by_test_id("sign-in-submit").click()
        page.get_by_test_id("sign-in-submit").wait_for(state="detached")
        return page

    def rendered(self, layer: str) -> list[dict[str, Any]]:
        """The properties of the features that the map draws now in this layer; empty while it has no map."""
        return list(self.page.evaluate(
            "(layer) => window.faonamMap?.getLayer(layer)"
            " ? window.faonamMap.queryRenderedFeatures({layers: [layer]}).map((f) => ({...f.properties})) : []",
            layer,
        ))

    def await_rendered(
        self, layer: str, is_enough: Callable[[list[dict[str, Any]]], bool] = bool, what: str = "something"
    ) -> list[dict[str, Any]]:
        """The features of the layer, once the map is drawn and they are enough; fails with what is drawn instead."""
        drawn: list[dict[str, Any]] = []
        for _ in range(PATIENCE_MS // LOOK_EVERY_MS):
            drawn = self.rendered(layer)
            if is_enough(drawn):
                return drawn
            self.page.wait_for_timeout(LOOK_EVERY_MS)
        raise AssertionError(f"{self.name}: the map does not draw {what} in its layer {layer}: {drawn[:20]}")

    def in_sight(self, points: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of the GeoJSON points that lie in the part of the world that the map shows now."""
        inside = self.page.evaluate(
            """(places) => {
                const map = window.faonamMap
                const {clientWidth: width, clientHeight: height} = map.getCanvas()
                return places.map((place) => map.project(place))
                    .map(({x, y}) => x >= 0 && y >= 0 && x <= width && y <= height)
            }""",
            [point["geometry"]["coordinates"] for point in points],
        )
        return [point for point, is_inside in zip(points, inside, strict=True) if is_inside]

    def await_map(self) -> None:
        """The map has its tiles, has drawn them and stands still."""
        self.page.wait_for_function(
            "() => { const map = window.faonamMap; return map && map.isStyleLoaded() && map.areTilesLoaded()"
            " && !map.isMoving() }",
            polling=LOOK_EVERY_MS,
        )

    def close(self) -> None:
        """The window is closed; its notes stay."""
        self._context.close()


class Screens:
    """A browser for the length of a block; pictures of all its windows are kept where the block fails."""

    def __init__(self, origin: str, pictures: Path) -> None:
        self._origin = origin
        self._pictures = pictures
        self._screens: list[Screen] = []
        self._playwright: Playwright
        self._browser: Browser

    def __enter__(self) -> Self:
        self._manager = sync_playwright()
        self._playwright = self._manager.__enter__()
        self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if problem is not None:
                self._keep_pictures()
                self._say_troubles(problem)
            self._browser.close()
        finally:
            self._manager.__exit__(kind, problem, trace)

    def new(self, name: str, size: dict[str, int]) -> Screen:
        """A window for somebody who has not been here before, with a Thai browser."""
        context = self._browser.new_context(
            viewport={"width": size["width"], "height": size["height"]}, locale="th-TH", timezone_id="Asia/Bangkok"
        )
        screen = Screen(name, context, self._origin)
        self._screens.append(screen)
        return screen

    def assert_quiet(self) -> None:
        """No window asked anybody but this machine, and none complained."""
        assert {screen.name: screen.outside for screen in self._screens if screen.outside} == {}
        assert {screen.name: screen.troubles for screen in self._screens if screen.troubles} == {}

    def _keep_pictures(self) -> None:
        for screen in self._screens:
            if not screen.page.is_closed():
                screen.page.screenshot(path=self._pictures / f"{screen.name}.png", timeout=30_000)

    def _say_troubles(self, problem: BaseException) -> None:
        problem.add_note(f"Pictures of the screens: {self._pictures}")
        for screen in self._screens:
            for trouble in sorted({*screen.outside, *screen.troubles}):
                problem.add_note(f"{screen.name}: {trouble}")
