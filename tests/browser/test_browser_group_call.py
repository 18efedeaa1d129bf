"""Somebody unknown cries in a group: the rail is red, an officer reads it and answers; a withdrawn report says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from everybody import assert_for_everybody
from playwright.sync_api import expect
from screens import DESK, PATIENCE_MS, PHONE, Screens
from small_city import found_city, served_here

from core import clock
from core.db import transaction
from gis.points import LonLat
from incidents import actions, group_calls
from incidents.models import Report
from incidents.rules import NewReport
from line.events import CriedInGroup, seal_line_user
from line.models import OutboxChunk
from tests.accounts import PASSWORD, add_account

pytestmark = pytest.mark.browser
CRY = "ช่วยด้วย น้ำท่วมถึงคอ"


@pytest.fixture
def origin(database: sa.Engine) -> Iterator[str]:
    """A small city with one incident, whose reporter took it back, and a stranger's cry."""
    with transaction() as session:
        found_city(session)
        add_account(session, "pim", roles=["officer"])
        lamp = NewReport("ไฟดับ", "street_light", LonLat(lon=99.96, lat=8.43), "photo", is_private=True)
        actions.receive_report(session, lamp)
        session.execute(sa.update(Report).values(withdrawn_at=clock.now()))
        event = CriedInGroup("e1", None, None, CRY, clock.now(), seal_line_user("C" + "1" * 32))
        group_calls.note(session, event)
    with served_here("index") as address:
        yield address


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """Every look waits as long as a busy machine needs."""
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


def test_an_officer_hears_a_stranger_wherever_they_are_and_answers(origin: str, tmp_path: Path) -> None:
    """On a desk and on a phone, by day and night; the words come by a press, the answer goes to the group."""
    with Screens(origin, tmp_path) as screens:
        screen = screens.new("officer", DESK)
        page = screen.sign_in("/", "pim", PASSWORD)
        expect(page.get_by_test_id("mode-incidents").locator(".urgent")).to_have_text("1")
        page.get_by_test_id("mode-incidents").click()
        call = page.get_by_test_id("group-call")
        expect(call).not_to_contain_text(CRY)
        call.get_by_test_id("group-call-open").click()
        expect(call).to_contain_text(CRY)
        assert_for_everybody(page, "a call")
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        assert page.evaluate("document.querySelector('main').scrollWidth <= innerWidth")
        page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
        call.get_by_test_id("group-call-text").fill("อยู่ที่ไหน")
        call.get_by_test_id("group-call-send").click()
        expect(page.get_by_test_id("group-call")).to_have_count(0)
        page.get_by_test_id("incident-row").click()
        for mark, said in (("report-withdrawn", "ผู้แจ้งถอนเรื่องนี้เมื่อ"), ("report-private", "ผู้แจ้งขอไม่ให้แสดงต่อสาธารณะ")):
            expect(page.get_by_test_id(mark)).to_contain_text(said)
        expect(page.locator("aside.detail")).to_contain_text("ตรงที่ถ่ายภาพ")
        assert_for_everybody(page, "a report that was withdrawn")
        assert [trouble for trouble in screen.troubles if "/tiles/" not in trouble] == []
    with transaction() as session:
        assert session.scalars(sa.select(OutboxChunk.subject)).all() == ["group_call:1"]
