"""The statements that a batch of readings needs: a few for all of its rows, none for each.

One batch holds the memories of its datastreams from the first look to the commit, in the order of their ids. What it
finds to be new therefore stays new, and the rows go in by COPY, without asking the table again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import driver_connection
from sensors.judging import Row
from sensors.quality.state import State
from sensors.quality.stream import Tests
from sensors.rules import Flag
from sensors.watch.interval import Learnt
from sensors.watch.state import WatchState

Key = tuple[int, datetime]


@dataclass(slots=True)
class Memory:
    """What is remembered of a stream: its newest reading's time, where its quality control stands, and its pace."""

    newest_at: datetime | None
    quality: State
    pace: Learnt


# Documents go to the database as one JSON text: an array of them would be escaped letter by letter.
_LOCK = sa.text(
    "SELECT datastream_id, newest_at, quality, pace FROM stream_memory WHERE datastream_id = ANY(:ids) "
    "ORDER BY datastream_id FOR UPDATE"
)
_BEGIN = sa.text(
    "INSERT INTO stream_memory (datastream_id) SELECT id FROM unnest(CAST(:ids AS int[])) AS fresh(id) ORDER BY id "
    "ON CONFLICT DO NOTHING"
)


def lock_memories(session: Session, datastream_ids: Iterable[int]) -> dict[int, Memory]:
    """The memory of each datastream; nobody else stores for them until the commit."""
    ids = sorted(set(datastream_ids))
    found = session.execute(_LOCK, {"ids": ids}).all()
    if len(found) < len(ids):
        session.execute(_BEGIN, {"ids": ids})
        found = session.execute(_LOCK, {"ids": ids}).all()
    return {
        row.datastream_id: Memory(
            row.newest_at,
            State() if row.quality is None else State.from_json(row.quality),
            Learnt() if row.pace is None else Learnt.from_json(row.pace),
        )
        for row in found
    }


_LOCK_FREE = sa.text(
    "SELECT datastream_id FROM stream_memory WHERE datastream_id = ANY(:ids) ORDER BY datastream_id "
    "FOR UPDATE SKIP LOCKED"
)


def lock_free_memories(session: Session, datastream_ids: Iterable[int]) -> list[int]:
    """Those of the datastreams that nobody stores for now, locked until the commit."""
    return list(session.scalars(_LOCK_FREE, {"ids": sorted(set(datastream_ids))}))


_REMEMBER = sa.text(
    """
    UPDATE stream_memory AS m SET newest_at = known.t, quality = known.q, pace = known.p
    FROM json_to_recordset(CAST(:rows AS json)) AS known(d int, t timestamptz, q jsonb, p jsonb)
    WHERE m.datastream_id = known.d
    """
)


def remember(session: Session, memories: Mapping[int, Memory]) -> None:
    """The memories are kept for the next batch."""
    rows = [
        {"d": datastream_id, "t": memory.newest_at, "q": memory.quality.as_json(), "p": memory.pace.as_json()}
        for datastream_id, memory in memories.items()
    ]
    session.execute(_REMEMBER, {"rows": orjson.dumps(rows).decode()})


_VALUES = sa.text(
    "SELECT r.datastream_id, r.observed_at, r.value "
    "FROM unnest(CAST(:d AS int[]), CAST(:t AS timestamptz[])) AS wanted(d, t) "
    "JOIN reading r ON r.datastream_id = wanted.d AND r.observed_at = wanted.t AND r.copy = 0"
)


def values_at(session: Session, keys: Sequence[Key]) -> dict[Key, float | None]:
    """The stored values at these keys; a key without one is absent."""
    if not keys:
        return {}
    found = session.execute(_VALUES, {"d": [key[0] for key in keys], "t": [key[1] for key in keys]})
    return {(datastream_id, observed_at.astimezone(UTC)): value for datastream_id, observed_at, value in found}


