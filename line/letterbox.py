"""Calls that come at the same time are kept in one transaction, and answered when it has been committed.

A commit costs as much for one call as for fifty; while one is under way the next calls gather.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

Keep = Callable[[Sequence[bytes]], None]
MOST_AT_ONCE = 200


class Letterbox:
    """Hands what comes in to `keep`, all that gathered at once, in a thread; belongs to one event loop."""

    def __init__(self, keep: Keep) -> None:
        """Nothing has come yet."""
        self._keep = keep
        self._gathered: list[tuple[bytes, asyncio.Future[None]]] = []
        self._emptying: asyncio.Task[None] | None = None

    async def put(self, raw: bytes) -> None:
        """The call is kept. Raises what `keep` raised, for this call alone where the others beside it were good."""
        kept = asyncio.get_running_loop().create_future()
        self._gathered.append((raw, kept))
        if self._emptying is None:
            self._emptying = asyncio.create_task(self._empty())
        await kept

    async def _empty(self) -> None:
        try:
            while self._gathered:
                together, self._gathered = self._gathered[:MOST_AT_ONCE], self._gathered[MOST_AT_ONCE:]
                await self._keep_together(together)
        finally:
            self._emptying = None

    async def _keep_together(self, together: Sequence[tuple[bytes, asyncio.Future[None]]]) -> None:
        fault = await self._fault_of([raw for raw, _ in together])
        if fault is None or len(together) == 1:
            for _, kept in together:
                _answer(kept, fault)
            return
        for raw, kept in together:  # One of them may be at fault; the others must not suffer for it.
            _answer(kept, await self._fault_of([raw]))

    async def _fault_of(self, raws: Sequence[bytes]) -> Exception | None:
        try:
            await asyncio.to_thread(self._keep, raws)
        except Exception as exc:  # Whatever it is, the caller who waits must hear it.
            return exc
        return None


def _answer(kept: asyncio.Future[None], fault: Exception | None) -> None:
    if kept.done():  # The caller has hung up.
        return
    if fault is None:
        kept.set_result(None)
    else:
        kept.set_exception(fault)
