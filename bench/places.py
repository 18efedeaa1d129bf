"""Where a bench works: a folder and a database of its own, both gone afterwards; and work that is undone again."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bench.measure import Turn
from core import cluster, db
from core.cluster import Cluster
from core.errors import SetupError
from core.progress import step
from core.settings import data_dir, settings
from migrations import upgrade


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """No other bench of this installation runs during the block; raises SetupError where one does."""
    folder = data_dir() / "bench"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError("Another bench is running, and two at once would measure each other.") from None
        yield


@contextlib.contextmanager
def own_folder(name: str) -> Iterator[Path]:
    """The data folder is an empty one while the block runs: secrets, files and memories are none of the city's."""
    folder = data_dir() / "bench" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        with environment("FAONAM_DATA_DIR", str(folder)):
            yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def own_database(name: str, *, home: Cluster | None = None) -> Iterator[None]:
    """`core.db` works on the fresh database `bench_<name>` of the private cluster, in a data folder of its own.

    Both are gone afterwards; what a killed run left goes at the next one's start. The cluster ends with the block,
    unless somebody else uses it. Raises SetupError where DATABASE_URL names a city's own database.
    """
    if settings().database_url is not None:
        raise SetupError(
            "A bench never writes to a city's own database: unset DATABASE_URL, and it makes one of its own."
        )
    home = home or cluster.default_cluster()
    with (
        cluster.in_use(home),
        _database(home, f"bench_{name}") as url,
        own_folder(name),
        environment("DATABASE_URL", url),
    ):
        db.engine.cache_clear()
        try:
            with step("making the tables"):
                upgrade.upgrade(db.engine())
            yield
        finally:
            db.engine().dispose()
            db.engine.cache_clear()


@contextlib.contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """The variable has this value for the block, here and in processes that it starts."""
    before = os.environ.get(name)
    os.environ[name] = value
    settings.cache_clear()
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before
        settings.cache_clear()


@contextlib.contextmanager
def _database(home: Cluster, name: str) -> Iterator[str]:
    home.administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    try:
        home.administer(f"CREATE DATABASE {name}")
        yield home.url(name)
    finally:
        home.administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def undone() -> Iterator[Session]:
    """A session on an open connection; whatever the block does with it is rolled back."""
    with Session(bind=db.engine(), expire_on_commit=False) as session:
        session.connection()
        yield session
        session.rollback()


def timed_and_undone(work: Callable[[Session], object], *, empties: Sequence[str] = ()) -> Turn:
    """A turn that does `work` in a transaction of its own; neither connecting nor undoing it counts.

    The tables that it fills, `empties`, are as new afterwards.
    """

    def turn() -> float:
        with undone() as session:
            began_s = time.perf_counter()
            work(session)
            session.flush()
            took_s = time.perf_counter() - began_s
        if empties:
            # Rows that were rolled back stay in tables and indexes, and would slow each round more than the last.
            # Not VACUUM: a table that is known to be empty is planned for as empty, a new one is not.
            with db.transaction() as session:
                session.execute(sa.text(f"TRUNCATE {', '.join(empties)} CASCADE"))
        return took_s

    return turn


def add_bare_table(session: Session, *, like: str) -> str:
    """There is an empty table with the columns of `like`, without keys, indexes and checks; returns its name."""
    bare = f"bare_{like}"
    session.execute(sa.text(f"CREATE TABLE {bare} AS SELECT * FROM {like} WITH NO DATA"))  # noqa: S608 - our own words.
    return bare


def copied_out(session: Session, table: str) -> bytes:
    """All rows of the table in PostgreSQL's binary COPY format."""
    statement = f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)"  # noqa: S608 - our own words.
    with db.driver_connection(session).cursor().copy(statement) as copy:
        return b"".join(bytes(block) for block in copy)


def copy_in(session: Session, table: str, rows: bytes) -> None:
    """These rows, as `copied_out` gives them, stand in the table."""
    with db.driver_connection(session).cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
        copy.write(rows)


def has_same_rows(session: Session, one: str, other: str) -> bool:
    """The two tables hold the same rows."""
    differing = f"(TABLE {one} EXCEPT ALL TABLE {other}) UNION ALL (TABLE {other} EXCEPT ALL TABLE {one})"
    return session.execute(sa.text(differing)).first() is None
