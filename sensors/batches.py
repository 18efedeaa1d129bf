"""The statements that a batch of readings needs: a few for all of its rows, none for each.

One batch holds the memories of its datastreams from the first look to the commit, in the order of their ids. What it
finds to be new therefore stays new, and the rows go in by COPY, without asking the table again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import driver_connection
from sensors.judging import Row, stored_as
from sensors.quality.late import Stored
from sensors.quality.stream import Tests
from sensors.rules import Flag
from sensors.watch.state import WatchState

Key = tuple[int, datetime]


_LOCK = (
    "SELECT datastream_id, newest_at, document FROM stream_memory WHERE datastream_id = ANY(%b) ORDER BY datastream_id "
    "FOR UPDATE"
)
_BEGIN = sa.text(
    "INSERT INTO stream_memory (datastream_id) SELECT id FROM unnest(CAST(:ids AS int[])) AS fresh(id) ORDER BY id "
    "ON CONFLICT DO NOTHING"
)
Documents = Mapping[int, tuple[datetime | None, bytes | None]]


def lock_documents(session: Session, datastream_ids: Iterable[int]) -> Documents:
    """The written memory of each datastream; nobody else stores for them until the commit."""
    ids = sorted(set(datastream_ids))
    found = _locked(session, _LOCK, ids)
    if len(found) < len(ids):
        session.execute(_BEGIN, {"ids": ids})
        found = _locked(session, _LOCK, ids)
    return found


def lock_free_documents(session: Session, datastream_ids: Iterable[int]) -> Documents:
    """The written memories of those of the datastreams that nobody stores for now, locked until the commit."""
    return _locked(session, _LOCK + " SKIP LOCKED", sorted(set(datastream_ids)))


def _locked(session: Session, statement: str, ids: list[int]) -> Documents:
    with driver_connection(session).cursor(binary=True) as cursor:
        found = cursor.execute(statement, [ids]).fetchall()
    return {datastream_id: (newest_at, document) for datastream_id, newest_at, document in found}


_REMEMBER = """
    UPDATE stream_memory AS m SET newest_at = known.t, document = known.document
    FROM unnest(CAST(%b AS int[]), CAST(%b AS timestamptz[]), CAST(%b AS bytea[])) AS known(d, t, document)
    WHERE m.datastream_id = known.d
    """


def remember(session: Session, documents: Documents) -> None:
    """The written memories are kept for the next batch."""
    columns = [list(documents), [at for at, _ in documents.values()], [text for _, text in documents.values()]]
    with driver_connection(session).cursor(binary=True) as cursor:
        cursor.execute(_REMEMBER, columns)


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


_AT = sa.text(
    "SELECT datastream_id, observed_at, value, confidence, received_at, received_wall_at, qc_flag, qc_tests, "
    "qc_reason, qc_parameters_id FROM reading WHERE datastream_id = :id AND observed_at = ANY(:times) AND copy = 0 "
    "ORDER BY observed_at"
)
# The epoch as a double, for both sides divide the microseconds by a million once: the number is that of Python.
_STORED = (
    "SELECT date_part('epoch', observed_at), value, date_part('epoch', received_at), qc_tests FROM reading "
    "WHERE datastream_id = %b AND observed_at >= %b AND observed_at < %b AND copy = 0 ORDER BY observed_at "
)
_OLDEST_FIRST, _NEWEST_FIRST = _STORED + "LIMIT %b", _STORED + "DESC LIMIT %b"
_FIRST_ROWS, _MOST_ROWS = 256, 16_384
_FIRST_SPAN = timedelta(hours=6)
_GROWS_BY = 4


class StoredAround:
    """The stored readings of a stream whose newest was observed at `newest_at`, asked for in growing portions.

    Each is bounded in rows and in days, so that neither a dense stream nor one with many partitions is read in vain.
    """

    def __init__(self, session: Session, datastream_id: int, *, newest_at: datetime | None) -> None:
        self._session, self._id, self._newest_at = session, datastream_id, newest_at

    def before(self, at_s: float, *, since_s: float) -> Iterator[Stored]:
        """Those earlier than `at_s` and not earlier than `since_s`, newest first."""
        until, since = _time(at_s), _time(max(since_s, 0.0))
        rows, span = _FIRST_ROWS, _FIRST_SPAN
        while until > since:
            low = max(until - span, since)
            found = self._stored(_NEWEST_FIRST, low, until, rows)
            yield from found
            until = _time(found[-1].at_s) if len(found) == rows else low
            rows, span = min(rows * _GROWS_BY, _MOST_ROWS), span * _GROWS_BY

    def since(self, at_s: float) -> Iterator[Stored]:
        """Those from `at_s` on, oldest first."""
        since, rows, span = _time(at_s), _FIRST_ROWS, _FIRST_SPAN
        while self._newest_at is not None and since <= self._newest_at:
            high = since + span
            found = self._stored(_OLDEST_FIRST, since, high, rows)
            yield from found
            since = _time(found[-1].at_s) + timedelta.resolution if len(found) == rows else high
            rows, span = min(rows * _GROWS_BY, _MOST_ROWS), span * _GROWS_BY

    def rows_at(self, times: Sequence[datetime]) -> list[Row]:
        """The whole rows of these times, as far as there are any, oldest first."""
        return [
            Row(
                row.datastream_id, row.observed_at.astimezone(UTC), row.value, row.confidence, row.received_at,
                row.received_wall_at, Flag(row.qc_flag), Tests(row.qc_tests), row.qc_reason, row.qc_parameters_id,
            )
            for row in self._session.execute(_AT, {"id": self._id, "times": list(times)})
        ]

    def _stored(self, statement: str, since: datetime, until: datetime, rows: int) -> list[Stored]:
        with driver_connection(self._session).cursor(binary=True) as cursor:
            found = cursor.execute(statement, [self._id, since, until, rows]).fetchall()
        return [stored_as(*row) for row in found]


def _time(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


_REFLAG = sa.text(
    """
    UPDATE reading AS r
    SET qc_flag = CASE WHEN n.is_overridden THEN r.qc_flag ELSE n.f END, qc_tests = n.tests,
        qc_reason = CASE WHEN n.is_overridden THEN r.qc_reason ELSE n.why END, qc_parameters_id = n.q
    FROM (
        SELECT told.*, EXISTS (SELECT FROM flag_override o WHERE o.datastream_id = d AND o.observed_at = t)
               AS is_overridden
        FROM unnest(CAST(:d AS int[]), CAST(:t AS timestamptz[]), CAST(:f AS smallint[]), CAST(:tests AS int[]),
                    CAST(:why AS text[]), CAST(:q AS int[])) AS told(d, t, f, tests, why, q)
    ) n
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
    """The stored readings have these flags now, and the newest of their streams are those that are good by them.

    What an officer has judged keeps the officer's flag; only its tests are written down.
    """
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
    find_newest_good(session, {row.datastream_id for row in rows})


