"""One partition of `reading` per UTC day, made when it is needed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

_LOCK_KEY = 0x5EA5_0001  # Any number that no other room uses for an advisory lock.


def ensure_partitions(session: Session, days: Iterable[date]) -> list[date]:
    """Each of these UTC days has its partition; returns those made now. Safe when several processes race.

    The table is made aside and attached, which needs only SHARE UPDATE EXCLUSIVE on `reading`: writers and readers of
    other days go on meanwhile (PostgreSQL 15, ALTER TABLE … ATTACH PARTITION). Only `reading_default`, which takes the
    days without a partition, is closed until the transaction ends: rows of the day move out of it first.
    """
    wanted = sorted(set(days))
    if not _missing(session, wanted):
        return []
    session.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    made = _missing(session, wanted)  # Another process may have made them while we waited.
    if made:
        session.execute(sa.text("LOCK TABLE ONLY reading_default IN ACCESS EXCLUSIVE MODE"))
    for day in made:
        _attach(session, day)
    return made


def _name(day: date) -> str:
    return f"reading_{day:%Y%m%d}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _missing(session: Session, days: list[date]) -> list[date]:
    attached = session.scalars(
        sa.text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = CAST('reading' AS regclass) AND c.relname = ANY(:names)"
        ),
        {"names": [_name(day) for day in days]},
    )
    there = set(attached)
    return [day for day in days if _name(day) not in there]


def _attach(session: Session, day: date) -> None:
    name, following = _name(day), day + timedelta(days=1)
    session.execute(
        sa.text(f"CREATE TABLE IF NOT EXISTS {name} (LIKE reading INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    )
    session.execute(
        sa.text(
            "WITH moved AS (DELETE FROM reading_default WHERE observed_at >= :day AND observed_at < :following "  # noqa: S608 - the name is made of a date.
            f"RETURNING *) INSERT INTO {name} SELECT * FROM moved"
        ),
        {"day": _midnight(day), "following": _midnight(following)},
    )
    session.execute(
        sa.text(
            f"ALTER TABLE reading ATTACH PARTITION {name} "
            f"FOR VALUES FROM ('{day:%Y-%m-%d} 00:00+00') TO ('{following:%Y-%m-%d} 00:00+00')"
        )
    )
