"""Processes of the house that begin at once, because a warm one splits itself, and that may get SIGKILL at any moment.

A cold start takes two seconds of a processor. `python -m tests.alerts.nursery` has loaded all rooms, has no threads and
no connections, and makes a child for each line on its standard input; when that closes, all its children are killed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from core.settings import ROOT

GONE_LIMIT_S = 10.0


class Nursery:
    """A warm process that others are born from. What they say goes to the file `log`."""

    def __init__(self, log: Path) -> None:
        """The warm process runs."""
        self._log = log.open("ab")
        self._warm = subprocess.Popen(
            [sys.executable, "-m", "tests.alerts.nursery"], cwd=ROOT, text=True, bufsize=1,
            # One thread: a child of a process with more of them may wait for ever.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
        )

    def begin(self, role: str, **environment: str) -> int:
        """A process runs in this role, with these variables beside ours; its id."""
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        self._warm.stdin.write(json.dumps({"role": role, "environment": environment}) + "\n")
        return int(self._warm.stdout.readline())

    def close(self) -> None:
        """None of its children runs any more, nor does it."""
        with self._warm:  # Closes its standard input, and waits for its end.
            pass
        self._log.close()


@contextlib.contextmanager
def nursery(log: Path) -> Iterator[Nursery]:
    """A nursery for the length of the block."""
    one = Nursery(log)
    try:
        yield one
    finally:
        one.close()


def kill(pid: int) -> None:
    """The process got SIGKILL and is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    deadline_s = time.monotonic() + GONE_LIMIT_S
    while is_alive(pid):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"process {pid} does not end.")
        time.sleep(0.001)


def is_alive(pid: int) -> bool:
    """There is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _serve_standin() -> None:
    import uvicorn

    from core import clock
    from core.settings import settings
    from line.standin.app import create_app

    # It asks the real time: its own question to the city's database would keep that from being copied.
    app = create_app(now=clock.wall_now)
    uvicorn.run(app, port=settings().standin_port, log_level="error", ws="none", access_log=False)


def _serve_api() -> None:
    import api

    api.run()


def _send() -> None:
    import line.sender

    line.sender.run()


def _work() -> None:
    import asyncio

    from core import jobs

    asyncio.run(jobs.work(queues=["default", "events", jobs.URGENT], concurrency=4, name="worker"))


ROLES: dict[str, Callable[[], None]] = {"standin": _serve_standin, "api": _serve_api, "sender": _send, "worker": _work}


def _live(role: str, environment: dict[str, str]) -> None:
    """The child's whole life."""
    from core import db
    from core.settings import settings

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ |= environment
    settings.cache_clear()
    db.engine.cache_clear()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    ROLES[role]()


def _bear(role: str, environment: dict[str, str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _live(role, environment)
        status = 0
    except Exception:
        traceback.print_exc()  # Into the log of what they say: the next line leaves nothing behind.
    finally:
        os._exit(status)  # Never back into the warm process's loop.


def main() -> None:
    """Children are born until standard input closes."""
    from cli.rooms import load_tasks, stay
    from core.logs import configure_logs

    for module in ("api.server", "line.sender", "line.standin.app", "uvicorn"):
        importlib.import_module(module)
    load_tasks()
    configure_logs("console")
    stay()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Who ends leaves no zombie.
    born: list[int] = []
    for asked in map(json.loads, sys.stdin):
        born.append(_bear(asked["role"], asked["environment"]))
        sys.stdout.write(f"{born[-1]}\n")
        sys.stdout.flush()
    for pid in born:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