def find_newest_good(session: Session, datastream_ids: Iterable[int]) -> None:
    """The newest good reading of each is the one that is good by the flags that stand now."""
    session.execute(_NEWEST_GOOD, {"ids": sorted(datastream_ids)})


_ADVANCE = """
    INSERT INTO latest_reading AS l (datastream_id, observed_at, value, qc_flag, qc_reason, confidence,
                                     first_observed_at, good_observed_at, good_value, good_received_wall_at)
    SELECT * FROM unnest(
        CAST(%b AS int[]), CAST(%b AS timestamptz[]), CAST(%b AS float8[]), CAST(%b AS smallint[]),
        CAST(%b AS text[]), CAST(%b AS float8[]), CAST(%b AS timestamptz[]), CAST(%b AS timestamptz[]),
        CAST(%b AS float8[]), CAST(%b AS timestamptz[]))
    ON CONFLICT (datastream_id) DO UPDATE SET
        observed_at = greatest(l.observed_at, excluded.observed_at),
        value = CASE WHEN excluded.observed_at > l.observed_at THEN excluded.value ELSE l.value END,
        qc_flag = CASE WHEN excluded.observed_at > l.observed_at THEN excluded.qc_flag ELSE l.qc_flag END,
        qc_reason = CASE WHEN excluded.observed_at > l.observed_at THEN excluded.qc_reason ELSE l.qc_reason END,
        confidence = CASE WHEN excluded.observed_at > l.observed_at THEN excluded.confidence ELSE l.confidence END,
        first_observed_at = least(l.first_observed_at, excluded.first_observed_at),
        good_observed_at = greatest(l.good_observed_at, excluded.good_observed_at),
        good_value = CASE WHEN excluded.good_observed_at > coalesce(l.good_observed_at, '-infinity')
                          THEN excluded.good_value ELSE l.good_value END,
        good_received_wall_at = CASE WHEN excluded.good_observed_at > coalesce(l.good_observed_at, '-infinity')
                                     THEN excluded.good_received_wall_at ELSE l.good_received_wall_at END
    """


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
    last, goods = [newest[one] for one in ids], [good.get(one) for one in ids]
    columns = [
        ids, [row.observed_at for row in last], [row.value for row in last], [int(row.flag) for row in last],
        [row.reason for row in last], [row.confidence for row in last], [first[one] for one in ids],
        [row and row.observed_at for row in goods], [row and row.value for row in goods],
        [row and row.received_wall_at for row in goods],
    ]
    with driver_connection(session).cursor(binary=True) as cursor:
        cursor.execute(_ADVANCE, columns)


_KEEP_STATES = sa.text(
    """
    UPDATE level_state AS s
    SET state = n.state, since_at = n.since, condition = n.condition, condition_since_at = n.condition_since
    FROM unnest(CAST(:d AS int[]), CAST(:state AS smallint[]), CAST(:since AS timestamptz[]),
                CAST(:condition AS smallint[]), CAST(:condition_since AS timestamptz[]))
         AS n(d, state, since, condition, condition_since)
    WHERE s.datastream_id = n.d
    """
)


def keep_states(session: Session, states: Mapping[int, WatchState]) -> None:
    """What screens ask of these gauges is what the watch has seen."""
    after = list(states.values())
    session.execute(
        _KEEP_STATES,
        {
            "d": list(states),
            "state": [int(one.state) for one in after],
            "since": [one.since_at for one in after],
            "condition": [int(one.condition) for one in after],
            "condition_since": [one.condition_since_at for one in after],
        },
    )
