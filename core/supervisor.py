"""Several processes under one: started in order, restarted when they die, stopped cleanly together.

A child that dies is started again after a growing wait; its output goes, line by line, to this process's standard
error with the child's name in front. Children end with this process even when it is killed.
"""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import SetupError
from core.logs import get_logger

log = get_logger("core.supervisor")

STOP_LIMIT_S = 8.0
STEADY_AFTER_S = 10.0
LONGEST_WAIT_S = 10.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """One child; `is_ready` is asked until it says yes or `ready_limit_s` has passed.

    A child with `niceness` above 0 gives way where processors are short.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] | None = None
    ready_limit_s: float = 60.0
    is_restarted: bool = True
    niceness: int = 0


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[str]
    started_at_s: float
    deaths: int = 0
    restart_at_s: float | None = None


def _begin(niceness: int) -> None:
    """The child, before it becomes its program: it dies with its parent, and gives way as it should."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.nice(niceness)


class Supervisor:
    """Keeps its programs alive between `start` and `stop`."""

    def __init__(self, *, output: Callable[[str, str], None] | None = None) -> None:
        self._children: dict[str, _Child] = {}
        self._output = output or (lambda name, line: print(f"{name:>12} │ {line}", file=sys.stderr, flush=True))

    def start(self, program: Program) -> None:
        """The program runs; whether it is ready, `await_ready` tells."""
        self._children[program.name] = _Child(program, self._spawn(program), time.monotonic())

    def await_ready(self) -> None:
        """Every program says that it is ready. Raises SetupError that names the one that is not."""
        for child in self._children.values():
            self._await(child)

    def _await(self, child: _Child) -> None:
        program = child.program
        deadline = time.monotonic() + program.ready_limit_s
        while program.is_ready is not None and not program.is_ready():
            if child.process.poll() is not None:
                raise SetupError(f"{program.name} stopped while starting; its last words stand above.")
            if time.monotonic() > deadline:
                raise SetupError(f"{program.name} was not ready within {program.ready_limit_s:.0f} s.")
            time.sleep(0.05)

    def _spawn(self, program: Program) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            list(program.command),
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=functools.partial(_begin, program.niceness),
        )
        threading.Thread(target=self._relay, args=(program.name, process), daemon=True).start()
        return process

    def _relay(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101 - it was opened as a pipe above.
        with process.stdout:
            for line in process.stdout:
                self._output(name, line.rstrip("\n"))

    def pids(self) -> dict[str, int]:
        """The process id of every program."""
        return {name: child.process.pid for name, child in self._children.items()}

    def watch(self) -> None:
        """Programs that died run again, each after its wait; to be called about ten times a second."""
        for child in self._children.values():
            now_s = time.monotonic()
            if child.restart_at_s is not None:
                if now_s >= child.restart_at_s:
                    child.process, child.started_at_s = self._spawn(child.program), now_s
                    child.restart_at_s = None
            elif child.process.poll() is not None and child.program.is_restarted:
                lived_s = now_s - child.started_at_s
                child.deaths = 1 if lived_s > STEADY_AFTER_S else child.deaths + 1
                wait_s = min(LONGEST_WAIT_S, 0.1 * 2 ** (child.deaths - 1))
                child.restart_at_s = now_s + wait_s
                log.warning(
                    "supervisor.program_died", program=child.program.name, exit_code=child.process.returncode,
                    restart_in_s=wait_s,
                )

    def stop(self) -> None:
        """Every program has ended, the last started first; those that do not end within the limit are killed."""
        for child in reversed(list(self._children.values())):
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + STOP_LIMIT_S
        for child in self._children.values():
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
        self._children.clear()
