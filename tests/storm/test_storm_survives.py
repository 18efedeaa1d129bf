"""The storm's figures hold when processes are killed in the middle of the delivery."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest
from house import House, house, only_house

# Twice as fast as a storm to watch: what dies has less time to come back, and the storm still waits for its own gauges.
SPEED = "240"
# Each multicast is held up so long that a delivery takes seconds and can be hit in its middle.
SLOW_MS = 500
SLOW_REQUESTS = 60


def _in_the_middle_of_the_delivery(running: House, limit_s: float = 200.0) -> None:
    deadline = time.monotonic() + limit_s
    with running.standin() as standin:
        slow = {"kind": "slow_ms", "count": SLOW_REQUESTS, "ms": SLOW_MS, "endpoint": "multicast"}
        standin.post("/faults", json=slow)
        while time.monotonic() < deadline:
            assert running.process.poll() is None, running.last_words()
            if standin.get("/deliveries/summary", params={"kind": "multicast"}).json()["deliveries"]:
                return
            time.sleep(0.05)
    raise AssertionError(f"no alert was sent within {limit_s:.0f} s:\n{running.last_words()}")


def _await_answer(running: House) -> None:
    deadline = time.monotonic() + 30
    with httpx.Client(timeout=1.0) as http:
        while time.monotonic() < deadline:
            try:
                if http.get(f"{running.note()['api']}/readyz").is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
    raise AssertionError(f"the API did not come back:\n{running.last_words()}")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killing_the_workers_and_the_api_in_the_middle_of_a_delivery_changes_no_figure(tmp_path: Path) -> None:
    """Everybody in the zone is told once and nobody else, whatever dies while they are being told."""
    figures_file = tmp_path / "figures.json"
    with only_house(), house("survives", "--once", "--speed", SPEED, "--json", str(figures_file)) as running:
        running.await_alive()
        _in_the_middle_of_the_delivery(running)
        for name in ("sender", "receiver", "worker"):
            running.kill(name)
        time.sleep(1.0)
        running.kill("api")
        _await_answer(running)
        status = running.process.wait(420)
        words = running.last_words()
    assert status == 0, words
    figures = json.loads(figures_file.read_text())
    assert figures["audience"] >= 1000, words
    assert (figures["delivered"], figures["outside"], figures["duplicates"]) == (figures["audience"], 0, 0)
    assert figures["incidents"] >= 20
    assert figures["jobs_done"] >= 5
    assert figures["reporters_told"] == figures["incidents_finished"]
