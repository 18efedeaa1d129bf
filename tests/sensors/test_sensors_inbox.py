"""The inbox: what is kept is on disk, in order, until it is forgotten."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sensors.inbox import Doorkeeper, Inbox, Message
from sensors.topics import is_astray, is_taken

AT = datetime(2026, 11, 21, 3, 0, 0, 125_000, tzinfo=UTC)


def _messages(*numbers: int) -> list[Message]:
    return [Message(f"faonam/v1/G{number}/readings", bytes([number, 0, 255]), AT) for number in numbers]


def test_messages_come_out_as_they_went_in(tmp_path: Path) -> None:
    """Topic, bytes, time and order are those of the messages kept, also for who opens the file later."""
    with Inbox(tmp_path / "inbox.sqlite") as first:
        first.keep(_messages(1, 2))
        first.keep(_messages(3))
    with Inbox(tmp_path / "inbox.sqlite") as later:
        assert [kept.message for kept in later.oldest(10)] == _messages(1, 2, 3)


def test_only_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    """Forgetting the oldest leaves the newer, and numbers are not used twice."""
    with Inbox(tmp_path / "inbox.sqlite") as inbox:
        inbox.keep(_messages(1, 2, 3))
        some = inbox.oldest(2)
        inbox.forget(some)
        assert [kept.message for kept in inbox.oldest(10)] == _messages(3)
        inbox.forget(inbox.oldest(10))
        inbox.keep(_messages(4))
        assert inbox.oldest(10)[0].id > some[-1].id


def test_messages_of_one_moment_share_a_commit_and_each_gets_its_answer(tmp_path: Path) -> None:
    """A hundred messages handed in at once are all on disk, in order, when their futures are done."""

    async def keep() -> None:
        with Inbox(tmp_path / "inbox.sqlite") as inbox:
            doorkeeper = Doorkeeper(inbox)
            await asyncio.gather(*(doorkeeper.keep(message) for message in _messages(*range(100))))
            assert [kept.message for kept in inbox.oldest(200)] == _messages(*range(100))
            await doorkeeper.close()

    asyncio.run(keep())


def test_a_full_disk_is_told_to_who_waits(tmp_path: Path) -> None:
    """Where the file may not grow, the future fails, nothing is half kept, and the next small message is kept."""

    async def keep() -> None:
        with Inbox(tmp_path / "inbox.sqlite", most_bytes=200_000) as inbox:
            doorkeeper = Doorkeeper(inbox)
            with pytest.raises(sqlite3.Error, match="full"):
                await doorkeeper.keep(Message("faonam/v1/G1/readings", bytes(400_000), AT))
            await doorkeeper.keep(_messages(1)[0])
            assert [kept.message for kept in inbox.oldest(10)] == _messages(1)
            await doorkeeper.close()

    asyncio.run(keep())


@pytest.mark.parametrize(
    ("topic", "expected"),
    [("faonam/v1/G1/readings", True), ("faonam/v1/G1/other", False), ("faonam/v1/a/b/readings", False), ("a/#", False)],
)
def test_only_the_houses_topics_are_kept(topic: str, *, expected: bool) -> None:
    """What is published elsewhere, or on a pattern, is none of the inbox's business."""
    assert is_taken(topic) is expected


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("faonam/v1/nope", True), ("faonam/v1/G1/reading", True), ("v1.1/Things(8)", True),
        ("faonam/v1/G1/readings", False), ("v1.1/Observations", False), ("faonam/v1/interest", False),
        ("faonam/v1/interest/held", False), ("faonam/v1/#", False), ("faonam/v2/nope", False), ("a/b", False),
    ],
)
def test_wrong_topics_below_our_prefixes_are_known(topic: str, *, expected: bool) -> None:
    """What is published beside our topics is told as refused; the gateway's own and others' topics are not."""
    assert is_astray(topic) is expected
