"""Which city the commands of a data folder work with: the one that runs there, or was last run or imported."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from core import cluster, db
from core.errors import SetupError
from core.settings import ANOTHER_DATABASE, data_dir

HOUSE = "house"  # The lock of the one house that runs in a folder.


@dataclass(frozen=True)
class NotedCity:
    """The city that the other commands read: its database in the private cluster, and its slug."""

    database: str
    slug: str


@contextlib.contextmanager
def only_one(name: str, *, sentence: str) -> Iterator[None]:
    """No other process holds this data folder's lock `name`; raises SetupError with the sentence where one does."""
    with _lock(name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(sentence) from None
        yield


def house_runs() -> bool:
    """A house runs in this data folder, or is being made ready."""
    if not _lock(HOUSE).exists():
        return False
    with _lock(HOUSE).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock(name: str) -> Path:
    return data_dir() / f"{name}.lock"


def note_city() -> None:
    """Commands that read a city of the private cluster read the one that this process works with."""
    fresh = _note().with_suffix(".new")
    fresh.write_text(json.dumps({"database": db.engine().url.database}))
    fresh.replace(_note())


def noted_database() -> str | None:
    """The database of the private cluster that was last run or imported in this folder; None where there is none."""
    return str(json.loads(_note().read_text())["database"]) if _note().is_file() else None


def noted_city() -> NotedCity | None:
    """The noted database with the city in it; None where it is gone or holds none. The private cluster runs."""
    name, home = noted_database(), cluster.default_cluster()
    if name is None or not home.has_database(name):
        return None
    engine = sa.create_engine(db.sqlalchemy_url(home.url(name)), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        has_tables = connection.scalar(sa.text("SELECT to_regclass('city') IS NOT NULL"))
        slug = connection.scalar(sa.text("SELECT slug FROM city")) if has_tables else None
    return None if slug is None else NotedCity(name, slug)


def _note() -> Path:
    return data_dir() / "city.json"


def database_for(slug: str, *, noted: NotedCity | None, is_running: bool) -> str:
    """The private cluster's database that an import of the city `slug` goes into: the noted one where it is that city.

    Any other city goes into the cluster's own database, but never beside a house that runs: raises SetupError then.
    """
    if noted is not None and noted.slug == slug:
        return noted.database
    if not is_running:
        return cluster.DATABASE
    here = f"the city '{noted.slug}' runs" if noted else "a city is being made ready"
    raise SetupError(
        f"In {data_dir()} {here}, and this is the city '{slug}': end ./run first, or give '{slug}' a database of its "
        f"own: {ANOTHER_DATABASE}."
    )
