"""Two officers at two screens: one writes a warning, the other approves it; what is stopped in mid-send stays here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from everybody import assert_for_everybody
from playwright.sync_api import Page, expect
from screens import DESK, PATIENCE_MS, PHONE, Screen, Screens
from shapely.geometry import Point
from small_city import served_here

from core.db import transaction
from line.models import OutboxChunk
from line.rules import MULTICAST_LIMIT
from tests.accounts import PASSWORD
from tests.alerts.conftest import Town
from tests.line.conftest import StandinServer, standin_at, standin_port  # noqa: F401 - a fixture.
from tests.line.test_line_faults import is_open, sending

pytestmark = pytest.mark.browser
CHUNKS = 4
IN_A, IN_B = Point(100.005, 8.405), Point(100.015, 8.405)
ZONE_A, ZONE_B = "ชุมชนA", "ชุมชนB"


@pytest.fixture
def line(database: sa.Engine, standin_port: int, tmp_path: Path) -> Iterator[StandinServer]:  # noqa: F811 - the fixture.
    """LINE's stand-in, whose friends are the town's residents."""
    with standin_at(standin_port, tmp_path) as standin:
        yield standin


@pytest.fixture
def origin(line: StandinServer, frozen_clock: Any) -> Iterator[str]:
    """A town of two zones: a few live in the first, two thousand in the second; three officers."""
    with transaction() as session:
        town = Town(session)
        town.zone("A")
        town.zone("B", at=0.01)
        for _ in range(3):
            town.resident(IN_A)
        town.resident(IN_A, is_reachable=False)
        for _ in range(CHUNKS * MULTICAST_LIMIT):
            town.resident(IN_B)
        town.account("ann", ["officer", "approver"])
        town.account("bob", ["officer", "approver"])
    line.register(CHUNKS * MULTICAST_LIMIT + 8)
    with served_here("index") as address:
        yield address


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """Every look waits as long as a busy machine needs."""
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


def _write(screen: Screen, zone: str, level: str) -> Page:
    """A warning for the zone waits for somebody else."""
    page = screen.page
    page.get_by_test_id("compose").click()
    page.get_by_test_id("compose-level").select_option(level)
    page.get_by_label(zone, exact=False).check()
    page.get_by_test_id("compose-propose").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    return page


def _approve(page: Page) -> None:
    page.get_by_test_id("approve").first.click()
    name = page.get_by_role("dialog").get_by_test_id("typed-name")
    if name.count():
        expect(page.get_by_test_id("approve-confirm")).to_be_disabled()
        name.fill(name.get_attribute("data-name") or "")
    page.get_by_test_id("approve-confirm").click()


def _recipients(state: str) -> int:
    with transaction() as session:
        counted = sa.select(sa.func.coalesce(sa.func.sum(OutboxChunk.recipient_count), 0))
        return int(session.scalar(counted.where(OutboxChunk.state == state)) or 0)


def _await_quiet() -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while is_open():
        assert time.monotonic() < deadline, "something waits for ever"
        time.sleep(0.1)


def test_four_eyes_and_a_stop_in_mid_send(origin: str, line: StandinServer, tmp_path: Path) -> None:
    """Whoever wrote it is refused; the number that the other one sees is the number that LINE is told.

    Of a second alert, stopped while it goes out, nobody hears any more; the counts add up, and who was told gets an
    all-clear to approve.
    """
    with Screens(origin, tmp_path) as screens:
        ann, bob = screens.new("ann", DESK), screens.new("bob", DESK)
        ann.sign_in("/", "ann", PASSWORD)
        bob.sign_in("/", "bob", PASSWORD)
        _own_words_are_not_ones_own_to_send(ann)
        shown = _who_is_told(bob.page)
        with sending():
            _approve(bob.page)
            expect(bob.page.get_by_test_id("delivery")).to_contain_text(f"{shown} จาก {shown} คน")
            _await_quiet()
        assert sum(line.told().values()) == shown == 3
        _stop_in_mid_send(ann, bob, line)
        for screen in (ann, bob):
            assert [trouble for trouble in screen.troubles if "/tiles/" not in trouble] == []


def _own_words_are_not_ones_own_to_send(ann: Screen) -> None:
    page = _write(ann, ZONE_A, "2")
    _approve(page)
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def _who_is_told(page: Page) -> int:
    """By zone, reason and language; who cannot be told stands apart; readable for everybody, on a phone too."""
    page.get_by_test_id("alert-card").first.wait_for()
    page.get_by_test_id("alert-tab-reach").click()
    count = page.get_by_test_id("preview-count")
    expect(page.locator("aside.detail")).to_contain_text(ZONE_A)
    expect(page.locator("aside.detail")).to_contain_text("บล็อกหรือเลิกติดตามบัญชี")
    assert_for_everybody(page, "who is told")
    shown = int(count.get_attribute("data-count") or 0)
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    return shown


def _stop_in_mid_send(ann: Screen, bob: Screen, line: StandinServer) -> None:
    told_before = sum(line.told().values())
    # LINE takes two chunks, and then asks to be spared until the officer has decided otherwise.
    line.break_next("slow_ms", 2, ms=1.0, endpoint="multicast")
    line.break_next("rate_429", 100_000, endpoint="multicast")
    _write(bob, ZONE_B, "3")
    page = ann.page
    page.locator(f"article.proposal:has-text('{ZONE_B}')").wait_for()
    with sending():
        _approve(page)
        card = page.locator(f"article[data-testid=alert-card]:has-text('{ZONE_B}')")
        expect(card.get_by_test_id("delivery")).to_contain_text("1,000 จาก 2,000 คน")
        card.get_by_test_id("cancel").click()
        page.get_by_test_id("cancel-reason").fill("เครื่องวัดผิด")
        page.get_by_test_id("cancel-confirm").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        _await_quiet()
        told = sum(line.told().values()) - told_before
        line.admin.delete("/faults").raise_for_status()
        time.sleep(2.0)
    everybody = CHUNKS * MULTICAST_LIMIT
    assert sum(line.told().values()) - told_before == told == _recipients("accepted") - told_before
    assert told == 2 * MULTICAST_LIMIT
    with transaction() as session:
        frozen, stopped = session.execute(
            sa.text(
                "SELECT sum(cardinality(c.resident_ids)), sum(cardinality(c.resident_ids)) FILTER (WHERE c.state ="
                " 'cancelled' OR o.state = 'cancelled') FROM alert_chunk c LEFT JOIN outbox_chunk o"
                " ON o.id = c.outbox_chunk_id WHERE c.suppressed IS NULL AND c.alert_id = (SELECT max(alert_id)"
                " FROM alert_chunk)"
            )
        ).one()
    assert (int(frozen), int(stopped)) == (everybody, everybody - told)
    expect(page.locator("article.proposal")).to_contain_text("ยุติ")
