"""Old days of readings leave the database for a file each: Parquet, whole, and read back before anything is dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import driver_connection
from core.errors import UnavailableError
from core.files import whole_file

ROWS_AT_ONCE = 50_000
_OF_A_DAY = re.compile(r"reading_(\d{4})(\d{2})(\d{2})")
_TYPES = {
    "integer": pa.int32(), "smallint": pa.int16(), "bigint": pa.int64(), "double precision": pa.float64(),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"), "text": pa.string(), "jsonb": pa.string(),
    "character varying": pa.string(),
}  # fmt: skip


@dataclass(frozen=True)
class Archived:
    """A day that has left the database: its file and how many readings are in it."""

    day: date
    path: Path
    readings: int


def archive_days(session: Session, *, before: date, folder: Path) -> list[Archived]:
    """Every partition of a UTC day before `before` is a Parquet file in `folder` and no longer in the database.

    A file holds all columns of the readings and the code and unit of their datastream, by datastream and time. It is
    read back first: raises UnavailableError where it does not hold as many readings, and then nothing is dropped. No
    file is ever replaced: what came later for a day that had left already gets a file of its own.
    """
    done = []
    for name, day in _days(session):
        if day >= before:
            break
        path = _free_path(folder, day)
        readings = _write(session, name, path)
        session.execute(sa.text(f"ALTER TABLE reading DETACH PARTITION {name}"))
        session.execute(sa.text(f"DROP TABLE {name}"))
        done.append(Archived(day, path, readings))
    return done


def _days(session: Session) -> list[tuple[str, date]]:
    """The partitions of a day each, oldest first; the one of all other days is none of them."""
    names = session.scalars(
        sa.text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = CAST('reading' AS regclass) ORDER BY c.relname"
        )
    )
    found = ((name, _OF_A_DAY.fullmatch(name)) for name in names)
    return [(name, date(*map(int, of_a_day.groups()))) for name, of_a_day in found if of_a_day]


def _free_path(folder: Path, day: date) -> Path:
    paths = (folder / f"readings-{day:%Y-%m-%d}{f'.{number}' if number > 1 else ''}.parquet" for number in count(1))
    return next(path for path in paths if not path.exists())


def _write(session: Session, partition: str, path: Path) -> int:
    # Nobody adds a late reading between the copy and the drop.
    session.execute(sa.text(f"LOCK TABLE {partition} IN SHARE MODE"))
    columns = _columns(session)
    schema = pa.schema([("datastream", pa.string()), ("unit", pa.string()), *columns])
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole_file(path) as fresh:
        with pq.ParquetWriter(fresh, schema, compression="zstd") as writer:
            for batch in _batches(session, partition, schema):
                writer.write_batch(batch)
        expected = session.execute(sa.select(sa.func.count()).select_from(sa.table(partition))).scalar_one()
        kept = pq.read_metadata(fresh).num_rows
        if kept != expected:
            raise UnavailableError(f"{path.name} holds {kept} readings, but {partition} has {expected}: it stays.")
    return int(kept)


def _columns(session: Session) -> list[tuple[str, pa.DataType]]:
    found = session.execute(
        sa.text(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = 'reading' ORDER BY ordinal_position"
        )
    )
    return [(name, _TYPES[kind]) for name, kind in found]


def _batches(session: Session, partition: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    names = [name for name in schema.names if name not in {"datastream", "unit"}]
    texts = {name for name in names if schema.field(name).type == pa.string()}
    chosen = ", ".join(f"CAST(r.{name} AS text)" if name in texts else f"r.{name}" for name in names)
    with driver_connection(session).cursor(name="archive") as cursor:
        cursor.execute(
            f"SELECT d.code, d.unit, {chosen} FROM {partition} r "  # noqa: S608  Names come from the catalogue.
            "LEFT JOIN datastream d ON d.id = r.datastream_id ORDER BY r.datastream_id, r.observed_at"
        )
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield _batch(rows, schema)


def _batch(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
