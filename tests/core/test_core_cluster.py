"""The private cluster: made once, adopted when it lives, stopped fast, and clear about why it cannot be."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import cluster, db
from core.errors import SetupError
from core.settings import ROOT
from migrations import upgrade


@pytest.fixture
def fresh() -> Iterator[cluster.Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="faonam-"))
    folder.chmod(0o755)
    made = cluster.Cluster(folder / "pg")
    yield made
    cluster.stop(made)
    shutil.rmtree(folder)


def _rows(made: cluster.Cluster) -> int:
    engine = sa.create_engine(db.sqlalchemy_url(made.url()), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM kept")) or 0)


def test_a_living_cluster_is_adopted_and_not_doubled(fresh: cluster.Cluster) -> None:
    """Two starts give one postmaster; the second says that it started nothing."""
    assert cluster.start(fresh, is_forgetful=True) is True
    pid = cluster.running_pid(fresh)
    assert cluster.start(fresh, is_forgetful=True) is False
    assert pid == cluster.running_pid(fresh)


def test_committed_rows_survive_a_killed_postmaster(fresh: cluster.Cluster) -> None:
    """kill -9 of the database loses nothing that was committed."""
    cluster.start(fresh)
    engine = sa.create_engine(db.sqlalchemy_url(fresh.url()), poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE kept AS SELECT generate_series(1, 1000)"))
    pid = cluster.running_pid(fresh)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    cluster.reap(fresh)
    cluster.start(fresh)
    assert _rows(fresh) == 1000


def test_stopping_does_not_wait_for_an_idle_pool(fresh: cluster.Cluster) -> None:
    """An open pool of clients does not hold up the stop."""
    cluster.start(fresh, is_forgetful=True)
    engine = sa.create_engine(db.sqlalchemy_url(fresh.url()))
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        began_s = time.monotonic()
        cluster.stop(fresh)
        assert time.monotonic() - began_s < 5
        connection.invalidate()
    engine.dispose()
    assert cluster.running_pid(fresh) is None


def test_a_socket_path_that_is_too_long_is_a_clear_sentence() -> None:
    """A Unix socket's path has 107 bytes at most; the error says so and what to do."""
    long = cluster.Cluster(Path("/tmp") / ("x" * 100))  # noqa: S108 - nothing is written there.
    with pytest.raises(SetupError, match="too long for a Unix socket"):
        cluster.check_folder(long)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_a_closed_parent_folder_is_a_clear_sentence(tmp_path: Path) -> None:
    """As root the database runs as postgres, which cannot pass a folder of mode 0700."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(SetupError, match="cannot reach"):
        cluster.check_folder(cluster.Cluster(closed / "pg"))


def test_the_database_sees_thai(database: sa.Engine) -> None:
    """Trigrams of Thai words are not empty; in the C locale they would be."""
    with db.transaction() as session:
        db.check_thai(session)


def test_a_database_whose_locale_is_blind_to_thai_is_refused(postgres: cluster.Cluster) -> None:
    """In the locale C no Thai name is ever found, so nothing is set up there, and the sentence says what to do."""
    name = f"blind_{uuid.uuid4().hex[:6]}"
    postgres.administer(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    engine = sa.create_engine(db.sqlalchemy_url(postgres.url(name)), poolclass=sa.pool.NullPool)
    try:
        with pytest.raises(SetupError, match=r"cannot see Thai.*C\.UTF-8"):
            upgrade.upgrade(engine)
        with engine.connect() as connection:
            assert not sa.inspect(connection).get_table_names()
    finally:
        postgres.administer(f"DROP DATABASE {name} WITH (FORCE)")


def test_two_that_start_at_once_make_the_tables_once(postgres: cluster.Cluster) -> None:
    """A worker and an import started together on a new database: the second finds what the first has made."""
    name = f"fresh_{uuid.uuid4().hex[:6]}"
    postgres.administer(f"CREATE DATABASE {name}")
    script = "from migrations import upgrade; from core import db; upgrade.upgrade(db.engine())"
    environment = os.environ | {"DATABASE_URL": postgres.url(name)}
    try:
        command, told_in = [sys.executable, "-c", script], subprocess.PIPE
        started = [subprocess.Popen(command, cwd=ROOT, env=environment, stderr=told_in, text=True) for _ in range(2)]
        told = [process.communicate()[1] for process in started]
        assert [process.returncode for process in started] == [0, 0], told
    finally:
        postgres.administer(f"DROP DATABASE {name} WITH (FORCE)")
