"""Events over HTTP and at the command line, with real commits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api import problems
from api.routes import after as routes
from cli import main as commands
from core import clock
from core.db import transaction
from tests.alerts.after.test_summary import Story, at, told
from tests.serving import browser


@pytest.fixture
def event_id(database: sa.Engine, frozen_clock: Any, town_of: Any) -> int:
    """The story of test_summary, committed."""
    with transaction() as session:
        found: Story = told(session, town_of(session))
        found.town.account("vic", ["viewer"])
    clock.freeze(lambda: at(200))
    return found.event_id


@pytest.fixture
def app() -> FastAPI:
    """The routes of events alone."""
    app = FastAPI()
    problems.add_problems(app)
    app.include_router(routes.router, prefix="/api/v1")
    return app


def test_an_event_is_read_corrected_printed_and_replayed(event_id: int, app: FastAPI) -> None:
    """Listed and read by whoever is signed in; an officer's word changes the score; the report is a page."""
    ann, vic = browser(app, "ann"), browser(app, "vic")
    assert TestClient(app).get("/api/v1/events").status_code == 401
    (one,) = vic.get("/api/v1/events").json()["events"]
    assert (one["id"], one["level"], one["zones"], one["is_exercise"]) == (event_id, 3, 2, False)
    url = f"/api/v1/events/{event_id}"
    read = vic.get(url).json()
    assert read["score"] | {"median_lead_min": 35.0} == read["score"]
    by_code = {zone["code"]: zone for zone in read["zones"]}
    assert sorted(read["asks_for"]) == sorted(zone["zone_id"] for zone in read["zones"])
    word = {"zone_id": by_code["C"]["zone_id"], "outcome": "flooded", "flooded_at": at(50).isoformat()}
    assert vic.post(f"{url}/outcome", json=word).status_code == 403
    said = ann.post(f"{url}/outcome", json=word).json()
    assert (said["score"]["hits"], said["score"]["false_alarms"], said["score"]["median_lead_min"]) == (2, 0, 40.0)
    assert by_code["C"]["zone_id"] not in said["asks_for"]
    assert said["event"]["said"] == 1
    assert ann.post(f"{url}/outcome", json=word | {"zone_id": 999_999}).status_code == 422
    assert ann.post(f"{url}/outcome", json=word | {"outcome": "wet"}).status_code == 422
    page = vic.get(f"{url}/report.html", params={"language": "en"})
    assert page.headers["content-type"].startswith("text/html")
    assert "hit (officer)" in page.text
    first, second = (ann.post(f"{url}/replay", json={}).json() for _ in range(2))
    assert first == second
    assert first["differences"] == {"same": 2, "earlier": 0, "later": 0, "more": 0, "fewer": 0}
    assert vic.get("/api/v1/events/999999").status_code == 404


def test_events_at_the_command_line(
    event_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """List, show, report and replay say what the API says."""
    shown = {
        name: CliRunner().invoke(commands.app, ["events", *arguments])
        for name, arguments in {
            "list": ["list"], "show": ["show", str(event_id)], "replay": ["replay", str(event_id)],
            "report": ["report", str(event_id), "--out", str(tmp_path / "r.html")],
            "pdf": ["report", str(event_id), "--out", str(tmp_path / "r.pdf")],
        }.items()
    }
    assert [name for name, result in shown.items() if result.exit_code != 0] == ["pdf"]
    assert "1 hits, 1 misses, 1 false alarms" in shown["show"].output
    assert json.loads(shown["replay"].output.splitlines()[-1])["differences"]["same"] == 2
    assert "รายงานหลังเหตุการณ์" in (tmp_path / "r.html").read_text(encoding="utf-8")
