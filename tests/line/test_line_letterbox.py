"""Calls that come together are kept together; each hears what became of itself alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from line.letterbox import MOST_AT_ONCE, Letterbox


def test_calls_that_come_meanwhile_share_the_next_transaction() -> None:
    """While one batch is kept the others gather; all are kept, none twice, never more at once than is allowed."""
    batches: list[list[bytes]] = []
    go_on = threading.Event()

    def keep(raws: Sequence[bytes]) -> None:
        batches.append(list(raws))
        go_on.wait(10)

    async def scene() -> None:
        box = Letterbox(keep)
        calls = [asyncio.create_task(box.put(str(n).encode())) for n in range(1)]
        await asyncio.sleep(0.05)
        calls += [asyncio.create_task(box.put(str(n).encode())) for n in range(1, MOST_AT_ONCE + 51)]
        await asyncio.sleep(0.05)
        assert not any(call.done() for call in calls), "nobody is answered before the commit"
        go_on.set()
        await asyncio.gather(*calls)

    asyncio.run(scene())
    assert [len(batch) for batch in batches] == [1, MOST_AT_ONCE, 50]
    assert sorted(raw for batch in batches for raw in batch) == sorted(
        str(n).encode() for n in range(MOST_AT_ONCE + 51)
    )


def test_one_bad_call_spoils_no_other() -> None:
    """The call that cannot be kept hears why; those beside it are kept."""
    kept: list[bytes] = []

    def keep(raws: Sequence[bytes]) -> None:
        if b"bad" in raws:
            raise ValueError("bad")
        kept.extend(raws)

    async def scene() -> list[BaseException | None]:
        box = Letterbox(keep)
        return await asyncio.gather(*(box.put(raw) for raw in (b"1", b"2", b"bad", b"3")), return_exceptions=True)

    told = asyncio.run(scene())
    assert [type(one).__name__ for one in told] == ["NoneType", "NoneType", "ValueError", "NoneType"]
    assert sorted(kept) == [b"1", b"2", b"3"]


def test_who_hangs_up_harms_nobody() -> None:
    """A caller that is gone when its batch is committed leaves the others their answers."""

    async def scene() -> None:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        go_on = threading.Event()

        def keep(raws: Sequence[bytes]) -> None:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(10)

        box = Letterbox(keep)
        gone = asyncio.create_task(box.put(b"1"))
        await begun.wait()
        stays = asyncio.create_task(box.put(b"2"))
        await asyncio.sleep(0)
        gone.cancel()
        go_on.set()
        await stays
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(scene())