_COPY = (
    "COPY reading (datastream_id, observed_at, value, qc_flag, qc_reason, qc_tests, qc_parameters_id, confidence, "
    "source, received_at, received_wall_at) FROM STDIN (FORMAT BINARY)"
)
_COPIED_TYPES = (
    "int4", "timestamptz", "float8", "int2", "text", "int4", "int4", "float8", "text", "timestamptz", "timestamptz",
)  # fmt: skip


def copy_in(session: Session, rows: Sequence[Row], *, source: str) -> None:
    """The rows are stored; none of them was there, which the caller knows from the memories that it holds."""
    with driver_connection(session).cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_COPIED_TYPES)
        for row in rows:
            copy.write_row(
                (
                    row.datastream_id, row.observed_at, row.value, int(row.flag), row.reason, int(row.tests),
                    row.quality_id, row.confidence, source, row.received_at, row.received_wall_at,
                )
            )


_AROUND = sa.text(
    "SELECT datastream_id, observed_at, value, confidence, received_at, received_wall_at, qc_flag, qc_tests, "
    "qc_reason, qc_parameters_id FROM reading WHERE datastream_id = :id AND observed_at >= :since AND copy = 0 "
    "ORDER BY observed_at"
)


def readings_around(session: Session, datastream_id: int, *, since: datetime) -> list[Row]:
    """The stored readings of a stream from `since` on, oldest first."""
    return [
        Row(
            row.datastream_id, row.observed_at, row.value, row.confidence, row.received_at, row.received_wall_at,
            Flag(row.qc_flag), Tests(row.qc_tests), row.qc_reason, row.qc_parameters_id,
        )
        for row in session.execute(_AROUND, {"id": datastream_id, "since": since})
    ]


_REFLAG = sa.text(
    """
    UPDATE reading AS r SET qc_flag = n.f, qc_tests = n.tests, qc_reason = n.why, qc_parameters_id = n.q
    FROM unnest(CAST(:d AS int[]), CAST(:t AS timestamptz[]), CAST(:f AS smallint[]), CAST(:tests AS int[]),
                CAST(:why AS text[]), CAST(:q AS int[])) AS n(d, t, f, tests, why, q)
    WHERE r.datastream_id = n.d AND r.observed_at = n.t AND r.copy = 0
    """
)
_NEWEST_GOOD = sa.text(
    """
    UPDATE latest_reading AS l
    SET (good_observed_at, good_value, good_received_wall_at) = (
            SELECT r.observed_at, r.value, r.received_wall_at FROM reading r
            WHERE r.datastream_id = l.datastream_id AND r.qc_flag = 1 AND r.observed_at <= l.observed_at AND r.copy = 0
            ORDER BY r.observed_at DESC LIMIT 1),
        (qc_flag, qc_reason) = (
            SELECT r.qc_flag, r.qc_reason FROM reading r
            WHERE r.datastream_id = l.datastream_id AND r.observed_at = l.observed_at AND r.copy = 0)
    WHERE l.datastream_id = ANY(:ids)
    """
)


def reflag(session: Session, rows: Sequence[Row]) -> None:
    """The stored readings have these flags now, and the newest of their streams are those that are good by them."""
    session.execute(
        _REFLAG,
        {
            "d": [row.datastream_id for row in rows],
            "t": [row.observed_at for row in rows],
            "f": [int(row.flag) for row in rows],
            "tests": [int(row.tests) for row in rows],
            "why": [row.reason for row in rows],
            "q": [row.quality_id for row in rows],
        },
    )
    session.execute(_NEWEST_GOOD, {"ids": sorted({row.datastream_id for row in rows})})


