"""Peers that Faonam does not ship: fetched at their first use, exactly as locked."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from core.errors import SetupError
from core.progress import step
from core.settings import ROOT

LOCK = ROOT / "requirements-bench.lock"


def fetch(*modules: str) -> None:
    """These modules can be imported; where one was missing, the whole lock file has been installed.

    Raises SetupError where they cannot be, with the reason.
    """
    missing = _missing(modules)
    if not missing:
        return
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise SetupError(f"The bench needs {', '.join(missing)}, and uv, which installs them, is not: run ./test.")
    with step(f"installing {', '.join(missing)} from {LOCK.name}"):
        command = [uv, "pip", "install", "-q", "--python", sys.executable, "--require-hashes", "-r", str(LOCK)]
        # Away from the project, whose constraints are for the making of locks and name no hashes.
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(sys.prefix).anchor)
        importlib.invalidate_caches()
    missing = _missing(modules)
    if done.returncode or missing:
        reason = (done.stderr.strip().splitlines() or ["they are still missing."])[-1]
        raise SetupError(f"The bench's peers could not be installed from {LOCK.name}: {reason}")


def _missing(modules: tuple[str, ...]) -> list[str]:
    return [module for module in modules if importlib.util.find_spec(module) is None]
