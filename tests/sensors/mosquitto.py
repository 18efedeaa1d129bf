"""Debian's Mosquitto, which `./test` installs, as a city would run it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

USERNAME, PASSWORD = "city", "p@ss"


@contextmanager
def running_mosquitto(folder: Path, port: int, *, is_open: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """The broker listens at the port, with an account (to all, `is_open`) and sessions that it writes to the folder."""
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nuser root\nallow_anonymous {str(is_open).lower()}\n"
        f"password_file {folder}/passwords\n"
        f"persistence true\npersistence_location {folder}/\nlog_dest none\n"
    )
    subprocess.run(["mosquitto_passwd", "-b", "-c", folder / "passwords", USERNAME, PASSWORD], check=True)
    child = subprocess.Popen(["/usr/sbin/mosquitto", "-c", folder / "mosquitto.conf"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield child
    finally:
        child.terminate()
        child.wait(10)
