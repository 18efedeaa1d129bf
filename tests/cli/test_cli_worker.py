"""A worker that is named at the command line does what it was asked for, or says that nobody can."""

from __future__ import annotations

import subprocess
import sys

from cli import house
from core.settings import ROOT


def test_a_queue_that_nobody_fills_is_refused_and_the_house_asks_for_all_others() -> None:
    """A worker of a mistyped queue would wait for ever; what no worker of the house asks for would never be done."""
    # In a process of its own: to know every room changes how events are handed over.
    command = [sys.executable, "-m", "cli", "worker", "--queues", "default, floods"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    told, _, there = ended.stderr.partition("; there are ")
    assert told == "faonam: There is no queue 'floods'"
    commands = [program.command for program in house.programs() if "--queues" in program.command]
    asked = {name for one in commands for name in one[one.index("--queues") + 1].split(",")}
    assert sorted(asked) == there.strip().rstrip(".").split(", ")
