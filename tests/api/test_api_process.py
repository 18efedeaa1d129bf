"""The API as an operator sees it: a process that starts, says what is wrong, and stops at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "import api; api.run()"],
        env={**os.environ, "FAONAM_API_PORT": str(port)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def process(database: sa.Engine) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The API as a process of its own, answering; and its address."""
    port = _free_port()
    with _start(port) as started:
        address = f"http://127.0.0.1:{port}"
        deadline_s = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{address}/readyz", timeout=5).raise_for_status()
                break
            except httpx.TransportError:
                assert started.poll() is None, started.stderr and started.stderr.read()
                assert time.monotonic() < deadline_s
                time.sleep(0.1)
        yield started, address
        started.kill()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_within_two_seconds_without_a_traceback(
    process: tuple[subprocess.Popen[str], str], ending: signal.Signals
) -> None:
    """Ctrl-C and a supervisor's stop end it in good order, with nothing for the officer to decipher."""
    started, _ = process
    began_s = time.monotonic()
    started.send_signal(ending)
    _, said = started.communicate(timeout=10)
    assert time.monotonic() - began_s < 2
    assert "Traceback" not in said


def test_a_second_one_on_the_same_port_says_so(process: tuple[subprocess.Popen[str], str]) -> None:
    """Two at once are no accident that goes unnoticed: the second names the way out."""
    _, address = process
    with _start(int(address.rsplit(":", 1)[1])) as second:
        _, said = second.communicate(timeout=30)
    assert second.returncode != 0
    assert "SetupError: Another program already listens on" in said
    assert httpx.get(f"{address}/healthz").status_code == 200
