"""The inbox of the gateway: messages of devices on disk, from before they are acknowledged until the database has them.

A device that is told "taken" may forget what it sent. Between that moment and the database's commit lie a broker, a
gateway and a network, and any of them may be killed; so a message is acknowledged only when it stands in this file, and
leaves it only when the database has it. The file is SQLite's, in write-ahead mode with every commit flushed to disk:
who is killed while writing leaves whole messages and no halves.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from core.settings import data_dir

MOST_BYTES = 4 * 1024**3  # About 20 million messages: an hour of 5,000 a second. Beyond it devices have to keep theirs.
MESSAGES_A_COMMIT = 2_000
_PAGE_BYTES = 4096
_LOCK_WAIT_S = 30.0


@dataclass(frozen=True)
class Message:
    """A message as it came: its topic, its body, and the real time at which it was taken."""

    topic: str
    payload: bytes
    received_wall_at: datetime


@dataclass(frozen=True)
class Kept:
    """A message in the inbox, by the number it has there; numbers grow and are never used again."""

    id: int
    message: Message


def inbox_path() -> Path:
    """Where this house keeps its inbox; the folder exists."""
    folder = data_dir() / "mqtt"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # Messages carry the keys of devices.
    return folder / "inbox.sqlite"


class Inbox:
    """The file; several processes may have it open. `name` is its own: numbers of messages are unique together with it.

    Raises sqlite3.Error where the disk is gone or full, or more than `most_bytes` would wait.
    """

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._file = sqlite3.connect(path, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.execute(f"PRAGMA max_page_count = {most_bytes // _PAGE_BYTES}")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, "
            "payload BLOB NOT NULL, received_wall_s REAL NOT NULL)"
        )
        self._file.execute("CREATE TABLE IF NOT EXISTS inbox (name TEXT NOT NULL)")
        self._file.execute(
            "INSERT INTO inbox SELECT lower(hex(randomblob(16))) WHERE NOT EXISTS (SELECT 1 FROM inbox)"
        )
        self.name: str = self._file.execute("SELECT name FROM inbox").fetchone()[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def keep(self, messages: Sequence[Message]) -> None:
        """All of the messages are on disk, in this order, or none is."""
        rows = [(one.topic, one.payload, one.received_wall_at.timestamp()) for one in messages]
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany("INSERT INTO message (topic, payload, received_wall_s) VALUES (?, ?, ?)", rows)

    def oldest(self, most: int) -> list[Kept]:
        """The first messages that nobody has forgotten yet, in the order in which they came."""
        rows = self._file.execute(
            "SELECT id, topic, payload, received_wall_s FROM message ORDER BY id LIMIT ?", (most,)
        ).fetchall()
        return [
            Kept(number, Message(topic, payload, datetime.fromtimestamp(received_wall_s, UTC)))
            for number, topic, payload, received_wall_s in rows
        ]

    def forget(self, kept: Sequence[Kept]) -> None:
        """These messages, all of them taken from the front, are no longer in the file."""
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.execute("DELETE FROM message WHERE id BETWEEN ? AND ?", (kept[0].id, kept[-1].id))


class Doorkeeper:
    """Keeps messages for asyncio: those that arrive while one commit is under way share the next.

    Must be made and used in a running event loop; `close` ends it.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._waiting: list[tuple[Message, asyncio.Future[None]]] = []
        self._unanswered: set[asyncio.Future[None]] = set()
        self._bell = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inbox")
        self._task = asyncio.create_task(self._run())

    def keep(self, message: Message) -> asyncio.Future[None]:
        """A future that is done when the message is on disk; it fails with sqlite3.Error where it cannot be."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unanswered.add(kept)
        kept.add_done_callback(self._unanswered.discard)
        self._waiting.append((message, kept))
        self._bell.set()
        return kept

    async def close(self) -> None:
        """What was handed in is on disk or has failed; nothing more is taken."""
        while self._unanswered:
            await asyncio.wait(self._unanswered)
        self._task.cancel()
        await asyncio.wait([self._task])
        self._thread.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._bell.wait()
            batch, self._waiting = self._waiting[:MESSAGES_A_COMMIT], self._waiting[MESSAGES_A_COMMIT:]
            if not self._waiting:
                self._bell.clear()
            fault: sqlite3.Error | None = None
            try:
                await loop.run_in_executor(self._thread, self._inbox.keep, [message for message, _ in batch])
            except sqlite3.Error as raised:
                fault = raised
            for _, kept in batch:
                if kept.done():  # Whoever waited has hung up.
                    continue
                if fault is None:
                    kept.set_result(None)
                else:
                    kept.set_exception(fault)
