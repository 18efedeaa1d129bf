"""Which zones' leaders acknowledged, live; whom to call where nobody did, with a number that is looked at on record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from everybody import assert_for_everybody
from playwright.sync_api import expect
from screens import DESK, PATIENCE_MS, PHONE, Screens
from small_city import served_here

from alerts import acknowledging
from alerts.leader_tasks import look_after_leaders
from core.db import transaction
from flood.models import Zone
from staff.models import AuditEntry
from tests.accounts import PASSWORD
from tests.alerts.conftest import Town
from tests.alerts.groups import LEADER
from tests.alerts.test_alert_escalation import START, approved, settle

pytestmark = pytest.mark.browser


@pytest.fixture
def origin(database: sa.Engine, frozen_clock: Any) -> Iterator[str]:
    """An alert for two zones, of which nobody has acknowledged one in time."""
    with transaction() as session:
        approved(session, settle(session, Town(session)), {"A": 3, "B": 3})
    frozen_clock(START + timedelta(minutes=6))
    with transaction() as session:
        zone_b = session.scalars(sa.select(Zone.id).where(Zone.code == "B")).one()
        acknowledging.acknowledge(session, 1, [zone_b], way="button", line_user_id=LEADER)
        look_after_leaders.run(session)
    with served_here("index") as address:
        yield address


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """Every look waits as long as a busy machine needs."""
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


def test_an_officer_calls_whom_the_list_names(origin: str, tmp_path: Path) -> None:
    """The next of the list after no answer; who is reached counts at once as acknowledged, by phone."""
    with Screens(origin, tmp_path) as screens:
        screen = screens.new("officer", DESK)
        page = screen.sign_in("/", "olu", PASSWORD)
        page.get_by_test_id("mode-alerts").click()
        page.get_by_test_id("alert-card").first.click()
        page.get_by_test_id("alert-tab-leaders").click()
        expect(page.get_by_test_id("acknowledged")).to_contain_text("1 จาก 2")
        call = page.get_by_test_id("escalation")
        expect(call).to_contain_text("โทรหา ผู้ใหญ่เอก")
        expect(call).not_to_contain_text("081")
        call.get_by_test_id("escalation-look").click()
        expect(call.get_by_test_id("escalation-phone")).to_have_attribute("href", "tel:0811111111")
        assert_for_everybody(page, "a call that is due")
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        assert page.evaluate("document.querySelector('main').scrollWidth <= innerWidth")
        page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
        call.get_by_test_id("escalation-no_answer").click()
        expect(call).to_contain_text("โทรหา ป้าศรี")
        call.get_by_test_id("escalation-reached").click()
        expect(page.get_by_test_id("escalation")).to_have_count(0)
        expect(page.get_by_test_id("acknowledged")).to_contain_text("2 จาก 2")
        assert [trouble for trouble in screen.troubles if "/tiles/" not in trouble] == []
    with transaction() as session:
        looks = session.scalars(sa.select(AuditEntry.subject).where(AuditEntry.action == "contact.looked_at")).all()
        assert looks == ["contact:1"]
