"""The stand-in's memory: one SQLite file; what was accepted is on record before the answer goes out."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from line.standin.figures import Figures
from line.standin.things import THING_TABLES, Things

BUBBLES_PER_ENTRY = 8  # A request carries 5 messages at most; ids of bubbles stay whole numbers that grow.

_TABLES = """
CREATE TABLE IF NOT EXISTS user (
    no INTEGER PRIMARY KEY, user_id TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL, language TEXT,
    state TEXT NOT NULL, spoke_entry INTEGER NOT NULL DEFAULT 0, traits TEXT, followed_s REAL, blocked_s REAL,
    read_entry INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS user_spoke ON user (spoke_entry DESC, no);
CREATE TABLE IF NOT EXISTS request (
    no INTEGER PRIMARY KEY, request_id TEXT NOT NULL, kind TEXT NOT NULL, retry_key TEXT UNIQUE, unit TEXT,
    at TEXT NOT NULL, wall_at TEXT NOT NULL, aged_s REAL NOT NULL, messages TEXT NOT NULL,
    messages_hash TEXT NOT NULL, text TEXT NOT NULL, recipients INTEGER NOT NULL, delivered INTEGER NOT NULL,
    chat TEXT, bytes INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user_no INTEGER NOT NULL, request_no INTEGER, at TEXT, wall_at TEXT,
    said TEXT);
CREATE INDEX IF NOT EXISTS entry_user ON entry (user_no, id);
CREATE INDEX IF NOT EXISTS entry_request ON entry (request_no);
CREATE TABLE IF NOT EXISTS answer_token (token TEXT PRIMARY KEY, target TEXT NOT NULL, aged_s REAL NOT NULL,
    is_used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS content (message_id TEXT PRIMARY KEY, content_type TEXT NOT NULL, bytes BLOB NOT NULL);
"""


# Columns that a folder of an earlier version lacks.
_LATER_COLUMNS = {
    "user": {
        "traits": "TEXT", "followed_s": "REAL", "blocked_s": "REAL", "read_entry": "INTEGER NOT NULL DEFAULT 0",
    },
    "request": {"chat": "TEXT", "bytes": "INTEGER NOT NULL DEFAULT 0"},
}


@dataclass(frozen=True)
class User:
    """A user as registered: state is `friend`, `blocked` or `none`; traits are what LINE would know of them."""

    user_id: str
    display_name: str
    language: str | None = None
    state: str = "friend"
    traits: dict[str, str] | None = None


@dataclass(frozen=True)
class Accepted:
    """A request that the platform took: who got it as bubbles, and how many of its recipients could not."""

    request_id: str
    number: int
    first_bubble_ids: dict[str, int]


@dataclass(frozen=True)
class TakenKey:
    """A retry key that was accepted before: the request's id and the ids of its messages."""

    request_id: str
    number: int
    aged_s: float
    kind: str
    message_types: list[str]


class Store:
    """All reading and writing of the stand-in's file. One thread uses it."""

    def __init__(self, folder: Path) -> None:
        """The file `line.sqlite` in the folder has its tables; both are made where absent."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(folder / "line.sqlite", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA cache_size = -65536")
        self._db.executescript(_TABLES)
        for table, columns in _LATER_COLUMNS.items():
            known = {row["name"] for row in self._db.execute(f"PRAGMA table_info({table})")}
            for name in columns.keys() - known:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}")
        self._db.execute("DROP TABLE IF EXISTS reply_token")  # An earlier version's; its tokens lived a minute.
        self._db.execute("CREATE INDEX IF NOT EXISTS request_aged ON request (aged_s)")
        self.things = Things(self._db)
        self.figures = Figures(self._db)

    def close(self) -> None:
        """The file is closed."""
        self._db.close()

    def reset(self) -> None:
        """Nobody and nothing is on record."""
        for table in ("entry", "request", "answer_token", "content", "user", *THING_TABLES):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own words only.

    def forget_deliveries(self) -> int:
        """All requests and bubbles are gone, the users stay; how many deliveries there were."""
        count = self._db.execute("SELECT COUNT(*) FROM entry WHERE request_no IS NOT NULL").fetchone()[0]
        self._db.execute("BEGIN")
        self._db.execute("DELETE FROM entry")
        self._db.execute("DELETE FROM request")
        self._db.execute("UPDATE user SET spoke_entry = 0")
        self._db.execute("COMMIT")
        return int(count)

    # Users

    def register(self, users: Iterable[User], *, at_s: float) -> int:
        """The users are known; an older entry of the same id is replaced."""
        self._db.execute("BEGIN")
        cursor = self._db.executemany(
            "INSERT INTO user (user_id, display_name, language, state, traits, followed_s) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (user_id) DO UPDATE SET display_name = excluded.display_name, language = excluded.language,"
            " state = excluded.state, traits = excluded.traits",
            (
                (u.user_id, u.display_name, u.language, u.state, json.dumps(u.traits) if u.traits else None, at_s)
                for u in users
            ),
        )
        self._db.execute("COMMIT")
        return cursor.rowcount

    def set_state(self, user_id: str, state: str, *, at_s: float) -> None:
        """The user is a `friend`, has `blocked` the account, or never was one (`none`)."""
        since = "blocked_s" if state == "blocked" else "followed_s"
        self._db.execute(
            f"UPDATE user SET state = ?, {since} = ? WHERE user_id = ?",  # noqa: S608 - our own words only.
            (state, at_s, user_id),
        )

    def set_read(self, user_no: int) -> None:
        """The user has seen everything in the chat so far."""
        self._db.execute(
            "UPDATE user SET read_entry = (SELECT COALESCE(MAX(id), 0) FROM entry WHERE user_no = ?) WHERE no = ?",
            (user_no, user_no),
        )

    def user(self, user_id: str) -> sqlite3.Row | None:
        """The user, or None."""
        row: sqlite3.Row | None = self._db.execute("SELECT * FROM user WHERE user_id = ?", (user_id,)).fetchone()
        return row

    def users(self, *, limit: int, q: str | None) -> tuple[int, list[sqlite3.Row]]:
        """How many users there are in all, and those whose name or id contains `q`, who spoke last first."""
        total = self._db.execute("SELECT COUNT(*) FROM user").fetchone()[0]
        like = f"%{q or ''}%"
        rows = self._db.execute(
            "SELECT u.*, (SELECT COALESCE(e.at, r.at) FROM entry e LEFT JOIN request r ON r.no = e.request_no "
            "WHERE e.user_no = u.no ORDER BY e.id DESC LIMIT 1) AS last_at FROM user u "
            "WHERE display_name LIKE ? OR user_id LIKE ? ORDER BY spoke_entry DESC, no LIMIT ?",
            (like, like, limit),
        ).fetchall()
        return int(total), rows

    # From the city to residents

    def accept(
        self,
        *,
        request_id: str,
        kind: str,
        retry_key: str | None,
        to: Sequence[str],
        messages: list[dict[str, Any]],
        unit: str | None,
        at: datetime,
        wall_at: datetime,
        aged_s: float,
        chat: str | None = None,
    ) -> Accepted:
        """The request is on record with one entry for each recipient who is a friend: all of it or nothing.

        In a group or room (`chat`) its members read it, friends or not.
        """
        body = json.dumps(messages, ensure_ascii=False, sort_keys=True)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            friends = self.friends(to) if chat is None else self.known(to)
            number = self._db.execute(
                "INSERT INTO request (request_id, kind, retry_key, unit, at, wall_at, aged_s, messages, messages_hash,"
                " text, recipients, delivered, chat, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    request_id, kind, retry_key, unit, _iso(at), _iso(wall_at), aged_s, body,
                    hashlib.sha256(body.encode()).hexdigest(), _text_of(messages), len(to), len(friends),
                    chat, len(body.encode()),
                ),
            ).lastrowid
            self._db.executemany(
                "INSERT INTO entry (user_no, request_no) VALUES (?, ?)", [(no, number) for no, _ in friends]
            )
            last = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetchone()
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        first = (int(last[0]) if last else 0) - len(friends) + 1
        ids = {user_id: (first + i) * BUBBLES_PER_ENTRY for i, (_, user_id) in enumerate(friends)}
        return Accepted(request_id, int(number or 0), ids)

    def friends(self, user_ids: Sequence[str]) -> list[tuple[int, str]]:
        """Those of the users who are friends now, as (number, id), in the order asked."""
        rows = self._db.execute(
            "SELECT u.no, u.user_id FROM json_each(?) j CROSS JOIN user u ON u.user_id = j.value "
            "WHERE u.state = 'friend'",
            (json.dumps(list(user_ids)),),
        )
        return [(row[0], row[1]) for row in rows]

    def known(self, user_ids: Sequence[str]) -> list[tuple[int, str]]:
        """Those of the users whom the stand-in knows, friends or not, as (number, id)."""
        rows = self._db.execute(
            "SELECT u.no, u.user_id FROM json_each(?) j CROSS JOIN user u ON u.user_id = j.value",
            (json.dumps(list(user_ids)),),
        )
        return [(row[0], row[1]) for row in rows]

    def all_friends(self) -> list[str]:
        """Every friend, in the order in which they came."""
        return [row[0] for row in self._db.execute("SELECT user_id FROM user WHERE state = 'friend' ORDER BY no")]

    def page_of_friends(self, *, after_no: int, limit: int) -> list[tuple[int, str]]:
        """The next friends after a number, as (number, id)."""
        rows = self._db.execute(
            "SELECT no, user_id FROM user WHERE state = 'friend' AND no > ? ORDER BY no LIMIT ?", (after_no, limit)
        )
        return [(row[0], row[1]) for row in rows]

    def traits(self) -> dict[str, tuple[dict[str, str], float]]:
        """What LINE would know of each friend, and since when they are one."""
        rows = self._db.execute("SELECT user_id, traits, followed_s FROM user WHERE state = 'friend'")
        return {row[0]: (json.loads(row[1]) if row[1] else {}, row[2] or 0.0) for row in rows}

    def taken_key(self, retry_key: str) -> TakenKey | None:
        """The accepted request that bore this retry key, or None."""
        row = self._db.execute(
            "SELECT no, request_id, aged_s, kind, messages FROM request WHERE retry_key = ?", (retry_key,)
        ).fetchone()
        if row is None:
            return None
        types = [message["type"] for message in json.loads(row["messages"])]
        return TakenKey(row["request_id"], row["no"], row["aged_s"], row["kind"], types)

    def forget_key(self, retry_key: str) -> None:
        """The retry key protects nothing any more (it is older than 24 h)."""
        self._db.execute("UPDATE request SET retry_key = NULL WHERE retry_key = ?", (retry_key,))

    def used_of_quota(self, *, since_s: float) -> int:
        """How many deliveries since then count against the month's allowance: replies are free."""
        total = self._db.execute(
            "SELECT SUM(delivered) FROM request WHERE kind NOT IN ('reply', 'pnp') AND aged_s >= ?", (since_s,)
        ).fetchone()[0]
        return int(total or 0)

    # From residents to the city

    def keep_said(self, user_no: int, said: dict[str, Any], *, at: datetime, wall_at: datetime) -> int:
        """What the resident said is a bubble of the chat; its id."""
        entry = self._db.execute(
            "INSERT INTO entry (user_no, at, wall_at, said) VALUES (?, ?, ?, ?)",
            (user_no, _iso(at), _iso(wall_at), json.dumps(said, ensure_ascii=False)),
        ).lastrowid
        self._db.execute("UPDATE user SET spoke_entry = ? WHERE no = ?", (entry, user_no))
        return int(entry or 0) * BUBBLES_PER_ENTRY

    def keep_content(self, message_id: str, *, content_type: str, content: bytes) -> None:
        """The picture can be fetched under the message's id."""
        self._db.execute("INSERT INTO content VALUES (?, ?, ?)", (message_id, content_type, content))

    def content(self, message_id: str) -> tuple[str, bytes] | None:
        """Content type and bytes of a picture, or None."""
        row = self._db.execute("SELECT * FROM content WHERE message_id = ?", (message_id,)).fetchone()
        return (row["content_type"], row["bytes"]) if row else None

    def forget_content(self, message_id: str) -> None:
        """The picture is gone (the resident unsent it)."""
        self._db.execute("DELETE FROM content WHERE message_id = ?", (message_id,))

    def issue_token(self, token: str, target: str, *, aged_s: float) -> None:
        """The reply token may be used once, to answer in this chat."""
        self._db.execute("INSERT INTO answer_token VALUES (?, ?, ?, 0)", (token, target, aged_s))

    def spend_token(self, token: str, *, not_older_than_s: float) -> str | None:
        """The chat whose token this was; it is spent now. None where it is unknown, spent or too old."""
        row = self._db.execute(
            "UPDATE answer_token SET is_used = 1 WHERE token = ? AND is_used = 0 AND aged_s >= ? RETURNING target",
            (token, not_older_than_s),
        ).fetchone()
        return None if row is None else str(row[0])

    # What happened

    def bubbles(self, user_no: int, *, after: int | None, limit: int) -> list[dict[str, Any]]:
        """The chat of a user, oldest first: those after a bubble id, or the newest."""
        order = "ASC" if after is not None else "DESC"
        rows = self._db.execute(
            "SELECT e.id, COALESCE(e.at, r.at) AS at, COALESCE(e.wall_at, r.wall_at) AS wall_at, e.said, r.request_id,"  # noqa: S608 - the one word put in is ours.
            " r.kind, r.messages FROM entry e LEFT JOIN request r ON r.no = e.request_no"
            f" WHERE e.user_no = ? AND e.id >= ? ORDER BY e.id {order} LIMIT ?",
            (user_no, (after or 0) // BUBBLES_PER_ENTRY, limit),
        ).fetchall()
        found = [bubble for row in sorted(rows, key=lambda r: r["id"]) for bubble in _bubbles(row)]
        return [bubble for bubble in found if bubble["id"] > (after or 0)]

    def deliveries(self, where: str, values: Sequence[object], *, after: int) -> Iterator[dict[str, Any]]:
        """One line for each user and accepted request, in order; `where` is about request `r`."""
        while True:
            rows = self._db.execute(
                "SELECT e.id, u.user_id, r.request_id, r.retry_key, r.kind, r.unit, r.at, r.wall_at, r.messages_hash,"  # noqa: S608 - the condition holds our words, its values are parameters.
                " r.text, r.chat, r.bytes FROM entry e JOIN request r ON r.no = e.request_no"
                " JOIN user u ON u.no = e.user_no"
                f" WHERE e.id > ? AND {where} ORDER BY e.id LIMIT 2000",
                (after, *values),
            ).fetchall()
            if not rows:
                return
            yield from (dict(row) for row in rows)
            after = rows[-1]["id"]

    def times_told(self) -> dict[str, int]:
        """How often each user got a request's messages; who got none is absent."""
        rows = self._db.execute(
            "SELECT u.user_id, t.times FROM user u JOIN (SELECT user_no, COUNT(*) AS times FROM entry"
            " WHERE request_no IS NOT NULL GROUP BY user_no) t ON t.user_no = u.no"
        )
        return {row[0]: row[1] for row in rows}

    def counts(self, where: str, values: Sequence[object], *, by: str) -> list[dict[str, Any]]:
        """Counts of requests and deliveries for each value of the column `by` of request `r`."""
        sums = self._db.execute(
            f"SELECT {by} AS key, COUNT(*) AS requests, SUM(recipients - delivered) AS undelivered,"  # noqa: S608 - ours.
            f" SUM(delivered) AS deliveries, MIN(wall_at) AS first_wall_at, MAX(wall_at) AS last_wall_at"
            f" FROM request r WHERE {where} GROUP BY 1",
            values,
        ).fetchall()
        people = self._db.execute(
            "SELECT key, COUNT(*) AS users, SUM(times > 1) AS users_more_than_once FROM"  # noqa: S608 - ours.
            f" (SELECT {by} AS key, e.user_no, COUNT(*) AS times FROM request r JOIN entry e ON e.request_no = r.no"
            f" WHERE {where} GROUP BY 1, 2) GROUP BY 1",
            values,
        ).fetchall()
        found = {row["key"]: dict(row) for row in people}
        none = {"users": 0, "users_more_than_once": 0}
        return [dict(row) | {k: found.get(row["key"], none)[k] for k in none} for row in sums]

    def requests(self, *, limit: int) -> list[dict[str, Any]]:
        """The newest accepted requests."""
        rows = self._db.execute(
            "SELECT request_id, kind, retry_key, unit, recipients, delivered, wall_at FROM request"
            " ORDER BY no DESC LIMIT ?",
            (limit,),
        )
        return [dict(row) for row in rows]


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _text_of(messages: list[dict[str, Any]]) -> str:
    first = messages[0]
    return str(first.get("text") or first.get("altText") or first.get("title") or first["type"])


def _bubbles(row: sqlite3.Row) -> Iterator[dict[str, Any]]:
    is_said = row["said"] is not None
    messages = [json.loads(row["said"])] if is_said else json.loads(row["messages"])
    for i, message in enumerate(messages):
        yield {
            "id": row["id"] * BUBBLES_PER_ENTRY + i,
            "direction": "in" if is_said else "out",
            "at": row["at"],
            "wall_at": row["wall_at"],
            "request_id": row["request_id"],
            "kind": row["kind"],
            "message": message,
        }
