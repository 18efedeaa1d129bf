"""Processes of the house that a bench starts, each as `faonam NAME` runs it, and ends with itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

from core.settings import ROOT, data_dir


def begin(*words: str, niceness: int = 0) -> subprocess.Popen[bytes]:
    """`faonam WORDS` runs on the bench's database and folder, as nice as the house's supervisor makes it."""
    return subprocess.Popen(
        ["nice", "-n", str(niceness), sys.executable, "-m", "cli", *words], cwd=ROOT,
        env={**os.environ, "FAONAM_DATA_DIR": str(data_dir())}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )


def kill(child: subprocess.Popen[bytes]) -> None:
    """It got SIGKILL and is gone."""
    child.kill()
    child.wait()


@contextlib.contextmanager
def running(programs: Mapping[str, int]) -> Iterator[None]:
    """Each of `faonam WORDS` runs, by its niceness, while the block does."""
    children = [begin(*words.split(), niceness=niceness) for words, niceness in programs.items()]
    try:
        yield
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(60)
