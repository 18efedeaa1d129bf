"""A whole house in a folder of its own, started as a user starts it, for tests that play on it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from core.settings import ROOT

# Kept from run to run: the demo city is imported once per version of the code, as it is for a user.
PLACE = Path(tempfile.gettempdir()) / f"faonam-house-{os.geteuid()}-{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}"


def free_port() -> int:
    """A TCP port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """A running `faonam up` and the notes it keeps about itself."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, log: Path) -> None:
        self.process = process
        self._folder = folder
        self._log = log

    def note(self) -> dict[str, Any]:
        """`processes.json`: the pids by name, and the addresses of the API and the stand-in."""
        return dict(json.loads((self._folder / "processes.json").read_text()))

    def kill(self, name: str) -> None:
        """SIGKILL to one process of the house."""
        os.kill(self.note()["pids"][name], signal.SIGKILL)

    def standin(self) -> httpx.Client:
        """A client on the stand-in's admin API."""
        return httpx.Client(base_url=f"{self.note()['standin']}/_standin", timeout=10.0)

    def last_words(self) -> str:
        """The end of what the house said, for a failing test."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-60:])

    def await_alive(self, limit_s: float = 240.0) -> None:
        """The house has noted where it answers, and its processes run."""
        deadline = time.monotonic() + limit_s
        with httpx.Client(timeout=1.0) as http:
            while time.monotonic() < deadline:
                if self.process.poll() is not None:
                    raise AssertionError(f"the house ended while starting:\n{self.last_words()}")
                with contextlib.suppress(OSError, ValueError, KeyError, httpx.HTTPError):
                    if self.note()["pids"] and http.get(f"{self.note()['api']}/readyz").is_success:
                        return
                time.sleep(0.2)
        raise AssertionError(f"the house was not alive within {limit_s:.0f} s:\n{self.last_words()}")


@contextlib.contextmanager
def only_house() -> Iterator[None]:
    """No other test, in this run or beside it, uses the tests' house while the block runs; it waits for its turn."""
    PLACE.mkdir(parents=True, exist_ok=True)
    PLACE.chmod(0o755)
    with (PLACE / "turn.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def house(name: str, *arguments: str) -> Iterator[House]:
    """`faonam up ARGUMENTS` runs in the test's own folder, on free ports; it is stopped with the block.

    To be used inside `only_house()`.
    """
    folder = PLACE / "once" if "--once" in arguments else PLACE
    (folder / "processes.json").unlink(missing_ok=True)
    environment = {**os.environ, "FAONAM_DATA_DIR": str(PLACE)}
    environment.pop("DATABASE_URL", None)
    for variable in ("FAONAM_API_PORT", "FAONAM_STANDIN_PORT", "FAONAM_MQTT_PORT"):
        environment[variable] = str(free_port())
    log = PLACE / f"{name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up", *arguments], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )
    try:
        yield House(process, folder, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(60)
