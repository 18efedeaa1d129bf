"""How far long work is, on standard error: standard output carries results alone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console

Progress = Callable[[str], None]

console = Console(stderr=True)


@contextlib.contextmanager
def step(sentence: str) -> Iterator[Progress]:
    """The sentence stands with a spinner while the block runs, with what the block tells of its progress behind it."""
    began_s = time.monotonic()
    with console.status(sentence) as status:
        yield lambda detail: status.update(f"{sentence}: {detail}")
    console.print(f"[green]✓[/green] {sentence} [dim]{time.monotonic() - began_s:.1f} s[/dim]")
