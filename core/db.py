"""One engine, one session a piece of work, one commit at its edge. No other module commits."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import Connection as PsycopgConnection
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Session

from core import cluster
from core.errors import SetupError
from core.settings import settings

TESTED_AFTER_S = 0.5  # Sooner than a database comes back.


class Base(DeclarativeBase):
    """Every table of the house; each room declares its own in its `models.py`."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this mutable mapping from the class.
        dict[str, Any]: sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
    }


def database_url() -> str:
    """The libpq address of the city's database: `DATABASE_URL`, or the private cluster's socket."""
    configured = settings().database_url
    if configured is not None:
        return configured.get_secret_value()
    return cluster.default_url()


def sqlalchemy_url(url: str) -> str:
    """The same address with psycopg 3 named as the driver. Raises SetupError, which never repeats a password."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgresql", "postgres"}:
        raise SetupError("DATABASE_URL must look like postgresql://user:password@host:5432/name.")
    return f"postgresql+psycopg://{rest}"


@functools.lru_cache(maxsize=1)
def engine() -> sa.Engine:
    """The engine of this process."""
    return engine_at(database_url())


def engine_at(url: str) -> sa.Engine:
    """An engine whose connections are tested first where they lay idle: a restarted database heals itself."""
    made = sa.create_engine(
        sqlalchemy_url(url),
        pool_size=settings().database_pool_size,
        max_overflow=10,
        connect_args={"application_name": "faonam", "options": "-c timezone=UTC"},
    )
    _test_where_idle(made)
    return made


def _test_where_idle(made: sa.Engine) -> None:
    """Connections used a moment ago are spared the question whether they live, one for each transaction."""

    def note_idle_since(_driver: object, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info["idle_since_s"] = time.monotonic()

    def test(driver: Any, record: sa.pool.ConnectionPoolEntry, _proxy: object) -> None:
        idle_since_s = record.info.get("idle_since_s")
        if idle_since_s is None or time.monotonic() - idle_since_s < TESTED_AFTER_S:
            return
        try:
            made.dialect.do_ping(driver)
        except psycopg.Error as exc:
            raise sa.exc.InvalidatePoolError from exc

    sa.event.listen(made, "checkin", note_idle_since)
    sa.event.listen(made, "checkout", test)


def use(url: str) -> None:
    """This process and the children it starts from now on work on the database at `url`."""
    os.environ["DATABASE_URL"] = url
    settings.cache_clear()
    engine().dispose()
    engine.cache_clear()


@contextlib.contextmanager
def transaction() -> Iterator[Session]:
    """A session that is committed when the block ends well and rolled back when not: the only commit there is."""
    with Session(bind=engine(), expire_on_commit=False) as session, session.begin():
        yield session


def driver_connection(session: Session) -> PsycopgConnection[Any]:
    """The psycopg connection under the session, for COPY and for enqueueing jobs inside the same transaction."""
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, PsycopgConnection)
    return driver


def is_away(fault: Exception) -> bool:
    """The fault says that the database did not answer, not that the question was wrong."""
    return isinstance(
        fault, (sa.exc.OperationalError, sa.exc.TimeoutError, sa.exc.InterfaceError, psycopg.OperationalError)
    ) or (isinstance(fault, sa.exc.DBAPIError) and fault.connection_invalidated)


def check_thai(asked: Session | sa.Connection) -> None:
    """The database sees Thai letters; raises SetupError where its locale is blind to them.

    In a blind locale trigrams of Thai are empty and likeness is compared by the digits alone (LC_CTYPE C).
    """
    seen = asked.execute(sa.text(r"SELECT cardinality(show_trgm('ราชดำเนิน')) > 0 AND 'ก' ~ '\w'")).scalar_one()
    if not seen:
        raise SetupError(
            "The database's locale cannot see Thai text, so place names would never be found. "
            "Create the database with LC_CTYPE C.UTF-8 or th_TH.UTF-8."
        )
