"""Who does a task for every tile: this thread, or several; `workers` asks other machines."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

Item = tuple[Any, ...]
Found = TypeVar("Found")


class Runner(Protocol):
    """Does the task for each item."""

    def __call__(self, task: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
        """What the task gives for each item, in the order of the items."""


def in_turn(task: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
    """One after the other, in this thread."""
    return map(task, items)


@contextlib.contextmanager
def threads(count: int) -> Iterator[Runner]:
    """So many at once in this process; only for tasks that open no files (GDAL and threads do not mix)."""
    with ThreadPoolExecutor(count) as pool:

        def run(task: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
            return pool.map(task, items)

        yield run
