"""A stand-in of LINE on a port of its own, and senders as processes of their own."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn

from core.settings import ROOT, settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def user(n: int) -> str:
    return f"U{n:032x}"


@dataclass
class StandinServer:
    """The stand-in over real HTTP, with the few things that tests ask of it."""

    admin: httpx.Client

    def register(self, count: int) -> list[str]:
        """So many users are friends; their ids."""
        people = [{"user_id": user(n), "display_name": str(n), "language": "th"} for n in range(count)]
        self.admin.post("/users", json=people).raise_for_status()
        return [person["user_id"] for person in people]

    def break_next(self, kind: str, count: int = 1, **more: Any) -> None:
        """The next `count` requests meet this fault."""
        self.admin.post("/faults", json={"kind": kind, "count": count, **more}).raise_for_status()

    def told(self) -> Counter[str]:
        """How often each user was told."""
        lines = self.admin.get("/deliveries").text.splitlines()
        return Counter(json.loads(line)["user_id"] for line in lines)


@pytest.fixture
def standin_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    port = free_port()
    monkeypatch.setenv("FAONAM_STANDIN_PORT", str(port))
    monkeypatch.setenv("FAONAM_API_PORT", str(free_port()))
    for name in ("LINE_CHANNEL_ACCESS_TOKEN", "LINE_LIVE", "LINE_API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    yield port
    settings.cache_clear()


@contextlib.contextmanager
def standin_at(port: int, folder: Path) -> Iterator[StandinServer]:
    """The stand-in answers at the port while the block runs."""
    from line.standin.app import create_app

    app = create_app(folder)
    config = uvicorn.Config(
        app, port=port, log_level="error", ws="none", timeout_graceful_shutdown=1, access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/_standin", trust_env=False) as admin:
        while not server.started:
            time.sleep(0.01)
        yield StandinServer(admin)
    server.should_exit = True
    thread.join()


@pytest.fixture
def standin(database: sa.Engine, standin_port: int, tmp_path: Path) -> Iterator[StandinServer]:
    with standin_at(standin_port, tmp_path) as server:
        yield server


@pytest.fixture
def sender_process(standin: StandinServer) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a sender as a process of its own; what still runs at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", "import line.sender; line.sender.run()"], cwd=ROOT)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
