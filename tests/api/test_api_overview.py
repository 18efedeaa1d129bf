"""The figures at the top of the console, and the audit log's pages."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from fastapi.testclient import TestClient

from core.db import transaction
from staff import actions

SignsIn = Callable[[str], TestClient]


def test_an_empty_city_has_an_overview_of_zeroes(signed_in: SignsIn) -> None:
    """Before the first gauge reports there is something to look at, and it says what is simulated."""
    answer = signed_in("viewer").get("/api/v1/overview")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["gauges"] == {
        "total": 0, "normal": 0, "watch": 0, "warning": 0, "danger": 0, "stale": 0, "unknown": 0
    }  # fmt: skip
    assert body["incidents"] == {"open": 0, "overdue": 0, "by_state": {}}
    assert (body["is_simulated"], body["line_is_standin"]) == (False, True)
    assert body["clock"]["speed"] == 1.0


def test_simulated_layers_are_named(signed_in: SignsIn) -> None:
    """Every screen can say which parts of the picture are made up."""
    with transaction() as session:
        session.execute(
            sa.text(
                "INSERT INTO layer (name, kind, source, licence, trust, row_count, version, imported_at, legend) "
                "VALUES ('homes', 'homes', 's', 'l', 'simulated', 1, 1, now(), '{}'), "
                "('roads', 'roads', 's', 'l', 'real', 1, 1, now(), '{}')"
            )
        )
    body = signed_in("viewer").get("/api/v1/overview").json()
    assert (body["is_simulated"], body["simulated_layers"]) == (True, ["homes"])


def test_the_audit_log_is_read_page_by_page(signed_in: SignsIn) -> None:
    """The newest comes first, and each page says how to ask for the next."""
    with transaction() as session:
        for n in range(5):
            actions.record(session, account=None, action="alert.approved", subject=f"alert:{n}", detail={"n": n})
    browser = signed_in("admin")
    first = browser.get("/api/v1/audit", params={"limit": 3}).json()
    assert [one["subject"] for one in first["entries"]] == ["account:admin", "alert:4", "alert:3"]
    rest = browser.get("/api/v1/audit", params={"before_id": first["next_before_id"], "limit": 10}).json()
    assert [one["detail"]["n"] for one in rest["entries"]] == [2, 1, 0]
    assert rest["next_before_id"] is None


def test_the_clock_is_open_to_all(browser: TestClient) -> None:
    """The public's page runs on the same time as the duty room."""
    assert browser.get("/api/v1/clock").json()["speed"] == 1.0
