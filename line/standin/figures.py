"""What the record adds up to: requests and people by day, unit, reading and tapping."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any


class Figures:
    """Sums over the stand-in's file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Reads through this connection."""
        self._db = db

    def delivered_by_kind(self, *, since_s: float, until_s: float) -> dict[str, int]:
        """Deliveries in the span by kind of request."""
        rows = self._db.execute(
            "SELECT kind, SUM(delivered) FROM request WHERE aged_s >= ? AND aged_s < ? GROUP BY kind",
            (since_s, until_s),
        )
        return {row[0]: int(row[1]) for row in rows}

    def followers(self, *, until_s: float) -> tuple[int, int]:
        """How many had followed before that time, and how many of them had blocked the account by then."""
        row = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(state = 'blocked' AND COALESCE(blocked_s, 0) < ?), 0) FROM user"
            " WHERE state <> 'none' AND COALESCE(followed_s, 0) < ?",
            (until_s, until_s),
        ).fetchone()
        return int(row[0]), int(row[1])

    def units(self, *, since_s: float) -> list[str]:
        """The aggregation units of the requests since then, by name."""
        rows = self._db.execute(
            "SELECT DISTINCT unit FROM request WHERE unit IS NOT NULL AND aged_s >= ? ORDER BY unit", (since_s,)
        )
        return [row[0] for row in rows]

    def request(self, request_id: str) -> dict[str, Any] | None:
        """An accepted request, or None."""
        row = self._db.execute("SELECT * FROM request WHERE request_id = ?", (request_id,)).fetchone()
        return None if row is None else dict(row)

    def requests_of_unit(self, unit: str, *, since_s: float, until_s: float) -> list[dict[str, Any]]:
        """The accepted requests of an aggregation unit in the span."""
        rows = self._db.execute(
            "SELECT * FROM request WHERE unit = ? AND aged_s >= ? AND aged_s < ?", (unit, since_s, until_s)
        )
        return [dict(row) for row in rows]

    def receivers(self, request_nos: Sequence[int]) -> list[str]:
        """The users who got one of the requests."""
        return self._users_of(request_nos, "e.id > 0")

    def readers(self, request_nos: Sequence[int]) -> list[str]:
        """The users who got one of the requests and opened the chat since."""
        return self._users_of(request_nos, "u.read_entry >= e.id")

    def _users_of(self, request_nos: Sequence[int], condition: str) -> list[str]:
        marks = ",".join("?" * len(request_nos))
        rows = self._db.execute(
            "SELECT DISTINCT u.user_id FROM entry e JOIN user u ON u.no = e.user_no"  # noqa: S608 - our own words only.
            f" WHERE e.request_no IN ({marks}) AND {condition}",
            list(request_nos),
        )
        return [row[0] for row in rows]

    def taps(self, subject: str, *, since_s: float = 0.0, until_s: float = 1e12) -> list[tuple[str, int, float]]:
        """Part, user and time of each tap on the subject in the span."""
        rows = self._db.execute(
            "SELECT part, user_no, at_s FROM tap WHERE subject = ? AND at_s >= ? AND at_s < ? ORDER BY no",
            (subject, since_s, until_s),
        )
        return [(row[0], int(row[1]), float(row[2])) for row in rows]

    def tappers(self, subject: str, part: str) -> list[str]:
        """The users who tapped this part of the subject."""
        rows = self._db.execute(
            "SELECT DISTINCT u.user_id FROM tap t JOIN user u ON u.no = t.user_no WHERE t.subject = ? AND t.part = ?",
            (subject, part),
        )
        return [row[0] for row in rows]