_ADVANCE = sa.text(
    """
    INSERT INTO latest_reading AS l (datastream_id, observed_at, value, qc_flag, qc_reason, confidence,
                                     first_observed_at, good_observed_at, good_value, good_received_wall_at)
    SELECT * FROM unnest(
        CAST(:d AS int[]), CAST(:t AS timestamptz[]), CAST(:v AS float8[]), CAST(:f AS smallint[]),
        CAST(:why AS text[]), CAST(:c AS float8[]), CAST(:first AS timestamptz[]), CAST(:good_t AS timestamptz[]),
        CAST(:good_v AS float8[]), CAST(:good_wall AS timestamptz[]))
    ON CONFLICT (datastream_id) DO UPDATE SET
        (observed_at, value, qc_flag, qc_reason, confidence) = (
            SELECT * FROM (VALUES
                (excluded.observed_at, excluded.value, excluded.qc_flag, excluded.qc_reason, excluded.confidence),
                (l.observed_at, l.value, l.qc_flag, l.qc_reason, l.confidence)) AS one(t, v, f, why, c)
            ORDER BY t DESC LIMIT 1),
        first_observed_at = least(l.first_observed_at, excluded.first_observed_at),
        (good_observed_at, good_value, good_received_wall_at) = (
            SELECT * FROM (VALUES
                (l.good_observed_at, l.good_value, l.good_received_wall_at),
                (excluded.good_observed_at, excluded.good_value, excluded.good_received_wall_at)) AS one(t, v, wall)
            ORDER BY t DESC NULLS LAST LIMIT 1)
    """
)


def advance_latest(session: Session, rows: Iterable[Row]) -> None:
    """The newest reading and the newest good one of each datastream are at least as new as these rows.

    Its first is at least as old.
    """
    newest: dict[int, Row] = {}
    good: dict[int, Row] = {}
    first: dict[int, datetime] = {}
    for row in sorted(rows, key=lambda row: row.observed_at):
        newest[row.datastream_id] = row
        first.setdefault(row.datastream_id, row.observed_at)
        if row.flag == Flag.GOOD:
            good[row.datastream_id] = row
    ids = sorted(newest)
    if not ids:
        return
    goods = [good.get(one) for one in ids]
    session.execute(
        _ADVANCE,
        {
            "d": ids,
            "t": [newest[one].observed_at for one in ids],
            "v": [newest[one].value for one in ids],
            "f": [int(newest[one].flag) for one in ids],
            "why": [newest[one].reason for one in ids],
            "c": [newest[one].confidence for one in ids],
            "first": [first[one] for one in ids],
            "good_t": [row and row.observed_at for row in goods],
            "good_v": [row and row.value for row in goods],
            "good_wall": [row and row.received_wall_at for row in goods],
        },
    )


_WATCHES = sa.text("SELECT datastream_id, watch FROM level_state WHERE datastream_id = ANY(:ids)")
_KEEP_WATCHES = sa.text(
    """
    UPDATE level_state AS s
    SET state = n.state, since_at = n.since, level_m_msl = n.level, observed_at = n.at, condition = n.condition,
        condition_since_at = n.condition_since, watch = n.watch
    FROM json_to_recordset(CAST(:rows AS json)) AS n(
        d int, state smallint, since timestamptz, level float8, at timestamptz, condition smallint,
        condition_since timestamptz, watch jsonb)
    WHERE s.datastream_id = n.d
    """
)


def watches(session: Session, datastream_ids: Iterable[int]) -> dict[int, WatchState]:
    """Where the watch over these datastreams stands; their memories must be locked."""
    return {
        row.datastream_id: WatchState() if row.watch is None else WatchState.from_json(row.watch)
        for row in session.execute(_WATCHES, {"ids": sorted(set(datastream_ids))})
    }


def keep_watches(session: Session, states: Mapping[int, WatchState]) -> None:
    """The watch stands there now, and so do the gauges on the screens."""
    rows = [
        {
            "d": datastream_id, "state": int(one.state), "since": one.since_at, "level": one.value, "at": one.good_at,
            "condition": int(one.condition), "condition_since": one.condition_since_at, "watch": one.as_json(),
        }
        for datastream_id, one in states.items()
    ]
    session.execute(_KEEP_WATCHES, {"rows": orjson.dumps(rows).decode()})
