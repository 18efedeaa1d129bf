"""What the city has set up at LINE: menus, audiences, apps, tokens, groups; each a JSON document, and who is in it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

THING_TABLES = ("thing", "member", "tap")
_TABLES = """
CREATE TABLE IF NOT EXISTS thing (
    no INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, file_type TEXT,
    file BLOB, UNIQUE (kind, id));
CREATE TABLE IF NOT EXISTS member (
    kind TEXT NOT NULL, id TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (kind, id, user_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS member_user ON member (kind, user_id);
CREATE TABLE IF NOT EXISTS tap (
    no INTEGER PRIMARY KEY, subject TEXT NOT NULL, part TEXT NOT NULL, user_no INTEGER NOT NULL, at_s REAL NOT NULL);
CREATE INDEX IF NOT EXISTS tap_subject ON tap (subject, at_s);
"""


class Things:
    """Documents by kind and id, their files, and the users that belong to them."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """The tables are there."""
        self._db = db
        db.executescript(_TABLES)

    def put(self, kind: str, id: str, body: Mapping[str, Any]) -> None:
        """The document is on record; one of the same kind and id is replaced, its file stays."""
        self._db.execute(
            "INSERT INTO thing (kind, id, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, id, json.dumps(body, ensure_ascii=False)),
        )

    def get(self, kind: str, id: str) -> dict[str, Any] | None:
        """The document, or None."""
        row = self._db.execute("SELECT body FROM thing WHERE kind = ? AND id = ?", (kind, id)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def every(self, kind: str) -> list[dict[str, Any]]:
        """All documents of a kind, the oldest first."""
        rows = self._db.execute("SELECT body FROM thing WHERE kind = ? ORDER BY no", (kind,))
        return [dict(json.loads(row[0])) for row in rows]

    def count(self, kind: str) -> int:
        """How many documents of a kind there are."""
        return int(self._db.execute("SELECT COUNT(*) FROM thing WHERE kind = ?", (kind,)).fetchone()[0])

    def next_number(self) -> int:
        """A number that no document had before."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'thing'").fetchone()
        return int(row[0] if row else 0) + 1

    def remove(self, kind: str, id: str) -> bool:
        """The document and its members are gone; whether it was there."""
        self.leave(kind, id)
        return self._db.execute("DELETE FROM thing WHERE kind = ? AND id = ?", (kind, id)).rowcount > 0

    def attach(self, kind: str, id: str, *, file_type: str, file: bytes) -> None:
        """The document has this file."""
        self._db.execute(
            "UPDATE thing SET file_type = ?, file = ? WHERE kind = ? AND id = ?", (file_type, file, kind, id)
        )

    def file(self, kind: str, id: str) -> tuple[str, bytes] | None:
        """Content type and bytes of the document's file, or None."""
        row = self._db.execute("SELECT file_type, file FROM thing WHERE kind = ? AND id = ?", (kind, id)).fetchone()
        return None if row is None or row[1] is None else (str(row[0]), bytes(row[1]))

    # Who belongs to it

    def join(self, kind: str, id: str, user_ids: Iterable[str]) -> None:
        """The users belong to it."""
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR IGNORE INTO member VALUES (?, ?, ?)", ((kind, id, u) for u in user_ids))
        self._db.execute("COMMIT")

    def join_only(self, kind: str, id: str, user_ids: Iterable[str]) -> None:
        """The users belong to it and to nothing else of its kind."""
        self._db.execute("BEGIN")
        for user_id in user_ids:
            self._db.execute("DELETE FROM member WHERE kind = ? AND user_id = ?", (kind, user_id))
            self._db.execute("INSERT INTO member VALUES (?, ?, ?)", (kind, id, user_id))
        self._db.execute("COMMIT")

    def leave(self, kind: str, id: str, user_ids: Iterable[str] | None = None) -> None:
        """These users, or all, do not belong to it any more."""
        if user_ids is None:
            self._db.execute("DELETE FROM member WHERE kind = ? AND id = ?", (kind, id))
            return
        self._db.executemany(
            "DELETE FROM member WHERE kind = ? AND id = ? AND user_id = ?", [(kind, id, u) for u in user_ids]
        )

    def leave_all(self, kind: str, user_ids: Iterable[str]) -> None:
        """These users belong to nothing of this kind."""
        self._db.executemany("DELETE FROM member WHERE kind = ? AND user_id = ?", [(kind, u) for u in user_ids])

    def members(self, kind: str, id: str) -> list[str]:
        """The users that belong to it, ordered by id."""
        rows = self._db.execute("SELECT user_id FROM member WHERE kind = ? AND id = ? ORDER BY user_id", (kind, id))
        return [row[0] for row in rows]

    def size(self, kind: str, id: str) -> int:
        """How many users belong to it."""
        row = self._db.execute("SELECT COUNT(*) FROM member WHERE kind = ? AND id = ?", (kind, id)).fetchone()
        return int(row[0])

    def is_member(self, kind: str, id: str, user_id: str) -> bool:
        """The user belongs to it."""
        return (
            self._db.execute(
                "SELECT 1 FROM member WHERE kind = ? AND id = ? AND user_id = ?", (kind, id, user_id)
            ).fetchone()
            is not None
        )

    def of_user(self, kind: str, user_id: str) -> str | None:
        """The id of what the user belongs to, of a kind of which each has one at most."""
        row = self._db.execute("SELECT id FROM member WHERE kind = ? AND user_id = ?", (kind, user_id)).fetchone()
        return None if row is None else str(row[0])

    def tap(self, subject: str, part: str, user_no: int, *, at_s: float) -> None:
        """The user saw or tapped this part of a request's messages or of a menu."""
        self._db.execute(
            "INSERT INTO tap (subject, part, user_no, at_s) VALUES (?, ?, ?, ?)", (subject, part, user_no, at_s)
        )
