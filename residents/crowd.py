"""All residents and their homes in memory, for who is counted by the million; never older than the question.

A crowd is read once, in a snapshot of its own that it remembers. Every later question is told which residents have
been changed by transactions that this snapshot does not see: the database notes them itself. What the crowd says of
them does not count, and the database is asked about them alone. So a crowd that is hours old names the same people as
the tables.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core import db
from core.logs import get_logger
from gis.membership import Places, by_cell
from gis.terrain.grid import Floats, Mask

log = get_logger("residents")

# A smaller city's audience is joined by the database as fast as a crowd is asked.
HOMES_AT_LEAST = 20_000
# More changes than this are slower to ask about than the crowd is to read anew.
CHANGED_AT_MOST = 2_000
OLDEST_S = 6 * 3600.0

Numbers = NDArray[np.int64]

_RESIDENT = np.dtype(
    [
        ("id", ">i8"), ("language", ">i2"),
        ("is_consented", "?"), ("is_reachable", "?"), ("wants_news", "?"),
        ("blocked_until", ">f8"),
    ]
)  # fmt: skip
_HOME = np.dtype([("id", ">i8"), ("resident", ">i8"), ("lon", ">f8"), ("lat", ">f8"), ("is_vulnerable", "?")])
_RESIDENTS = """
    SELECT string_agg(
        int8send(id) || int2send(array_position(CAST(%(languages)s AS text[]), language)::int2)
        || boolsend(consented_at IS NOT NULL) || boolsend(is_reachable)
        || boolsend(news_refused_at IS NULL)
        || float8send(coalesce(extract(epoch FROM blocked_until_at), 0)::float8), ''
    )
    FROM resident
"""
_HOMES = """
    SELECT string_agg(
        int8send(id) || int8send(resident_id) || float8send(ST_X(geom)) || float8send(ST_Y(geom))
        || boolsend(is_vulnerable), ''
    )
    FROM home WHERE ST_X(geom) BETWEEN -180 AND 180 AND ST_Y(geom) BETWEEN -90 AND 90
"""
_IS_LARGE = sa.text("SELECT reltuples >= :least FROM pg_class WHERE oid = 'home'::regclass")
_CHANGED = sa.text("""
    SELECT DISTINCT resident_id FROM audience_change
    WHERE xid >= pg_snapshot_xmin(CAST(:snapshot AS pg_snapshot))::text::bigint
      AND NOT pg_visible_in_snapshot(xid::text::xid8, CAST(:snapshot AS pg_snapshot))
    LIMIT :most
""")


@dataclass(frozen=True, eq=False)
class Crowd:
    """Residents in the order of their ids, homes in the order of their cells; `owner` is a place among the residents.

    `language` counts in `languages` from 1; `blocked_until_s` is Unix time, 0 where nobody is blocked. People's data:
    never logged.
    """

    snapshot: str
    read_s: float
    languages: tuple[str, ...]
    resident: Numbers
    language: NDArray[np.int16]
    is_consented: Mask
    is_reachable: Mask
    wants_news: Mask
    blocked_until_s: Floats
    places: Places
    home: Numbers
    owner: NDArray[np.int32]
    is_vulnerable: Mask


@dataclass(frozen=True, eq=False)
class Asked:
    """A crowd for one question, and whom of it the database has to be asked about instead."""

    crowd: Crowd
    changed: Sequence[int]


def places_of(ids: Numbers, *, among: Numbers) -> NDArray[np.intp]:
    """Where these ids stand among the sorted ones; those that do not are left out."""
    if not among.size:
        return np.zeros(0, dtype=np.intp)
    found = np.minimum(np.searchsorted(among, ids), among.size - 1)
    known: NDArray[np.intp] = found[among[found] == ids]
    return known


def read(session: Session) -> Crowd:
    """All residents and homes as the session's snapshot has them; it must see one snapshot alone, and no own changes.

    A home that is nowhere on earth is in no zone, and left out.
    """
    driver = db.driver_connection(session)
    snapshot = session.scalar(sa.text("SELECT pg_current_snapshot()::text"))
    languages = session.scalars(sa.text("SELECT DISTINCT language FROM resident ORDER BY language")).all()
    (packed,) = driver.execute(_RESIDENTS, {"languages": list(languages)}, binary=True).fetchone() or (None,)
    people = np.frombuffer(packed or b"", dtype=_RESIDENT)
    people = people[np.argsort(people["id"], kind="stable")]
    (packed,) = driver.execute(_HOMES, binary=True).fetchone() or (None,)
    homes = np.frombuffer(packed or b"", dtype=_HOME)
    places, order = by_cell(homes["lon"].astype(np.float64), homes["lat"].astype(np.float64))
    homes = homes[order]
    resident = people["id"].astype(np.int64)
    return Crowd(
        snapshot=str(snapshot),
        read_s=time.monotonic(),
        languages=tuple(languages),
        resident=resident,
        language=people["language"].astype(np.int16),
        is_consented=people["is_consented"].copy(),
        is_reachable=people["is_reachable"].copy(),
        wants_news=people["wants_news"].copy(),
        blocked_until_s=people["blocked_until"].astype(np.float64),
        places=places,
        home=homes["id"].astype(np.int64),
        owner=np.searchsorted(resident, homes["resident"].astype(np.int64)).astype(np.int32),
        is_vulnerable=homes["is_vulnerable"].copy(),
    )


_kept: weakref.WeakKeyDictionary[sa.Engine, Crowd] = weakref.WeakKeyDictionary()
_reading = threading.Lock()


def asked(session: Session) -> Asked | None:
    """The crowd of this process, and who was changed since; None where the database is to be asked about everybody.

    That is so in a smaller city, and where the caller's own transaction has changed more people than can be named.
    """
    if not session.scalar(_IS_LARGE, {"least": HOMES_AT_LEAST}):
        return None
    engine = db.engine()
    with _reading:
        kept = _kept.get(engine)
        if kept is not None and time.monotonic() - kept.read_s < OLDEST_S:
            changed = changed_since(session, kept)
            if changed is not None:
                return Asked(kept, changed)
        # Committed rows alone: what the caller has not committed may never be.
        with db.transaction() as apart:
            apart.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            kept = read(apart)
        _kept[engine] = kept
        log.info("crowd.read", residents=kept.resident.size, homes=kept.home.size)
    changed = changed_since(session, kept)
    return None if changed is None else Asked(kept, changed)


def changed_since(session: Session, crowd: Crowd) -> list[int] | None:
    """The residents whom transactions changed that the crowd does not see; None for more than can be named."""
    found = session.scalars(_CHANGED, {"snapshot": crowd.snapshot, "most": CHANGED_AT_MOST + 1}).all()
    if len(found) > CHANGED_AT_MOST or None in found:
        return None
    return sorted(found)


def forget_old_changes(session: Session) -> int:
    """Changes that every crowd has seen, because it would be read anew before it asked, are gone; how many were."""
    gone = session.execute(
        sa.text("DELETE FROM audience_change WHERE noted_wall_at < clock_timestamp() - make_interval(secs => :age_s)"),
        {"age_s": 2 * OLDEST_S},
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE's result counts its rows.
