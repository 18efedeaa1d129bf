"""A real PostGIS for every test: one template migrated once, a clone per worker, an outer transaction per test."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PLACE = Path(tempfile.gettempdir()) / f"faonam-test-{os.geteuid()}-{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}"
os.environ["FAONAM_DATA_DIR"] = str(_PLACE)
# Two hundred tests make and drop a database of 900 files each; on ext4 that takes ten times the processor's time,
# because it looks for an inode that was not freed in the last minutes.
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a name of our own in it, as in the folder of temporary files.
_MEMORY_NEEDED_BYTES = 4 * 2**30

import hypothesis  # noqa: E402 - the data folder must be known before any module of ours is read.
import pytest  # noqa: E402
import sqlalchemy as sa  # noqa: E402
import structlog  # noqa: E402
from sqlalchemy.orm import Session  # noqa: E402
from xdist.remote import Producer  # noqa: E402
from xdist.scheduler import LoadFileScheduling  # noqa: E402

from core import clock, cluster, db  # noqa: E402
from migrations import upgrade  # noqa: E402

hypothesis.settings.register_profile("untimed", deadline=None)  # How long an example takes is the machine's affair.
hypothesis.settings.load_profile("untimed")
# A fault that is logged is printed as in the house: drawn with every local variable, one takes seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)
FROZEN_AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def _cluster_folder() -> Path:
    """In memory where there is plenty, else beside the other files of tests."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _MEMORY_NEEDED_BYTES:
        return _MEMORY / _PLACE.name
    return _PLACE / "pg"


CLUSTER = cluster.Cluster(_cluster_folder())


def _engine(database: str, **options: object) -> sa.Engine:
    return sa.create_engine(db.sqlalchemy_url(CLUSTER.url(database)), **options)  # type: ignore[arg-type]  # options are passed through


_ON_THE_HOUSE = ("tests/browser/", "tests/storm/")


class _OneHouse(LoadFileScheduling):
    """Files are dealt out one after the other; those that play on the one house are one unit, for one worker.

    On two workers one play would keep the other waiting for its end.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "the house" if nodeid.startswith(_ON_THE_HOUSE) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """However xdist is asked to deal out the tests, it deals them out as the house needs it."""
    return _OneHouse(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest unit is the first: begun late, it would keep everybody waiting."""
    items.sort(key=lambda item: not item.nodeid.startswith(_ON_THE_HOUSE))


def _migrations_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "migrations" / "versions").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _template() -> str:
    name = f"template_{_migrations_digest()}"
    with (_PLACE / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if CLUSTER.has_database(name):
            return name
        CLUSTER.administer(f"DROP DATABASE IF EXISTS {name}_new WITH (FORCE)")
        CLUSTER.administer(f"CREATE DATABASE {name}_new")
        fresh = _engine(f"{name}_new", poolclass=sa.pool.NullPool)
        upgrade.upgrade(fresh)
        fresh.dispose()
        CLUSTER.administer(f"ALTER DATABASE {name}_new RENAME TO {name}")
    return name


def _clone() -> str:
    name = f"w_{os.getpid()}_{uuid.uuid4().hex[:6]}"
    # Copied as files: through the log, PostgreSQL's default, every clone would be written twice.
    CLUSTER.administer(f"CREATE DATABASE {name} TEMPLATE {_template()} STRATEGY file_copy")
    return name


@pytest.fixture(scope="session")
def postgres() -> Iterator[cluster.Cluster]:
    """The test cluster runs while any test run needs it; the last one out stops it."""
    _PLACE.mkdir(parents=True, exist_ok=True)
    _PLACE.chmod(0o755)
    with cluster.in_use(CLUSTER, is_forgetful=True):
        yield CLUSTER


@pytest.fixture(scope="session")
def _shared_database(postgres: cluster.Cluster) -> Iterator[sa.Engine]:
    name = _clone()
    engine = _engine(name)
    yield engine
    engine.dispose()
    CLUSTER.administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _use(monkeypatch: pytest.MonkeyPatch, engine: sa.Engine, name: str) -> None:
    monkeypatch.setenv("DATABASE_URL", CLUSTER.url(name))
    from core.settings import settings

    settings.cache_clear()
    db.engine.cache_clear()
    monkeypatch.setattr(db, "engine", lambda: engine)
    monkeypatch.setattr(clock, "engine", lambda: engine)


@pytest.fixture
def session(_shared_database: sa.Engine, frozen_clock: Callable[[datetime], None]) -> Iterator[Session]:
    """A session on a migrated database, inside an outer transaction that is rolled back; the clock stands still."""
    with _shared_database.connect() as connection:
        outer = connection.begin()
        with Session(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()


@pytest.fixture(scope="module")
def module_session(_shared_database: sa.Engine) -> Iterator[Session]:
    """The same for all tests of a file, that only read what the first one needs; rolled back behind the last one.

    No test of the file may use `session` too: its rows would wait for these.
    """
    clock.freeze(lambda: FROZEN_AT)
    with _shared_database.connect() as connection:
        outer = connection.begin()
        with Session(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()
    clock.freeze(None)


@pytest.fixture
def database(postgres: cluster.Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """A migrated database of its own with real commits; `core.db.engine()` and DATABASE_URL mean it."""
    yield from _own_database(monkeypatch)


@pytest.fixture(scope="module")
def module_database(postgres: cluster.Cluster) -> Iterator[sa.Engine]:
    """The same for all tests of a file that only read what its first one needs."""
    with pytest.MonkeyPatch.context() as patch:
        yield from _own_database(patch)


def _own_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    name = _clone()
    engine = _engine(name)
    _use(monkeypatch, engine, name)
    yield engine
    engine.dispose()
    from core.settings import settings

    settings.cache_clear()
    CLUSTER.administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def frozen_clock() -> Iterator[Callable[[datetime], None]]:
    """The shared clock stands at 2026-11-21 03:00 UTC until the test sets it: `frozen_clock(at)`."""
    clock.freeze(lambda: FROZEN_AT)
    yield lambda at: clock.freeze(lambda: at)
    clock.freeze(None)
