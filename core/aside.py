"""Heavy work in a process of its own, bounded in memory and time: bytes in on standard input, bytes out."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from core.errors import UnavailableError
from core.settings import ROOT

NICENESS = 15


def done_aside(module: str, given: bytes, *, within_s: float, name: str) -> bytes:
    """What `python -m module` answered. Raises UnavailableError, which begins with `name`, where it fails or lasts."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", module], input=given, capture_output=True, cwd=ROOT, timeout=within_s, check=True
        )
    except subprocess.TimeoutExpired as exc:
        raise UnavailableError(f"{name} took more than {within_s:g} s and was ended.") from exc
    except subprocess.CalledProcessError as exc:
        last = (exc.stderr.decode(errors="replace").strip().splitlines() or ["no word"])[-1]
        raise UnavailableError(f"{name} failed: {last[:200]}") from exc
    return done.stdout


def give_way(*, memory_bytes: int) -> None:
    """This process has no more than so many bytes of addresses, and gives way where processors are short."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    os.nice(NICENESS)
